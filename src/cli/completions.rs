//! `salenet completions`: a completion script for a shell.

use clap::Args;
use clap_complete::Shell;

use super::args::print;
use super::failure::Failure;

/// Print a completion script
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    shell: Shell,
}

pub fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "salenet", &mut script);
    print(&String::from_utf8_lossy(&script))
}

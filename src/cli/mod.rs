//! The command line: one file per command, each with its arguments, its help and its words.
//!
//! The only layer that prints, reads the environment and knows exit codes as such.
//! stdout is data, stderr is words; progress bars only on a terminal.

mod args;
pub mod failure;
pub mod progress;
pub mod run;
pub mod plan;
pub mod check;
pub mod test;
pub mod sql;
pub mod prompt;
pub mod releases;
pub mod rejects;
pub mod accept;
pub mod campaign;
pub mod explain;
mod explain_campaign;
mod explain_match;
pub mod matching;
pub mod match_review;
pub mod score;
pub mod report;
pub mod generate;
pub mod schema;
pub mod completions;
pub mod summary;
pub mod campaign_ratios;
mod campaign_sheets;
mod campaign_results;
pub mod campaign_words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use args::GlobalArgs;
use failure::Failure;

/// Turns a bank's extracts into a customer-centric warehouse, profitability and target lists.
#[derive(Debug, Parser)]
#[command(name = "salenet", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 unexpected, 2 usage, 3 invalid configuration, \
4 a limit or gate failed and nothing was published, 5 a delivery is missing, unreadable or disagrees with its \
controls, 6 another run holds the lock.";

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Plan(plan::PlanArgs),
    Check(check::CheckArgs),
    Test(test::TestArgs),
    Sql(sql::SqlArgs),
    Releases(releases::ReleasesArgs),
    Rejects(rejects::RejectsArgs),
    Match(matching::MatchArgs),
    Campaign(campaign::CampaignArgs),
    Score(score::ScoreArgs),
    Accept(accept::AcceptArgs),
    Explain(explain::ExplainArgs),
    Report(report::ReportArgs),
    Generate(generate::GenerateArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
}

/// Parses the arguments, runs the command, prints what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    // Planning recurses over the query; a generated query must not end the process.
    let worker = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(run_command);
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // A panic has been printed where it happened.
        Ok(Err(_)) => ExitCode::from(crate::run::error::exit_code::UNEXPECTED),
        Err(error) => Failure::unexpected(&error).report(),
    }
}

const STACK_BYTES: usize = 64 << 20;

fn run_command() -> ExitCode {
    let cli = Cli::parse();
    let global = &cli.global;
    let result = match &cli.command {
        Command::Run(args) => run::run(args, global),
        Command::Plan(args) => plan::run(args, global),
        Command::Check(args) => check::run(args, global),
        Command::Test(args) => test::run(args, global),
        Command::Sql(args) => sql::run(args, global),
        Command::Releases(args) => releases::run(args, global),
        Command::Rejects(args) => rejects::run(args, global),
        Command::Match(args) => matching::run(args, global),
        Command::Campaign(args) => campaign::run(args, global),
        Command::Score(args) => score::run(args, global),
        Command::Accept(args) => accept::run(args, global),
        Command::Explain(args) => explain::run(args, global),
        Command::Report(args) => report::run(args, global),
        Command::Generate(args) => generate::run(args, global),
        Command::Schema(args) => schema::run(args),
        Command::Completions(args) => completions::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The whole command line, for completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

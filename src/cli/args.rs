//! Arguments every command shares, and what they stand for once read.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::failure::Failure;
use crate::config::{self, Project};
use crate::run::RunSettings;
use crate::sql::output::OutputFormat;

#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Folder of the project
    #[arg(
        long,
        global = true,
        default_value = "pipelines/harbor",
        value_name = "DIR"
    )]
    pub project: PathBuf,
    /// Warehouse folder [default: as in bank.yml, else warehouse/<project>]
    #[arg(long, global = true, value_name = "DIR")]
    pub warehouse: Option<PathBuf>,
    /// Folder of the delivered files [default: as in bank.yml]
    #[arg(long, global = true, value_name = "DIR")]
    pub landing: Option<PathBuf>,
    /// Threads [default: all cores]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Memory to keep within, such as 8GB: queries spill to disk, and a run that holds a quarter more ends by itself
    /// [default: no limit]
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size)]
    pub memory: Option<usize>,
    /// How results are written
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// No words on stderr except errors
    #[arg(long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Csv,
    Json,
    /// Needs --output
    Parquet,
}

impl Format {
    /// The text form; Parquet has none.
    #[must_use]
    pub const fn as_text(self) -> OutputFormat {
        match self {
            Self::Table | Self::Parquet => OutputFormat::Table,
            Self::Csv => OutputFormat::Csv,
            Self::Json => OutputFormat::Json,
        }
    }
}

impl GlobalArgs {
    /// Loads the project; all its problems are one failure.
    pub fn load_project(&self) -> Result<Project, Failure> {
        config::load(&self.project).map_err(|problems| Failure::configuration(&problems))
    }

    pub fn settings(&self, project: &Project) -> Result<RunSettings, Failure> {
        let working_folder =
            std::env::current_dir().map_err(|error| Failure::unexpected(&error))?;
        let threads = self
            .threads
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN);
        let mut settings = RunSettings::new(
            project,
            &working_folder,
            self.warehouse.clone(),
            self.landing.clone(),
            threads,
        );
        settings.memory = self.memory;
        Ok(settings)
    }

    /// Says something to the person at the terminal.
    #[expect(clippy::print_stderr, reason = "words go to stderr")]
    pub fn say(&self, words: &str) {
        if !self.quiet {
            eprintln!("{words}");
        }
    }
}

fn parse_size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor: usize = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        unit => return Err(format!("unknown unit `{unit}`; write 512MB or 2GB")),
    };
    let number: usize = digits
        .trim()
        .parse()
        .map_err(|_| "write a size such as 512MB or 2GB".to_owned())?;
    number
        .checked_mul(factor)
        .ok_or_else(|| "this size is too large".to_owned())
}

/// Writes data to stdout; a reader that has gone away is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::unexpected(&error)),
    }
}

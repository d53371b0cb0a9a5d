//! Progress on a terminal; plain lines nowhere else.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::failure::Failure;
use crate::run::Progress;
use crate::run::RunError;
use crate::run::progress::StepStatus;

/// A bar per night on a terminal; silent when stderr is a file or a pipe.
#[derive(Debug)]
pub struct TerminalProgress {
    bar: ProgressBar,
}

impl TerminalProgress {
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let bar = if shown {
            ProgressBar::no_length()
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self { bar }
    }
}

impl Drop for TerminalProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for TerminalProgress {
    fn night_started(&self, date: &str, n_steps: usize) {
        self.bar.set_prefix(date.to_owned());
        self.bar.set_length(n_steps as u64);
        self.bar.set_position(0);
    }

    fn step_started(&self, step: &str) {
        self.bar.set_message(step.to_owned());
    }

    fn step_finished(&self, step: &str, status: StepStatus, rows: u64, took: Duration) {
        if status == StepStatus::Ran && took >= Duration::from_secs(1) {
            self.bar.println(format!(
                "  {step}: {rows} rows in {:.1} s",
                took.as_secs_f64()
            ));
        }
        self.bar.inc(1);
    }

    fn gave_up(&self, error: &RunError) {
        self.bar.finish_and_clear();
        let failure = Failure::from_run(error);
        let _told = failure.report();
        std::process::exit(i32::from(error.exit_code()));
    }
}

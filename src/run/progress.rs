//! What a run tells while it works; the command line decides how to show it.

use std::time::Duration;

use serde::Serialize;

use super::RunError;
use super::measure::StepMeasure;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    Ran,
    /// Its fingerprint was known: nothing was computed.
    Reused,
}

/// Called from several threads.
pub trait Progress: Sync {
    fn night_started(&self, date: &str, n_steps: usize);
    fn step_started(&self, step: &str);
    fn step_finished(&self, step: &str, status: StepStatus, rows: u64, took: Duration);
    /// What a step, or a stage of steps side by side, took of the machine; most do not care.
    fn step_measured(&self, _measure: StepMeasure) {}
    /// The run cannot go on, and cannot come back either: who listens ends the program. Nothing is published.
    fn gave_up(&self, _error: &RunError) {}
}

/// Tells nobody.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn night_started(&self, _date: &str, _n_steps: usize) {}
    fn step_started(&self, _step: &str) {}
    fn step_finished(&self, _step: &str, _status: StepStatus, _rows: u64, _took: Duration) {}
}

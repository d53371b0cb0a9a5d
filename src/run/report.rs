//! What a run did: for people at the end of the night, and as JSON beside the release.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::measure::RunMeasures;
use crate::store::manifest::GateResult;
use crate::store::{Manifest, ReleaseId};

/// Starts a stopwatch.
#[expect(
    clippy::disallowed_methods,
    reason = "the run layer measures its steps"
)]
#[must_use]
pub fn timed() -> Instant {
    Instant::now()
}

/// A name for this run that sorts by time; it stands in `runs/` only.
#[expect(
    clippy::disallowed_methods,
    reason = "runs are named by the clock; no table and no manifest is"
)]
#[must_use]
pub fn run_id() -> String {
    format!(
        "{}-{}",
        chrono::Utc::now().format("%Y%m%dT%H%M%S"),
        std::process::id()
    )
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Oldest first; readers see the last.
    Published(Vec<ReleaseId>),
    /// The same inputs are published already.
    AlreadyPublished(ReleaseId),
}

#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    pub run_id: String,
    pub outcome: RunOutcome,
    #[serde(flatten)]
    pub measures: RunMeasures,
    /// The release readers see now.
    #[serde(skip)]
    pub manifest: Manifest,
    pub gates_not_passed: Vec<GateResult>,
}

#[must_use]
pub fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}

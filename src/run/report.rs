//! What a run did: for people at the end of the night, and as JSON beside the release.

use std::time::{Duration, Instant};

use serde::Serialize;

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
    pub seconds: f64,
    pub steps_run: usize,
    pub steps_reused: usize,
    /// Highest resident size of the process so far, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// The release readers see now.
    #[serde(skip)]
    pub manifest: Manifest,
    pub gates_not_passed: Vec<GateResult>,
}

/// The process's highest resident size, from the kernel's own books.
#[must_use]
pub fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[must_use]
pub fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}

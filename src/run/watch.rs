//! Keeps a run within its memory limit, or ends it: what no operator admits to is held all the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

use super::RunError;
use super::measure::resident_bytes;

/// How often the process is looked at.
const EVERY: Duration = Duration::from_millis(50);
/// What the program itself takes: no limit below it can be kept.
const SMALLEST: u64 = 256 << 20;

/// Looks until `is_done`; calls `exceeded` at most once, when the process holds more than a quarter over its limit.
pub(super) fn watch(memory: usize, is_done: &AtomicBool, exceeded: impl FnOnce(&RunError)) {
    let limit = (memory as u64).max(SMALLEST);
    while !is_done.load(Ordering::Acquire) {
        match resident_bytes() {
            // Where the system does not tell, nothing is watched.
            None => return,
            Some(held) if held > limit / 4 * 5 => {
                return exceeded(&RunError::OverMemory {
                    held_mb: held >> 20,
                    limit_mb: limit >> 20,
                });
            }
            Some(_) => std::thread::park_timeout(EVERY),
        }
    }
}

/// Ends a watch at once.
pub(super) fn stop(is_done: &AtomicBool, watching: Option<&Thread>) {
    is_done.store(true, Ordering::Release);
    if let Some(thread) = watching {
        thread.unpark();
    }
}

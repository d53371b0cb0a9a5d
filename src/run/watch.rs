//! Keeps a run within its memory limit, or ends it: what no operator admits to is held all the same.
//!
//! What was freed stays with the process as long as the limit is far, for fresh pages are dear; it is given back when the
//! limit comes near.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use salenet_allocator::{give_back_freed_memory, keep_freed_memory};

use super::RunError;
use super::measure::{available_bytes, unshared_bytes};

/// How often the process is looked at.
const EVERY: Duration = Duration::from_millis(50);
/// What the program itself takes: no limit below it can be kept.
const SMALLEST: u64 = 256 << 20;

/// What the run and its watch tell each other.
#[derive(Debug, Default)]
pub(super) struct Watch {
    is_done: AtomicBool,
    publishing: Mutex<()>,
}

impl Watch {
    /// Until it is dropped the run is not ended: a night is published whole, or not at all.
    pub fn publishing(&self) -> MutexGuard<'_, ()> {
        self.publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is left that could be ended.
    pub fn finish(&self) {
        self.is_done.store(true, Ordering::Release);
    }

    /// Looks until the run is done; calls `exceeded` at most once, when the process holds more than a quarter over its
    /// limit. Without a limit nothing ends, and what was freed is kept up to a quarter of what the machine has to spare.
    pub fn look(&self, memory: Option<usize>, exceeded: impl FnOnce(&RunError)) {
        let limit = memory.map(|memory| (memory as u64).max(SMALLEST));
        let near = limit.map(|limit| limit / 4 * 3);
        // Where the system does not tell, nothing is watched, and nothing kept.
        let (Some(near), Some(mut remained)) = (
            near.or_else(|| Some(available_bytes()? / 4)),
            unshared_bytes(),
        ) else {
            return;
        };
        keep_freed_memory();
        while !self.is_done.load(Ordering::Acquire) {
            let Some(held) = unshared_bytes() else {
                return;
            };
            remained = remained.min(held);
            // What is in use stays: asking again is only worth it once more has come.
            if held > near.max(remained + near / 16) {
                give_back_freed_memory();
                remained = unshared_bytes().unwrap_or(held);
                continue;
            }
            if let Some(limit) = limit.filter(|limit| held > limit / 4 * 5) {
                let _unpublished = self.publishing();
                // While it was published there was no ending it, and it may be done.
                if self.is_done.load(Ordering::Acquire)
                    || unshared_bytes().is_none_or(|held| held <= limit / 4 * 5)
                {
                    continue;
                }
                return exceeded(&RunError::OverMemory {
                    held_mb: held >> 20,
                    limit_mb: limit >> 20,
                });
            }
            std::thread::park_timeout(EVERY);
        }
    }
}

/// Ends the watch when the run ends, whichever way.
pub(super) struct Ending<'a> {
    pub watch: &'a Watch,
    pub watching: Thread,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.watch.finish();
        self.watching.unpark();
    }
}

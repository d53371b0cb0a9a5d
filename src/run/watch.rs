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
/// Two seconds near the limit: most of the time all is in use, and what is free is fetched again soon.
const LOOKS_BETWEEN: u32 = 40;
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
    /// limit. Without a limit nothing ends, and what was freed is kept up to a quarter of what there is to spare.
    pub fn look(&self, memory: Option<usize>, exceeded: impl FnOnce(&RunError)) {
        let limit = memory.map(|memory| (memory as u64).max(SMALLEST));
        let near = limit.map(|limit| limit / 4 * 3);
        // Where the system does not tell, nothing is watched, and nothing kept.
        let (Some(near), Some(held)) = (
            near.or_else(|| Some(available_bytes()? / 4)),
            unshared_bytes(),
        ) else {
            return;
        };
        let mut kept = Kept::new(near, held);
        keep_freed_memory();
        while !self.is_done.load(Ordering::Acquire) {
            let Some(held) = unshared_bytes() else {
                return;
            };
            if kept.goes_back(held) {
                give_back_freed_memory();
                kept.went_back(unshared_bytes().unwrap_or(held));
            } else if let Some(limit) = limit.filter(|limit| held > limit / 4 * 5) {
                let _unpublished = self.publishing();
                // What is only kept ends no run.
                give_back_freed_memory();
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
            } else {
                std::thread::park_timeout(EVERY);
            }
        }
    }
}

/// When what was freed goes back to the system.
#[derive(Debug)]
struct Kept {
    /// Bytes up to which all of it is kept.
    near: u64,
    /// Bytes held after it went back last, most of which were in use.
    remained: u64,
    /// Looks since then.
    n_looks: u32,
}

impl Kept {
    fn new(near: u64, held: u64) -> Self {
        Self {
            near,
            remained: held,
            n_looks: 0,
        }
    }

    /// Near the limit: once more has come than remained last time, else at times, since how much of it is free is not
    /// told.
    fn goes_back(&mut self, held: u64) -> bool {
        self.n_looks += 1;
        held > self.near && (held > self.remained + self.near / 16 || self.n_looks >= LOOKS_BETWEEN)
    }

    fn went_back(&mut self, remained: u64) {
        (self.remained, self.n_looks) = (remained, 0);
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

#[cfg(test)]
mod tests {
    use super::{Kept, LOOKS_BETWEEN};

    #[test]
    fn what_was_freed_goes_back_near_the_limit_at_once_when_more_has_come_and_else_at_times() {
        let mut kept = Kept::new(1600, 100);
        assert!((0..1000).all(|_| !kept.goes_back(1600)));
        assert!(kept.goes_back(1601));
        // All of it is in use.
        kept.went_back(1600);
        assert!(!kept.goes_back(1650));
        assert!(kept.goes_back(1701));
        // Much was in use; it has been freed since, and is kept.
        kept.went_back(2000);
        assert!((1..LOOKS_BETWEEN).all(|_| !kept.goes_back(2000)));
        assert!(kept.goes_back(2000));
        kept.went_back(300);
        assert!(!kept.goes_back(1600));
    }
}

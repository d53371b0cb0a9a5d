//! Memory that was freed, and when the system gets it back.
//!
//! To touch a fresh page costs more than most of what is then done in it: a night that gives back what it frees, and
//! fetches it again for its next query, spends a tenth of its processor time on empty pages. So a run keeps all of it
//! until its limit comes near.

use std::ffi::c_long;

use libmimalloc_sys::{mi_collect, mi_option_set, mi_option_t};
pub use mimalloc::MiMalloc as Allocator;

/// `mi_option_purge_delay` of mimalloc 3, which the bindings do not name: milliseconds until freed pages are given back.
const PURGE_DELAY: mi_option_t = 15;
/// A day: longer than a night. Pages that are never to be given back would not be noted, and could not be asked for.
const LONG: c_long = 24 * 60 * 60 * 1000;

/// From now on what is freed stays with the process until [`give_back_freed_memory`].
#[expect(unsafe_code, reason = "the allocator's options are set by C")]
pub fn keep_freed_memory() {
    // SAFETY: stores two aligned words, the delay and that it is known, which other threads read before or after.
    unsafe { mi_option_set(PURGE_DELAY, LONG) }
}

/// Gives back what is free now; other threads go on meanwhile. Where the program has another allocator, nothing happens.
#[expect(unsafe_code, reason = "the allocator is asked by C")]
pub fn give_back_freed_memory() {
    // SAFETY: may be called by any thread at any time, and touches no memory that is in use.
    unsafe { mi_collect(true) }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::{Allocator, give_back_freed_memory, keep_freed_memory};

    #[global_allocator]
    static ALLOCATOR: Allocator = Allocator;

    fn megabytes_held() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kilobytes.parse::<u64>().unwrap() / 1024
    }

    /// 256 MB in large pieces, and as much in small ones.
    fn pieces() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let large = (0..64).map(|piece| vec![piece + 1; 4 << 20]);
        let small = (0..1 << 18).map(|_| vec![1; 1 << 10]);
        (large.collect(), small.collect())
    }

    #[test]
    fn what_other_threads_freed_is_kept_until_it_is_asked_for() {
        keep_freed_memory();
        let before = megabytes_held();
        let (at_work, works) = std::sync::mpsc::channel();
        let (may_end, ends) = std::sync::mpsc::channel::<()>();
        let worker = std::thread::spawn(move || {
            let pieces = std::hint::black_box(pieces());
            at_work.send(megabytes_held()).unwrap();
            drop(pieces);
            // Longer than the allocator waits by itself.
            std::thread::sleep(std::time::Duration::from_millis(1500));
            drop(std::hint::black_box(vec![1_u8; 4 << 20]));
            at_work.send(megabytes_held()).unwrap();
            // It goes on living, as threads of a pool do.
            let _ = ends.recv();
        });
        assert!(works.recv().unwrap() >= before + 500);
        assert!(works.recv().unwrap() >= before + 500);
        give_back_freed_memory();
        assert!(megabytes_held() < before + 50);
        drop(may_end);
        worker.join().unwrap();
    }
}

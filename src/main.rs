//! The `salenet` program; everything it does stands in the library.

#[cfg(all(unix, not(debug_assertions)))]
use salenet::run::settings::PAGES_KEPT;

/// The system's allocator keeps what large queries have freed: with it the peak of a night is a third higher. On
/// unoptimised builds and their small banks it costs time and memory instead.
#[cfg(not(debug_assertions))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    #[cfg(all(unix, not(debug_assertions)))]
    decide_how_long_pages_are_kept();
    salenet::cli::main()
}

/// Freed pages that wait for their next use have doubled what a night held; to fetch them anew costs a sixth of its CPU
/// time. So the larger the limit, the longer they wait, and longest where there is none. The allocator asks its
/// environment before the first line of this program runs, so the program begins once more, in its own place; if it
/// cannot, it goes on as it is.
#[cfg(all(unix, not(debug_assertions)))]
fn decide_how_long_pages_are_kept() {
    use std::os::unix::process::CommandExt;

    if std::env::var_os(PAGES_KEPT).is_some() {
        return;
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let arguments: Vec<_> = arguments.collect();
    let memory = salenet::cli::args::memory_limit(&arguments);
    // Other commands than a night end before it matters.
    if memory.is_none() && !arguments.iter().any(|argument| argument == "run") {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    if let Ok(program) = std::env::current_exe() {
        let _unchanged = std::process::Command::new(program)
            .arg0(name)
            .args(arguments)
            .env(PAGES_KEPT, milliseconds_kept(memory, cores).to_string())
            .exec();
    }
}

/// How long pages wait where memory has no limit: by then what comes after a large query has taken them again.
#[cfg(any(test, all(unix, not(debug_assertions))))]
const LONGEST: usize = 10_000;

/// A core frees no more than half a gigabyte or so in a second: this keeps what waits at an eighth of the limit. Small
/// limits have no eighth to spare.
#[cfg(any(test, all(unix, not(debug_assertions))))]
fn milliseconds_kept(memory: Option<usize>, cores: usize) -> usize {
    match memory.map(|bytes| bytes >> 20) {
        None => LONGEST,
        Some(..2048) => 0,
        Some(megabytes) => (megabytes / 5 / cores).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, milliseconds_kept};

    #[test]
    fn what_waits_is_an_eighth_of_a_large_limit_and_nothing_of_a_small_one() {
        let kept = |gigabytes: usize, cores| milliseconds_kept(Some(gigabytes << 30), cores);
        assert_eq!(kept(1, 2), 0);
        assert_eq!(kept(8, 2), 819);
        assert_eq!(kept(8, 16), 102);
        assert_eq!(kept(64, 2), 6553);
        assert_eq!(kept(256, 2), LONGEST);
        assert_eq!(milliseconds_kept(None, 2), LONGEST);
    }
}

//! The `salenet` program; everything it does stands in the library.

/// The system's allocator keeps what large queries have freed: with it the peak of a night is a third higher. On
/// unoptimised builds and their small banks it costs time and memory instead.
#[cfg(not(debug_assertions))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    #[cfg(all(unix, not(debug_assertions)))]
    give_back_soon();
    salenet::cli::main()
}

/// Where memory has a limit, what is freed goes back to the system soon: freed pages that wait for their next use have
/// doubled what a night held. To fetch them anew costs a sixth of a night's CPU time, so a large limit lets them wait
/// longer. The allocator asks its environment before the first line of this program runs, so the program begins once
/// more, in its own place; if it cannot, it goes on as it is.
#[cfg(all(unix, not(debug_assertions)))]
fn give_back_soon() {
    use std::os::unix::process::CommandExt;

    const DELAY: &str = "MIMALLOC_PURGE_DELAY";
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let arguments: Vec<_> = arguments.collect();
    let Some(memory) = salenet::cli::args::memory_limit(&arguments) else {
        return;
    };
    if std::env::var_os(DELAY).is_some() {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    if let Ok(program) = std::env::current_exe() {
        let _unchanged = std::process::Command::new(program)
            .arg0(name)
            .args(arguments)
            .env(DELAY, milliseconds_kept(memory, cores).to_string())
            .exec();
    }
}

/// A core frees no more than half a gigabyte or so in a second: this keeps what waits at an eighth of the limit. Small
/// limits have no eighth to spare; and never does it wait longer than where there is no limit.
#[cfg(any(test, all(unix, not(debug_assertions))))]
fn milliseconds_kept(memory: usize, cores: usize) -> usize {
    let megabytes = memory >> 20;
    if megabytes < 2048 {
        0
    } else {
        (megabytes / 5 / cores).min(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::milliseconds_kept;

    #[test]
    fn what_waits_is_an_eighth_of_a_large_limit_and_nothing_of_a_small_one() {
        assert_eq!(milliseconds_kept(1 << 30, 2), 0);
        assert_eq!(milliseconds_kept(8 << 30, 2), 819);
        assert_eq!(milliseconds_kept(8 << 30, 16), 102);
        assert_eq!(milliseconds_kept(64 << 30, 2), 1000);
    }
}

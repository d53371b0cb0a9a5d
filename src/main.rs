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
    if let Ok(program) = std::env::current_exe() {
        let _unchanged = std::process::Command::new(program)
            .arg0(name)
            .args(arguments)
            .env(DELAY, milliseconds_kept(memory).to_string())
            .exec();
    }
}

/// A core frees no more than half a gigabyte or so in a second: this keeps what waits at an eighth of the limit. Small
/// limits have no eighth to spare; and never does it wait longer than where there is no limit.
#[cfg(all(unix, not(debug_assertions)))]
fn milliseconds_kept(memory: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let megabytes = memory >> 20;
    if megabytes < 2048 {
        0
    } else {
        (megabytes / 5 / cores).min(1000)
    }
}

//! The `salenet` program; everything it does stands in the library.

/// The system's allocator keeps what large queries have freed: with it the peak of a night is a third higher. On
/// unoptimised builds and their small banks it costs time and memory instead.
#[cfg(not(debug_assertions))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    #[cfg(all(unix, not(debug_assertions)))]
    give_back_at_once();
    salenet::cli::main()
}

/// Where memory has a limit, what is freed goes back to the system at once: freed pages that wait for their next use
/// have doubled what a night held. The allocator asks its environment before the first line of this program runs, so
/// the program begins once more, in its own place; if it cannot, it goes on as it is.
#[cfg(all(unix, not(debug_assertions)))]
fn give_back_at_once() {
    use std::os::unix::process::CommandExt;

    const DELAY: &str = "MIMALLOC_PURGE_DELAY";
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let arguments: Vec<_> = arguments.collect();
    let has_limit = arguments.iter().any(|argument| {
        argument == "--memory" || argument.to_string_lossy().starts_with("--memory=")
    });
    if !has_limit || std::env::var_os(DELAY).is_some() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let _unchanged = std::process::Command::new(program)
            .arg0(name)
            .args(arguments)
            .env(DELAY, "0")
            .exec();
    }
}

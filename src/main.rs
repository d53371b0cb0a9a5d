//! The `salenet` program; everything it does stands in the library.

/// Unlike the system's it can be told when to give back what large queries have freed (`run/watch.rs`). On unoptimised
/// builds and their small banks it costs time and memory instead.
#[cfg(not(debug_assertions))]
#[global_allocator]
static ALLOCATOR: salenet_allocator::Allocator = salenet_allocator::Allocator;

fn main() -> std::process::ExitCode {
    salenet::cli::main()
}

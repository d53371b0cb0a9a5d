//! The `salenet` program; everything it does stands in the library.

/// The system's allocator keeps what large queries have freed: with it the peak of a night is a third higher. On
/// unoptimised builds and their small banks it costs time and memory instead.
#[cfg(not(debug_assertions))]
#[global_allocator]
static ALLOCATOR: salenet_allocator::Allocator = salenet_allocator::Allocator;

fn main() -> std::process::ExitCode {
    salenet::cli::main()
}

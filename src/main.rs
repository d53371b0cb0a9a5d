//! The `salenet` program; everything it does stands in the library.

fn main() -> std::process::ExitCode {
    salenet::cli::main()
}

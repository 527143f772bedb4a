//! The `trunkline` binary.

fn main() -> std::process::ExitCode {
    trunkline::cli::main()
}

//! The program's entry.

use std::process::ExitCode;

fn main() -> ExitCode {
    ai_gateway::cli::main()
}

//! The program's entry. There is nothing to run yet, and it says so.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("ai-gateway: there is no daemon to start yet: README.md says what is here");
    ExitCode::FAILURE
}

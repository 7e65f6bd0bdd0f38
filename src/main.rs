//! Reads the arguments and hands over to the library.
use std::process::ExitCode;

fn main() -> ExitCode {
    portsight::cli::run()
}

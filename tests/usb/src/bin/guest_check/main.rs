//! Judges what came out of the guest: `guest_check RESULTS RECORDS`. Prints one line a check and ends with
//! `N passed, M failed`; exits with 1 when one failed.
//!
//! Nothing here depends on how fast the emulated machine was: order, counters, accounts and the device's own record.
mod checks;
mod run;

use std::path::Path;
use std::process::ExitCode;

/// The checks made so far.
#[derive(Default)]
pub struct Verdict {
    passed: u32,
    failed: u32,
}

impl Verdict {
    /// One check, with what was seen.
    pub fn expect(&mut self, holds: bool, what: &str, seen: &str) {
        let word = if holds {
            self.passed += 1;
            "ok    "
        } else {
            self.failed += 1;
            "FAILED"
        };
        println!("{word} {what}: {seen}");
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [results, records] = words.as_slice() else {
        eprintln!("guest_check: expected RESULTS RECORDS");
        return ExitCode::FAILURE;
    };
    let mut verdict = Verdict::default();
    checks::all(&mut verdict, Path::new(results), Path::new(records));
    println!("{} passed, {} failed", verdict.passed, verdict.failed);
    if verdict.failed == 0 && verdict.passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

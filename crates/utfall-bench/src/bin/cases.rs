//! Runs golden cases through the public request interface: `cases FOLDER`.
//!
//! Prints a line for each case and closes with `N passed, N failed, N skipped`. Exit code 1 if any
//! case failed, 2 if the folder cannot be read.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use utfall_request::cases;

/// Run every golden case of a folder and of the folders below it
#[derive(Parser)]
struct Args {
    /// Folder of cases
    folder: PathBuf,
}

fn main() -> std::io::Result<ExitCode> {
    let report = match cases::run(&Args::parse().folder) {
        Ok(report) => report,
        Err(error) => {
            writeln!(std::io::stderr(), "cannot run the cases: {error}")?;
            return Ok(ExitCode::from(2));
        }
    };
    writeln!(std::io::stdout(), "{report}")?;
    let (_, n_failed, _) = report.counts();
    Ok(if n_failed > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

//! Runs golden cases through the public request interface: `cases FOLDER`.
//!
//! Prints a line for each case and closes with `N passed, N failed, N skipped`. Exit code 1 if any
//! case failed, 2 if the folder cannot be read. With `--table` the lines are a table in Markdown.

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
    /// Print a table in Markdown: what each case compares, and what differs or is left out and why
    #[arg(long)]
    table: bool,
}

fn main() -> std::io::Result<ExitCode> {
    let args = Args::parse();
    let report = match cases::run(&args.folder) {
        Ok(report) => report,
        Err(error) => {
            writeln!(std::io::stderr(), "cannot run the cases: {error}")?;
            return Ok(ExitCode::from(2));
        }
    };
    if args.table {
        write!(std::io::stdout(), "{}", report.table())?;
    } else {
        writeln!(std::io::stdout(), "{report}")?;
    }
    let (_, n_failed, _) = report.counts();
    Ok(if n_failed > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

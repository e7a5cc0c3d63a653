//! What people see besides results, on standard error.

use std::io::Write;

use crate::error::CliError;

/// Writes a line to standard error. A closed standard error is nobody's failure.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes an error to standard error; one in a plan or contract is drawn with its line.
pub(crate) fn complain(error: &CliError) {
    match error.excerpt() {
        Some(excerpt) => note(&format!(
            "utfall: cannot use the plan\n{}",
            excerpt.trim_end()
        )),
        None => note(&format!("utfall: {error}")),
    }
}

//! What people see besides results, on standard error.

use std::io::Write;

use crate::error::CliError;

/// Writes a line to standard error. A closed standard error is nobody's failure.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes an error to standard error, with its place in the file where it has one.
pub(crate) fn complain(error: &CliError) {
    note(&format!("utfall: {error}"));
    if let Some(excerpt) = error.excerpt() {
        note(&excerpt);
    }
}

//! The table of cases as Markdown: what each compares, and what differs or is left out and why.

use std::fmt::Write;

use super::{CaseOutcome, CaseResult, CasesReport};

const HEAD: &str =
    "| case | what | software | numbers | result | conventions that differ, and numbers left out |
|---|---|---|---:|---|---|
";

impl CasesReport {
    /// The table of cases as Markdown, a row for each.
    ///
    /// How near the numbers came is not in it: it is the same wherever it is made.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = HEAD.to_owned();
        for CaseResult {
            name,
            about,
            outcome,
        } in &self.results
        {
            let (n_numbers, result) = match outcome {
                CaseOutcome::Passed(comparison) => (comparison.n_numbers, "passed".to_owned()),
                CaseOutcome::Failed { comparison, reason } => (
                    comparison.as_ref().map_or(0, |found| found.n_numbers),
                    format!("failed: {reason}"),
                ),
                CaseOutcome::Skipped { reason } => (0, format!("skipped: {reason}")),
            };
            let [what, software, notes] = match about {
                Some(about) => [&about.what, &about.software, &about.notes].map(|text| cell(text)),
                None => Default::default(),
            };
            let (name, result) = (cell(name), cell(&result));
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "| {name} | {what} | {software} | {n_numbers} | {result} | {notes} |"
            );
        }
        table
    }
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

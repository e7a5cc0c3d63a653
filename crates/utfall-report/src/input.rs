//! What a report is written from.

use utfall_verify::record::Documents;

/// A finished run, and how people call it.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// Title of the pipeline, for people.
    pub title: &'a str,
    /// Short name of the pipeline.
    pub pipeline: &'a str,
    /// What the programme is and what is compared, in a sentence or two.
    pub description: &'a str,
    /// The documents of the run.
    pub documents: &'a Documents,
}

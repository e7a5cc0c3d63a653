//! Why a report could not be written.

/// Why a report could not be written.
///
/// Every message reads on from "cannot write the report:".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The answer holds nothing that can be drawn.
    #[error("this answer has no picture: {remedy}")]
    NoPicture {
        /// What to ask for.
        remedy: &'static str,
    },

    /// The page template refused the page; a fault in this crate, not in the documents.
    #[error("the page template failed")]
    Template(#[from] minijinja::Error),
}

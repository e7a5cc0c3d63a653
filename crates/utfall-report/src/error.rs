//! Why a report could not be written.

/// Why a report could not be written.
///
/// Every message reads on from "cannot write the report:".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The page template refused the page; a fault in this crate, not in the documents.
    #[error("the page template failed")]
    Template(#[from] minijinja::Error),
}

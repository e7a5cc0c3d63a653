//! Why a world could not be made.

use utfall_files::FileError;
use utfall_registry::TableWriteError;

/// Why a text is no specification of a world.
///
/// Every message reads on from "cannot read the specification:".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The text is no TOML, holds an unknown key, lacks one, or gives a value that is out of bounds.
    #[error("{source_name}, line {line}, column {column}: {problem}")]
    Toml {
        /// Where the text came from.
        source_name: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
}

impl SpecError {
    /// A fault in a text, with its place.
    pub(crate) fn toml(source_name: &str, text: &str, error: &toml::de::Error) -> Self {
        let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
        let start_of_line = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::Toml {
            source_name: source_name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[start_of_line..].chars().count() + 1,
            problem: error.message().to_owned(),
        }
    }
}

/// Why the extracts of a world could not be written.
///
/// Every message reads on from "cannot simulate:".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// The file system refuses.
    #[error(transparent)]
    Disk(#[from] FileError),
    /// A Parquet file could not be written.
    #[error("cannot write the table: {0}")]
    Table(#[from] TableWriteError),
    /// The truth could not be put into JSON.
    #[error("the truth cannot be written as JSON: {0}")]
    Truth(#[from] serde_json::Error),
    /// The person running this asked to stop; nothing was written.
    #[error("stopped on request, nothing was written")]
    Cancelled,
}

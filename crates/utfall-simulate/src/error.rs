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

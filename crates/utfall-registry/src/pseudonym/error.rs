//! Why an extract cannot be pseudonymised.

use utfall_files::{FileError, SecretFileError};

use crate::ingest::IngestError;

/// Why an extract cannot be pseudonymised. Nothing has been written then.
///
/// Every message reads on from "cannot pseudonymise:", and shows neither a key nor a cell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PseudonymError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key file cannot be made, read or trusted to be secret.
    #[error(transparent)]
    KeyFile(#[from] SecretFileError),
    /// The extract cannot be read.
    #[error(transparent)]
    Extract(#[from] IngestError),
    /// A key file that is none.
    #[error(
        "the key file {path} holds no key, expected one line of 64 hexadecimal digits; make one with `utfall pseudonymise --new-key FILE`"
    )]
    NotAKey {
        /// The file.
        path: String,
    },
    /// A column that the extract does not have.
    #[error("the extract has no column `{column}`, it has {}", known.join(", "))]
    UnknownColumn {
        /// The name used.
        column: String,
        /// The columns of its file.
        known: Vec<String>,
    },
    /// A row that cannot be taken apart.
    #[error(
        "the row on line {line} has not the cells of the header or is badly quoted; correct it first or leave such rows out (`--bad-rows drop`), since an id in the wrong column would stay as it is"
    )]
    BadRow {
        /// Line on which it begins.
        line: u64,
    },
    /// A value without a letter or digit, of which no pseudonym can be made.
    #[error(
        "the row on line {line} has a value without a letter or digit in column `{column}`, expected an id or a missing code of the data contract"
    )]
    NoValue {
        /// Line on which the row begins.
        line: u64,
        /// The column.
        column: String,
    },
    /// An extract of another format.
    #[error("the extract is not delimited text; write it as such first")]
    NotText,
    /// The result would take the place of the extract.
    #[error("the result would take the place of the extract; choose another name")]
    SameFile,
}

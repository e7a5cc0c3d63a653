//! Why an extract could not be ingested.

use std::fmt;

use utfall_files::FileError;

use super::compression::Compression;
use super::file_name::FileName;
use crate::contract::Encoding;
use crate::engine::EngineError;
use crate::table_writer::TableWriteError;
use utfall_identity::IdentityKind;

/// Why an extract could not be ingested. Nothing has been written then, and what was there is
/// intact.
///
/// Every message reads on from "cannot ingest the extract:" and repeats no cell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// No file to read.
    #[error("no delivery, expected at least one file")]
    NoDelivery,
    /// Files of one delivery that are full and not.
    #[error(
        "files of the delivery of {vintage} are both `full` and `changes`, expected one scope for all"
    )]
    MixedScope {
        /// The delivery's vintage.
        vintage: chrono::NaiveDate,
    },
    /// A file cannot be opened or read.
    #[error(transparent)]
    Unreadable(FileError),
    /// A file without a single line.
    #[error("{file} is empty, expected at least a header")]
    Empty {
        /// The file.
        file: FileName,
    },
    /// Columns of the contract that the header lacks.
    #[error("{file}:1: {} not among the {n_found} columns of the header{}", list(columns), or_nothing(hint.as_deref()))]
    HeaderMissing {
        /// The file.
        file: FileName,
        /// Columns that are not there.
        columns: Vec<String>,
        /// Cells in the header.
        n_found: usize,
        /// A guess at the reason.
        hint: Option<String>,
    },
    /// A column of the contract that the header names twice.
    #[error("{file}:1: the header names column `{column}` twice, expected once")]
    HeaderTwice {
        /// The file.
        file: FileName,
        /// The column.
        column: String,
    },
    /// Bytes that are no text of the declared encoding, too many to be slips.
    #[error("{file}:{line}: the text is not {declared}{}; set `encoding` in the dialect to what the file is", found.map_or(String::new(), |found| format!(" but looks like {found}")))]
    WrongEncoding {
        /// The file.
        file: FileName,
        /// First line that shows it.
        line: u64,
        /// What the contract says.
        declared: Encoding,
        /// What it looks like.
        found: Option<&'static str>,
    },
    /// Columns of the contract that no record of the file gives.
    #[error("{file}: {} not among the fields that it gives", list(columns))]
    NeverGiven {
        /// The file.
        file: FileName,
        /// Columns that are not there.
        columns: Vec<String>,
    },
    /// A file that is not of the contract's format.
    #[error("{file} {what}; ask for it again, or name the right `format` in the contract")]
    Unfit {
        /// The file.
        file: FileName,
        /// What is wrong with it.
        what: &'static str,
    },
    /// XML that is not well formed.
    #[error("{file}:{line}: the document is not well formed from here on; ask for it again")]
    NotWellFormed {
        /// The file.
        file: FileName,
        /// Line up to which it is.
        line: u64,
    },
    /// A database that cannot be read.
    #[error("{database}: {what}")]
    Database {
        /// The database and the relation in it.
        database: FileName,
        /// What is wrong.
        what: String,
    },
    /// A file where the contract expects a database, or the other way round.
    #[error("{file} is {found}, but the contract's format is `{format}`")]
    WrongPlace {
        /// The delivery.
        file: FileName,
        /// What it is.
        found: &'static str,
        /// The contract's format.
        format: &'static str,
    },
    /// A workbook without the contract's sheet.
    #[error("{file} has no sheet `{sheet}`, expected one of {}", quoted(found))]
    NoSheet {
        /// The file.
        file: FileName,
        /// The contract's sheet.
        sheet: String,
        /// The workbook's sheets.
        found: Vec<String>,
    },
    /// A compressed file that cannot be expanded to its end.
    #[error(
        "{file} is cut short or damaged: it is {compression} and cannot be expanded to its end; ask for it again"
    )]
    Damaged {
        /// The file.
        file: FileName,
        /// How it is compressed.
        compression: Compression,
    },
    /// An archive that holds other than one file.
    #[error(
        "{file} is a zip archive of {n_members} files, expected one; unpack it and deliver its files"
    )]
    ManyMembers {
        /// The file.
        file: FileName,
        /// Files in the archive.
        n_members: usize,
    },
    /// An archive that needs a password.
    #[error("{file} is encrypted; decrypt it before it is read")]
    Encrypted {
        /// The file.
        file: FileName,
    },
    /// A record that does not end.
    #[error(
        "{file}:{line}: the record that begins here is longer than 16 MiB, is a quote left open?"
    )]
    RecordTooLong {
        /// The file.
        file: FileName,
        /// Line on which the record begins.
        line: u64,
    },
    /// A Parquet column of a type that the contract's type cannot be read from.
    #[error(
        "{file}: column `{column}` is stored as {found}, expected text or what a column of type {expected} is stored as"
    )]
    ColumnType {
        /// The file.
        file: FileName,
        /// The column.
        column: String,
        /// The file's type.
        found: String,
        /// The contract's type.
        expected: &'static str,
    },
    /// A file that is no Parquet, or a damaged one.
    #[error("{file} is no Parquet file, or it is damaged or cut short; ask for it again")]
    NotParquet {
        /// The file.
        file: FileName,
    },
    /// Columns that hold real identity numbers.
    #[error("{}; ask for pseudonymised data, and delete these files", findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    IdentityNumbers {
        /// One for each column.
        findings: Vec<IdentityFinding>,
    },
    /// A file that was written to while it was read.
    #[error("{file} changed while it was read; wait until its delivery is complete")]
    ChangedWhileRead {
        /// The file.
        file: FileName,
    },
    /// A rule that looks at an extract which is not there.
    #[error(
        "rule `{rule}` looks at extract `{extract}`, which is not among the extracts of the plan"
    )]
    NoSuchExtract {
        /// The rule.
        rule: String,
        /// The extract.
        extract: String,
    },
    /// A rule that compares columns of two extracts which do not fit.
    #[error(
        "rule `{rule}` needs a column `{column}` in extract `{extract}`, of the type of the column it is compared with"
    )]
    NoSuchColumn {
        /// The rule.
        rule: String,
        /// The other extract.
        extract: String,
        /// The column there.
        column: String,
    },
    /// What reading left is not there or not of this version.
    #[error("what reading left is damaged or of another version; read the extract again")]
    Stage,
    /// The person running this asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// What was read could not be written.
    #[error(transparent)]
    Disk(FileError),
    /// The table engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A column that holds real identity numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFinding {
    /// The file.
    pub file: FileName,
    /// The column's name in the header; `None` for cells beyond it.
    pub column: Option<String>,
    /// What the numbers are.
    pub kind: IdentityKind,
    /// Rows with a valid number.
    pub n_rows: u64,
    /// Line of the first.
    pub first_line: u64,
}

impl fmt::Display for IdentityFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            column,
            kind,
            n_rows,
            first_line,
        } = self;
        let column = column
            .as_ref()
            .map_or("a column beyond the header".to_owned(), |name| {
                format!("column `{name}`")
            });
        write!(
            f,
            "{file}:{first_line}: {column} holds {kind} in {n_rows} rows"
        )
    }
}

impl From<TableWriteError> for IngestError {
    fn from(error: TableWriteError) -> Self {
        match error {
            TableWriteError::File(error) => Self::Disk(error),
            TableWriteError::Engine(error) => Self::Engine(error),
            _ => Self::Engine(EngineError::unequal()),
        }
    }
}

fn list(names: &[String]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", quoted(names))
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn or_nothing(hint: Option<&str>) -> String {
    hint.map_or(String::new(), |hint| format!("; {hint}"))
}

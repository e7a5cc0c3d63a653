//! Why a checked table could not be read.

use chrono::NaiveDate;
use utfall_core::WindowError;
use utfall_files::FileError;

use crate::engine::EngineError;
use crate::quality::QualityReportError;

/// Why a checked table could not be read.
///
/// Every message reads on from "cannot read the table:" and repeats no cell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// No extract of that name.
    #[error("no extract is called `{extract}`, there are {}", known.join(", "))]
    UnknownExtract {
        /// The name used.
        extract: String,
        /// The extracts there are.
        known: Vec<String>,
    },
    /// No column of that name.
    #[error("extract `{extract}` has no column `{column}`, it has {}", known.join(", "))]
    UnknownColumn {
        /// The extract.
        extract: String,
        /// The name used.
        column: String,
        /// The columns there are.
        known: Vec<String>,
    },
    /// A column whose type does not fit its use.
    #[error("column `{column}` of extract `{extract}` is {found}, expected {expected}")]
    ColumnType {
        /// The extract.
        extract: String,
        /// The column.
        column: String,
        /// Its type.
        found: &'static str,
        /// What its use needs.
        expected: &'static str,
    },
    /// A measure of rows without a date to place them in a window.
    #[error("measure `{measure}` names no `time` column, expected the date that places a row in a window")]
    NoTime {
        /// The measure.
        measure: String,
    },
    /// A baseline that would look beyond the index date.
    #[error("the window ends on {end}, expected {index_date} (the index date) or earlier: what follows is outcome")]
    AfterIndexDate {
        /// First day after the window.
        end: NaiveDate,
        /// The index date.
        index_date: NaiveDate,
    },
    /// A column declared an outcome, asked for before outcomes may be read.
    #[error("column `{column}` of extract `{extract}` is declared an outcome, which nothing that forms the cohort may read")]
    OutcomeColumn {
        /// The extract.
        extract: String,
        /// The column.
        column: String,
    },
    /// Several values where one is needed.
    #[error("{n_units} units have several values of `{column}` in extract `{extract}`, expected one each; use an extract with one row for each")]
    SeveralValues {
        /// The extract.
        extract: String,
        /// The column.
        column: String,
        /// Units concerned.
        n_units: usize,
    },
    /// A sum beyond 64 bits.
    #[error("a sum of measure `{measure}` leaves the range of 64-bit whole numbers")]
    Overflow {
        /// The measure.
        measure: String,
    },
    /// Dates that leave the calendar.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// The quality report beside the table.
    #[error(transparent)]
    Quality(#[from] QualityReportError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The table engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

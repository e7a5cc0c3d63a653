//! The checked tables of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::contract::{Column, ColumnType, DataContract};
use crate::ingest::TABLE_FILE;
use crate::quality::QualityReport;
use crate::reading::TableError;

/// The checked tables, by extract.
#[derive(Debug, Clone)]
pub struct Tables {
    tables: BTreeMap<String, Table>,
}

#[derive(Debug, Clone)]
struct Table {
    contract: DataContract,
    file: PathBuf,
    reported_before: Option<NaiveDate>,
}

/// A value of a checked table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A text or code.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `units × 10^-decimals`.
    Decimal {
        /// Units of the last decimal.
        units: i64,
        /// Decimals.
        decimals: u8,
    },
    /// A date.
    Date(NaiveDate),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(count) => write!(f, "{count}"),
            Self::Decimal { units, decimals } => write!(f, "{units}e-{decimals}"),
            Self::Date(date) => write!(f, "{date}"),
        }
    }
}

impl Tables {
    /// Opens the tables that [`ingest`](crate::ingest) left in some folders, each with its contract.
    ///
    /// # Errors
    ///
    /// [`TableError`] if a quality report is missing, or a reporting lag leaves the calendar.
    pub fn open(folders: BTreeMap<String, (DataContract, PathBuf)>) -> Result<Self, TableError> {
        let mut tables = BTreeMap::new();
        for (extract, (contract, folder)) in folders {
            let vintage = QualityReport::read(&folder)?.latest_vintage();
            let reported_before = match (vintage, contract.reporting_lag()) {
                (Some(vintage), Some(lag)) => Some(lag.before(vintage)?),
                (vintage, None) => vintage,
                (None, _) => None,
            };
            tables.insert(extract, Table { contract, file: folder.join(TABLE_FILE), reported_before });
        }
        Ok(Self { tables })
    }

    /// The day before which everything that happened has been reported: the latest vintage, less
    /// the contract's reporting lag. A window that ends later is not measurable yet.
    #[must_use]
    pub fn fully_reported_before(&self, extract: &str) -> Option<NaiveDate> {
        self.tables.get(extract).and_then(|table| table.reported_before)
    }

    /// The file of a table.
    pub(crate) fn file(&self, extract: &str) -> Result<&Path, TableError> {
        Ok(&self.table(extract)?.file)
    }

    /// A column of a table.
    pub(crate) fn column(&self, extract: &str, name: &str) -> Result<&Column, TableError> {
        column(&self.table(extract)?.contract, name)
    }

    fn table(&self, extract: &str) -> Result<&Table, TableError> {
        self.tables.get(extract).ok_or_else(|| TableError::UnknownExtract {
            extract: extract.to_owned(),
            known: self.tables.keys().cloned().collect(),
        })
    }
}

/// The column of that name in a contract.
pub(crate) fn column<'a>(contract: &'a DataContract, name: &str) -> Result<&'a Column, TableError> {
    contract.column(name).ok_or_else(|| TableError::UnknownColumn {
        extract: contract.name().to_owned(),
        column: name.to_owned(),
        known: contract.columns().iter().map(|column| column.name().to_owned()).collect(),
    })
}

/// What a use of a column needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Text,
    Number,
    Date,
}

impl Need {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text or code",
            Self::Number => "integer or decimal",
            Self::Date => "date",
        }
    }

    /// Checks that a column is what its use needs.
    pub(crate) fn check(self, extract: &str, column: &Column) -> Result<(), TableError> {
        let fits = match column.kind() {
            ColumnType::Text | ColumnType::Code { .. } => self == Self::Text,
            ColumnType::Integer | ColumnType::Decimal { .. } => self == Self::Number,
            ColumnType::Date => self == Self::Date,
        };
        if fits {
            return Ok(());
        }
        Err(TableError::ColumnType {
            extract: extract.to_owned(),
            column: column.name().to_owned(),
            found: column.kind().name(),
            expected: self.name(),
        })
    }
}

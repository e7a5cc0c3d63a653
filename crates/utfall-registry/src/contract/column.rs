//! A column of an extract and what may stand in it.

use super::dialect::DateFormat;
use crate::cell;
use crate::pseudonym::PseudonymKeyId;
use crate::table_writer::StoredType;

/// A column of an extract.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub(crate) header: String,
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) required: bool,
    pub(crate) outcome: bool,
    pub(crate) unit: Option<String>,
    pub(crate) pseudonym: Option<PseudonymKeyId>,
    pub(crate) date: Option<DateFormat>,
    pub(crate) bounds: Bounds,
}

/// What a column's values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A number with at most this many decimals, stored as a whole number × 10^decimals.
    Decimal {
        /// Decimals kept, at most 9.
        decimals: u8,
    },
    /// A calendar date.
    Date,
    /// One of a list of codes, sorted.
    Code {
        /// The codes allowed.
        codes: Vec<String>,
    },
}

/// The smallest and largest value allowed, in the stored unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bounds {
    pub(crate) minimum: Option<i64>,
    pub(crate) maximum: Option<i64>,
}

/// Which end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Minimum,
    Maximum,
}

impl Column {
    /// The column's name in the file's header.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The column's name in the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the values are.
    #[must_use]
    pub fn kind(&self) -> &ColumnType {
        &self.kind
    }

    /// Whether a missing value is a violation.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Whether the column holds an outcome, which nothing that forms the cohort may read.
    #[must_use]
    pub fn is_outcome(&self) -> bool {
        self.outcome
    }

    /// The unit of the values, for people.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// The id of the key under which the values are pseudonyms, if they are.
    #[must_use]
    pub fn pseudonym(&self) -> Option<&PseudonymKeyId> {
        self.pseudonym.as_ref()
    }

    /// Decimals of the stored whole number; 0 for all but decimals.
    #[must_use]
    pub fn decimals(&self) -> u8 {
        match self.kind {
            ColumnType::Decimal { decimals } => decimals,
            _ => 0,
        }
    }

    /// How the values are stored.
    #[must_use]
    pub fn stored_type(&self) -> StoredType {
        match self.kind {
            ColumnType::Text | ColumnType::Code { .. } => StoredType::Text,
            ColumnType::Integer | ColumnType::Decimal { .. } => StoredType::Integer,
            ColumnType::Date => StoredType::Date,
        }
    }

    /// Reads a value written in canonical form (`1234.5`, `2024-01-31`) into the stored unit.
    pub(crate) fn canonical(&self, text: &str) -> Option<i64> {
        let bytes = text.as_bytes();
        match self.kind {
            ColumnType::Text | ColumnType::Code { .. } => None,
            ColumnType::Integer => cell::integer(bytes),
            ColumnType::Decimal { decimals } => cell::decimal(bytes, b'.', decimals).ok(),
            ColumnType::Date => DateFormat::iso().parse(bytes).map(i64::from),
        }
    }
}

impl ColumnType {
    /// The type's name in a contract.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal { .. } => "decimal",
            Self::Date => "date",
            Self::Code { .. } => "code",
        }
    }
}

impl Bounds {
    /// The end that a value lies beyond.
    #[inline]
    pub(crate) fn broken_by(self, value: i64) -> Option<Bound> {
        if self.minimum.is_some_and(|minimum| value < minimum) {
            Some(Bound::Minimum)
        } else if self.maximum.is_some_and(|maximum| value > maximum) {
            Some(Bound::Maximum)
        } else {
            None
        }
    }
}

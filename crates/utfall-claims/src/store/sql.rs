//! What the store asks of a database: a few statements that mean the same in both.

use super::StoreError;

/// A value in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Missing,
}

/// A connection within which one transaction is open at a time.
///
/// Statements use `$1`, `$2`, … in order of first use; tables hold `TEXT` and `BIGINT` alone, days as
/// `2024-09-01`. What is sorted is sorted by us: databases differ in how they order text.
pub(super) trait Link: Send {
    /// Begins a transaction that changes the store.
    fn begin_write(&mut self) -> Result<(), StoreError>;

    /// Begins a transaction that sees one state of the store.
    fn begin_read(&mut self) -> Result<(), StoreError>;

    /// Runs statements without values.
    fn batch(&mut self, sql: &str) -> Result<(), StoreError>;

    /// The rows of a question.
    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, StoreError>;

    /// Adds rows, followed by `end` such as `ON CONFLICT DO NOTHING`; how many were added.
    fn insert(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: &[Vec<Value>],
        end: &str,
    ) -> Result<u64, StoreError>;

    /// Takes a lock that writers of the table wait for, where the database does not let one write at a time.
    fn serialize_writers(&mut self, table: &str) -> Result<(), StoreError>;
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn optional(text: Option<String>) -> Self {
        text.map_or(Self::Missing, Self::Text)
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn to_text(&self) -> String {
        self.as_text().unwrap_or_default().to_owned()
    }

    pub(super) fn whole(&self) -> i64 {
        match self {
            Self::Whole(value) => *value,
            _ => 0,
        }
    }
}

/// `($1, $2), ($3, $4)` for so many rows of so many columns.
pub(super) fn places(n_rows: usize, n_columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<String> = (1..=n_columns)
            .map(|column| format!("${}", row * n_columns + column))
            .collect();
        format!("({})", places.join(", "))
    };
    (0..n_rows).map(row).collect::<Vec<_>>().join(", ")
}

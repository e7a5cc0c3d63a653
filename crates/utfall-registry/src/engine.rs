//! The table engine's failures, without what the engine says about values.

use polars::error::PolarsError;

/// Environment variable that the table engine takes its number of threads from, once, when it
/// starts. The number changes the speed and no result.
pub const ENGINE_THREADS: &str = "POLARS_MAX_THREADS";

/// The table engine failed.
///
/// The engine's own text may quote a cell, so only the kind of failure is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the table engine reports {kind}")]
pub struct EngineError {
    kind: &'static str,
}

impl EngineError {
    /// The kind of an engine's error.
    pub(crate) fn of(error: &PolarsError) -> Self {
        let kind = match error {
            PolarsError::ColumnNotFound(_) | PolarsError::SchemaFieldNotFound(_) => {
                "an unknown column"
            }
            PolarsError::Duplicate(_) => "two columns of one name",
            PolarsError::IO { .. } => "a failure of the file system",
            PolarsError::NoData(_) => "no data",
            PolarsError::OutOfBounds(_) => "a position out of bounds",
            PolarsError::SchemaMismatch(_) => "a column of another type",
            PolarsError::ShapeMismatch(_) => "columns of unequal length",
            PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => {
                return Self::of(error);
            }
            _ => "a failed computation",
        };
        Self { kind }
    }

    /// Any other failure, such as of an engine of another kind; `kind` reads on from "the table
    /// engine reports" and holds no value.
    #[must_use]
    pub fn other(kind: &'static str) -> Self {
        Self { kind }
    }

    /// A path that the engine cannot name.
    pub(crate) fn path() -> Self {
        Self {
            kind: "a path that is no UTF-8 text",
        }
    }

    /// Rows that an order does not tell apart, so that their positions would be arbitrary.
    pub(crate) fn tied() -> Self {
        Self {
            kind: "rows that their order does not tell apart",
        }
    }

    /// Columns that do not fit the table they were made for.
    pub(crate) fn unequal() -> Self {
        Self {
            kind: "columns that do not fit their table",
        }
    }
}

#[cfg(test)]
pub(crate) fn read_all(path: &std::path::Path) -> Result<polars::prelude::DataFrame, PolarsError> {
    use polars::prelude::{ParquetReader, SerReader};
    ParquetReader::new(std::fs::File::open(path)?).finish()
}

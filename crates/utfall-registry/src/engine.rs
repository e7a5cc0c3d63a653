//! The table engine's failures, without what the engine says about values.

use std::fs::File;
use std::path::Path;

use polars::error::PolarsError;
use polars::prelude::{Column, DataFrame, DataType, Int64Chunked, ParquetReader, SerReader};

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

/// Reads a table that was written here: some columns, or all.
pub(crate) fn read_table(path: &Path, columns: Option<&[&str]>) -> Result<DataFrame, EngineError> {
    let columns = columns.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    reader(path)?
        .with_columns(columns)
        .finish()
        .map_err(|error| EngineError::of(&error))
}

/// Reads at most `n_rows` rows of a table that was written here, from the row `start`.
pub(crate) fn read_rows(
    path: &Path,
    start: usize,
    n_rows: usize,
) -> Result<DataFrame, EngineError> {
    reader(path)?
        .with_slice(Some((start, n_rows)))
        .finish()
        .map_err(|error| EngineError::of(&error))
}

fn reader(path: &Path) -> Result<ParquetReader<File>, EngineError> {
    let file = File::open(path).map_err(|_| EngineError {
        kind: "a failure of the file system",
    })?;
    Ok(ParquetReader::new(file))
}

/// A column as whole numbers: dates as days since 1970-01-01.
pub(crate) fn whole(column: &Column) -> Result<Int64Chunked, EngineError> {
    let of = |error| EngineError::of(&error);
    let series = column
        .as_materialized_series()
        .cast(&DataType::Int64)
        .map_err(of)?;
    Ok(series.rechunk().i64().map_err(of)?.clone())
}

#[cfg(test)]
pub(crate) fn read_all(path: &Path) -> Result<DataFrame, PolarsError> {
    ParquetReader::new(File::open(path)?).finish()
}

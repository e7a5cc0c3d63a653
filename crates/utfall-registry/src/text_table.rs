//! A Parquet file of any columns as text cells, for whoever asks for an estimate without a contract.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::prelude::{Column, DataType, ParquetReader, PolarsResult, SerReader};

use crate::ingest::{FileName, IngestError};

/// Columns of text cells; a missing value is an empty cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTable {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

impl TextTable {
    /// Reads a Parquet file whole.
    ///
    /// Numbers are written so that they read back to the same value, dates as `2026-01-31`, and true
    /// and false as 1 and 0.
    ///
    /// # Errors
    ///
    /// [`IngestError::Unreadable`] if the file cannot be read, [`IngestError::NotParquet`] if it is
    /// no Parquet file or a damaged one, and [`IngestError::ColumnType`] at the first column of a
    /// type that has no cells, such as a list.
    pub fn read_parquet(path: &Path) -> Result<Self, IngestError> {
        let file = || FileName::of(path);
        let bytes = utfall_files::read_whole(path).map_err(IngestError::Unreadable)?;
        // The decoder may panic on a damaged file.
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            ParquetReader::new(Cursor::new(bytes)).finish()
        }));
        let frame = decoded
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| IngestError::NotParquet { file: file() })?;
        let mut rows = vec![Vec::with_capacity(frame.width()); frame.height()];
        let mut header = Vec::with_capacity(frame.width());
        for column in frame.columns() {
            let cells = cells(column).map_err(|_| IngestError::ColumnType {
                file: file(),
                column: column.name().to_string(),
                found: column.dtype().to_string(),
                expected: "text, numbers, dates, or true and false",
            })?;
            header.push(column.name().to_string());
            for (row, cell) in rows.iter_mut().zip(cells) {
                row.push(cell);
            }
        }
        Ok(Self { header, rows })
    }
}

fn cells(column: &Column) -> PolarsResult<Vec<String>> {
    fn written<T: ToString>(values: impl Iterator<Item = Option<T>>) -> Vec<String> {
        let cell = |value: Option<T>| value.map_or_else(String::new, |value| value.to_string());
        values.map(cell).collect()
    }
    let series = column.as_materialized_series();
    Ok(match series.dtype() {
        DataType::Boolean => written(series.bool()?.iter().map(|value| value.map(u8::from))),
        DataType::UInt64 => written(series.u64()?.iter()),
        found if found.is_integer() => written(series.cast(&DataType::Int64)?.i64()?.iter()),
        DataType::Float32 => written(series.f32()?.iter()),
        DataType::Float64 => written(series.f64()?.iter()),
        _ => written(series.cast(&DataType::String)?.str()?.iter()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{DataFrame, IntoColumn, NamedFrom, ParquetWriter, Series};

    #[test]
    fn numbers_read_back_to_the_same_value_and_missing_ones_are_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("units.parquet");
        let columns = vec![
            Series::new("id".into(), [1_i32, 2]).into_column(),
            Series::new("y".into(), [Some(0.1_f64 + 0.2), None]).into_column(),
            Series::new("treated".into(), [true, false]).into_column(),
            Series::new("place".into(), ["å", "b"]).into_column(),
        ];
        let mut frame = DataFrame::new(2, columns).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        ParquetWriter::new(file).finish(&mut frame).unwrap();
        let table = TextTable::read_parquet(&path).unwrap();
        assert_eq!(table.header, ["id", "y", "treated", "place"]);
        assert_eq!(table.rows[0], ["1", "0.30000000000000004", "1", "å"]);
        assert_eq!(table.rows[1], ["2", "", "0", "b"]);
    }

    #[test]
    fn a_file_that_is_no_parquet_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("units.parquet");
        std::fs::write(&path, b"PAR1 this is none PAR1").unwrap();
        let refused = TextTable::read_parquet(&path);
        assert!(matches!(refused, Err(IngestError::NotParquet { .. })));
    }
}

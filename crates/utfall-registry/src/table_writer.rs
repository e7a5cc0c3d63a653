//! Writing a table as Parquet: streamed, whole or absent, the same bytes for the same rows.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{
    Column, DataFrame, DataType, Field, Int32Chunked, Int64Chunked, IntoColumn, IntoSeries,
    NewChunkedArray, ParquetCompression, ParquetWriter, PlSmallStr, Schema, StatisticsOptions,
};
use utfall_files::{FileError, PendingFile};

use crate::column_data::ColumnData;
use crate::engine::EngineError;

/// Rows in a row group. Every group but the last holds exactly as many, however the rows arrive,
/// so that the file's bytes depend on the rows alone; a reader never needs more than one at a time.
pub(crate) const ROWS_PER_GROUP: usize = 1 << 18;

/// How values are stored in a table. Never as floats: decimals are whole numbers of their last
/// decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredType {
    /// UTF-8 text.
    Text,
    /// A 64-bit integer; a decimal is stored as its value × 10^decimals.
    Integer,
    /// A calendar date.
    Date,
}

/// Writes a Parquet table row batch by row batch.
///
/// The file gets its name at [`finish`](Self::finish); a writer that is dropped leaves nothing.
/// At most one row group is held in memory.
pub struct TableWriter {
    path: PathBuf,
    columns: Vec<(PlSmallStr, StoredType)>,
    pending: DataFrame,
    parquet: BatchedWriter<Sink>,
    sink: Sink,
    n_rows: u64,
}

/// Why a table could not be written.
///
/// Every message reads on from "cannot write the table:".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableWriteError {
    /// The file system refuses.
    #[error(transparent)]
    File(#[from] FileError),
    /// A batch has another number of columns than the table.
    #[error("{found} columns of data, expected {expected}")]
    ColumnCount {
        /// Columns in the table.
        expected: usize,
        /// Columns in the batch.
        found: usize,
    },
    /// The columns of a batch differ in length.
    #[error("column `{column}` holds {found} rows, expected {expected}")]
    LengthMismatch {
        /// Name of the column.
        column: String,
        /// Rows in the first column of the batch.
        expected: usize,
        /// Rows in this one.
        found: usize,
    },
    /// A column holds another type than the table declares.
    #[error("column `{column}` holds {found:?} values, expected {expected:?}")]
    ColumnType {
        /// Name of the column.
        column: String,
        /// What the table declares.
        expected: StoredType,
        /// What came.
        found: StoredType,
    },
    /// The table engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl TableWriter {
    /// Starts a table of the given columns that is to be named `path`.
    ///
    /// # Errors
    ///
    /// [`TableWriteError::File`] if no file can be created there, [`TableWriteError::Engine`] if
    /// two columns share a name.
    pub fn create(path: &Path, columns: &[(&str, StoredType)]) -> Result<Self, TableWriteError> {
        let columns: Vec<(PlSmallStr, StoredType)> = columns
            .iter()
            .map(|&(name, stored)| (PlSmallStr::from_str(name), stored))
            .collect();
        let schema = schema(&columns)?;
        let sink = Sink::new(PendingFile::create(path)?);
        let parquet = ParquetWriter::new(sink.clone())
            .with_compression(ParquetCompression::Snappy)
            .with_statistics(StatisticsOptions::default())
            .batched(&schema)
            .map_err(|error| sink.cause(path, &error))?;
        let pending = DataFrame::empty_with_schema(&schema);
        Ok(Self {
            path: path.to_owned(),
            columns,
            pending,
            parquet,
            sink,
            n_rows: 0,
        })
    }

    /// Adds rows, one entry of `batch` per column in the table's order.
    ///
    /// # Errors
    ///
    /// [`TableWriteError`] if the batch does not fit the table, or the disk is full.
    pub fn write(&mut self, batch: Vec<ColumnData>) -> Result<(), TableWriteError> {
        if batch.len() != self.columns.len() {
            let (expected, found) = (self.columns.len(), batch.len());
            return Err(TableWriteError::ColumnCount { expected, found });
        }
        let n_rows = batch.first().map_or(0, ColumnData::len);
        let mut columns = Vec::with_capacity(batch.len());
        for (data, (name, stored)) in batch.into_iter().zip(&self.columns) {
            check(name, *stored, n_rows, &data)?;
            columns.push(column(name.clone(), data));
        }
        let frame = DataFrame::new(n_rows, columns).map_err(|error| EngineError::of(&error))?;
        self.write_frame(frame)
    }

    /// Rows written so far.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Completes the table and gives the file its name, in place of any earlier file.
    ///
    /// # Errors
    ///
    /// [`TableWriteError`] if the disk is full or the file cannot be named; an earlier file of
    /// that name is then intact.
    pub fn finish(mut self) -> Result<(), TableWriteError> {
        if self.pending.height() > 0 {
            let rest = std::mem::take(&mut self.pending);
            self.write_group(rest)?;
        }
        self.parquet
            .finish()
            .map_err(|error| self.sink.cause(&self.path, &error))?;
        drop(self.parquet);
        Ok(self.sink.into_file(&self.path)?.commit()?)
    }

    /// Adds the rows of a frame whose columns are the table's.
    pub(crate) fn write_frame(&mut self, frame: DataFrame) -> Result<(), TableWriteError> {
        self.n_rows += frame.height() as u64;
        self.pending
            .vstack_mut_owned(frame)
            .map_err(|error| EngineError::of(&error))?;
        while self.pending.height() >= ROWS_PER_GROUP {
            let group = self.pending.slice(0, ROWS_PER_GROUP);
            self.pending = self.pending.slice(ROWS_PER_GROUP as i64, usize::MAX);
            self.write_group(group)?;
        }
        Ok(())
    }

    fn write_group(&mut self, mut group: DataFrame) -> Result<(), TableWriteError> {
        group.rechunk_mut();
        self.parquet
            .write_batch(&group)
            .map_err(|error| self.sink.cause(&self.path, &error))
    }
}

fn schema(columns: &[(PlSmallStr, StoredType)]) -> Result<Schema, EngineError> {
    let mut schema = Schema::with_capacity(columns.len());
    for (name, stored) in columns {
        let dtype = match stored {
            StoredType::Text => DataType::String,
            StoredType::Integer => DataType::Int64,
            StoredType::Date => DataType::Date,
        };
        let field = Field::new(name.clone(), dtype);
        schema
            .try_insert(field.name, field.dtype)
            .map_err(|error| EngineError::of(&error))?;
    }
    Ok(schema)
}

fn check(
    name: &str,
    expected: StoredType,
    n_rows: usize,
    data: &ColumnData,
) -> Result<(), TableWriteError> {
    if data.stored_type() != expected {
        let found = data.stored_type();
        return Err(TableWriteError::ColumnType {
            column: name.to_owned(),
            expected,
            found,
        });
    }
    if data.len() != n_rows {
        let (expected, found) = (n_rows, data.len());
        return Err(TableWriteError::LengthMismatch {
            column: name.to_owned(),
            expected,
            found,
        });
    }
    Ok(())
}

fn column(name: PlSmallStr, data: ColumnData) -> Column {
    match data {
        ColumnData::Text(text) => text.into_column(name),
        ColumnData::Integer(values) => Int64Chunked::from_iter_options(name, values.into_iter())
            .into_series()
            .into_column(),
        ColumnData::Date(days) => Int32Chunked::from_iter_options(name, days.into_iter())
            .into_date()
            .into_series()
            .into_column(),
    }
}

/// The pending file as the engine sees it: shared, since the engine gives no writer back, and
/// keeping the system's error, which the engine turns into text.
#[derive(Clone)]
struct Sink(Arc<Mutex<SinkState>>);

struct SinkState {
    file: Option<PendingFile>,
    failure: Option<io::Error>,
}

impl Sink {
    fn new(file: PendingFile) -> Self {
        Self(Arc::new(Mutex::new(SinkState {
            file: Some(file),
            failure: None,
        })))
    }

    /// The system's error if there was one, else the engine's.
    fn cause(&self, path: &Path, error: &polars::error::PolarsError) -> TableWriteError {
        let failure = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .failure
            .take();
        match failure {
            Some(source) => FileError::at(path, source).into(),
            None => EngineError::of(error).into(),
        }
    }

    fn into_file(self, path: &Path) -> Result<PendingFile, FileError> {
        let file = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .file
            .take();
        file.ok_or_else(|| FileError::at(path, io::ErrorKind::BrokenPipe.into()))
    }

    fn with<T>(&self, act: impl FnOnce(&mut PendingFile) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = state.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        act(file).map_err(|error| {
            let kind = error.kind();
            state.failure = Some(error);
            kind.into()
        })
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column_data::TextColumn;

    fn rows(range: std::ops::Range<i64>) -> Vec<ColumnData> {
        vec![
            ColumnData::Text(TextColumn::from_iter(
                range
                    .clone()
                    .map(|i| (i % 7 != 0).then(|| format!("P{i:07}"))),
            )),
            ColumnData::Integer(
                range
                    .clone()
                    .map(|i| (i % 5 != 0).then_some(i * 3))
                    .collect(),
            ),
            ColumnData::Date(
                range
                    .map(|i| (i % 3 != 0).then_some((i % 20_000) as i32))
                    .collect(),
            ),
        ]
    }

    const COLUMNS: [(&str, StoredType); 3] = [
        ("person", StoredType::Text),
        ("hours", StoredType::Integer),
        ("day", StoredType::Date),
    ];

    fn write(path: &Path, n_rows: i64, batch: i64) {
        let mut writer = TableWriter::create(path, &COLUMNS).unwrap();
        for start in (0..n_rows).step_by(batch as usize) {
            writer
                .write(rows(start..(start + batch).min(n_rows)))
                .unwrap();
        }
        writer.finish().unwrap();
    }

    #[test]
    fn the_bytes_depend_on_the_rows_and_not_on_the_batches() {
        let folder = tempfile::tempdir().unwrap();
        let n_rows = ROWS_PER_GROUP as i64 + 1000;
        let mut files = Vec::new();
        for batch in [997, 100_000, n_rows] {
            let path = folder.path().join(format!("{batch}.parquet"));
            write(&path, n_rows, batch);
            files.push(std::fs::read(path).unwrap());
        }
        assert!(files.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        write(&path, 10, 10);
        let frame = crate::engine::read_all(&path).unwrap();
        assert_eq!(frame.height(), 10);
        let hours = frame.column("hours").unwrap().i64().unwrap();
        assert_eq!(hours.get(4), Some(12));
        assert_eq!(hours.get(5), None);
        assert_eq!(
            frame.column("person").unwrap().str().unwrap().get(3),
            Some("P0000003")
        );
    }

    #[test]
    fn a_table_without_rows_is_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        TableWriter::create(&path, &COLUMNS)
            .unwrap()
            .finish()
            .unwrap();
        assert_eq!(crate::engine::read_all(&path).unwrap().shape(), (0, 3));
    }

    #[test]
    fn a_writer_that_is_dropped_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let mut writer = TableWriter::create(&path, &COLUMNS).unwrap();
        writer.write(rows(0..10)).unwrap();
        drop(writer);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_batch_that_does_not_fit_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer =
            TableWriter::create(&folder.path().join("table.parquet"), &COLUMNS).unwrap();
        let mut batch = rows(0..3);
        batch[1] = ColumnData::Integer(vec![Some(1)]);
        let error = writer.write(batch).unwrap_err();
        assert_eq!(error.to_string(), "column `hours` holds 1 rows, expected 3");
        let mut batch = rows(0..3);
        batch.swap(0, 1);
        assert!(matches!(
            writer.write(batch),
            Err(TableWriteError::ColumnType { .. })
        ));
        assert!(matches!(
            writer.write(Vec::new()),
            Err(TableWriteError::ColumnCount { .. })
        ));
    }
}

//! Parquet as a source of rows.
//!
//! The file is held in memory as it stands, compressed, and decoded some rows at a time. It is
//! not mapped: another process that shortens a mapped file ends this one without a word. The
//! decoder may panic on a damaged file, so it is only called where a panic is caught.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::{
    Column as FrameColumn, DataFrame, DataType, Int32Chunked, Int64Chunked, ParquetReader,
    PolarsResult, SerReader, StringChunked, UInt64Chunked,
};
use utfall_files::Digest;

use super::columns::ColumnMap;
use super::error::{FileName, IngestError};
use super::rules::{Cell, Rule};
use super::source::{Layout, Row, RowVisitor, Source};
use crate::contract::DataContract;
use crate::table_writer::StoredType;

/// Rows decoded at a time.
const ROWS_PER_BLOCK: usize = 1 << 16;

/// A Parquet file whose columns fit its contract.
pub(crate) struct ParquetSource {
    path: PathBuf,
    bytes: SharedBytes,
    digest: Digest,
    n_rows: usize,
    next_row: usize,
    layout: ParquetLayout,
}

/// A file's bytes, for several decoders.
#[derive(Clone)]
struct SharedBytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// How the file's columns meet the contract's.
#[derive(Clone)]
pub(crate) struct ParquetLayout {
    columns: Arc<ColumnMap>,
}

/// Some rows of the file.
pub(crate) struct ParquetBlock {
    index: usize,
    first_row: u64,
    n_rows: usize,
    columns: Vec<Values>,
}

enum Values {
    Text(StringChunked),
    Integer(Int64Chunked),
    Unsigned(UInt64Chunked),
    Days(Int32Chunked),
    /// A type no contract has, in a column the contract does not name.
    Other,
}

impl ParquetSource {
    /// Opens a file and finds the contract's columns in it.
    pub(crate) fn open(path: &Path, contract: &DataContract) -> Result<Self, IngestError> {
        let file = || FileName::of(path);
        let bytes = utfall_files::read_whole(path).map_err(IngestError::Unreadable)?;
        let digest = Digest::blake3(&bytes);
        let bytes = SharedBytes(Arc::new(bytes));
        let mut reader = ParquetReader::new(Cursor::new(bytes.clone()));
        let opened = guarded(|| Ok((reader.schema()?, reader.num_rows()?)));
        let (schema, n_rows) = opened.ok_or_else(|| IngestError::NotParquet { file: file() })?;
        let header: Vec<String> = schema.iter_names().map(ToString::to_string).collect();
        let types: Vec<DataType> = schema
            .iter_values()
            .map(DataType::from_arrow_field)
            .collect();
        let columns = ColumnMap::by_name(path, header, contract, |_| None)?;
        for (i, column) in contract.columns().iter().enumerate() {
            let found = &types[columns.in_file(i)];
            if !fits(found, column.stored_type()) {
                return Err(IngestError::ColumnType {
                    file: file(),
                    column: column.header().to_owned(),
                    found: found.to_string(),
                    expected: column.kind().name(),
                });
            }
        }
        let layout = ParquetLayout {
            columns: Arc::new(columns),
        };
        Ok(Self {
            path: path.to_owned(),
            bytes,
            digest,
            n_rows,
            next_row: 0,
            layout,
        })
    }

    fn decode(&self, first_row: usize) -> Option<DataFrame> {
        guarded(|| {
            ParquetReader::new(Cursor::new(self.bytes.clone()))
                .with_slice(Some((first_row, ROWS_PER_BLOCK)))
                .set_rechunk(true)
                .finish()
        })
    }
}

/// Text in any column; whole numbers and dates in columns stored as such. Never floats.
fn fits(found: &DataType, expected: StoredType) -> bool {
    match found {
        DataType::String => true,
        DataType::Date => expected == StoredType::Date,
        found if found.is_integer() => expected == StoredType::Integer,
        _ => false,
    }
}

/// The result of a call into the decoder, unless it fails or panics.
fn guarded<T>(call: impl FnOnce() -> PolarsResult<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call))
        .ok()
        .and_then(Result::ok)
}

impl Source for ParquetSource {
    type Block = ParquetBlock;
    type Layout = ParquetLayout;

    fn layout(&self) -> ParquetLayout {
        self.layout.clone()
    }

    fn next_block(&mut self) -> Result<Option<ParquetBlock>, IngestError> {
        if self.next_row >= self.n_rows {
            return Ok(None);
        }
        let damaged = || IngestError::NotParquet {
            file: FileName::of(&self.path),
        };
        let frame = self.decode(self.next_row).ok_or_else(damaged)?;
        let n_rows = frame.height();
        if n_rows != ROWS_PER_BLOCK.min(self.n_rows - self.next_row) {
            return Err(damaged());
        }
        let columns = frame
            .columns()
            .iter()
            .map(|column| guarded(|| values(column)));
        let columns = columns.collect::<Option<Vec<_>>>().ok_or_else(damaged)?;
        let first_row = self.next_row as u64 + 1;
        let index = self.next_row / ROWS_PER_BLOCK;
        self.next_row += n_rows;
        Ok(Some(ParquetBlock {
            index,
            first_row,
            n_rows,
            columns,
        }))
    }

    fn n_bytes(&self) -> u64 {
        let share = self.next_row as u128 * self.bytes.0.len() as u128;
        (share / self.n_rows.max(1) as u128) as u64
    }

    fn finish(&self) -> Result<Digest, IngestError> {
        Ok(self.digest)
    }
}

fn values(column: &FrameColumn) -> PolarsResult<Values> {
    let series = column.as_materialized_series();
    Ok(match series.dtype() {
        DataType::String => Values::Text(series.str()?.clone()),
        DataType::Date => Values::Days(series.to_physical_repr().i32()?.clone()),
        DataType::UInt64 => Values::Unsigned(series.u64()?.clone()),
        found if found.is_integer() => {
            Values::Integer(series.cast(&DataType::Int64)?.i64()?.clone())
        }
        _ => Values::Other,
    })
}

impl Values {
    #[inline]
    fn get(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Text(texts) => texts
                .get(row)
                .map_or(Cell::Missing, |text| Cell::Text(text.as_bytes())),
            Self::Integer(values) => values.get(row).map_or(Cell::Missing, Cell::Integer),
            Self::Unsigned(values) => values.get(row).map_or(Cell::Missing, |value| {
                i64::try_from(value).map_or(Cell::Beyond, Cell::Integer)
            }),
            Self::Days(days) => days.get(row).map_or(Cell::Missing, Cell::Days),
            Self::Other => Cell::Missing,
        }
    }
}

impl Layout<ParquetBlock> for ParquetLayout {
    fn header(&self) -> &[String] {
        self.columns.header()
    }

    fn index(&self, block: &ParquetBlock) -> usize {
        block.index
    }

    fn visit(&self, block: &ParquetBlock, visitor: &mut impl RowVisitor) {
        for row in 0..block.n_rows {
            visitor.row(&ParquetRow {
                block,
                row,
                layout: self,
            });
        }
    }
}

struct ParquetRow<'b> {
    block: &'b ParquetBlock,
    row: usize,
    layout: &'b ParquetLayout,
}

impl Row for ParquetRow<'_> {
    fn line(&self) -> u64 {
        self.block.first_row + self.row as u64
    }

    fn fault(&self) -> Option<(Rule, Option<usize>)> {
        None
    }

    fn in_contract(&self, file_column: usize) -> Option<u32> {
        self.layout.columns.in_contract(file_column)
    }

    #[inline]
    fn cell(&self, column: usize) -> Cell<'_> {
        self.block.columns[self.layout.columns.in_file(column)].get(self.row)
    }

    fn each_cell(&self, mut see: impl FnMut(usize, Cell<'_>)) {
        for (position, values) in self.block.columns.iter().enumerate() {
            see(position, values.get(self.row));
        }
    }

    fn encoded(&self) -> Option<&[u8]> {
        None
    }

    fn raw(&self) -> Vec<u8> {
        let mut raw = Vec::new();
        self.each_cell(|position, cell| {
            if position > 0 {
                raw.push(b';');
            }
            match cell {
                Cell::Text(text) => raw.extend_from_slice(text),
                Cell::Integer(value) => raw.extend_from_slice(value.to_string().as_bytes()),
                Cell::Days(days) => {
                    raw.extend_from_slice(crate::dates::from_days(days).to_string().as_bytes())
                }
                Cell::Missing | Cell::Beyond => {}
            }
        });
        raw
    }
}

//! Arrow IPC, files and streams, as a source of rows.
//!
//! As with Parquet, the file is held in memory and the decoder only called where a panic is
//! caught. One record batch is decoded at a time.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::{Column, DataFrame, DataType, IntoColumn, PolarsError, PolarsResult, Series};
use polars_arrow::datatypes::ArrowSchemaRef;
use polars_arrow::io::ipc::read::{
    FileReader, StreamReader, StreamState, read_file_metadata, read_stream_metadata,
};
use polars_arrow::record_batch::RecordBatch;
use utfall_files::Digest;

use super::error::IngestError;
use super::file_name::FileName;
use super::frame::{FrameBlock, FrameLayout, ROWS_PER_BLOCK, guarded};
use super::parquet::SharedBytes;
use super::source::Source;
use crate::contract::DataContract;

/// What an Arrow file begins with, and a stream does not.
const FILE_MAGIC: &[u8] = b"ARROW1";

/// Record batches as they are decoded.
type Batches = Box<dyn Iterator<Item = PolarsResult<RecordBatch>> + Send>;

/// An Arrow file or stream whose columns fit its contract.
pub(crate) struct ArrowSource {
    path: PathBuf,
    n_bytes: usize,
    digest: Digest,
    schema: ArrowSchemaRef,
    batches: Batches,
    /// The batch being given, and its first row that has not been.
    current: DataFrame,
    next_row: usize,
    /// Rows of the batches before.
    n_before: usize,
    index: usize,
    at_end: bool,
    layout: FrameLayout,
}

impl ArrowSource {
    /// Opens a file and finds the contract's columns in it.
    pub(crate) fn open(path: &Path, contract: &DataContract) -> Result<Self, IngestError> {
        let bytes = utfall_files::read_whole(path).map_err(IngestError::Unreadable)?;
        let digest = Digest::blake3(&bytes);
        let n_bytes = bytes.len();
        let bytes = Cursor::new(SharedBytes(Arc::new(bytes)));
        let (schema, batches) = guarded(|| open(bytes)).ok_or_else(|| damaged(path))?;
        let columns = schema
            .iter_values()
            .map(|field| (field.name.to_string(), DataType::from_arrow_field(field)));
        Ok(Self {
            path: path.to_owned(),
            n_bytes,
            digest,
            layout: FrameLayout::new(path, columns, contract)?,
            schema,
            batches,
            current: DataFrame::default(),
            next_row: 0,
            n_before: 0,
            index: 0,
            at_end: false,
        })
    }

    /// The rows of the next batch; `None` after the last.
    fn next_batch(&mut self) -> PolarsResult<Option<DataFrame>> {
        let Some(batch) = self.batches.next().transpose()? else {
            return Ok(None);
        };
        let columns = self.schema.iter_values().zip(batch.arrays());
        let columns = columns.map(|(field, array)| {
            let series = Series::try_from((field, array.clone()))?;
            Ok(series.into_column())
        });
        let columns: Vec<Column> = columns.collect::<PolarsResult<_>>()?;
        DataFrame::new(batch.height(), columns).map(Some)
    }
}

fn open(mut bytes: Cursor<SharedBytes>) -> PolarsResult<(ArrowSchemaRef, Batches)> {
    if bytes.get_ref().as_ref().starts_with(FILE_MAGIC) {
        let metadata = read_file_metadata(&mut bytes)?;
        let schema = metadata.schema.clone();
        let reader = FileReader::new(bytes, metadata, None, None);
        return Ok((schema, Box::new(reader)));
    }
    let metadata = read_stream_metadata(&mut bytes)?;
    let schema = Arc::new(metadata.schema.clone());
    let reader = StreamReader::new(bytes, metadata, None);
    // A stream says where it ends: one that stops before has been cut short.
    let batches = reader.map(|state| match state? {
        StreamState::Some(batch) => Ok(batch),
        StreamState::Waiting => Err(PolarsError::NoData("no end of the stream".into())),
    });
    Ok((schema, Box::new(batches)))
}

fn damaged(path: &Path) -> IngestError {
    IngestError::Unfit {
        file: FileName::of(path),
        what: "is no Arrow file or stream, or it is damaged or cut short",
    }
}

impl Source for ArrowSource {
    type Block = FrameBlock;
    type Layout = FrameLayout;

    fn layout(&self) -> FrameLayout {
        self.layout.clone()
    }

    fn next_block(&mut self) -> Result<Option<FrameBlock>, IngestError> {
        while self.next_row >= self.current.height() && !self.at_end {
            self.n_before += self.current.height();
            (self.current, self.next_row) = (DataFrame::default(), 0);
            let batch = guarded(|| self.next_batch()).ok_or_else(|| damaged(&self.path))?;
            match batch {
                Some(batch) => self.current = batch,
                None => self.at_end = true,
            }
        }
        if self.at_end {
            return Ok(None);
        }
        let rows = self.current.slice(self.next_row as i64, ROWS_PER_BLOCK);
        let first_row = self.n_before + self.next_row;
        self.next_row += rows.height();
        let block = FrameBlock::new(self.index, first_row, &rows);
        self.index += 1;
        block.ok_or_else(|| damaged(&self.path)).map(Some)
    }

    fn n_bytes(&self) -> u64 {
        // A batch does not say where it lies, so the file counts as passed at its end.
        if self.at_end { self.n_bytes as u64 } else { 0 }
    }

    fn finish(&self) -> Result<Digest, IngestError> {
        Ok(self.digest)
    }
}

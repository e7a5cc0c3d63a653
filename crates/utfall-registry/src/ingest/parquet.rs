//! Parquet as a source of rows.
//!
//! The file is held in memory as it stands, compressed, and decoded some rows at a time. It is
//! not mapped: another process that shortens a mapped file ends this one without a word. The
//! decoder may panic on a damaged file, so it is only called where a panic is caught.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::{DataFrame, DataType, ParquetReader, SerReader};
use utfall_files::Digest;

use super::error::IngestError;
use super::file_name::FileName;
use super::frame::{FrameBlock, FrameLayout, ROWS_PER_BLOCK, guarded};
use super::source::Source;
use crate::contract::DataContract;

/// A Parquet file whose columns fit its contract.
pub(crate) struct ParquetSource {
    path: PathBuf,
    bytes: SharedBytes,
    digest: Digest,
    n_rows: usize,
    next_row: usize,
    layout: FrameLayout,
}

/// A file's bytes, for several decoders.
#[derive(Clone)]
pub(crate) struct SharedBytes(pub(crate) Arc<Vec<u8>>);

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl ParquetSource {
    /// Opens a file and finds the contract's columns in it.
    pub(crate) fn open(path: &Path, contract: &DataContract) -> Result<Self, IngestError> {
        let bytes = utfall_files::read_whole(path).map_err(IngestError::Unreadable)?;
        let digest = Digest::blake3(&bytes);
        let bytes = SharedBytes(Arc::new(bytes));
        let mut reader = ParquetReader::new(Cursor::new(bytes.clone()));
        let opened = guarded(|| Ok((reader.schema()?, reader.num_rows()?)));
        let (schema, n_rows) = opened.ok_or_else(|| damaged(path))?;
        let columns = schema
            .iter_values()
            .map(|field| (field.name.to_string(), DataType::from_arrow_field(field)));
        Ok(Self {
            path: path.to_owned(),
            bytes,
            digest,
            n_rows,
            next_row: 0,
            layout: FrameLayout::new(path, columns, contract)?,
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

fn damaged(path: &Path) -> IngestError {
    IngestError::NotParquet {
        file: FileName::of(path),
    }
}

impl Source for ParquetSource {
    type Block = FrameBlock;
    type Layout = FrameLayout;

    fn layout(&self) -> FrameLayout {
        self.layout.clone()
    }

    fn next_block(&mut self) -> Result<Option<FrameBlock>, IngestError> {
        if self.next_row >= self.n_rows {
            return Ok(None);
        }
        let frame = self.decode(self.next_row);
        let n_rows = ROWS_PER_BLOCK.min(self.n_rows - self.next_row);
        let frame = frame.filter(|frame| frame.height() == n_rows);
        let index = self.next_row / ROWS_PER_BLOCK;
        let block = frame.and_then(|frame| FrameBlock::new(index, self.next_row, &frame));
        self.next_row += n_rows;
        block.ok_or_else(|| damaged(&self.path)).map(Some)
    }

    fn n_bytes(&self) -> u64 {
        let share = self.next_row as u128 * self.bytes.0.len() as u128;
        (share / self.n_rows.max(1) as u128) as u64
    }

    fn finish(&self) -> Result<Digest, IngestError> {
        Ok(self.digest)
    }
}

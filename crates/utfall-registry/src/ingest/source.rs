//! What ingestion asks of a file: rows in blocks, whatever the format.

use utfall_files::Digest;

use super::error::IngestError;
use super::rules::{Cell, Rule};

/// A file that gives its rows block by block, in order.
pub(crate) trait Source: Send {
    /// Rows that are read together and judged on any thread.
    type Block: Send + Sync;
    /// What is needed to take a block apart.
    type Layout: Layout<Self::Block>;

    /// How blocks are taken apart.
    fn layout(&self) -> Self::Layout;

    /// The next rows; `None` after the last.
    fn next_block(&mut self) -> Result<Option<Self::Block>, IngestError>;

    /// Bytes of the file passed so far.
    fn n_bytes(&self) -> u64;

    /// The digest of the file.
    ///
    /// # Errors
    ///
    /// [`IngestError::ChangedWhileRead`] if it is no longer what it was when opened.
    fn finish(&self) -> Result<Digest, IngestError>;
}

/// How the rows of a block are found.
pub(crate) trait Layout<Block>: Sync {
    /// Names of all columns of the file, in the contract or not.
    fn header(&self) -> &[String];

    /// Position of the block in its file, from 0.
    fn index(&self, block: &Block) -> usize;

    /// Shows each row of a block to `visitor`.
    fn visit(&self, block: &Block, visitor: &mut impl RowVisitor);
}

/// Sees the rows of a block in order.
pub(crate) trait RowVisitor {
    /// One row.
    fn row(&mut self, row: &impl Row);
}

/// A row as it stands in a file.
pub(crate) trait Row {
    /// Line on which it begins, or number of the row, from 1.
    fn line(&self) -> u64;

    /// Why the row cannot be taken apart, with the position of a cell in the file.
    fn fault(&self) -> Option<(Rule, Option<usize>)>;

    /// Position in the contract of a column of the file.
    fn in_contract(&self, file_column: usize) -> Option<u32>;

    /// A cell by its column's position in the contract; only asked of rows without fault.
    fn cell(&self, column: usize) -> Cell<'_>;

    /// Shows each cell, in the contract or not, with its position in the file.
    fn each_cell(&self, see: impl FnMut(usize, Cell<'_>));

    /// The row's bytes, where the file is text in a stated encoding.
    fn encoded(&self) -> Option<&[u8]>;

    /// The row for people to look at.
    fn raw(&self) -> Vec<u8>;
}

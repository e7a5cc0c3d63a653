//! Readers that can only be driven from their own inside: each runs on a thread of its own and
//! hands over blocks of rows, few enough at a time to stay small.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use utfall_files::Digest;

use super::cells::{CellBlock, CellLayout, CellRows};
use super::columns::ColumnMap;
use super::error::IngestError;
use super::file_name::FileName;
use super::rules::{Cell, Rule};
use super::source::Source;

/// Rows handed over at a time.
const ROWS_PER_BLOCK: usize = 1 << 12;

/// Bytes of text handed over at a time, or little more.
const BYTES_PER_BLOCK: usize = 1 << 20;

/// Blocks that wait to be taken.
const N_WAITING: usize = 8;

type Handed = Result<CellBlock, IngestError>;

/// Rows that a thread of their own reads.
pub(crate) struct PushedSource {
    receiver: Option<Receiver<Handed>>,
    reader: Option<JoinHandle<()>>,
    layout: CellLayout,
    whole: Whole,
}

/// What is known of the whole of a source.
pub(crate) struct Whole {
    /// Its name in messages.
    pub(crate) name: FileName,
    /// Bytes passed so far.
    pub(crate) n_bytes: Box<dyn Fn() -> u64 + Send>,
    /// Its digest, once all has been passed.
    pub(crate) digest: Box<dyn Fn() -> Result<Digest, IngestError> + Send>,
}

/// Where a reader hands over its rows.
pub(crate) struct RowSender {
    sender: SyncSender<Handed>,
    columns: Arc<ColumnMap>,
    rows: CellRows,
    index: usize,
    given: Vec<bool>,
    name: FileName,
}

/// Nobody takes rows any more; the reader ends.
#[derive(Debug)]
pub(crate) struct Hung;

/// Why a reader ends before its last row.
#[derive(Debug)]
pub(crate) enum Ended {
    Hung,
    Failed(IngestError),
}

impl From<Hung> for Ended {
    fn from(_: Hung) -> Self {
        Self::Hung
    }
}

impl From<IngestError> for Ended {
    fn from(error: IngestError) -> Self {
        Self::Failed(error)
    }
}

impl PushedSource {
    /// Starts a reader of rows with these columns.
    pub(crate) fn start(
        columns: Arc<ColumnMap>,
        whole: Whole,
        read: impl FnOnce(&mut RowSender) -> Result<(), Ended> + Send + 'static,
    ) -> Self {
        let (sender, receiver) = sync_channel(N_WAITING);
        let layout = CellLayout(columns.clone());
        let mut rows = RowSender {
            sender,
            rows: CellRows::new(columns.header().len()),
            index: 0,
            given: vec![false; columns.header().len()],
            columns,
            name: whole.name.clone(),
        };
        let reader = std::thread::spawn(move || {
            let ended = read(&mut rows).and_then(|()| rows.finish());
            if let Err(Ended::Failed(error)) = ended {
                // If nobody takes the error, somebody has another one.
                let _ = rows.sender.send(Err(error));
            }
        });
        Self {
            receiver: Some(receiver),
            reader: Some(reader),
            layout,
            whole,
        }
    }
}

impl Drop for PushedSource {
    /// Lets the reader find out that nobody takes rows, and waits for it.
    fn drop(&mut self) {
        self.receiver = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join(); // a panic of the reader has been told by then
        }
    }
}

impl Source for PushedSource {
    type Block = CellBlock;
    type Layout = CellLayout;

    fn layout(&self) -> CellLayout {
        self.layout.clone()
    }

    fn next_block(&mut self) -> Result<Option<CellBlock>, IngestError> {
        let handed = self
            .receiver
            .as_ref()
            .and_then(|receiver| receiver.recv().ok());
        if let Some(handed) = handed {
            return handed.map(Some);
        }
        match self.reader.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(IngestError::Unfit {
                file: self.whole.name.clone(),
                what: "is damaged: its reader gave up",
            }),
            _ => Ok(None),
        }
    }

    fn n_bytes(&self) -> u64 {
        (self.whole.n_bytes)()
    }

    fn finish(&self) -> Result<Digest, IngestError> {
        (self.whole.digest)()
    }
}

impl RowSender {
    /// Begins a row on a line.
    pub(crate) fn begin(&mut self, line: u64) -> Result<(), Hung> {
        if self.rows.n_rows() >= ROWS_PER_BLOCK || self.rows.n_bytes() >= BYTES_PER_BLOCK {
            self.flush()?;
        }
        self.rows.begin(line);
        Ok(())
    }

    /// Columns of the file.
    pub(crate) fn n_columns(&self) -> usize {
        self.given.len()
    }

    /// Sets a cell of the row begun last by the name of its column.
    pub(crate) fn put_named(&mut self, name: &str, cell: Cell<'_>) {
        self.put(self.columns.position(name), cell);
    }

    /// Sets a cell of the row begun last; `None` for a column that the header does not name.
    pub(crate) fn put(&mut self, column: Option<usize>, cell: Cell<'_>) {
        if let Some(given) = column.and_then(|column| self.given.get_mut(column)) {
            *given = true;
        }
        self.rows.put(column, cell);
    }

    /// Notes that a row of columns in order gives all of them.
    pub(crate) fn give_all(&mut self) {
        self.given.fill(true);
    }

    /// Notes that the row begun last cannot be taken apart.
    pub(crate) fn fail(&mut self, rule: Rule) {
        self.rows.fail(rule, None);
    }

    fn flush(&mut self) -> Result<(), Hung> {
        let empty = CellRows::new(self.columns.header().len());
        let block = CellBlock {
            index: self.index,
            rows: std::mem::replace(&mut self.rows, empty),
        };
        self.index += 1;
        self.sender.send(Ok(block)).map_err(|_| Hung)
    }

    fn finish(&mut self) -> Result<(), Ended> {
        let has_rows = self.index > 0 || self.rows.n_rows() > 0;
        if self.rows.n_rows() > 0 {
            self.flush()?;
        }
        if has_rows {
            let given = |position: usize| self.given[position];
            self.columns.check_given(&self.name, given)?;
        }
        Ok(())
    }
}

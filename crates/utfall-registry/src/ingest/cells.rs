//! Rows that are taken apart cell by cell, such as those of JSON, XML, a sheet or a database.

use std::sync::Arc;

use super::columns::ColumnMap;
use super::rules::{Cell, Rule};
use super::source::{Layout, Row, RowVisitor};

/// Rows of cells, laid end to end so that thousands of them are a few allocations.
pub(crate) struct CellRows {
    n_columns: usize,
    text: Vec<u8>,
    slots: Vec<Slot>,
    /// Cells in columns that the file's header does not name.
    beyond: Vec<Slot>,
    rows: Vec<RowPlace>,
}

#[derive(Debug, Clone, Copy)]
enum Slot {
    /// Not given.
    Absent,
    /// Bytes of `text`.
    Text(usize, usize),
    Value(Cell<'static>),
}

struct RowPlace {
    line: u64,
    fault: Option<(Rule, Option<usize>)>,
    beyond_end: usize,
}

impl CellRows {
    /// Room for rows of a file with some columns.
    pub(crate) fn new(n_columns: usize) -> Self {
        Self {
            n_columns,
            text: Vec::new(),
            slots: Vec::new(),
            beyond: Vec::new(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.slots.clear();
        self.beyond.clear();
        self.rows.clear();
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Bytes of all texts.
    pub(crate) fn n_bytes(&self) -> usize {
        self.text.len()
    }

    /// Begins a row on a line, all of whose cells are absent.
    pub(crate) fn begin(&mut self, line: u64) {
        let n_slots = self.slots.len() + self.n_columns;
        self.slots.resize(n_slots, Slot::Absent);
        self.rows.push(RowPlace {
            line,
            fault: None,
            beyond_end: self.beyond.len(),
        });
    }

    /// Sets a cell of the row begun last; `None` for a column that the header does not name. A
    /// cell given twice is a fault of the row.
    pub(crate) fn put(&mut self, column: Option<usize>, cell: Cell<'_>) {
        let slot = match cell {
            Cell::Text(bytes) => {
                let start = self.text.len();
                self.text.extend_from_slice(bytes);
                Slot::Text(start, self.text.len())
            }
            Cell::Missing => Slot::Value(Cell::Missing),
            Cell::Integer(value) => Slot::Value(Cell::Integer(value)),
            Cell::Decimal { digits, scale } => Slot::Value(Cell::Decimal { digits, scale }),
            Cell::Days(days) => Slot::Value(Cell::Days(days)),
            Cell::Moment { units, per_day } => Slot::Value(Cell::Moment { units, per_day }),
            Cell::Beyond => Slot::Value(Cell::Beyond),
        };
        let Some(column) = column else {
            self.beyond.push(slot);
            if let Some(row) = self.rows.last_mut() {
                row.beyond_end = self.beyond.len();
            }
            return;
        };
        let place = self.slots.len() - self.n_columns + column;
        if matches!(self.slots[place], Slot::Absent) {
            self.slots[place] = slot;
        } else {
            self.beyond.push(slot);
            self.fail(Rule::Malformed, Some(column));
        }
    }

    /// Notes that the row begun last cannot be taken apart; its first fault is kept.
    pub(crate) fn fail(&mut self, rule: Rule, column: Option<usize>) {
        let beyond_end = self.beyond.len();
        if let Some(row) = self.rows.last_mut() {
            row.beyond_end = beyond_end;
            row.fault.get_or_insert((rule, column));
        }
    }

    /// A row by its position.
    pub(crate) fn row<'r>(
        &'r self,
        row: usize,
        columns: &'r ColumnMap,
        raw: Option<&'r [u8]>,
    ) -> CellRow<'r> {
        let beyond_start = row
            .checked_sub(1)
            .map_or(0, |row| self.rows[row].beyond_end);
        CellRow {
            rows: self,
            place: &self.rows[row],
            slots: &self.slots[row * self.n_columns..][..self.n_columns],
            beyond: &self.beyond[beyond_start..self.rows[row].beyond_end],
            columns,
            raw,
        }
    }

    #[inline]
    fn cell(&self, slot: Slot) -> Cell<'_> {
        match slot {
            Slot::Absent => Cell::Missing,
            Slot::Text(start, end) => Cell::Text(&self.text[start..end]),
            Slot::Value(cell) => cell,
        }
    }
}

/// One of some [`CellRows`].
pub(crate) struct CellRow<'r> {
    rows: &'r CellRows,
    place: &'r RowPlace,
    slots: &'r [Slot],
    beyond: &'r [Slot],
    columns: &'r ColumnMap,
    /// The row as it stands in a text file.
    raw: Option<&'r [u8]>,
}

impl Row for CellRow<'_> {
    fn line(&self) -> u64 {
        self.place.line
    }

    fn fault(&self) -> Option<(Rule, Option<usize>)> {
        self.place.fault
    }

    fn in_contract(&self, file_column: usize) -> Option<u32> {
        self.columns.in_contract(file_column)
    }

    #[inline]
    fn cell(&self, column: usize) -> Cell<'_> {
        self.columns
            .cell(column, |position| self.rows.cell(self.slots[position]))
    }

    fn each_cell(&self, mut see: impl FnMut(usize, Cell<'_>)) {
        for (position, &slot) in self.slots.iter().enumerate() {
            see(position, self.rows.cell(slot));
        }
        for &slot in self.beyond {
            see(self.slots.len(), self.rows.cell(slot));
        }
        self.columns.each_in_path(see);
    }

    fn encoded(&self) -> Option<&[u8]> {
        self.raw
    }

    fn raw(&self) -> Vec<u8> {
        self.raw.map_or_else(|| joined(self), <[u8]>::to_vec)
    }
}

/// A row's cells, for people to look at.
pub(crate) fn joined(row: &impl Row) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut is_first = true;
    row.each_cell(|_, cell| {
        if !std::mem::take(&mut is_first) {
            raw.push(b';');
        }
        match cell {
            Cell::Text(text) => raw.extend_from_slice(text),
            Cell::Integer(value) => raw.extend_from_slice(value.to_string().as_bytes()),
            Cell::Decimal { digits, scale } => {
                raw.extend_from_slice(crate::cell::decimal_text(digits, scale).as_bytes());
            }
            Cell::Days(days) => {
                raw.extend_from_slice(crate::dates::from_days(days).to_string().as_bytes());
            }
            Cell::Moment { units, per_day } => {
                raw.extend_from_slice(crate::dates::moment_text(units, per_day).as_bytes());
            }
            Cell::Missing | Cell::Beyond => {}
        }
    });
    raw
}

/// Some rows of a file that were taken apart when they were read.
pub(crate) struct CellBlock {
    pub(crate) index: usize,
    pub(crate) rows: CellRows,
}

/// How such a file's columns meet the contract's.
#[derive(Clone)]
pub(crate) struct CellLayout(pub(crate) Arc<ColumnMap>);

impl Layout<CellBlock> for CellLayout {
    fn header(&self) -> &[String] {
        self.0.header()
    }

    fn index(&self, block: &CellBlock) -> usize {
        block.index
    }

    fn visit(&self, block: &CellBlock, visitor: &mut impl RowVisitor) {
        for row in 0..block.rows.n_rows() {
            visitor.row(&block.rows.row(row, &self.0, None));
        }
    }
}

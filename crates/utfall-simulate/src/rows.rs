//! Rows of one file within one block, rendered in the dialect of the file.

use chrono::{Datelike, NaiveDate};
use utfall_registry::{ColumnData, TextColumn};
use utfall_stats::draws::Stream;

use crate::dirt::{Breakage, Dirt, Fate};
use crate::extract::{Column, ColumnKind};
use crate::files::Form;
use crate::truth::FileCounts;

/// The code of a missing value.
pub(crate) const MISSING: &str = "..";

/// A value on its way into a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Text(&'a str),
    Date(NaiveDate),
    Whole(i64),
    /// A decimal in units of its column's last decimal.
    Decimal(i64),
    /// Not applicable: no death, no end. An empty cell.
    Blank,
}

impl From<Option<NaiveDate>> for Cell<'_> {
    fn from(date: Option<NaiveDate>) -> Self {
        date.map_or(Self::Blank, Self::Date)
    }
}

/// The rows of one file within one block.
#[derive(Debug)]
pub(crate) struct Rows {
    columns: &'static [Column],
    dirt: Dirt,
    rendered: Rendered,
    pub(crate) counts: FileCounts,
}

/// Rows in the form of their file.
#[derive(Debug)]
pub(crate) enum Rendered {
    Csv(String),
    Parquet(Vec<ColumnData>),
}

impl Rows {
    pub(crate) fn new(columns: &'static [Column], form: Form, dirt: Dirt) -> Self {
        let rendered = match form {
            Form::Csv => Rendered::Csv(String::new()),
            Form::Parquet => {
                Rendered::Parquet(columns.iter().map(|column| empty(column.kind)).collect())
            }
        };
        Self {
            columns,
            dirt,
            rendered,
            counts: FileCounts::default(),
        }
    }

    pub(crate) fn into_rendered(self) -> Rendered {
        self.rendered
    }

    /// Adds a row, with whatever happens to it on the way.
    pub(crate) fn push(&mut self, cells: &[Cell<'_>], draws: &mut Stream) {
        match self.dirt.fate(draws) {
            Fate::Clean => self.push_clean(cells),
            Fate::Duplicated => {
                self.push_clean(cells);
                self.push_clean(cells);
                self.counts.n_duplicated += 1;
            }
            Fate::Missing(column) => {
                self.push_with(cells, column, Cell::Text(MISSING));
                self.counts.n_missing += 1;
            }
            Fate::Broken(kind, column) => {
                self.push_broken(cells, kind, column, draws);
                *self.counts.n_broken.entry(kind).or_default() += 1;
            }
        }
    }

    /// Adds a row that nothing happens to.
    pub(crate) fn push_clean(&mut self, cells: &[Cell<'_>]) {
        self.push_row(|index| cells.get(index).copied());
    }

    fn push_with(&mut self, cells: &[Cell<'_>], column: usize, instead: Cell<'_>) {
        self.push_row(|index| {
            if index == column {
                Some(instead)
            } else {
                cells.get(index).copied()
            }
        });
    }

    fn push_broken(
        &mut self,
        cells: &[Cell<'_>],
        kind: Breakage,
        column: usize,
        draws: &mut Stream,
    ) {
        let instead = match (kind, self.columns[column].kind) {
            (Breakage::Ragged, _) => {
                let n_fields = if draws.bernoulli(0.5) {
                    cells.len() - 1
                } else {
                    cells.len() + 1
                };
                return self.push_ragged(cells, n_fields);
            }
            (Breakage::OutOfRange, ColumnKind::Decimal { beyond, .. }) => Cell::Decimal(beyond),
            (Breakage::OutOfRange, ColumnKind::Whole { beyond }) => Cell::Whole(beyond),
            (Breakage::ImpossibleDate, _) => Cell::Text("20230231"),
            (Breakage::UnknownCode, _) => Cell::Text("?"),
            (Breakage::LetterInNumber | Breakage::OutOfRange, _) => Cell::Text("1O"),
        };
        self.push_with(cells, column, instead);
    }

    fn push_ragged(&mut self, cells: &[Cell<'_>], n_fields: usize) {
        let columns = self.columns;
        if let Rendered::Csv(text) = &mut self.rendered {
            for index in 0..n_fields {
                if index > 0 {
                    text.push(';');
                }
                let cell = cells.get(index).copied().unwrap_or(Cell::Blank);
                write_cell(
                    text,
                    cell,
                    columns
                        .get(index)
                        .map_or(ColumnKind::Text, |column| column.kind),
                );
            }
            text.push('\n');
            self.counts.n_rows += 1;
        }
    }

    fn push_row<'a>(&mut self, cell: impl Fn(usize) -> Option<Cell<'a>>) {
        self.counts.n_rows += 1;
        match &mut self.rendered {
            Rendered::Csv(text) => {
                for (index, column) in self.columns.iter().enumerate() {
                    if index > 0 {
                        text.push(';');
                    }
                    write_cell(text, cell(index).unwrap_or(Cell::Blank), column.kind);
                }
                text.push('\n');
            }
            Rendered::Parquet(data) => {
                for (index, (data, column)) in data.iter_mut().zip(self.columns).enumerate() {
                    push_value(data, cell(index).unwrap_or(Cell::Blank), column.kind);
                }
            }
        }
    }
}

fn empty(kind: ColumnKind) -> ColumnData {
    match kind {
        ColumnKind::Text | ColumnKind::Code | ColumnKind::Decimal { .. } => {
            ColumnData::Text(TextColumn::default())
        }
        ColumnKind::Whole { .. } => ColumnData::Integer(Vec::new()),
        ColumnKind::Date => ColumnData::Date(Vec::new()),
    }
}

/// Adds a value to a Parquet column: dates and whole numbers typed, decimals as text in the dialect.
fn push_value(data: &mut ColumnData, cell: Cell<'_>, kind: ColumnKind) {
    match (data, cell) {
        (ColumnData::Date(days), Cell::Date(date)) => days.push(Some(date.to_epoch_days())),
        (ColumnData::Date(days), _) => days.push(None),
        (ColumnData::Integer(values), Cell::Whole(value)) => values.push(Some(value)),
        (ColumnData::Integer(values), _) => values.push(None),
        (ColumnData::Text(values), Cell::Blank) => values.push(None),
        (ColumnData::Text(values), cell) => {
            let mut text = String::new();
            write_cell(&mut text, cell, kind);
            values.push(Some(&text));
        }
    }
}

fn write_cell(text: &mut String, cell: Cell<'_>, kind: ColumnKind) {
    match cell {
        Cell::Text(value) => text.push_str(value),
        Cell::Date(date) => write_date(text, date),
        Cell::Whole(value) => write_whole(text, value),
        Cell::Decimal(units) => write_decimal(text, units, kind),
        Cell::Blank => {}
    }
}

/// `20230901`.
fn write_date(text: &mut String, date: NaiveDate) {
    let number = i64::from(date.year()) * 10_000 + i64::from(date.month() * 100 + date.day());
    write_padded(text, number.unsigned_abs(), 8);
}

fn write_whole(text: &mut String, value: i64) {
    if value < 0 {
        text.push('-');
    }
    write_padded(text, value.unsigned_abs(), 1);
}

/// `12,5`.
fn write_decimal(text: &mut String, units: i64, kind: ColumnKind) {
    let decimals = if let ColumnKind::Decimal { decimals, .. } = kind {
        decimals
    } else {
        0
    };
    let scale = 10_u64.pow(decimals);
    if units < 0 {
        text.push('-');
    }
    write_padded(text, units.unsigned_abs() / scale, 1);
    if decimals > 0 {
        text.push(',');
        write_padded(text, units.unsigned_abs() % scale, decimals as usize);
    }
}

/// Digits of a number, at least `width` of them.
pub(crate) fn write_padded(text: &mut String, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    let start = start.min(digits.len() - width.min(digits.len()));
    text.extend(digits[start..].iter().map(|&digit| char::from(digit)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::day;

    #[test]
    fn cells_are_written_in_the_swedish_dialect() {
        let kind = ColumnKind::Decimal {
            decimals: 1,
            beyond: 0,
        };
        let mut text = String::new();
        for cell in [
            Cell::Date(day(2023, 9, 1)),
            Cell::Decimal(125),
            Cell::Decimal(4),
            Cell::Whole(-7),
            Cell::Blank,
        ] {
            write_cell(&mut text, cell, kind);
            text.push(';');
        }
        assert_eq!(text, "20230901;12,5;0,4;-7;;");
    }

    #[test]
    fn numbers_are_padded_and_never_cut() {
        let mut text = String::new();
        write_padded(&mut text, 42, 4);
        write_padded(&mut text, 12_345, 3);
        write_padded(&mut text, 0, 1);
        assert_eq!(text, "0042123450");
    }
}

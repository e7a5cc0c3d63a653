//! A sheet of an Excel workbook as a source of rows.
//!
//! Excel keeps numbers as floats and shows fifteen digits of them. A number is read as its value
//! to fifteen significant digits, which is what was typed: 0.1 + 0.2 is 0.3. Whole numbers beyond
//! fifteen digits, which Excel itself does not keep, are no values. A date is a number that is
//! shown as one. A formula is what it came to when the file was saved.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calamine::{Data, DataRef, ExcelDateTime, Reader, Xls, Xlsx};
use utfall_files::Digest;

use super::columns::ColumnMap;
use super::error::IngestError;
use super::file_name::FileName;
use super::parquet::SharedBytes;
use super::pushed::{Ended, PushedSource, RowSender, Whole};
use super::rules::Cell;
use crate::contract::{DataContract, Sheet};

/// Most bytes that a workbook may hold once expanded.
const WORKBOOK_BYTES: u64 = 4 << 30;

/// What a workbook of the older form begins with.
pub(crate) const OLE_MAGIC: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];

/// Seconds of a day.
const SECONDS_PER_DAY: i64 = 86_400;

type Bytes = Cursor<SharedBytes>;

/// Opens a workbook and finds the contract's columns in the header row of its sheet.
pub(crate) fn open(
    path: &Path,
    contract: &DataContract,
    sheet: &Sheet,
) -> Result<PushedSource, IngestError> {
    let bytes = utfall_files::read_whole(path).map_err(IngestError::Unreadable)?;
    let digest = Digest::blake3(&bytes);
    let n_bytes = bytes.len() as u64;
    let bytes = SharedBytes(Arc::new(bytes));
    let name = FileName::of(path);
    check_size(&name, &bytes)?;
    let mut header = HeaderRow {
        names: Vec::new(),
        row: sheet.header_row,
    };
    read(&name, &bytes, sheet, &mut header).or_else(|ended| match ended {
        Ended::Hung => Ok(()),
        Ended::Failed(error) => Err(error),
    })?;
    let columns = Arc::new(ColumnMap::by_name(path, header.names, contract, |_| None)?);
    let passed = Arc::new(AtomicU64::new(0));
    let n_passed = passed.clone();
    let whole = Whole {
        name: name.clone(),
        n_bytes: Box::new(move || n_passed.load(Ordering::Relaxed)),
        digest: Box::new(move || Ok(digest)),
    };
    let sheet = sheet.clone();
    Ok(PushedSource::start(columns, whole, move |rows| {
        rows.give_all();
        let mut rows = SheetRows {
            rows,
            header_row: sheet.header_row,
            row: 0,
        };
        read(&name, &bytes, &sheet, &mut rows)?;
        passed.store(n_bytes, Ordering::Relaxed);
        Ok(())
    }))
}

/// A workbook is an archive of texts, which may be small and expand without end.
fn check_size(name: &FileName, bytes: &SharedBytes) -> Result<(), IngestError> {
    if bytes.as_ref().starts_with(OLE_MAGIC) {
        return Ok(());
    }
    let damaged = |_| unfit(name);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes.clone())).map_err(|_| unfit(name))?;
    let mut n_bytes = 0;
    for i in 0..archive.len() {
        let member = archive.by_index(i).map_err(|_| unfit(name))?;
        let mut member = std::io::Read::take(member, WORKBOOK_BYTES - n_bytes + 1);
        n_bytes += std::io::copy(&mut member, &mut std::io::sink()).map_err(damaged)?;
        if n_bytes > WORKBOOK_BYTES {
            return Err(IngestError::Unfit {
                file: name.clone(),
                what: "holds more than 4 GiB once expanded, expected a workbook of a million rows at most",
            });
        }
    }
    Ok(())
}

fn unfit(file: &FileName) -> IngestError {
    IngestError::Unfit {
        file: file.clone(),
        what: "is no Excel workbook (.xlsx or .xls), or it is damaged, cut short or protected by a password",
    }
}

/// Takes in the cells of a sheet by row and column, from 0.
trait Cells {
    fn cell(&mut self, row: u32, column: u32, cell: Cell<'_>) -> Result<(), Ended>;
}

/// Shows every cell of a sheet that is not empty, row by row.
fn read(
    name: &FileName,
    bytes: &SharedBytes,
    sheet: &Sheet,
    cells: &mut impl Cells,
) -> Result<(), Ended> {
    let bytes: Bytes = Cursor::new(bytes.clone());
    if bytes.get_ref().as_ref().starts_with(OLE_MAGIC) {
        let mut workbook = Xls::new(bytes).map_err(|_| unfit(name))?;
        check_sheet(name, sheet, &workbook.sheet_names())?;
        let range = workbook
            .worksheet_range(&sheet.name)
            .map_err(|_| unfit(name))?;
        let (first_row, first_column) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let place = (first_row + row as u32, first_column + column as u32);
            cells.cell(place.0, place.1, of_data(value))?;
        }
        return Ok(());
    }
    let mut workbook = Xlsx::new(bytes).map_err(|_| unfit(name))?;
    check_sheet(name, sheet, &workbook.sheet_names())?;
    let mut reader = workbook
        .worksheet_cells_reader(&sheet.name)
        .map_err(|_| unfit(name))?;
    while let Some(found) = reader.next_cell().map_err(|_| unfit(name))? {
        let (row, column) = found.get_position();
        cells.cell(row, column, of_data_ref(found.get_value()))?;
    }
    Ok(())
}

fn check_sheet(name: &FileName, sheet: &Sheet, found: &[String]) -> Result<(), IngestError> {
    if found.contains(&sheet.name) {
        return Ok(());
    }
    Err(IngestError::NoSheet {
        file: name.clone(),
        sheet: sheet.name.clone(),
        found: found.to_vec(),
    })
}

fn of_data(value: &Data) -> Cell<'_> {
    match value {
        Data::Int(value) => Cell::Integer(*value),
        Data::Float(value) => of_number(*value),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
            Cell::Text(text.as_bytes())
        }
        Data::Bool(value) => Cell::logical(*value),
        Data::DateTime(moment) => of_moment(*moment),
        Data::Error(_) => Cell::Beyond,
        Data::Empty => Cell::Missing,
    }
}

fn of_data_ref<'c>(value: &'c DataRef<'_>) -> Cell<'c> {
    match value {
        DataRef::Int(value) => Cell::Integer(*value),
        DataRef::Float(value) => of_number(*value),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Cell::Text(text.as_bytes())
        }
        DataRef::SharedString(text) => Cell::Text(text.as_bytes()),
        DataRef::Bool(value) => Cell::logical(*value),
        DataRef::DateTime(moment) => of_moment(*moment),
        DataRef::Error(_) => Cell::Beyond,
        DataRef::Empty => Cell::Missing,
    }
}

/// A number to fifteen significant digits.
fn of_number(value: f64) -> Cell<'static> {
    if value.abs() < 1e15 {
        Cell::of_literal(format!("{value:.14e}").as_bytes())
    } else {
        Cell::Beyond
    }
}

fn of_moment(moment: ExcelDateTime) -> Cell<'static> {
    moment
        .as_datetime()
        .map_or(Cell::Beyond, |moment| Cell::Moment {
            units: moment.and_utc().timestamp(),
            per_day: SECONDS_PER_DAY,
        })
}

/// The names in a sheet's header row.
struct HeaderRow {
    names: Vec<String>,
    row: u32,
}

impl Cells for HeaderRow {
    fn cell(&mut self, row: u32, column: u32, cell: Cell<'_>) -> Result<(), Ended> {
        if row + 1 > self.row {
            return Err(Ended::Hung);
        }
        if row + 1 == self.row {
            self.names.resize(column as usize, String::new());
            self.names.push(match cell {
                Cell::Text(name) => String::from_utf8_lossy(name).trim().to_owned(),
                Cell::Integer(name) => name.to_string(),
                _ => String::new(),
            });
        }
        Ok(())
    }
}

/// Rows after a sheet's header.
struct SheetRows<'s> {
    rows: &'s mut RowSender,
    header_row: u32,
    /// The row begun last, from 1.
    row: u32,
}

impl Cells for SheetRows<'_> {
    fn cell(&mut self, row: u32, column: u32, cell: Cell<'_>) -> Result<(), Ended> {
        let row = row + 1;
        if row <= self.header_row || matches!(cell, Cell::Missing) {
            return Ok(());
        }
        if row != self.row {
            self.rows.begin(row.into())?;
            self.row = row;
        }
        let column = column as usize;
        let is_named = column < self.rows.n_columns();
        self.rows.put(is_named.then_some(column), cell);
        Ok(())
    }
}

/// Rows among which a header is looked for.
const HEADER_ROWS: u32 = 20;

/// The first sheet of a workbook, and the first of its rows with the most texts; `None` if the
/// file is no workbook.
pub(crate) fn first_sheet(path: &Path) -> Result<Option<(String, u32)>, IngestError> {
    let bytes = utfall_files::read_whole(path).map_err(IngestError::Unreadable)?;
    let bytes = SharedBytes(Arc::new(bytes));
    let name = FileName::of(path);
    let is_old = bytes.as_ref().starts_with(OLE_MAGIC);
    let cursor = Cursor::new(bytes.clone());
    let sheets = if is_old {
        Xls::new(cursor).map(|workbook| workbook.sheet_names()).ok()
    } else {
        check_size(&name, &bytes).ok();
        Xlsx::new(cursor)
            .map(|workbook| workbook.sheet_names())
            .ok()
    };
    let Some(sheet) = sheets.and_then(|sheets| sheets.into_iter().next()) else {
        return Ok(None);
    };
    let sheet = Sheet {
        name: sheet,
        header_row: 1,
    };
    let mut texts = TextsByRow::default();
    match read(&name, &bytes, &sheet, &mut texts) {
        Ok(()) | Err(Ended::Hung) => {}
        Err(Ended::Failed(error)) => return Err(error),
    }
    let most = texts.0.values().max().copied().unwrap_or(0);
    let header_row = texts.0.iter().find(|(_, n_texts)| **n_texts == most);
    Ok(Some((sheet.name, header_row.map_or(1, |(row, _)| row + 1))))
}

/// Texts in each of the first rows.
#[derive(Default)]
struct TextsByRow(std::collections::BTreeMap<u32, usize>);

impl Cells for TextsByRow {
    fn cell(&mut self, row: u32, _column: u32, cell: Cell<'_>) -> Result<(), Ended> {
        if row >= HEADER_ROWS {
            return Err(Ended::Hung);
        }
        *self.0.entry(row).or_default() += usize::from(matches!(cell, Cell::Text(_)));
        Ok(())
    }
}

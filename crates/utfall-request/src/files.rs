//! The data files of a request: where they lie, and how they are read.

use std::path::Path;

use crate::RequestError;
use crate::table::Table;

/// Where the data files of a request are sought, and how a file is read.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    folder: &'a Path,
    read: &'a Reader,
}

/// Reads a data file.
pub type Reader = dyn Fn(&Path) -> Result<Cells, RequestError> + Sync;

impl<'a> Files<'a> {
    /// CSV files, sought from a folder.
    #[must_use]
    pub fn in_folder(folder: &'a Path) -> Self {
        Self {
            folder,
            read: &Cells::read_csv,
        }
    }

    /// Files of any format, sought from a folder and read by a function: one that knows Parquet,
    /// say, and leaves CSV to [`Cells::read_csv`].
    #[must_use]
    pub fn read_by(folder: &'a Path, read: &'a Reader) -> Self {
        Self { folder, read }
    }

    pub(crate) fn table(&self, file: &Path) -> Result<Table, RequestError> {
        let path = self.folder.join(file);
        let cells = (self.read)(&path)?;
        Ok(Table::of(path, cells))
    }
}

/// The cells of a data file as text; an empty cell has no value.
#[derive(Debug, Clone)]
pub struct Cells {
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Line of the file, the header being line 1; row of the table where a file has no lines.
    pub(crate) line: u64,
    pub(crate) cells: csv::StringRecord,
}

impl Cells {
    /// Cells of a file that has no lines, row by row; messages count its rows from 1.
    #[must_use]
    pub fn of(header: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        let row = |(line, cells): (u64, Vec<String>)| Row {
            line,
            cells: cells.into(),
        };
        Self {
            header,
            rows: (1..).zip(rows).map(row).collect(),
        }
    }

    /// Reads a CSV file: UTF-8, commas, a header line, quotes doubled.
    ///
    /// # Errors
    ///
    /// [`RequestError::Unreadable`], or [`RequestError::BadLine`] at the first line that is not such.
    pub fn read_csv(path: &Path) -> Result<Self, RequestError> {
        let unreadable = |error: csv::Error| RequestError::of_csv(path, &error);
        let mut reader = csv::ReaderBuilder::new()
            .from_path(path)
            .map_err(unreadable)?;
        let names = reader.headers().map_err(unreadable)?;
        let header: Vec<String> = names
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').to_owned())
            .collect();
        let mut rows = Vec::new();
        for cells in reader.records() {
            let cells = cells.map_err(unreadable)?;
            rows.push(Row {
                line: cells.position().map_or(0, csv::Position::line),
                cells,
            });
        }
        Ok(Self { header, rows })
    }
}

//! A CSV file as text cells, of which only the columns a request names are looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use utfall_matching::design::Columns;

use crate::RequestError;

/// Rows of a CSV file that a request keeps, in the order they are used.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    header: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    /// Line of the file, the header being line 1.
    line: u64,
    cells: csv::StringRecord,
}

impl Columns for Table {
    type Error = RequestError;

    fn n_units(&self) -> usize {
        self.n_rows()
    }

    fn numbers(&self, name: &str) -> Result<Vec<f64>, RequestError> {
        self.numbers(name)
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, RequestError> {
        self.texts(name)
    }
}

/// Cells that hold no value.
fn is_missing(cell: &str) -> bool {
    cell.is_empty() || cell == "NA"
}

impl Table {
    /// Reads a file: UTF-8, commas, a header line, quotes doubled.
    pub(crate) fn read(path: &Path) -> Result<Self, RequestError> {
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
        Ok(Self {
            path: path.to_owned(),
            header,
            rows,
        })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    fn index(&self, column: &str) -> Result<usize, RequestError> {
        let mut found = (0..self.header.len()).filter(|&index| self.header[index] == column);
        match (found.next(), found.next()) {
            (Some(index), None) => Ok(index),
            (Some(_), Some(_)) => Err(RequestError::ColumnTwice {
                file: self.path.clone(),
                column: column.to_owned(),
            }),
            (None, _) => Err(RequestError::NoColumn {
                file: self.path.clone(),
                column: column.to_owned(),
                found: self.header.join(", "),
            }),
        }
    }

    /// The cells of a column, missing ones too.
    pub(crate) fn cells(&self, column: &str) -> Result<Vec<String>, RequestError> {
        let index = self.index(column)?;
        Ok(self
            .rows
            .iter()
            .map(|row| row.cells[index].to_owned())
            .collect())
    }

    /// Adds a column with a cell for each row.
    pub(crate) fn add_column(&mut self, name: &str, cells: &[String]) -> Result<(), RequestError> {
        if self.header.iter().any(|column| column == name) {
            return Err(RequestError::ColumnTwice {
                file: self.path.clone(),
                column: name.to_owned(),
            });
        }
        self.header.push(name.to_owned());
        for (row, cell) in self.rows.iter_mut().zip(cells) {
            row.cells.push_field(cell);
        }
        Ok(())
    }

    /// Keeps the rows whose cell is one of the values.
    pub(crate) fn keep(&mut self, column: &str, equals: &[String]) -> Result<(), RequestError> {
        let index = self.index(column)?;
        self.rows
            .retain(|row| equals.iter().any(|value| value == &row.cells[index]));
        Ok(())
    }

    /// Leaves out the rows that are marked.
    pub(crate) fn leave_out(&mut self, gone: &[bool]) {
        let mut gone = gone.iter();
        self.rows.retain(|_| !gone.next().copied().unwrap_or(false));
    }

    /// Drops the rows without a value in the column.
    pub(crate) fn drop_missing(&mut self, column: &str) -> Result<(), RequestError> {
        let index = self.index(column)?;
        self.rows.retain(|row| !is_missing(&row.cells[index]));
        Ok(())
    }

    /// Puts the rows in the order of an identifier: by number if all are whole numbers, else by text.
    pub(crate) fn sort_by_id(&mut self, column: &str) -> Result<(), RequestError> {
        let ids = self.texts(column)?;
        let numbers: Option<Vec<i64>> = ids.iter().map(|id| id.parse().ok()).collect();
        let mut order: Vec<usize> = (0..ids.len()).collect();
        match numbers {
            Some(numbers) => order.sort_by_key(|&row| numbers[row]),
            None => order.sort_by(|&a, &b| ids[a].cmp(&ids[b])),
        }
        if let Some(pair) = order.windows(2).find(|pair| ids[pair[0]] == ids[pair[1]]) {
            let lines = [self.rows[pair[0]].line, self.rows[pair[1]].line];
            return Err(RequestError::IdTwice {
                file: self.path.clone(),
                column: column.to_owned(),
                lines,
            });
        }
        let mut rows: BTreeMap<usize, Row> = self.rows.drain(..).enumerate().collect();
        self.rows = order.iter().filter_map(|row| rows.remove(row)).collect();
        Ok(())
    }

    /// The cells of a column; a missing one is an error.
    pub(crate) fn texts(&self, column: &str) -> Result<Vec<String>, RequestError> {
        let index = self.index(column)?;
        let cell = |row: &Row| match &row.cells[index] {
            cell if is_missing(cell) => Err(RequestError::Missing {
                file: self.path.clone(),
                column: column.to_owned(),
                line: row.line,
            }),
            cell => Ok(cell.to_owned()),
        };
        self.rows.iter().map(cell).collect()
    }

    /// A column as numbers, `column=value` as an indicator, or `column^2` as a square; a missing
    /// cell is an error.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<f64>, RequestError> {
        if let (Err(_), Some(column)) = (self.index(name), name.strip_suffix("^2")) {
            let values = self.numbers(column)?;
            return Ok(values.iter().map(|value| value * value).collect());
        }
        if let (Err(_), Some((column, value))) = (self.index(name), name.split_once('=')) {
            let cells = self.texts(column)?;
            return Ok(cells
                .iter()
                .map(|cell| f64::from(u8::from(cell == value)))
                .collect());
        }
        let number = |(cell, row): (String, &Row)| match cell.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(RequestError::NotANumber {
                file: self.path.clone(),
                column: name.to_owned(),
                line: row.line,
            }),
        };
        self.texts(name)?
            .into_iter()
            .zip(&self.rows)
            .map(number)
            .collect()
    }

    /// Whether each row is in the treated arm.
    pub(crate) fn arms(
        &self,
        column: &str,
        treated: &str,
        comparator: &str,
    ) -> Result<Vec<bool>, RequestError> {
        let arm = |(cell, row): (String, &Row)| match cell {
            cell if cell == treated => Ok(true),
            cell if cell == comparator => Ok(false),
            _ => Err(RequestError::NeitherArm {
                file: self.path.clone(),
                column: column.to_owned(),
                line: row.line,
            }),
        };
        self.texts(column)?
            .into_iter()
            .zip(&self.rows)
            .map(arm)
            .collect()
    }

    /// The line of a row in the file.
    pub(crate) fn line(&self, row: usize) -> Option<u64> {
        self.rows.get(row).map(|row| row.line)
    }
}

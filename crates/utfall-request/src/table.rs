//! Rows of a data file as text cells, of which only the columns a request names are looked at.

use std::path::PathBuf;
use std::sync::Arc;

use utfall_effects::EffectError;
use utfall_matching::design::Columns;

use crate::derive::Derived;
use crate::files::{Cells, Row};
use crate::{Keep, RequestError};

/// Rows of a data file that a request keeps, in the order they are used.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    path: PathBuf,
    cells: Arc<Cells>,
    order: Vec<usize>,
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

/// Rows in the order of an identifier: by number if all are whole numbers, else by text; equal ones as
/// they stand.
fn in_order(ids: &[String]) -> Vec<usize> {
    let numbers: Option<Vec<i64>> = ids.iter().map(|id| id.parse().ok()).collect();
    let mut order: Vec<usize> = (0..ids.len()).collect();
    match numbers {
        Some(numbers) => order.sort_by_key(|&row| numbers[row]),
        None => order.sort_by(|&a, &b| ids[a].cmp(&ids[b])),
    }
    order
}

/// Cells that hold no value.
fn is_missing(cell: &str) -> bool {
    cell.is_empty() || cell == "NA"
}

/// The column and the comparison of `column>=1`, `column>1`, `column<=1` or `column<1`.
fn comparison(name: &str) -> Option<(&str, impl Fn(f64) -> bool)> {
    let at = name.find(['<', '>'])?;
    let (column, rest) = name.split_at(at);
    let (sign, rest) = rest.split_at(1);
    let (or_equal, number) = match rest.strip_prefix('=') {
        Some(number) => (true, number),
        None => (false, rest),
    };
    let bound: f64 = number.trim().parse().ok()?;
    let above = sign == ">";
    let holds = move |value: f64| {
        let beyond = if above { value > bound } else { value < bound };
        beyond || or_equal && value >= bound && value <= bound
    };
    Some((column.trim_end(), holds))
}

impl Table {
    /// The rows of a file in its order.
    pub(crate) fn of(path: PathBuf, cells: Cells) -> Self {
        Self {
            path,
            order: (0..cells.rows.len()).collect(),
            cells: Arc::new(cells),
        }
    }

    /// Computes columns, keeps some rows, drops those that lack a value, and puts the rest in the
    /// order of their ids.
    ///
    /// Returns how many rows were left out.
    pub(crate) fn prepare(
        &mut self,
        derive: &[Derived],
        keep: &[Keep],
        drop_rows_without: &[String],
        id: Option<&str>,
    ) -> Result<usize, RequestError> {
        let n_rows_read = self.n_rows();
        for derived in derive {
            derived.add(self)?;
        }
        for keep in keep {
            self.keep(&keep.column, &keep.equals)?;
        }
        for column in drop_rows_without {
            self.drop_missing(column)?;
        }
        if let Some(id) = id {
            self.sort_by_id(id)?;
        }
        Ok(n_rows_read - self.n_rows())
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.order.len()
    }

    /// Some of the rows, in the order given; a row may come several times.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        Self {
            path: self.path.clone(),
            cells: Arc::clone(&self.cells),
            order: rows.iter().map(|&row| self.order[row]).collect(),
        }
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.cells.header
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.order.iter().map(|&row| &self.cells.rows[row])
    }

    fn line_of(&self, row: usize) -> u64 {
        self.cells.rows[self.order[row]].line
    }

    fn index(&self, column: &str) -> Result<usize, RequestError> {
        let header = &self.cells.header;
        let mut found = (0..header.len()).filter(|&index| header[index] == column);
        match (found.next(), found.next()) {
            (Some(index), None) => Ok(index),
            (Some(_), Some(_)) => Err(RequestError::ColumnTwice {
                file: self.path.clone(),
                column: column.to_owned(),
            }),
            (None, _) => Err(RequestError::NoColumn {
                file: self.path.clone(),
                column: column.to_owned(),
                found: header.join(", "),
            }),
        }
    }

    /// The cells of a column, missing ones too.
    pub(crate) fn cells(&self, column: &str) -> Result<Vec<String>, RequestError> {
        let index = self.index(column)?;
        Ok(self.rows().map(|row| row.cells[index].to_owned()).collect())
    }

    /// Adds a column with a cell for each row.
    pub(crate) fn add_column(&mut self, name: &str, cells: &[String]) -> Result<(), RequestError> {
        if self.cells.header.iter().any(|column| column == name) {
            return Err(RequestError::ColumnTwice {
                file: self.path.clone(),
                column: name.to_owned(),
            });
        }
        let all = Arc::make_mut(&mut self.cells);
        all.header.push(name.to_owned());
        let mut of_row = vec![""; all.rows.len()];
        for (&row, cell) in self.order.iter().zip(cells) {
            of_row[row] = cell;
        }
        for (row, cell) in all.rows.iter_mut().zip(of_row) {
            row.cells.push_field(cell);
        }
        Ok(())
    }

    /// Keeps the rows whose cell is one of the values.
    fn keep(&mut self, column: &str, equals: &[String]) -> Result<(), RequestError> {
        let index = self.index(column)?;
        let rows = &self.cells.rows;
        self.order
            .retain(|&row| equals.iter().any(|value| value == &rows[row].cells[index]));
        Ok(())
    }

    /// Leaves out the rows that are marked.
    pub(crate) fn leave_out(&mut self, gone: &[bool]) {
        let mut gone = gone.iter();
        self.order
            .retain(|_| !gone.next().copied().unwrap_or(false));
    }

    /// Drops the rows without a value in the column.
    fn drop_missing(&mut self, column: &str) -> Result<(), RequestError> {
        let index = self.index(column)?;
        let rows = &self.cells.rows;
        self.order
            .retain(|&row| !is_missing(&rows[row].cells[index]));
        Ok(())
    }

    /// Puts the rows in the order of an identifier: by number if all are whole numbers, else by text.
    fn sort_by_id(&mut self, column: &str) -> Result<(), RequestError> {
        let ids = self.texts(column)?;
        let order = in_order(&ids);
        if let Some(pair) = order.windows(2).find(|pair| ids[pair[0]] == ids[pair[1]]) {
            let lines = [self.line_of(pair[0]), self.line_of(pair[1])];
            return Err(RequestError::IdTwice {
                file: self.path.clone(),
                column: column.to_owned(),
                lines,
            });
        }
        self.order = order.into_iter().map(|row| self.order[row]).collect();
        Ok(())
    }

    /// The rows in the order of units, as of an identifier, and of times within each.
    pub(crate) fn by_unit_and_time(&self, unit: &str, time: &str) -> Result<Self, RequestError> {
        let (units, times) = (self.texts(unit)?, self.numbers(time)?);
        let mut order = in_order(&units);
        for of_unit in order.chunk_by_mut(|&a, &b| units[a] == units[b]) {
            of_unit.sort_by(|&a, &b| times[a].total_cmp(&times[b]));
        }
        Ok(self.select(&order))
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
        self.rows().map(cell).collect()
    }

    /// A column as numbers, `column=value` as an indicator, `column>1.5` and the like as one of a
    /// comparison, or `column^2` as a square; a missing cell is an error.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<f64>, RequestError> {
        if let (Err(_), Some((one, other))) = (self.index(name), name.split_once(':'))
            && let (Ok(one), Ok(other)) = (self.numbers(one), self.numbers(other))
        {
            return Ok(one.iter().zip(&other).map(|(a, b)| a * b).collect());
        }
        if let (Err(_), Some(column)) = (self.index(name), name.strip_suffix("^2")) {
            let values = self.numbers(column)?;
            return Ok(values.iter().map(|value| value * value).collect());
        }
        if let (Err(_), Some((column, holds))) = (self.index(name), comparison(name)) {
            let values = self.numbers(column)?;
            return Ok(values
                .into_iter()
                .map(|value| f64::from(u8::from(holds(value))))
                .collect());
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
            .zip(self.rows())
            .map(number)
            .collect()
    }

    /// A column as numbers, `None` where a cell has no value or is one of `never`.
    pub(crate) fn numbers_or_never(
        &self,
        column: &str,
        never: &[String],
    ) -> Result<Vec<Option<f64>>, RequestError> {
        let number = |(cell, row): (String, &Row)| {
            if is_missing(&cell) || never.contains(&cell) {
                return Ok(None);
            }
            match cell.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some(number)),
                _ => Err(RequestError::NotANumber {
                    file: self.path.clone(),
                    column: column.to_owned(),
                    line: row.line,
                }),
            }
        };
        self.cells(column)?
            .into_iter()
            .zip(self.rows())
            .map(number)
            .collect()
    }

    /// The rows in order of time, and their times, each of which stands once.
    pub(crate) fn in_time(&self, column: &str) -> Result<(Self, Vec<f64>), RequestError> {
        let time = self.numbers(column)?;
        let mut order: Vec<usize> = (0..self.n_rows()).collect();
        order.sort_by(|&a, &b| time[a].total_cmp(&time[b]).then(a.cmp(&b)));
        let sorted = self.select(&order);
        let time: Vec<f64> = order.iter().map(|&row| time[row]).collect();
        match (1..time.len()).find(|&row| time[row] <= time[row - 1]) {
            Some(row) => {
                let error = EffectError::DuplicateInPanel { row };
                Err(RequestError::effect(&[], sorted.line(row), error))
            }
            None => Ok((sorted, time)),
        }
    }

    /// A column of whole numbers; a missing cell is an error.
    pub(crate) fn whole(&self, column: &str) -> Result<Vec<i64>, RequestError> {
        let cells = self.whole_or_none(column)?;
        let number = |(cell, row): (Option<i64>, &Row)| {
            cell.ok_or_else(|| RequestError::Missing {
                file: self.path.clone(),
                column: column.to_owned(),
                line: row.line,
            })
        };
        cells.into_iter().zip(self.rows()).map(number).collect()
    }

    /// A column of whole numbers, `None` where a cell has no value.
    pub(crate) fn whole_or_none(&self, column: &str) -> Result<Vec<Option<i64>>, RequestError> {
        let index = self.index(column)?;
        let number = |row: &Row| match &row.cells[index] {
            cell if is_missing(cell) => Ok(None),
            cell => cell
                .parse()
                .map(Some)
                .map_err(|_| RequestError::NotANumber {
                    file: self.path.clone(),
                    column: column.to_owned(),
                    line: row.line,
                }),
        };
        self.rows().map(number).collect()
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
            .zip(self.rows())
            .map(arm)
            .collect()
    }

    /// The line of a row in the file.
    pub(crate) fn line(&self, row: usize) -> Option<u64> {
        (row < self.n_rows()).then(|| self.line_of(row))
    }
}

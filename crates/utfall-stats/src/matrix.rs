//! A dense matrix stored by column.

use rayon::prelude::*;

use crate::first_row;

/// A dense matrix of floats; each column is one contiguous slice.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    n_rows: usize,
    columns: Vec<Vec<f64>>,
}

/// Why columns do not make a matrix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatrixError {
    /// Columns differ in length.
    #[error("column {column} has {found} rows, expected {expected}")]
    Ragged {
        /// Index of the column.
        column: usize,
        /// Its length.
        found: usize,
        /// Length of the first column.
        expected: usize,
    },
}

impl Matrix {
    /// A matrix of these columns, taken without a copy. No columns make a matrix without rows.
    ///
    /// # Errors
    ///
    /// [`MatrixError::Ragged`] at the first column that differs from the first in length.
    pub fn from_columns(columns: Vec<Vec<f64>>) -> Result<Self, MatrixError> {
        let n_rows = columns.first().map_or(0, Vec::len);
        for (column, values) in columns.iter().enumerate() {
            if values.len() != n_rows {
                return Err(MatrixError::Ragged {
                    column,
                    found: values.len(),
                    expected: n_rows,
                });
            }
        }
        Ok(Self { n_rows, columns })
    }

    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(n_rows: usize, n_columns: usize) -> Self {
        Self {
            n_rows,
            columns: vec![vec![0.0; n_rows]; n_columns],
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// One column.
    #[must_use]
    pub fn column(&self, column: usize) -> &[f64] {
        &self.columns[column]
    }

    /// One column, to be changed.
    pub fn column_mut(&mut self, column: usize) -> &mut [f64] {
        &mut self.columns[column]
    }

    /// The columns in order.
    pub fn columns(&self) -> impl Iterator<Item = &[f64]> {
        self.columns.iter().map(Vec::as_slice)
    }

    /// One cell.
    #[must_use]
    pub fn get(&self, row: usize, column: usize) -> f64 {
        self.columns[column][row]
    }

    /// Sets one cell.
    pub fn set(&mut self, row: usize, column: usize, value: f64) {
        self.columns[column][row] = value;
    }

    /// The rows with these indices, in that order.
    #[must_use]
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let columns = self
            .columns
            .par_iter()
            .map(|column| rows.iter().map(|&row| column[row]).collect());
        Self {
            n_rows: rows.len(),
            columns: columns.collect(),
        }
    }

    /// The first cell, by column and then row, that is NaN or infinite: `(row, column)`.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<(usize, usize)> {
        let mut columns = self.columns.iter().enumerate();
        columns.find_map(|(column, values)| {
            let row = first_row(values, |value| !value.is_finite())?;
            Some((row, column))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sums::BLOCK;

    #[test]
    fn ragged_columns_are_refused() {
        let error = Matrix::from_columns(vec![vec![1.0, 2.0], vec![1.0]]).unwrap_err();
        assert_eq!(
            error,
            MatrixError::Ragged {
                column: 1,
                found: 1,
                expected: 2
            }
        );
    }

    #[test]
    fn the_first_cell_that_is_no_number_is_found() {
        let matrix = Matrix::from_columns(vec![vec![1.0, 2.0], vec![1.0, f64::NAN]]).unwrap();
        assert_eq!(matrix.first_not_finite(), Some((1, 1)));
        let mut columns = vec![vec![0.5; 3 * BLOCK]; 5];
        assert_eq!(
            Matrix::from_columns(columns.clone())
                .unwrap()
                .first_not_finite(),
            None
        );
        columns[4][0] = f64::NAN;
        columns[3][2 * BLOCK + 7] = f64::INFINITY;
        columns[3][2 * BLOCK + 9] = f64::NAN;
        let matrix = Matrix::from_columns(columns).unwrap();
        assert_eq!(matrix.first_not_finite(), Some((2 * BLOCK + 7, 3)));
    }
}

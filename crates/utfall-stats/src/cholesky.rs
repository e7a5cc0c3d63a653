//! Symmetric positive definite systems.

use crate::Matrix;

/// The lower triangular factor `L` of a symmetric matrix `A = L·Lᵀ`.
#[derive(Debug, Clone)]
pub struct Cholesky {
    /// Rows of the lower triangle; row `i` has `i + 1` cells.
    rows: Vec<Vec<f64>>,
}

/// A column adds nothing to the columns before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("column {column} is a combination of the columns before it")]
pub struct NotPositiveDefinite {
    /// Index of the first such column.
    pub column: usize,
}

impl Cholesky {
    /// Factors a symmetric matrix, of which the lower triangle is read.
    ///
    /// A column counts as a combination of earlier ones if what is left of its diagonal cell is at
    /// most `tolerance` times that cell. For a cross product `XᵀX` that is `1 - R²` of the column
    /// on the columns before it.
    ///
    /// # Errors
    ///
    /// [`NotPositiveDefinite`] with the first column at or below the tolerance, or not finite.
    pub fn factor(matrix: &Matrix, tolerance: f64) -> Result<Self, NotPositiveDefinite> {
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(matrix.n_rows());
        for i in 0..matrix.n_rows() {
            let mut row = Vec::with_capacity(i + 1);
            for (j, earlier) in rows.iter().enumerate() {
                let rest = matrix.get(i, j) - inner(&row, &earlier[..j]);
                row.push(rest / earlier[j]);
            }
            let diagonal = matrix.get(i, i);
            let pivot = diagonal - inner(&row, &row);
            if pivot > tolerance * diagonal && pivot.is_finite() && pivot > 0.0 {
                row.push(pivot.sqrt());
                rows.push(row);
            } else {
                return Err(NotPositiveDefinite { column: i });
            }
        }
        Ok(Self { rows })
    }

    /// A cell of `L`, at or below its diagonal.
    #[must_use]
    pub fn lower(&self, row: usize, column: usize) -> f64 {
        self.rows[row][column]
    }

    /// Solves `A·x = b`. `b` has one value for each row of `A`.
    #[must_use]
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.rows.len();
        let mut x: Vec<f64> = Vec::with_capacity(n);
        for (row, value) in self.rows.iter().zip(b) {
            let i = x.len();
            let solved = (value - inner(&x, &row[..i])) / row[i];
            x.push(solved);
        }
        for i in (0..n).rev() {
            let mut rest = x[i];
            for (later, row) in self.rows.iter().enumerate().skip(i + 1) {
                rest -= row[i] * x[later];
            }
            x[i] = rest / self.rows[i][i];
        }
        x
    }

    /// The inverse of `A`, exactly symmetric.
    #[must_use]
    pub fn inverse(&self) -> Matrix {
        let n = self.rows.len();
        let mut inverse = Matrix::zeros(n, n);
        for j in 0..n {
            let mut unit = vec![0.0; n];
            unit[j] = 1.0;
            let column = self.solve(&unit);
            for (i, &value) in column.iter().enumerate().skip(j) {
                inverse.set(i, j, value);
                inverse.set(j, i, value);
            }
        }
        inverse
    }
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |total, (x, y)| total + x * y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Matrix {
        Matrix::from_columns(vec![
            vec![4.0, 2.0, 0.6],
            vec![2.0, 5.0, 1.5],
            vec![0.6, 1.5, 3.0],
        ])
        .unwrap()
    }

    #[test]
    fn a_matrix_times_its_inverse_is_the_identity() {
        let inverse = Cholesky::factor(&example(), 0.0).unwrap().inverse();
        for i in 0..3 {
            for j in 0..3 {
                let cell: f64 = (0..3)
                    .map(|k| example().get(i, k) * inverse.get(k, j))
                    .sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((cell - expected).abs() < 1e-15, "{i} {j} {cell}");
            }
        }
    }

    #[test]
    fn a_column_that_repeats_another_is_named() {
        let matrix = Matrix::from_columns(vec![vec![4.0, 4.0], vec![4.0, 4.0]]).unwrap();
        assert_eq!(
            Cholesky::factor(&matrix, 1e-12).unwrap_err(),
            NotPositiveDefinite { column: 1 }
        );
    }
}

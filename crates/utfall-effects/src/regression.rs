//! Weighted least squares, and what each row contributes to a contrast of its coefficients.
//!
//! Columns are made orthogonal by modified Gram–Schmidt, twice, in the inner product
//! `⟨a, b⟩ = Σ wᵢ aᵢ bᵢ` and without square roots. Two consequences matter here. Nothing is
//! squared that need not be, so a column in kronor and one in millions give the same answer. And
//! columns that are indicators of disjoint groups stay as they are, so their coefficients are
//! exactly the weighted group means.
//!
//! Björck (1967), *BIT* 7(1), <https://doi.org/10.1007/BF01934122>.

use utfall_stats::sums::sum_of;

use crate::EffectError;

/// Share of a column's square that must be left after the columns before it are taken out.
const LEAST_NEW: f64 = 1e-14;
/// Share of the outcome's square below which residuals are rounding.
const LEAST_RESIDUAL: f64 = 1e-26;

/// A weighted least-squares fit of an outcome on the columns of a design.
#[derive(Debug, Clone)]
pub struct WeightedRegression<'a> {
    weight: &'a [f64],
    /// Orthogonal columns, not scaled, and their squares.
    orthogonal: Vec<Vec<f64>>,
    squares: Vec<f64>,
    /// Unit upper triangle: column `k` of the design is `Σⱼ orthogonalⱼ · triangle[j][k]`.
    triangle: Vec<Vec<f64>>,
    /// Coefficients on the orthogonal columns.
    loadings: Vec<f64>,
    residual: Vec<f64>,
}

/// A weighted sum of coefficients and what each row contributes to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// The weighted sum of coefficients, in the outcome's unit.
    pub point: f64,
    /// What each row contributes to the error of the point, in the outcome's unit. Sums to zero
    /// where the design holds a constant; the sum of squares is the HC0 variance.
    pub influence: Vec<f64>,
    /// What the point moves by when a row's outcome moves by one, divided by the row's weight.
    pub(crate) reach: Vec<f64>,
    /// Variance of the point per unit of error variance.
    pub(crate) unit_variance: f64,
}

impl<'a> WeightedRegression<'a> {
    /// Fits the outcome on the columns.
    ///
    /// # Shapes and units
    ///
    /// - `columns`: at least one column, each with one value per row; a constant is a column like
    ///   any other and is never added.
    /// - `weight`, `outcome`: one value per row. Weights are relative: their scale changes nothing.
    ///
    /// # Errors
    ///
    /// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
    /// - [`EffectError::WeightNotPositive`] at the first weight that is zero or below: a row that
    ///   does not count has no place here.
    /// - [`EffectError::TooFewRows`] unless there are more rows than columns.
    /// - [`EffectError::RankDeficient`] at the first column that adds nothing to those before it.
    ///   No column is dropped.
    /// - [`EffectError::OutOfRange`] if squares of the values leave the range of a double.
    /// - [`EffectError::NoVariation`] if the columns reproduce the outcome up to rounding.
    pub fn fit(
        columns: &[&[f64]],
        weight: &'a [f64],
        outcome: &[f64],
    ) -> Result<Self, EffectError> {
        let n_rows = outcome.len();
        check_finite("outcome", outcome, n_rows)?;
        check_finite("weight", weight, n_rows)?;
        if let Some(row) = weight.iter().position(|&value| value <= 0.0) {
            return Err(EffectError::WeightNotPositive {
                row,
                value: weight[row],
            });
        }
        for column in columns {
            check_finite("covariate", column, n_rows)?;
        }
        if n_rows <= columns.len() {
            return Err(EffectError::TooFewRows {
                n_rows,
                n_columns: columns.len(),
            });
        }
        let mut fit = Self {
            weight,
            orthogonal: Vec::with_capacity(columns.len()),
            squares: Vec::with_capacity(columns.len()),
            triangle: vec![vec![0.0; columns.len()]; columns.len()],
            loadings: Vec::new(),
            residual: Vec::new(),
        };
        for (k, column) in columns.iter().enumerate() {
            fit.add_column(k, column)?;
        }
        let (loadings, residual) = fit.taken_out(outcome);
        let left = fit.inner(&residual, &residual);
        if !left.is_finite() {
            return Err(EffectError::OutOfRange { what: "outcome" });
        }
        if left <= LEAST_RESIDUAL * fit.inner(outcome, outcome) {
            return Err(EffectError::NoVariation);
        }
        Ok(Self {
            loadings,
            residual,
            ..fit
        })
    }

    fn add_column(&mut self, k: usize, column: &[f64]) -> Result<(), EffectError> {
        let (shares, left) = self.taken_out(column);
        let square = self.inner(&left, &left);
        if !square.is_finite() {
            return Err(EffectError::OutOfRange { what: "covariate" });
        }
        if square <= LEAST_NEW * self.inner(column, column) {
            return Err(EffectError::RankDeficient { column: k });
        }
        for (j, share) in shares.into_iter().enumerate() {
            self.triangle[j][k] = share;
        }
        self.orthogonal.push(left);
        self.squares.push(square);
        Ok(())
    }

    /// Shares of the orthogonal columns in a vector, and what is left of it without them.
    fn taken_out(&self, vector: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut left = vector.to_vec();
        let mut shares = vec![0.0; self.orthogonal.len()];
        for _pass in 0..2 {
            for (j, column) in self.orthogonal.iter().enumerate() {
                let share = self.inner(column, &left) / self.squares[j];
                shares[j] += share;
                for (value, &along) in left.iter_mut().zip(column) {
                    *value -= share * along;
                }
            }
        }
        (shares, left)
    }

    fn inner(&self, a: &[f64], b: &[f64]) -> f64 {
        sum_of(a.len(), |row| self.weight[row] * a[row] * b[row])
    }

    /// Rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.residual.len()
    }

    /// Coefficients.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.orthogonal.len()
    }

    /// Outcome minus fitted outcome of each row.
    #[must_use]
    pub fn residual(&self) -> &[f64] {
        &self.residual
    }

    pub(crate) fn weight(&self) -> &[f64] {
        self.weight
    }

    /// The row's orthogonal columns, each of weighted length one over all rows.
    pub(crate) fn orthonormal(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        self.orthogonal
            .iter()
            .zip(&self.squares)
            .map(move |(column, square)| column[row] / square.sqrt())
    }

    /// How far each row's own outcome decides its fitted value: between 0 and 1.
    pub(crate) fn leverage(&self, row: usize) -> f64 {
        let columns = self.orthogonal.iter().zip(&self.squares);
        self.weight[row]
            * columns
                .map(|(column, square)| column[row] * column[row] / square)
                .sum::<f64>()
    }

    /// The sum of weighted squared residuals over the residual degrees of freedom.
    pub(crate) fn error_variance(&self) -> f64 {
        let degrees = utfall_stats::moments::count(self.n_rows() - self.n_columns());
        self.inner(&self.residual, &self.residual) / degrees
    }

    /// A weighted sum of the coefficients: one number per column of the design.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`] unless there is one number per column,
    /// [`EffectError::NotFinite`] if one of them is not.
    pub fn contrast(&self, per_column: &[f64]) -> Result<Contrast, EffectError> {
        check_finite("contrast", per_column, self.n_columns())?;
        let mut along = per_column.to_vec();
        for k in 0..along.len() {
            let before: f64 = (0..k).map(|j| self.triangle[j][k] * along[j]).sum();
            along[k] -= before;
        }
        let terms = || along.iter().zip(&self.squares).zip(&self.orthogonal);
        let reach: Vec<f64> = (0..self.n_rows())
            .map(|row| {
                terms()
                    .map(|((a, square), column)| column[row] * a / square)
                    .sum()
            })
            .collect();
        let influence = (0..self.n_rows())
            .map(|row| self.weight[row] * reach[row] * self.residual[row])
            .collect();
        Ok(Contrast {
            point: along
                .iter()
                .zip(&self.loadings)
                .map(|(a, loading)| a * loading)
                .sum(),
            influence,
            reach,
            unit_variance: along
                .iter()
                .zip(&self.squares)
                .map(|(a, square)| a * a / square)
                .sum(),
        })
    }
}

/// Refuses a slice of the wrong length or with a value that is NaN or infinite.
pub(crate) fn check_finite(
    what: &'static str,
    values: &[f64],
    expected: usize,
) -> Result<(), EffectError> {
    if values.len() != expected {
        return Err(EffectError::LengthMismatch {
            what,
            found: values.len(),
            expected,
        });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(EffectError::NotFinite {
            what,
            row,
            value: values[row],
        }),
        None => Ok(()),
    }
}

//! Weighted least squares, and what each row contributes to a contrast of its coefficients.
//!
//! Columns are made orthogonal in the inner product `⟨a, b⟩ = Σ wᵢ aᵢ bᵢ` and without square roots.
//! So columns that are indicators of disjoint groups stay as they are, and their coefficients are
//! exactly the weighted group means.

use std::borrow::Cow;

use rayon::prelude::*;
use utfall_stats::first_row;

use crate::orthogonal::{Dense, TakenApart, borrowed, inner};
use crate::{EffectError, Grouping};

/// Rows that are worth a thread.
const STRETCH: usize = 1 << 14;
/// Share of the outcome's square below which residuals are rounding.
const LEAST_RESIDUAL: f64 = 1e-26;

/// A weighted least-squares fit of an outcome on the columns of a design.
#[derive(Debug, Clone)]
pub struct WeightedRegression<'a> {
    weight: Cow<'a, [f64]>,
    columns: Columns<'a>,
    /// Weighted squares of the orthogonal columns.
    squares: Vec<f64>,
    /// Coefficients on the orthogonal columns.
    loadings: Vec<f64>,
    residual: Vec<f64>,
    /// Whether the weights are those of a likelihood, which then fixes the error variance at one.
    of_likelihood: bool,
}

/// Orthogonal columns, not scaled.
#[derive(Debug, Clone)]
enum Columns<'a> {
    Dense(Dense<'a>),
    /// Indicators of disjoint cells, which are orthogonal as they are: the cell of each row.
    Cells(Vec<usize>),
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
        columns: &[&'a [f64]],
        weight: &'a [f64],
        outcome: &[f64],
    ) -> Result<Self, EffectError> {
        check_rows(weight, outcome, columns.len())?;
        let apart = Dense::take_apart(borrowed(columns), weight, outcome.into())?;
        Self::of_apart(apart, Cow::Borrowed(weight))
    }

    /// As [`WeightedRegression::fit`], with weights that the fit may own and columns that it does
    /// not keep.
    pub(crate) fn fit_with(
        columns: &[&[f64]],
        weight: Cow<'a, [f64]>,
        outcome: &[f64],
    ) -> Result<Self, EffectError> {
        check_rows(&weight, outcome, columns.len())?;
        let apart = Dense::take_apart(borrowed(columns), &weight, outcome.into())?;
        let apart = TakenApart {
            columns: apart.columns.owned(),
            ..apart
        };
        Self::of_apart(apart, weight)
    }

    /// As [`WeightedRegression::fit`], of values that the fit takes over.
    pub(crate) fn fit_own(
        columns: Vec<Vec<f64>>,
        weight: Vec<f64>,
        outcome: Vec<f64>,
    ) -> Result<Self, EffectError> {
        check_rows(&weight, &outcome, columns.len())?;
        let columns = columns.into_iter().map(Cow::Owned).collect();
        let apart = Dense::take_apart(columns, &weight, outcome.into())?;
        Self::of_apart(apart, Cow::Owned(weight))
    }

    fn of_apart(apart: TakenApart<'a>, weight: Cow<'a, [f64]>) -> Result<Self, EffectError> {
        check_variation(apart.of_left, apart.of_vector)?;
        Ok(Self {
            weight,
            squares: apart.columns.squares.clone(),
            columns: Columns::Dense(apart.columns),
            loadings: apart.shares,
            residual: apart.left,
            of_likelihood: false,
        })
    }

    /// Fits the mean of each cell: the regression on the indicators of disjoint cells, in time and
    /// memory that do not grow with their number. Columns are cells in the order of their codes.
    pub(crate) fn fit_cells(
        cells: &Grouping,
        weight: &'a [f64],
        outcome: &[f64],
    ) -> Result<Self, EffectError> {
        check_rows(weight, outcome, cells.n_groups())?;
        let squares = cells.sums(weight);
        let weighted: Vec<f64> = weight.iter().zip(outcome).map(|(w, y)| w * y).collect();
        let loadings: Vec<f64> = cells
            .sums(&weighted)
            .iter()
            .zip(&squares)
            .map(|(sum, square)| sum / square)
            .collect();
        let residual: Vec<f64> = outcome
            .iter()
            .zip(cells.codes())
            .map(|(y, &cell)| y - loadings[cell])
            .collect();
        let of_outcome = inner(weight, outcome, outcome);
        check_variation(inner(weight, &residual, &residual), of_outcome)?;
        Ok(Self {
            weight: Cow::Borrowed(weight),
            columns: Columns::Cells(cells.codes().to_vec()),
            squares,
            loadings,
            residual,
            of_likelihood: false,
        })
    }

    /// The fit with other residuals: those of a model whose scores are the weighted products of
    /// these columns and residuals.
    pub(crate) fn with_residual(self, residual: Vec<f64>) -> Self {
        Self { residual, ..self }
    }

    /// The fit as the last step of a maximum likelihood with its own error variance.
    pub(crate) fn of_likelihood(self) -> Self {
        Self {
            of_likelihood: true,
            ..self
        }
    }

    /// Whether the weights are those of a likelihood.
    pub(crate) fn is_of_likelihood(&self) -> bool {
        self.of_likelihood
    }

    /// Rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.residual.len()
    }

    /// Coefficients.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.squares.len()
    }

    /// Outcome minus fitted outcome of each row.
    #[must_use]
    pub fn residual(&self) -> &[f64] {
        &self.residual
    }

    pub(crate) fn weight(&self) -> &[f64] {
        &self.weight
    }

    /// The row's value in an orthogonal column.
    fn orthogonal(&self, row: usize, column: usize) -> f64 {
        match &self.columns {
            Columns::Dense(dense) => dense.orthogonal()[column][row],
            Columns::Cells(cells) => f64::from(u8::from(cells[row] == column)),
        }
    }

    /// The row's orthogonal columns, each of weighted length one over all rows.
    pub(crate) fn orthonormal(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        self.squares
            .iter()
            .enumerate()
            .map(move |(column, square)| self.orthogonal(row, column) / square.sqrt())
    }

    /// A sum over the row's orthogonal columns that are not zero: `value(orthogonal, column)`.
    fn sum_over(&self, row: usize, value: impl Fn(f64, usize) -> f64) -> f64 {
        match &self.columns {
            Columns::Dense(dense) => dense
                .orthogonal()
                .iter()
                .enumerate()
                .map(|(k, column)| value(column[row], k))
                .sum(),
            Columns::Cells(cells) => value(1.0, cells[row]),
        }
    }

    /// How far each row's own outcome decides its fitted value: between 0 and 1.
    pub(crate) fn leverage(&self, row: usize) -> f64 {
        self.weight[row] * self.sum_over(row, |value, k| value * value / self.squares[k])
    }

    /// The sum of weighted squared residuals over the residual degrees of freedom.
    pub(crate) fn error_variance(&self) -> f64 {
        let degrees = utfall_stats::moments::count(self.n_rows() - self.n_columns());
        self.residual_square() / degrees
    }

    /// A weighted sum of the coefficients: one number per column of the design.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`] unless there is one number per column,
    /// [`EffectError::NotFinite`] if one of them is not.
    pub fn contrast(&self, per_column: &[f64]) -> Result<Contrast, EffectError> {
        check_finite("contrast", per_column, self.n_columns())?;
        let along = self.on_orthogonal(per_column);
        let reach: Vec<f64> = match &self.columns {
            Columns::Dense(dense) => {
                let shares = along.iter().zip(&self.squares);
                let shares = shares.map(|(along, square)| along / square).collect();
                dense.combined(shares, self.n_rows())
            }
            Columns::Cells(cells) => cells
                .iter()
                .map(|&cell| along[cell] / self.squares[cell])
                .collect(),
        };
        let influence = (0..self.n_rows())
            .into_par_iter()
            .with_min_len(STRETCH)
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

    /// A sum of coefficients as a sum of those on the orthogonal columns.
    fn on_orthogonal(&self, per_column: &[f64]) -> Vec<f64> {
        let mut along = per_column.to_vec();
        if let Columns::Dense(dense) = &self.columns {
            dense.forward(&mut along);
        }
        along
    }

    /// What each orthogonal column's score moves a sum of coefficients by.
    pub(crate) fn along(&self, per_column: &[f64]) -> Vec<f64> {
        let along = self.on_orthogonal(per_column).into_iter();
        along
            .zip(&self.squares)
            .map(|(a, square)| a / square)
            .collect()
    }

    /// The sums over clusters of each orthogonal column times a value of the row, by column.
    pub(crate) fn scores(&self, values: &[f64], way: &Grouping) -> Vec<Vec<f64>> {
        match &self.columns {
            Columns::Dense(dense) => dense.scores(values, way),
            Columns::Cells(cells) => {
                let mut sums = vec![vec![0.0; way.n_groups()]; self.n_columns()];
                for ((&cluster, &cell), value) in way.codes().iter().zip(cells).zip(values) {
                    sums[cell][cluster] += value;
                }
                sums
            }
        }
    }

    /// The same of columns that are each of weighted length one.
    pub(crate) fn orthonormal_scores(&self, values: &[f64], way: &Grouping) -> Vec<Vec<f64>> {
        let mut scores = self.scores(values, way);
        for (scores, square) in scores.iter_mut().zip(&self.squares) {
            let root = square.sqrt();
            scores.iter_mut().for_each(|score| *score /= root);
        }
        scores
    }

    /// Each value times the row's weight.
    pub(crate) fn weighted<'v>(&self, values: &'v [f64]) -> Cow<'v, [f64]> {
        let Some(weight) = differing(&self.weight) else {
            return values.into();
        };
        let rows = weight.par_iter().zip(values).with_min_len(STRETCH);
        rows.map(|(w, v)| w * v).collect::<Vec<f64>>().into()
    }

    /// The sum of weighted squared residuals.
    pub(crate) fn residual_square(&self) -> f64 {
        inner(&self.weight, &self.residual, &self.residual)
    }

    /// Every coefficient.
    pub(crate) fn coefficients(&self) -> Vec<f64> {
        match &self.columns {
            Columns::Dense(dense) => dense.backward(self.loadings.clone()),
            Columns::Cells(_) => self.loadings.clone(),
        }
    }

    /// The contrast that is one coefficient.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`] if there is no such column.
    pub fn coefficient(&self, column: usize) -> Result<Contrast, EffectError> {
        let mut per_column = vec![0.0; self.n_columns()];
        *per_column
            .get_mut(column)
            .ok_or(EffectError::LengthMismatch {
                what: "contrast",
                found: column + 1,
                expected: self.n_columns(),
            })? = 1.0;
        self.contrast(&per_column)
    }
}

/// The coefficients of weighted least squares, also where they reproduce the outcome.
pub(crate) fn solved(
    columns: &[&[f64]],
    weight: &[f64],
    outcome: &[f64],
) -> Result<Vec<f64>, EffectError> {
    let apart = Dense::take_apart(borrowed(columns), weight, outcome.into())?;
    Ok(apart.columns.backward(apart.shares))
}

/// Refuses residuals that are nothing but rounding, by their weighted square and the outcome's.
fn check_variation(of_residual: f64, of_outcome: f64) -> Result<(), EffectError> {
    if !of_residual.is_finite() {
        return Err(EffectError::OutOfRange { what: "outcome" });
    }
    if of_residual <= LEAST_RESIDUAL * of_outcome {
        return Err(EffectError::NoVariation);
    }
    Ok(())
}

/// Refuses rows that no regression can be fitted to.
fn check_rows(weight: &[f64], outcome: &[f64], n_columns: usize) -> Result<(), EffectError> {
    let n_rows = outcome.len();
    check_finite("outcome", outcome, n_rows)?;
    check_finite("weight", weight, n_rows)?;
    check_positive(weight)?;
    if n_rows <= n_columns {
        return Err(EffectError::TooFewRows { n_rows, n_columns });
    }
    Ok(())
}

/// The weights unless all are one.
pub(crate) fn differing(weight: &[f64]) -> Option<&[f64]> {
    let one = 1.0_f64.to_bits();
    first_row(weight, |value| value.to_bits() != one).map(|_| weight)
}

/// Refuses a weight that is zero or below.
pub(crate) fn check_positive(weight: &[f64]) -> Result<(), EffectError> {
    match first_row(weight, |value| value <= 0.0) {
        Some(row) => Err(EffectError::WeightNotPositive {
            row,
            value: weight[row],
        }),
        None => Ok(()),
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
    match first_row(values, |value| !value.is_finite()) {
        Some(row) => Err(EffectError::NotFinite {
            what,
            row,
            value: values[row],
        }),
        None => Ok(()),
    }
}

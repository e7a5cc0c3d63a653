//! Calibration: design weights moved as little as can be, so that weighted totals are known ones.

use serde::{Deserialize, Serialize};
use utfall_stats::moments::count;
use utfall_stats::scan::Term;
use utfall_stats::{Cholesky, Matrix, cross_product, elementary, sums};

use super::design::{check, location};
use super::newton::{Problem, Unsolved};
use crate::weighting::WeightingError;

/// How far a weight is from its design weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrationDistance {
    /// Squared: the generalised regression estimator. Weights may fall to zero and below.
    Linear,
    /// Relative entropy: raking. Weights stay above zero.
    Raking,
}

/// What to calibrate to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration<'a> {
    /// The known total of each covariate.
    pub totals: &'a [f64],
    /// The known number of units, the total of a covariate that is one everywhere.
    pub n_units: f64,
    /// What is held small.
    pub distance: CalibrationDistance,
}

/// Weights near the design weights under which each covariate adds up to its known total and the
/// weights to the known number of units.
///
/// # Shapes and units
///
/// - `covariates`: one row for each unit, without a column of ones; totals in the covariate's unit.
/// - `design_weights`: one above zero for each unit.
/// - The result has one weight for each unit. With the linear distance it may be negative, which
///   [`balance`](crate::balance) and effects refuse; raking keeps it above zero.
///
/// # Errors
///
/// - [`WeightingError::TotalsInfeasible`] if raking cannot meet the totals: they lie outside what
///   the units span, or at its edge.
/// - [`WeightingError::Constant`] and [`WeightingError::Collinear`] at the first covariate that adds
///   nothing to those before it, also where its total would agree.
/// - [`WeightingError::DesignWeight`], [`WeightingError::TotalNotFinite`],
///   [`WeightingError::LengthMismatch`] and [`WeightingError::CovariateNotFinite`] for input that is
///   none; [`WeightingError::NotConverged`].
///
/// # Reference
///
/// Deville & Särndal (1992), <https://doi.org/10.1080/01621459.1992.10475217>.
pub fn calibrate(
    covariates: &Matrix,
    design_weights: &[f64],
    calibration: &Calibration<'_>,
) -> Result<Vec<f64>, WeightingError> {
    check(covariates, design_weights.len())?;
    let is_positive = |value: f64| value.is_finite() && value > 0.0;
    if let Some(unit) = design_weights
        .iter()
        .position(|&weight| !is_positive(weight))
    {
        return Err(WeightingError::DesignWeight { unit });
    }
    let totals = calibration.totals;
    if totals.len() != covariates.n_columns() {
        return Err(WeightingError::LengthMismatch {
            what: "totals",
            found: totals.len(),
            expected: covariates.n_columns(),
        });
    }
    if let Some(column) = totals.iter().position(|total| !total.is_finite()) {
        return Err(WeightingError::TotalNotFinite { column });
    }
    if !is_positive(calibration.n_units) {
        return Err(WeightingError::TotalNotFinite { column: 0 });
    }
    let rows = centred(covariates, totals, calibration.n_units)?;
    match calibration.distance {
        CalibrationDistance::Linear => linear(&rows, design_weights, calibration.n_units),
        CalibrationDistance::Raking => raking(&rows, design_weights, calibration.n_units),
    }
}

/// A column of ones, then covariates less their known mean, in standard deviations.
fn centred(covariates: &Matrix, totals: &[f64], n_units: f64) -> Result<Matrix, WeightingError> {
    let mut columns = vec![vec![1.0; covariates.n_rows()]];
    for (column, (values, total)) in covariates.columns().zip(totals).enumerate() {
        let (_, spread) = location(values).ok_or(WeightingError::Constant { column })?;
        let mean = total / n_units;
        columns.push(values.iter().map(|value| (value - mean) / spread).collect());
    }
    Matrix::from_columns(columns).map_err(|_| WeightingError::LengthMismatch {
        what: "rows of covariates",
        found: covariates.n_rows(),
        expected: covariates.n_rows(),
    })
}

fn collinear(column: usize) -> WeightingError {
    WeightingError::Collinear {
        column: column.saturating_sub(1),
        power: "the value",
        arm: None,
    }
}

/// `dᵢ (1 + xᵢ·λ)`, twice, so that the second pass takes out the rounding of the first.
fn linear(rows: &Matrix, design: &[f64], n_units: f64) -> Result<Vec<f64>, WeightingError> {
    let information = cross_product(rows, Some(design));
    let factor = Cholesky::factor(&information, 1e-11).map_err(|error| collinear(error.column))?;
    let mut weights = design.to_vec();
    for _pass in 0..2 {
        let mut missing: Vec<f64> = rows
            .columns()
            .map(|column| -sums::dot(column, &weights))
            .collect();
        missing[0] += n_units;
        let step = factor.solve(&missing);
        for (column, coefficient) in rows.columns().zip(&step) {
            for ((weight, design), cell) in weights.iter_mut().zip(design).zip(column) {
                *weight += design * coefficient * cell;
            }
        }
    }
    Ok(weights)
}

/// `dᵢ exp(xᵢ·λ)`.
fn raking(rows: &Matrix, design: &[f64], n_units: f64) -> Result<Vec<f64>, WeightingError> {
    let mut known = vec![0.0; rows.n_columns()];
    known[0] = n_units;
    let problem = Problem {
        rows,
        linear: &known,
        size: n_units.max(count(1)),
        loss: |unit: usize, at: f64| {
            let weight = design[unit] * elementary::exp(at);
            Term {
                value: weight,
                slope: weight,
                curvature: weight,
            }
        },
        is_unbounded: |theta: &[f64], at: &[f64]| at.iter().all(|&value| value < theta[0]),
    };
    let mut start = vec![0.0; known.len()];
    start[0] = elementary::log(n_units / sums::sum(design));
    let solution = problem.minimise(start).map_err(|unsolved| match unsolved {
        Unsolved::Collinear { column } => collinear(column),
        Unsolved::Unbounded { column } => WeightingError::TotalsInfeasible {
            column: column.saturating_sub(1),
        },
        Unsolved::NotConverged { n_iterations } => WeightingError::NotConverged { n_iterations },
    })?;
    let weights = solution.predictor.iter().zip(design);
    Ok(weights.map(|(&at, d)| d * elementary::exp(at)).collect())
}

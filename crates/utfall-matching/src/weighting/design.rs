//! Columns to balance: covariates and their powers, standardised, less their target.

use rayon::prelude::*;
use utfall_stats::moments::{self, count};
use utfall_stats::{Matrix, sums};

use crate::weighting::{Moments, WeightingError};

/// Standardised columns of some units, after a column of ones.
pub(super) struct Design {
    pub(super) rows: Matrix,
    /// The covariate and the power behind each column after the first.
    pub(super) source: Vec<Source>,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) column: usize,
    pub(super) power: u8,
}

impl Source {
    /// The power in words.
    pub(super) fn power_name(self) -> &'static str {
        match self.power {
            1 => "the value",
            2 => "the square",
            _ => "the cube",
        }
    }
}

/// What [`entropy_balancing`](crate::weighting::entropy_balancing) makes equal: each covariate and its
/// powers, standardised over all units, one row for each unit.
///
/// A covariate with few different values has no powers beyond those that differ.
///
/// # Errors
///
/// [`WeightingError::Constant`] and [`WeightingError::CovariateNotFinite`] at the first covariate at
/// fault.
pub fn balanced_columns(covariates: &Matrix, moments: Moments) -> Result<Matrix, WeightingError> {
    let n_units = covariates.n_rows();
    check(covariates, n_units)?;
    let all: Vec<usize> = (0..n_units).collect();
    let design = Design::centred_on(covariates, moments, &all, &all, None)?;
    let kept: Vec<Vec<f64>> = design.rows.columns().skip(1).map(<[f64]>::to_vec).collect();
    Matrix::from_columns(kept).map_err(|_| WeightingError::LengthMismatch {
        what: "rows of covariates",
        found: 0,
        expected: n_units,
    })
}

/// Checks that covariates have a row for each unit and no cell that is not finite.
pub(super) fn check(covariates: &Matrix, n_units: usize) -> Result<(), WeightingError> {
    if covariates.n_columns() > 0 && covariates.n_rows() != n_units {
        return Err(WeightingError::LengthMismatch {
            what: "rows of covariates",
            found: covariates.n_rows(),
            expected: n_units,
        });
    }
    match covariates.first_not_finite() {
        Some((unit, column)) => Err(WeightingError::CovariateNotFinite { unit, column }),
        None => Ok(()),
    }
}

impl Design {
    /// Covariates and their powers for `units`, in standard deviations over all units, less their
    /// mean over `target` units, weighted where `sampling` weights are given. Both hold indices in
    /// rising order.
    pub(super) fn centred_on(
        covariates: &Matrix,
        moments: Moments,
        units: &[usize],
        target: &[usize],
        sampling: Option<&[f64]>,
    ) -> Result<Self, WeightingError> {
        let given: Vec<&[f64]> = covariates.columns().collect();
        let built: Vec<Result<Powers, WeightingError>> = given
            .par_iter()
            .enumerate()
            .map(|(column, values)| powers(column, values, moments, units, (target, sampling)))
            .collect();
        // Taken up in order, so that the first covariate at fault is the one that is named.
        let mut all = Vec::new();
        for one in built {
            all.extend(one?);
        }
        let (source, mut columns): (Vec<Source>, Vec<Vec<f64>>) = all.into_iter().unzip();
        columns.insert(0, vec![1.0; units.len()]);
        let rows = Matrix::from_columns(columns).map_err(|_| WeightingError::LengthMismatch {
            what: "rows of covariates",
            found: covariates.n_rows(),
            expected: units.len(),
        })?;
        Ok(Self { rows, source })
    }

    /// The covariate behind a column of the rows.
    pub(super) fn source(&self, column: usize) -> Source {
        let constant = Source {
            column: 0,
            power: 1,
        };
        column
            .checked_sub(1)
            .and_then(|column| self.source.get(column))
            .copied()
            .unwrap_or(constant)
    }
}

/// One covariate's powers, each with where it comes from.
type Powers = Vec<(Source, Vec<f64>)>;

/// The powers of one covariate.
fn powers(
    column: usize,
    values: &[f64],
    moments: Moments,
    units: &[usize],
    (target, sampling): (&[usize], Option<&[f64]>),
) -> Result<Powers, WeightingError> {
    let (mean, spread) = location(values).ok_or(WeightingError::Constant { column })?;
    let n_powers = moments.highest().min(n_values(values) - 1);
    let per_spread = 1.0 / spread;
    let one = |power: u8| {
        let raised = |unit: usize| {
            let value = (values[unit] - mean) * per_spread;
            match power {
                1 => value,
                2 => value * value,
                _ => value * value * value,
            }
        };
        let centre = match sampling {
            None => sums::sum_of(target.len(), |i| raised(target[i])) / count(target.len()),
            Some(weights) => {
                let total = sums::sum_of(target.len(), |i| weights[target[i]]);
                sums::sum_of(target.len(), |i| weights[target[i]] * raised(target[i])) / total
            }
        };
        let per_scale = if power == 1 {
            1.0
        } else {
            let square = |unit| (raised(unit) - centre) * (raised(unit) - centre);
            1.0 / (sums::sum_of(values.len(), square) / count(values.len())).sqrt()
        };
        let cells = units
            .iter()
            .map(|&unit| (raised(unit) - centre) * per_scale);
        (Source { column, power }, cells.collect())
    };
    Ok((1..=n_powers).map(one).collect())
}

/// Mean and standard deviation; `None` of a constant.
pub(super) fn location(values: &[f64]) -> Option<(f64, f64)> {
    let first = values.first()?.to_bits();
    let (mean, variance) = moments::mean_and_variance(values);
    let varies = values.iter().any(|value| value.to_bits() != first) && variance > 0.0;
    varies.then(|| (mean, variance.sqrt()))
}

/// Different values that occur, counted up to four.
fn n_values(values: &[f64]) -> u8 {
    let mut seen: Vec<f64> = Vec::with_capacity(4);
    for value in values {
        if seen.len() == 4 {
            return 4;
        }
        if !seen.iter().any(|known| (known - value).abs() <= 0.0) {
            seen.push(*value);
        }
    }
    if seen.len() == 3 {
        3
    } else if seen.len() == 4 {
        4
    } else {
        2
    }
}

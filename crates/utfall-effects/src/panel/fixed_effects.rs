//! Least squares and two-stage least squares beside fixed effects.
//!
//! By Frisch, Waugh and Lovell the coefficients are those of a regression among what the fixed
//! effects leave of each column; residuals are the same too. Only the count of coefficients has to
//! remember what was taken out, and conventions differ on that: see [`crate::SmallSample`].

use std::borrow::Cow;

use utfall_stats::moments::count;
use utfall_stats::sums::sum_of;

use super::{FixedEffect, FixedEffects};
use crate::{EffectError, Grouping, WeightedRegression};

/// The rows and columns of a regression with fixed effects.
#[derive(Debug, Clone, Copy)]
pub struct Design<'a> {
    /// The outcome of each row.
    pub outcome: &'a [f64],
    /// Columns that stand for themselves; a constant only where nothing is absorbed.
    pub columns: &'a [&'a [f64]],
    /// Columns that instruments stand for; they come before `columns` in the coefficients.
    pub endogenous: &'a [&'a [f64]],
    /// Instruments, at least as many as endogenous columns.
    pub instruments: &'a [&'a [f64]],
    /// A weight above zero for each row.
    pub weight: &'a [f64],
    /// Fixed effects to take out.
    pub absorb: &'a [FixedEffect],
}

/// What the delete-one-cluster estimates are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JackknifeCentre {
    /// The estimate from all rows (CV3 of MacKinnon, Nielsen and Webb).
    Estimate,
    /// Their mean (CV3J).
    Mean,
}

/// A fitted regression with fixed effects.
#[derive(Debug, Clone)]
pub struct AbsorbedFit {
    pub(crate) regression: WeightedRegression<'static>,
    pub(crate) absorb: Vec<FixedEffect>,
    total: f64,
    within: f64,
    first_stages: Vec<(f64, usize, usize)>,
    hausman: Option<(f64, usize, usize)>,
}

/// Fits the outcome on the columns beside fixed effects; by two stages where there are endogenous
/// columns.
///
/// # Errors
///
/// Those of [`FixedEffects::residuals`] and [`WeightedRegression::fit`];
/// [`EffectError::RankDeficient`] counts columns from 0, the endogenous before the others, and
/// [`EffectError::TooFewInstruments`] if instruments are fewer than endogenous columns.
///
/// # Reference
///
/// Lovell (1963), <https://doi.org/10.1080/01621459.1963.10480682>; Bergé (2018), *Efficient
/// estimation of maximum likelihood models with multiple fixed-effects*.
pub fn fit_absorbed(design: &Design<'_>) -> Result<AbsorbedFit, EffectError> {
    let n_rows = design.outcome.len();
    for column in design
        .columns
        .iter()
        .chain(design.endogenous)
        .chain(design.instruments)
    {
        crate::regression::check_finite("covariate", column, n_rows)?;
    }
    crate::regression::check_finite("outcome", design.outcome, n_rows)?;
    crate::regression::check_finite("weight", design.weight, n_rows)?;
    if design.instruments.len() < design.endogenous.len() {
        return Err(EffectError::TooFewInstruments {
            n_instruments: design.instruments.len(),
            n_endogenous: design.endogenous.len(),
        });
    }
    let effects = FixedEffects::new(design.absorb, design.weight)?;
    // All columns at once, for a step reads the rows once for several.
    let all: Vec<&[f64]> = [design.endogenous, design.instruments, design.columns]
        .concat()
        .into_iter()
        .chain([design.outcome])
        .collect();
    let mut left = effects.residuals(&all)?;
    let outcome = left.pop().unwrap_or_default();
    let (n_endogenous, n_instruments) = (design.endogenous.len(), design.instruments.len());
    if let Some(absorbed) = effects.absorbed(&all[..left.len()], &left) {
        let column = match absorbed.checked_sub(n_endogenous) {
            Some(after) if after < n_instruments => after,
            Some(_) => absorbed - n_instruments,
            None => absorbed,
        };
        return Err(EffectError::RankDeficient { column });
    }
    let columns = left.split_off(n_endogenous + n_instruments);
    let instruments = left.split_off(n_endogenous);
    let endogenous = left;
    let total = centred_square(design.outcome, design.weight);
    let within = centred_square(&outcome, design.weight);
    let fitted = |regression| AbsorbedFit {
        regression,
        absorb: design.absorb.to_vec(),
        total,
        within,
        first_stages: Vec::new(),
        hausman: None,
    };
    if endogenous.is_empty() {
        let weight = design.weight.to_vec();
        return WeightedRegression::fit_own(columns, weight, outcome).map(fitted);
    }
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let regression = two_stage(&endogenous, &columns, &instruments, design.weight, &outcome)?;
    let mut fit = fitted(regression);
    fit.test_instruments(&endogenous, &columns, &instruments, &outcome)?;
    Ok(fit)
}

/// The regression on projected columns, with residuals from the columns as they are.
fn two_stage(
    endogenous: &[Vec<f64>],
    columns: &[&[f64]],
    instruments: &[Vec<f64>],
    weight: &[f64],
    outcome: &[f64],
) -> Result<WeightedRegression<'static>, EffectError> {
    let first = first_columns(columns, instruments);
    let mut projected = Vec::new();
    let mut shifts = Vec::new();
    for column in endogenous {
        let own = Cow::Owned(weight.to_vec());
        let fit = WeightedRegression::fit_with(&first, own, column)?;
        projected.push(
            column
                .iter()
                .zip(fit.residual())
                .map(|(x, e)| x - e)
                .collect::<Vec<_>>(),
        );
        shifts.push(fit.residual().to_vec());
    }
    let second: Vec<&[f64]> = projected
        .iter()
        .map(Vec::as_slice)
        .chain(columns.iter().copied())
        .collect();
    let own = Cow::Owned(weight.to_vec());
    let fit = WeightedRegression::fit_with(&second, own, outcome)?;
    let slopes = fit.coefficients();
    let mut residual = fit.residual().to_vec();
    for (shift, slope) in shifts.iter().zip(&slopes) {
        for (value, by) in residual.iter_mut().zip(shift) {
            *value -= slope * by;
        }
    }
    Ok(fit.with_residual(residual))
}

fn first_columns<'a>(columns: &[&'a [f64]], instruments: &'a [Vec<f64>]) -> Vec<&'a [f64]> {
    columns
        .iter()
        .copied()
        .chain(instruments.iter().map(Vec::as_slice))
        .collect()
}

fn centred_square(values: &[f64], weight: &[f64]) -> f64 {
    let mean = utfall_stats::moments::weighted_mean(values, weight);
    sum_of(values.len(), |row| {
        weight[row] * (values[row] - mean) * (values[row] - mean)
    })
}

impl AbsorbedFit {
    /// The regression among what the fixed effects leave.
    #[must_use]
    pub fn regression(&self) -> &WeightedRegression<'static> {
        &self.regression
    }

    /// Coefficients: endogenous columns first, then the others.
    #[must_use]
    pub fn coefficients(&self) -> Vec<f64> {
        self.regression.coefficients()
    }

    /// Rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.regression.n_rows()
    }

    /// Coefficients of columns and fixed effects together, less one for each set beyond the first.
    #[must_use]
    pub fn n_coefficients(&self) -> usize {
        self.regression.n_columns() + self.n_absorbed(|_| true)
    }

    /// Coefficients of the sets of fixed effects that are counted.
    pub(crate) fn n_absorbed(&self, counted: impl Fn(&FixedEffect) -> bool) -> usize {
        let all: usize = self.absorb.iter().map(FixedEffect::n_coefficients).sum();
        let left_out: usize = self
            .absorb
            .iter()
            .filter(|set| !counted(set))
            .map(FixedEffect::n_nested)
            .sum();
        all - left_out - self.absorb.len().saturating_sub(1)
    }

    /// Share of the outcome's variance that columns and fixed effects explain.
    #[must_use]
    pub fn r_squared(&self) -> f64 {
        1.0 - self.regression.residual_square() / self.total
    }

    /// Share of what the fixed effects leave of the outcome's variance that the columns explain.
    #[must_use]
    pub fn within_r_squared(&self) -> f64 {
        1.0 - self.regression.residual_square() / self.within
    }

    /// The root of the mean squared residual, without degrees of freedom.
    #[must_use]
    pub fn root_mean_square(&self) -> f64 {
        let n = utfall_stats::sums::sum(self.regression.weight());
        (self.regression.residual_square() / n).sqrt()
    }

    /// F of the instruments in each first stage, with errors of equal variance, and its degrees
    /// of freedom. As in `fixest`, sets nested in the first set of fixed effects, itself among
    /// them, count as one coefficient.
    #[must_use]
    pub fn first_stages(&self) -> &[(f64, usize, usize)] {
        &self.first_stages
    }

    /// Wu and Hausman's F of whether least squares would have done, and its degrees of freedom.
    #[must_use]
    pub fn hausman(&self) -> Option<(f64, usize, usize)> {
        self.hausman
    }

    fn is_of_first(&self, set: &FixedEffect) -> bool {
        self.absorb
            .first()
            .is_some_and(|first| set.is_nested_in(first.group()))
    }

    fn test_instruments(
        &mut self,
        endogenous: &[Vec<f64>],
        columns: &[&[f64]],
        instruments: &[Vec<f64>],
        outcome: &[f64],
    ) -> Result<(), EffectError> {
        let weight = self.regression.weight();
        let left = |columns: &[&[f64]], outcome: &[f64]| -> Result<f64, EffectError> {
            if columns.is_empty() {
                return Ok(sum_of(outcome.len(), |row| {
                    weight[row] * outcome[row] * outcome[row]
                }));
            }
            let own = Cow::Borrowed(weight);
            Ok(WeightedRegression::fit_with(columns, own, outcome)?.residual_square())
        };
        let first = first_columns(columns, instruments);
        let (n_rows, n_tested) = (self.n_rows(), instruments.len());
        let mut stages = Vec::new();
        let mut shifts = Vec::new();
        for column in endogenous {
            let (without, with) = (left(columns, column)?, left(&first, column)?);
            let rest = n_rows - self.n_absorbed(|set| !self.is_of_first(set)) - first.len();
            let f = (without - with) / count(n_tested) / (with / count(rest));
            stages.push((f, n_tested, rest));
            let own = Cow::Borrowed(weight);
            shifts.push(
                WeightedRegression::fit_with(&first, own, column)?
                    .residual()
                    .to_vec(),
            );
        }
        let plain: Vec<&[f64]> = endogenous
            .iter()
            .map(Vec::as_slice)
            .chain(columns.iter().copied())
            .collect();
        let full: Vec<&[f64]> = plain
            .iter()
            .copied()
            .chain(shifts.iter().map(Vec::as_slice))
            .collect();
        let (without, with) = (left(&plain, outcome)?, left(&full, outcome)?);
        let rest = n_rows - self.n_absorbed(|_| true) - full.len();
        let f = (without - with) / count(endogenous.len()) / (with / count(rest));
        self.hausman = Some((f, endogenous.len(), rest));
        self.first_stages = stages;
        Ok(())
    }
}

/// The rows of a design without those of one group.
pub(crate) fn without(
    design: &Design<'_>,
    way: &Grouping,
    group: usize,
) -> Result<AbsorbedFit, EffectError> {
    let rows: Vec<usize> = (0..way.len())
        .filter(|&row| way.codes()[row] != group)
        .collect();
    let pick = |column: &[f64]| rows.iter().map(|&row| column[row]).collect::<Vec<f64>>();
    let all = |columns: &[&[f64]]| {
        columns
            .iter()
            .map(|column| pick(column))
            .collect::<Vec<_>>()
    };
    let (columns, endogenous, instruments) = (
        all(design.columns),
        all(design.endogenous),
        all(design.instruments),
    );
    let absorb: Vec<FixedEffect> = design.absorb.iter().map(|set| set.of_rows(&rows)).collect();
    fit_absorbed(&Design {
        outcome: &pick(design.outcome),
        columns: &columns.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        endogenous: &endogenous.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        instruments: &instruments.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        weight: &pick(design.weight),
        absorb: &absorb,
    })
}

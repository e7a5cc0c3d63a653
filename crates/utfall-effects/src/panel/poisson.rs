//! Poisson regression beside fixed effects: pseudo-maximum likelihood for counts and for any
//! outcome that is zero or more.
//!
//! Each step of iteratively reweighted least squares takes the fixed effects out with the step's
//! weights. Neither the effects nor their number are ever written out.
//!
//! Correia, Guimarães & Zylkin (2020), <https://doi.org/10.1177/1536867X20909691>; Santos Silva &
//! Tenreyro (2006), <https://doi.org/10.1162/rest.88.4.641>.

use rayon::prelude::*;
use utfall_stats::elementary;
use utfall_stats::sums::sum_of;

use super::{AbsorbedFit, Design, FixedEffect, fit_absorbed};
use crate::EffectError;

const MOST_STEPS: u32 = 200;
/// Share of the deviance that a step may still be worth, and move of a predictor, at the end.
const DEVIANCE_TOLERANCE: f64 = 1e-14;
const PREDICTOR_TOLERANCE: f64 = 1e-9;

/// A fitted Poisson regression with fixed effects.
#[derive(Debug, Clone)]
pub struct PoissonFit {
    /// The last weighted regression, for [`super::Covariance`].
    pub regression: AbsorbedFit,
    /// Twice the log likelihood that a perfect fit would have more.
    pub deviance: f64,
    /// The log likelihood, constants included.
    pub log_likelihood: f64,
    /// The fitted mean of each row.
    pub mean: Vec<f64>,
}

/// Rows in a group of fixed effects whose outcomes are all zero: their effect is minus infinity, and
/// they say nothing. Taking them out can leave others, so this repeats until none is left.
#[must_use]
pub fn rows_without_events(outcome: &[f64], absorb: &[FixedEffect]) -> Vec<bool> {
    let mut out = vec![false; outcome.len()];
    loop {
        let before = out.iter().filter(|&&gone| gone).count();
        for set in absorb {
            let left: Vec<f64> = outcome
                .iter()
                .zip(&out)
                .map(|(value, &gone)| if gone { 0.0 } else { *value })
                .collect();
            let sums = set.group().sums(&left);
            for (gone, &code) in out.iter_mut().zip(set.group().codes()) {
                *gone |= sums[code] <= 0.0;
            }
        }
        if out.iter().filter(|&&gone| gone).count() == before {
            return out;
        }
    }
}

/// Fits means `exp(offset + columns + fixed effects)`. `design.weight` must be ones, and there are
/// no endogenous columns.
///
/// # Errors
///
/// - [`EffectError::OutcomeOutsideFamily`] at an outcome below zero.
/// - [`EffectError::GroupWithoutEvents`] where all outcomes of a group are zero.
/// - [`EffectError::NotConverged`] after 200 steps, and what [`fit_absorbed`] says of a step.
pub fn fit_absorbed_poisson(
    design: &Design<'_>,
    offset: Option<&[f64]>,
) -> Result<PoissonFit, EffectError> {
    let outcome = design.outcome;
    if let Some(row) = outcome.iter().position(|&value| value < 0.0) {
        return Err(EffectError::OutcomeOutsideFamily {
            row,
            expected: "zero or more",
        });
    }
    if let Some(row) = rows_without_events(outcome, design.absorb)
        .iter()
        .position(|&gone| gone)
    {
        return Err(EffectError::GroupWithoutEvents { row });
    }
    let none = vec![0.0; outcome.len()];
    let offset = offset.unwrap_or(&none);
    let mean = utfall_stats::moments::mean(outcome);
    let mut predictor: Vec<f64> = outcome
        .par_iter()
        .map(|y| elementary::log(0.5 * (y + mean)))
        .collect();
    let mut deviance = f64::INFINITY;
    for n_iterations in 1..=MOST_STEPS {
        let (_, mut next) = step(design, offset, &predictor)?;
        let mut there = deviance_at(outcome, &next);
        let mut n_halvings = 0;
        while (there.is_nan() || there > deviance * (1.0 + 1e-10) + 1e-10) && n_halvings < 40 {
            for (to, from) in next.iter_mut().zip(&predictor) {
                *to = 0.5 * (*to + from);
            }
            there = deviance_at(outcome, &next);
            n_halvings += 1;
        }
        let moved = predictor
            .par_iter()
            .zip(&next)
            .map(|(a, b)| (a - b).abs())
            .reduce(|| 0.0, f64::max);
        let settled = (deviance - there).abs() <= DEVIANCE_TOLERANCE * (there + 0.1);
        (predictor, deviance) = (next, there);
        if settled && (moved <= PREDICTOR_TOLERANCE || n_iterations > 40) {
            return finish(design, offset, &predictor, deviance);
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_STEPS,
    })
}

/// The weighted regression at a predictor, and the predictor it leads to.
fn step(
    design: &Design<'_>,
    offset: &[f64],
    predictor: &[f64],
) -> Result<(AbsorbedFit, Vec<f64>), EffectError> {
    let mean = means(predictor);
    let response: Vec<f64> = (0..mean.len())
        .into_par_iter()
        .map(|row| predictor[row] - offset[row] + (design.outcome[row] - mean[row]) / mean[row])
        .collect();
    let fit = fit_absorbed(&Design {
        outcome: &response,
        weight: &mean,
        ..*design
    })?;
    let residual = fit.regression.residual();
    let next = (0..mean.len())
        .into_par_iter()
        .map(|row| offset[row] + response[row] - residual[row])
        .collect();
    Ok((fit, next))
}

fn means(predictor: &[f64]) -> Vec<f64> {
    let predictor = predictor.par_iter();
    predictor.map(|&eta| elementary::exp(eta)).collect()
}

fn deviance_at(outcome: &[f64], predictor: &[f64]) -> f64 {
    2.0 * sum_of(outcome.len(), |row| {
        let (y, mean) = (outcome[row], elementary::exp(predictor[row]));
        let relative = if y > 0.0 {
            y * (elementary::log(y) - predictor[row])
        } else {
            0.0
        };
        relative - (y - mean)
    })
}

fn finish(
    design: &Design<'_>,
    offset: &[f64],
    predictor: &[f64],
    deviance: f64,
) -> Result<PoissonFit, EffectError> {
    let (mut fit, _) = step(design, offset, predictor)?;
    fit.regression = fit.regression.of_likelihood();
    let log_likelihood = sum_of(predictor.len(), |row| {
        let y = design.outcome[row];
        y * predictor[row] - elementary::exp(predictor[row]) - elementary::lgamma(y + 1.0)
    });
    Ok(PoissonFit {
        regression: fit,
        deviance,
        log_likelihood,
        mean: means(predictor),
    })
}

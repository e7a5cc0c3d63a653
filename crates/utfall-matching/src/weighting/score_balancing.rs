//! The covariate-balancing propensity score: a logistic score fitted to balance, not to predict.

use utfall_core::{Arm, Estimand};
use utfall_stats::moments::count;
use utfall_stats::scan::Term;
use utfall_stats::{Matrix, elementary, logistic, sums};

use super::design::{Design, location};
use super::entropy_balancing::named;
use super::newton::Problem;
use crate::weighting::{Moments, WeightingError};

/// A logistic propensity score whose inverse-probability weights balance the covariate means
/// exactly: the just-identified covariate-balancing propensity score.
///
/// For the ate it solves `Σ (t/p - (1 - t)/(1 - p)) x = 0`, for the att
/// `Σ (t - (1 - t) p/(1 - p)) x = 0`, for the atc `Σ (t (1 - p)/p - (1 - t)) x = 0`, with a one
/// among the `x`. Each is the gradient of a convex function, which Newton's method takes down to
/// 1e-12 standard deviations of balance from the maximum-likelihood fit on.
///
/// # Shapes
///
/// `covariates` has one row for each unit, without a column of ones; `treated` one value. The
/// result has a probability for each unit; weights are
/// [`propensity_weights`](crate::weighting::propensity_weights) of it, with the same estimand.
///
/// # Errors
///
/// - [`WeightingError::Propensity`] where no logistic regression fits: a missing value, an empty
///   arm, a constant or collinear covariate, covariates that separate the arms.
/// - [`WeightingError::Infeasible`] for the att and the atc if no weights above zero bring the other
///   arm to the target. For the ate there is always an answer where the arms are not separated.
/// - [`WeightingError::Estimand`] for other estimands; [`WeightingError::NotConverged`].
///
/// # References
///
/// Imai & Ratkovic (2014), <https://doi.org/10.1111/rssb.12027>; Tan (2020) on the convex form,
/// <https://doi.org/10.1093/biomet/asz059>.
pub fn balancing_score(
    covariates: &Matrix,
    treated: &[bool],
    estimand: Estimand,
) -> Result<Vec<f64>, WeightingError> {
    let (_, logits) = just_identified_logits(covariates, treated, estimand)?;
    Ok(logits.into_iter().map(logistic::probability).collect())
}

/// Coefficients on standardised covariates, and the logit of each unit.
pub(super) fn just_identified_logits(
    covariates: &Matrix,
    treated: &[bool],
    estimand: Estimand,
) -> Result<(Vec<f64>, Vec<f64>), WeightingError> {
    let fit = logistic::fit(covariates, treated)?;
    let arm = match estimand {
        Estimand::Att => Arm::Comparator,
        Estimand::Ate | Estimand::Atc => Arm::Treated,
        _ => {
            return Err(WeightingError::Estimand {
                method: "the balancing score",
                estimand,
            });
        }
    };
    let units: Vec<usize> = (0..treated.len()).collect();
    let design = Design::centred_on(covariates, Moments::MEANS, &units, &units, None)?;
    let problem = Problem {
        rows: &design.rows,
        linear: &[],
        size: count(treated.len()),
        loss: |unit: usize, at: f64| loss(estimand, treated[unit], at),
        is_unbounded: |_: &[f64], at: &[f64]| is_separated(estimand, treated, at),
    };
    let start = standardised(covariates, &fit.coefficients);
    let solution = problem
        .minimise(start)
        .map_err(|unsolved| named(unsolved, &design, arm))?;
    Ok((solution.theta, solution.predictor))
}

/// The convex loss of a unit whose logit is `at`.
fn loss(estimand: Estimand, is_treated: bool, at: f64) -> Term {
    // Comparators are the treated seen from the other side.
    let (sign, is_target) = if is_treated {
        (-1.0, estimand == Estimand::Att)
    } else {
        (1.0, estimand == Estimand::Atc)
    };
    let is_reweighted = !is_target;
    let counts = is_target || estimand == Estimand::Ate;
    let odds = if is_reweighted {
        elementary::exp(sign * at)
    } else {
        0.0
    };
    let line = if counts { sign } else { 0.0 };
    Term {
        value: odds + line * at,
        slope: sign * odds + line,
        curvature: odds,
    }
}

/// Whether the logits put every reweighted unit on one side of the mean of the target.
fn is_separated(estimand: Estimand, treated: &[bool], at: &[f64]) -> bool {
    let (target_is_treated, sign) = match estimand {
        Estimand::Att => (true, 1.0),
        Estimand::Atc => (false, -1.0),
        _ => return false,
    };
    let in_target = |unit: usize| f64::from(u8::from(treated[unit] == target_is_treated));
    let total = sums::sum_of(at.len(), |unit| in_target(unit) * at[unit]);
    let mean = total / sums::sum_of(at.len(), in_target);
    at.iter()
        .zip(treated)
        .filter(|(_, is)| **is != target_is_treated)
        .all(|(at, _)| sign * (at - mean) < 0.0)
}

/// Coefficients on centred and scaled covariates.
pub(super) fn standardised(covariates: &Matrix, coefficients: &[f64]) -> Vec<f64> {
    let mut theta = vec![coefficients.first().copied().unwrap_or(0.0)];
    for (values, slope) in covariates.columns().zip(coefficients.iter().skip(1)) {
        let (mean, spread) = location(values).unwrap_or((0.0, 1.0));
        theta[0] += slope * mean;
        theta.push(slope * spread);
    }
    theta
}

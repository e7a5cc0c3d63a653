//! Entropy balancing: the most even weights under which covariate moments are equal.

use rayon::prelude::*;
use utfall_core::{Arm, Estimand};
use utfall_stats::moments::count;
use utfall_stats::scan::Term;
use utfall_stats::{Matrix, elementary, sums};

use super::design::{Design, check};
use super::inverse_probability::count_arms;
use super::newton::{Problem, Solution, Unsolved};
use crate::weighting::{Given, Moments, WeightingError};

/// Where a solution is sought first: one row in so many.
const THINNED_BY: usize = 16;
/// Fewest rows that are worth a solution of their own.
const LEAST_THINNED: usize = 1000;

/// Weights as even as can be, in the sense of largest entropy, under which the moments of each
/// covariate are those of the target: the treated for the att, comparators for the atc, all units
/// for the ate (then both arms are weighted).
///
/// The moments are met to 1e-12 standard deviations, by Newton's method on centred and scaled
/// covariates. Weights of an arm add up to its number of units; an arm that is the target keeps
/// weights of one. For the att they are, up to scale, the odds of the [`balancing_score`].
///
/// # Shapes
///
/// `covariates` has one row for each unit, without a column of ones; `treated` one value. The
/// result has one weight above zero for each unit.
///
/// # Errors
///
/// - [`WeightingError::Infeasible`] if no weights above zero reach the target: it lies outside what
///   the units of the arm span (with a proof: a direction in which all of them lie on one side), or
///   at its edge, where some weights would have to be zero. It names the covariate to look at.
/// - [`WeightingError::Constant`] and [`WeightingError::Collinear`] at the first covariate or power
///   that adds nothing, among all units or within the arm. No column is dropped.
/// - [`WeightingError::Estimand`] for other estimands;
///   [`WeightingError::LengthMismatch`], [`WeightingError::CovariateNotFinite`] and
///   [`WeightingError::EmptyArm`] for input that is none; [`WeightingError::NotConverged`].
///
/// # References
///
/// Hainmueller (2012), <https://doi.org/10.1093/pan/mpr025>; Zhao & Percival (2017),
/// <https://doi.org/10.1515/jci-2016-0010>.
///
/// [`balancing_score`]: crate::weighting::balancing_score
pub fn entropy_balancing(
    covariates: &Matrix,
    treated: &[bool],
    estimand: Estimand,
    moments: Moments,
) -> Result<Vec<f64>, WeightingError> {
    entropy_balancing_from(covariates, treated, estimand, moments, &Given::default())
}

/// [`entropy_balancing`] that starts from base weights, or of a sample with sampling weights.
///
/// Weights are as near the base weights as can be, in the sense of relative entropy. Sampling weights
/// count in the target, multiply the base weights, and are part of the result; weights of an arm add
/// up to its sampling weights.
///
/// # Errors
///
/// As [`entropy_balancing`], and [`WeightingError::DesignWeight`] for a weight that is not above zero.
pub fn entropy_balancing_from(
    covariates: &Matrix,
    treated: &[bool],
    estimand: Estimand,
    moments: Moments,
    given: &Given<'_>,
) -> Result<Vec<f64>, WeightingError> {
    count_arms(treated.len(), treated)?;
    check(covariates, treated.len())?;
    given.check(treated.len())?;
    let all: Vec<usize> = (0..treated.len()).collect();
    let (of_treated, of_comparator): (Vec<usize>, Vec<usize>) =
        all.iter().partition(|&&unit| treated[unit]);
    let mut weights: Vec<f64> = (0..treated.len())
        .map(|unit| given.sampling(unit))
        .collect();
    let mut weigh = |arm: Arm, target: &[usize]| {
        let units = match arm {
            Arm::Treated => &of_treated,
            Arm::Comparator => &of_comparator,
        };
        let found = weigh_arm(covariates, moments, arm, units, target, given)?;
        for (&unit, weight) in units.iter().zip(found) {
            weights[unit] = weight;
        }
        Ok::<(), WeightingError>(())
    };
    match estimand {
        Estimand::Att => weigh(Arm::Comparator, &of_treated)?,
        Estimand::Atc => weigh(Arm::Treated, &of_comparator)?,
        Estimand::Ate => {
            weigh(Arm::Treated, &all)?;
            weigh(Arm::Comparator, &all)?;
        }
        _ => {
            return Err(WeightingError::Estimand {
                method: "entropy balancing",
                estimand,
            });
        }
    }
    Ok(weights)
}

/// Weights of the units of an arm that bring them to the target.
fn weigh_arm(
    covariates: &Matrix,
    moments: Moments,
    arm: Arm,
    units: &[usize],
    target: &[usize],
    given: &Given<'_>,
) -> Result<Vec<f64>, WeightingError> {
    let design = Design::centred_on(covariates, moments, units, target, given.sampling)?;
    let base: Vec<f64> = units.iter().map(|&unit| given.base(unit)).collect();
    let total = sums::sum_of(units.len(), |i| given.sampling(units[i]));
    let start = match thinned(&design.rows) {
        // A part that has no solution says nothing about the whole.
        Some(part) => {
            let base: Vec<f64> = base.iter().copied().step_by(THINNED_BY).collect();
            let share = count(part.n_rows()) / count(units.len());
            minimise(&part, &base, total * share, vec![0.0; part.n_columns()]).ok()
        }
        None => None,
    };
    let start = start.map_or(vec![0.0; design.rows.n_columns()], |found| found.theta);
    let solution = minimise(&design.rows, &base, total, start)
        .map_err(|unsolved| named(unsolved, &design, arm))?;
    let weights = solution.predictor.into_par_iter().zip(base);
    Ok(weights
        .map(|(at, base)| base * elementary::exp(at))
        .collect())
}

/// Finds logarithms of factors of the base weights that make them add up to the total and balance
/// the rows at the origin.
fn minimise(rows: &Matrix, base: &[f64], size: f64, start: Vec<f64>) -> Result<Solution, Unsolved> {
    let mut linear = vec![0.0; rows.n_columns()];
    linear[0] = size;
    let problem = Problem {
        rows,
        linear: &linear,
        size,
        loss: |row: usize, at: f64| {
            let weight = base[row] * elementary::exp(at);
            Term {
                value: weight,
                slope: weight,
                curvature: weight,
            }
        },
        // The target is the origin: all units on one side of it prove that none can weigh it up.
        is_unbounded: |theta: &[f64], at: &[f64]| at.iter().all(|&value| value < theta[0]),
    };
    problem.minimise(start)
}

/// Every so many rows where there are many: their solution is near that of all, and cheap.
fn thinned(rows: &Matrix) -> Option<Matrix> {
    let part: Vec<usize> = (0..rows.n_rows()).step_by(THINNED_BY).collect();
    (part.len() >= LEAST_THINNED).then(|| rows.select_rows(&part))
}

/// The error with the covariate it is about.
pub(super) fn named(unsolved: Unsolved, design: &Design, arm: Arm) -> WeightingError {
    match unsolved {
        Unsolved::Collinear { column } => {
            let source = design.source(column);
            WeightingError::Collinear {
                column: source.column,
                power: source.power_name(),
                arm: Some(arm),
            }
        }
        Unsolved::Unbounded { column } => WeightingError::Infeasible {
            arm,
            column: design.source(column).column,
        },
        Unsolved::NotConverged { n_iterations } => WeightingError::NotConverged { n_iterations },
    }
}

//! The variance of the matching estimator: Abadie & Imbens (2006), section 4.

use utfall_core::Estimand;
use utfall_stats::moments::{count, mean, mean_and_variance};

use super::distance::Neighbours;
use super::{ConditionalVariance, MatchingDesign, Sets, sum_of};

/// The variance of each unit's outcome given its covariates.
///
/// `squares` holds, for each unit matched, the mean square of its differences less the point. A unit
/// that has too few of its own arm within the caliper and its exact group has no variance that could
/// be told, and counts with none, as in R's `Matching`.
pub(super) fn conditional(
    design: &MatchingDesign<'_>,
    neighbours: &Neighbours<'_>,
    treated: &[bool],
    outcome: &[f64],
    squares: &[f64],
) -> Vec<f64> {
    let near = |unit: usize, wanted: usize| {
        neighbours.nearest(unit, treated[unit], wanted + 1, design.tolerance)
    };
    let is_narrow = design.caliper.is_some() || design.exact.is_some();
    let has_few = |near: &[usize], wanted: usize| is_narrow && near.len() <= wanted;
    let values =
        |units: &[usize]| -> Vec<f64> { units.iter().map(|&unit| outcome[unit]).collect() };
    match design.variance {
        ConditionalVariance::Homoskedastic => {
            vec![0.5 * mean(squares); treated.len()]
        }
        ConditionalVariance::Nearest(wanted) => (0..treated.len())
            .map(|unit| match near(unit, wanted) {
                near if has_few(&near, wanted) => 0.0,
                near => mean_and_variance(&values(&near)).1,
            })
            .collect(),
        ConditionalVariance::NearestMean(wanted) => (0..treated.len())
            .map(|unit| {
                let mut others = near(unit, wanted);
                if has_few(&others, wanted) {
                    return 0.0;
                }
                others.retain(|&other| other != unit);
                let n = count(others.len());
                let apart = outcome[unit] - values(&others).iter().sum::<f64>() / n;
                n / (n + 1.0) * apart * apart
            })
            .collect(),
    }
}

/// The squared error of the effect in the population.
pub(super) fn population(
    estimand: Estimand,
    treated: &[bool],
    sets: &Sets,
    conditional: &[f64],
    differences: &[f64],
    point: f64,
) -> f64 {
    let n = count(sets.units.len());
    let between = sum_of(differences.len(), |at| square(differences[at] - point));
    let within = sum_of(treated.len(), |unit| {
        let (served, squares) = (sets.served[unit], sets.squares[unit]);
        let own = if estimand == Estimand::Ate {
            2.0 * served
        } else {
            0.0
        };
        conditional[unit] * (served * served + own - squares)
    });
    (between + within) / (n * n)
}

fn square(value: f64) -> f64 {
    value * value
}

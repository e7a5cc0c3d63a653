//! The weights that a two-way fixed-effects estimate puts on the effects in each treated row.
//!
//! With effects that differ, the estimate is a sum of them with these weights, some of which may be
//! below zero. The smallest spread of effects with which the estimate could be of no effect at all on
//! average says how much that matters.
//!
//! de Chaisemartin & D'Haultfœuille (2020), <https://doi.org/10.1257/aer.20181169>.

use utfall_stats::moments::count;

use super::{FixedEffect, FixedEffects};
use crate::{EffectError, Grouping};

/// Weights below this share of an even weight count as zero: rounding errors of the solver.
const ZERO: f64 = 1e-7;

/// A two-way estimate and its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct TwoWayWeights {
    /// The coefficient of treatment.
    pub estimate: f64,
    /// The weight of each treated row, in row order; they add to one.
    pub weight: Vec<f64>,
    /// How many are above and below zero.
    pub n: [usize; 2],
    /// Sums of those above and below zero.
    pub sum: [f64; 2],
    /// The smallest standard deviation of effects with which the average effect may be zero.
    pub least_spread: f64,
}

/// Weights of a regression of the outcome on treatment beside effects of units and times, every row
/// counted once.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`] and [`EffectError::NotFinite`] for malformed slices, and
/// [`EffectError::RankDeficient`] where treatment does not vary within units and times.
///
/// # Reference
///
/// de Chaisemartin & D'Haultfœuille (2020), *AER* 110(9), Theorem 1 and Corollary 1.
pub fn two_way_weights(
    unit: &Grouping,
    time: &Grouping,
    treated: &[bool],
    outcome: &[f64],
) -> Result<TwoWayWeights, EffectError> {
    let n = outcome.len();
    crate::regression::check_finite("outcome", outcome, n)?;
    for (what, found) in [
        ("unit", unit.len()),
        ("time", time.len()),
        ("treated", treated.len()),
    ] {
        if found != n {
            return Err(EffectError::LengthMismatch {
                what,
                found,
                expected: n,
            });
        }
    }
    let sets = [
        FixedEffect::constants(unit.clone()),
        FixedEffect::constants(time.clone()),
    ];
    let one = vec![1.0; n];
    let solver = FixedEffects::new(&sets, &one)?;
    let treatment: Vec<f64> = treated.iter().map(|&is| f64::from(u8::from(is))).collect();
    let left = solver.residuals(&[&treatment])?.swap_remove(0);
    let square = utfall_stats::sums::dot(&left, &left);
    if square <= 1e-12 * count(n) {
        return Err(EffectError::RankDeficient { column: 0 });
    }
    let rows: Vec<usize> = (0..n).filter(|&row| treated[row]).collect();
    let total: f64 = rows.iter().map(|&row| left[row]).sum();
    let estimate = utfall_stats::sums::dot(&left, outcome) / square;
    let even = 1.0 / count(rows.len());
    let weight: Vec<f64> = rows
        .iter()
        .map(|&row| left[row] / total)
        .map(|weight| {
            if weight.abs() < ZERO * even {
                0.0
            } else {
                weight
            }
        })
        .collect();
    let (mut number, mut sum) = ([0, 0], [0.0, 0.0]);
    for &value in weight.iter().filter(|value| value.abs() > 0.0) {
        let side = usize::from(value < 0.0);
        number[side] += 1;
        sum[side] += value;
    }
    let spread: f64 = weight
        .iter()
        .map(|weight| (weight / even - 1.0) * (weight / even - 1.0) * even)
        .sum();
    Ok(TwoWayWeights {
        estimate,
        n: number,
        sum,
        least_spread: estimate.abs() / spread.sqrt(),
        weight,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_to_one_and_give_the_estimate_of_what_treatment_adds() {
        // Unit 0 always treated from 2, unit 1 from 3, unit 2 never.
        let unit = Grouping::of(&[0, 0, 0, 1, 1, 1, 2, 2, 2]);
        let time = Grouping::of(&[1, 2, 3, 1, 2, 3, 1, 2, 3]);
        let treated = [false, true, true, false, false, true, false, false, false];
        let effect = [0.0, 1.0, 5.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0];
        let found = two_way_weights(&unit, &time, &treated, &effect).unwrap();
        let sum: f64 = found.weight.iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
        let made: f64 = found
            .weight
            .iter()
            .zip([1.0, 5.0, 2.0])
            .map(|(w, e)| w * e)
            .sum();
        assert!((made - found.estimate).abs() < 1e-12);
    }
}

//! The point of a convex hull that is nearest to a target, exactly.
//!
//! Weights are zero or above and add to one. An active set is grown and shrunk until no point would
//! bring the mixture nearer: the answer has true zeros, and its optimality is checked, not hoped for.
//!
//! Wolfe (1976), <https://doi.org/10.1007/BF01580381>.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use utfall_stats::sums::dot;
use utfall_stats::{Cholesky, Matrix};

use crate::EffectError;

const MOST_STEPS: u32 = 20_000;
/// Share of the squared lengths by which a point must bring the mixture nearer.
const NEARER: f64 = 1e-13;
/// Share of a new direction below which it adds nothing to the active set.
const LEAST_NEW: f64 = 1e-13;

/// Weights of points, and what they reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// One for each point; zero or above, adding to one.
    pub weight: Vec<f64>,
    /// The squared distance, the penalty included.
    pub loss: f64,
    /// Whether no other weights reach as near.
    pub is_unique: bool,
}

/// Finds weights `w` with `|Σ wⱼ pⱼ - target|² + penalty·|w|²` as small as can be.
///
/// # Errors
///
/// [`EffectError::TooFewRows`] without points, [`EffectError::LengthMismatch`] for points of unequal
/// length, and [`EffectError::NotConverged`].
pub fn nearest_in_hull(
    points: &[Vec<f64>],
    target: &[f64],
    penalty: f64,
) -> Result<Weights, EffectError> {
    if points.is_empty() {
        return Err(EffectError::TooFewRows {
            n_rows: 0,
            n_columns: 1,
        });
    }
    for point in points {
        crate::regression::check_finite("donor", point, target.len())?;
    }
    let shifted: Vec<Vec<f64>> = points
        .iter()
        .map(|point| point.iter().zip(target).map(|(p, t)| p - t).collect())
        .collect();
    let n = shifted.len();
    let gram = crate::panel::symmetric(n, |i, j| {
        dot(&shifted[i], &shifted[j]) + if i == j { penalty } else { 0.0 }
    });
    let mut weight = vec![0.0; n];
    let mut active = start(&gram, penalty, &mut weight);
    let scale = (0..n).map(|i| gram[i][i]).fold(0.0, f64::max);
    for _ in 0..MOST_STEPS {
        let slope: Vec<f64> = (0..n)
            .map(|j| active.iter().map(|&i| weight[i] * gram[i][j]).sum())
            .collect();
        let loss: f64 = active.iter().map(|&i| weight[i] * slope[i]).sum();
        let outside = (0..n).filter(|j| !active.contains(j));
        let best = outside.min_by(|&a, &b| slope[a].total_cmp(&slope[b]).then(a.cmp(&b)));
        let Some(best) = best.filter(|&j| slope[j] < loss - NEARER * (scale + loss)) else {
            return Ok(finish(weight, loss, &slope, &gram, scale));
        };
        active.push(best);
        while let Some(wanted) = affine(&gram, &active) {
            if wanted.iter().all(|&w| w > 0.0) {
                for (&i, w) in active.iter().zip(&wanted) {
                    weight[i] = *w;
                }
                break;
            }
            let step = active
                .iter()
                .zip(&wanted)
                .filter(|(_, w)| **w <= 0.0)
                .map(|(&i, w)| weight[i] / (weight[i] - w))
                .fold(1.0, f64::min);
            for (&i, w) in active.iter().zip(&wanted) {
                weight[i] += step * (w - weight[i]);
            }
            let gone: Vec<usize> = active
                .iter()
                .copied()
                .filter(|&i| weight[i] <= 1e-15)
                .collect();
            let gone = if gone.is_empty() {
                vec![least(&active, &weight)]
            } else {
                gone
            };
            for i in gone {
                weight[i] = 0.0;
                active.retain(|&other| other != i);
            }
        }
        if affine(&gram, &active).is_none() {
            // The new point lies in the plane of the others: nothing nearer to be had there.
            weight[best] = 0.0;
            active.retain(|&other| other != best);
            let total: f64 = active.iter().map(|&i| weight[i]).sum();
            active.iter().for_each(|&i| weight[i] /= total);
            let slope: Vec<f64> = (0..n)
                .map(|j| active.iter().map(|&i| weight[i] * gram[i][j]).sum())
                .collect();
            let loss: f64 = active.iter().map(|&i| weight[i] * slope[i]).sum();
            return Ok(finish(weight, loss, &slope, &gram, scale));
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_STEPS,
    })
}

/// A face of the hull, and its point nearest to the target as the first mixture. A penalty makes many
/// points share the weight, so all are tried and those that would go below zero dropped; without
/// one, the nearest point begins.
fn start(gram: &[Vec<f64>], penalty: f64, weight: &mut [f64]) -> Vec<usize> {
    let n = gram.len();
    let mut active: Vec<usize> = (0..n).collect();
    while penalty > 0.0
        && let Some(wanted) = affine(gram, &active)
    {
        if wanted.iter().all(|&w| w > 0.0) {
            for (&i, w) in active.iter().zip(wanted) {
                weight[i] = w;
            }
            return active;
        }
        let mut wanted = wanted.into_iter();
        active.retain(|_| wanted.next().is_some_and(|w| w > 0.0));
    }
    let first = (0..n)
        .min_by(|&a, &b| gram[a][a].total_cmp(&gram[b][b]).then(a.cmp(&b)))
        .unwrap_or(0);
    weight[first] = 1.0;
    vec![first]
}

fn least(active: &[usize], weight: &[f64]) -> usize {
    active
        .iter()
        .copied()
        .min_by(|&a, &b| weight[a].total_cmp(&weight[b]))
        .unwrap_or(0)
}

/// The weights, adding to one, of the active points' affine combination nearest to the target; `None`
/// where they do not decide it.
fn affine(gram: &[Vec<f64>], active: &[usize]) -> Option<Vec<f64>> {
    // Differences from the first point decide the others' weights.
    let origin = active[0];
    let k = active.len() - 1;
    if k == 0 {
        return Some(vec![1.0]);
    }
    let mut matrix = Matrix::zeros(k, k);
    let mut right = Vec::with_capacity(k);
    for (a, &i) in active[1..].iter().enumerate() {
        for (b, &j) in active[1..].iter().enumerate() {
            matrix.set(
                a,
                b,
                gram[i][j] - gram[i][origin] - gram[origin][j] + gram[origin][origin],
            );
        }
        right.push(gram[origin][origin] - gram[i][origin]);
    }
    let factor = Cholesky::factor(&matrix, LEAST_NEW).ok()?;
    let mut others = factor.solve(&right);
    // One step of refinement.
    let rest: Vec<f64> = (0..k)
        .map(|a| right[a] - (0..k).map(|b| matrix.get(a, b) * others[b]).sum::<f64>())
        .collect();
    for (value, more) in others.iter_mut().zip(factor.solve(&rest)) {
        *value += more;
    }
    let first = 1.0 - others.iter().sum::<f64>();
    Some(std::iter::once(first).chain(others).collect())
}

/// Other weights reach as near if points that are as good as the active ones depend on each other.
fn finish(weight: Vec<f64>, loss: f64, slope: &[f64], gram: &[Vec<f64>], scale: f64) -> Weights {
    let level = 1e-9 * (scale + loss);
    let tied: Vec<usize> = (0..weight.len())
        .filter(|&j| weight[j] > 0.0 || slope[j] <= loss + level)
        .collect();
    let positive: Vec<usize> = tied.iter().copied().filter(|&j| weight[j] > 0.0).collect();
    let is_unique =
        affine(gram, &positive).is_some() && (loss > level || affine(gram, &tied).is_some());
    Weights {
        weight,
        loss: loss.max(0.0),
        is_unique,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_within_the_hull_is_reached() {
        let points = [vec![0.0, 0.0], vec![4.0, 0.0], vec![0.0, 4.0]];
        let found = nearest_in_hull(&points, &[1.0, 1.0], 0.0).unwrap();
        for (got, expected) in found.weight.iter().zip([0.5, 0.25, 0.25]) {
            assert!((got - expected).abs() < 1e-12, "{found:?}");
        }
        assert!(found.loss < 1e-20 && found.is_unique);
    }

    #[test]
    fn a_target_outside_is_projected_and_far_points_have_no_weight() {
        let points = [vec![0.0, 0.0], vec![4.0, 0.0], vec![0.0, 4.0]];
        let found = nearest_in_hull(&points, &[3.0, -2.0], 0.0).unwrap();
        assert!(found.weight[2].abs() <= 0.0);
        assert!((found.weight[1] - 0.75).abs() < 1e-12 && (found.loss - 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_target_that_many_mixtures_reach_is_not_unique() {
        let points = [vec![0.0], vec![1.0], vec![2.0], vec![4.0]];
        let found = nearest_in_hull(&points, &[1.5], 0.0).unwrap();
        assert!(found.loss < 1e-20 && !found.is_unique);
    }
}

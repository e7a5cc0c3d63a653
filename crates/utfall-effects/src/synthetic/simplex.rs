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

use utfall_stats::moments::count;
use utfall_stats::sums::dot;
use utfall_stats::{Cholesky, Matrix};

use crate::EffectError;

const MOST_STEPS: u32 = 20_000;
/// Share of the squared lengths by which a point must bring the mixture nearer.
const NEARER: f64 = 1e-13;
/// Share of a new direction below which it adds nothing to the active set.
const LEAST_NEW: f64 = 1e-13;
/// Share of the largest squared length above which a penalty spreads the weights.
const LEAST_SHARED: f64 = 1e-5;
const MOST_ROUNDS: u32 = 50;

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
    let shifted = points
        .iter()
        .map(|point| point.iter().zip(target).map(|(p, t)| p - t).collect())
        .collect();
    let hull = Hull { shifted, penalty };
    let scale = (0..points.len())
        .map(|i| hull.product(i, i))
        .fold(0.0, f64::max);
    if penalty > LEAST_SHARED * scale
        && let Some(weight) = hull.shared()
    {
        return Ok(hull.finish(weight, scale));
    }
    hull.by_active_set(scale)
}

/// Points less the target, so that the mixture nearest to nothing is sought.
struct Hull {
    shifted: Vec<Vec<f64>>,
    penalty: f64,
}

/// Points that may have weight, and their products.
#[derive(Default)]
struct Active {
    points: Vec<usize>,
    gram: Vec<Vec<f64>>,
}

impl Active {
    fn push(&mut self, hull: &Hull, point: usize) {
        let products: Vec<f64> = self
            .points
            .iter()
            .map(|&i| hull.product(i, point))
            .collect();
        for (row, product) in self.gram.iter_mut().zip(&products) {
            row.push(*product);
        }
        self.gram.push(products);
        self.points.push(point);
        if let Some(row) = self.gram.last_mut() {
            row.push(hull.product(point, point));
        }
    }

    fn of(hull: &Hull, points: &[usize]) -> Self {
        let mut active = Self::default();
        points.iter().for_each(|&point| active.push(hull, point));
        active
    }

    fn drop(&mut self, point: usize) {
        if let Some(at) = self.points.iter().position(|&other| other == point) {
            self.points.remove(at);
            self.gram.remove(at);
            self.gram.iter_mut().for_each(|row| {
                row.remove(at);
            });
        }
    }

    /// The weights, adding to one, of the points' affine combination nearest to the target; `None`
    /// where they do not decide it.
    fn affine(&self) -> Option<Vec<f64>> {
        // Differences from the first point decide the others' weights.
        let k = self.points.len() - 1;
        if k == 0 {
            return Some(vec![1.0]);
        }
        let gram = &self.gram;
        let mut matrix = Matrix::zeros(k, k);
        let mut right = Vec::with_capacity(k);
        for i in 1..=k {
            for j in 1..=k {
                let value = gram[i][j] - gram[i][0] - gram[0][j] + gram[0][0];
                matrix.set(i - 1, j - 1, value);
            }
            right.push(gram[0][0] - gram[i][0]);
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
}

impl Hull {
    fn product(&self, i: usize, j: usize) -> f64 {
        let own = if i == j { self.penalty } else { 0.0 };
        dot(&self.shifted[i], &self.shifted[j]) + own
    }

    /// Half the slope of the loss in each weight, and the loss.
    fn slopes(&self, weight: &[f64]) -> (Vec<f64>, f64) {
        let mut reached = vec![0.0; self.shifted[0].len()];
        for (point, &w) in self.shifted.iter().zip(weight) {
            if w > 0.0 {
                for (into, value) in reached.iter_mut().zip(point) {
                    *into += w * value;
                }
            }
        }
        let slope: Vec<f64> = self
            .shifted
            .iter()
            .zip(weight)
            .map(|(point, w)| dot(point, &reached) + self.penalty * w)
            .collect();
        let loss = dot(weight, &slope);
        (slope, loss)
    }

    fn by_active_set(&self, scale: f64) -> Result<Weights, EffectError> {
        let n = self.shifted.len();
        let nearest = (0..n)
            .map(|i| (i, self.product(i, i)))
            .min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let first = nearest.map_or(0, |(i, _)| i);
        let mut weight = vec![0.0; n];
        weight[first] = 1.0;
        let mut active = Active::of(self, &[first]);
        for _ in 0..MOST_STEPS {
            let (slope, loss) = self.slopes(&weight);
            let outside = (0..n).filter(|&j| weight[j] <= 0.0);
            let best = outside.min_by(|&a, &b| slope[a].total_cmp(&slope[b]).then(a.cmp(&b)));
            let Some(best) = best.filter(|&j| slope[j] < loss - NEARER * (scale + loss)) else {
                return Ok(self.finish(weight, scale));
            };
            active.push(self, best);
            if !descended(&mut active, &mut weight) {
                // The new point lies in the plane of the others: nothing nearer to be had there.
                weight[best] = 0.0;
                let total: f64 = weight.iter().sum();
                weight.iter_mut().for_each(|w| *w /= total);
                return Ok(self.finish(weight, scale));
            }
        }
        Err(EffectError::NotConverged {
            n_iterations: MOST_STEPS,
        })
    }

    /// The weights where a penalty spreads them over many points. Given which points take part,
    /// `r = Σ w p` solves `(λI + Σ p p′) r = μ Σ p` and `w = (μ - p·r)/λ`: a system as large as a
    /// point is long, however many points. Those below zero leave and those above join until none
    /// does; `None` where that goes round in a circle.
    fn shared(&self) -> Option<Vec<f64>> {
        let (n, m) = (self.shifted.len(), self.shifted[0].len());
        let mut takes_part = vec![true; n];
        for _ in 0..MOST_ROUNDS {
            let inside = || (0..n).filter(|&i| takes_part[i]);
            inside().next()?;
            let mut matrix = Matrix::zeros(m, m);
            for t in 0..m {
                for s in 0..=t {
                    let products = inside().map(|i| self.shifted[i][s] * self.shifted[i][t]);
                    let own = if s == t { self.penalty } else { 0.0 };
                    let value = products.sum::<f64>() + own;
                    matrix.set(s, t, value);
                    matrix.set(t, s, value);
                }
            }
            let sums: Vec<f64> = (0..m)
                .map(|t| inside().map(|i| self.shifted[i][t]).sum())
                .collect();
            let per_level = Cholesky::factor(&matrix, LEAST_NEW).ok()?.solve(&sums);
            let level = self.penalty / (count(inside().count()) - dot(&sums, &per_level));
            let wanted: Vec<f64> = self
                .shifted
                .iter()
                .map(|point| level * (1.0 - dot(point, &per_level)) / self.penalty)
                .collect();
            let next: Vec<bool> = wanted.iter().map(|&w| w > 0.0).collect();
            if next == takes_part {
                let kept: Vec<f64> = wanted.iter().map(|w| w.max(0.0)).collect();
                let total: f64 = kept.iter().sum();
                return Some(kept.iter().map(|w| w / total).collect());
            }
            takes_part = next;
        }
        None
    }

    /// Other weights reach as near if points that are as good as the active ones depend on each other.
    fn finish(&self, weight: Vec<f64>, scale: f64) -> Weights {
        let (slope, loss) = self.slopes(&weight);
        // A penalty leaves one minimum.
        let is_unique = self.penalty > 0.0 || {
            let level = 1e-9 * (scale + loss);
            let tied: Vec<usize> = (0..weight.len())
                .filter(|&j| weight[j] > 0.0 || slope[j] <= loss + level)
                .collect();
            let positive: Vec<usize> = tied.iter().copied().filter(|&j| weight[j] > 0.0).collect();
            let most = self.shifted[0].len() + 1;
            let is_free = |points: &[usize]| {
                points.len() <= most && Active::of(self, points).affine().is_some()
            };
            is_free(&positive) && (loss > level || is_free(&tied))
        };
        Weights {
            weight,
            loss: loss.max(0.0),
            is_unique,
        }
    }
}

/// Moves to the nearest mixture of the active points, dropping those that would go below zero; whether
/// they decide it.
fn descended(active: &mut Active, weight: &mut [f64]) -> bool {
    while let Some(wanted) = active.affine() {
        if wanted.iter().all(|&w| w > 0.0) {
            for (&i, w) in active.points.iter().zip(&wanted) {
                weight[i] = *w;
            }
            return true;
        }
        let step = active
            .points
            .iter()
            .zip(&wanted)
            .filter(|(_, w)| **w <= 0.0)
            .map(|(&i, w)| weight[i] / (weight[i] - w))
            .fold(1.0, f64::min);
        for (&i, w) in active.points.iter().zip(&wanted) {
            weight[i] += step * (w - weight[i]);
        }
        let mut gone: Vec<usize> = active.points.clone();
        gone.retain(|&i| weight[i] <= 1e-15);
        if gone.is_empty() {
            gone.extend(least(&active.points, weight));
        }
        for i in gone {
            weight[i] = 0.0;
            active.drop(i);
        }
    }
    false
}

fn least(active: &[usize], weight: &[f64]) -> Option<usize> {
    active
        .iter()
        .copied()
        .min_by(|&a, &b| weight[a].total_cmp(&weight[b]))
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
    fn a_penalty_spreads_the_weights_as_the_active_set_would() {
        let mut stream = utfall_stats::draws::Stream::new(5, "hull", 0);
        let shifted: Vec<Vec<f64>> = (0..60)
            .map(|_| (0..8).map(|_| stream.normal() + 0.5).collect())
            .collect();
        for penalty in [0.01, 1.0, 40.0] {
            let hull = Hull {
                shifted: shifted.clone(),
                penalty,
            };
            let spread = hull.shared().unwrap();
            let stepped = hull.by_active_set(20.0).unwrap();
            for (a, b) in spread.iter().zip(&stepped.weight) {
                assert!((a - b).abs() < 1e-9, "{penalty}: {a} {b}");
            }
        }
    }

    #[test]
    fn a_target_that_many_mixtures_reach_is_not_unique() {
        let points = [vec![0.0], vec![1.0], vec![2.0], vec![4.0]];
        let found = nearest_in_hull(&points, &[1.5], 0.0).unwrap();
        assert!(found.loss < 1e-20 && !found.is_unique);
    }
}

//! Whether the score was manipulated: its density on both sides of the cutoff, by local polynomials of
//! the empirical distribution (`rddensity`).
//!
//! The distribution function is regressed on powers of the score within a bandwidth of the cutoff, each
//! side on its own; the coefficient of the first power is the density at the edge. The test takes a
//! polynomial of one order more than the one the bandwidth is best for, so that what bias is left does
//! not matter. The variance is the jackknife's.
//!
//! Cattaneo, Jansson & Ma (2020), <https://doi.org/10.1080/01621459.2019.1635480>, and (2018),
//! *Stata Journal* 18(1), on bandwidths.

use serde::{Deserialize, Serialize};
use utfall_stats::elementary::pow;
use utfall_stats::moments::{count, mean_and_variance};
use utfall_stats::{Cholesky, Matrix, normal};

use super::Kernel;
use crate::EffectError;
use crate::regression::check_finite;

/// How bandwidths of a density test are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DensitySelector {
    /// For each side's density on its own.
    Each,
    /// One for both, best for the difference.
    Difference,
    /// One for both, best for the sum.
    Sum,
    /// On each side the median of the three.
    Combined,
}

/// Options of [`density_test`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DensityOptions {
    /// Order of the polynomial that bandwidths are best for, 1 to 7; the test takes one more.
    pub order: usize,
    /// Kernel.
    pub kernel: Kernel,
    /// Whether rows that share a score count as one place where the distribution jumps.
    pub mass_points: bool,
    /// Whether bandwidths hold at least `21 + order` rows and distinct scores on each side and end
    /// where scores do.
    pub regularise: bool,
}

/// The densities at the cutoff and the test that they are equal. Pairs are left and right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DensityTest {
    /// Rows.
    pub n: [usize; 2],
    /// Rows within the bandwidths.
    pub n_within: [usize; 2],
    /// Bandwidths.
    pub bandwidth: [f64; 2],
    /// Densities.
    pub density: [f64; 2],
    /// Their standard errors.
    pub standard_error: [f64; 2],
    /// The right density less the left.
    pub difference: f64,
    /// Its standard error.
    pub difference_error: f64,
    /// Their ratio, standard normal without manipulation.
    pub t: f64,
    /// Its two-sided p-value.
    pub p_value: f64,
}

/// Scores from the lowest up, less the cutoff, with the distribution function there.
struct Scores {
    x: Vec<f64>,
    distinct: Vec<f64>,
    rank: Vec<f64>,
    /// Whether ties are one place.
    tied: bool,
}

/// A coefficient of both sides' polynomials; variances of left, right, difference and sum.
struct Fitted {
    coefficient: [f64; 2],
    variance: [f64; 4],
}

/// Tests that the density of the score does not jump at the cutoff; a score there is right of it.
///
/// # Errors
///
/// [`EffectError::NotFinite`]; [`EffectError::OutsideRange`] for an order or bandwidth that cannot be, and
/// [`EffectError::TooFewRows`] where a side holds too few distinct scores for its polynomial.
pub fn density_test(
    score: &[f64],
    cutoff: f64,
    bandwidth: Result<[f64; 2], DensitySelector>,
    options: &DensityOptions,
) -> Result<DensityTest, EffectError> {
    check_finite("score", score, score.len())?;
    let p = options.order;
    if !(1..=7).contains(&p) {
        return Err(EffectError::OutsideRange {
            what: "order",
            value: count(p),
        });
    }
    let scores = Scores::of(score, cutoff, options.mass_points);
    let n_left = scores.x.partition_point(|&x| x < 0.0);
    let n = [n_left, scores.x.len() - n_left];
    let bandwidth = match bandwidth {
        Ok(given) => given,
        Err(selector) => scores.select(selector, options)?,
    };
    if let Some(&value) = bandwidth.iter().find(|h| !(**h > 0.0 && h.is_finite())) {
        return Err(EffectError::OutsideRange {
            what: "bandwidth",
            value,
        });
    }
    let fit = scores.fit(bandwidth, p + 1, 1, options.kernel)?;
    let within = scores.within(bandwidth);
    let difference = fit.coefficient[1] - fit.coefficient[0];
    let error = fit.variance[2].sqrt();
    Ok(DensityTest {
        n,
        n_within: [n_left - within.start, within.end - n_left],
        bandwidth,
        density: fit.coefficient,
        standard_error: [fit.variance[0].sqrt(), fit.variance[1].sqrt()],
        difference,
        difference_error: error,
        t: difference / error,
        p_value: normal::two_sided_p(difference / error),
    })
}

impl Scores {
    fn of(score: &[f64], cutoff: f64, mass_points: bool) -> Self {
        let mut sorted = score.to_vec();
        sorted.sort_by(f64::total_cmp);
        let x: Vec<f64> = sorted.iter().map(|score| score - cutoff).collect();
        let mut distinct = x.clone();
        distinct.dedup();
        let tied = mass_points && distinct.len() < x.len();
        let last = |row: usize| {
            if tied {
                x.partition_point(|&other| other <= x[row]) - 1
            } else {
                row
            }
        };
        let rank = (0..x.len())
            .map(|row| count(last(row)) / (count(x.len()) - 1.0))
            .collect();
        Self {
            x,
            distinct,
            rank,
            tied,
        }
    }

    fn within(&self, h: [f64; 2]) -> std::ops::Range<usize> {
        self.x.partition_point(|&x| x < -h[0])..self.x.partition_point(|&x| x <= h[1])
    }

    /// The coefficient of a power on both sides, with what the jackknife says of its variance.
    fn fit(
        &self,
        h: [f64; 2],
        order: usize,
        power: usize,
        kernel: Kernel,
    ) -> Result<Fitted, EffectError> {
        let within = self.within(h);
        let x = &self.x[within.clone()];
        let middle = x.partition_point(|&x| x < 0.0);
        // What each row's distribution function counts with in the coefficient.
        let mut reach = [vec![0.0; x.len()], vec![0.0; x.len()]];
        for side in 0..2 {
            let rows = if side == 0 {
                0..middle
            } else {
                middle..x.len()
            };
            let (h, m) = (h[side], order + 1);
            let line = |row: usize| -> (f64, Vec<f64>) {
                let u = x[row] / h;
                let mut powers = vec![1.0; m];
                (1..m).for_each(|k| powers[k] = powers[k - 1] * u);
                (kernel.weight(u) / h, powers)
            };
            let mut gram = Matrix::zeros(m, m);
            for row in rows.clone() {
                let (w, powers) = line(row);
                for i in 0..m {
                    for j in 0..m {
                        gram.set(i, j, gram.get(i, j) + w * powers[i] * powers[j]);
                    }
                }
            }
            let too_few = EffectError::TooFewRows {
                n_rows: rows.len(),
                n_columns: m,
            };
            let factor = Cholesky::factor(&gram, 1e-13).map_err(|_| too_few)?;
            let mut wanted = vec![0.0; m];
            wanted[power] = 1.0;
            let solved = factor.solve(&wanted);
            for row in rows {
                let (w, powers) = line(row);
                let value: f64 = powers.iter().zip(&solved).map(|(a, b)| a * b).sum();
                reach[side][row] = w * value / pow(h, count(power));
            }
        }
        let rank = &self.rank[within];
        let coefficient = [0, 1].map(|side| utfall_stats::sums::dot(&reach[side], rank));
        let mut variance = [0.0; 4];
        let mut later = [0.0; 2];
        let mut row = x.len();
        while row > 0 {
            // Rows at one place, or one row.
            let first = if self.tied {
                x.partition_point(|&other| other < x[row - 1])
            } else {
                row - 1
            };
            for side in 0..2 {
                // The first row at a place counts what comes after it, its ties too.
                later[side] += reach[side][first + 1..row].iter().sum::<f64>();
            }
            let times = count(row - first);
            let [l, r] = later.map(|sum| sum / (count(self.x.len()) - 1.0));
            for (into, value) in variance.iter_mut().zip([l, r, r - l, r + l]) {
                *into += times * value * value;
            }
            for side in 0..2 {
                later[side] += reach[side][first];
            }
            row = first;
        }
        Ok(Fitted {
            coefficient,
            variance,
        })
    }

    /// The place of the `k`-th row, and of the `k`-th distinct score, on each side.
    fn reaching(&self, k: usize) -> [f64; 2] {
        let of = |values: &[f64]| {
            let middle = values.partition_point(|&x| x < 0.0);
            let (left, right) = values.split_at(middle);
            let at = |side: usize, k: usize| {
                if side == 0 {
                    -left[left.len() - k]
                } else {
                    right[k - 1]
                }
            };
            [
                at(0, k.min(left.len()).max(1)),
                at(1, k.min(right.len()).max(1)),
            ]
        };
        let (rows, distinct) = (of(&self.x), of(&self.distinct));
        [0, 1].map(|side| f64::max(rows[side], distinct[side]))
    }

    fn select(
        &self,
        selector: DensitySelector,
        options: &DensityOptions,
    ) -> Result<[f64; 2], EffectError> {
        let (p, n) = (options.order, count(self.x.len()));
        let middle = self.distinct.partition_point(|&x| x < 0.0);
        for side in [middle, self.distinct.len() - middle] {
            if side < p + 4 {
                return Err(EffectError::TooFewRows {
                    n_rows: side,
                    n_columns: p + 3,
                });
            }
        }
        let ends = [-self.x[0], self.x[self.x.len() - 1]];
        let widest = f64::max(ends[0], ends[1]);
        let (centre, variance) = mean_and_variance(&self.x);
        let (spread, z) = (variance.sqrt(), centre / variance.sqrt());
        // Pilot bandwidths as if scores were normal.
        let pilot = |order: usize, power: usize, factor: f64, extra: usize| {
            let curvature = hermite(z, order);
            let flat = 1.0 / (curvature * curvature * normal::density(z));
            let rate = 1.0 / count(2 * p + 1 + 2 * extra);
            let h = spread * pow(factor * flat * uniform_constant(order, power) / n, rate);
            if !options.regularise {
                return h;
            }
            let reached = self.reaching(21 + p + extra);
            h.min(widest).max(reached[0]).max(reached[1])
        };
        let b = pilot(p + 2, p + 1, count(2 * p + 1) / 4.0, 2);
        let c = pilot(p, 1, 1.0 / count(2 * p), 0);
        let bias = self.fit([b; 2], p + 2, p + 1, options.kernel)?;
        let noise = self.fit([c; 2], p, 1, options.kernel)?;
        let constant = bias_constant(options.kernel, p);
        let sign = if p % 2 == 0 { 1.0 } else { -1.0 };
        let (left, right) = (
            bias.coefficient[0] * constant * sign,
            bias.coefficient[1] * constant,
        );
        let best = |variance: f64, bias: f64| {
            pow(
                n * c * variance / (bias * bias) / n / count(2 * p),
                1.0 / count(2 * p + 1),
            )
        };
        let v = noise.variance;
        let mut h = [
            best(v[0], left),
            best(v[1], right),
            best(v[2], right - left),
            best(v[3], right + left),
        ];
        if options.regularise {
            let least = self.reaching(21 + p);
            let both = f64::max(least[0], least[1]);
            let limits = [
                (ends[0], least[0]),
                (ends[1], least[1]),
                (widest, both),
                (widest, both),
            ];
            for (h, (most, least)) in h.iter_mut().zip(limits) {
                *h = h.min(most).max(least);
            }
        }
        let median = |a: f64| {
            let mut three = [a, h[2], h[3]];
            three.sort_by(f64::total_cmp);
            three[1]
        };
        Ok(match selector {
            DensitySelector::Each => [h[0], h[1]],
            DensitySelector::Difference => [h[2]; 2],
            DensitySelector::Sum => [h[3]; 2],
            DensitySelector::Combined => [median(h[0]), median(h[1])],
        })
    }
}

/// `∫₀¹ K(u) uᵏ du`.
fn moment(kernel: Kernel, k: usize) -> f64 {
    let k = count(k);
    match kernel {
        Kernel::Triangular => 1.0 / ((k + 1.0) * (k + 2.0)),
        Kernel::Epanechnikov => 0.75 * (1.0 / (k + 1.0) - 1.0 / (k + 3.0)),
        Kernel::Uniform => 0.5 / (k + 1.0),
    }
}

/// Row `power` of the inverse of the kernel's moments on `[0, 1]`; they are positive definite.
fn projection(kernel: Kernel, order: usize, power: usize) -> Vec<f64> {
    let mut moments = Matrix::zeros(order + 1, order + 1);
    for i in 0..=order {
        for j in 0..=order {
            moments.set(i, j, moment(kernel, i + j));
        }
    }
    let mut wanted = vec![0.0; order + 1];
    wanted[power] = 1.0;
    Cholesky::factor(&moments, 0.0).map_or(wanted.clone(), |factor| factor.solve(&wanted))
}

/// What the next power leaves in the first coefficient.
fn bias_constant(kernel: Kernel, order: usize) -> f64 {
    let row = projection(kernel, order, 1);
    row.iter()
        .enumerate()
        .map(|(i, value)| value * moment(kernel, i + order + 1))
        .sum()
}

/// Variance over squared bias of a coefficient at an edge, with the uniform kernel on `[0, 1]`, times
/// `(order + 1)!²`.
fn uniform_constant(order: usize, power: usize) -> f64 {
    // Half the weight on each side of the fraction cancels.
    let row: Vec<f64> = projection(Kernel::Uniform, order, power)
        .iter()
        .map(|x| 0.5 * x)
        .collect();
    let each = |i: usize| row[i];
    let mut variance = 0.0;
    for i in 0..=order {
        for j in 0..=order {
            // ∫∫ min(x, y) xⁱ yʲ over the unit square.
            let (a, b) = (count(i), count(j));
            let shared = 1.0 / ((a + 2.0) * (a + b + 3.0)) + 1.0 / ((b + 2.0) * (a + b + 3.0));
            variance += each(i) * each(j) * shared;
        }
    }
    let bias: f64 = (0..=order)
        .map(|i| each(i) / (count(i + order) + 2.0))
        .sum();
    let factorial: f64 = (1..=order + 1).map(count).product();
    variance / (bias * bias) * factorial * factorial
}

/// Hermite's polynomial.
fn hermite(x: f64, order: usize) -> f64 {
    let (mut before, mut now) = (0.0, 1.0);
    for k in 0..order {
        (before, now) = (now, x * now - count(k) * before);
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_of_the_uniform_kernel_are_their_fractions() {
        for (order, power, expected) in [
            (1, 1, 4.8),
            (2, 1, 3840.0 / 7.0),
            (3, 1, 100_800.0),
            (3, 2, 25_884.444_444_444_444),
        ] {
            let found = uniform_constant(order, power);
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "{order} {power}: {found}"
            );
        }
    }

    #[test]
    fn an_even_density_does_not_jump() {
        let score: Vec<f64> = (0..400).map(|i| (f64::from(i) - 199.5) / 200.0).collect();
        let options = DensityOptions {
            order: 1,
            kernel: Kernel::Triangular,
            mass_points: true,
            regularise: true,
        };
        let found = density_test(&score, 0.0, Ok([0.5, 0.5]), &options).unwrap();
        assert_eq!(found.n, [200, 200]);
        assert!((found.density[0] - 200.0 / 399.0).abs() < 1e-9);
        assert!(found.difference.abs() < 1e-9);
    }

    #[test]
    fn a_side_without_scores_is_refused() {
        let options = DensityOptions {
            order: 2,
            kernel: Kernel::Uniform,
            mass_points: false,
            regularise: false,
        };
        let found = density_test(&[1.0, 2.0, 3.0], 0.0, Err(DensitySelector::Each), &options);
        assert_eq!(
            found,
            Err(EffectError::TooFewRows {
                n_rows: 0,
                n_columns: 5
            })
        );
    }
}

//! What a test of the times before could have seen: its power against trends that differ by a line.
//!
//! A pre-test that finds nothing says little where it had little chance to find anything.
//!
//! Roth (2022), <https://doi.org/10.1257/aeri.20210236>; Genz (1992),
//! <https://doi.org/10.1080/10618600.1992.10477010>, on normal probabilities of boxes.

use utfall_stats::moments::count;
use utfall_stats::{Cholesky, Matrix, normal};

use super::EventStudy;
use crate::EffectError;

/// Points at which the probability of a box is averaged.
const POINTS: u32 = 40_000;
const PRIMES: [f64; 24] = [
    2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0, 29.0, 31.0, 37.0, 41.0, 43.0, 47.0, 53.0,
    59.0, 61.0, 67.0, 71.0, 73.0, 79.0, 83.0, 89.0,
];

/// The rule that finds trends to differ if any estimate before is significant on its own.
#[derive(Debug, Clone)]
pub struct Pretest {
    errors: Vec<f64>,
    factor: Cholesky,
    critical: f64,
}

impl Pretest {
    /// The rule at a level for each estimate, such as 0.05.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] for more than 25 times before, and [`EffectError::RankDeficient`].
    pub fn new(study: &EventStudy, size: f64) -> Result<Self, EffectError> {
        let p = study.before.len();
        if p > PRIMES.len() + 1 {
            return Err(EffectError::OutsideRange {
                what: "number of times before",
                value: count(p),
            });
        }
        let mut block = Matrix::zeros(p, p);
        for i in 0..p {
            for j in 0..p {
                block.set(i, j, study.covariance[i][j]);
            }
        }
        Ok(Self {
            errors: (0..p).map(|i| study.covariance[i][i].sqrt()).collect(),
            factor: Cholesky::factor(&block, 1e-13).map_err(|error| {
                EffectError::RankDeficient {
                    column: error.column,
                }
            })?,
            critical: normal::quantile(1.0 - 0.5 * size),
        })
    }

    /// Where trends differ by a line, `slope` times the time to the reference.
    fn line(&self, slope: f64) -> Vec<f64> {
        let p = self.errors.len();
        (0..p).map(|k| -slope * count(p - k)).collect()
    }

    /// The probability that the rule finds a line with this slope; at zero, its size. Right to about five
    /// digits: the same points are averaged each time.
    #[must_use]
    pub fn power(&self, slope: f64) -> f64 {
        let (p, mean) = (self.errors.len(), self.line(slope));
        let mut inside = 0.0;
        for point in 1..=POINTS {
            let mut drawn = vec![0.0; p];
            let mut probability = 1.0;
            for i in 0..p {
                let shift: f64 = mean[i]
                    + (0..i)
                        .map(|j| self.factor.lower(i, j) * drawn[j])
                        .sum::<f64>();
                let scale = self.factor.lower(i, i);
                let low = normal::cdf((-self.critical * self.errors[i] - shift) / scale);
                let high = normal::cdf((self.critical * self.errors[i] - shift) / scale);
                probability *= high - low;
                if i + 1 < p {
                    // Fractions of multiples of roots of primes fill the cube evenly; folded, smoothly.
                    let spread = (f64::from(point) * PRIMES[i].sqrt()).fract();
                    let folded = 1.0 - (2.0 * spread - 1.0).abs();
                    let within = (low + folded * (high - low)).clamp(1e-300, 1.0 - 1e-16);
                    drawn[i] = normal::quantile(within);
                }
            }
            inside += probability;
        }
        1.0 - inside / f64::from(POINTS)
    }

    /// The slope above zero that the rule finds with a probability; `None` where its size is more already.
    #[must_use]
    pub fn slope(&self, power: f64) -> Option<f64> {
        if self.power(0.0) >= power {
            return None;
        }
        let unit = self
            .errors
            .iter()
            .fold(0.0_f64, |max, error| max.max(*error));
        let (mut low, mut high) = (0.0, unit);
        while self.power(high) < power {
            high *= 2.0;
        }
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if self.power(middle) < power {
                low = middle
            } else {
                high = middle
            }
        }
        Some(0.5 * (low + high))
    }

    /// How far from zero a joint Wald test sees such a line: the noncentrality of its χ².
    #[must_use]
    pub fn noncentrality(&self, slope: f64) -> f64 {
        let line = self.line(slope);
        line.iter()
            .zip(self.factor.solve(&line))
            .map(|(a, b)| a * b)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_independent_estimates_the_power_is_a_product() {
        let covariance = vec![
            vec![4.0, 0.0, 0.0],
            vec![0.0, 1.0, 0.0],
            vec![0.0, 0.0, 1.0],
        ];
        let study = EventStudy::new(&[0.0, 0.0, 0.0], &covariance, 2, &[1.0]).unwrap();
        let pretest = Pretest::new(&study, 0.05).unwrap();
        assert!((pretest.power(0.0) - (1.0 - 0.95 * 0.95)).abs() < 1e-9);
        let inside = |mean: f64, sd: f64| {
            let z = normal::quantile(0.975);
            normal::cdf(z - mean / sd) - normal::cdf(-z - mean / sd)
        };
        assert!((pretest.power(0.5) - (1.0 - inside(1.0, 2.0) * inside(0.5, 1.0))).abs() < 1e-9);
        assert!((pretest.noncentrality(1.0) - 2.0).abs() < 1e-12);
    }
}

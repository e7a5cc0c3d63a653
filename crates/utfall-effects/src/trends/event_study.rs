//! The estimates of an event study, as what the bounds on trends start from.

use utfall_core::Interval;
use utfall_stats::{Cholesky, Matrix, normal};

use crate::EffectError;
use crate::regression::check_finite;

/// Estimates at times before and after treatment, the time just before the start being the reference.
#[derive(Debug, Clone)]
pub struct EventStudy {
    pub(super) before: Vec<f64>,
    pub(super) after: Vec<f64>,
    pub(super) covariance: Vec<Vec<f64>>,
    pub(super) factor: Cholesky,
    /// Weights of the times after in the effect asked about.
    pub(super) target: Vec<f64>,
}

impl EventStudy {
    /// Takes estimates in order of time, without the reference, the first `n_before` of them before it;
    /// their covariance; and the weights of the times after in the effect that is asked about.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`] and [`EffectError::NotFinite`] for malformed slices;
    /// [`EffectError::OutsideRange`] without times before or after or with weights that are all zero, and
    /// [`EffectError::RankDeficient`] where the covariance is not positive definite.
    pub fn new(
        estimates: &[f64],
        covariance: &[Vec<f64>],
        n_before: usize,
        target: &[f64],
    ) -> Result<Self, EffectError> {
        let n = estimates.len();
        check_finite("estimate", estimates, n)?;
        if covariance.len() != n {
            return Err(EffectError::LengthMismatch {
                what: "covariance",
                found: covariance.len(),
                expected: n,
            });
        }
        for row in covariance {
            check_finite("covariance", row, n)?;
        }
        let outside = |what| EffectError::OutsideRange {
            what,
            value: utfall_stats::moments::count(n_before),
        };
        if n_before == 0 || n_before >= n {
            return Err(outside("number of times before"));
        }
        check_finite("weight of a time", target, n - n_before)?;
        if target.iter().all(|weight| weight.abs() <= 0.0) {
            return Err(outside("sum of weights"));
        }
        let mut matrix = Matrix::zeros(n, n);
        for (i, row) in covariance.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                matrix.set(i, j, *value);
            }
        }
        let factor =
            Cholesky::factor(&matrix, 1e-13).map_err(|error| EffectError::RankDeficient {
                column: error.column,
            })?;
        Ok(Self {
            before: estimates[..n_before].to_vec(),
            after: estimates[n_before..].to_vec(),
            covariance: covariance.to_vec(),
            factor,
            target: target.to_vec(),
        })
    }

    /// The effect asked about, with parallel trends, and its standard error.
    #[must_use]
    pub fn effect(&self) -> (f64, f64) {
        let weights = self.weights(&vec![0.0; self.before.len()]);
        (self.combined(&weights), self.variance(&weights).sqrt())
    }

    /// The interval of that effect with parallel trends.
    #[must_use]
    pub fn interval(&self, level: f64) -> Interval {
        let (point, error) = self.effect();
        let reach = normal::quantile(0.5 * (1.0 + level)) * error;
        Interval {
            lower: point - reach,
            upper: point + reach,
        }
    }

    /// Weights of all estimates: some of those before, and the target's.
    pub(super) fn weights(&self, before: &[f64]) -> Vec<f64> {
        before.iter().chain(&self.target).copied().collect()
    }

    pub(super) fn combined(&self, weights: &[f64]) -> f64 {
        let estimates = self.before.iter().chain(&self.after);
        estimates
            .zip(weights)
            .map(|(value, weight)| value * weight)
            .sum()
    }

    pub(super) fn variance(&self, weights: &[f64]) -> f64 {
        crate::panel::quadratic(&self.covariance, weights)
    }

    /// First differences of the times before, from the earliest; the last is to the reference.
    pub(super) fn steps_before(&self) -> Vec<f64> {
        let mut levels = self.before.clone();
        levels.push(0.0);
        levels.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

//! Negative binomial regression: counts that vary more than Poisson's, with their dispersion.
//!
//! The mean's coefficients are fitted with the dispersion held, the dispersion with the mean held,
//! until neither moves: the maximum of both together. Errors are those with the dispersion held,
//! as R's `glm.nb` has them, or those of the joint likelihood, as statsmodels has them.
//!
//! Lawless (1987), <https://doi.org/10.2307/3314912>.

use utfall_stats::elementary::{exp, log};
use utfall_stats::moments::count;
use utfall_stats::sums::sum_of;
use utfall_stats::{Cholesky, Matrix};

use crate::{EffectError, Family, GeneralisedFit, fit_generalised};

/// Rounds of mean and dispersion before giving up.
const MOST_ROUNDS: u32 = 200;
/// Newton steps for the dispersion in one round.
const MOST_STEPS: u32 = 100;
/// Relative change of theta in a round that counts as none.
const TOLERANCE: f64 = 1e-13;
/// Relative change of theta that may be what rounding leaves: no smaller one follows it.
const ROUNDING: f64 = 1e-8;
/// Theta beyond which counts vary no more than Poisson's.
const LARGEST: f64 = 1e9;

/// A negative binomial regression.
#[derive(Debug, Clone)]
pub struct NegativeBinomialFit {
    /// The regression with theta held, for every error and every comparison of means.
    pub fit: GeneralisedFit,
    /// The variance is `mean + mean²/theta`; `1/theta` is the dispersion alpha.
    pub theta: f64,
    /// Standard error of theta with the mean held.
    pub theta_standard_error: f64,
    /// Standard error of each coefficient, then of the log of theta, from the observed information
    /// of both together.
    pub joint_standard_errors: Vec<f64>,
}

/// Fits a negative binomial regression by maximum likelihood.
///
/// # Shapes and units
///
/// As [`fit_generalised`]; outcomes are whole numbers.
///
/// # Errors
///
/// Those of [`fit_generalised`]; [`EffectError::NotOverdispersed`] if the counts vary no more than
/// Poisson's, so that theta grows without bound.
///
/// # Reference
///
/// Lawless (1987); Cameron & Trivedi (2013), *Regression Analysis of Count Data*, section 3.3.
pub fn negative_binomial(
    columns: &[&[f64]],
    offset: Option<&[f64]>,
    outcome: &[f64],
) -> Result<NegativeBinomialFit, EffectError> {
    let poisson = fit_generalised(Family::Poisson, columns, offset, outcome)?;
    let mut theta = start(outcome, poisson.mean())?;
    let mut fit = fit_generalised(Family::NegativeBinomial(theta), columns, offset, outcome)?;
    let above = above(outcome);
    let mut last = f64::INFINITY;
    for _round in 0..MOST_ROUNDS {
        let before = theta;
        theta = dispersion(&above, outcome, fit.mean(), theta)?;
        fit = fit_generalised(Family::NegativeBinomial(theta), columns, offset, outcome)?;
        let change = (theta / before - 1.0).abs();
        if is_settled(change, last, TOLERANCE) {
            let curvature = Counts::of(&above, outcome, fit.mean(), theta).curvature();
            return Ok(NegativeBinomialFit {
                theta_standard_error: 1.0 / (-curvature).sqrt(),
                joint_standard_errors: joint(columns, outcome, fit.mean(), theta, curvature)?,
                fit,
                theta,
            });
        }
        last = change;
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_ROUNDS,
    })
}

/// Whether a search is at its end: its step is none, or what rounding leaves, which no longer falls.
fn is_settled(step: f64, last: f64, tolerance: f64) -> bool {
    step <= tolerance || (step <= ROUNDING && step >= last)
}

/// By the method of moments.
fn start(outcome: &[f64], mean: &[f64]) -> Result<f64, EffectError> {
    let excess = sum_of(mean.len(), |row| {
        let apart = outcome[row] - mean[row];
        apart * apart - mean[row]
    });
    if excess <= 0.0 {
        return Err(EffectError::NotOverdispersed);
    }
    Ok(sum_of(mean.len(), |row| mean[row] * mean[row]) / excess)
}

/// The most likely theta with the means held, by Newton's method on its log.
fn dispersion(
    above: &[(f64, f64)],
    outcome: &[f64],
    mean: &[f64],
    mut theta: f64,
) -> Result<f64, EffectError> {
    let mut last = f64::INFINITY;
    for _step in 0..MOST_STEPS {
        let counts = Counts::of(above, outcome, mean, theta);
        let slope = theta * counts.slope();
        let curvature = theta * theta * counts.curvature() + slope;
        let newton = if curvature < 0.0 {
            -slope / curvature
        } else {
            slope.signum()
        };
        let step = newton.clamp(-1.0, 1.0);
        theta *= exp(step);
        if theta > LARGEST {
            return Err(EffectError::NotOverdispersed);
        }
        if is_settled(step.abs(), last, 1e-14) {
            return Ok(theta);
        }
        last = step.abs();
    }
    Ok(theta)
}

/// Derivatives of the log likelihood in theta. Differences of polygamma functions at whole
/// distances are sums.
struct Counts<'a> {
    above: &'a [(f64, f64)],
    outcome: &'a [f64],
    mean: &'a [f64],
    theta: f64,
}

impl<'a> Counts<'a> {
    fn of(above: &'a [(f64, f64)], outcome: &'a [f64], mean: &'a [f64], theta: f64) -> Self {
        Self {
            above,
            outcome,
            mean,
            theta,
        }
    }

    fn slope(&self) -> f64 {
        let theta = self.theta;
        let of_means = sum_of(self.mean.len(), |row| {
            let (y, mean) = (self.outcome[row], self.mean[row]);
            (mean - y) / (theta + mean) - log((theta + mean) / theta)
        });
        of_means + self.below(|j| 1.0 / (theta + j))
    }

    fn curvature(&self) -> f64 {
        let theta = self.theta;
        let of_means = sum_of(self.mean.len(), |row| {
            let (y, mean) = (self.outcome[row], self.mean[row]);
            let whole = theta + mean;
            1.0 / theta - 1.0 / whole - (mean - y) / (whole * whole)
        });
        of_means - self.below(|j| 1.0 / ((theta + j) * (theta + j)))
    }

    /// The sum over rows, and for each over whole numbers from zero to below its outcome: a whole
    /// number counts as many times as there are outcomes above it.
    fn below(&self, term: impl Fn(f64) -> f64) -> f64 {
        let (mut total, mut j) = (0.0, 0.0);
        for &(outcome, n_above) in self.above {
            let mut of_these = 0.0;
            while j < outcome {
                of_these += term(j);
                j += 1.0;
            }
            total += n_above * of_these;
        }
        total
    }
}

/// Each different outcome from the least on, and how many rows have it or a larger one.
fn above(outcome: &[f64]) -> Vec<(f64, f64)> {
    let mut sorted = outcome.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut above: Vec<(f64, f64)> = Vec::new();
    for (place, &value) in sorted.iter().enumerate() {
        if above.last().is_none_or(|(last, _)| *last < value) {
            above.push((value, count(sorted.len() - place)));
        }
    }
    above
}

/// Errors from the observed information of the coefficients and the log of theta.
fn joint(
    columns: &[&[f64]],
    outcome: &[f64],
    mean: &[f64],
    theta: f64,
    curvature: f64,
) -> Result<Vec<f64>, EffectError> {
    let n = columns.len();
    let mut information = Matrix::zeros(n + 1, n + 1);
    let own = |row: usize| {
        let whole = theta + mean[row];
        theta * mean[row] * (theta + outcome[row]) / (whole * whole)
    };
    let shared = |row: usize| {
        let whole = theta + mean[row];
        -theta * (outcome[row] - mean[row]) * mean[row] / (whole * whole)
    };
    for (j, left) in columns.iter().enumerate() {
        for (k, right) in columns.iter().enumerate().skip(j) {
            let value = sum_of(mean.len(), |row| own(row) * left[row] * right[row]);
            information.set(j, k, value);
            information.set(k, j, value);
        }
        let value = sum_of(mean.len(), |row| shared(row) * left[row]);
        information.set(j, n, value);
        information.set(n, j, value);
    }
    information.set(n, n, -theta * theta * curvature);
    let factor = Cholesky::factor(&information, 1e-14)
        .map_err(|_| EffectError::RankDeficient { column: n })?;
    let inverse = factor.inverse();
    Ok((0..=n).map(|k| inverse.get(k, k).sqrt()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_vary_less_than_poissons_are_refused() {
        let one = vec![1.0; 40];
        let outcome: Vec<f64> = (0..40).map(|i| 5.0 + f64::from(i % 2)).collect();
        let error = negative_binomial(&[&one], None, &outcome).unwrap_err();
        assert_eq!(error, EffectError::NotOverdispersed);
        let halves: Vec<f64> = outcome.iter().map(|y| y * 0.5).collect();
        assert!(negative_binomial(&[&one], None, &halves).is_err());
    }

    /// Where counts are large, rounding leaves theta a change above the tolerance in every round.
    #[test]
    fn large_counts_that_vary_little_more_than_poissons_end_their_search() {
        let n = 4000;
        let scattered = |row: u32| f64::from(row.wrapping_mul(2_654_435_761) >> 12) / 1_048_576.0;
        let group: Vec<f64> = (0..n).map(|row| f64::from(row % 3 == 0)).collect();
        let outcome: Vec<f64> = (0..n)
            .map(|row| (400.0 + 150.0 * scattered(row) + 9.0 * f64::from(row % 3)).floor())
            .collect();
        let one = vec![1.0; outcome.len()];
        let found = negative_binomial(&[&one, &group], None, &outcome).unwrap();
        // At the maximum the derivative in theta is none, beside terms that sum to thousands.
        let above = above(&outcome);
        let slope = Counts::of(&above, &outcome, found.fit.mean(), found.theta).slope();
        let step = slope * found.theta_standard_error.powi(2) / found.theta;
        assert!(step.abs() < 1e-9, "{step}");
    }
}

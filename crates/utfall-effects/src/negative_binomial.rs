//! Negative binomial regression: counts that vary more than Poisson's, with their dispersion.
//!
//! The mean's coefficients are fitted with the dispersion held, the dispersion with the mean held,
//! until neither moves: the maximum of both together. Errors are those with the dispersion held,
//! as R's `glm.nb` has them, or those of the joint likelihood, as statsmodels has them.
//!
//! Lawless (1987), <https://doi.org/10.2307/3314912>.

use utfall_stats::elementary::{exp, log};
use utfall_stats::sums::sum_of;
use utfall_stats::{Cholesky, Matrix};

use crate::{EffectError, Family, GeneralisedFit, fit_generalised};

/// Rounds of mean and dispersion before giving up.
const MOST_ROUNDS: u32 = 200;
/// Newton steps for the dispersion in one round.
const MOST_STEPS: u32 = 100;
/// Relative change of theta in a round that counts as none.
const TOLERANCE: f64 = 1e-13;
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
    for _round in 0..MOST_ROUNDS {
        let before = theta;
        theta = dispersion(outcome, fit.mean(), theta)?;
        fit = fit_generalised(Family::NegativeBinomial(theta), columns, offset, outcome)?;
        if (theta / before - 1.0).abs() <= TOLERANCE {
            let curvature = Counts::of(outcome, fit.mean(), theta).curvature();
            return Ok(NegativeBinomialFit {
                theta_standard_error: 1.0 / (-curvature).sqrt(),
                joint_standard_errors: joint(columns, outcome, fit.mean(), theta)?,
                fit,
                theta,
            });
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_ROUNDS,
    })
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
fn dispersion(outcome: &[f64], mean: &[f64], mut theta: f64) -> Result<f64, EffectError> {
    for _step in 0..MOST_STEPS {
        let counts = Counts::of(outcome, mean, theta);
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
        if step.abs() <= 1e-14 {
            return Ok(theta);
        }
    }
    Ok(theta)
}

/// Derivatives of the log likelihood in theta. Differences of polygamma functions at whole
/// distances are sums.
struct Counts<'a> {
    outcome: &'a [f64],
    mean: &'a [f64],
    theta: f64,
}

impl<'a> Counts<'a> {
    fn of(outcome: &'a [f64], mean: &'a [f64], theta: f64) -> Self {
        Self {
            outcome,
            mean,
            theta,
        }
    }

    fn slope(&self) -> f64 {
        let theta = self.theta;
        sum_of(self.mean.len(), |row| {
            let (y, mean) = (self.outcome[row], self.mean[row]);
            below(y, |j| 1.0 / (theta + j)) - log((theta + mean) / theta)
                + (mean - y) / (theta + mean)
        })
    }

    fn curvature(&self) -> f64 {
        let theta = self.theta;
        sum_of(self.mean.len(), |row| {
            let (y, mean) = (self.outcome[row], self.mean[row]);
            let whole = theta + mean;
            1.0 / theta
                - 1.0 / whole
                - (mean - y) / (whole * whole)
                - below(y, |j| 1.0 / ((theta + j) * (theta + j)))
        })
    }
}

/// The sum over whole numbers from zero to below `y`.
fn below(y: f64, term: impl Fn(f64) -> f64) -> f64 {
    let mut total = 0.0;
    let mut j = 0.0;
    while j < y {
        total += term(j);
        j += 1.0;
    }
    total
}

/// Errors from the observed information of the coefficients and the log of theta.
fn joint(
    columns: &[&[f64]],
    outcome: &[f64],
    mean: &[f64],
    theta: f64,
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
    let curvature = Counts::of(outcome, mean, theta).curvature();
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
}

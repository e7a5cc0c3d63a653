//! Regressions of one series over time whose errors follow each other.
//!
//! The errors are `eₜ = ρ eₜ₋₁ + uₜ`. Columns and outcome are transformed so that the errors are
//! independent, and least squares does the rest. Prais and Winsten keep the first row, scaled;
//! Cochrane and Orcutt drop it.
//!
//! Prais & Winsten (1954), *Cowles Commission discussion paper* 383; Cochrane & Orcutt (1949),
//! <https://doi.org/10.1080/01621459.1949.10483290>.

mod ascent;
mod long_run;
mod structural;

use serde::{Deserialize, Serialize};
use utfall_stats::elementary;
use utfall_stats::moments::count;

use crate::panel::{AbsorbedFit, Design, fit_absorbed};
use crate::regression::check_finite;
use crate::{EffectError, WeightedRegression};

pub use long_run::{
    LagBandwidth, LagKernel, LongRun, LongRunErrors, long_run_errors, newey_west_bandwidth,
};
pub use structural::{Components, Structural, Trend, continue_series};

const MOST_STEPS: u32 = 500;
/// Change of ρ at which iteration ends.
const SETTLED: f64 = 1e-13;

/// What becomes of the first row, which has none before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstRow {
    /// Scaled by `√(1-ρ²)` (Prais and Winsten).
    Kept,
    /// Dropped (Cochrane and Orcutt).
    Dropped,
}

/// How the correlation of the errors is found.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correlation {
    /// From the residuals of least squares, once.
    TwoStep,
    /// From residuals of each fit in turn, until it settles.
    Iterated,
    /// As given.
    Fixed(f64),
    /// The maximum of the likelihood of normal errors, the first row kept.
    Likelihood,
}

/// A fitted series.
#[derive(Debug, Clone)]
pub struct SerialFit {
    /// The regression on transformed columns.
    pub regression: AbsorbedFit,
    /// Transformed columns and outcome, for covariances.
    pub columns: Vec<Vec<f64>>,
    /// The transformed outcome.
    pub outcome: Vec<f64>,
    /// The correlation of an error with the one before.
    pub rho: f64,
    /// Fits until it settled.
    pub n_iterations: u32,
    /// Durbin and Watson's statistic of the transformed residuals.
    pub durbin_watson: f64,
    /// The log likelihood of normal errors, at the correlation.
    pub log_likelihood: f64,
    /// The variance of `u`, divisor `n`.
    pub variance: f64,
}

/// Fits a series, its rows in order of time.
///
/// # Errors
///
/// Those of [`fit_absorbed`]; [`EffectError::OutsideRange`] for a correlation that is not between −1
/// and 1; [`EffectError::NotConverged`] where iteration does not settle.
pub fn fit_serial(
    columns: &[&[f64]],
    outcome: &[f64],
    first: FirstRow,
    correlation: Correlation,
) -> Result<SerialFit, EffectError> {
    check_finite("outcome", outcome, outcome.len())?;
    for column in columns {
        check_finite("covariate", column, outcome.len())?;
    }
    let series = Series {
        columns,
        outcome,
        first,
    };
    match correlation {
        Correlation::Fixed(rho) if !(-1.0..=1.0).contains(&rho) || rho.abs() >= 1.0 => {
            Err(EffectError::OutsideRange {
                what: "correlation",
                value: rho,
            })
        }
        Correlation::Fixed(rho) => series.at(rho, 0),
        Correlation::TwoStep => series.at(series.correlation_after(0.0)?, 1),
        Correlation::Iterated => {
            let mut rho = 0.0;
            for n_iterations in 1..=MOST_STEPS {
                let next = series.correlation_after(rho)?;
                if next.abs() >= 1.0 {
                    return Err(EffectError::OutsideRange {
                        what: "correlation",
                        value: next,
                    });
                }
                let settled = (next - rho).abs() < SETTLED;
                rho = next;
                if settled {
                    return series.at(rho, n_iterations);
                }
            }
            Err(EffectError::NotConverged {
                n_iterations: MOST_STEPS,
            })
        }
        Correlation::Likelihood => series.most_likely(),
    }
}

/// `Σ (eₜ - eₜ₋₁)² / Σ eₜ²`.
#[must_use]
pub fn durbin_watson(residual: &[f64]) -> f64 {
    let steps: f64 = residual
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) * (pair[1] - pair[0]))
        .sum();
    steps / residual.iter().map(|e| e * e).sum::<f64>()
}

/// Breusch and Godfrey's χ² of whether errors follow those of up to `order` rows before (rows before
/// the first count as zero), and its p-value.
///
/// # Errors
///
/// As [`WeightedRegression::fit`] for the columns and the earlier residuals together.
///
/// # Reference
///
/// Breusch (1978), <https://doi.org/10.1111/j.1467-8454.1978.tb00635.x>; Godfrey (1978),
/// <https://doi.org/10.2307/1913829>.
pub fn breusch_godfrey(
    columns: &[&[f64]],
    residual: &[f64],
    order: usize,
) -> Result<(f64, f64), EffectError> {
    let n = residual.len();
    let earlier: Vec<Vec<f64>> = (1..=order)
        .map(|lag| {
            (0..n)
                .map(|row| if row < lag { 0.0 } else { residual[row - lag] })
                .collect()
        })
        .collect();
    let all: Vec<&[f64]> = columns
        .iter()
        .copied()
        .chain(earlier.iter().map(Vec::as_slice))
        .collect();
    let one = vec![1.0; n];
    let left = WeightedRegression::fit(&all, &one, residual)?.residual_square();
    let whole: f64 = residual.iter().map(|e| e * e).sum();
    let statistic = count(n) * (1.0 - left / whole);
    Ok((
        statistic,
        utfall_stats::gamma::upper(0.5 * count(order), 0.5 * statistic),
    ))
}

/// Ljung and Box's χ² of the first `order` autocorrelations, and its p-value.
///
/// # Reference
///
/// Ljung & Box (1978), <https://doi.org/10.1093/biomet/65.2.297>.
#[must_use]
pub fn ljung_box(residual: &[f64], order: usize) -> (f64, f64) {
    let n = count(residual.len());
    let mean = utfall_stats::moments::mean(residual);
    let at = |lag: usize| -> f64 {
        residual[lag..]
            .iter()
            .zip(residual)
            .map(|(a, b)| (a - mean) * (b - mean))
            .sum()
    };
    let whole = at(0);
    let statistic: f64 = (1..=order)
        .map(|lag| {
            let r = at(lag) / whole;
            n * (n + 2.0) * r * r / (n - count(lag))
        })
        .sum();
    (
        statistic,
        utfall_stats::gamma::upper(0.5 * count(order), 0.5 * statistic),
    )
}

struct Series<'a> {
    columns: &'a [&'a [f64]],
    outcome: &'a [f64],
    first: FirstRow,
}

impl Series<'_> {
    fn transformed(&self, values: &[f64], rho: f64) -> Vec<f64> {
        let rest = values.windows(2).map(|pair| pair[1] - rho * pair[0]);
        let kept = (self.first == FirstRow::Kept).then(|| (1.0 - rho * rho).sqrt() * values[0]);
        kept.into_iter().chain(rest).collect()
    }

    /// The correlation of residuals of the series itself under the fit at a correlation.
    fn correlation_after(&self, rho: f64) -> Result<f64, EffectError> {
        let coefficients = if rho.abs() > 0.0 {
            self.at(rho, 0)?.regression.coefficients()
        } else {
            let one = vec![1.0; self.outcome.len()];
            WeightedRegression::fit(self.columns, &one, self.outcome)?.coefficients()
        };
        let residual: Vec<f64> = (0..self.outcome.len())
            .map(|row| {
                let fitted: f64 = self
                    .columns
                    .iter()
                    .zip(&coefficients)
                    .map(|(x, b)| x[row] * b)
                    .sum();
                self.outcome[row] - fitted
            })
            .collect();
        let (products, squares) = residual.windows(2).fold((0.0, 0.0), |(p, s), pair| {
            (p + pair[0] * pair[1], s + pair[0] * pair[0])
        });
        Ok(products / squares)
    }

    fn at(&self, rho: f64, n_iterations: u32) -> Result<SerialFit, EffectError> {
        let columns: Vec<Vec<f64>> = self
            .columns
            .iter()
            .map(|x| self.transformed(x, rho))
            .collect();
        let outcome = self.transformed(self.outcome, rho);
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let one = vec![1.0; outcome.len()];
        let regression = fit_absorbed(&Design {
            outcome: &outcome,
            columns: &slices,
            endogenous: &[],
            instruments: &[],
            weight: &one,
            absorb: &[],
        })?;
        let n = count(outcome.len());
        let variance = regression.regression().residual_square() / n;
        let likelihood = -0.5 * n * (elementary::log(2.0 * std::f64::consts::PI * variance) + 1.0);
        let of_first = if self.first == FirstRow::Kept {
            0.5 * elementary::log1p(-rho * rho)
        } else {
            0.0
        };
        Ok(SerialFit {
            durbin_watson: durbin_watson(regression.regression().residual()),
            regression,
            columns,
            outcome,
            rho,
            n_iterations,
            log_likelihood: likelihood + of_first,
            variance,
        })
    }

    /// Golden-section search over the correlation; the likelihood has one peak in practice, and the
    /// search starts from the best of a grid.
    fn most_likely(&self) -> Result<SerialFit, EffectError> {
        let value = |rho: f64| Ok::<_, EffectError>(self.at(rho, 0)?.log_likelihood);
        let grid: Vec<f64> = (-19..20).map(|i| f64::from(i) * 0.05).collect();
        let mut best = (f64::NEG_INFINITY, 0.0);
        for &rho in &grid {
            let here = value(rho)?;
            if here > best.0 {
                best = (here, rho);
            }
        }
        let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
        let (mut low, mut high) = (best.1 - 0.05, best.1 + 0.05);
        let (mut a, mut b) = (high - golden * (high - low), low + golden * (high - low));
        let (mut at_a, mut at_b) = (value(a)?, value(b)?);
        for _ in 0..100 {
            if at_a > at_b {
                (high, b, at_b) = (b, a, at_a);
                a = high - golden * (high - low);
                at_a = value(a)?;
            } else {
                (low, a, at_a) = (a, b, at_b);
                b = low + golden * (high - low);
                at_b = value(b)?;
            }
        }
        self.at(0.5 * (low + high), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_correlation_is_least_squares() {
        let x: Vec<f64> = (0..30).map(f64::from).collect();
        let one = vec![1.0; 30];
        let y: Vec<f64> = (0..30)
            .map(|i| f64::from(i * i % 7) + 0.5 * f64::from(i))
            .collect();
        let columns = [one.as_slice(), x.as_slice()];
        let fit = fit_serial(&columns, &y, FirstRow::Kept, Correlation::Fixed(0.0)).unwrap();
        let plain = WeightedRegression::fit(&columns, &one, &y).unwrap();
        assert_eq!(fit.regression.coefficients(), plain.coefficients());
    }

    #[test]
    fn a_correlation_of_one_is_refused() {
        let y = [1.0, 3.0, 2.0, 5.0];
        let error =
            fit_serial(&[&[1.0; 4]], &y, FirstRow::Kept, Correlation::Fixed(1.0)).unwrap_err();
        assert_eq!(
            error,
            EffectError::OutsideRange {
                what: "correlation",
                value: 1.0
            }
        );
    }
}

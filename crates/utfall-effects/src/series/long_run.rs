//! Standard errors for errors that follow each other in an unknown way: a kernel over the
//! autocovariances of the scores, its bandwidth from the data, after prewhitening or not.
//!
//! Andrews (1991), <https://doi.org/10.2307/2938229>; Andrews & Monahan (1992),
//! <https://doi.org/10.2307/2951574>; Newey & West (1994), <https://doi.org/10.2307/2297912>.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};
use utfall_stats::elementary;
use utfall_stats::moments::{count, mean};
use utfall_stats::sums::dot;
use utfall_stats::{Cholesky, Matrix};

use crate::EffectError;
use crate::regression::check_finite;

/// Weight below which an autocovariance is left out.
const LEAST_WEIGHT: f64 = 1e-7;

/// How much an autocovariance counts, by its lag over the bandwidth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LagKernel {
    /// `1 - x`, as Newey and West.
    Bartlett,
    /// A cubic, without corners.
    Parzen,
    /// Andrews' choice, which no lag leaves altogether.
    QuadraticSpectral,
}

/// How far autocovariances reach.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LagBandwidth {
    /// As given; for Bartlett's kernel `L` lags are a bandwidth of `L + 1`.
    Fixed(f64),
    /// Andrews' plug-in of first-order autoregressions of the scores.
    Andrews,
    /// Newey and West's of 1994; its whole part is the lag of Bartlett's kernel.
    NeweyWest,
}

/// How a long-run covariance is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LongRun {
    /// How much each lag counts.
    pub kernel: LagKernel,
    /// How far lags reach.
    pub bandwidth: LagBandwidth,
    /// Whether a first-order vector autoregression is taken out of the scores first, and put back.
    pub prewhiten: bool,
    /// Whether variances are multiplied by `n / (n - k)`.
    pub adjust: bool,
}

/// Standard errors of coefficients.
#[derive(Debug, Clone, PartialEq)]
pub struct LongRunErrors {
    /// One for each column.
    pub standard_errors: Vec<f64>,
    /// The bandwidth, before its whole part is taken.
    pub bandwidth: f64,
}

/// Standard errors of least squares of a series on `columns`, the constant first, from its residuals
/// in order of time.
///
/// # Errors
///
/// [`EffectError::TooFewRows`] with no more than twice as many rows as columns,
/// [`EffectError::LengthMismatch`] and [`EffectError::NotFinite`] for malformed columns,
/// [`EffectError::RankDeficient`] where columns or scores are collinear, [`EffectError::OutsideRange`]
/// for a bandwidth that is not above zero.
///
/// # Reference
///
/// The options are those of R's `sandwich::kernHAC` and `NeweyWest`: Zeileis (2004),
/// <https://doi.org/10.18637/jss.v011.i10>.
pub fn long_run_errors(
    columns: &[&[f64]],
    residual: &[f64],
    spec: LongRun,
) -> Result<LongRunErrors, EffectError> {
    let (n, k) = (residual.len(), columns.len());
    check_finite("residual", residual, n)?;
    for column in columns {
        check_finite("covariate", column, n)?;
    }
    if n <= 2 * k {
        return Err(EffectError::TooFewRows {
            n_rows: n,
            n_columns: 2 * k,
        });
    }
    let raw: Vec<Vec<f64>> = columns
        .iter()
        .map(|x| x.iter().zip(residual).map(|(x, e)| x * e).collect())
        .collect();
    // Scores of one size keep the matrices below well conditioned.
    let scales: Vec<f64> = raw.iter().map(|u| dot(u, u).sqrt()).collect();
    if scales.iter().any(|&s| s <= 0.0) {
        return Err(EffectError::NoVariation);
    }
    let scores: Vec<Vec<f64>> = raw
        .iter()
        .zip(&scales)
        .map(|(u, s)| u.iter().map(|v| v / s).collect())
        .collect();
    let whitened = spec.prewhiten.then(|| prewhitened(&scores)).transpose()?;
    let (used, back) = match &whitened {
        Some((rest, back)) => (rest, Some(back)),
        None => (&scores, None),
    };
    let bandwidth = spec.width(used, &scales, n)?;
    let mut whole = spec.total(used, bandwidth);
    if let Some(back) = back {
        whole = around(back, &whole);
    }
    let gram = crate::panel::symmetric(k, |i, j| dot(columns[i], columns[j]));
    let bread = factor(&gram)?.inverse();
    let factor = if spec.adjust {
        count(n) / count(n - k)
    } else {
        1.0
    };
    let standard_errors = (0..k)
        .map(|row| {
            let along: Vec<f64> = (0..k).map(|i| bread.get(row, i) * scales[i]).collect();
            let square: f64 = (0..k).map(|i| along[i] * dot(&whole[i], &along)).sum();
            (factor * square).sqrt()
        })
        .collect();
    Ok(LongRunErrors {
        standard_errors,
        bandwidth,
    })
}

impl LongRun {
    fn width(
        &self,
        scores: &[Vec<f64>],
        scales: &[f64],
        n_rows: usize,
    ) -> Result<f64, EffectError> {
        let refused = |value| EffectError::OutsideRange {
            what: "bandwidth",
            value,
        };
        match self.bandwidth {
            LagBandwidth::Fixed(width) if width.is_finite() && width > 0.0 => Ok(width),
            LagBandwidth::Fixed(width) => Err(refused(width)),
            LagBandwidth::Andrews => Ok(self.andrews(scores, scales)),
            LagBandwidth::NeweyWest => {
                let total: Vec<f64> = (0..scores[0].len())
                    .map(|row| (1..scores.len()).map(|j| scores[j][row] * scales[j]).sum())
                    .collect();
                let reach = if self.prewhiten { 3.0 } else { 4.0 };
                Ok(newey_west(self.kernel, &total, reach, n_rows))
            }
        }
    }

    /// Andrews' plug-in; the constant takes no part unless it is alone.
    fn andrews(&self, scores: &[Vec<f64>], scales: &[f64]) -> f64 {
        let (mut above_one, mut above_two, mut below) = (0.0, 0.0, 0.0);
        for (score, scale) in scores
            .iter()
            .zip(scales)
            .skip(usize::from(scores.len() > 1))
        {
            let (rho, variance) = first_order(score);
            let size = variance * scale * scale;
            let square = size * size;
            let gap = (1.0 - rho) * (1.0 - rho);
            above_one += 4.0 * rho * rho * square / (gap * gap * gap * (1.0 + rho) * (1.0 + rho));
            above_two += 4.0 * rho * rho * square / (gap * gap * gap * gap);
            below += square / (gap * gap);
        }
        let n = count(scores[0].len());
        let (constant, alpha, power) = match self.kernel {
            LagKernel::Bartlett => (1.1447, above_one / below, 1.0 / 3.0),
            LagKernel::Parzen => (2.6614, above_two / below, 0.2),
            LagKernel::QuadraticSpectral => (1.3221, above_two / below, 0.2),
        };
        constant * elementary::pow(n * alpha, power)
    }

    /// `Σ w(lag) (Γ(lag) + Γ(lag)′)`, not divided by anything.
    fn total(&self, scores: &[Vec<f64>], bandwidth: f64) -> Vec<Vec<f64>> {
        let (n, k) = (scores[0].len(), scores.len());
        let is_lag = self.bandwidth == LagBandwidth::NeweyWest;
        let width = if is_lag && self.kernel == LagKernel::Bartlett {
            bandwidth.floor() + 1.0
        } else {
            bandwidth
        };
        let weights: Vec<f64> = (0..n)
            .map(|lag| self.kernel.at(count(lag) / width))
            .collect();
        let last = weights.iter().rposition(|w| w.abs() > LEAST_WEIGHT);
        let mut sums = vec![vec![0.0; k]; k];
        for (lag, weight) in weights.iter().enumerate().take(last.map_or(0, |l| l + 1)) {
            let weight = if lag == 0 { 0.5 * weight } else { *weight };
            for i in 0..k {
                for j in 0..k {
                    sums[i][j] += weight * dot(&scores[i][..n - lag], &scores[j][lag..]);
                }
            }
        }
        (0..k)
            .map(|i| (0..k).map(|j| sums[i][j] + sums[j][i]).collect())
            .collect()
    }
}

impl LagKernel {
    fn at(self, x: f64) -> f64 {
        match self {
            Self::Bartlett => (1.0 - x).max(0.0),
            Self::Parzen if x > 1.0 => 0.0,
            Self::Parzen if x > 0.5 => 2.0 * (1.0 - x) * (1.0 - x) * (1.0 - x),
            Self::Parzen => 1.0 - 6.0 * x * x * (1.0 - x),
            Self::QuadraticSpectral if x < 1e-4 => 1.0,
            Self::QuadraticSpectral => {
                let y = 1.2 * PI * x;
                3.0 / (y * y) * (elementary::sin(y) / y - elementary::cos(y))
            }
        }
    }
}

/// Newey and West's automatic bandwidth of the Bartlett kernel, without prewhitening; the lag is its
/// whole part. The constant, if first, takes no part.
///
/// # Reference
///
/// Newey & West (1994), <https://doi.org/10.2307/2297912>.
#[must_use]
pub fn newey_west_bandwidth(columns: &[&[f64]], residual: &[f64]) -> f64 {
    let n = residual.len();
    let score = |row: usize| columns[1..].iter().map(|x| x[row]).sum::<f64>() * residual[row];
    let scores: Vec<f64> = (0..n).map(score).collect();
    newey_west(LagKernel::Bartlett, &scores, 4.0, n)
}

/// Of one series of scores; `reach` lags per hundred rows, to a power, tell of it.
fn newey_west(kernel: LagKernel, scores: &[f64], reach: f64, n_rows: usize) -> f64 {
    let n = scores.len();
    let (power, constant, order) = match kernel {
        LagKernel::Bartlett => (2.0 / 9.0, 1.1447, 1),
        LagKernel::Parzen => (4.0 / 25.0, 2.6614, 2),
        LagKernel::QuadraticSpectral => (2.0 / 25.0, 1.3221, 2),
    };
    let reach = reach * elementary::pow(count(n_rows) / 100.0, power);
    let at = |lag: usize| dot(&scores[lag..], &scores[..n - lag]) / count(n);
    let (mut level, mut bend) = (at(0), 0.0);
    for lag in (1..n).take_while(|&lag| count(lag) <= reach) {
        let value = 2.0 * at(lag);
        level += value;
        bend += value
            * if order == 1 {
                count(lag)
            } else {
                count(lag * lag)
            };
    }
    let ratio = bend / level;
    let root = if order == 1 { 1.0 / 3.0 } else { 0.2 };
    constant * elementary::pow(ratio * ratio * count(n), root)
}

/// Slope and residual variance of a series on itself one row before, and a constant.
fn first_order(series: &[f64]) -> (f64, f64) {
    let (before, after) = (&series[..series.len() - 1], &series[1..]);
    let (at_before, at_after) = (mean(before), mean(after));
    let centred =
        |values: &[f64], centre: f64| -> Vec<f64> { values.iter().map(|v| v - centre).collect() };
    let (x, y) = (centred(before, at_before), centred(after, at_after));
    let rho = dot(&x, &y) / dot(&x, &x);
    let rest: Vec<f64> = x.iter().zip(&y).map(|(x, y)| y - rho * x).collect();
    (rho, dot(&rest, &rest) / count(rest.len()))
}

fn factor(gram: &[Vec<f64>]) -> Result<Cholesky, EffectError> {
    let k = gram.len();
    let mut matrix = Matrix::zeros(k, k);
    for i in 0..k {
        for j in 0..k {
            matrix.set(i, j, gram[i][j]);
        }
    }
    Cholesky::factor(&matrix, 1e-14).map_err(|error| EffectError::RankDeficient {
        column: error.column,
    })
}

type Whitened = (Vec<Vec<f64>>, Vec<Vec<f64>>);

/// Residuals of a first-order vector autoregression without constants, and `(I - A)⁻¹`.
fn prewhitened(scores: &[Vec<f64>]) -> Result<Whitened, EffectError> {
    let (n, k) = (scores[0].len(), scores.len());
    let before: Vec<&[f64]> = scores.iter().map(|u| &u[..n - 1]).collect();
    let lagged = factor(&crate::panel::symmetric(k, |i, j| {
        dot(before[i], before[j])
    }))?;
    let slopes: Vec<Vec<f64>> = scores
        .iter()
        .map(|u| {
            let along: Vec<f64> = before.iter().map(|b| dot(b, &u[1..])).collect();
            lagged.solve(&along)
        })
        .collect();
    let rest = scores
        .iter()
        .zip(&slopes)
        .map(|(u, slope)| {
            (1..n)
                .map(|row| u[row] - (0..k).map(|j| slope[j] * before[j][row - 1]).sum::<f64>())
                .collect()
        })
        .collect();
    // (I - A)⁻¹ = (M′M)⁻¹ M′ with M = I - A.
    let m: Vec<Vec<f64>> = (0..k)
        .map(|i| {
            (0..k)
                .map(|j| f64::from(u8::from(i == j)) - slopes[i][j])
                .collect()
        })
        .collect();
    let square = factor(&crate::panel::symmetric(k, |i, j| {
        (0..k).map(|l| m[l][i] * m[l][j]).sum()
    }))?;
    let by_row: Vec<Vec<f64>> = m.iter().map(|row| square.solve(row)).collect();
    let back = (0..k)
        .map(|i| (0..k).map(|j| by_row[j][i]).collect())
        .collect();
    Ok((rest, back))
}

/// `D S D′`.
fn around(d: &[Vec<f64>], s: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let half: Vec<Vec<f64>> = d
        .iter()
        .map(|row| s.iter().map(|column| dot(row, column)).collect())
        .collect();
    half.iter()
        .map(|row| d.iter().map(|other| dot(row, other)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bandwidth_of_one_is_white_errors() {
        let x: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 11)).collect();
        let one = vec![1.0; 40];
        let residual: Vec<f64> = (0..40).map(|i| f64::from(i * 13 % 17) - 8.0).collect();
        let spec = LongRun {
            kernel: LagKernel::Bartlett,
            bandwidth: LagBandwidth::Fixed(1.0),
            prewhiten: false,
            adjust: false,
        };
        let columns = [one.as_slice(), x.as_slice()];
        let found = long_run_errors(&columns, &residual, spec).unwrap();
        let centre = mean(&x);
        let (above, below) = x.iter().zip(&residual).fold((0.0, 0.0), |(a, b), (x, e)| {
            let d = x - centre;
            (a + d * d * e * e, b + d * d)
        });
        assert!((found.standard_errors[1] / (above.sqrt() / below) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn kernels_begin_at_one_and_have_no_jump() {
        for kernel in [
            LagKernel::Bartlett,
            LagKernel::Parzen,
            LagKernel::QuadraticSpectral,
        ] {
            assert!((kernel.at(0.0) - 1.0).abs() < 1e-15);
            assert!((kernel.at(0.5 - 1e-9) - kernel.at(0.5 + 1e-9)).abs() < 1e-7);
            assert!((kernel.at(1e-4 - 1e-12) - kernel.at(1e-4 + 1e-12)).abs() < 1e-7);
        }
    }
}

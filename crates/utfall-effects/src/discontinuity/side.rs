//! One side of the cutoff: its rows in order, kernel weights and small matrices.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use serde::{Deserialize, Serialize};
use utfall_stats::Matrix;
use utfall_stats::sums::sum_of;

use super::JumpError;
use crate::regression::check_finite;
use crate::{EffectError, Grouping};

/// How rows lose weight with their distance from the cutoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// Linearly.
    Triangular,
    /// With the square of the distance.
    Epanechnikov,
    /// Not at all within the bandwidth.
    Uniform,
}

impl Kernel {
    pub(super) fn weight(self, u: f64) -> f64 {
        let inside = f64::from(u8::from(u.abs() <= 1.0));
        match self {
            Self::Triangular => (1.0 - u.abs()) * inside,
            Self::Epanechnikov => 0.75 * (1.0 - u * u) * inside,
            Self::Uniform => 0.5 * inside,
        }
    }

    /// The constant of the first, rule-of-thumb bandwidth.
    pub(super) fn constant(self) -> f64 {
        match self {
            Self::Triangular => 2.576,
            Self::Epanechnikov => 2.34,
            Self::Uniform => 1.843,
        }
    }
}

/// What to do where many rows share a value of the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MassPoints {
    /// Count distinct values in the first bandwidth, and where a fifth or more are tied keep at least
    /// ten distinct values within every bandwidth.
    Adjust,
    /// Nothing.
    Off,
}

/// The rows of a discontinuity design.
#[derive(Debug, Clone, Copy)]
pub struct JumpData<'a> {
    /// The outcome.
    pub outcome: &'a [f64],
    /// The score that decides the side; at the cutoff counts as right of it.
    pub score: &'a [f64],
    /// The cutoff.
    pub cutoff: f64,
    /// Treatment taken up, for a fuzzy design.
    pub take_up: Option<&'a [f64]>,
    /// Covariates that lower the variance.
    pub covariates: &'a [&'a [f64]],
    /// Clusters, for `cr1`.
    pub clusters: Option<&'a Grouping>,
    /// Weights that multiply the kernel's.
    pub weight: Option<&'a [f64]>,
}

/// How a jump is estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JumpOptions {
    /// Order of the polynomial.
    pub order: usize,
    /// Order of the polynomial that the bias is estimated with.
    pub bias_order: usize,
    /// Derivative whose jump is wanted: 0 for the level, 1 for a kink.
    pub derivative: usize,
    /// How rows are weighted.
    pub kernel: Kernel,
    /// How variances are estimated.
    pub error: JumpError,
    /// Neighbours, for `nearest-neighbours`.
    pub n_neighbours: usize,
    /// What to do with ties.
    pub mass_points: MassPoints,
    /// Whether outcome and score are divided by their standard deviations in bandwidth selection.
    pub standardise: bool,
    /// The weight of the variance of the bias in bandwidth selection.
    pub regularisation: f64,
    /// Whether bandwidths stay within the range of the score.
    pub restrict: bool,
    /// Distinct values that every preliminary bandwidth holds at least, on each side.
    pub least_values: Option<usize>,
    /// Whether a fuzzy design takes the bandwidths of the sharp one.
    pub sharp_bandwidth: bool,
}

/// One side: rows in order of the score.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) x: Vec<f64>,
    /// Outcome, then take-up if any, then covariates: one column each.
    pub(super) d: Vec<Vec<f64>>,
    pub(super) has_take_up: bool,
    pub(super) clusters: Option<Vec<usize>>,
    pub(super) weight: Option<Vec<f64>>,
}

impl Side {
    pub(super) fn n(&self) -> usize {
        self.x.len()
    }

    pub(super) fn rows(&self, rows: &[usize]) -> Self {
        let pick = |values: &Vec<f64>| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        Self {
            x: pick(&self.x),
            d: self.d.iter().map(pick).collect(),
            has_take_up: self.has_take_up,
            clusters: self
                .clusters
                .as_ref()
                .map(|codes| rows.iter().map(|&row| codes[row]).collect()),
            weight: self.weight.as_ref().map(pick),
        }
    }

    /// Kernel weights at a bandwidth.
    pub(super) fn weights(&self, cutoff: f64, h: f64, kernel: Kernel) -> Vec<f64> {
        (0..self.n())
            .map(|row| {
                let own = self.weight.as_ref().map_or(1.0, |weight| weight[row]);
                own * kernel.weight((self.x[row] - cutoff) / h) / h
            })
            .collect()
    }

    /// Distinct values of the score.
    pub(super) fn n_distinct(&self) -> usize {
        let mut distinct = self.x.clone();
        distinct.dedup();
        distinct.len()
    }

    /// Distance from the cutoff to the `k`-th nearest distinct value.
    pub(super) fn reach(&self, cutoff: f64, k: usize) -> f64 {
        let mut away: Vec<f64> = self.x.iter().map(|x| (x - cutoff).abs()).collect();
        away.sort_by(f64::total_cmp);
        away.dedup();
        away[k.min(away.len()) - 1] + 1e-8
    }
}

/// Both sides of the cutoff.
pub(super) fn split(data: &JumpData<'_>) -> Result<[Side; 2], EffectError> {
    let n = data.outcome.len();
    check_finite("outcome", data.outcome, n)?;
    check_finite("score", data.score, n)?;
    for column in data
        .covariates
        .iter()
        .chain(&data.take_up)
        .chain(&data.weight)
    {
        check_finite("covariate", column, n)?;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| data.score[a].total_cmp(&data.score[b]).then(a.cmp(&b)));
    let columns: Vec<&[f64]> = std::iter::once(data.outcome)
        .chain(data.take_up)
        .chain(data.covariates.iter().copied())
        .collect();
    let side = |right: bool| {
        let rows: Vec<usize> = order
            .iter()
            .copied()
            .filter(|&row| (data.score[row] >= data.cutoff) == right)
            .collect();
        let pick = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        Side {
            x: pick(data.score),
            d: columns.iter().map(|column| pick(column)).collect(),
            has_take_up: data.take_up.is_some(),
            clusters: data
                .clusters
                .map(|way| rows.iter().map(|&row| way.codes()[row]).collect()),
            weight: data.weight.map(pick),
        }
    };
    let sides = [side(false), side(true)];
    for found in &sides {
        if found.n() < 20 {
            return Err(EffectError::TooFewRows {
                n_rows: found.n(),
                n_columns: 20,
            });
        }
    }
    Ok(sides)
}

/// Powers of the distance from the cutoff, 0 to `order`: one column each.
pub(super) fn powers(x: &[f64], cutoff: f64, order: usize) -> Vec<Vec<f64>> {
    let mut columns = vec![vec![1.0; x.len()]];
    for power in 1..=order {
        let next = columns[power - 1]
            .iter()
            .zip(x)
            .map(|(before, x)| before * (x - cutoff))
            .collect();
        columns.push(next);
    }
    columns
}

/// `(X′WX)⁻¹` of powers, scaled by the bandwidth so that it is well conditioned.
pub(super) fn inverse(
    columns: &[Vec<f64>],
    weight: &[f64],
    h: f64,
) -> Result<Vec<Vec<f64>>, EffectError> {
    let k = columns.len();
    let mut scales = vec![1.0; k];
    for power in 1..k {
        scales[power] = scales[power - 1] * h;
    }
    let slices: Vec<Vec<f64>> = columns
        .iter()
        .zip(&scales)
        .map(|(column, scale)| {
            column
                .iter()
                .zip(weight)
                .map(|(x, w)| x / scale * w.sqrt())
                .collect()
        })
        .collect();
    // Gram-Schmidt twice gives R with X = QR; the inverse is R⁻¹R⁻ᵀ.
    let (mut q, mut r): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), vec![vec![0.0; k]; k]);
    for (j, column) in slices.iter().enumerate() {
        let mut left = column.clone();
        for _ in 0..2 {
            for (i, along) in q.iter().enumerate() {
                let share = utfall_stats::sums::dot(along, &left);
                r[i][j] += share;
                for (value, a) in left.iter_mut().zip(along) {
                    *value -= share * a;
                }
            }
        }
        let length = utfall_stats::sums::dot(&left, &left).sqrt();
        let whole = utfall_stats::sums::dot(column, column).sqrt();
        if length.is_nan() || length <= 1e-10 * whole || whole <= 0.0 {
            return Err(EffectError::RankDeficient { column: j });
        }
        r[j][j] = length;
        q.push(left.iter().map(|value| value / length).collect());
    }
    let mut back = vec![vec![0.0; k]; k];
    for j in 0..k {
        back[j][j] = 1.0 / r[j][j];
        for i in (0..j).rev() {
            let sum: f64 = (i + 1..=j).map(|m| r[i][m] * back[m][j]).sum();
            back[i][j] = -sum / r[i][i];
        }
    }
    Ok((0..k)
        .map(|i| {
            (0..k)
                .map(|j| {
                    (0..k).map(|m| back[i][m] * back[j][m]).sum::<f64>() / (scales[i] * scales[j])
                })
                .collect()
        })
        .collect())
}

/// `Xᵀ W d` for each column of `d`: rows are powers, columns are those of `d`.
pub(super) fn cross(columns: &[Vec<f64>], weight: &[f64], d: &[Vec<f64>]) -> Vec<Vec<f64>> {
    columns
        .iter()
        .map(|x| {
            d.iter()
                .map(|y| sum_of(x.len(), |row| x[row] * weight[row] * y[row]))
                .collect()
        })
        .collect()
}

pub(super) fn multiply(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = b.first().map_or(0, Vec::len);
    a.iter()
        .map(|row| {
            (0..n)
                .map(|j| row.iter().zip(b).map(|(x, y)| x * y[j]).sum())
                .collect()
        })
        .collect()
}

/// Coefficients of the covariates after the polynomial, and of what else is asked for: `ZWZ` and
/// `ZWY` of one side.
pub(super) struct CovariatePart {
    pub(super) zwz: Vec<Vec<f64>>,
    pub(super) zwy: Vec<Vec<f64>>,
}

pub(super) fn covariate_part(
    side: &Side,
    weight: &[f64],
    inverse: &[Vec<f64>],
    columns: &[Vec<f64>],
) -> CovariatePart {
    let first = 1 + usize::from(side.has_take_up);
    let u = cross(columns, weight, &side.d);
    let iu = multiply(inverse, &u);
    let z = &side.d[first..];
    let zwd = cross(z, weight, &side.d);
    let value = |i: usize, j: usize| {
        zwd[i][j]
            - (0..u.len())
                .map(|k| u[k][first + i] * iu[k][j])
                .sum::<f64>()
    };
    CovariatePart {
        zwz: (0..z.len())
            .map(|i| (0..z.len()).map(|j| value(i, first + j)).collect())
            .collect(),
        zwy: (0..z.len())
            .map(|i| (0..first).map(|j| value(i, j)).collect())
            .collect(),
    }
}

/// Solves `A·X = B` for symmetric positive definite `A`.
pub(super) fn solve(a: &[Vec<f64>], b: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, EffectError> {
    let n = a.len();
    let mut matrix = Matrix::zeros(n, n);
    for (i, row) in a.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            matrix.set(i, j, *value);
        }
    }
    let factor = utfall_stats::Cholesky::factor(&matrix, 1e-12).map_err(|error| {
        EffectError::RankDeficient {
            column: error.column,
        }
    })?;
    let columns: Vec<Vec<f64>> = (0..b[0].len())
        .map(|j| factor.solve(&b.iter().map(|row| row[j]).collect::<Vec<f64>>()))
        .collect();
    Ok((0..n)
        .map(|i| columns.iter().map(|column| column[i]).collect())
        .collect())
}

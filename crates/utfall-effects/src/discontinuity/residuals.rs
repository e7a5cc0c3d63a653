//! Residuals near a cutoff and the middle of their sandwich.
//!
//! `nearest-neighbours` takes a row less the mean of its nearest rows on the same side, so it needs no
//! model (Abadie & Imbens 2006, <https://doi.org/10.1111/j.1468-0262.2006.00655.x>).

use serde::{Deserialize, Serialize};
use utfall_stats::moments::count;
use utfall_stats::sums::dot;

use super::side::Side;

/// How the variance of a jump is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JumpError {
    /// From the nearest rows of the same side.
    NearestNeighbours,
    /// From residuals.
    Hc0,
    /// From residuals times `n/(n-k)`, each side its own.
    Hc1,
    /// From residuals over `1 - h`.
    Hc2,
    /// From residuals over `(1 - h)²`.
    Hc3,
    /// From residuals summed by cluster, times `(n-1)/(n-k) · G/(G-1)`, each side its own.
    Cr1,
    /// From nearest neighbours' residuals summed by cluster, with the same factor.
    NearestNeighboursClustered,
}

impl JumpError {
    pub(super) fn uses_neighbours(self) -> bool {
        matches!(
            self,
            Self::NearestNeighbours | Self::NearestNeighboursClustered
        )
    }

    /// Whether it needs clusters.
    #[must_use]
    pub fn is_clustered(self) -> bool {
        matches!(self, Self::Cr1 | Self::NearestNeighboursClustered)
    }
}

/// Residuals of each column: from neighbours, or from fitted values with leverages.
pub(super) fn residuals(
    side: &Side,
    error: JumpError,
    n_neighbours: usize,
    fitted: &[Vec<f64>],
    leverage: &[f64],
    n_coefficients: usize,
) -> Vec<Vec<f64>> {
    if error.uses_neighbours() {
        return from_neighbours(side, n_neighbours);
    }
    let n = count(side.n());
    let scale = |row: usize| match error {
        JumpError::Hc1 => (n / (n - count(n_coefficients))).sqrt(),
        JumpError::Hc2 => (1.0 / (1.0 - leverage[row])).sqrt(),
        JumpError::Hc3 => 1.0 / (1.0 - leverage[row]),
        _ => 1.0,
    };
    side.d
        .iter()
        .zip(fitted)
        .map(|(values, fitted)| {
            (0..side.n())
                .map(|row| scale(row) * (values[row] - fitted[row]))
                .collect()
        })
        .collect()
}

/// Rows that share a value: where each run starts and ends.
fn runs(x: &[f64]) -> Vec<(usize, usize)> {
    let same = |a: f64, b: f64| a.total_cmp(&b).is_eq();
    let mut runs = vec![(0, 0); x.len()];
    let mut start = 0;
    for row in 0..x.len() {
        if row + 1 == x.len() || !same(x[row], x[row + 1]) {
            for run in &mut runs[start..=row] {
                *run = (start, row);
            }
            start = row + 1;
        }
    }
    runs
}

fn from_neighbours(side: &Side, wanted: usize) -> Vec<Vec<f64>> {
    let x = &side.x;
    let n = x.len();
    let runs = runs(x);
    let window = |row: usize| {
        let (mut low, mut high) = runs[row];
        while high - low < wanted.min(n - 1) {
            let right = (high + 1 < n).then(|| x[high + 1] - x[row]);
            let left = (low > 0).then(|| x[row] - x[low - 1]);
            match (left, right) {
                (None, Some(_)) => high = runs[high + 1].1,
                (Some(_), None) => low = runs[low - 1].0,
                (Some(left), Some(right)) => {
                    let (to_left, to_right) = (left <= right, right <= left);
                    if to_right {
                        high = runs[high + 1].1;
                    }
                    if to_left {
                        low = runs[low - 1].0;
                    }
                }
                (None, None) => break,
            }
        }
        (low, high)
    };
    let windows: Vec<(usize, usize)> = (0..n).map(window).collect();
    side.d
        .iter()
        .map(|values| {
            windows
                .iter()
                .enumerate()
                .map(|(row, &(low, high))| {
                    let others = count(high - low);
                    let sum: f64 = values[low..=high].iter().sum::<f64>() - values[row];
                    (others / (others + 1.0)).sqrt() * (values[row] - sum / others)
                })
                .collect()
        })
        .collect()
}

/// `Σ (x r)(x r)′`, or of the sums by cluster: `pulls` has one column for each coefficient, and the
/// factor counts those of the fit behind the residuals.
pub(super) fn meat(
    side: &Side,
    error: JumpError,
    pulls: &[Vec<f64>],
    residual: &[f64],
    n_coefficients: usize,
) -> Vec<Vec<f64>> {
    let mut scores: Vec<Vec<f64>> = pulls
        .iter()
        .map(|column| column.iter().zip(residual).map(|(x, r)| x * r).collect())
        .collect();
    let mut factor = 1.0;
    if let (true, Some(codes)) = (error.is_clustered(), &side.clusters) {
        let way = crate::Grouping::of(codes);
        scores = scores.iter().map(|column| way.sums(column)).collect();
        let (n, g) = (count(side.n()), count(way.n_groups()));
        factor = (n - 1.0) / (n - count(n_coefficients)) * g / (g - 1.0);
    }
    scores
        .iter()
        .map(|one| {
            scores
                .iter()
                .map(|other| factor * dot(one, other))
                .collect()
        })
        .collect()
}

/// Residuals of the columns put together with weights.
pub(super) fn combined(columns: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    (0..columns[0].len())
        .map(|row| {
            columns
                .iter()
                .zip(weights)
                .map(|(column, weight)| weight * column[row])
                .sum()
        })
        .collect()
}

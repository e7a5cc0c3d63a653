//! A regression whose clusters have intercepts of their own, normal and at random.
//!
//! The share of variance between clusters is found by restricted maximum likelihood; given it, the
//! rest is generalised least squares, in closed form cluster by cluster.
//!
//! Laird & Ware (1982), <https://doi.org/10.2307/2529876>.

use utfall_stats::elementary::{exp, log};
use utfall_stats::moments::count;
use utfall_stats::{Cholesky, Matrix};

use crate::regression::check_finite;
use crate::{EffectError, Grouping};

/// A regression with random intercepts.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomIntercept {
    /// One coefficient for each column.
    pub coefficients: Vec<f64>,
    /// Their standard errors, given the two variances.
    pub standard_errors: Vec<f64>,
    /// Variance of the intercepts; zero if clusters differ no more than chance.
    pub between: f64,
    /// Variance within clusters.
    pub within: f64,
}

/// Fits a regression with a random intercept for each cluster by restricted maximum likelihood.
///
/// It is right if intercepts are independent of the columns; treatment assigned to whole clusters
/// at random is. The errors take the variances as known and are too small for few clusters.
///
/// # Shapes
///
/// - `columns`: at least one, each with one value per row; a constant is a column like any other.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices,
/// [`EffectError::TooFewClusters`], [`EffectError::TooFewRows`], and [`EffectError::RankDeficient`]
/// if a column is a combination of others.
///
/// # Reference
///
/// Laird & Ware (1982); Patterson & Thompson (1971), <https://doi.org/10.1093/biomet/58.3.545>.
pub fn random_intercept(
    columns: &[&[f64]],
    clusters: &Grouping,
    outcome: &[f64],
) -> Result<RandomIntercept, EffectError> {
    check_finite("outcome", outcome, clusters.len())?;
    for column in columns {
        check_finite("covariate", column, clusters.len())?;
    }
    if clusters.n_groups() < 2 {
        return Err(EffectError::TooFewClusters {
            n_clusters: clusters.n_groups(),
        });
    }
    if outcome.len() <= columns.len() {
        return Err(EffectError::TooFewRows {
            n_rows: outcome.len(),
            n_columns: columns.len(),
        });
    }
    let moments = Moments::of(columns, clusters, outcome);
    let ratio = moments.best_ratio()?;
    let fit = moments.fit(ratio)?;
    Ok(RandomIntercept {
        standard_errors: (0..columns.len())
            .map(|k| (fit.within * fit.inverse.get(k, k)).sqrt())
            .collect(),
        coefficients: fit.coefficients,
        between: ratio * fit.within,
        within: fit.within,
    })
}

/// Cross products over all rows, and sums by cluster; the outcome is the last column.
struct Moments {
    n_columns: usize,
    n_rows: f64,
    all: Matrix,
    sums: Vec<Vec<f64>>,
    sizes: Vec<f64>,
}

struct Fit {
    coefficients: Vec<f64>,
    inverse: Matrix,
    within: f64,
    /// Minus twice the restricted log likelihood, but for a constant.
    criterion: f64,
}

impl Moments {
    fn of(columns: &[&[f64]], clusters: &Grouping, outcome: &[f64]) -> Self {
        let every = [columns, &[outcome]].concat();
        let mut all = Matrix::zeros(every.len(), every.len());
        for (j, left) in every.iter().enumerate() {
            for (k, right) in every.iter().enumerate() {
                all.set(j, k, utfall_stats::sums::dot(left, right));
            }
        }
        Self {
            n_columns: columns.len(),
            n_rows: count(outcome.len()),
            all,
            sums: every.iter().map(|column| clusters.sums(column)).collect(),
            sizes: clusters.sums(&vec![1.0; outcome.len()]),
        }
    }

    /// Generalised least squares with variance `within · (I + ratio · 11′)` in each cluster.
    fn fit(&self, ratio: f64) -> Result<Fit, EffectError> {
        let n = self.n_columns;
        let shrink: Vec<f64> = self
            .sizes
            .iter()
            .map(|size| ratio / (1.0 + ratio * size))
            .collect();
        let product = |j: usize, k: usize| {
            let taken: f64 = shrink
                .iter()
                .enumerate()
                .map(|(c, s)| s * self.sums[j][c] * self.sums[k][c])
                .sum();
            self.all.get(j, k) - taken
        };
        let mut normal = Matrix::zeros(n, n);
        for j in 0..n {
            for k in 0..n {
                normal.set(j, k, product(j, k));
            }
        }
        let factor = Cholesky::factor(&normal, 1e-13)
            .map_err(|_| EffectError::RankDeficient { column: n - 1 })?;
        let right: Vec<f64> = (0..n).map(|k| product(k, n)).collect();
        let coefficients = factor.solve(&right);
        let explained: f64 = coefficients.iter().zip(&right).map(|(b, r)| b * r).sum();
        let degrees = self.n_rows - count(n);
        let within = (product(n, n) - explained) / degrees;
        let log_size: f64 = self.sizes.iter().map(|size| log(1.0 + ratio * size)).sum();
        let log_normal: f64 = (0..n).map(|k| 2.0 * log(factor.lower(k, k))).sum();
        Ok(Fit {
            coefficients,
            inverse: factor.inverse(),
            criterion: degrees * log(within) + log_size + log_normal,
            within,
        })
    }

    /// The ratio of the two variances with the largest restricted likelihood, by golden section on
    /// its log.
    fn best_ratio(&self) -> Result<f64, EffectError> {
        let at = |log_ratio: f64| Ok::<f64, EffectError>(self.fit(exp(log_ratio))?.criterion);
        let share = 0.5 * (5.0_f64.sqrt() - 1.0);
        let (mut low, mut high) = (-25.0, 10.0);
        let mut inner = [high - share * (high - low), low + share * (high - low)];
        let mut values = [at(inner[0])?, at(inner[1])?];
        while high - low > 1e-10 {
            if values[0] <= values[1] {
                high = inner[1];
                inner = [high - share * (high - low), inner[0]];
                values = [at(inner[0])?, values[0]];
            } else {
                low = inner[0];
                inner = [inner[1], low + share * (high - low)];
                values = [values[1], at(inner[1])?];
            }
        }
        let ratio = exp(0.5 * (low + high));
        let nil = self.fit(0.0)?.criterion;
        Ok(if nil <= self.fit(ratio)?.criterion {
            0.0
        } else {
            ratio
        })
    }
}

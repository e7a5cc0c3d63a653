//! Generalised estimating equations with one correlation between any two rows of a cluster.
//!
//! The coefficients are right whatever the correlation is; taking it into account makes them more
//! precise. The errors are robust: they rest on clusters being independent, and are too small for
//! fewer than about forty.
//!
//! Liang & Zeger (1986), <https://doi.org/10.1093/biomet/73.1.13>.

use utfall_stats::moments::count;
use utfall_stats::{Cholesky, Matrix};

use crate::{EffectError, Family, Grouping, fit_generalised};

/// Rounds before giving up.
const MOST_ROUNDS: u32 = 200;

/// A fit by estimating equations.
#[derive(Debug, Clone, PartialEq)]
pub struct EstimatingEquations {
    /// One coefficient for each column.
    pub coefficients: Vec<f64>,
    /// Their robust standard errors, without a factor for the number of clusters.
    pub standard_errors: Vec<f64>,
    /// The correlation between two rows of a cluster.
    pub correlation: f64,
    /// Pearson's dispersion, divisor `N`.
    pub dispersion: f64,
}

/// Fits a generalised linear model with exchangeable correlation within clusters.
///
/// # Shapes
///
/// As [`fit_generalised`].
///
/// # Errors
///
/// Those of [`fit_generalised`]; [`EffectError::TooFewClusters`] for one cluster,
/// [`EffectError::OutsideRange`] if the correlation leaves what clusters of their size can have, and
/// [`EffectError::NotConverged`].
///
/// # Reference
///
/// Liang & Zeger (1986), section 3.
pub fn exchangeable_equations(
    family: Family,
    columns: &[&[f64]],
    clusters: &Grouping,
    outcome: &[f64],
) -> Result<EstimatingEquations, EffectError> {
    if clusters.len() != outcome.len() {
        return Err(EffectError::LengthMismatch {
            what: "cluster",
            found: clusters.len(),
            expected: outcome.len(),
        });
    }
    if clusters.n_groups() < 2 {
        return Err(EffectError::TooFewClusters {
            n_clusters: clusters.n_groups(),
        });
    }
    let start = fit_generalised(family, columns, None, outcome)?;
    let equations = Equations {
        family,
        columns,
        members: clusters.members(),
        outcome,
    };
    let mut coefficients = start.coefficients().to_vec();
    for _round in 0..MOST_ROUNDS {
        let (correlation, dispersion) = equations.correlation(&coefficients);
        let system = equations.system(&coefficients, correlation)?;
        let step = system.bread.solve(&system.score);
        let mut largest = 0.0_f64;
        for (coefficient, step) in coefficients.iter_mut().zip(&step) {
            *coefficient += step;
            largest = largest.max(step.abs() / (1.0 + coefficient.abs()));
        }
        if largest <= 1e-12 {
            let (correlation, _) = equations.correlation(&coefficients);
            let system = equations.system(&coefficients, correlation)?;
            return Ok(EstimatingEquations {
                standard_errors: system.robust_errors(),
                coefficients,
                correlation,
                dispersion,
            });
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_ROUNDS,
    })
}

struct Equations<'a> {
    family: Family,
    columns: &'a [&'a [f64]],
    members: Vec<Vec<usize>>,
    outcome: &'a [f64],
}

/// One Newton step's parts.
struct System {
    bread: Cholesky,
    score: Vec<f64>,
    meat: Matrix,
}

impl Equations<'_> {
    /// A row's Pearson residual and the slope of its mean over its standard deviation.
    fn row(&self, row: usize, coefficients: &[f64]) -> (f64, f64) {
        let terms = self.columns.iter().zip(coefficients);
        let predictor: f64 = terms.map(|(column, b)| column[row] * b).sum();
        let (mean, slope, variance) = self.family.moments(predictor);
        let root = variance.sqrt();
        ((self.outcome[row] - mean) / root, slope / root)
    }

    /// The mean product of Pearson residuals over pairs of rows of a cluster, over the dispersion.
    fn correlation(&self, coefficients: &[f64]) -> (f64, f64) {
        let (mut products, mut pairs, mut squares, mut n) = (0.0, 0.0, 0.0, 0.0);
        for rows in &self.members {
            let (mut total, mut square) = (0.0, 0.0);
            for &row in rows {
                let (residual, _) = self.row(row, coefficients);
                total += residual;
                square += residual * residual;
            }
            let size = count(rows.len());
            products += 0.5 * (total * total - square);
            pairs += 0.5 * size * (size - 1.0);
            squares += square;
            n += size;
        }
        let dispersion = squares / n;
        (products / pairs / dispersion, dispersion)
    }

    fn system(&self, coefficients: &[f64], correlation: f64) -> Result<System, EffectError> {
        let n = self.columns.len();
        let mut bread = Matrix::zeros(n, n);
        let mut meat = Matrix::zeros(n, n);
        let mut score = vec![0.0; n];
        for rows in &self.members {
            // The inverse correlation is (I - share · 11′)/(1 - correlation).
            let size = count(rows.len());
            let whole = 1.0 + (size - 1.0) * correlation;
            if whole <= 0.0 || correlation >= 1.0 {
                return Err(EffectError::OutsideRange {
                    what: "correlation within clusters",
                    value: correlation,
                });
            }
            let share = correlation / whole;
            let mut slopes = vec![0.0; n];
            let mut total = 0.0;
            let mut products = Matrix::zeros(n, n);
            let mut own = vec![0.0; n];
            for &row in rows {
                let (residual, slope) = self.row(row, coefficients);
                total += residual;
                for j in 0..n {
                    let value = slope * self.columns[j][row];
                    slopes[j] += value;
                    own[j] += value * residual;
                    for k in 0..=j {
                        let other = slope * self.columns[k][row];
                        products.set(j, k, products.get(j, k) + value * other);
                    }
                }
            }
            let scale = 1.0 / (1.0 - correlation);
            let cluster: Vec<f64> = (0..n)
                .map(|j| scale * (own[j] - share * slopes[j] * total))
                .collect();
            for j in 0..n {
                score[j] += cluster[j];
                for k in 0..=j {
                    let part = scale * (products.get(j, k) - share * slopes[j] * slopes[k]);
                    bread.set(j, k, bread.get(j, k) + part);
                    meat.set(j, k, meat.get(j, k) + cluster[j] * cluster[k]);
                }
            }
        }
        for j in 0..n {
            for k in 0..j {
                bread.set(k, j, bread.get(j, k));
                meat.set(k, j, meat.get(j, k));
            }
        }
        let bread = Cholesky::factor(&bread, 1e-13)
            .map_err(|_| EffectError::RankDeficient { column: n - 1 })?;
        Ok(System { bread, score, meat })
    }
}

impl System {
    fn robust_errors(&self) -> Vec<f64> {
        let inverse = self.bread.inverse();
        let n = self.score.len();
        let variance = |k: usize| {
            let mut total = 0.0;
            for i in 0..n {
                for j in 0..n {
                    total += inverse.get(k, i) * self.meat.get(i, j) * inverse.get(j, k);
                }
            }
            total
        };
        (0..n).map(|k| variance(k).sqrt()).collect()
    }
}

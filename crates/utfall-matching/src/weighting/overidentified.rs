//! The over-identified covariate-balancing propensity score: predict and balance at once.

use utfall_core::Estimand;
use utfall_stats::moments::count;
use utfall_stats::{Cholesky, Matrix, cross_product, logistic, sums};

use super::design::Design;
use super::newton::inner;
use super::score_balancing::{just_identified_logits, standardised};
use crate::weighting::{Moments, WeightingError};

/// The first fit is sought among the maximum-likelihood logits times a factor between these.
const SCALES: [f64; 2] = [0.8, 1.1];
/// Golden sections of the factor: they leave less than a millionth.
const N_SECTIONS: u32 = 28;
/// Newton steps before giving up.
const MAX_ITERATIONS: u32 = 200;
/// Largest share of the criterion that the last step may promise.
const WORTH_TOLERANCE: f64 = 1e-14;
/// Smallest share that is left of a moment's variance beside the moments before it.
const REDUNDANCY_TOLERANCE: f64 = 1e-13;

/// A logistic score from more equations than coefficients.
#[derive(Debug, Clone, PartialEq)]
pub struct OveridentifiedScore {
    /// The probability of treatment of each unit.
    pub score: Vec<f64>,
    /// The smallest criterion `g'V⁻¹g`. Times the number of units it is Hansen's J, with as many
    /// degrees of freedom as coefficients.
    pub criterion: f64,
}

/// A logistic propensity score that weighs the equations of maximum likelihood against those of
/// covariate balance: the over-identified covariate-balancing propensity score, by generalised
/// method of moments in two steps.
///
/// With `g` the means of `(t - p)x` and `(t - p)a(p)x`, where `a` is `1/(p(1 - p))` for the ate,
/// `1/(1 - p)` for the att and `1/p` for the atc, it finds the smallest `g'V⁻¹g`, where `V` is the
/// expected variance of the equations at a first fit: the maximum-likelihood logits times the factor
/// between 0.8 and 1.1 that makes the criterion smallest, as in the R package CBPS. Newton's method
/// runs from that fit and from the [just-identified score](crate::weighting::balancing_score) where
/// there is one, and the smaller criterion stands. Balance is near, not exact.
///
/// # Shapes
///
/// As [`balancing_score`](crate::weighting::balancing_score).
///
/// # Errors
///
/// - [`WeightingError::Propensity`] where no logistic regression fits.
/// - [`WeightingError::RedundantEquations`] where the equations of balance follow from those of
///   likelihood, as in a sample where every score is the same.
/// - [`WeightingError::Estimand`] for other estimands; [`WeightingError::NotConverged`].
///
/// # Reference
///
/// Imai & Ratkovic (2014), <https://doi.org/10.1111/rssb.12027>.
pub fn overidentified_score(
    covariates: &Matrix,
    treated: &[bool],
    estimand: Estimand,
) -> Result<OveridentifiedScore, WeightingError> {
    if !matches!(estimand, Estimand::Ate | Estimand::Att | Estimand::Atc) {
        return Err(WeightingError::Estimand {
            method: "the balancing score",
            estimand,
        });
    }
    let fit = logistic::fit(covariates, treated)?;
    let units: Vec<usize> = (0..treated.len()).collect();
    let design = Design::centred_on(covariates, Moments::MEANS, &units, &units, None)?;
    let likeliest = standardised(covariates, &fit.coefficients);
    let at_scale = |scale: f64| -> Result<(Vec<f64>, Equations<'_>), WeightingError> {
        let theta: Vec<f64> = likeliest.iter().map(|value| scale * value).collect();
        let equations = Equations::at(&design.rows, treated, estimand, &theta)?;
        Ok((theta, equations))
    };
    let scale = smallest_between(SCALES, |scale| {
        let (theta, equations) = at_scale(scale)?;
        Ok(equations.criterion(&equations.means(&equations.logits(&theta))))
    })?;
    let (theta, equations) = at_scale(scale)?;
    let first = equations.minimise(theta)?;
    // Where nothing balances exactly, the fit is the only place to start from.
    let second = just_identified_logits(covariates, treated, estimand)
        .ok()
        .and_then(|(theta, _)| equations.minimise(theta).ok());
    let best = match second {
        Some(second) if second.criterion < first.criterion => second,
        _ => first,
    };
    Ok(OveridentifiedScore {
        score: best
            .logits
            .iter()
            .map(|&logit| logistic::probability(logit))
            .collect(),
        criterion: best.criterion,
    })
}

/// Where a function with one valley is smallest, by golden section.
fn smallest_between(
    [mut low, mut high]: [f64; 2],
    value: impl Fn(f64) -> Result<f64, WeightingError>,
) -> Result<f64, WeightingError> {
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let inside = |low: f64, high: f64| (high - golden * (high - low), low + golden * (high - low));
    for _ in 0..N_SECTIONS {
        let (left, right) = inside(low, high);
        if value(left)? <= value(right)? {
            high = right;
        } else {
            low = left;
        }
    }
    Ok(0.5 * (low + high))
}

/// The equations and how they are weighed against each other.
struct Equations<'a> {
    rows: &'a Matrix,
    treated: &'a [bool],
    estimand: Estimand,
    variance: Cholesky,
}

/// Where the criterion is smallest.
struct Smallest {
    logits: Vec<f64>,
    criterion: f64,
}

/// The means of the equations and of their derivatives, by coefficient.
struct Means {
    values: Vec<f64>,
    derivatives: Vec<Vec<f64>>,
}

/// What a unit's equations are multiplied with: `(t - p)`, `(t - p)a(p)`, and minus the derivatives
/// of both by the logit.
struct Factors {
    likelihood: f64,
    balance: f64,
    likelihood_slope: f64,
    balance_slope: f64,
}

impl<'a> Equations<'a> {
    fn at(
        rows: &'a Matrix,
        treated: &'a [bool],
        estimand: Estimand,
        theta: &[f64],
    ) -> Result<Self, WeightingError> {
        let score: Vec<f64> = logits(rows, theta)
            .into_iter()
            .map(logistic::probability)
            .collect();
        let product = |power: i32| {
            let weights: Vec<f64> = score
                .iter()
                .map(|&p| {
                    let a = match estimand {
                        Estimand::Att => 1.0 / (1.0 - p),
                        Estimand::Atc => 1.0 / p,
                        _ => 1.0 / (p * (1.0 - p)),
                    };
                    p * (1.0 - p) * a.powi(power)
                })
                .collect();
            cross_product(rows, Some(&weights))
        };
        let blocks = [product(0), product(1), product(2)];
        let (n, n_columns) = (count(rows.n_rows()), rows.n_columns());
        let mut variance = Matrix::zeros(2 * n_columns, 2 * n_columns);
        for i in 0..2 * n_columns {
            for j in 0..2 * n_columns {
                let block = usize::from(i >= n_columns) + usize::from(j >= n_columns);
                let cell = blocks[block].get(i % n_columns, j % n_columns);
                variance.set(i, j, cell / n);
            }
        }
        let variance = Cholesky::factor(&variance, REDUNDANCY_TOLERANCE)
            .map_err(|_| WeightingError::RedundantEquations)?;
        Ok(Self {
            rows,
            treated,
            estimand,
            variance,
        })
    }

    fn minimise(&self, start: Vec<f64>) -> Result<Smallest, WeightingError> {
        let mut theta = start;
        let mut logits = self.logits(&theta);
        let mut means = self.means(&logits);
        let mut criterion = self.criterion(&means);
        for _ in 0..MAX_ITERATIONS {
            let (step, worth) = self.step(&means, &logits)?;
            if worth <= WORTH_TOLERANCE * criterion.max(f64::EPSILON) {
                return Ok(Smallest { logits, criterion });
            }
            let mut share = 1.0;
            let found = loop {
                let there: Vec<f64> = theta
                    .iter()
                    .zip(&step)
                    .map(|(a, b)| a - share * b)
                    .collect();
                let at = self.logits(&there);
                let found = self.means(&at);
                let value = self.criterion(&found);
                if value < criterion {
                    break Some((there, at, found, value));
                }
                share *= 0.5;
                if share < 1e-9 {
                    break None;
                }
            };
            // No step makes it smaller: it is as small as rounding lets it be.
            let Some(better) = found else {
                return Ok(Smallest { logits, criterion });
            };
            (theta, logits, means, criterion) = better;
        }
        Err(WeightingError::NotConverged {
            n_iterations: MAX_ITERATIONS,
        })
    }

    /// The Newton step, or that of Gauss and Newton where the criterion is not convex, and by how
    /// much it promises to lower the criterion.
    fn step(&self, means: &Means, logits: &[f64]) -> Result<(Vec<f64>, f64), WeightingError> {
        let n_columns = means.derivatives.len();
        let weighed: Vec<Vec<f64>> = means
            .derivatives
            .iter()
            .map(|column| self.variance.solve(column))
            .collect();
        let mut information = Matrix::zeros(n_columns, n_columns);
        for (i, column) in means.derivatives.iter().enumerate() {
            for (j, weighed) in weighed.iter().enumerate() {
                information.set(i, j, inner(column, weighed));
            }
        }
        let gradient: Vec<f64> = weighed
            .iter()
            .map(|weighed| inner(weighed, &means.values))
            .collect();
        let whole = self.with_curvature(&information, means, logits);
        let factor = Cholesky::factor(&whole, 0.0)
            .or_else(|_| Cholesky::factor(&information, 0.0))
            .map_err(|_| WeightingError::RedundantEquations)?;
        let step = factor.solve(&gradient);
        let worth = inner(&step, &gradient);
        Ok((step, worth))
    }

    /// Adds what the equations' own curvature adds to the second derivatives of the criterion.
    fn with_curvature(&self, information: &Matrix, means: &Means, logits_of: &[f64]) -> Matrix {
        let multipliers = self.variance.solve(&means.values);
        let (on_likelihood, on_balance) = multipliers.split_at(self.rows.n_columns());
        let first = logits(self.rows, on_likelihood);
        let second = logits(self.rows, on_balance);
        let bends: Vec<f64> = (0..logits_of.len())
            .map(|unit| {
                let (likelihood, balance) = self.bends(logits_of[unit], self.treated[unit]);
                first[unit] * likelihood + second[unit] * balance
            })
            .collect();
        let part = |sign: f64| {
            let weights: Vec<f64> = bends.iter().map(|bend| (sign * bend).max(0.0)).collect();
            cross_product(self.rows, Some(&weights))
        };
        let (up, down) = (part(1.0), part(-1.0));
        let n = count(logits_of.len());
        let mut whole = information.clone();
        for i in 0..whole.n_rows() {
            for j in 0..whole.n_columns() {
                let bend = (up.get(i, j) - down.get(i, j)) / n;
                whole.set(i, j, information.get(i, j) + bend);
            }
        }
        whole
    }

    /// Second derivatives by the logit of what the equations are multiplied with.
    fn bends(&self, logit: f64, is_treated: bool) -> (f64, f64) {
        let p = logistic::probability(logit);
        let q = logistic::probability(-logit);
        let balance = match (self.estimand, is_treated) {
            (Estimand::Att, true) | (Estimand::Atc, false) => 0.0,
            (_, true) => q / p,
            (_, false) => -p / q,
        };
        (-p * q * (q - p), balance)
    }

    fn logits(&self, theta: &[f64]) -> Vec<f64> {
        logits(self.rows, theta)
    }

    fn criterion(&self, means: &Means) -> f64 {
        inner(&means.values, &self.variance.solve(&means.values))
    }

    fn means(&self, logits: &[f64]) -> Means {
        let n = count(logits.len());
        let factors: Vec<Factors> = logits
            .iter()
            .zip(self.treated)
            .map(|(&logit, &is_treated)| self.factors(logit, is_treated))
            .collect();
        let mean_of = |column: &[f64], of: fn(&Factors) -> f64| {
            sums::sum_of(column.len(), |unit| column[unit] * of(&factors[unit])) / n
        };
        let both = |of: [fn(&Factors) -> f64; 2]| -> Vec<f64> {
            of.iter()
                .flat_map(|of| self.rows.columns().map(|column| mean_of(column, *of)))
                .collect()
        };
        let values = both([|row| row.likelihood, |row| row.balance]);
        let slopes: [fn(&Factors) -> f64; 2] =
            [|row| row.likelihood_slope, |row| row.balance_slope];
        let blocks = slopes.map(|of| {
            let weights: Vec<f64> = factors.iter().map(of).collect();
            cross_product(self.rows, Some(&weights))
        });
        let derivatives = (0..self.rows.n_columns())
            .map(|j| {
                blocks
                    .iter()
                    .flat_map(|block| block.column(j))
                    .map(|cell| -cell / n)
                    .collect()
            })
            .collect();
        Means {
            values,
            derivatives,
        }
    }

    fn factors(&self, logit: f64, is_treated: bool) -> Factors {
        let p = logistic::probability(logit);
        let q = logistic::probability(-logit);
        let t = f64::from(u8::from(is_treated));
        let likelihood = if is_treated { q } else { -p };
        let odds = if is_treated { q / p } else { p / q };
        let (balance, balance_slope) = match self.estimand {
            Estimand::Att => (likelihood / q, (1.0 - t) * odds),
            Estimand::Atc => (likelihood / p, t * odds),
            _ => (likelihood / (p * q), odds),
        };
        Factors {
            likelihood,
            balance,
            likelihood_slope: p * q,
            balance_slope,
        }
    }
}

fn logits(rows: &Matrix, theta: &[f64]) -> Vec<f64> {
    let mut logits = vec![0.0; rows.n_rows()];
    for (column, coefficient) in rows.columns().zip(theta) {
        for (logit, cell) in logits.iter_mut().zip(column) {
            *logit += coefficient * cell;
        }
    }
    logits
}

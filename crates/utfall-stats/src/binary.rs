//! Regression of a yes or no with any link, by Fisher scoring, with or without weights.
//!
//! [`logistic`](mod@crate::logistic) is this for the logit without weights, and faster. Columns are
//! centred and scaled within; one pass runs over the rows in a fixed order, and equal rows get
//! bit-identical predictors.
//!
//! # Reference
//!
//! McCullagh & Nelder (1989), *Generalized Linear Models*, sections 2.5 and 4.3.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::logistic::{self, LogisticError};
use crate::moments::{self, count};
use crate::{Cholesky, Matrix, cross_product, elementary, normal, sums};

/// How a probability follows from a linear predictor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// `1 / (1 + exp(-x))`.
    Logit,
    /// The normal distribution function.
    Probit,
    /// `1 - exp(-exp(x))`.
    Cloglog,
    /// `1/2 + atan(x) / π`.
    Cauchit,
}

/// A fitted regression of a yes or no.
#[derive(Debug, Clone, PartialEq)]
pub struct BinaryFit {
    /// The intercept, then one coefficient for each column, per unit of the column.
    pub coefficients: Vec<f64>,
    /// The linear predictor of each row.
    pub linear_predictor: Vec<f64>,
    /// The fitted probability of each row.
    pub probability: Vec<f64>,
    /// Minus twice the log likelihood, weighted.
    pub deviance: f64,
    /// Scoring steps taken.
    pub n_iterations: u32,
}

/// Scoring steps before giving up: without the canonical link they settle at a steady rate.
const MAX_ITERATIONS: u32 = 1000;
/// Largest change of any row's predictor in the last step.
const MOVE_TOLERANCE: f64 = 1e-10;
/// Largest share of the deviance that the last step may have been worth.
const DEVIANCE_TOLERANCE: f64 = 1e-14;
/// A predictor that grows beyond this is on its way to infinity.
const BEYOND: f64 = 1e3;
/// Smallest `1 - R²` of a covariate on the ones before it.
const COLLINEARITY_TOLERANCE: f64 = 1e-11;

/// Fits the probability of a yes by maximum likelihood. An intercept is always fitted, and nothing
/// is clipped.
///
/// # Shapes
///
/// - `covariates`: one row for each unit, without a column of ones.
/// - `response`: one value for each row.
/// - `weights`: where given, one of zero or more for each row; a weight of two is a row twice.
///
/// # Errors
///
/// As [`logistic::fit`], and [`LogisticError::Weight`] for a weight that is none.
pub fn fit(
    covariates: &Matrix,
    response: &[bool],
    weights: Option<&[f64]>,
    link: Link,
) -> Result<BinaryFit, LogisticError> {
    let model = Model::new(covariates, response, weights, link)?;
    let mut theta = model.start();
    let mut here = model.at(&theta);
    for n_iterations in 1..=MAX_ITERATIONS {
        let first = n_iterations == 1;
        let information = cross_product(&model.rows, Some(&here.information));
        let tolerance = if first { COLLINEARITY_TOLERANCE } else { 0.0 };
        let factor = Cholesky::factor(&information, tolerance).map_err(|error| {
            let column = error.column.saturating_sub(1);
            if first {
                LogisticError::Collinear { column }
            } else {
                model.separated(&theta)
            }
        })?;
        let columns = model.rows.columns();
        let score: Vec<f64> = columns
            .map(|column| sums::dot(column, &here.score))
            .collect();
        let step = factor.solve(&score);
        let worth = sums::dot(&score, &step);
        let there = model.step(&mut theta, step, &here);
        let moved = largest_difference(&here.predictor, &there.predictor);
        here = there;
        if here.predictor.iter().any(|value| value.abs() > BEYOND) && link != Link::Cauchit {
            return Err(model.separated(&theta));
        }
        if worth <= DEVIANCE_TOLERANCE * (here.deviance + 0.1) && moved <= MOVE_TOLERANCE {
            return Ok(model.finish(&theta, here, n_iterations));
        }
    }
    Err(if here.deviance <= 1e-6 * count(response.len()) {
        model.separated(&theta)
    } else {
        LogisticError::NotConverged {
            n_iterations: MAX_ITERATIONS,
        }
    })
}

/// The rows, with a column of ones and then centred and scaled columns.
struct Model<'a> {
    rows: Matrix,
    response: &'a [bool],
    weights: Option<&'a [f64]>,
    link: Link,
    centre: Vec<f64>,
    scale: Vec<f64>,
}

/// What the rows add at some coefficients.
struct Rows {
    predictor: Vec<f64>,
    score: Vec<f64>,
    information: Vec<f64>,
    deviance: f64,
}

/// A probability, that of the opposite, and the slope, each without loss in the tails.
struct Response {
    yes: f64,
    no: f64,
    slope: f64,
}

impl Link {
    /// The probability of a yes.
    #[must_use]
    pub fn probability(self, predictor: f64) -> f64 {
        self.response(predictor).yes
    }

    fn response(self, x: f64) -> Response {
        match self {
            Self::Logit => {
                let (yes, no) = (logistic::probability(x), logistic::probability(-x));
                let slope = yes * no;
                Response { yes, no, slope }
            }
            Self::Probit => Response {
                yes: normal::cdf(x),
                no: normal::upper_tail(x),
                slope: normal::density(x),
            },
            Self::Cloglog => {
                let rate = elementary::exp(x);
                let no = elementary::exp(-rate);
                Response {
                    yes: -elementary::expm1(-rate),
                    no,
                    slope: rate * no,
                }
            }
            Self::Cauchit => {
                let share = |x: f64| {
                    // Beyond one the angle of the inverse keeps the tail's digits.
                    if x < -1.0 {
                        elementary::atan(-1.0 / x) / std::f64::consts::PI
                    } else {
                        0.5 + elementary::atan(x) / std::f64::consts::PI
                    }
                };
                Response {
                    yes: share(x),
                    no: share(-x),
                    slope: 1.0 / (std::f64::consts::PI * (1.0 + x * x)),
                }
            }
        }
    }

    /// The predictor of a probability, as a start.
    fn predictor(self, probability: f64) -> f64 {
        match self {
            Self::Logit => elementary::log(probability / (1.0 - probability)),
            Self::Probit => normal::quantile(probability),
            Self::Cloglog => elementary::log(-elementary::log1p(-probability)),
            Self::Cauchit => elementary::tan(std::f64::consts::PI * (probability - 0.5)),
        }
    }
}

impl<'a> Model<'a> {
    fn new(
        covariates: &Matrix,
        response: &'a [bool],
        weights: Option<&'a [f64]>,
        link: Link,
    ) -> Result<Self, LogisticError> {
        let n_rows = response.len();
        if covariates.n_columns() > 0 && covariates.n_rows() != n_rows
            || weights.is_some_and(|weights| weights.len() != n_rows)
        {
            return Err(LogisticError::LengthMismatch {
                n_rows: covariates.n_rows(),
                n_responses: n_rows,
            });
        }
        if let Some((row, column)) = covariates.first_not_finite() {
            return Err(LogisticError::NotFinite { row, column });
        }
        let is_weight = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        let weight_at_fault = weights.and_then(|all| all.iter().position(|w| !is_weight(w)));
        if let Some(row) = weight_at_fault {
            return Err(LogisticError::Weight { row });
        }
        let n_true = response.iter().filter(|&&value| value).count();
        if n_true == 0 || n_true == n_rows {
            return Err(LogisticError::OneArmed { n_true, n_rows });
        }
        let (mut centre, mut scale) = (Vec::new(), Vec::new());
        let mut columns = vec![vec![1.0; n_rows]];
        for (column, values) in covariates.columns().enumerate() {
            let (mean, variance) = moments::mean_and_variance(values);
            let is_constant = values.iter().all(|x| x.to_bits() == values[0].to_bits());
            if is_constant || variance.is_nan() || variance <= 0.0 {
                return Err(LogisticError::Constant { column });
            }
            let by = 1.0 / variance.sqrt();
            columns.push(values.iter().map(|value| (value - mean) * by).collect());
            centre.push(mean);
            scale.push(by);
        }
        let rows = Matrix::from_columns(columns).map_err(|_| LogisticError::LengthMismatch {
            n_rows: covariates.n_rows(),
            n_responses: n_rows,
        })?;
        Ok(Self {
            rows,
            response,
            weights,
            link,
            centre,
            scale,
        })
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The fit without covariates.
    fn start(&self) -> Vec<f64> {
        let n_rows = self.response.len();
        let total = sums::sum_of(n_rows, |row| self.weight(row));
        let yes = sums::sum_of(n_rows, |row| {
            self.weight(row) * f64::from(u8::from(self.response[row]))
        });
        let share = (yes / total).clamp(1e-6, 1.0 - 1e-6);
        let mut theta = vec![0.0; self.rows.n_columns()];
        theta[0] = self.link.predictor(share);
        theta
    }

    fn at(&self, theta: &[f64]) -> Rows {
        let n_rows = self.response.len();
        let mut predictor = vec![0.0; n_rows];
        for (column, coefficient) in self.rows.columns().zip(theta) {
            for (value, cell) in predictor.iter_mut().zip(column) {
                *value += coefficient * cell;
            }
        }
        let parts: Vec<[f64; 3]> = predictor
            .par_iter()
            .enumerate()
            .map(|(row, &x)| {
                let Response { yes, no, slope } = self.link.response(x);
                let weight = self.weight(row);
                let (score, likely) = if self.response[row] {
                    (slope / yes, yes)
                } else {
                    (-slope / no, no)
                };
                let information = slope / yes * (slope / no);
                [
                    weight * score,
                    weight * information,
                    -2.0 * weight * elementary::log(likely),
                ]
            })
            .collect();
        Rows {
            predictor,
            score: parts.iter().map(|part| part[0]).collect(),
            information: parts.iter().map(|part| part[1]).collect(),
            deviance: sums::sum_of(n_rows, |row| {
                if self.weight(row) > 0.0 {
                    parts[row][2]
                } else {
                    0.0
                }
            }),
        }
    }

    /// Takes a step, halved as long as it makes the deviance worse or undefined.
    fn step(&self, theta: &mut Vec<f64>, mut step: Vec<f64>, here: &Rows) -> Rows {
        let slack = 1e-12 * (here.deviance + 0.1);
        let from = theta.clone();
        let mut n_halvings = 0;
        loop {
            *theta = from.iter().zip(&step).map(|(a, b)| a + b).collect();
            let there = self.at(theta);
            if there.deviance <= here.deviance + slack || n_halvings == 40 {
                return there;
            }
            step.iter_mut().for_each(|value| *value *= 0.5);
            n_halvings += 1;
        }
    }

    fn separated(&self, theta: &[f64]) -> LogisticError {
        let sizes = theta.iter().skip(1).map(|value| value.abs()).enumerate();
        let largest = sizes.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        LogisticError::Separated {
            column: largest.map_or(0, |(column, _)| column),
        }
    }

    fn finish(&self, theta: &[f64], rows: Rows, n_iterations: u32) -> BinaryFit {
        let mut coefficients = vec![theta[0]];
        for (column, (centre, scale)) in self.centre.iter().zip(&self.scale).enumerate() {
            let slope = theta[column + 1] * scale;
            coefficients[0] -= slope * centre;
            coefficients.push(slope);
        }
        let predictor = rows.predictor.iter();
        BinaryFit {
            coefficients,
            probability: predictor.map(|&x| self.link.probability(x)).collect(),
            linear_predictor: rows.predictor,
            deviance: rows.deviance,
            n_iterations,
        }
    }
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .fold(0.0, |largest, (a, b)| (a - b).abs().max(largest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Stream;

    fn sample() -> (Matrix, Vec<bool>) {
        let mut stream = Stream::new(4, "binary", 0);
        let columns: Vec<Vec<f64>> = (0..2)
            .map(|_| (0..400).map(|_| stream.normal()).collect())
            .collect();
        let response = (0..400)
            .map(|row| stream.normal() < 0.4 * columns[0][row] - 0.7 * columns[1][row] - 0.3)
            .collect();
        (Matrix::from_columns(columns).unwrap(), response)
    }

    #[test]
    fn the_logit_is_that_of_logistic_regression() {
        let (x, y) = sample();
        let (here, there) = (
            fit(&x, &y, None, Link::Logit).unwrap(),
            logistic::fit(&x, &y).unwrap(),
        );
        for (a, b) in here.coefficients.iter().zip(&there.coefficients) {
            assert!((a - b).abs() < 1e-10);
        }
        assert!((here.deviance - there.deviance).abs() < 1e-9);
    }

    /// At the maximum no small change of a coefficient makes the likelihood larger.
    #[test]
    fn every_link_finds_the_largest_likelihood() {
        let (x, y) = sample();
        for link in [Link::Logit, Link::Probit, Link::Cloglog, Link::Cauchit] {
            let found = fit(&x, &y, None, link).unwrap();
            let deviance = |changed: usize, by: f64| {
                let mut b = found.coefficients.clone();
                b[changed] += by;
                let row = |row: usize| {
                    let p = link.response(b[0] + b[1] * x.get(row, 0) + b[2] * x.get(row, 1));
                    -2.0 * libm::log(if y[row] { p.yes } else { p.no })
                };
                sums::sum_of(y.len(), row)
            };
            assert!((deviance(0, 0.0) - found.deviance).abs() < 1e-9, "{link:?}");
            for coefficient in 0..3 {
                let slope = (deviance(coefficient, 1e-4) - deviance(coefficient, -1e-4)) / 2e-4;
                assert!(slope.abs() < 1e-4, "{link:?}: {slope}");
                assert!(deviance(coefficient, 0.05) > found.deviance);
            }
        }
    }

    #[test]
    fn a_weight_of_two_is_a_row_twice() {
        let (x, y) = sample();
        let weights: Vec<f64> = (0..400).map(|row| f64::from(row % 3)).collect();
        let rows: Vec<usize> = (0..400).flat_map(|row| vec![row; row % 3]).collect();
        let twice: Vec<bool> = rows.iter().map(|&row| y[row]).collect();
        let weighted = fit(&x, &y, Some(&weights), Link::Probit).unwrap();
        let repeated = fit(&x.select_rows(&rows), &twice, None, Link::Probit).unwrap();
        for (a, b) in weighted.coefficients.iter().zip(&repeated.coefficients) {
            assert!((a - b).abs() < 1e-9);
        }
    }

    #[test]
    fn arms_that_a_covariate_tells_apart_are_named() {
        let x = Matrix::from_columns(vec![vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]).unwrap();
        let y = [false, false, false, true, true, true];
        for link in [Link::Logit, Link::Probit, Link::Cloglog, Link::Cauchit] {
            let error = fit(&x, &y, None, link).unwrap_err();
            assert_eq!(error, LogisticError::Separated { column: 0 }, "{link:?}");
        }
    }
}

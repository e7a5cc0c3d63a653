//! Logistic regression by Newton's method (iteratively reweighted least squares).
//!
//! Columns are centred and scaled within, so units of measurement do not decide what can be
//! fitted. One pass over the rows gives predictor, information, score and deviance; it runs in
//! fixed chunks, so the fit has the same bits with any number of threads, and equal rows get
//! bit-identical predictors.
//!
//! # Reference
//!
//! McCullagh & Nelder (1989), *Generalized Linear Models*, section 4.4.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::gram::{CHUNK, Products, Strip, TILE};
use crate::moments::{self, count};
use crate::sums;
use crate::tile::in_four;
use crate::{Cholesky, Matrix, widest};

/// A fitted logistic regression.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticFit {
    /// The intercept, then one coefficient for each column, per unit of the column.
    pub coefficients: Vec<f64>,
    /// The linear predictor (logit) of each row.
    pub linear_predictor: Vec<f64>,
    /// The fitted probability of each row.
    pub probability: Vec<f64>,
    /// Minus twice the log likelihood.
    pub deviance: f64,
    /// Newton steps taken.
    pub n_iterations: u32,
}

/// Why a logistic regression has no fit.
///
/// Every message reads on from "cannot fit the logistic regression:".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogisticError {
    /// Rows and responses differ in number.
    #[error("{n_rows} rows of covariates but {n_responses} responses")]
    LengthMismatch {
        /// Rows of the matrix.
        n_rows: usize,
        /// Length of the response.
        n_responses: usize,
    },
    /// A covariate is NaN or infinite.
    #[error("covariate {column} in row {row} is no finite number")]
    NotFinite {
        /// Row of the cell.
        row: usize,
        /// Column of the cell.
        column: usize,
    },
    /// A weight is NaN, infinite or negative.
    #[error("the weight of row {row} is not a finite number of zero or more")]
    Weight {
        /// Row of the weight.
        row: usize,
    },
    /// All responses are equal.
    #[error("{n_true} of {n_rows} responses are true, expected some of both")]
    OneArmed {
        /// Responses that are true.
        n_true: usize,
        /// Responses in all.
        n_rows: usize,
    },
    /// A covariate has one value only.
    #[error("covariate {column} is constant")]
    Constant {
        /// Column of the matrix.
        column: usize,
    },
    /// A covariate is a linear combination of others.
    #[error(
        "covariate {column} is a linear combination of the intercept and the covariates before it"
    )]
    Collinear {
        /// Column of the matrix.
        column: usize,
    },
    /// The covariates tell the responses apart for some rows, so a coefficient has no finite value.
    #[error(
        "the covariates separate the responses: the coefficient of covariate {column} grows without bound"
    )]
    Separated {
        /// Column whose coefficient grows most, on its standardised scale.
        column: usize,
    },
    /// The steps did not settle.
    #[error("no convergence after {n_iterations} steps")]
    NotConverged {
        /// Steps taken.
        n_iterations: u32,
    },
}

/// Largest share of the deviance that the last step may have been worth.
const DEVIANCE_TOLERANCE: f64 = 1e-14;
/// Largest change of any row's logit in the last step.
const LOGIT_TOLERANCE: f64 = 1e-7;
/// Newton steps before giving up.
const MAX_ITERATIONS: u32 = 200;
/// Steps that keep moving some logit although the deviance stands still: separation.
const MAX_DRIFTING: u32 = 6;
/// Smallest `1 - R²` of a covariate on the ones before it.
const COLLINEARITY_TOLERANCE: f64 = 1e-11;

/// Fits `P(response) = 1 / (1 + exp(-(intercept + x·b)))` by maximum likelihood.
///
/// An intercept is always fitted. The fit is the maximum to rounding: the last step was worth at
/// most 1e-14 of the deviance and moved no row's logit by more than 1e-7, and Newton's method
/// squares what is left. Nothing is clipped.
///
/// # Shapes
///
/// - `covariates`: one row for each unit, without a column of ones.
/// - `response`: one value for each row.
///
/// # Errors
///
/// - [`LogisticError::LengthMismatch`], [`LogisticError::NotFinite`], [`LogisticError::OneArmed`]
///   for input that is none.
/// - [`LogisticError::Constant`] and [`LogisticError::Collinear`] name the first covariate that
///   adds nothing to those before it.
/// - [`LogisticError::Separated`] if the likelihood has no maximum, also where only some rows are
///   told apart.
/// - [`LogisticError::NotConverged`] after 200 steps.
pub fn fit(covariates: &Matrix, response: &[bool]) -> Result<LogisticFit, LogisticError> {
    let model = Model::new(covariates, response)?;
    let mut coefficients = model.start();
    let mut logits = vec![0.0; response.len()];
    let mut here = model.pass(&coefficients, &mut logits);
    let mut tolerance = COLLINEARITY_TOLERANCE;
    let mut n_drifting = 0;
    for n_iterations in 1..=MAX_ITERATIONS {
        let information = here.information.matrix();
        let factor = Cholesky::factor(&information, tolerance).map_err(|error| {
            let column = error.column.saturating_sub(1);
            if n_iterations == 1 {
                LogisticError::Collinear { column }
            } else {
                model.separated(&coefficients)
            }
        })?;
        tolerance = 0.0;
        let step = factor.solve(&here.score);
        let worth = sums::dot(&here.score, &step);
        here = model.step(&mut coefficients, step, &here, &mut logits);
        if worth <= DEVIANCE_TOLERANCE * (here.deviance + 0.1) {
            if here.largest_move <= LOGIT_TOLERANCE {
                return Ok(model.finish(&coefficients, logits, here.deviance, n_iterations));
            }
            n_drifting += 1;
            if n_drifting == MAX_DRIFTING {
                return Err(model.separated(&coefficients));
            }
        }
    }
    Err(LogisticError::NotConverged {
        n_iterations: MAX_ITERATIONS,
    })
}

/// The rows, seen with centred and scaled columns.
struct Model<'a> {
    covariates: &'a Matrix,
    response: &'a [bool],
    n_true: usize,
    centre: Vec<f64>,
    scale: Vec<f64>,
}

/// What one pass over the rows finds at given coefficients.
struct Pass {
    information: Products,
    score: Vec<f64>,
    deviance: f64,
    /// Largest change of a logit since the pass before.
    largest_move: f64,
}

impl<'a> Model<'a> {
    fn new(covariates: &'a Matrix, response: &'a [bool]) -> Result<Self, LogisticError> {
        let n_rows = response.len();
        if covariates.n_columns() > 0 && covariates.n_rows() != n_rows {
            return Err(LogisticError::LengthMismatch {
                n_rows: covariates.n_rows(),
                n_responses: n_rows,
            });
        }
        let n_true = response.iter().filter(|&&value| value).count();
        if n_true == 0 || n_true == n_rows {
            return Err(LogisticError::OneArmed { n_true, n_rows });
        }
        if let Some((row, column)) = covariates.first_not_finite() {
            return Err(LogisticError::NotFinite { row, column });
        }
        let mut centre = Vec::with_capacity(covariates.n_columns());
        let mut scale = Vec::with_capacity(covariates.n_columns());
        for (column, values) in covariates.columns().enumerate() {
            let (mean, variance) = moments::mean_and_variance(values);
            let constant = values
                .iter()
                .all(|value| value.to_bits() == values[0].to_bits());
            if constant || variance.is_nan() || variance <= 0.0 {
                return Err(LogisticError::Constant { column });
            }
            centre.push(mean);
            scale.push(1.0 / variance.sqrt());
        }
        Ok(Self {
            covariates,
            response,
            n_true,
            centre,
            scale,
        })
    }

    /// The fit without covariates.
    fn start(&self) -> Vec<f64> {
        let mut coefficients = vec![0.0; self.centre.len() + 1];
        let n_false = self.response.len() - self.n_true;
        coefficients[0] = libm::log(count(self.n_true) / count(n_false));
        coefficients
    }

    /// Takes a Newton step, halved as long as it makes the deviance worse.
    fn step(
        &self,
        coefficients: &mut [f64],
        mut step: Vec<f64>,
        here: &Pass,
        logits: &mut [f64],
    ) -> Pass {
        let slack = 1e-12 * (here.deviance + 0.1);
        let from = coefficients.to_vec();
        let mut n_halvings = 0;
        loop {
            for ((coefficient, from), step) in coefficients.iter_mut().zip(&from).zip(&step) {
                *coefficient = from + step;
            }
            let there = self.pass(coefficients, logits);
            if there.deviance <= here.deviance + slack || n_halvings == 30 {
                return there;
            }
            step.iter_mut().for_each(|value| *value *= 0.5);
            n_halvings += 1;
        }
    }

    fn pass(&self, coefficients: &[f64], logits: &mut [f64]) -> Pass {
        let chunks: Vec<Pass> = logits
            .par_chunks_mut(CHUNK)
            .enumerate()
            .map(|(chunk, logits)| {
                widest(Rows {
                    model: self,
                    start: chunk * CHUNK,
                    coefficients,
                    logits,
                })
            })
            .collect();
        let n = coefficients.len();
        let mut total = Pass {
            information: Products::new(n),
            score: vec![0.0; n],
            deviance: 0.0,
            largest_move: 0.0,
        };
        for chunk in &chunks {
            total.information.add(&chunk.information);
            total
                .score
                .iter_mut()
                .zip(&chunk.score)
                .for_each(|(total, value)| *total += value);
            total.deviance += chunk.deviance;
            total.largest_move = total.largest_move.max(chunk.largest_move);
        }
        total
    }

    /// Fills the strips with a tile's standardised rows and returns their linear predictor.
    #[inline(always)]
    fn load(&self, start: usize, n: usize, coefficients: &[f64], strips: &mut [Strip]) -> Strip {
        let mut predictor = [coefficients[0]; TILE];
        strips[0] = [1.0; TILE];
        for (column, values) in self.covariates.columns().enumerate() {
            let (centre, scale) = (self.centre[column], self.scale[column]);
            let (coefficient, strip) = (coefficients[column + 1], &mut strips[column + 1]);
            for (cell, value) in strip.iter_mut().zip(&values[start..start + n]) {
                *cell = (value - centre) * scale;
            }
            strip[n..].fill(0.0);
            for (total, cell) in predictor.iter_mut().zip(&*strip) {
                *total += coefficient * cell;
            }
        }
        predictor
    }

    fn separated(&self, coefficients: &[f64]) -> LogisticError {
        let sizes = coefficients
            .iter()
            .skip(1)
            .map(|value| value.abs())
            .enumerate();
        let largest = sizes.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        LogisticError::Separated {
            column: largest.map_or(0, |(column, _)| column),
        }
    }

    fn finish(
        &self,
        standardised: &[f64],
        logits: Vec<f64>,
        deviance: f64,
        n_iterations: u32,
    ) -> LogisticFit {
        let mut coefficients = vec![standardised[0]];
        for (column, (centre, scale)) in self.centre.iter().zip(&self.scale).enumerate() {
            let slope = standardised[column + 1] * scale;
            coefficients[0] -= slope * centre;
            coefficients.push(slope);
        }
        let probability = logits.par_iter().map(|&logit| probability(logit)).collect();
        LogisticFit {
            coefficients,
            linear_predictor: logits,
            probability,
            deviance,
            n_iterations,
        }
    }
}

/// The rows of a chunk, tile by tile.
struct Rows<'a> {
    model: &'a Model<'a>,
    start: usize,
    coefficients: &'a [f64],
    logits: &'a mut [f64],
}

impl WithSimd for Rows<'_> {
    type Output = Pass;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Pass {
        let mut information = Products::new(self.coefficients.len());
        let mut strips = information.strips();
        let mut score = vec![0.0; self.coefficients.len()];
        let (mut deviance, mut largest_move) = (0.0, 0.0_f64);
        for (tile, logits) in self.logits.chunks_mut(TILE).enumerate() {
            let start = self.start + tile * TILE;
            let coefficients = self.coefficients;
            let predictor = self
                .model
                .load(start, logits.len(), coefficients, &mut strips);
            for (old, new) in logits.iter_mut().zip(&predictor) {
                largest_move = largest_move.max((new - *old).abs());
                *old = *new;
            }
            let response = &self.model.response[start..start + logits.len()];
            let added = Added::new(&predictor, response);
            deviance += added.deviance;
            for (total, strip) in score.iter_mut().zip(&mut strips) {
                *total += in_four(strip, &added.residual);
                for (value, root) in strip.iter_mut().zip(&added.root_weight) {
                    *value *= root;
                }
            }
            information.add_tile(&strips);
        }
        Pass {
            information,
            score,
            deviance,
            largest_move,
        }
    }
}

/// What the rows of a tile add, given their logits. Rows beyond the data add nothing.
struct Added {
    residual: Strip,
    root_weight: Strip,
    deviance: f64,
}

impl Added {
    #[inline(always)]
    fn new(logits: &Strip, response: &[bool]) -> Self {
        let mut residual = [0.0; TILE];
        let mut root_weight = [0.0; TILE];
        let mut missed = 0.0;
        // Σ ln(1 + e) as the logarithm of one product: at most 2^128, and no digit is lost.
        let mut product = 1.0;
        for (i, &response) in response.iter().enumerate() {
            let size = logits[i].abs();
            let e = libm::exp(-size);
            let near = 1.0 / (1.0 + e);
            let as_expected = (logits[i] >= 0.0) == response;
            let error = if as_expected { e * near } else { near };
            residual[i] = if response { error } else { -error };
            root_weight[i] = e.sqrt() * near;
            product *= 1.0 + e;
            missed += if as_expected { 0.0 } else { size };
        }
        Self {
            residual,
            root_weight,
            deviance: 2.0 * (libm::log(product) + missed),
        }
    }
}

/// `1 / (1 + exp(-logit))`, without overflow.
#[must_use]
pub fn probability(logit: f64) -> f64 {
    let e = libm::exp(-logit.abs());
    if logit >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Stream;

    /// Rows with known coefficients: intercept -1, then 0.5, -0.4, 0.3, …
    fn example(n_rows: usize, n_columns: u32) -> (Matrix, Vec<bool>) {
        let mut stream = Stream::new(1, "logistic example", 0);
        let columns: Vec<Vec<f64>> = (0..n_columns)
            .map(|_| (0..n_rows).map(|_| stream.normal()).collect())
            .collect();
        let logit = |i: usize| {
            let terms = columns
                .iter()
                .zip([0.5, -0.4, 0.3, -0.2, 0.1].iter().cycle());
            terms.fold(-1.0, |total, (column, slope)| total + slope * column[i])
        };
        let response = (0..n_rows)
            .map(|i| stream.bernoulli(probability(logit(i))))
            .collect();
        (Matrix::from_columns(columns).unwrap(), response)
    }

    #[test]
    fn the_score_is_zero_at_the_fit() {
        let (x, y) = example(20_000, 5);
        let fit = fit(&x, &y).unwrap();
        let residual: Vec<f64> = y
            .iter()
            .zip(&fit.probability)
            .map(|(&y, p)| f64::from(u8::from(y)) - p)
            .collect();
        assert!(sums::sum(&residual).abs() < 1e-9);
        for column in x.columns() {
            assert!(sums::dot(column, &residual).abs() < 1e-9);
        }
        for (got, truth) in fit
            .coefficients
            .iter()
            .zip([-1.0, 0.5, -0.4, 0.3, -0.2, 0.1])
        {
            assert!((got - truth).abs() < 0.1, "{got} {truth}");
        }
    }

    #[test]
    fn one_binary_covariate_gives_the_log_odds_of_the_table() {
        let x: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i < 40))).collect();
        let y: Vec<bool> = (0..100).map(|i| !(10..70).contains(&i)).collect();
        let fit = fit(&Matrix::from_columns(vec![x]).unwrap(), &y).unwrap();
        let expected = [0.0, libm::log(10.0 / 30.0)];
        for (got, expected) in fit.coefficients.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-14, "{got} {expected}");
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let (x, y) = example(50_000, 7);
        let with = |n| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n)
                .build()
                .unwrap();
            pool.install(|| fit(&x, &y).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn equal_rows_get_identical_scores() {
        let (mut x, y) = example(1000, 3);
        for column in 0..3 {
            let value = x.get(3, column);
            [130, 255, 999]
                .iter()
                .for_each(|&row| x.set(row, column, value));
        }
        let scores = fit(&x, &y).unwrap().linear_predictor;
        assert!(
            [130, 255, 999]
                .iter()
                .all(|&row| scores[row].to_bits() == scores[3].to_bits())
        );
    }

    #[test]
    fn units_of_measurement_do_not_change_the_fit() {
        let (mut x, y) = example(2000, 3);
        let before = fit(&x, &y).unwrap();
        x.column_mut(1)
            .iter_mut()
            .for_each(|value| *value = *value * 1e9 + 1e10);
        let after = fit(&x, &y).unwrap();
        for (a, b) in before.linear_predictor.iter().zip(&after.linear_predictor) {
            assert!((a - b).abs() < 1e-6);
        }
    }

    #[test]
    fn covariates_that_add_nothing_are_named() {
        let (mut x, y) = example(500, 3);
        x.column_mut(1).fill(4.0);
        assert_eq!(fit(&x, &y), Err(LogisticError::Constant { column: 1 }));
        let (mut x, y) = example(500, 3);
        let sum: Vec<f64> = x
            .column(0)
            .iter()
            .zip(x.column(1))
            .map(|(a, b)| 2.0 * a - b + 3.0)
            .collect();
        x.column_mut(2).copy_from_slice(&sum);
        assert_eq!(fit(&x, &y), Err(LogisticError::Collinear { column: 2 }));
    }

    #[test]
    fn separation_is_named_also_where_it_is_partial() {
        let (mut x, y) = example(500, 3);
        x.column_mut(1)
            .iter_mut()
            .zip(&y)
            .for_each(|(value, &y)| *value = f64::from(u8::from(y)));
        assert_eq!(fit(&x, &y), Err(LogisticError::Separated { column: 1 }));
        let (mut x, y) = example(500, 3);
        let first_true = y.iter().position(|&y| y).unwrap();
        x.column_mut(2).fill(0.0);
        x.set(first_true, 2, 1.0);
        assert_eq!(fit(&x, &y), Err(LogisticError::Separated { column: 2 }));
    }

    #[test]
    fn input_that_is_none_is_refused() {
        let (mut x, y) = example(50, 2);
        assert_eq!(
            fit(&x, &y[1..]),
            Err(LogisticError::LengthMismatch {
                n_rows: 50,
                n_responses: 49
            })
        );
        assert_eq!(
            fit(&x, &[true; 50]),
            Err(LogisticError::OneArmed {
                n_true: 50,
                n_rows: 50
            })
        );
        x.set(7, 1, f64::NAN);
        assert_eq!(
            fit(&x, &y),
            Err(LogisticError::NotFinite { row: 7, column: 1 })
        );
    }
}

//! Newton's method on a convex sum over rows, `Σᵢ lossᵢ(xᵢ·θ) - b·θ`.
//!
//! Every method that solves for weights does it here. Rows are cut into fixed chunks and totals
//! are added in a fixed order, so the number of threads changes no bit.

use rayon::prelude::*;
use utfall_stats::{Cholesky, Matrix, cross_product, sums};

/// Rows that one thread takes at a time.
const CHUNK: usize = 2048;
/// Newton steps before giving up.
const MAX_ITERATIONS: u32 = 200;
/// Largest mean of a standardised column that still counts as balanced.
const BALANCE_TOLERANCE: f64 = 1e-12;
/// Largest change of any row's predictor in the last step.
const MOVE_TOLERANCE: f64 = 1e-7;
/// Steps that keep moving some predictor although balance is reached: the solution is at infinity.
const MAX_DRIFTING: u32 = 6;
/// Smallest `1 - R²` of a column on the ones before it.
const COLLINEARITY_TOLERANCE: f64 = 1e-11;

/// What a row adds at its predictor: the loss and its first two derivatives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss {
    pub(super) value: f64,
    pub(super) slope: f64,
    pub(super) curvature: f64,
}

/// A convex sum over rows.
pub(super) struct Problem<'a, L, E> {
    /// One row for each unit; the first column is one, the others are standardised.
    pub(super) rows: &'a Matrix,
    /// The vector `b`; empty for none.
    pub(super) linear: &'a [f64],
    /// The size of the sum, to which differences are compared: a number of units.
    pub(super) size: f64,
    /// The loss of a row at its predictor.
    pub(super) loss: L,
    /// Whether these coefficients and predictors prove that the sum has no lower bound.
    pub(super) is_unbounded: E,
}

/// Where the sum is smallest.
pub(super) struct Solution {
    /// The coefficients `θ`.
    pub(super) theta: Vec<f64>,
    /// The predictor `xᵢ·θ` of each row.
    pub(super) predictor: Vec<f64>,
}

/// What the rows add at some coefficients.
struct Rows {
    predictor: Vec<f64>,
    slope: Vec<f64>,
    curvature: Vec<f64>,
    /// The sum.
    value: f64,
}

/// Why there is no smallest sum; columns count from 1, as the first is the constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsolved {
    /// A column is a combination of those before it.
    Collinear { column: usize },
    /// The sum falls without end, or to a limit that is not reached.
    Unbounded { column: usize },
    /// The steps did not settle.
    NotConverged { n_iterations: u32 },
}

impl<L, E> Problem<'_, L, E>
where
    L: Fn(usize, f64) -> Loss + Sync,
    E: Fn(&[f64], &[f64]) -> bool + Sync,
{
    /// Finds the smallest sum from these coefficients on.
    pub(super) fn minimise(&self, start: Vec<f64>) -> Result<Solution, Unsolved> {
        let mut theta = start;
        let mut here = self.at(&theta);
        let mut largest_move = f64::INFINITY;
        let mut n_drifting = 0;
        for n_iterations in 0..MAX_ITERATIONS {
            let gradient = self.gradient(&here.slope);
            let balanced = gradient
                .iter()
                .all(|value| value.abs() <= BALANCE_TOLERANCE * self.size);
            if balanced && largest_move <= MOVE_TOLERANCE {
                return Ok(Solution {
                    theta,
                    predictor: here.predictor,
                });
            }
            n_drifting += u32::from(balanced);
            if n_drifting > MAX_DRIFTING || (self.is_unbounded)(&theta, &here.predictor) {
                return Err(unbounded(&theta));
            }
            let information = cross_product(self.rows, Some(&here.curvature));
            let first = n_iterations == 0;
            let tolerance = if first { COLLINEARITY_TOLERANCE } else { 0.0 };
            let factor = Cholesky::factor(&information, tolerance).map_err(|error| {
                if first {
                    Unsolved::Collinear {
                        column: error.column,
                    }
                } else {
                    unbounded(&theta)
                }
            })?;
            let there = self.step(&mut theta, factor.solve(&gradient), here.value);
            largest_move = largest_difference(&here.predictor, &there.predictor);
            here = there;
        }
        Err(Unsolved::NotConverged {
            n_iterations: MAX_ITERATIONS,
        })
    }

    /// Takes a step, halved as long as it makes the sum larger.
    fn step(&self, theta: &mut Vec<f64>, mut step: Vec<f64>, value: f64) -> Rows {
        let slack = 1e-12 * (value.abs() + self.size);
        let from = theta.clone();
        let mut n_halvings = 0;
        loop {
            *theta = from.iter().zip(&step).map(|(a, b)| a - b).collect();
            let there = self.at(theta);
            if there.value <= value + slack || n_halvings == 40 {
                return there;
            }
            step.iter_mut().for_each(|value| *value *= 0.5);
            n_halvings += 1;
        }
    }

    /// Predictors and losses of all rows, in one pass.
    fn at(&self, theta: &[f64]) -> Rows {
        let n_rows = self.rows.n_rows();
        let mut rows = Rows {
            predictor: vec![0.0; n_rows],
            slope: vec![0.0; n_rows],
            curvature: vec![0.0; n_rows],
            value: 0.0,
        };
        let values: Vec<f64> = rows
            .predictor
            .par_chunks_mut(CHUNK)
            .zip(rows.slope.par_chunks_mut(CHUNK))
            .zip(rows.curvature.par_chunks_mut(CHUNK))
            .enumerate()
            .map(|(chunk, ((predictor, slope), curvature))| {
                let start = chunk * CHUNK;
                for (column, coefficient) in self.rows.columns().zip(theta) {
                    for (value, cell) in predictor.iter_mut().zip(&column[start..]) {
                        *value += coefficient * cell;
                    }
                }
                let mut total = 0.0;
                for (i, &at) in predictor.iter().enumerate() {
                    let loss = (self.loss)(start + i, at);
                    (slope[i], curvature[i]) = (loss.slope, loss.curvature);
                    total += loss.value;
                }
                total
            })
            .collect();
        rows.value = sums::sum(&values) - inner(theta, self.linear);
        rows
    }

    fn gradient(&self, slope: &[f64]) -> Vec<f64> {
        let mut gradient: Vec<f64> = self
            .rows
            .columns()
            .map(|column| sums::dot(column, slope))
            .collect();
        gradient
            .iter_mut()
            .zip(self.linear)
            .for_each(|(total, linear)| *total -= linear);
        gradient
    }
}

/// The column, other than the constant, whose coefficient is largest.
fn unbounded(theta: &[f64]) -> Unsolved {
    let sizes = theta.iter().map(|value| value.abs()).enumerate().skip(1);
    let largest = sizes.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    Unsolved::Unbounded {
        column: largest.map_or(0, |(column, _)| column),
    }
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .fold(0.0, |largest, (a, b)| (a - b).abs().max(largest))
}

/// The inner product of two short vectors.
pub(super) fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |total, (x, y)| total + x * y)
}

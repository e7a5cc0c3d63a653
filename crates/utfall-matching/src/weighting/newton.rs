//! Newton's method on a convex sum over rows, `Σᵢ lossᵢ(xᵢ·θ) - b·θ`.
//!
//! Every method that solves for weights does it here. Rows are cut into fixed chunks and totals
//! are added in a fixed order, so the number of threads changes no bit.

use utfall_stats::scan::{Scan, Term, scan};
use utfall_stats::{Cholesky, Matrix, cross_product};

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

/// A convex sum over rows.
pub(super) struct Problem<'a, L, E> {
    /// One row for each unit; the first column is one, the others are standardised.
    pub(super) rows: &'a Matrix,
    /// The vector `b`; empty for none.
    pub(super) linear: &'a [f64],
    /// The size of the sum, to which differences are compared: a number of units.
    pub(super) size: f64,
    /// What a row adds at its predictor.
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
    L: Fn(usize, f64) -> Term + Sync,
    E: Fn(&[f64], &[f64]) -> bool + Sync,
{
    /// Finds the smallest sum from these coefficients on.
    pub(super) fn minimise(&self, start: Vec<f64>) -> Result<Solution, Unsolved> {
        let mut theta = start;
        let mut predictor = vec![0.0; self.rows.n_rows()];
        let mut here = self.at(&theta, &mut predictor, true);
        let mut largest_move = f64::INFINITY;
        let mut n_drifting = 0;
        for n_iterations in 0..MAX_ITERATIONS {
            let balanced = here
                .gradient
                .iter()
                .all(|value| value.abs() <= BALANCE_TOLERANCE * self.size);
            if balanced && largest_move <= MOVE_TOLERANCE {
                return Ok(Solution { theta, predictor });
            }
            n_drifting += u32::from(balanced);
            if n_drifting > MAX_DRIFTING || (self.is_unbounded)(&theta, &predictor) {
                return Err(unbounded(&theta));
            }
            let information = match here.curvature.take() {
                Some(information) => information,
                None => {
                    let rows = predictor.iter().enumerate();
                    let weights: Vec<f64> = rows
                        .map(|(row, &at)| (self.loss)(row, at).curvature)
                        .collect();
                    cross_product(self.rows, Some(&weights))
                }
            };
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
            // A step squares what is left, so after a short one the next is the last.
            let goes_on = largest_move > MOVE_TOLERANCE.sqrt();
            let step = factor.solve(&here.gradient);
            here = self.step(&mut theta, step, here.value, &mut predictor, goes_on);
            largest_move = here.largest_move;
        }
        Err(Unsolved::NotConverged {
            n_iterations: MAX_ITERATIONS,
        })
    }

    /// Takes a step, halved as long as it makes the sum larger.
    fn step(
        &self,
        theta: &mut Vec<f64>,
        mut step: Vec<f64>,
        value: f64,
        predictor: &mut [f64],
        goes_on: bool,
    ) -> Scan {
        let slack = 1e-12 * (value.abs() + self.size);
        let (from, before) = (theta.clone(), predictor.to_vec());
        let mut n_halvings = 0;
        loop {
            *theta = from.iter().zip(&step).map(|(a, b)| a - b).collect();
            let mut there = self.at(theta, predictor, goes_on);
            if there.value <= value + slack || n_halvings == 40 {
                if n_halvings > 0 {
                    there.largest_move = largest_difference(&before, predictor);
                }
                return there;
            }
            step.iter_mut().for_each(|value| *value *= 0.5);
            n_halvings += 1;
        }
    }

    /// The sum, its slopes and, if asked for, its curvature, in one pass.
    fn at(&self, theta: &[f64], predictor: &mut [f64], with_curvature: bool) -> Scan {
        let mut scan = scan(self.rows, theta, predictor, with_curvature, &self.loss);
        scan.value -= inner(theta, self.linear);
        let slopes = scan.gradient.iter_mut().zip(self.linear);
        slopes.for_each(|(total, linear)| *total -= linear);
        scan
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

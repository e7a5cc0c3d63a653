//! Linear and logistic models whose coefficients are held small.
//!
//! Covariates are centred and scaled by their standard deviation in the rows fitted; a covariate that
//! does not vary there has no part. Ridge solves its equations; the lasso goes from coefficient to
//! coefficient on the cross products until none moves; the logistic likelihood does either on its
//! quadratic approximation, again and again.
//!
//! Hoerl & Kennard (1970), <https://doi.org/10.1080/00401706.1970.10488634>; Tibshirani (1996),
//! <https://doi.org/10.1111/j.2517-6161.1996.tb02080.x>; Friedman, Hastie & Tibshirani (2010) on going
//! from coefficient to coefficient, <https://doi.org/10.18637/jss.v033.i01>.

use utfall_stats::elementary::{exp, log1p};
use utfall_stats::logistic::probability;
use utfall_stats::moments::{count, mean};
use utfall_stats::sums::{dot, sum_of};
use utfall_stats::{Cholesky, Matrix, cross_product_of};

use super::Target;
use crate::EffectError;

/// Rounds over all coefficients before the lasso counts as without an optimum.
const MOST_ROUNDS: u32 = 100_000;
/// Steps of the logistic likelihood.
const MOST_STEPS: u32 = 100;
/// Largest change of a coefficient, in standard deviations of the outcome, that ends a search.
const TOLERANCE: f64 = 1e-13;

/// What is added to the mean loss.
#[derive(Clone, Copy)]
pub(super) enum Penalty {
    /// Half of this times the sum of squares.
    Squares(f64),
    /// This times the sum of absolute values.
    Sizes(f64),
}

/// A fitted linear predictor.
pub(crate) struct Penalised {
    constant: f64,
    slopes: Vec<f64>,
}

/// Columns scaled to mean zero and standard deviation one.
struct Scaled {
    columns: Vec<Vec<f64>>,
    means: Vec<f64>,
    /// One over the standard deviation; zero for a column that does not vary.
    factors: Vec<f64>,
}

impl Penalised {
    pub(super) fn fit(
        penalty: Penalty,
        target: Target,
        columns: &[&[f64]],
        outcome: &[f64],
    ) -> Result<Self, EffectError> {
        let (mut constant, mut slopes) = (0.0, vec![0.0; columns.len()]);
        for fitted in Self::path(&[penalty], target, columns, outcome)? {
            (constant, slopes) = (fitted.constant, fitted.slopes);
        }
        Ok(Self { constant, slopes })
    }

    /// A fit for each penalty; those of a likelihood start where the one before ended.
    pub(super) fn path(
        penalties: &[Penalty],
        target: Target,
        columns: &[&[f64]],
        outcome: &[f64],
    ) -> Result<Vec<Self>, EffectError> {
        let scaled = Scaled::of(columns);
        let fits = match target {
            Target::Number => scaled.least_squares(penalties, outcome)?,
            Target::Probability => scaled.logistic(penalties, outcome)?,
        };
        Ok(fits
            .into_iter()
            .map(|(constant, slopes)| {
                let slopes: Vec<f64> = slopes
                    .iter()
                    .zip(&scaled.factors)
                    .map(|(slope, factor)| slope * factor)
                    .collect();
                let shift = slopes.iter().zip(&scaled.means);
                let shift: f64 = shift.map(|(slope, mean)| slope * mean).sum();
                Self {
                    constant: constant - shift,
                    slopes,
                }
            })
            .collect())
    }

    pub(super) fn predict(&self, target: Target, columns: &[&[f64]], n_rows: usize) -> Vec<f64> {
        let value = |row: usize| {
            let terms = columns.iter().zip(&self.slopes);
            let along: f64 = terms.map(|(column, slope)| column[row] * slope).sum();
            match target {
                Target::Number => self.constant + along,
                Target::Probability => probability(self.constant + along),
            }
        };
        (0..n_rows).map(value).collect()
    }
}

/// A constant and slopes of scaled columns.
type Fit = (f64, Vec<f64>);

/// The penalty of sizes from which on a fit keeps nothing: the largest product, over rows, of a scaled
/// column with the outcome less its mean.
pub(super) fn largest_pull(columns: &[&[f64]], outcome: &[f64]) -> f64 {
    let pulls = Scaled::of(columns).pulls(outcome);
    pulls.iter().fold(0.0, |most, pull| most.max(pull.abs()))
}

impl Scaled {
    fn of(columns: &[&[f64]]) -> Self {
        let mut scaled = Self {
            columns: Vec::with_capacity(columns.len()),
            means: Vec::with_capacity(columns.len()),
            factors: Vec::with_capacity(columns.len()),
        };
        for column in columns {
            let centre = mean(column);
            let square = sum_of(column.len(), |row| {
                (column[row] - centre) * (column[row] - centre)
            });
            let spread = (square / count(column.len())).sqrt();
            let varies = spread > 1e-12 * centre.abs();
            let factor = if varies { 1.0 / spread } else { 0.0 };
            let own = column.iter().map(|value| (value - centre) * factor);
            scaled.columns.push(own.collect());
            scaled.means.push(centre);
            scaled.factors.push(factor);
        }
        scaled
    }

    /// The mean product of each column with the outcome less its mean.
    fn pulls(&self, outcome: &[f64]) -> Vec<f64> {
        let centre = mean(outcome);
        let left: Vec<f64> = outcome.iter().map(|value| value - centre).collect();
        let pulls = self.columns.iter();
        pulls
            .map(|column| dot(column, &left) / count(outcome.len()))
            .collect()
    }

    fn least_squares(
        &self,
        penalties: &[Penalty],
        outcome: &[f64],
    ) -> Result<Vec<Fit>, EffectError> {
        let n_rows = count(outcome.len());
        let centre = mean(outcome);
        let slices: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let products = over(&cross_product_of(&slices, None), n_rows);
        let pulls = self.pulls(outcome);
        let square = sum_of(outcome.len(), |row| {
            (outcome[row] - centre) * (outcome[row] - centre)
        });
        let size = (square / n_rows).sqrt();
        let free = vec![false; pulls.len()];
        penalties
            .iter()
            .map(|&penalty| Ok((centre, solve(penalty, &products, &pulls, &free, size)?)))
            .collect()
    }

    /// Newton's method; each step minimises the quadratic approximation with the penalty.
    fn logistic(&self, penalties: &[Penalty], outcome: &[f64]) -> Result<Vec<Fit>, EffectError> {
        let mut start = vec![0.0; self.columns.len() + 1];
        penalties
            .iter()
            .map(|&penalty| {
                start = self.logistic_from(&start, penalty, outcome)?;
                Ok((start[0], start[1..].to_vec()))
            })
            .collect()
    }

    fn logistic_from(
        &self,
        start: &[f64],
        penalty: Penalty,
        outcome: &[f64],
    ) -> Result<Vec<f64>, EffectError> {
        let n = outcome.len();
        let one = vec![1.0; n];
        let columns = std::iter::once(one.as_slice()).chain(self.columns.iter().map(Vec::as_slice));
        let columns: Vec<&[f64]> = columns.collect();
        let mut free = vec![false; columns.len()];
        free[0] = true;
        let mut here = start.to_vec();
        let mut loss = self.loss(penalty, &columns, &here, outcome);
        for _ in 0..MOST_STEPS {
            let predictor = along(&columns, &here, n);
            let fitted: Vec<f64> = predictor.iter().map(|&eta| probability(eta)).collect();
            let curvature: Vec<f64> = fitted.iter().map(|p| p * (1.0 - p)).collect();
            let products = over(&cross_product_of(&columns, Some(&curvature)), count(n));
            // The pull of the quadratic at zero: that of the score, and of where the step starts.
            let moved =
                (0..n).map(|row| outcome[row] - fitted[row] + curvature[row] * predictor[row]);
            let moved: Vec<f64> = moved.collect();
            let pulls = columns.iter().map(|column| dot(column, &moved) / count(n));
            let wanted = solve(penalty, &products, &pulls.collect::<Vec<_>>(), &free, 1.0)?;
            let mut share = 1.0;
            let (next, next_loss) = loop {
                let next: Vec<f64> = here
                    .iter()
                    .zip(&wanted)
                    .map(|(from, to)| from + share * (to - from))
                    .collect();
                let next_loss = self.loss(penalty, &columns, &next, outcome);
                if next_loss <= loss + 1e-14 * loss.abs() || share < 1e-6 {
                    break (next, next_loss);
                }
                share *= 0.5;
            };
            let change = here.iter().zip(&next);
            let change = change.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            (here, loss) = (next, next_loss);
            if change < 1e-11 {
                return Ok(here);
            }
        }
        Err(EffectError::NotConverged {
            n_iterations: MOST_STEPS,
        })
    }

    fn loss(&self, penalty: Penalty, columns: &[&[f64]], at: &[f64], outcome: &[f64]) -> f64 {
        let predictor = along(columns, at, outcome.len());
        let row = |row: usize| {
            let eta = predictor[row];
            // log(1 + exp(eta)) - y·eta without overflow.
            eta.max(0.0) + log1p(exp(-eta.abs())) - outcome[row] * eta
        };
        let slopes = at[1..].iter();
        let added: f64 = match penalty {
            Penalty::Squares(by) => 0.5 * by * slopes.map(|slope| slope * slope).sum::<f64>(),
            Penalty::Sizes(by) => by * slopes.map(|slope| slope.abs()).sum::<f64>(),
        };
        sum_of(outcome.len(), row) / count(outcome.len()) + added
    }
}

fn along(columns: &[&[f64]], coefficients: &[f64], n_rows: usize) -> Vec<f64> {
    let value = |row: usize| {
        let terms = columns.iter().zip(coefficients);
        terms.map(|(column, slope)| column[row] * slope).sum()
    };
    (0..n_rows).map(value).collect()
}

fn over(products: &Matrix, n_rows: f64) -> Vec<Vec<f64>> {
    let n = products.n_columns();
    (0..n)
        .map(|j| (0..n).map(|k| products.get(j, k) / n_rows).collect())
        .collect()
}

/// Minimises `½b′Gb − b′c` and the penalty of the coefficients that are not free.
fn solve(
    penalty: Penalty,
    products: &[Vec<f64>],
    pulls: &[f64],
    free: &[bool],
    size: f64,
) -> Result<Vec<f64>, EffectError> {
    match penalty {
        Penalty::Squares(by) => {
            // What does not vary has neither product nor pull; one in its place leaves it at zero.
            let rows = products.iter().enumerate().map(|(j, row)| {
                let mut row = row.clone();
                row[j] += if free[j] { 0.0 } else { by };
                if row[j] <= 0.0 {
                    row[j] = 1.0;
                }
                row
            });
            let rows = Matrix::from_columns(rows.collect())
                .map_err(|_| EffectError::OutOfRange { what: "covariate" })?;
            let factor = Cholesky::factor(&rows, 1e-14);
            let factor = factor.map_err(|error| EffectError::RankDeficient {
                column: error.column,
            })?;
            Ok(factor.solve(pulls))
        }
        Penalty::Sizes(by) => by_coefficients(by, products, pulls, free, size),
    }
}

/// The lasso, one coefficient after another.
fn by_coefficients(
    by: f64,
    products: &[Vec<f64>],
    pulls: &[f64],
    free: &[bool],
    size: f64,
) -> Result<Vec<f64>, EffectError> {
    let mut slopes = vec![0.0; pulls.len()];
    // What is left of the pulls beside the coefficients so far.
    let mut left = pulls.to_vec();
    for _ in 0..MOST_ROUNDS {
        let mut largest = 0.0_f64;
        for j in 0..slopes.len() {
            let own = products[j][j];
            if own <= 0.0 {
                continue;
            }
            let pull = left[j] + own * slopes[j];
            let held = if free[j] { 0.0 } else { by };
            let next = pull.signum() * (pull.abs() - held).max(0.0) / own;
            let change = next - slopes[j];
            if change.abs() > 0.0 {
                slopes[j] = next;
                for (left, product) in left.iter_mut().zip(&products[j]) {
                    *left -= change * product;
                }
                largest = largest.max(change.abs());
            }
        }
        if largest <= TOLERANCE * size {
            return Ok(slopes);
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_ROUNDS,
    })
}

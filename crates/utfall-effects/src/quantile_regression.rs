//! Quantile regression: how a quantile of the outcome moves with treatment and covariates.
//!
//! The fit is a vertex of a linear programme: as many rows as columns are fitted exactly. From a
//! vertex the search leaves along the edge on which the objective falls fastest and goes on, past
//! rows that change sides, to where it stops falling; it ends where no edge leads down. Outcomes
//! are moved by a hair, the same for the same rows, so that ties cannot make it go in circles, and
//! the rows of the last vertex are solved with the outcomes as they are.
//!
//! Koenker & Bassett (1978), <https://doi.org/10.2307/1913643>; Barrodale & Roberts (1973),
//! <https://doi.org/10.1137/0710069>.

use utfall_stats::draws::Stream;
use utfall_stats::sums::sum_of;

use crate::regression::check_finite;
use crate::{EffectError, WeightedRegression};

/// Steps before giving up, for each row and column.
const MOST_STEPS: usize = 20;
/// How far outcomes are moved, in shares of their size.
const HAIR: f64 = 1e-11;
/// Slope of the objective, in shares of its scale, below which an edge does not lead down.
const LEAST_SLOPE: f64 = 1e-9;

/// A quantile regression.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileFit {
    /// One coefficient for each column.
    pub coefficients: Vec<f64>,
    /// `Σ` of the tilted absolute residuals, which the fit makes as small as can be.
    pub objective: f64,
    /// Rows that are fitted exactly.
    pub basis: Vec<usize>,
}

/// Fits a quantile of the outcome on the columns.
///
/// The coefficient of a randomised treatment is the effect on that quantile of the outcomes, not
/// the quantile of effects. There is no closed standard error here that holds without a bandwidth:
/// bootstrap it.
///
/// # Shapes and units
///
/// - `quantile`: between 0 and 1.
/// - `columns`: at least one, each with one value per row; a constant is a column like any other.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::TooFewRows`],
/// [`EffectError::RankDeficient`] as for [`WeightedRegression::fit`],
/// [`EffectError::OutsideRange`] for a quantile that is none, and [`EffectError::NotConverged`] if
/// the steps do not end.
///
/// # Reference
///
/// Koenker (2005), *Quantile Regression*, chapter 6, <https://doi.org/10.1017/CBO9780511754098>.
pub fn quantile_regression(
    quantile: f64,
    columns: &[&[f64]],
    outcome: &[f64],
) -> Result<QuantileFit, EffectError> {
    if !(quantile > 0.0 && quantile < 1.0) {
        return Err(EffectError::OutsideRange {
            what: "quantile",
            value: quantile,
        });
    }
    check_finite("outcome", outcome, outcome.len())?;
    let one = vec![1.0; outcome.len()];
    let least_squares = WeightedRegression::fit(columns, &one, outcome)?;
    let residual = least_squares.residual();
    let spread = sum_of(residual.len(), |row| residual[row].abs())
        / utfall_stats::moments::count(residual.len());
    let mut stream = Stream::new(0, "quantile regression", 0);
    let moved: Vec<f64> = outcome
        .iter()
        .map(|y| y + HAIR * spread * (stream.uniform() - 0.5))
        .collect();
    let programme = Programme {
        quantile,
        columns,
        outcome: &moved,
    };
    let mut basis = programme.start(residual)?;
    let most = MOST_STEPS * (columns.len() + 1) * 10 + outcome.len();
    for _step in 0..most {
        match programme.step(&mut basis)? {
            true => {}
            false => return programme.finish(basis, outcome),
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: u32::try_from(most).unwrap_or(u32::MAX),
    })
}

struct Programme<'a> {
    quantile: f64,
    columns: &'a [&'a [f64]],
    outcome: &'a [f64],
}

impl Programme<'_> {
    /// The rows with the residuals nearest to their quantile that span the columns.
    fn start(&self, residual: &[f64]) -> Result<Vec<usize>, EffectError> {
        let mut order: Vec<usize> = (0..residual.len()).collect();
        order.sort_by(|&a, &b| residual[a].total_cmp(&residual[b]));
        let share = utfall_stats::moments::count(order.len()) * self.quantile;
        let middle = residual[order[crate::resampling::quantile::rank(share.ceil(), order.len())]];
        order.sort_by(|&a, &b| {
            let far = |row: usize| (residual[row] - middle).abs();
            far(a).total_cmp(&far(b)).then(a.cmp(&b))
        });
        let mut basis = Vec::with_capacity(self.columns.len());
        let mut directions: Vec<Vec<f64>> = Vec::new();
        for row in order {
            let mut left = self.row(row);
            let before = norm(&left);
            for _pass in 0..2 {
                for direction in &directions {
                    let share: f64 = direction.iter().zip(&left).map(|(d, l)| d * l).sum();
                    left.iter_mut()
                        .zip(direction)
                        .for_each(|(l, d)| *l -= share * d);
                }
            }
            let length = norm(&left);
            if length > 1e-7 * before {
                directions.push(left.into_iter().map(|value| value / length).collect());
                basis.push(row);
            }
            if basis.len() == self.columns.len() {
                return Ok(basis);
            }
        }
        Err(EffectError::RankDeficient {
            column: basis.len(),
        })
    }

    fn row(&self, row: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[row]).collect()
    }

    /// Leaves the vertex along the steepest edge; `false` if none leads down.
    fn step(&self, basis: &mut [usize]) -> Result<bool, EffectError> {
        let rows: Vec<Vec<f64>> = basis.iter().map(|&row| self.row(row)).collect();
        let inverse = inverse(&rows).ok_or(EffectError::RankDeficient { column: 0 })?;
        let coefficients: Vec<f64> = inverse
            .iter()
            .map(|line| {
                line.iter()
                    .zip(basis.iter())
                    .map(|(v, &row)| v * self.outcome[row])
                    .sum()
            })
            .collect();
        let n_rows = self.outcome.len();
        let mut residual = self.residual(&coefficients, self.outcome);
        basis.iter().for_each(|&row| residual[row] = 0.0);
        // What each row pulls with, and through which columns.
        let pull = |row: usize| {
            if residual[row] > 0.0 {
                self.quantile
            } else if residual[row] < 0.0 {
                self.quantile - 1.0
            } else {
                0.0
            }
        };
        let gradient: Vec<f64> = self
            .columns
            .iter()
            .map(|column| sum_of(n_rows, |row| pull(row) * column[row]))
            .collect();
        let scale: f64 = 1.0_f64.max(gradient.iter().fold(0.0, |most, g| most.max(g.abs())));
        let mut steepest: Option<(usize, f64, f64)> = None;
        for (which, _) in basis.iter().enumerate() {
            let lines = gradient.iter().zip(&inverse);
            let along: f64 = lines.map(|(slope, line)| slope * line[which]).sum();
            // Raising the fit of the row by one costs 1 - quantile, lowering it quantile.
            for (sign, cost) in [(1.0, 1.0 - self.quantile), (-1.0, self.quantile)] {
                let slope = cost - sign * along;
                if steepest.is_none_or(|(_, _, least)| slope < least) {
                    steepest = Some((which, sign, slope));
                }
            }
        }
        let Some((which, sign, slope)) =
            steepest.filter(|(_, _, slope)| *slope < -LEAST_SLOPE * scale.min(1e6))
        else {
            return Ok(false);
        };
        let direction: Vec<f64> = inverse.iter().map(|line| sign * line[which]).collect();
        let entering = self.longest(&direction, &residual, basis, slope);
        match entering {
            Some(row) => {
                basis[which] = row;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The row at which the objective stops falling along a direction.
    fn longest(
        &self,
        direction: &[f64],
        residual: &[f64],
        basis: &[usize],
        slope: f64,
    ) -> Option<usize> {
        let mut crossings: Vec<(f64, f64, usize)> = Vec::new();
        for row in 0..residual.len() {
            let speed: f64 = self
                .columns
                .iter()
                .zip(direction)
                .map(|(column, d)| column[row] * d)
                .sum();
            if speed * residual[row] > 0.0 && !basis.contains(&row) {
                crossings.push((residual[row] / speed, speed.abs(), row));
            }
        }
        crossings.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        let mut slope = slope;
        for (_, speed, row) in crossings {
            slope += speed;
            if slope >= 0.0 {
                return Some(row);
            }
        }
        None
    }

    fn residual(&self, coefficients: &[f64], outcome: &[f64]) -> Vec<f64> {
        let mut residual = outcome.to_vec();
        for (column, coefficient) in self.columns.iter().zip(coefficients) {
            for (left, value) in residual.iter_mut().zip(*column) {
                *left -= coefficient * value;
            }
        }
        residual
    }

    /// The vertex with the outcomes as they are.
    fn finish(&self, basis: Vec<usize>, outcome: &[f64]) -> Result<QuantileFit, EffectError> {
        let rows: Vec<Vec<f64>> = basis.iter().map(|&row| self.row(row)).collect();
        let inverse = inverse(&rows).ok_or(EffectError::RankDeficient { column: 0 })?;
        let coefficients: Vec<f64> = inverse
            .iter()
            .map(|line| {
                line.iter()
                    .zip(&basis)
                    .map(|(v, &row)| v * outcome[row])
                    .sum()
            })
            .collect();
        let residual = self.residual(&coefficients, outcome);
        let objective = sum_of(residual.len(), |row| {
            let tilt = if residual[row] < 0.0 {
                self.quantile - 1.0
            } else {
                self.quantile
            };
            tilt * residual[row]
        });
        Ok(QuantileFit {
            coefficients,
            objective,
            basis,
        })
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// The inverse of a small matrix by elimination with the largest pivot; `None` if it has none.
fn inverse(rows: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let n = rows.len();
    let mut left = rows.to_vec();
    let mut right: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect())
        .collect();
    for column in 0..n {
        let pivot =
            (column..n).max_by(|&a, &b| left[a][column].abs().total_cmp(&left[b][column].abs()))?;
        if left[pivot][column].abs() <= 1e-300 {
            return None;
        }
        left.swap(column, pivot);
        right.swap(column, pivot);
        let by = left[column][column];
        left[column].iter_mut().for_each(|value| *value /= by);
        right[column].iter_mut().for_each(|value| *value /= by);
        let (pivot_left, pivot_right) = (left[column].clone(), right[column].clone());
        for row in (0..n).filter(|&row| row != column) {
            let times = left[row][column];
            left[row]
                .iter_mut()
                .zip(&pivot_left)
                .for_each(|(value, p)| *value -= times * p);
            right[row]
                .iter_mut()
                .zip(&pivot_right)
                .for_each(|(value, p)| *value -= times * p);
        }
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_a_constant_alone_the_fit_is_an_order_statistic() {
        let one = [1.0; 7];
        let outcome = [5.0, 1.0, 9.0, 3.0, 7.0, 2.0, 8.0];
        for (quantile, expected) in [(0.1, 1.0), (0.5, 5.0), (0.8, 8.0)] {
            let fit = quantile_regression(quantile, &[&one], &outcome).unwrap();
            assert!(
                (fit.coefficients[0] - expected).abs() < 1e-12,
                "{quantile}: {fit:?}"
            );
        }
    }

    #[test]
    fn no_other_vertex_is_better() {
        let n = 14;
        let one = vec![1.0; n];
        let x: Vec<f64> = (0..n)
            .map(|i| f64::from(u8::try_from(i * 5 % 11).unwrap()))
            .collect();
        let y: Vec<f64> = (0..n)
            .map(|i| f64::from(u8::try_from(i * i % 17).unwrap()))
            .collect();
        let fit = quantile_regression(0.3, &[&one, &x], &y).unwrap();
        for a in 0..n {
            for b in 0..a {
                if (x[a] - x[b]).abs() > 0.0 {
                    let slope = (y[a] - y[b]) / (x[a] - x[b]);
                    let constant = y[a] - slope * x[a];
                    let objective: f64 = (0..n)
                        .map(|i| {
                            let r = y[i] - constant - slope * x[i];
                            if r < 0.0 { -0.7 * r } else { 0.3 * r }
                        })
                        .sum();
                    assert!(objective >= fit.objective - 1e-9, "rows {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn a_quantile_outside_its_range_is_refused() {
        let error = quantile_regression(1.0, &[&[1.0, 1.0]], &[1.0, 2.0]).unwrap_err();
        assert!(matches!(error, EffectError::OutsideRange { .. }));
    }
}

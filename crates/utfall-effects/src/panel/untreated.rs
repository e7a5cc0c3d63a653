//! Effects from a model of what would have happened, fitted to untreated rows alone.
//!
//! Constants of units and of times, and covariates, are fitted to rows that are not treated (yet).
//! Borusyak, Jaravel and Spiess average what is left in treated rows; Gardner regresses it on
//! treatment in all rows. The points agree where both ask the same question, and the errors differ:
//! the first are conservative where effects differ within cohorts, the second are those of a
//! method of moments that knows both steps.
//!
//! Borusyak, Jaravel & Spiess (2024), <https://doi.org/10.1093/restud/rdae007>; Gardner (2022),
//! <https://doi.org/10.48550/arXiv.2207.05943>.

use utfall_stats::sums::{dot, sum_of};
use utfall_stats::{Cholesky, Matrix};

use crate::regression::check_finite;
use crate::{EffectError, Grouping};

const MOST_STEPS: usize = 5_000;
/// Share of the first residual at which the solver ends.
const SETTLED: f64 = 1e-13;

/// Rows, and the model of their untreated outcome.
#[derive(Debug, Clone, Copy)]
pub struct UntreatedModel<'a> {
    /// The outcome.
    pub outcome: &'a [f64],
    /// Whether the row is treated.
    pub treated: &'a [bool],
    /// Sets of constants, such as units and times.
    pub sets: &'a [Grouping],
    /// Further covariates.
    pub columns: &'a [&'a [f64]],
    /// Weights above zero.
    pub weight: &'a [f64],
}

/// A point and each row's contribution to its error.
#[derive(Debug, Clone, PartialEq)]
pub struct Imputed {
    /// The effect.
    pub point: f64,
    /// What each row contributes: the squared error is the sum of squares of sums by cluster.
    pub influence: Vec<f64>,
}

/// The fitted model.
#[derive(Debug, Clone)]
pub struct Untreated<'a> {
    model: UntreatedModel<'a>,
    /// Outcome less what would have been.
    gap: Vec<f64>,
}

impl<'a> UntreatedModel<'a> {
    /// Fits the model to the untreated rows.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::WeightNotPositive`]
    /// for malformed slices; [`EffectError::NeverUntreated`] at a treated row whose unit or time has no
    /// untreated row, and [`EffectError::NotConverged`].
    pub fn fit(self) -> Result<Untreated<'a>, EffectError> {
        let n = self.outcome.len();
        check_finite("outcome", self.outcome, n)?;
        check_finite("weight", self.weight, n)?;
        for column in self.columns {
            check_finite("covariate", column, n)?;
        }
        if let Some(row) = self.weight.iter().position(|&w| w <= 0.0) {
            return Err(EffectError::WeightNotPositive {
                row,
                value: self.weight[row],
            });
        }
        for set in self.sets {
            let mut seen = vec![false; set.n_groups()];
            for (row, &code) in set.codes().iter().enumerate() {
                seen[code] |= !self.treated[row];
            }
            if let Some(row) = set.codes().iter().position(|&code| !seen[code]) {
                return Err(EffectError::NeverUntreated { row });
            }
        }
        let weighted: Vec<f64> = (0..n)
            .map(|row| {
                if self.treated[row] {
                    0.0
                } else {
                    self.weight[row] * self.outcome[row]
                }
            })
            .collect();
        let coefficients = self.solve(&self.gathered(&weighted))?;
        let fitted = self.spread(&coefficients);
        Ok(Untreated {
            gap: (0..n).map(|row| self.outcome[row] - fitted[row]).collect(),
            model: self,
        })
    }

    /// `Zθ`: the model's prediction of each row.
    fn spread(&self, coefficients: &[f64]) -> Vec<f64> {
        let mut at = 0;
        let mut values = vec![0.0; self.outcome.len()];
        for set in self.sets {
            for (value, &code) in values.iter_mut().zip(set.codes()) {
                *value += coefficients[at + code];
            }
            at += set.n_groups();
        }
        for (column, coefficient) in self.columns.iter().zip(&coefficients[at..]) {
            for (value, x) in values.iter_mut().zip(*column) {
                *value += coefficient * x;
            }
        }
        values
    }

    /// `Z′v`.
    fn gathered(&self, values: &[f64]) -> Vec<f64> {
        let mut sums: Vec<f64> = self.sets.iter().flat_map(|set| set.sums(values)).collect();
        sums.extend(self.columns.iter().map(|column| dot(column, values)));
        sums
    }

    /// `(Z′WZ)θ` over untreated rows.
    fn image(&self, coefficients: &[f64]) -> Vec<f64> {
        let mut values = self.spread(coefficients);
        for (row, value) in values.iter_mut().enumerate() {
            *value *= if self.treated[row] {
                0.0
            } else {
                self.weight[row]
            };
        }
        self.gathered(&values)
    }

    /// Solves `(Z′WZ)θ = b`; `b` lies in the range.
    fn solve(&self, b: &[f64]) -> Result<Vec<f64>, EffectError> {
        let untreated: Vec<f64> = self
            .weight
            .iter()
            .zip(self.treated)
            .map(|(&w, &treated)| if treated { 0.0 } else { w })
            .collect();
        let mut scale: Vec<f64> = self
            .sets
            .iter()
            .flat_map(|set| set.sums(&untreated))
            .collect();
        scale.extend(self.columns.iter().map(|column| {
            sum_of(column.len(), |row| {
                untreated[row] * column[row] * column[row]
            })
        }));
        self.conjugate(b, &scale)
    }

    /// Conjugate gradients with a diagonal scale. It ends well above rounding: steps there would only
    /// wander among coefficients that predict the same.
    fn conjugate(&self, b: &[f64], scale: &[f64]) -> Result<Vec<f64>, EffectError> {
        let scaled = |rest: &[f64]| {
            rest.iter()
                .zip(scale)
                .map(|(r, s)| r / s)
                .collect::<Vec<f64>>()
        };
        let mut solution = vec![0.0; b.len()];
        let mut rest = b.to_vec();
        let mut direction = scaled(&rest);
        let mut square = dot(&rest, &direction);
        let target = SETTLED * SETTLED * square;
        let (mut least, mut n_idle) = (square, 0);
        for _ in 0..MOST_STEPS {
            let image = self.image(&direction);
            let curvature = dot(&direction, &image);
            if square <= target || curvature <= 0.0 || n_idle > 20 {
                return Ok(solution);
            }
            let step = square / curvature;
            for (k, value) in solution.iter_mut().enumerate() {
                *value += step * direction[k];
                rest[k] -= step * image[k];
            }
            let next = scaled(&rest);
            let new = dot(&rest, &next);
            for (along, value) in direction.iter_mut().zip(&next) {
                *along = value + new / square * *along;
            }
            square = new;
            n_idle = if square < least { 0 } else { n_idle + 1 };
            least = least.min(square);
        }
        Err(EffectError::NotConverged {
            n_iterations: 5_000,
        })
    }
}

impl Untreated<'_> {
    /// Outcome less what would have been, of every row.
    #[must_use]
    pub fn gap(&self) -> &[f64] {
        &self.gap
    }

    /// The mean gap of some treated rows, with the conservative influence of Borusyak, Jaravel and
    /// Spiess: gaps of treated rows less those of rows like them, `like`, cohort by time as a rule.
    ///
    /// # Errors
    ///
    /// [`EffectError::NoVariation`] where no row is averaged over, and [`EffectError::NotConverged`].
    pub fn average(&self, over: &[bool], like: &Grouping) -> Result<Imputed, EffectError> {
        let n = over.len();
        let model = &self.model;
        let chosen = |row: usize| over[row] && model.treated[row];
        let total = sum_of(n, |row| if chosen(row) { model.weight[row] } else { 0.0 });
        if total <= 0.0 {
            return Err(EffectError::NoVariation);
        }
        let share: Vec<f64> = (0..n)
            .map(|row| {
                if chosen(row) {
                    model.weight[row] / total
                } else {
                    0.0
                }
            })
            .collect();
        let reach = model.spread(&model.solve(&model.gathered(&share))?);
        let squares: Vec<f64> = share.iter().map(|v| v * v).collect();
        let weighted: Vec<f64> = squares
            .iter()
            .zip(&self.gap)
            .map(|(s, gap)| s * gap)
            .collect();
        let (norms, sums) = (like.sums(&squares), like.sums(&weighted));
        let influence = (0..n).map(|row| {
            if model.treated[row] {
                let code = like.codes()[row];
                let centre = if norms[code] > 0.0 {
                    sums[code] / norms[code]
                } else {
                    0.0
                };
                share[row] * (self.gap[row] - centre)
            } else {
                -model.weight[row] * reach[row] * self.gap[row]
            }
        });
        Ok(Imputed {
            point: dot(&share, &self.gap),
            influence: influence.collect(),
        })
    }

    /// The coefficients of the gap on columns, over all rows, with Gardner's influence.
    ///
    /// # Errors
    ///
    /// [`EffectError::RankDeficient`] for columns that are collinear, and [`EffectError::NotConverged`].
    pub fn regressed(&self, columns: &[&[f64]]) -> Result<Vec<Imputed>, EffectError> {
        let model = &self.model;
        let n = model.outcome.len();
        let k = columns.len();
        let mut gram = Matrix::zeros(k, k);
        for (i, one) in columns.iter().enumerate() {
            for (j, other) in columns.iter().enumerate() {
                gram.set(
                    i,
                    j,
                    sum_of(n, |row| model.weight[row] * one[row] * other[row]),
                );
            }
        }
        let factor =
            Cholesky::factor(&gram, 1e-12).map_err(|error| EffectError::RankDeficient {
                column: error.column,
            })?;
        let products: Vec<f64> = columns
            .iter()
            .map(|x| sum_of(n, |row| model.weight[row] * x[row] * self.gap[row]))
            .collect();
        let points = factor.solve(&products);
        let residual: Vec<f64> = (0..n)
            .map(|row| {
                self.gap[row]
                    - columns
                        .iter()
                        .zip(&points)
                        .map(|(x, b)| b * x[row])
                        .sum::<f64>()
            })
            .collect();
        let scores: Vec<Vec<f64>> = columns
            .iter()
            .map(|x| {
                let weighted: Vec<f64> = (0..n).map(|row| model.weight[row] * x[row]).collect();
                let reach = model.spread(&model.solve(&model.gathered(&weighted))?);
                let score = |row: usize| {
                    let first = if model.treated[row] {
                        0.0
                    } else {
                        reach[row] * self.gap[row]
                    };
                    model.weight[row] * (x[row] * residual[row] - first)
                };
                Ok((0..n).map(score).collect())
            })
            .collect::<Result<_, EffectError>>()?;
        Ok((0..k)
            .map(|i| {
                let mut unit = vec![0.0; k];
                unit[i] = 1.0;
                let line = factor.solve(&unit);
                let influence = (0..n)
                    .map(|row| {
                        line.iter()
                            .zip(&scores)
                            .map(|(a, score)| a * score[row])
                            .sum()
                    })
                    .collect();
                Imputed {
                    point: points[i],
                    influence,
                }
            })
            .collect())
    }
}

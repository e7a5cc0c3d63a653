//! Panel models of the textbook beside fixed effects: between units, first differences, random effects
//! with the test that they are allowed, and averages of regressions at each time.
//!
//! Errors but the last are those of least squares, with no allowance for dependence within units; they
//! are there to compare with.
//!
//! Swamy & Arora (1972), <https://doi.org/10.2307/1909405>; Hausman (1978),
//! <https://doi.org/10.2307/1913827>; Fama & MacBeth (1973), <https://doi.org/10.1086/260061>.

use utfall_stats::moments::{count, mean, mean_and_variance};
use utfall_stats::{Cholesky, Matrix, gamma};

use crate::regression::check_finite;
use crate::times::ranks;
use crate::{EffectError, Grouping, WeightedRegression};

/// Coefficients of a least-squares fit, a constant first where there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassicFit {
    /// Coefficients.
    pub coefficients: Vec<f64>,
    /// Their covariance, rows independent with one variance.
    pub covariance: Vec<Vec<f64>>,
    /// The variance of a row's error.
    pub variance: f64,
    /// Residual degrees of freedom.
    pub degrees_of_freedom: usize,
}

/// A fit with random effects of units.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomEffects {
    /// The fit; its errors are normal.
    pub fit: ClassicFit,
    /// Variances of a row and of a unit.
    pub variance: [f64; 2],
    /// The share of unit means that is taken off.
    pub theta: f64,
    /// Hausman's χ² against fixed effects, with as many degrees as there are columns.
    pub hausman: f64,
    /// Its p-value.
    pub hausman_p: f64,
}

/// A balanced panel: rows of each unit in order of time.
pub struct ClassicPanel<'a> {
    columns: &'a [&'a [f64]],
    outcome: &'a [f64],
    rows: Vec<Vec<usize>>,
}

impl<'a> ClassicPanel<'a> {
    /// Takes rows apart by unit and time. `columns` hold no constant.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`] and [`EffectError::NotFinite`] for malformed slices;
    /// [`EffectError::DuplicateInPanel`] and [`EffectError::GapInPanel`] for what is no balanced panel.
    pub fn new(
        unit: &Grouping,
        time: &[f64],
        columns: &'a [&'a [f64]],
        outcome: &'a [f64],
    ) -> Result<Self, EffectError> {
        let n = outcome.len();
        check_finite("outcome", outcome, n)?;
        check_finite("time", time, n)?;
        for column in columns {
            check_finite("covariate", column, n)?;
        }
        if unit.len() != n {
            return Err(EffectError::LengthMismatch {
                what: "unit",
                found: unit.len(),
                expected: n,
            });
        }
        let (rank, n_times) = ranks(time);
        let mut table = vec![vec![None; n_times]; unit.n_groups()];
        for row in 0..n {
            if table[unit.codes()[row]][rank[row]].replace(row).is_some() {
                return Err(EffectError::DuplicateInPanel { row });
            }
        }
        let whole = |line: Vec<Option<usize>>| {
            let first = line.iter().flatten().copied().next().unwrap_or(0);
            line.into_iter()
                .collect::<Option<Vec<usize>>>()
                .ok_or(EffectError::GapInPanel { row: first })
        };
        let rows = table.into_iter().map(whole).collect::<Result<_, _>>()?;
        Ok(Self {
            columns,
            outcome,
            rows,
        })
    }

    /// Values made for each unit, by a function of its values in order of time.
    fn made(&self, of_unit: &dyn Fn(&[f64]) -> Vec<f64>) -> (Vec<Vec<f64>>, Vec<f64>) {
        let make = |values: &[f64]| -> Vec<f64> {
            self.rows
                .iter()
                .flat_map(|rows| {
                    of_unit(&rows.iter().map(|&row| values[row]).collect::<Vec<f64>>())
                })
                .collect()
        };
        (
            self.columns.iter().map(|column| make(column)).collect(),
            make(self.outcome),
        )
    }

    /// A regression of units' mean outcomes on a constant and their means.
    ///
    /// # Errors
    ///
    /// Those of [`WeightedRegression::fit`].
    pub fn between(&self) -> Result<ClassicFit, EffectError> {
        let (columns, outcome) = self.made(&|values| vec![mean(values)]);
        least_squares(Some(1.0), &columns, &outcome, 0)
    }

    /// A regression of changes from one time to the next on a constant and the columns' changes.
    ///
    /// # Errors
    ///
    /// Those of [`WeightedRegression::fit`].
    pub fn first_difference(&self) -> Result<ClassicFit, EffectError> {
        let change = |values: &[f64]| values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (columns, outcome) = self.made(&change);
        least_squares(Some(1.0), &columns, &outcome, 0)
    }

    fn without(&self, share: f64) -> (Vec<Vec<f64>>, Vec<f64>) {
        self.made(&|values| {
            let centre = mean(values);
            values.iter().map(|value| value - share * centre).collect()
        })
    }

    /// Random effects of units, variances after Swamy and Arora. A unit's variance that would be below
    /// zero is zero.
    ///
    /// # Errors
    ///
    /// Those of [`WeightedRegression::fit`]; [`EffectError::VarianceNotPositive`] where random effects are no more
    /// precise than fixed ones, so that Hausman's test is not defined.
    pub fn random_effects(&self) -> Result<RandomEffects, EffectError> {
        let (columns, outcome) = self.without(1.0);
        let within = least_squares(None, &columns, &outcome, self.rows.len())?;
        let between = self.between()?;
        let n_times = count(self.rows.first().map_or(0, Vec::len));
        let of_unit = (between.variance - within.variance / n_times).max(0.0);
        let theta = 1.0 - (within.variance / (n_times * of_unit + within.variance)).sqrt();
        let (columns, outcome) = self.without(theta);
        let fit = least_squares(Some(1.0 - theta), &columns, &outcome, 0)?;
        let k = self.columns.len();
        let gap: Vec<f64> = (0..k)
            .map(|i| within.coefficients[i] - fit.coefficients[i + 1])
            .collect();
        let mut spread = Matrix::zeros(k, k);
        for i in 0..k {
            for j in 0..k {
                spread.set(i, j, within.covariance[i][j] - fit.covariance[i + 1][j + 1]);
            }
        }
        let factor =
            Cholesky::factor(&spread, 1e-12).map_err(|_| EffectError::VarianceNotPositive)?;
        let hausman: f64 = gap.iter().zip(factor.solve(&gap)).map(|(a, b)| a * b).sum();
        Ok(RandomEffects {
            fit,
            variance: [within.variance, of_unit],
            theta,
            hausman,
            hausman_p: gamma::upper(0.5 * count(k), 0.5 * hausman),
        })
    }

    /// Averages of the coefficients of a regression at each time, with their standard errors from how
    /// they vary over times; a constant first.
    ///
    /// # Errors
    ///
    /// Those of [`WeightedRegression::fit`], and [`EffectError::TooFewRows`] with fewer than two times.
    pub fn fama_macbeth(&self) -> Result<Vec<(f64, f64)>, EffectError> {
        let n_times = self.rows.first().map_or(0, Vec::len);
        if n_times < 2 {
            return Err(EffectError::TooFewRows {
                n_rows: n_times,
                n_columns: 2,
            });
        }
        let mut found = Vec::new();
        for time in 0..n_times {
            let pick = |values: &[f64]| {
                self.rows
                    .iter()
                    .map(|rows| values[rows[time]])
                    .collect::<Vec<f64>>()
            };
            let columns: Vec<Vec<f64>> = self.columns.iter().map(|column| pick(column)).collect();
            found.push(least_squares(Some(1.0), &columns, &pick(self.outcome), 0)?.coefficients);
        }
        Ok((0..=self.columns.len())
            .map(|k| {
                let values: Vec<f64> = found.iter().map(|coefficients| coefficients[k]).collect();
                let (centre, variance) = mean_and_variance(&values);
                (centre, (variance / count(n_times)).sqrt())
            })
            .collect())
    }
}

/// Least squares with a constant column of a value, if any; `n_absorbed` more degrees of freedom are gone.
fn least_squares(
    constant: Option<f64>,
    columns: &[Vec<f64>],
    outcome: &[f64],
    n_absorbed: usize,
) -> Result<ClassicFit, EffectError> {
    let n = outcome.len();
    let constant = constant.map(|value| vec![value; n]);
    let all: Vec<&[f64]> = constant.iter().chain(columns).map(Vec::as_slice).collect();
    let gone = all.len() + n_absorbed;
    if n <= gone {
        return Err(EffectError::TooFewRows {
            n_rows: n,
            n_columns: gone,
        });
    }
    let weight = vec![1.0; n];
    let fit = WeightedRegression::fit(&all, &weight, outcome)?;
    let variance = utfall_stats::sums::dot(fit.residual(), fit.residual()) / count(n - gone);
    let reaches: Vec<Vec<f64>> = (0..all.len())
        .map(|k| fit.coefficient(k).map(|contrast| contrast.reach))
        .collect::<Result<_, _>>()?;
    let covariance = reaches
        .iter()
        .map(|a| {
            reaches
                .iter()
                .map(|b| variance * utfall_stats::sums::dot(a, b))
                .collect()
        })
        .collect();
    Ok(ClassicFit {
        coefficients: fit.coefficients(),
        covariance,
        variance,
        degrees_of_freedom: n - gone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_between_two_times_are_fixed_effects_of_units_and_times() {
        let unit = Grouping::of(&[0, 0, 1, 1, 2, 2, 3, 3]);
        let time = [1.0, 2.0].repeat(4);
        let x = [1.0, 2.0, 0.0, 3.0, 2.0, 2.5, 4.0, 3.0];
        let y = [1.0, 3.5, 2.0, 6.0, 0.0, 2.0, 5.0, 4.0];
        let columns: [&[f64]; 1] = [&x];
        let panel = ClassicPanel::new(&unit, &time, &columns, &y).unwrap();
        let found = panel.first_difference().unwrap();
        let sets = [
            super::super::FixedEffect::constants(unit.clone()),
            super::super::FixedEffect::constants(Grouping::of(&[1, 2, 1, 2, 1, 2, 1, 2])),
        ];
        let solver = super::super::FixedEffects::new(&sets, &[1.0; 8]).unwrap();
        let left = solver.residuals(&[&x, &y]).unwrap();
        let dot = utfall_stats::sums::dot;
        let slope = dot(&left[0], &left[1]) / dot(&left[0], &left[0]);
        assert!((found.coefficients[1] - slope).abs() < 1e-12);
        assert_eq!(found.degrees_of_freedom, 2);
    }
}

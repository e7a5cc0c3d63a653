//! Taking fixed effects out of columns.
//!
//! One set of groups is taken out exactly, by subtracting weighted group means. With several sets
//! the residual is the limit of alternating projections; a symmetric sweep through the sets is a
//! positive operator, so conjugate gradients reach the limit in a few dozen sweeps where plain
//! alternation takes thousands.
//!
//! Sums run over the rows in their order, so no thread changes a bit; columns are taken in
//! parallel.
//!
//! Hernández-Ramos, Escalante & Raydan (2011), <https://doi.org/10.1080/01630563.2011.587336>;
//! Correia (2017), *Linear Models with High-Dimensional Fixed Effects*.

use rayon::prelude::*;
use utfall_stats::sums::sum_of;

use crate::regression::check_finite;
use crate::{EffectError, Grouping};

/// Share of a column's square that a step may still move when sweeps end.
const SETTLED: f64 = 1e-28;
/// Share of a column's square below which nothing of it is left beside the fixed effects.
const LEAST_NEW: f64 = 1e-13;
const MOST_SWEEPS: u32 = 20_000;

/// One set of fixed effects: a constant in each group, a slope in each group, or both.
#[derive(Debug, Clone)]
pub struct FixedEffect {
    group: Grouping,
    slope: Option<Vec<f64>>,
    constant: bool,
}

impl FixedEffect {
    /// A constant in each group.
    #[must_use]
    pub fn constants(group: Grouping) -> Self {
        Self {
            group,
            slope: None,
            constant: true,
        }
    }

    /// A slope along `values` in each group, with a constant too or without.
    #[must_use]
    pub fn slopes(group: Grouping, values: Vec<f64>, constant: bool) -> Self {
        Self {
            group,
            slope: Some(values),
            constant,
        }
    }

    /// The groups.
    #[must_use]
    pub fn group(&self) -> &Grouping {
        &self.group
    }

    /// Coefficients: groups, twice where each has a constant and a slope.
    #[must_use]
    pub fn n_coefficients(&self) -> usize {
        let each = usize::from(self.constant) + usize::from(self.slope.is_some());
        self.group.n_groups() * each
    }

    /// Coefficients that do not count where the set is nested in a cluster: constants but one.
    pub(crate) fn n_nested(&self) -> usize {
        if self.constant {
            self.group.n_groups() - 1
        } else {
            0
        }
    }

    /// Whether each group lies within one group of the other.
    #[must_use]
    pub fn is_nested_in(&self, other: &Grouping) -> bool {
        let mut home = vec![usize::MAX; self.group.n_groups()];
        self.group
            .codes()
            .iter()
            .zip(other.codes())
            .all(|(&own, &of)| {
                if home[own] == usize::MAX {
                    home[own] = of;
                }
                home[own] == of
            })
    }

    /// The set on some rows, without groups that are left empty.
    pub(crate) fn of_rows(&self, rows: &[usize]) -> Self {
        let pick = |values: &Vec<f64>| rows.iter().map(|&row| values[row]).collect();
        Self {
            group: self.group.of_rows(rows),
            slope: self.slope.as_ref().map(pick),
            constant: self.constant,
        }
    }

    /// How far a row's own outcome decides its group's constant.
    pub(crate) fn leverages(&self, weight: &[f64]) -> Option<Vec<f64>> {
        if self.slope.is_some() {
            return None;
        }
        let sums = self.group.sums(weight);
        let rows = self.group.codes().iter().zip(weight);
        Some(rows.map(|(&code, w)| w / sums[code]).collect())
    }
}

/// Several sets of fixed effects, ready to be taken out of columns.
#[derive(Debug, Clone)]
pub struct FixedEffects {
    sets: Vec<Projection>,
    weight: Vec<f64>,
}

/// The projection on one set.
#[derive(Debug, Clone)]
struct Projection {
    codes: Vec<usize>,
    /// Sums of weights by group, where there is a constant.
    weights: Option<Vec<f64>>,
    /// Values of a slope, centred by group beside a constant, and their weighted squares by group.
    slope: Option<(Vec<f64>, Vec<f64>)>,
}

impl Projection {
    fn of(effect: &FixedEffect, weight: &[f64]) -> Self {
        let codes = effect.group.codes().to_vec();
        let weights = effect.constant.then(|| effect.group.sums(weight));
        let slope = effect.slope.as_ref().map(|values| {
            let mut values = values.clone();
            if let Some(weights) = &weights {
                let products: Vec<f64> = values.iter().zip(weight).map(|(v, w)| v * w).collect();
                let sums = effect.group.sums(&products);
                for (value, &code) in values.iter_mut().zip(&codes) {
                    *value -= sums[code] / weights[code];
                }
            }
            let squares: Vec<f64> = values.iter().zip(weight).map(|(v, w)| v * v * w).collect();
            let squares = effect.group.sums(&squares);
            (values, squares)
        });
        Self {
            codes,
            weights,
            slope,
        }
    }

    fn take_out(&self, column: &mut [f64], weight: &[f64]) {
        if let Some(weights) = &self.weights {
            let mut sums = vec![0.0; weights.len()];
            for ((&code, value), w) in self.codes.iter().zip(&*column).zip(weight) {
                sums[code] += w * value;
            }
            for (sum, w) in sums.iter_mut().zip(weights) {
                *sum /= w;
            }
            for (&code, value) in self.codes.iter().zip(column.iter_mut()) {
                *value -= sums[code];
            }
        }
        if let Some((along, squares)) = &self.slope {
            let mut sums = vec![0.0; squares.len()];
            for (row, &code) in self.codes.iter().enumerate() {
                sums[code] += weight[row] * along[row] * column[row];
            }
            for (sum, square) in sums.iter_mut().zip(squares) {
                *sum = if *square > 0.0 { *sum / square } else { 0.0 };
            }
            for ((&code, value), x) in self.codes.iter().zip(column.iter_mut()).zip(along) {
                *value -= sums[code] * x;
            }
        }
    }
}

impl FixedEffects {
    /// Prepares the sets for rows with these weights.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] or
    /// [`EffectError::WeightNotPositive`] for weights or groups that do not suit.
    pub fn new(sets: &[FixedEffect], weight: &[f64]) -> Result<Self, EffectError> {
        check_finite("weight", weight, weight.len())?;
        if let Some(row) = weight.iter().position(|&value| value <= 0.0) {
            let value = weight[row];
            return Err(EffectError::WeightNotPositive { row, value });
        }
        for set in sets {
            let found = set.group.len();
            if found != weight.len() {
                return Err(EffectError::LengthMismatch {
                    what: "fixed effect",
                    found,
                    expected: weight.len(),
                });
            }
            if let Some(slope) = &set.slope {
                check_finite("slope of a fixed effect", slope, weight.len())?;
            }
        }
        Ok(Self {
            sets: sets.iter().map(|set| Projection::of(set, weight)).collect(),
            weight: weight.to_vec(),
        })
    }

    /// What is left of each column without the fixed effects, the columns in parallel.
    ///
    /// # Errors
    ///
    /// [`EffectError::RankDeficient`] at the first column of which nothing is left, and
    /// [`EffectError::NotConverged`] if the sweeps do not settle.
    pub fn residuals(&self, columns: &[&[f64]]) -> Result<Vec<Vec<f64>>, EffectError> {
        let left: Vec<Vec<f64>> = columns
            .par_iter()
            .map(|column| self.residual(column))
            .collect::<Result<_, _>>()?;
        for (column, (before, after)) in columns.iter().zip(&left).enumerate() {
            let scale = self.inner(before, before);
            if self.inner(after, after) <= LEAST_NEW * scale {
                return Err(EffectError::RankDeficient { column });
            }
        }
        Ok(left)
    }

    /// What is left of a column without the fixed effects.
    ///
    /// # Errors
    ///
    /// [`EffectError::NotConverged`] if the sweeps do not settle.
    pub fn residual(&self, column: &[f64]) -> Result<Vec<f64>, EffectError> {
        let mut left = column.to_vec();
        match self.sets.as_slice() {
            [] => Ok(left),
            [only] => {
                only.take_out(&mut left, &self.weight);
                only.take_out(&mut left, &self.weight);
                Ok(left)
            }
            _ => self.conjugate(left),
        }
    }

    /// One sweep through the sets and back.
    fn sweep(&self, column: &mut [f64]) {
        let last = self.sets.len() - 1;
        for set in &self.sets {
            set.take_out(column, &self.weight);
        }
        for set in self.sets[..last].iter().rev() {
            set.take_out(column, &self.weight);
        }
    }

    fn conjugate(&self, mut left: Vec<f64>) -> Result<Vec<f64>, EffectError> {
        let scale = self.inner(&left, &left);
        let moved = |from: &[f64]| {
            let mut to = from.to_vec();
            self.sweep(&mut to);
            from.iter()
                .zip(&to)
                .map(|(a, b)| a - b)
                .collect::<Vec<f64>>()
        };
        self.sweep(&mut left);
        let mut residual = moved(&left);
        let mut direction = residual.clone();
        let mut square = self.inner(&residual, &residual);
        let mut least = square;
        let mut n_idle = 0;
        for _ in 0..MOST_SWEEPS {
            if square <= SETTLED * scale || n_idle > 30 {
                self.sweep(&mut left);
                return Ok(left);
            }
            let image = moved(&direction);
            let curvature = self.inner(&direction, &image);
            if curvature <= 0.0 {
                self.sweep(&mut left);
                return Ok(left);
            }
            let step = square / curvature;
            for (row, value) in left.iter_mut().enumerate() {
                *value -= step * direction[row];
                residual[row] -= step * image[row];
            }
            let next = self.inner(&residual, &residual);
            let share = next / square;
            for (along, rest) in direction.iter_mut().zip(&residual) {
                *along = rest + share * *along;
            }
            square = next;
            n_idle = if square < 0.99 * least { 0 } else { n_idle + 1 };
            least = least.min(square);
        }
        Err(EffectError::NotConverged {
            n_iterations: MOST_SWEEPS,
        })
    }

    fn inner(&self, a: &[f64], b: &[f64]) -> f64 {
        sum_of(a.len(), |row| self.weight[row] * a[row] * b[row])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_orthogonal_to_every_set() {
        let n = 600;
        let unit: Vec<usize> = (0..n).map(|i| i * 7 % 53).collect();
        let year: Vec<usize> = (0..n).map(|i| (i * i + 3 * i) % 11).collect();
        let weight: Vec<f64> = (0..n).map(|i| 1.0 + (i % 5) as f64).collect();
        let time: Vec<f64> = year.iter().map(|&y| y as f64).collect();
        let y: Vec<f64> = (0..n).map(|i| ((i * i) % 97) as f64).collect();
        let sets = [
            FixedEffect::slopes(Grouping::of(&unit), time.clone(), true),
            FixedEffect::constants(Grouping::of(&year)),
        ];
        let left = FixedEffects::new(&sets, &weight)
            .unwrap()
            .residual(&y)
            .unwrap();
        let products: Vec<f64> = left.iter().zip(&weight).map(|(a, b)| a * b).collect();
        let sloped: Vec<f64> = products.iter().zip(&time).map(|(a, b)| a * b).collect();
        for sums in [
            Grouping::of(&unit).sums(&products),
            Grouping::of(&unit).sums(&sloped),
            Grouping::of(&year).sums(&products),
        ] {
            assert!(sums.iter().all(|sum| sum.abs() < 1e-8), "{sums:?}");
        }
    }

    #[test]
    fn a_column_that_the_fixed_effects_hold_is_named() {
        let unit = [1, 1, 2, 2, 3, 3];
        let sets = [
            FixedEffect::constants(Grouping::of(&unit)),
            FixedEffect::constants(Grouping::of(&[1, 2, 1, 2, 1, 2])),
        ];
        let effects = FixedEffects::new(&sets, &[1.0; 6]).unwrap();
        let of_unit = [3.0, 3.0, 5.0, 5.0, -1.0, -1.0];
        let other = [1.0, 4.0, 2.0, 2.0, 7.0, 1.0];
        assert_eq!(
            effects.residuals(&[&other, &of_unit]).unwrap_err(),
            EffectError::RankDeficient { column: 1 }
        );
    }
}

//! Sets of fixed effects, and what they leave of columns.
//!
//! What a column is without the fixed effects is its residual in a regression on the groups of
//! every set. One set alone is taken out by subtracting group means; several are: see
//! [`super::elimination`].

use utfall_stats::sums::{dot, weighted_dot};

use super::elimination::Elimination;
use crate::regression::{check_finite, check_positive, differing};
use crate::{EffectError, Grouping};

/// Share of a column's square below which nothing of it is left beside the fixed effects.
const LEAST_NEW: f64 = 1e-13;

/// One set of fixed effects: a constant in each group, a slope in each group, or both.
#[derive(Debug, Clone)]
pub struct FixedEffect {
    pub(super) group: Grouping,
    pub(super) slope: Option<Vec<f64>>,
    pub(super) constant: bool,
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
#[derive(Debug)]
pub struct FixedEffects<'a> {
    elimination: Option<Elimination>,
    /// `None` where all are one.
    weight: Option<&'a [f64]>,
}

impl<'a> FixedEffects<'a> {
    /// Prepares the sets for rows with these weights.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] or
    /// [`EffectError::WeightNotPositive`] for weights or groups that do not suit.
    pub fn new(sets: &[FixedEffect], weight: &'a [f64]) -> Result<Self, EffectError> {
        check_finite("weight", weight, weight.len())?;
        check_positive(weight)?;
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
        let weight = differing(weight);
        Ok(Self {
            elimination: Elimination::of(sets, weight),
            weight,
        })
    }

    /// What is left of each column without the fixed effects.
    ///
    /// # Errors
    ///
    /// [`EffectError::NotConverged`] if the steps do not settle.
    pub fn residuals(&self, columns: &[&[f64]]) -> Result<Vec<Vec<f64>>, EffectError> {
        match &self.elimination {
            Some(elimination) => elimination.residuals(columns),
            None => Ok(columns.iter().map(|column| column.to_vec()).collect()),
        }
    }

    /// The first column of which nothing is left; `left` are their residuals.
    #[must_use]
    pub fn absorbed(&self, columns: &[&[f64]], left: &[Vec<f64>]) -> Option<usize> {
        let square = |values: &[f64]| match self.weight {
            Some(weight) => weighted_dot(weight, values, values),
            None => dot(values, values),
        };
        let mut both = columns.iter().zip(left);
        both.position(|(before, after)| square(after) <= LEAST_NEW * square(before))
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
            .residuals(&[&y])
            .unwrap()
            .remove(0);
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
    fn columns_are_left_the_same_alone_and_together() {
        let n = 1000_usize;
        let unit: Vec<usize> = (0..n).map(|i| i / 5).collect();
        let year: Vec<usize> = (0..n).map(|i| i % 5).collect();
        let columns: Vec<Vec<f64>> = (1..=7)
            .map(|k| {
                (0..n)
                    .map(|i| f64::from(u8::from(unit[i] % 9 == k && year[i] > k % 4)))
                    .collect()
            })
            .collect();
        let sets = [
            FixedEffect::constants(Grouping::of(&unit)),
            FixedEffect::constants(Grouping::of(&year)),
        ];
        let one = vec![1.0; n];
        let effects = FixedEffects::new(&sets, &one).unwrap();
        let all: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let together = effects.residuals(&all).unwrap();
        for (column, left) in all.iter().zip(&together) {
            let alone = &effects.residuals(&[column]).unwrap()[0];
            for (a, b) in alone.iter().zip(left) {
                assert!((a - b).abs() < 1e-13, "{a} {b}");
            }
            for way in [&unit, &year] {
                let sums = Grouping::of(way).sums(left);
                assert!(sums.iter().all(|sum| sum.abs() < 1e-12), "{sums:?}");
            }
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
        let columns: [&[f64]; 2] = [&other, &of_unit];
        let left = effects.residuals(&columns).unwrap();
        assert_eq!(effects.absorbed(&columns, &left), Some(1));
    }
}

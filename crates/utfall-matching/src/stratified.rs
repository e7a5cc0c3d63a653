//! Whole strata: everyone in a stratum that holds both arms is compared with everyone in it.

use std::collections::BTreeMap;

use utfall_core::{Arm, Estimand};
use utfall_stats::{moments, sums};

use crate::error::{check_arms, check_length};
use crate::matched::opposite;
use crate::{Comparison, MatchingError, Membership};

/// Units in strata, each of which holds both arms; units of other strata are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratified {
    treated: Vec<bool>,
    question: Estimand,
    /// Number of the stratum of each unit, from zero in the order of their lowest unit.
    stratum: Vec<Option<usize>>,
    /// Treated units and comparators of each stratum.
    counts: Vec<[usize; 2]>,
}

/// Compares units within strata that are given, and leaves out strata that lack an arm.
///
/// With the strata of equal covariates it is exact matching; with those of
/// [`coarsened`](crate::coarsened) values it is coarsened exact matching.
///
/// The `question` decides the weights: for the ATT a treated unit has weight one and a comparator
/// `n_treated / n_comparator` of its stratum, for the ATC the other way round, for the ATE every
/// unit has the size of the stratum over that of its arm in it. Each arm is rescaled so that its
/// weights add up to its number of units kept.
///
/// # Shapes
///
/// `strata` and `treated`: one value for each unit; units with equal values share a stratum.
///
/// # Errors
///
/// - [`MatchingError::LengthMismatch`] and [`MatchingError::EmptyArm`] for input that is none.
/// - [`MatchingError::NoSuchQuestion`] if `question` is neither ATT, ATC nor ATE.
/// - [`MatchingError::NoSharedStratum`] if no stratum holds both arms.
///
/// # Reference
///
/// Iacus, King & Porro (2012), *Political Analysis* 20(1), <https://doi.org/10.1093/pan/mpr013>.
pub fn stratified(
    strata: &[u32],
    treated: &[bool],
    question: Estimand,
) -> Result<Stratified, MatchingError> {
    check_length("strata", strata.len(), treated.len())?;
    check_arms(treated)?;
    if !matches!(question, Estimand::Ate | Estimand::Att | Estimand::Atc) {
        return Err(MatchingError::NoSuchQuestion { question });
    }
    let mut in_stratum: BTreeMap<u32, [usize; 2]> = BTreeMap::new();
    for (stratum, &is_treated) in strata.iter().zip(treated) {
        in_stratum.entry(*stratum).or_default()[usize::from(!is_treated)] += 1;
    }
    in_stratum.retain(|_, counts| counts.iter().all(|&n| n > 0));
    if in_stratum.is_empty() {
        return Err(MatchingError::NoSharedStratum);
    }
    let mut numbers: BTreeMap<u32, usize> = BTreeMap::new();
    let mut counts = Vec::with_capacity(in_stratum.len());
    let mut number = |stratum: &u32| {
        let of_arms = in_stratum.get(stratum)?;
        Some(*numbers.entry(*stratum).or_insert_with(|| {
            counts.push(*of_arms);
            counts.len() - 1
        }))
    };
    Ok(Stratified {
        stratum: strata.iter().map(&mut number).collect(),
        treated: treated.to_vec(),
        question,
        counts,
    })
}

impl Stratified {
    /// Strata that hold both arms.
    #[must_use]
    pub fn n_strata(&self) -> usize {
        self.counts.len()
    }

    /// Treated units in a stratum that holds both arms.
    #[must_use]
    pub fn n_treated_matched(&self) -> usize {
        self.counts.iter().map(|counts| counts[0]).sum()
    }

    /// Comparators in a stratum that holds both arms.
    #[must_use]
    pub fn n_comparator_matched(&self) -> usize {
        self.counts.iter().map(|counts| counts[1]).sum()
    }

    /// The same strata among more units, of which the others are in none: unit `i` here is unit
    /// `units[i]` there.
    pub(crate) fn among(self, units: &[usize], treated: &[bool]) -> Self {
        let mut stratum = vec![None; treated.len()];
        for (&unit, &of_unit) in units.iter().zip(&self.stratum) {
            stratum[unit] = of_unit;
        }
        Self {
            treated: treated.to_vec(),
            stratum,
            ..self
        }
    }

    /// Every pair of a treated unit and a comparator of one stratum: for a full matching the pairs
    /// it was made of.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut of_strata: Vec<[Vec<usize>; 2]> = vec![Default::default(); self.counts.len()];
        for (unit, stratum) in self.stratum.iter().enumerate() {
            if let Some(stratum) = *stratum {
                of_strata[stratum][usize::from(!self.treated[unit])].push(unit);
            }
        }
        of_strata.into_iter().flat_map(|[treated, comparators]| {
            let pairs = treated.into_iter().flat_map(move |unit| {
                let pair = move |&other: &usize| (unit, other);
                comparators.iter().map(pair).collect::<Vec<_>>()
            });
            pairs.collect::<Vec<_>>()
        })
    }

    /// The weight of a unit before the arms are rescaled.
    fn raw_weight(&self, unit: usize) -> f64 {
        let Some(stratum) = self.stratum[unit] else {
            return 0.0;
        };
        let [n_treated, n_comparator] = self.counts[stratum].map(moments::count);
        match (self.question, self.treated[unit]) {
            (Estimand::Ate, true) => (n_treated + n_comparator) / n_treated,
            (Estimand::Ate, false) => (n_treated + n_comparator) / n_comparator,
            (Estimand::Atc, true) => n_comparator / n_treated,
            (Estimand::Atc, false) | (_, true) => 1.0,
            (_, false) => n_treated / n_comparator,
        }
    }
}

impl Comparison for Stratified {
    fn estimand(&self) -> Estimand {
        let is_whole = |arm: Arm| {
            let mut units = self.treated.iter().zip(&self.stratum);
            units.all(|(&is, stratum)| is != (arm == Arm::Treated) || stratum.is_some())
        };
        match self.question {
            Estimand::Att if !is_whole(Arm::Treated) => Estimand::MatchedTreated,
            Estimand::Atc if !is_whole(Arm::Comparator) => Estimand::MatchedComparators,
            Estimand::Ate if !is_whole(Arm::Treated) || !is_whole(Arm::Comparator) => {
                Estimand::MatchedUnits
            }
            whole => whole,
        }
    }

    fn weights(&self) -> Vec<f64> {
        let mut weights: Vec<f64> = (0..self.treated.len())
            .map(|unit| self.raw_weight(unit))
            .collect();
        let kept = [self.n_comparator_matched(), self.n_treated_matched()];
        // Strata have whole numbers of units, so a sum over them needs no order of units.
        let totals = [false, true].map(|arm| {
            let of_strata = self.counts.iter().map(|counts| {
                let [n_treated, n_comparator] = counts.map(moments::count);
                match (self.question, arm) {
                    (Estimand::Ate, _) => n_treated + n_comparator,
                    (Estimand::Atc, _) => n_comparator,
                    _ => n_treated,
                }
            });
            of_strata.sum::<f64>()
        });
        for (weight, &is_treated) in weights.iter_mut().zip(&self.treated) {
            let arm = usize::from(is_treated);
            *weight *= moments::count(kept[arm]) / totals[arm];
        }
        weights
    }

    fn set_of_unit(&self) -> Option<Vec<Option<usize>>> {
        Some(self.stratum.clone())
    }

    fn memberships(&self) -> Vec<Membership> {
        let units = self.stratum.iter().zip(&self.treated).enumerate();
        let membership = |(unit, (stratum, &is_treated)): (usize, (&Option<usize>, &bool))| {
            let set = (*stratum)?;
            let arm = if is_treated {
                Arm::Treated
            } else {
                opposite(Arm::Treated)
            };
            let weight = moments::count(self.counts[set][usize::from(!is_treated)]).recip();
            Some(Membership {
                unit,
                set,
                arm,
                weight,
            })
        };
        let mut rows: Vec<Membership> = units.filter_map(membership).collect();
        rows.sort_by_key(|row| (row.set, row.arm == Arm::Comparator, row.unit));
        rows
    }

    fn mean_pair_difference(&self, values: &[f64]) -> f64 {
        let mut of_strata: Vec<[Vec<f64>; 2]> = vec![Default::default(); self.counts.len()];
        for (unit, &value) in values.iter().enumerate() {
            if let Some(stratum) = self.stratum[unit] {
                of_strata[stratum][usize::from(!self.treated[unit])].push(value);
            }
        }
        let apart: Vec<f64> = of_strata
            .iter_mut()
            .map(|[treated, comparators]| sum_of_differences(treated, comparators))
            .collect();
        let pairs = self.counts.iter().map(|counts| counts[0] * counts[1]);
        sums::sum(&apart) / moments::count(pairs.sum())
    }
}

/// The sum of `|a - b|` over every pair of one from each, in the time of sorting them.
fn sum_of_differences(one: &mut [f64], other: &mut [f64]) -> f64 {
    one.sort_by(f64::total_cmp);
    other.sort_by(f64::total_cmp);
    // Between two neighbouring values, so many pairs have the gap between them.
    let (mut sum, mut below) = (0.0, [0_usize, 0]);
    let mut last: Option<f64> = None;
    while below[0] < one.len() || below[1] < other.len() {
        let next = [one.get(below[0]), other.get(below[1])].map(|x| x.copied());
        let is_first = match next {
            [Some(a), Some(b)] => a <= b,
            [first, _] => first.is_some(),
        };
        let value = next[usize::from(!is_first)].unwrap_or(0.0);
        let across = below[0] * (other.len() - below[1]) + below[1] * (one.len() - below[0]);
        sum += (value - last.unwrap_or(value)) * moments::count(across);
        last = Some(value);
        below[usize::from(!is_first)] += 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREATED: [bool; 7] = [true, false, false, true, true, false, true];
    const STRATA: [u32; 7] = [5, 5, 5, 2, 2, 2, 9];

    #[test]
    fn the_question_decides_the_weights() {
        let of = |question| stratified(&STRATA, &TREATED, question).unwrap();
        let att = of(Estimand::Att);
        assert_eq!(att.weights(), [1.0, 0.5, 0.5, 1.0, 1.0, 2.0, 0.0]);
        assert_eq!(att.estimand(), Estimand::MatchedTreated);
        let atc = of(Estimand::Atc);
        assert_eq!(atc.weights(), [2.0, 1.0, 1.0, 0.5, 0.5, 1.0, 0.0]);
        assert_eq!(atc.estimand(), Estimand::Atc);
        let ate = of(Estimand::Ate);
        assert_eq!(ate.weights(), [1.5, 0.75, 0.75, 0.75, 0.75, 1.5, 0.0]);
        assert_eq!(ate.estimand(), Estimand::MatchedUnits);
        assert_eq!((ate.n_strata(), ate.n_treated_matched()), (2, 3));
    }

    #[test]
    fn the_mean_difference_is_over_every_pair_of_a_stratum() {
        let got = stratified(&STRATA, &TREATED, Estimand::Att).unwrap();
        let values = [3.0, 1.0, 7.0, 2.0, 4.0, 4.0, 100.0];
        // |3 - 1|, |3 - 7|, |2 - 4| and |4 - 4|.
        assert!((got.mean_pair_difference(&values) - 2.0).abs() < 1e-15);
    }

    #[test]
    fn strata_without_both_arms_are_an_error_where_there_is_no_other() {
        let of = |strata: &[u32], question| stratified(strata, &[true, false], question);
        let none = MatchingError::NoSharedStratum;
        assert_eq!(of(&[1, 2], Estimand::Att), Err(none));
        let question = Estimand::MatchedTreated;
        let error = MatchingError::NoSuchQuestion { question };
        assert_eq!(of(&[1, 1], question), Err(error));
    }
}

//! The matched set: who is compared with whom, and with what weight.

use utfall_core::{Arm, Estimand};
use utfall_stats::moments;

/// Treated units with their comparators.
///
/// Holds every treated unit, also those that found nobody. Units are indices into the slices that
/// were matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    n_units: usize,
    treated: Vec<usize>,
    /// Where the comparators of each treated unit start, and the end.
    starts: Vec<usize>,
    comparators: Vec<usize>,
    caliper_width: Option<f64>,
    n_tied: usize,
}

/// One unit's part in one set, with a weight of one for the treated unit and of `1 / k` for each of
/// its `k` comparators.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Membership {
    /// Index of the unit.
    pub unit: usize,
    /// Number of the set: its place among matched treated units, in the order of their index.
    pub set: usize,
    /// The unit's arm.
    pub arm: Arm,
    /// The unit's share of its arm in the set.
    pub weight: f64,
}

impl Matched {
    /// `sets` holds the comparators of each treated unit, in the order of the treated.
    pub(crate) fn new(
        treated: &[bool],
        sets: Vec<Vec<usize>>,
        caliper_width: Option<f64>,
        n_tied: usize,
    ) -> Self {
        let mut starts = vec![0];
        let mut comparators = Vec::with_capacity(sets.iter().map(Vec::len).sum());
        for set in sets {
            comparators.extend(set);
            starts.push(comparators.len());
        }
        Self {
            n_units: treated.len(),
            treated: treated
                .iter()
                .enumerate()
                .filter_map(|(unit, &is)| is.then_some(unit))
                .collect(),
            starts,
            comparators,
            caliper_width,
            n_tied,
        }
    }

    /// Every treated unit with its comparators, first match first; none where nobody was found.
    pub fn sets(&self) -> impl Iterator<Item = (usize, &[usize])> {
        let ends = self.starts.windows(2);
        self.treated
            .iter()
            .zip(ends)
            .map(|(&unit, ends)| (unit, &self.comparators[ends[0]..ends[1]]))
    }

    /// Every pair of a treated unit and a comparator, in the order of the treated.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.sets()
            .flat_map(|(treated, set)| set.iter().map(move |&comparator| (treated, comparator)))
    }

    /// Treated units that found no comparator.
    pub fn unmatched_treated(&self) -> impl Iterator<Item = usize> {
        self.sets()
            .filter_map(|(unit, set)| set.is_empty().then_some(unit))
    }

    /// Units matched from, of both arms.
    #[must_use]
    pub fn n_units(&self) -> usize {
        self.n_units
    }

    /// Treated units, matched or not.
    #[must_use]
    pub fn n_treated(&self) -> usize {
        self.treated.len()
    }

    /// Comparators, matched or not.
    #[must_use]
    pub fn n_comparator(&self) -> usize {
        self.n_units - self.treated.len()
    }

    /// Treated units with at least one comparator.
    #[must_use]
    pub fn n_treated_matched(&self) -> usize {
        self.sets().filter(|(_, set)| !set.is_empty()).count()
    }

    /// Comparators in at least one set, each counted once.
    #[must_use]
    pub fn n_comparator_matched(&self) -> usize {
        self.uses().iter().filter(|&&uses| uses > 0).count()
    }

    /// Pairs of a treated unit and a comparator.
    #[must_use]
    pub fn n_pairs(&self) -> usize {
        self.comparators.len()
    }

    /// Choices at which another comparator was equally near, so that the tie rule decided.
    #[must_use]
    pub fn n_tied(&self) -> usize {
        self.n_tied
    }

    /// The caliper in units of the distance.
    #[must_use]
    pub fn caliper_width(&self) -> Option<f64> {
        self.caliper_width
    }

    /// What an effect over this set is an effect of: [`Estimand::Att`] if every treated unit was
    /// matched, [`Estimand::MatchedTreated`] otherwise.
    #[must_use]
    pub fn estimand(&self) -> Estimand {
        if self.unmatched_treated().next().is_none() {
            Estimand::Att
        } else {
            Estimand::MatchedTreated
        }
    }

    /// A weight for each unit, such that weighted means of the arms compare like with like.
    ///
    /// A matched treated unit has weight one. A comparator has the sum of `1 / k` over its sets of
    /// `k` comparators, rescaled so that comparators add up to the number of those matched. Units
    /// that are not matched have weight zero.
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.n_units];
        for (treated, set) in self.sets().filter(|(_, set)| !set.is_empty()) {
            weights[treated] = 1.0;
            for &comparator in set {
                weights[comparator] += 1.0 / moments::count(set.len());
            }
        }
        let scale =
            moments::count(self.n_comparator_matched()) / moments::count(self.n_treated_matched());
        let mut is_treated = vec![false; self.n_units];
        self.treated
            .iter()
            .for_each(|&unit| is_treated[unit] = true);
        for (weight, _) in weights
            .iter_mut()
            .zip(&is_treated)
            .filter(|(_, is_treated)| !**is_treated)
        {
            *weight *= scale;
        }
        weights
    }

    /// Kish's effective number of comparators under [`Matched::weights`].
    #[must_use]
    pub fn effective_n_comparator(&self) -> f64 {
        let mut weights = self.weights();
        self.treated.iter().for_each(|&unit| weights[unit] = 0.0);
        moments::effective_sample_size(&weights)
    }

    /// The set of each unit, `None` for units not matched: the cluster of a pair-clustered standard
    /// error. Sets are numbered from zero in the order of their treated units.
    ///
    /// `None` altogether if a comparator serves in several sets; see [`Matched::memberships`].
    #[must_use]
    pub fn set_of_unit(&self) -> Option<Vec<Option<usize>>> {
        if self.uses().iter().any(|&uses| uses > 1) {
            return None;
        }
        let mut sets = vec![None; self.n_units];
        for membership in self.memberships() {
            sets[membership.unit] = Some(membership.set);
        }
        Some(sets)
    }

    /// One row for each unit in each of its sets: the treated unit, then its comparators.
    pub fn memberships(&self) -> impl Iterator<Item = Membership> {
        let matched = self.sets().filter(|(_, set)| !set.is_empty());
        matched.enumerate().flat_map(|(number, (treated, set))| {
            let share = 1.0 / moments::count(set.len());
            let first = Membership {
                unit: treated,
                set: number,
                arm: Arm::Treated,
                weight: 1.0,
            };
            let others = set.iter().map(move |&unit| Membership {
                unit,
                set: number,
                arm: Arm::Comparator,
                weight: share,
            });
            std::iter::once(first).chain(others)
        })
    }

    /// How many sets each unit serves in as a comparator.
    fn uses(&self) -> Vec<u32> {
        let mut uses = vec![0; self.n_units];
        self.comparators.iter().for_each(|&unit| uses[unit] += 1);
        uses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units 0 and 1 share comparator 3; unit 4 found nobody.
    fn example() -> Matched {
        let treated = [true, true, false, false, true, false];
        Matched::new(&treated, vec![vec![3], vec![5, 3], vec![]], None, 0)
    }

    #[test]
    fn weights_add_up_to_the_matched_units_of_each_arm() {
        assert_eq!(example().weights(), [1.0, 1.0, 0.0, 1.5, 0.0, 0.5]);
        assert!((example().effective_n_comparator() - 4.0 / 2.5).abs() < 1e-15);
    }

    #[test]
    fn a_treated_unit_left_out_changes_the_estimand() {
        assert_eq!(example().estimand(), Estimand::MatchedTreated);
        assert_eq!(example().unmatched_treated().collect::<Vec<_>>(), [4]);
        let all = Matched::new(&[true, false], vec![vec![1]], None, 0);
        assert_eq!(all.estimand(), Estimand::Att);
    }

    #[test]
    fn a_comparator_in_several_sets_has_no_one_set() {
        assert_eq!(example().set_of_unit(), None);
        let sets =
            Matched::new(&[false, true, true, false], vec![vec![], vec![0]], None, 0).set_of_unit();
        assert_eq!(sets, Some(vec![Some(0), None, Some(0), None]));
        let weights: f64 = example()
            .memberships()
            .map(|membership| membership.weight)
            .sum();
        assert!((weights - 4.0).abs() < 1e-15);
    }
}

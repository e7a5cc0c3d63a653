//! The matched set: who is compared with whom, and with what weight.

use utfall_core::{Arm, Estimand};
use utfall_stats::moments;

/// Units of one arm with those found for them in the other: treated units with their comparators,
/// or comparators with their treated units where the question is the ATC.
///
/// Holds every unit of the focal arm, also those that found nobody. Units are indices into the
/// slices that were matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    n_units: usize,
    /// The arm whose units were matched.
    focal_arm: Arm,
    focal: Vec<usize>,
    /// Where the units found for each focal unit start, and the end.
    starts: Vec<usize>,
    found: Vec<usize>,
    caliper_width: Option<f64>,
    n_tied: usize,
}

/// One unit's part in one set. A set's weights add up to one in each arm: a treated unit with `k`
/// comparators has one, each comparator `1 / k`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Membership {
    /// Index of the unit.
    pub unit: usize,
    /// Number of the set: its place among matched focal units, in the order of their index.
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
        sets: impl IntoIterator<Item = impl IntoIterator<Item = usize>>,
        caliper_width: Option<f64>,
        n_tied: usize,
    ) -> Self {
        let (mut starts, mut found) = (vec![0], Vec::new());
        for set in sets {
            found.extend(set);
            starts.push(found.len());
        }
        Self {
            n_units: treated.len(),
            focal_arm: Arm::Treated,
            focal: treated
                .iter()
                .enumerate()
                .filter_map(|(unit, &is)| is.then_some(unit))
                .collect(),
            starts,
            found,
            caliper_width,
            n_tied,
        }
    }

    /// The same matching among more units: unit `i` here is unit `units[i]` there, and the focal
    /// units of `is_focal` that are not among them found nobody. `focal_arm` is the arm they are of.
    pub(crate) fn among(&self, units: &[usize], is_focal: &[bool], focal_arm: Arm) -> Self {
        let mut sets = vec![Vec::new(); is_focal.len()];
        for (unit, set) in self.sets() {
            sets[units[unit]] = set.iter().map(|&other| units[other]).collect();
        }
        let focal = sets.into_iter().zip(is_focal);
        let focal = focal.filter_map(|(set, &is)| is.then_some(set));
        Self {
            focal_arm,
            ..Self::new(is_focal, focal, self.caliper_width, self.n_tied)
        }
    }

    /// The arm whose units were matched: the treated, unless the question is the ATC.
    #[must_use]
    pub fn focal_arm(&self) -> Arm {
        self.focal_arm
    }

    /// Every focal unit with those found for it, first match first; none where nobody was found.
    pub fn sets(&self) -> impl Iterator<Item = (usize, &[usize])> {
        let ends = self.starts.windows(2);
        self.focal
            .iter()
            .zip(ends)
            .map(|(&unit, ends)| (unit, &self.found[ends[0]..ends[1]]))
    }

    /// Every pair of a treated unit and a comparator, in the order of the focal units.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let is_for_treated = self.focal_arm == Arm::Treated;
        let pairs = self
            .sets()
            .flat_map(|(focal, set)| set.iter().map(move |&other| (focal, other)));
        pairs.map(move |(focal, other)| {
            if is_for_treated {
                (focal, other)
            } else {
                (other, focal)
            }
        })
    }

    /// Treated units in no set, in the order of their index.
    pub fn unmatched_treated(&self) -> impl Iterator<Item = usize> {
        let is_for_treated = self.focal_arm == Arm::Treated;
        let mut is_left_out = vec![!is_for_treated; self.n_units];
        for (focal, set) in self.sets() {
            is_left_out[focal] = is_for_treated && set.is_empty();
        }
        if !is_for_treated {
            self.found
                .iter()
                .for_each(|&unit| is_left_out[unit] = false);
        }
        let units = is_left_out.into_iter().enumerate();
        units.filter_map(|(unit, is)| is.then_some(unit))
    }

    /// Units matched from, of both arms.
    #[must_use]
    pub fn n_units(&self) -> usize {
        self.n_units
    }

    /// Treated units, matched or not.
    #[must_use]
    pub fn n_treated(&self) -> usize {
        self.n_of(Arm::Treated)
    }

    /// Comparators, matched or not.
    #[must_use]
    pub fn n_comparator(&self) -> usize {
        self.n_of(Arm::Comparator)
    }

    /// Treated units in at least one set, each counted once.
    #[must_use]
    pub fn n_treated_matched(&self) -> usize {
        self.n_matched_of(Arm::Treated)
    }

    /// Comparators in at least one set, each counted once.
    #[must_use]
    pub fn n_comparator_matched(&self) -> usize {
        self.n_matched_of(Arm::Comparator)
    }

    fn n_of(&self, arm: Arm) -> usize {
        if arm == self.focal_arm {
            self.focal.len()
        } else {
            self.n_units - self.focal.len()
        }
    }

    fn n_matched_of(&self, arm: Arm) -> usize {
        if arm == self.focal_arm {
            self.sets().filter(|(_, set)| !set.is_empty()).count()
        } else {
            self.uses().iter().filter(|&&uses| uses > 0).count()
        }
    }

    /// Pairs of a treated unit and a comparator.
    #[must_use]
    pub fn n_pairs(&self) -> usize {
        self.found.len()
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
    /// matched, [`Estimand::MatchedTreated`] otherwise; where comparators were matched,
    /// [`Estimand::Atc`] and [`Estimand::MatchedComparators`].
    #[must_use]
    pub fn estimand(&self) -> Estimand {
        let is_whole = self.sets().all(|(_, set)| !set.is_empty());
        match (self.focal_arm, is_whole) {
            (Arm::Treated, true) => Estimand::Att,
            (Arm::Treated, false) => Estimand::MatchedTreated,
            (Arm::Comparator, true) => Estimand::Atc,
            (Arm::Comparator, false) => Estimand::MatchedComparators,
        }
    }

    /// A weight for each unit, such that weighted means of the arms compare like with like.
    ///
    /// A matched focal unit has weight one. A unit found has the sum of `1 / k` over its sets of
    /// `k` units found, rescaled so that those found add up to their number. Units that are not
    /// matched have weight zero.
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.n_units];
        for (_, set) in self.sets() {
            for &other in set {
                weights[other] += 1.0 / moments::count(set.len());
            }
        }
        let uses = self.uses();
        let n_found = uses.iter().filter(|&&uses| uses > 0).count();
        let scale = moments::count(n_found) / moments::count(self.n_matched_of(self.focal_arm));
        let found = weights.iter_mut().zip(&uses).filter(|(_, uses)| **uses > 0);
        found.for_each(|(weight, _)| *weight *= scale);
        for (focal, _) in self.sets().filter(|(_, set)| !set.is_empty()) {
            weights[focal] = 1.0;
        }
        weights
    }

    /// Kish's effective number of comparators under [`Matched::weights`].
    #[must_use]
    pub fn effective_n_comparator(&self) -> f64 {
        let mut is_comparator = vec![self.focal_arm == Arm::Treated; self.n_units];
        for &unit in &self.focal {
            is_comparator[unit] = !is_comparator[unit];
        }
        let weights = self.weights().into_iter().zip(is_comparator);
        let weights: Vec<f64> = weights
            .map(|(weight, is)| if is { weight } else { 0.0 })
            .collect();
        moments::effective_sample_size(&weights)
    }

    /// The set of each unit, `None` for units not matched: the cluster of a pair-clustered standard
    /// error. Sets are numbered from zero in the order of their focal units.
    ///
    /// `None` altogether if a unit serves in several sets; see [`Matched::memberships`].
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

    /// One row for each unit in each of its sets: the focal unit, then those found for it.
    pub fn memberships(&self) -> impl Iterator<Item = Membership> {
        let focal_arm = self.focal_arm;
        let matched = self.sets().filter(|(_, set)| !set.is_empty());
        matched.enumerate().flat_map(move |(number, (focal, set))| {
            let share = 1.0 / moments::count(set.len());
            let first = Membership {
                unit: focal,
                set: number,
                arm: focal_arm,
                weight: 1.0,
            };
            let others = set.iter().map(move |&unit| Membership {
                unit,
                set: number,
                arm: opposite(focal_arm),
                weight: share,
            });
            std::iter::once(first).chain(others)
        })
    }

    /// In how many sets each unit was found.
    fn uses(&self) -> Vec<u32> {
        let mut uses = vec![0; self.n_units];
        self.found.iter().for_each(|&unit| uses[unit] += 1);
        uses
    }
}

/// The other arm.
pub(crate) fn opposite(arm: Arm) -> Arm {
    match arm {
        Arm::Treated => Arm::Comparator,
        Arm::Comparator => Arm::Treated,
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
    fn comparators_can_be_those_who_are_matched() {
        let treated = [true, false, false, true, false];
        let is_focal: Vec<bool> = treated.iter().map(|is| !is).collect();
        let part = Matched::new(&[false, true, true, false], vec![vec![0], vec![0]], None, 0);
        let matched = part.among(&[0, 1, 2, 3], &is_focal, Arm::Comparator);
        assert_eq!(matched.estimand(), Estimand::MatchedComparators);
        assert_eq!(matched.pairs().collect::<Vec<_>>(), [(0, 1), (0, 2)]);
        assert_eq!(matched.weights(), [1.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(matched.unmatched_treated().collect::<Vec<_>>(), [3]);
        assert_eq!((matched.n_treated(), matched.n_treated_matched()), (2, 1));
        assert!((matched.effective_n_comparator() - 2.0).abs() < 1e-15);
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

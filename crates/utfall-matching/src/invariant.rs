//! What every comparison keeps, whatever the method: one checker for all of them.

use std::collections::BTreeMap;

use utfall_core::{Arm, Estimand};
use utfall_stats::{moments, sums};

use crate::{Comparison, Entries, LaterTreated, Matched, RiskSetReuse, RiskSetSpec};

/// Weights that are equal but for rounding differ by no more than this share.
const ROUNDING: f64 = 1e-9;

/// The first promise that a comparison of these units breaks; `None` if it keeps all.
///
/// Weights are finite, zero or more, and add up to the number of units with a weight in each arm; the
/// members of sets are the units with a weight, each of its own arm, and a set's weights add up to one
/// in each arm; sets lie within strata; the estimand is that of the whole arm only if every unit of it
/// has a weight. Every method is checked so wherever debug assertions are on.
#[must_use]
pub fn broken_promise(
    treated: &[bool],
    strata: Option<&[u32]>,
    comparison: &dyn Comparison,
) -> Option<&'static str> {
    let weights = comparison.weights();
    let is_weight = |weight: &f64| weight.is_finite() && *weight >= 0.0;
    if weights.len() != treated.len() || !weights.iter().all(is_weight) {
        return Some("a weight of zero or more for each unit");
    }
    let adds_up = |arm: bool| {
        let of_arm = weights.iter().zip(treated).filter(|(_, is)| **is == arm);
        let of_arm: Vec<f64> = of_arm.map(|(weight, _)| *weight).collect();
        let n = moments::count(of_arm.iter().filter(|weight| **weight > 0.0).count());
        n > 0.0 && (sums::sum(&of_arm) - n).abs() <= ROUNDING * n
    };
    if !adds_up(true) || !adds_up(false) {
        return Some("weights of an arm add up to its units that have one");
    }
    if !is_honest(treated, &weights, comparison.estimand()) {
        return Some("the estimand names whom the units with a weight stand for");
    }
    broken_by_sets(treated, strata, &weights, comparison)
}

/// The first promise of risk sets that a matching of these entries breaks; `None` if it keeps all.
///
/// A set is of one index date; whoever serves in it has not been treated by then, or never is, as the
/// specification says; and nobody serves more often than it says.
#[must_use]
pub fn broken_risk_set(
    spec: &RiskSetSpec,
    treated: &[bool],
    entries: &Entries,
    matched: &Matched,
) -> Option<&'static str> {
    let (person, day) = (&entries.person, &entries.day);
    let rows = (0..treated.len()).filter(|&row| treated[row]);
    let start: BTreeMap<u32, i64> = rows.map(|row| (person[row], day[row])).collect();
    let mut n_served: BTreeMap<(u32, Option<i64>), usize> = BTreeMap::new();
    for (seeking, other) in matched.pairs() {
        if day[seeking] != day[other] {
            return Some("a set is of one index date");
        }
        if let Some(&start) = start.get(&person[other])
            && (start <= day[other] || spec.later_treated == LaterTreated::Excluded)
        {
            return Some("a comparator is not treated by then, or ever where that excludes");
        }
        let occasion = match spec.reuse {
            RiskSetReuse::Allow => continue,
            RiskSetReuse::Once => None,
            RiskSetReuse::OncePerIndexDate => Some(day[other]),
        };
        *n_served.entry((person[other], occasion)).or_default() += 1;
    }
    let is_too_often = n_served.values().any(|&n| n > 1);
    is_too_often.then_some("nobody serves more often than the rule of reuse allows")
}

fn is_honest(treated: &[bool], weights: &[f64], estimand: Estimand) -> bool {
    let is_whole = |arm: bool| {
        let mut of_arm = weights.iter().zip(treated).filter(|(_, is)| **is == arm);
        of_arm.all(|(weight, _)| *weight > 0.0)
    };
    match estimand {
        Estimand::Att => is_whole(true),
        Estimand::Atc => is_whole(false),
        Estimand::Ate => is_whole(true) && is_whole(false),
        Estimand::MatchedTreated => !is_whole(true),
        Estimand::MatchedComparators => !is_whole(false),
        Estimand::MatchedUnits => !(is_whole(true) && is_whole(false)),
        _ => false,
    }
}

fn broken_by_sets(
    treated: &[bool],
    strata: Option<&[u32]>,
    weights: &[f64],
    comparison: &dyn Comparison,
) -> Option<&'static str> {
    let rows = comparison.memberships();
    let n_sets = rows.iter().map(|row| row.set + 1).max().unwrap_or(0);
    let mut totals = vec![[0.0, 0.0]; n_sets];
    let mut stratum = vec![None; n_sets];
    let mut is_member = vec![false; treated.len()];
    for row in &rows {
        if (row.arm == Arm::Treated) != treated[row.unit] {
            return Some("a member of a set is of its own arm");
        }
        totals[row.set][usize::from(treated[row.unit])] += row.weight;
        is_member[row.unit] = true;
        let of_unit = strata.map(|strata| strata[row.unit]);
        if *stratum[row.set].get_or_insert(of_unit) != of_unit {
            return Some("a set lies within one stratum");
        }
    }
    let is_one = |total: &f64| (total - 1.0).abs() < ROUNDING;
    if !totals.iter().flatten().all(is_one) {
        return Some("weights of a set add up to one in each arm");
    }
    let agree = |(is_member, weight): (&bool, &f64)| *is_member == (*weight > 0.0);
    if !is_member.iter().zip(weights).all(agree) {
        return Some("the units with a weight are the members of sets");
    }
    let sets = comparison.set_of_unit()?;
    let is_its_set = |row: &crate::Membership| sets[row.unit] == Some(row.set);
    let is_once = sets.iter().flatten().count() == rows.len();
    (!is_once || !rows.iter().all(is_its_set)).then_some("a unit in one set is there once")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Membership;

    /// A comparison that promises whatever it is told to.
    struct Promised {
        weights: Vec<f64>,
        estimand: Estimand,
        rows: Vec<Membership>,
    }

    impl Comparison for Promised {
        fn estimand(&self) -> Estimand {
            self.estimand
        }

        fn weights(&self) -> Vec<f64> {
            self.weights.clone()
        }

        fn set_of_unit(&self) -> Option<Vec<Option<usize>>> {
            None
        }

        fn memberships(&self) -> Vec<Membership> {
            self.rows.clone()
        }

        fn mean_pair_difference(&self, _: &[f64]) -> f64 {
            0.0
        }
    }

    fn promised() -> Promised {
        let row = |unit: usize, arm, weight| Membership {
            unit,
            set: 0,
            arm,
            weight,
        };
        Promised {
            weights: vec![1.0, 1.0, 1.0, 0.0],
            estimand: Estimand::Att,
            rows: vec![
                row(0, Arm::Treated, 1.0),
                row(1, Arm::Comparator, 0.5),
                row(2, Arm::Comparator, 0.5),
            ],
        }
    }

    const TREATED: [bool; 4] = [true, false, false, false];

    #[test]
    fn each_broken_promise_is_named() {
        type Change<'a> = &'a dyn Fn(&mut Promised);
        let broken = |change: Change| {
            let mut promised = promised();
            change(&mut promised);
            broken_promise(&TREATED, Some(&[1, 1, 1, 2]), &promised)
        };
        assert_eq!(broken(&|_| ()), None);
        let changes: [(Change, &str); 7] = [
            (&|it| it.weights[1] = f64::NAN, "zero or more"),
            (&|it| it.weights[1] = 2.0, "add up to its units"),
            (&|it| it.estimand = Estimand::Atc, "the estimand"),
            (&|it| it.rows[1].arm = Arm::Treated, "own arm"),
            (&|it| it.rows[1].weight = 0.7, "a set add up"),
            (&|it| it.rows[2].unit = 3, "one stratum"),
            (
                &|it| it.weights = vec![1.0, 1.0, 0.0, 0.0],
                "members of sets",
            ),
        ];
        for (change, part) in changes {
            let named = broken(change);
            assert!(
                named.is_some_and(|named| named.contains(part)),
                "{part}: {named:?}"
            );
        }
    }
}

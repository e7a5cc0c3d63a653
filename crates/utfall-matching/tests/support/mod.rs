//! What every test of matching leans on: one checker of the invariants of every method.
#![allow(dead_code, reason = "each test program checks the methods it is about")]

pub(crate) mod risk_sets;

use utfall_core::{Arm, Estimand};
use utfall_matching::{Comparison, Matched, NearestSpec, Reuse};

/// What a method that makes pairs promises beyond what every method does.
pub(crate) struct Pairing<'a> {
    /// Most units found for one focal unit.
    pub(crate) ratio: usize,
    /// Most sets a unit may be found in.
    pub(crate) most_uses: usize,
    /// Whether a focal unit and one of the other arm may be paired.
    pub(crate) may_pair: &'a dyn Fn(usize, usize) -> bool,
}

/// Checks what holds for nearest-neighbour matching on one distance.
pub(crate) fn check_invariants(
    spec: &NearestSpec,
    distance: &[f64],
    treated: &[bool],
    strata: Option<&[u32]>,
    matched: &Matched,
) {
    let width = spec.caliper.map(|caliper| caliper.width_of(distance));
    assert_eq!(matched.caliper_width(), width);
    let width = width.unwrap_or(f64::INFINITY);
    let may_pair = |a: usize, b: usize| (distance[a] - distance[b]).abs() <= width;
    check_pairs(&pairing(spec, &may_pair), treated, strata, matched);
}

/// The promises of a nearest-neighbour specification.
pub(crate) fn pairing<'a>(
    spec: &NearestSpec,
    may_pair: &'a dyn Fn(usize, usize) -> bool,
) -> Pairing<'a> {
    Pairing {
        ratio: spec.ratio.get() as usize,
        most_uses: match spec.reuse {
            Reuse::Forbid => 1,
            Reuse::Allow => usize::MAX,
            Reuse::AtMost(n) => n.get() as usize,
        },
        may_pair,
    }
}

/// Checks what holds for every method that makes pairs.
pub(crate) fn check_pairs(
    pairing: &Pairing<'_>,
    treated: &[bool],
    strata: Option<&[u32]>,
    matched: &Matched,
) {
    check_comparison(treated, strata, matched);
    let is_focal = |unit: usize| treated[unit] == (matched.focal_arm() == Arm::Treated);
    let focal: Vec<usize> = (0..treated.len()).filter(|&unit| is_focal(unit)).collect();
    let of_sets: Vec<usize> = matched.sets().map(|(unit, _)| unit).collect();
    assert_eq!(of_sets, focal, "every focal unit is there once");
    let mut uses = vec![0; treated.len()];
    for (unit, set) in matched.sets() {
        assert!(set.len() <= pairing.ratio);
        for &other in set {
            assert!(!is_focal(other), "a unit is matched to the other arm");
            assert!((pairing.may_pair)(unit, other), "{unit} and {other}");
            uses[other] += 1;
        }
        let mut distinct = set.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), set.len(), "nobody is twice in one set");
    }
    assert!(uses.iter().all(|&uses| uses <= pairing.most_uses));
    let count = |arm: bool| {
        let weights = matched.weights().into_iter().zip(treated);
        weights
            .filter(|(weight, is)| **is == arm && *weight > 0.0)
            .count()
    };
    assert_eq!(matched.n_treated_matched(), count(true));
    assert_eq!(matched.n_comparator_matched(), count(false));
    let n_left_out = matched.unmatched_treated().count();
    assert_eq!(n_left_out, matched.n_treated() - count(true));
    assert_eq!(matched.n_treated() + matched.n_comparator(), treated.len());
    assert!(matched.effective_n_comparator() <= count(false) as f64 + 1e-9);
    assert!(matched.set_of_unit().is_some() || pairing.most_uses > 1);
}

/// Checks what holds for any comparison of these units, whatever the method.
pub(crate) fn check_comparison(treated: &[bool], strata: Option<&[u32]>, got: &dyn Comparison) {
    let weights = got.weights();
    assert_eq!(weights.len(), treated.len());
    assert!(
        weights
            .iter()
            .all(|weight| weight.is_finite() && *weight >= 0.0)
    );
    for arm in [true, false] {
        let of_arm = weights.iter().zip(treated).filter(|(_, is)| **is == arm);
        let of_arm: Vec<f64> = of_arm.map(|(weight, _)| *weight).collect();
        let n = of_arm.iter().filter(|weight| **weight > 0.0).count() as f64;
        assert!(
            (of_arm.iter().sum::<f64>() - n).abs() <= 1e-9 * n,
            "weights add up"
        );
    }
    the_estimand_is_honest(treated, &weights, got.estimand());
    sets_are_sound(treated, strata, &weights, got);
}

fn the_estimand_is_honest(treated: &[bool], weights: &[f64], estimand: Estimand) {
    let is_whole = |arm: bool| {
        let mut of_arm = weights.iter().zip(treated).filter(|(_, is)| **is == arm);
        of_arm.all(|(weight, _)| *weight > 0.0)
    };
    let of_arm = |arm: bool, whole, part| if is_whole(arm) { whole } else { part };
    let honest = [
        of_arm(true, Estimand::Att, Estimand::MatchedTreated),
        of_arm(false, Estimand::Atc, Estimand::MatchedComparators),
        if is_whole(true) && is_whole(false) {
            Estimand::Ate
        } else {
            Estimand::MatchedUnits
        },
    ];
    assert!(honest.contains(&estimand), "{estimand}");
}

fn sets_are_sound(treated: &[bool], strata: Option<&[u32]>, weights: &[f64], got: &dyn Comparison) {
    let rows = got.memberships();
    let n_sets = rows.iter().map(|row| row.set + 1).max().unwrap_or(0);
    let mut totals = vec![[0.0, 0.0]; n_sets];
    let mut stratum = vec![None; n_sets];
    let mut is_member = vec![false; treated.len()];
    for row in &rows {
        assert_eq!(row.arm == Arm::Treated, treated[row.unit]);
        totals[row.set][usize::from(treated[row.unit])] += row.weight;
        is_member[row.unit] = true;
        if let Some(strata) = strata {
            let of_set = *stratum[row.set].get_or_insert(strata[row.unit]);
            assert_eq!(of_set, strata[row.unit], "a set lies in one stratum");
        }
    }
    for total in totals {
        assert!((total[0] - 1.0).abs() < 1e-9 && (total[1] - 1.0).abs() < 1e-9);
    }
    let has_weight: Vec<bool> = weights.iter().map(|weight| *weight > 0.0).collect();
    assert_eq!(is_member, has_weight);
    if let Some(sets) = got.set_of_unit() {
        assert!(rows.iter().all(|row| sets[row.unit] == Some(row.set)));
        let n_members = sets.iter().flatten().count();
        assert_eq!(n_members, rows.len(), "each unit in a set is there once");
    }
}

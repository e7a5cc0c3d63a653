//! What every test of matching leans on: the invariants of a matched set.

use utfall_core::{Arm, Estimand};
use utfall_matching::{Matched, NearestSpec, Reuse};

/// Checks what holds for any matching of these units, whatever the method.
pub(crate) fn check_invariants(
    spec: &NearestSpec,
    distance: &[f64],
    treated: &[bool],
    strata: Option<&[u32]>,
    matched: &Matched,
) {
    every_treated_unit_is_there_once(treated, matched);
    pairs_are_allowed(spec, distance, treated, strata, matched);
    sets_are_within_bounds(spec, matched);
    weights_add_up(treated, matched);
    memberships_follow_the_sets(spec, matched);
}

fn every_treated_unit_is_there_once(treated: &[bool], matched: &Matched) {
    let expected: Vec<usize> = (0..treated.len()).filter(|&unit| treated[unit]).collect();
    assert_eq!(
        matched.sets().map(|(unit, _)| unit).collect::<Vec<_>>(),
        expected
    );
    let n_unmatched = matched.unmatched_treated().count();
    assert_eq!(
        matched.n_treated_matched() + n_unmatched,
        matched.n_treated()
    );
    let expected = if n_unmatched == 0 {
        Estimand::Att
    } else {
        Estimand::MatchedTreated
    };
    assert_eq!(matched.estimand(), expected);
}

fn pairs_are_allowed(
    spec: &NearestSpec,
    distance: &[f64],
    treated: &[bool],
    strata: Option<&[u32]>,
    matched: &Matched,
) {
    let width = spec.caliper.map(|caliper| caliper.width_of(distance));
    assert_eq!(matched.caliper_width(), width);
    for (focal, comparator) in matched.pairs() {
        assert!(
            treated[focal] && !treated[comparator],
            "a treated unit is matched to a comparator"
        );
        assert!((distance[focal] - distance[comparator]).abs() <= width.unwrap_or(f64::INFINITY));
        assert!(strata.is_none_or(|strata| strata[focal] == strata[comparator]));
    }
}

fn sets_are_within_bounds(spec: &NearestSpec, matched: &Matched) {
    let mut uses = vec![0_u32; matched.n_units()];
    for (_, set) in matched.sets() {
        assert!(set.len() <= spec.ratio.get() as usize);
        let mut distinct = set.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), set.len(), "nobody is twice in one set");
        set.iter().for_each(|&unit| uses[unit] += 1);
    }
    let bound = match spec.reuse {
        Reuse::Forbid => 1,
        Reuse::Allow => u32::MAX,
        Reuse::AtMost(n) => n.get(),
    };
    assert!(uses.iter().all(|&uses| uses <= bound));
    assert_eq!(
        uses.iter().filter(|&&uses| uses > 0).count(),
        matched.n_comparator_matched()
    );
}

fn weights_add_up(treated: &[bool], matched: &Matched) {
    let weights = matched.weights();
    let of = |arm: bool| {
        weights
            .iter()
            .zip(treated)
            .filter(|(_, is)| **is == arm)
            .map(|(w, _)| w)
            .sum::<f64>()
    };
    assert!((of(true) - matched.n_treated_matched() as f64).abs() < 1e-9);
    assert!((of(false) - matched.n_comparator_matched() as f64).abs() < 1e-9);
    let in_a_pair: Vec<usize> = matched.pairs().flat_map(|(a, b)| [a, b]).collect();
    for (unit, weight) in weights.iter().enumerate() {
        assert_eq!(
            *weight > 0.0,
            in_a_pair.contains(&unit),
            "unit {unit} has weight {weight}"
        );
    }
    assert!(matched.effective_n_comparator() <= matched.n_comparator_matched() as f64 + 1e-9);
}

fn memberships_follow_the_sets(spec: &NearestSpec, matched: &Matched) {
    let rows: Vec<_> = matched.memberships().collect();
    assert_eq!(rows.len(), matched.n_treated_matched() + matched.n_pairs());
    for set in 0..matched.n_treated_matched() {
        for arm in [Arm::Treated, Arm::Comparator] {
            let total: f64 = rows
                .iter()
                .filter(|row| row.set == set && row.arm == arm)
                .map(|row| row.weight)
                .sum();
            assert!((total - 1.0).abs() < 1e-12);
        }
    }
    match matched.set_of_unit() {
        Some(sets) => assert!(rows.iter().all(|row| sets[row.unit] == Some(row.set))),
        None => assert_ne!(spec.reuse, Reuse::Forbid),
    }
}

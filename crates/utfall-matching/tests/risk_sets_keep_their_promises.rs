//! Risk-set matching is what a plain look at everybody at risk finds, on a grid full of ties.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::num::NonZeroU32;

use proptest::prelude::*;
use utfall_core::Arm;
use utfall_matching::{
    LaterTreated, MatchingError, RiskSet, RiskSetReuse, RiskSetSpec, Timeline, risk_sets,
};
use utfall_stats::draws::Stream;

#[derive(Debug, Clone)]
struct Persons {
    score: Vec<f64>,
    start: Vec<Option<i64>>,
    from: Vec<i64>,
    until: Vec<i64>,
    strata: Option<Vec<u32>>,
}

fn persons() -> impl Strategy<Value = Persons> {
    let person = (
        0_u8..10,
        prop::option::weighted(0.5, 0_i64..6),
        -2_i64..3,
        1_i64..9,
        0_u32..2,
    );
    (prop::collection::vec(person, 2..30), any::<bool>()).prop_map(|(all, has_strata)| Persons {
        score: all.iter().map(|one| f64::from(one.0) * 0.25).collect(),
        start: all.iter().map(|one| one.1).collect(),
        from: all.iter().map(|one| one.2).collect(),
        until: all.iter().map(|one| one.3).collect(),
        strata: has_strata.then(|| all.iter().map(|one| one.4).collect()),
    })
}

/// The same matching by looking at everybody each time.
fn plain_search(spec: &RiskSetSpec, all: &Persons) -> Vec<RiskSet> {
    let n = all.score.len();
    let mut days: Vec<i64> = all.start.iter().flatten().copied().collect();
    days.sort_unstable();
    days.dedup();
    let mut used: Vec<Vec<i64>> = vec![Vec::new(); n];
    let mut found = Vec::new();
    for day in days {
        let starting = (0..n).filter(|&unit| all.start[unit] == Some(day));
        let mut sets: Vec<RiskSet> = starting
            .map(|treated| RiskSet {
                treated,
                index_date: day,
                comparators: Vec::new(),
            })
            .collect();
        let mut is_out = vec![false; sets.len()];
        for _ in 0..spec.ratio.get() {
            for (place, set) in sets
                .iter_mut()
                .enumerate()
                .filter(|(place, _)| !is_out[*place])
                .collect::<Vec<_>>()
            {
                let apart = |other: usize| (all.score[set.treated] - all.score[other]).abs();
                let at_risk = (0..n).filter(|&other| {
                    let may_start = match spec.later_treated {
                        LaterTreated::Eligible => all.start[other].is_none_or(|start| start > day),
                        LaterTreated::Excluded => all.start[other].is_none(),
                    };
                    let is_free = match spec.reuse {
                        RiskSetReuse::Once => used[other].is_empty(),
                        RiskSetReuse::OncePerIndexDate => !used[other].contains(&day),
                        RiskSetReuse::Allow => true,
                    };
                    let strata = all.strata.as_ref();
                    may_start
                        && is_free
                        && all.from[other] <= day
                        && day < all.until[other]
                        && !set.comparators.contains(&other)
                        && strata.is_none_or(|strata| strata[other] == strata[set.treated])
                        && spec
                            .caliper
                            .is_none_or(|caliper| apart(other) <= caliper.width())
                });
                match at_risk.min_by(|&a, &b| apart(a).total_cmp(&apart(b)).then(a.cmp(&b))) {
                    Some(other) => {
                        used[other].push(day);
                        set.comparators.push(other);
                    }
                    None => is_out[place] = true,
                }
            }
        }
        found.extend(sets);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_set_is_what_a_plain_search_finds(all in persons(), spec in support::risk_sets::spec()) {
        let timeline = Timeline { start: &all.start, from: Some(&all.from), until: Some(&all.until) };
        let expected = plain_search(&spec, &all);
        match risk_sets(&spec, &all.score, &timeline, all.strata.as_deref()) {
            Ok(found) => {
                let n_alone = expected.iter().filter(|set| set.comparators.is_empty()).count();
                prop_assert_eq!(found.n_unmatched(), n_alone);
                let rows: Vec<_> = found.memberships().collect();
                for row in &rows {
                    let set = rows.iter().filter(|other| other.set == row.set && other.arm == row.arm);
                    prop_assert!((set.map(|row| row.weight).sum::<f64>() - 1.0).abs() < 1e-9);
                    prop_assert!(row.arm == Arm::Comparator || all.start[row.unit].is_some());
                }
                prop_assert_eq!(found.sets, expected);
            }
            Err(MatchingError::EmptyArm { .. }) => {
                let n_started = all.start.iter().flatten().count();
                let one_day = all.start.iter().all(|start| *start == all.start[0]);
                prop_assert!(n_started == 0 || one_day);
            }
            Err(error) => {
                let nobody = matches!(error, MatchingError::NobodyAtRisk { .. });
                prop_assert!(nobody, "{}", error);
                prop_assert!(expected.iter().all(|set| set.comparators.is_empty()));
            }
        }
    }
}

#[test]
fn without_ties_the_order_of_persons_changes_no_set() {
    let n = 400;
    let mut stream = Stream::new(2, "risk sets", 0);
    let score: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
    let start: Vec<Option<i64>> = (0..n)
        .map(|unit| (unit % 3 == 0).then_some(unit as i64))
        .collect();
    let mut moved: Vec<usize> = (0..n).collect();
    stream.shuffle(&mut moved);
    let spec = RiskSetSpec {
        ratio: NonZeroU32::new(2).unwrap(),
        caliper: None,
        reuse: RiskSetReuse::Once,
        later_treated: LaterTreated::Eligible,
    };
    let of = |score: &[f64], start: &[Option<i64>]| {
        let timeline = Timeline {
            start,
            from: None,
            until: None,
        };
        risk_sets(&spec, score, &timeline, None).unwrap().sets
    };
    let plain = of(&score, &start);
    let moved_score: Vec<f64> = moved.iter().map(|&unit| score[unit]).collect();
    let moved_start: Vec<Option<i64>> = moved.iter().map(|&unit| start[unit]).collect();
    for (one, other) in plain.iter().zip(of(&moved_score, &moved_start)) {
        assert_eq!(one.treated, moved[other.treated]);
        let back: Vec<usize> = other.comparators.iter().map(|&unit| moved[unit]).collect();
        assert_eq!(one.comparators, back);
    }
    assert!(
        plain
            .iter()
            .any(|set| set.comparators.iter().any(|&unit| start[unit].is_some()))
    );
}

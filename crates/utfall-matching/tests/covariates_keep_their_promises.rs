//! Matching on covariates: what the tree finds is what a plain search finds.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::num::NonZeroU32;

use proptest::prelude::*;
use utfall_core::Arm;
use utfall_matching::{
    Caliper, CaliperScale, Candidates, MatchingError, NearestSpec, Order, Reuse, Ties,
    nearest_on_covariates,
};
use utfall_stats::Matrix;
use utfall_stats::draws::Stream;

mod support;

/// Units on a coarse grid of two coordinates, so that ties are everywhere.
#[derive(Debug, Clone)]
struct Population {
    points: Vec<[f64; 2]>,
    score: Option<Vec<f64>>,
    treated: Vec<bool>,
    strata: Option<Vec<u32>>,
}

impl Population {
    fn coordinates(&self) -> Matrix {
        let column = |side: usize| self.points.iter().map(|point| point[side]).collect();
        Matrix::from_columns(vec![column(0), column(1)]).unwrap()
    }

    fn squared(&self, a: usize, b: usize) -> f64 {
        let (a, b) = (self.points[a], self.points[b]);
        (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1])
    }
}

fn population() -> impl Strategy<Value = Population> {
    let unit = (
        0_u8..9,
        0_u8..9,
        prop::bool::weighted(0.3),
        0_u32..3,
        0_u8..6,
    );
    let units = prop::collection::vec(unit, 2..90);
    (units, any::<bool>(), any::<bool>()).prop_map(|(units, has_score, has_strata)| Population {
        points: units
            .iter()
            .map(|unit| [f64::from(unit.0) * 0.3, f64::from(unit.1) * 0.7 - 2.0])
            .collect(),
        score: has_score.then(|| units.iter().map(|unit| f64::from(unit.4) * 0.25).collect()),
        treated: units.iter().map(|unit| unit.2).collect(),
        strata: has_strata.then(|| units.iter().map(|unit| unit.3).collect()),
    })
}

fn spec() -> impl Strategy<Value = NearestSpec> {
    let ratio = (1_u32..4).prop_map(|ratio| NonZeroU32::new(ratio).unwrap());
    let caliper = (1_u8..8)
        .prop_map(|width| Caliper::new(f64::from(width) * 0.25, CaliperScale::Raw).unwrap());
    let reuse = prop_oneof![
        Just(Reuse::Forbid),
        Just(Reuse::Allow),
        (1_u32..4).prop_map(|most| Reuse::AtMost(NonZeroU32::new(most).unwrap())),
    ];
    let order = prop_oneof![
        Just(Order::Largest),
        Just(Order::Smallest),
        Just(Order::Closest),
        Just(Order::Data)
    ];
    (ratio, prop::option::of(caliper), reuse, order).prop_map(|(ratio, caliper, reuse, order)| {
        NearestSpec {
            variable: None,
            ratio,
            caliper,
            reuse,
            order,
            ties: Ties::LowestId,
        }
    })
}

/// Whether a pair may be made at all.
fn may_pair(spec: &NearestSpec, units: &Population, a: usize, b: usize) -> bool {
    let width = spec
        .caliper
        .map_or(f64::INFINITY, |caliper| caliper.width());
    let apart = match &units.score {
        Some(score) => (score[a] - score[b]).abs(),
        None => units.squared(a, b).sqrt(),
    };
    let strata = units.strata.as_ref();
    apart <= width && strata.is_none_or(|strata| strata[a] == strata[b])
}

/// The same matching by looking at everybody each time.
fn plain_search(spec: &NearestSpec, units: &Population) -> (Vec<(usize, Vec<usize>)>, usize) {
    let n = units.treated.len();
    let most = match spec.reuse {
        Reuse::Forbid => 1,
        Reuse::Allow => u32::MAX,
        Reuse::AtMost(most) => most.get(),
    };
    let mut sets = vec![Vec::new(); n];
    let mut uses = vec![0; n];
    let mut n_tied = 0;
    let mut choosing: Vec<usize> = (0..n).filter(|&unit| units.treated[unit]).collect();
    let score = |unit: usize| units.score.as_ref().map_or(0.0, |score| score[unit]);
    match spec.order {
        Order::Largest => choosing.sort_by(|&a, &b| score(b).total_cmp(&score(a))),
        Order::Smallest => choosing.sort_by(|&a, &b| score(a).total_cmp(&score(b))),
        Order::Closest | Order::Data | Order::Random { .. } => {}
    }
    for _ in 0..spec.ratio.get() {
        let mut waiting = std::mem::take(&mut choosing);
        while !waiting.is_empty() {
            let best = |focal: usize| {
                let allowed = (0..n).filter(|&unit| {
                    !units.treated[unit]
                        && uses[unit] < most
                        && !sets[focal].contains(&unit)
                        && may_pair(spec, units, focal, unit)
                });
                let mut near: Vec<(f64, usize)> = allowed
                    .map(|unit| (units.squared(focal, unit), unit))
                    .collect();
                near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let is_tied = near.len() > 1 && near[1].0 <= near[0].0;
                near.first()
                    .map(|&(apart, unit)| (apart.sqrt(), unit, is_tied))
            };
            let at = if spec.order == Order::Closest {
                let distances = waiting.iter().map(|&focal| best(focal).map(|best| best.0));
                let nearest = distances
                    .enumerate()
                    .filter_map(|(at, apart)| Some((apart?, at)));
                let nearest = nearest
                    .min_by(|a, b| a.0.total_cmp(&b.0).then(waiting[a.1].cmp(&waiting[b.1])));
                let Some((_, at)) = nearest else { break };
                at
            } else {
                0
            };
            let focal = waiting.remove(at);
            if let Some((_, unit, is_tied)) = best(focal) {
                sets[focal].push(unit);
                uses[unit] += 1;
                n_tied += usize::from(is_tied);
                choosing.push(focal);
            }
        }
        if spec.order == Order::Closest {
            choosing.sort_unstable();
        }
    }
    let treated = (0..n).filter(|&unit| units.treated[unit]);
    (
        treated.map(|unit| (unit, sets[unit].clone())).collect(),
        n_tied,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_matching_on_covariates_is_what_a_plain_search_finds(units in population(), spec in spec()) {
        let got = nearest_on_covariates(&spec, &units.coordinates(), units.score.as_deref(), &units.treated, units.strata.as_deref());
        let needs_score = units.score.is_none() && matches!(spec.order, Order::Largest | Order::Smallest);
        match got {
            Ok(matched) => {
                prop_assert!(!needs_score);
                let (expected, n_tied) = plain_search(&spec, &units);
                let sets: Vec<_> = matched.sets().map(|(unit, set)| (unit, set.to_vec())).collect();
                prop_assert_eq!(sets, expected);
                prop_assert_eq!(matched.n_tied(), n_tied);
                let may_pair = |a: usize, b: usize| may_pair(&spec, &units, a, b);
                support::check_pairs(&support::pairing(&spec, &may_pair), &units.treated, units.strata.as_deref(), &matched);
            }
            Err(MatchingError::NeedsScore { .. }) => prop_assert!(needs_score),
            Err(MatchingError::EmptyArm { arm, .. }) => {
                prop_assert!(units.treated.iter().all(|&is| is == (arm == Arm::Comparator)));
            }
            Err(error) => {
                let is_named = matches!(error, MatchingError::NoSharedStratum | MatchingError::NobodyWithinCaliper { .. });
                prop_assert!(is_named, "{}", error);
                let (expected, _) = plain_search(&spec, &units);
                prop_assert!(expected.iter().all(|(_, set)| set.is_empty()));
            }
        }
    }

    /// The ATC is the ATT with the arms exchanged.
    #[test]
    fn comparators_who_seek_find_what_treated_units_would(units in population(), spec in spec()) {
        let exchanged: Vec<bool> = units.treated.iter().map(|is| !is).collect();
        let direct = nearest_on_covariates(&spec, &units.coordinates(), units.score.as_deref(), &exchanged, units.strata.as_deref());
        let Ok(candidates) = Candidates::new(&units.treated, Arm::Comparator, None) else { return Ok(()) };
        let found = candidates.matched(|part| {
            let score = units.score.as_deref().map(|score| part.of(score));
            let strata = units.strata.as_deref().map(|strata| part.of(strata));
            nearest_on_covariates(&spec, &part.rows_of(&units.coordinates()), score.as_deref(), part.focal(), strata.as_deref())
        });
        match (direct, found) {
            (Ok(direct), Ok(found)) => {
                prop_assert!(direct.sets().eq(found.sets()));
                let pairs: Vec<_> = found.pairs().map(|(treated, comparator)| (comparator, treated)).collect();
                prop_assert_eq!(direct.pairs().collect::<Vec<_>>(), pairs);
                let may_pair = |a: usize, b: usize| may_pair(&spec, &units, a, b);
                support::check_pairs(&support::pairing(&spec, &may_pair), &units.treated, units.strata.as_deref(), &found);
            }
            (direct, found) => prop_assert_eq!(direct.unwrap_err(), found.unwrap_err()),
        }
    }
}

#[test]
fn ten_thousand_units_in_five_dimensions_are_each_near_their_nearest() {
    let mut stream = Stream::new(5, "tree", 0);
    let columns: Vec<Vec<f64>> = (0..5)
        .map(|_| (0..10_000).map(|_| stream.normal()).collect())
        .collect();
    let treated: Vec<bool> = (0..10_000).map(|unit| unit % 50 == 0).collect();
    let coordinates = Matrix::from_columns(columns).unwrap();
    let spec = NearestSpec {
        variable: None,
        ratio: NonZeroU32::MIN,
        caliper: None,
        reuse: Reuse::Allow,
        order: Order::Data,
        ties: Ties::LowestId,
    };
    let matched = nearest_on_covariates(&spec, &coordinates, None, &treated, None).unwrap();
    let apart = |a: usize, b: usize| -> f64 {
        coordinates
            .columns()
            .map(|c| (c[a] - c[b]) * (c[a] - c[b]))
            .sum()
    };
    for (unit, set) in matched.sets() {
        let others = (0..10_000).filter(|&other| !treated[other]);
        let nearest = others.min_by(|&a, &b| apart(unit, a).total_cmp(&apart(unit, b)));
        assert_eq!(Some(set[0]), nearest);
    }
}

#[test]
fn the_outward_walk_takes_the_last_it_meets() {
    let coordinates = Matrix::from_columns(vec![vec![2.0, 1.0, 1.0, 3.0, 3.0]]).unwrap();
    let mut spec = NearestSpec {
        variable: None,
        ratio: NonZeroU32::MIN,
        caliper: None,
        reuse: Reuse::Allow,
        order: Order::Data,
        ties: Ties::OutwardWalk,
    };
    let treated = [true, false, false, false, false];
    let found = |spec: &NearestSpec| {
        let matched = nearest_on_covariates(spec, &coordinates, None, &treated, None).unwrap();
        (matched.pairs().collect::<Vec<_>>(), matched.n_tied())
    };
    assert_eq!(found(&spec), (vec![(0, 4)], 1));
    spec.ties = Ties::LowestId;
    assert_eq!(found(&spec), (vec![(0, 1)], 1));
}

#[test]
fn choices_that_need_a_score_are_refused() {
    let coordinates = Matrix::from_columns(vec![vec![1.0, 2.0]]).unwrap();
    let plain = NearestSpec {
        variable: None,
        ratio: NonZeroU32::MIN,
        caliper: None,
        reuse: Reuse::Forbid,
        order: Order::Data,
        ties: Ties::LowestId,
    };
    let error = |spec: &NearestSpec| {
        nearest_on_covariates(spec, &coordinates, None, &[true, false], None).unwrap_err()
    };
    let ordered = NearestSpec {
        order: Order::Largest,
        ..plain.clone()
    };
    let what = "the order";
    assert_eq!(error(&ordered), MatchingError::NeedsScore { what });
    let deviations = NearestSpec {
        caliper: Some(Caliper::new(0.2, CaliperScale::SdOfDistance).unwrap()),
        ..plain
    };
    let what = "a caliper in standard deviations";
    assert_eq!(error(&deviations), MatchingError::NeedsScore { what });
}

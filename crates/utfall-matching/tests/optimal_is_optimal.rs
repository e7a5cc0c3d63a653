//! Optimal matching equals the best of all matchings, and keeps the invariants of a matching.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::num::NonZeroU32;

use proptest::prelude::*;
use utfall_core::Arm;
use utfall_matching::{
    Caliper, CaliperScale, Matched, MatchingError, OptimalSpec, Order, Reuse, Ties, nearest,
    optimal,
};
use utfall_stats::draws::Stream;

mod support;

#[derive(Debug, Clone)]
struct Population {
    distance: Vec<f64>,
    treated: Vec<bool>,
    strata: Option<Vec<u32>>,
}

fn population() -> impl Strategy<Value = Population> {
    let unit = (0_u8..12, prop::bool::weighted(0.4), 0_u32..2);
    (prop::collection::vec(unit, 2..10), any::<bool>()).prop_map(|(units, has_strata)| Population {
        distance: units.iter().map(|unit| f64::from(unit.0) * 0.25).collect(),
        treated: units.iter().map(|unit| unit.1).collect(),
        strata: has_strata.then(|| units.iter().map(|unit| unit.2).collect()),
    })
}

fn spec() -> impl Strategy<Value = OptimalSpec> {
    let caliper = (1_u8..6)
        .prop_map(|width| Caliper::new(f64::from(width) * 0.25, CaliperScale::Raw).unwrap());
    (1_u32..4, prop::option::of(caliper)).prop_map(|(ratio, caliper)| OptimalSpec {
        ratio: NonZeroU32::new(ratio).unwrap(),
        caliper,
    })
}

fn may_pair(spec: &OptimalSpec, units: &Population, a: usize, b: usize) -> bool {
    let width = spec
        .caliper
        .map_or(f64::INFINITY, |caliper| caliper.width());
    let strata = units.strata.as_ref();
    (units.distance[a] - units.distance[b]).abs() <= width
        && strata.is_none_or(|strata| strata[a] == strata[b])
}

/// Units without any, pairs short and the sum, by trying everything.
fn best(spec: &OptimalSpec, units: &Population) -> (usize, usize, f64) {
    let arm = |wanted: bool| -> Vec<usize> {
        (0..units.treated.len())
            .filter(|&unit| units.treated[unit] == wanted)
            .collect()
    };
    let (focal, others) = (arm(true), arm(false));
    let mut given = vec![0_usize; focal.len()];
    let mut found = (usize::MAX, usize::MAX, f64::INFINITY);
    try_all(spec, units, &focal, &others, &mut given, 0.0, &mut found);
    found
}

fn try_all(
    spec: &OptimalSpec,
    units: &Population,
    focal: &[usize],
    others: &[usize],
    given: &mut Vec<usize>,
    sum: f64,
    found: &mut (usize, usize, f64),
) {
    let ratio = spec.ratio.get() as usize;
    let Some((&other, rest)) = others.split_first() else {
        let without = given.iter().filter(|&&n| n == 0).count();
        let short = given.iter().map(|n| ratio - n).sum();
        let here = (without, short, sum);
        if here < *found {
            *found = here;
        }
        return;
    };
    try_all(spec, units, focal, rest, given, sum, found);
    for (place, &unit) in focal.iter().enumerate() {
        if given[place] < ratio && may_pair(spec, units, unit, other) {
            given[place] += 1;
            let apart = (units.distance[unit] - units.distance[other]).abs();
            try_all(spec, units, focal, rest, given, sum + apart, found);
            given[place] -= 1;
        }
    }
}

fn sum(distance: &[f64], matched: &Matched) -> f64 {
    matched
        .pairs()
        .map(|(t, c)| (distance[t] - distance[c]).abs())
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_matching_is_better(units in population(), spec in spec()) {
        match optimal(&spec, &units.distance, &units.treated, units.strata.as_deref()) {
            Ok(matched) => {
                let may_pair = |a: usize, b: usize| may_pair(&spec, &units, a, b);
                let ratio = spec.ratio.get() as usize;
                let pairing = support::Pairing { ratio, most_uses: 1, may_pair: &may_pair };
                support::check_pairs(&pairing, &units.treated, units.strata.as_deref(), &matched);
                let without = matched.n_treated() - matched.n_treated_matched();
                let short = ratio * matched.n_treated() - matched.n_pairs();
                let expected = best(&spec, &units);
                prop_assert_eq!((without, short), (expected.0, expected.1));
                prop_assert!((sum(&units.distance, &matched) - expected.2).abs() < 1e-9);
            }
            Err(MatchingError::EmptyArm { arm, .. }) => {
                prop_assert!(units.treated.iter().all(|&is| is == (arm == Arm::Comparator)));
            }
            Err(error) => {
                let is_named = matches!(error, MatchingError::NoSharedStratum | MatchingError::NobodyWithinCaliper { .. });
                prop_assert!(is_named, "{}", error);
                prop_assert_eq!(best(&spec, &units).0, units.treated.iter().filter(|&&is| is).count());
            }
        }
    }
}

#[test]
fn two_thousand_among_forty_thousand_are_at_least_as_near_as_greedy_ones() {
    let mut stream = Stream::new(7, "optimal", 0);
    let n = 42_000;
    let treated: Vec<bool> = (0..n).map(|unit| unit % 21 == 0).collect();
    let distance: Vec<f64> = treated
        .iter()
        .map(|&is| stream.normal() + if is { 1.0 } else { 0.0 })
        .collect();
    let matched = |seen: &[usize]| {
        let distance: Vec<f64> = seen.iter().map(|&unit| distance[unit]).collect();
        let treated: Vec<bool> = seen.iter().map(|&unit| treated[unit]).collect();
        let ratio = NonZeroU32::MIN;
        let caliper = Some(Caliper::new(0.05, CaliperScale::Raw).unwrap());
        let spec = OptimalSpec { ratio, caliper };
        let best = optimal(&spec, &distance, &treated, None).unwrap();
        let greedy = utfall_matching::NearestSpec {
            variable: None,
            ratio,
            caliper,
            reuse: Reuse::Forbid,
            order: Order::Largest,
            ties: Ties::LowestId,
        };
        let greedy = nearest(&greedy, &distance, &treated, None).unwrap();
        assert!(best.n_pairs() >= greedy.n_pairs());
        if best.n_pairs() == greedy.n_pairs() {
            assert!(sum(&distance, &best) <= sum(&distance, &greedy) + 1e-9);
        }
        let pairs = best.pairs().map(|(t, c)| (seen[t], seen[c]));
        let mut pairs: Vec<(usize, usize)> = pairs.collect();
        pairs.sort_unstable();
        pairs
    };
    let mut order: Vec<usize> = (0..n).collect();
    let plain = matched(&order);
    stream.shuffle(&mut order);
    assert_eq!(matched(&order), plain, "the order of units changes no pair");
}

/// Optimal pairs on one coordinate by looking at the nearest first, against those on the line.
#[test]
fn looking_at_the_nearest_first_finds_the_sum_of_the_line() {
    for replicate in 0..30 {
        let mut stream = Stream::new(8, "covariates", replicate);
        let n = 200;
        let treated: Vec<bool> = (0..n).map(|_| stream.bernoulli(0.4)).collect();
        let score: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let coordinates = utfall_stats::Matrix::from_columns(vec![score.clone()]).unwrap();
        for (ratio, width) in [(1, None), (2, None), (2, Some(0.1)), (1, Some(0.02))] {
            let spec = OptimalSpec {
                ratio: NonZeroU32::new(ratio).unwrap(),
                caliper: width.map(|width| Caliper::new(width, CaliperScale::Raw).unwrap()),
            };
            let nearness = utfall_matching::Nearness::Covariates {
                coordinates: &coordinates,
                score: None,
            };
            let on_line = optimal(&spec, &score, &treated, None).unwrap();
            let looked = optimal(&spec, nearness, &treated, None).unwrap();
            let sum = |matched: &Matched| -> f64 {
                matched
                    .pairs()
                    .map(|(t, c)| (score[t] - score[c]).abs())
                    .sum()
            };
            assert_eq!(on_line.n_pairs(), looked.n_pairs());
            assert_eq!(on_line.n_treated_matched(), looked.n_treated_matched());
            assert!((sum(&on_line) - sum(&looked)).abs() < 1e-9);
        }
    }
}

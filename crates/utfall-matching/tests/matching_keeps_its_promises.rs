//! Random populations: every matching equals a plain search, and keeps the invariants of a matching.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::num::NonZeroU32;

use proptest::prelude::*;
use utfall_core::Arm;
use utfall_matching::{
    Caliper, CaliperScale, Matched, MatchingError, NearestSpec, Order, Reuse, Rule, Ties, Within,
    nearest,
};
use utfall_stats::draws::Stream;

mod support;

/// A population whose scores lie on a coarse grid, so that ties are everywhere.
#[derive(Debug, Clone)]
struct Population {
    distance: Vec<f64>,
    treated: Vec<bool>,
    strata: Option<Vec<u32>>,
    rules: Vec<Rule>,
}

impl Population {
    fn within(&self) -> Within<'_> {
        Within {
            strata: self.strata.as_deref(),
            rules: &self.rules,
        }
    }

    fn allows(&self, a: usize, b: usize) -> bool {
        self.rules.iter().all(|rule| match rule {
            Rule::Near { values, width } => (values[a] - values[b]).abs() <= *width,
            Rule::Apart { values, width } => (values[a] - values[b]).abs() > *width,
            Rule::Unlike { groups } => groups[a] != groups[b],
        })
    }
}

/// No rule, one of each kind, or all together.
fn rules(kind: u8, values: &[u32]) -> Vec<Rule> {
    let reals: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
    let all = [
        Rule::Near {
            values: reals.clone(),
            width: 2.0,
        },
        Rule::Apart {
            values: reals,
            width: 0.0,
        },
        Rule::Unlike {
            groups: values.iter().map(|value| value % 3).collect(),
        },
    ];
    match kind {
        0..3 => vec![all[usize::from(kind)].clone()],
        3 => all.to_vec(),
        _ => Vec::new(),
    }
}

fn population() -> impl Strategy<Value = Population> {
    let unit = (0_u8..12, prop::bool::weighted(0.35), 0_u32..3, 0_u32..5);
    let units = prop::collection::vec(unit, 2..40);
    (units, any::<bool>(), 0_u8..8).prop_map(|(units, has_strata, kind)| Population {
        distance: units
            .iter()
            .map(|unit| f64::from(unit.0) * 0.25 - 1.0)
            .collect(),
        treated: units.iter().map(|unit| unit.1).collect(),
        strata: has_strata.then(|| units.iter().map(|unit| unit.2).collect()),
        rules: rules(kind, &units.iter().map(|unit| unit.3).collect::<Vec<_>>()),
    })
}

fn spec() -> impl Strategy<Value = NearestSpec> {
    let ratio = (1_u32..5).prop_map(|ratio| NonZeroU32::new(ratio).unwrap());
    let scale = prop_oneof![Just(CaliperScale::Raw), Just(CaliperScale::SdOfDistance)];
    let caliper = (1_u8..8, scale)
        .prop_map(|(width, scale)| Caliper::new(f64::from(width) * 0.25, scale).unwrap());
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
    let ties = prop_oneof![Just(Ties::LowestId), Just(Ties::OutwardWalk)];
    (ratio, prop::option::of(caliper), reuse, order, ties).prop_map(
        |(ratio, caliper, reuse, order, ties)| NearestSpec {
            variable: None,
            ratio,
            caliper,
            reuse,
            order,
            ties,
        },
    )
}

/// The same matching by looking at everybody each time.
struct PlainSearch<'a> {
    spec: &'a NearestSpec,
    units: &'a Population,
    sets: Vec<Vec<usize>>,
    uses: Vec<u32>,
    n_tied: usize,
}

impl PlainSearch<'_> {
    fn of(spec: &NearestSpec, units: &Population) -> (Vec<(usize, Vec<usize>)>, usize) {
        let n = units.treated.len();
        let mut search = PlainSearch {
            spec,
            units,
            sets: vec![Vec::new(); n],
            uses: vec![0; n],
            n_tied: 0,
        };
        let treated: Vec<usize> = (0..n).filter(|&unit| units.treated[unit]).collect();
        let mut choosing = treated.clone();
        match spec.order {
            Order::Largest => {
                choosing.sort_by(|&a, &b| units.distance[b].total_cmp(&units.distance[a]))
            }
            Order::Smallest => {
                choosing.sort_by(|&a, &b| units.distance[a].total_cmp(&units.distance[b]))
            }
            Order::Closest | Order::Data | Order::Random { .. } => {}
        }
        for _ in 0..spec.ratio.get() {
            choosing = if spec.order == Order::Closest {
                search.closest(choosing)
            } else {
                search.round(choosing)
            };
        }
        (
            treated
                .into_iter()
                .map(|unit| (unit, search.sets[unit].clone()))
                .collect(),
            search.n_tied,
        )
    }

    fn round(&mut self, choosing: Vec<usize>) -> Vec<usize> {
        choosing
            .into_iter()
            .filter(|&focal| {
                self.best(focal)
                    .map(|best| self.take(focal, best))
                    .is_some()
            })
            .collect()
    }

    fn closest(&mut self, mut choosing: Vec<usize>) -> Vec<usize> {
        let mut served = Vec::new();
        while let Some((_, focal, best)) = choosing
            .iter()
            .filter_map(|&focal| {
                self.best(focal)
                    .map(|best| (self.apart(focal, best.0), focal, best))
            })
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
        {
            self.take(focal, best);
            choosing.retain(|&unit| unit != focal);
            served.push(focal);
        }
        served.sort_unstable();
        served
    }

    fn take(&mut self, focal: usize, (comparator, is_tied): (usize, bool)) {
        self.sets[focal].push(comparator);
        self.uses[comparator] += 1;
        self.n_tied += usize::from(is_tied);
    }

    fn apart(&self, a: usize, b: usize) -> f64 {
        (self.units.distance[a] - self.units.distance[b]).abs()
    }

    fn is_allowed(&self, focal: usize, unit: usize) -> bool {
        let units = self.units;
        let width = self
            .spec
            .caliper
            .map_or(f64::INFINITY, |caliper| caliper.width_of(&units.distance));
        let most = match self.spec.reuse {
            Reuse::Forbid => 1,
            Reuse::Allow => u32::MAX,
            Reuse::AtMost(most) => most.get(),
        };
        !units.treated[unit]
            && self.is_in_stratum(focal, unit)
            && units.allows(focal, unit)
            && self.apart(focal, unit) <= width
            && self.uses[unit] < most
            && !self.sets[focal].contains(&unit)
    }

    fn is_in_stratum(&self, focal: usize, unit: usize) -> bool {
        self.units
            .strata
            .as_ref()
            .is_none_or(|strata| strata[focal] == strata[unit])
    }

    fn best(&self, focal: usize) -> Option<(usize, bool)> {
        let allowed: Vec<usize> = (0..self.units.treated.len())
            .filter(|&unit| self.is_allowed(focal, unit))
            .collect();
        let nearest = allowed
            .iter()
            .map(|&unit| self.apart(focal, unit))
            .min_by(f64::total_cmp)?;
        let tied: Vec<usize> = allowed
            .into_iter()
            .filter(|&unit| self.apart(focal, unit) <= nearest)
            .collect();
        let chosen = match self.spec.ties {
            Ties::LowestId => tied[0],
            Ties::OutwardWalk => *tied
                .iter()
                .min_by_key(|&&unit| self.steps(focal, unit))
                .unwrap(),
        };
        Some((chosen, tied.len() > 1))
    }

    /// Steps of the walk until a unit is met: one down, one up, from outside what is spanned.
    fn steps(&self, focal: usize, unit: usize) -> usize {
        let mut line: Vec<usize> = (0..self.units.treated.len())
            .filter(|&other| self.is_in_stratum(focal, other))
            .collect();
        line.sort_by(|&a, &b| {
            self.units.distance[a]
                .total_cmp(&self.units.distance[b])
                .then(a.cmp(&b))
        });
        let position = |unit: usize| line.iter().position(|&other| other == unit).unwrap();
        let spanned = || {
            self.sets[focal]
                .iter()
                .map(|&unit| position(unit))
                .chain([position(focal)])
        };
        let at = position(unit);
        if at < position(focal) {
            2 * (spanned().min().unwrap() - at)
        } else {
            2 * (at - spanned().max().unwrap()) + 1
        }
    }
}

fn sets(matched: &Matched) -> Vec<(usize, Vec<usize>)> {
    matched
        .sets()
        .map(|(unit, set)| (unit, set.to_vec()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_matching_is_what_a_plain_search_finds(units in population(), spec in spec()) {
        let (expected, n_tied) = PlainSearch::of(&spec, &units);
        match nearest(&spec, &units.distance, &units.treated, units.within()) {
            Ok(matched) => {
                prop_assert_eq!(sets(&matched), expected);
                prop_assert_eq!(matched.n_tied(), n_tied);
                support::check_invariants(&spec, &units.distance, &units.treated, units.strata.as_deref(), &matched);
            }
            Err(MatchingError::EmptyArm { arm, .. }) => {
                prop_assert!(units.treated.iter().all(|&is| is == (arm == Arm::Comparator)));
            }
            Err(error) => {
                let is_without = matches!(error, MatchingError::NobodyWithinCaliper { .. } | MatchingError::NobodyAllowed { .. });
                prop_assert!(is_without || error == MatchingError::NoSharedStratum, "{}", error);
                prop_assert!(expected.iter().all(|(_, set)| set.is_empty()));
                let shared = |a: usize, b: usize| units.strata.as_ref().is_none_or(|strata| strata[a] == strata[b]);
                let n = units.treated.len();
                let any = (0..n).any(|a| (0..n).any(|b| units.treated[a] && !units.treated[b] && shared(a, b)));
                prop_assert_eq!(any, is_without);
            }
        }
    }

    /// Where no two scores or differences are equal, the order of units does not matter at all.
    #[test]
    fn without_ties_the_order_of_units_does_not_matter(seed: u64, n in 4_usize..60, spec in spec()) {
        let mut stream = Stream::new(seed, "scores", 0);
        let distance: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let treated: Vec<bool> = (0..n).map(|unit| unit % 3 == 0).collect();
        // Raw, because the last bit of a standard deviation may follow the order of units.
        let caliper = spec.caliper.map(|caliper| Caliper::new(caliper.width(), CaliperScale::Raw).unwrap());
        let order = if spec.order == Order::Data { Order::Closest } else { spec.order };
        let spec = NearestSpec { caliper, order, ..spec };
        let mut moved: Vec<usize> = (0..n).collect();
        stream.shuffle(&mut moved);
        let moved_distance: Vec<f64> = moved.iter().map(|&unit| distance[unit]).collect();
        let moved_treated: Vec<bool> = moved.iter().map(|&unit| treated[unit]).collect();
        let plain = nearest(&spec, &distance, &treated, None).map(|matched| sets(&matched));
        let back = nearest(&spec, &moved_distance, &moved_treated, None).map(|matched| {
            let mut sets: Vec<(usize, Vec<usize>)> = matched
                .sets()
                .map(|(unit, set)| (moved[unit], set.iter().map(|&other| moved[other]).collect()))
                .collect();
            sets.sort_unstable();
            sets
        });
        match (plain, back) {
            (Ok(plain), Ok(back)) => prop_assert_eq!(plain, back),
            (plain, back) => prop_assert!(plain.is_err() && back.is_err()),
        }
    }
}

fn plain_spec() -> NearestSpec {
    NearestSpec {
        variable: None,
        ratio: NonZeroU32::MIN,
        caliper: None,
        reuse: Reuse::Forbid,
        order: Order::Largest,
        ties: Ties::LowestId,
    }
}

#[test]
fn threads_change_no_pair() {
    let mut stream = Stream::new(3, "threads", 0);
    let distance: Vec<f64> = (0..60_000)
        .map(|_| (stream.normal() * 1000.0).round())
        .collect();
    let treated: Vec<bool> = (0..60_000).map(|_| stream.bernoulli(0.2)).collect();
    let caliper = Some(Caliper::new(0.1, CaliperScale::SdOfDistance).unwrap());
    let spec = NearestSpec {
        caliper,
        ratio: NonZeroU32::new(3).unwrap(),
        ..plain_spec()
    };
    let with = |n| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .unwrap();
        pool.install(|| nearest(&spec, &distance, &treated, None).unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn fewer_comparators_than_treated_leave_some_unmatched() {
    let matched = nearest(
        &plain_spec(),
        &[0.1, 0.2, 0.3, 0.4],
        &[true, true, true, false],
        None,
    )
    .unwrap();
    assert_eq!(matched.pairs().collect::<Vec<_>>(), [(2, 3)]);
    assert_eq!(matched.unmatched_treated().collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_stratum_without_comparators_stays_unmatched() {
    let (distance, treated) = ([0.1, 0.2, 0.3, 0.4], [true, false, true, false]);
    let matched = nearest(&plain_spec(), &distance, &treated, Some(&[1, 1, 2, 1][..])).unwrap();
    assert_eq!(matched.unmatched_treated().collect::<Vec<_>>(), [2]);
    let apart = nearest(&plain_spec(), &distance, &treated, Some(&[1, 2, 1, 2][..]));
    assert_eq!(apart, Err(MatchingError::NoSharedStratum));
}

#[test]
fn arms_that_do_not_overlap_within_the_caliper_are_an_error() {
    let caliper = Some(Caliper::new(0.5, CaliperScale::Raw).unwrap());
    let spec = NearestSpec {
        caliper,
        ..plain_spec()
    };
    let error = nearest(
        &spec,
        &[5.0, 6.0, 1.0, 2.0],
        &[true, true, false, false],
        None,
    )
    .unwrap_err();
    assert_eq!(
        error,
        MatchingError::NobodyWithinCaliper {
            n_treated: 2,
            width: 0.5
        }
    );
}

#[test]
fn a_distance_of_exactly_the_caliper_is_within() {
    let caliper = Some(Caliper::new(0.5, CaliperScale::Raw).unwrap());
    let spec = NearestSpec {
        caliper,
        ..plain_spec()
    };
    assert_eq!(
        nearest(&spec, &[1.0, 0.5, 1.75], &[true, false, false], None)
            .unwrap()
            .n_pairs(),
        1
    );
}

#[test]
fn input_that_is_none_is_refused() {
    let spec = plain_spec();
    let arms = [true, false];
    let error = |distance: &[f64], treated: &[bool], strata| {
        nearest(&spec, distance, treated, strata).unwrap_err()
    };
    assert_eq!(
        error(&[0.1, f64::NAN], &arms, None),
        MatchingError::DistanceNotFinite { unit: 1 }
    );
    assert_eq!(
        error(&[0.1, 0.2], &[true, true], None),
        MatchingError::EmptyArm {
            arm: Arm::Comparator,
            n_units: 2
        }
    );
    assert_eq!(
        error(&[], &[], None),
        MatchingError::EmptyArm {
            arm: Arm::Treated,
            n_units: 0
        }
    );
    let length = MatchingError::LengthMismatch {
        what: "distances",
        found: 1,
        expected: 2,
    };
    assert_eq!(error(&[0.1], &arms, None), length);
    let length = MatchingError::LengthMismatch {
        what: "strata",
        found: 3,
        expected: 2,
    };
    assert_eq!(error(&[0.1, 0.2], &arms, Some(&[1, 1, 1])), length);
}

#[test]
fn a_random_order_is_the_draw_of_its_seed() {
    let distance: Vec<f64> = (0..40).map(|unit| f64::from(unit % 7)).collect();
    let treated: Vec<bool> = (0..40).map(|unit| unit % 2 == 0).collect();
    let of = |seed| {
        let order = Order::Random { seed };
        let spec = NearestSpec {
            order,
            ..plain_spec()
        };
        sets(&nearest(&spec, &distance, &treated, None).unwrap())
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

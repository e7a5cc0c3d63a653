//! Full matching equals the best of all divisions into sets, and keeps its limits.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::num::NonZeroU32;

use proptest::prelude::*;
use utfall_core::Estimand;
use utfall_matching::{
    Caliper, CaliperScale, Comparison, FullSpec, MatchingError, Nearness, Omit, Rule, Stratified,
    Within, full,
};
use utfall_stats::Matrix;
use utfall_stats::draws::Stream;

mod support;

/// A few units on a coarse grid, so that ties are everywhere.
#[derive(Debug, Clone)]
struct Population {
    score: Vec<f64>,
    treated: Vec<bool>,
    strata: Option<Vec<u32>>,
    rules: Vec<Rule>,
}

fn population() -> impl Strategy<Value = Population> {
    let unit = (0_u8..10, prop::bool::weighted(0.45), 0_u32..2, 0_u8..4);
    let units = prop::collection::vec(unit, 2..8);
    (units, any::<bool>(), 0_u8..4).prop_map(|(units, has_strata, rule)| {
        let values: Vec<f64> = units.iter().map(|unit| f64::from(unit.3)).collect();
        let rule = match rule {
            0 => Some(Rule::Near { values, width: 1.0 }),
            1 => Some(Rule::Apart { values, width: 0.0 }),
            _ => None,
        };
        Population {
            score: units.iter().map(|unit| f64::from(unit.0) * 0.25).collect(),
            treated: units.iter().map(|unit| unit.1).collect(),
            strata: has_strata.then(|| units.iter().map(|unit| unit.2).collect()),
            rules: rule.into_iter().collect(),
        }
    })
}

fn spec() -> impl Strategy<Value = FullSpec> {
    let caliper = (1_u8..6)
        .prop_map(|width| Caliper::new(f64::from(width) * 0.25, CaliperScale::Raw).unwrap());
    let limit =
        || prop::option::weighted(0.3, (1_u32..3).prop_map(|n| NonZeroU32::new(n).unwrap()));
    let omit = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Omit::Share(0.4))),
        1 => Just(Some(Omit::BeyondMean(1.5))),
    ];
    (prop::option::of(caliper), limit(), limit(), limit(), omit).prop_map(
        |(caliper, min_comparators, max_comparators, max_treated, omit)| FullSpec {
            caliper,
            min_comparators,
            max_comparators,
            max_treated,
            omit,
        },
    )
}

impl Population {
    fn within(&self) -> Within<'_> {
        Within {
            strata: self.strata.as_deref(),
            rules: &self.rules,
        }
    }

    fn stratum(&self, unit: usize) -> u32 {
        self.strata.as_ref().map_or(0, |strata| strata[unit])
    }

    fn apart(&self, spec: &FullSpec, a: usize, b: usize) -> Option<f64> {
        let apart = (self.score[a] - self.score[b]).abs();
        let is_allowed = self.rules.iter().all(|rule| match rule {
            Rule::Near { values, width } => (values[a] - values[b]).abs() <= *width,
            Rule::Apart { values, width } => (values[a] - values[b]).abs() > *width,
            Rule::Unlike { groups } => groups[a] != groups[b],
        });
        let is_near = spec.caliper.is_none_or(|caliper| apart <= caliper.width());
        (is_near && is_allowed && self.stratum(a) == self.stratum(b)).then_some(apart)
    }

    /// The least sum of distances, by trying every set of pairs in every stratum; `None` where the
    /// limits cannot be kept.
    fn least(&self, spec: &FullSpec) -> Option<f64> {
        let mut sum = 0.0;
        for stratum in 0..2 {
            let of_arm = |arm: bool| -> Vec<usize> {
                let units = 0..self.treated.len();
                units
                    .filter(|&unit| self.treated[unit] == arm && self.stratum(unit) == stratum)
                    .collect()
            };
            sum += self.least_of(spec, &of_arm(true), &of_arm(false))?;
        }
        Some(sum)
    }

    fn least_of(&self, spec: &FullSpec, focal: &[usize], others: &[usize]) -> Option<f64> {
        let mut edges = Vec::new();
        for (row, &a) in focal.iter().enumerate() {
            for (column, &b) in others.iter().enumerate() {
                edges.extend(self.apart(spec, a, b).map(|apart| (row, column, apart)));
            }
        }
        let fewest = spec.min_comparators.map_or(1, NonZeroU32::get);
        let most = spec.max_comparators.map_or(99, NonZeroU32::get);
        let sharing = if fewest > 1 {
            1
        } else {
            spec.max_treated.map_or(99, NonZeroU32::get)
        };
        let has = |pick: &dyn Fn(&(usize, usize, f64)) -> usize, n: usize| {
            let mut has = vec![false; n];
            edges.iter().for_each(|edge| has[pick(edge)] = true);
            has
        };
        let has_row = has(&|edge| edge.0, focal.len());
        let has_column = has(&|edge| edge.1, others.len());
        let n_columns = has_column.iter().filter(|is| **is).count();
        let n_kept = match spec.omit {
            None => n_columns as f64,
            Some(Omit::Share(share)) => ((1.0 - share) * n_columns as f64).round(),
            Some(Omit::BeyondMean(mean)) => (mean * focal.len() as f64).round(),
        };
        let mut best = None;
        for chosen in 0_u32..1 << edges.len() {
            let (mut of_row, mut of_column) = (vec![0; focal.len()], vec![0; others.len()]);
            let mut sum = 0.0;
            for (number, (row, column, apart)) in edges.iter().enumerate() {
                if chosen >> number & 1 == 1 {
                    of_row[*row] += 1;
                    of_column[*column] += 1;
                    sum += apart;
                }
            }
            let rows = of_row
                .iter()
                .zip(&has_row)
                .all(|(&n, &has)| n <= most && (!has || n >= fewest));
            let columns = of_column.iter().all(|&n| n <= sharing);
            let n_used = of_column.iter().filter(|&&n| n > 0).count() as f64;
            if rows && columns && n_used >= n_kept.min(n_columns as f64) {
                best = Some(best.map_or(sum, |best: f64| best.min(sum)));
            }
        }
        best
    }
}

/// The sum of distances from the one unit of each set to the others.
fn sum_of_distances(got: &Stratified, units: &Population, spec: &FullSpec) -> f64 {
    let rows = got.memberships();
    rows.chunk_by(|a, b| a.set == b.set)
        .map(|set| {
            let n_treated = set.iter().filter(|row| units.treated[row.unit]).count();
            assert!(
                n_treated == 1 || set.len() - n_treated == 1,
                "a set has one centre"
            );
            let centre = if n_treated == 1 { 0 } else { n_treated };
            let others = set.iter().enumerate().filter(|(place, _)| *place != centre);
            others
                .map(|(_, row)| units.apart(spec, set[centre].unit, row.unit).unwrap())
                .sum::<f64>()
        })
        .sum()
}

fn limits_are_kept(got: &Stratified, units: &Population, spec: &FullSpec) {
    let rows = got.memberships();
    for set in rows.chunk_by(|a, b| a.set == b.set) {
        let n_treated = set.iter().filter(|row| units.treated[row.unit]).count();
        let n_comparators = set.len() - n_treated;
        if n_treated == 1 {
            assert!(n_comparators >= spec.min_comparators.map_or(1, |n| n.get() as usize));
            assert!(n_comparators <= spec.max_comparators.map_or(99, |n| n.get() as usize));
        }
        assert!(n_treated <= spec.max_treated.map_or(99, |n| n.get() as usize));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_division_into_sets_is_nearer(units in population(), spec in spec()) {
        let got = full(&spec, &units.score, &units.treated, units.within(), Estimand::Att);
        match got {
            Ok(got) => {
                let least = units.least(&spec);
                prop_assert!(least.is_some(), "limits that cannot be kept");
                let sum = sum_of_distances(&got, &units, &spec);
                prop_assert!((sum - least.unwrap()).abs() < 1e-9, "{} against {:?}", sum, least);
                limits_are_kept(&got, &units, &spec);
                support::check_comparison(&units.treated, units.strata.as_deref(), &got);
            }
            Err(MatchingError::LimitsUnmet { .. }) => prop_assert_eq!(units.least(&spec), None),
            Err(MatchingError::LimitsContradict) => {
                let least = spec.min_comparators.map_or(1, NonZeroU32::get);
                let crossed = spec.max_comparators.is_some_and(|most| most.get() < least);
                let shared = least > 1 && spec.max_treated.is_some_and(|most| most.get() > 1);
                prop_assert!(crossed || shared);
            }
            Err(MatchingError::EmptyArm { .. }) => {
                prop_assert!(units.treated.iter().all(|&is| is == units.treated[0]));
            }
            Err(error) => {
                let n = units.treated.len();
                let any = (0..n).any(|a| (0..n).any(|b| units.treated[a] && !units.treated[b] && units.apart(&spec, a, b).is_some()));
                prop_assert!(!any, "{}", error);
            }
        }
    }
}

/// A population large enough that its line has long runs and its threads share the work.
fn crowd(replicate: u64, n: usize) -> Population {
    let mut stream = Stream::new(3, "full", replicate);
    let treated: Vec<bool> = (0..n).map(|_| stream.bernoulli(0.2)).collect();
    let score = treated
        .iter()
        .map(|&is| stream.normal() + f64::from(u8::from(is)));
    Population {
        score: score.collect(),
        treated,
        strata: None,
        rules: Vec::new(),
    }
}

#[test]
fn the_line_and_the_look_at_every_pair_find_the_same_sum() {
    for replicate in 0..20 {
        let units = crowd(replicate, 300);
        let coordinates = Matrix::from_columns(vec![units.score.clone()]).unwrap();
        for width in [None, Some(0.05)] {
            let caliper = width.map(|width| Caliper::new(width, CaliperScale::Raw).unwrap());
            let spec = FullSpec {
                caliper,
                ..FullSpec::default()
            };
            let limited = FullSpec {
                max_treated: NonZeroU32::new(300),
                ..spec
            };
            let on_line = full(&spec, &units.score, &units.treated, None, Estimand::Att).unwrap();
            let nearness = Nearness::Covariates {
                coordinates: &coordinates,
                score: None,
            };
            let scanned = full(&spec, nearness, &units.treated, None, Estimand::Att).unwrap();
            let all = full(&limited, &units.score, &units.treated, None, Estimand::Att).unwrap();
            let sums = [&on_line, &scanned, &all].map(|got| sum_of_distances(got, &units, &spec));
            assert!(
                (sums[0] - sums[1]).abs() < 1e-9 && (sums[0] - sums[2]).abs() < 1e-9,
                "{sums:?}"
            );
            support::check_comparison(&units.treated, None, &on_line);
        }
    }
}

#[test]
fn threads_change_nobodys_set() {
    let units = crowd(77, 3000);
    let coordinates = Matrix::from_columns(vec![units.score.clone()]).unwrap();
    let with = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| {
            let nearness = Nearness::Covariates {
                coordinates: &coordinates,
                score: None,
            };
            let spec = FullSpec::default();
            let scanned = full(&spec, nearness, &units.treated, None, Estimand::Ate).unwrap();
            let on_line = full(&spec, &units.score, &units.treated, None, Estimand::Ate).unwrap();
            (scanned.set_of_unit(), on_line.set_of_unit())
        })
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(8));
}

#[test]
fn the_question_decides_weights_and_whose_limits_count() {
    let score = [0.0, 1.0, 1.1, 0.1, 0.2, 0.9];
    let treated = [true, true, true, false, false, false];
    let of = |spec: &FullSpec, question| full(spec, &score[..], &treated, None, question).unwrap();
    let spec = FullSpec::default();
    assert_eq!(
        of(&spec, Estimand::Att).weights(),
        [1.0, 1.0, 1.0, 0.5, 0.5, 2.0]
    );
    assert_eq!(
        of(&spec, Estimand::Atc).weights(),
        [2.0, 0.5, 0.5, 1.0, 1.0, 1.0]
    );
    assert_eq!(of(&spec, Estimand::Ate).estimand(), Estimand::Ate);
    // For the atc the comparators are those who have so many others.
    let pairs = FullSpec {
        max_treated: NonZeroU32::new(1),
        ..spec
    };
    assert_eq!(of(&pairs, Estimand::Att).n_strata(), 3);
    let question = Estimand::MatchedUnits;
    let refused = full(&spec, &score[..], &treated, None, question);
    assert_eq!(refused, Err(MatchingError::NoSuchQuestion { question }));
}

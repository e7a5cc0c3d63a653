//! Whole strata, coarsened or between quantiles, keep the invariants of every comparison.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::num::NonZeroU32;

use proptest::prelude::*;
use utfall_core::Estimand;
use utfall_matching::{
    Bins, Comparison, MatchingError, Stratified, coarsened, stratified, subclassified,
};
use utfall_stats::Matrix;

mod support;

type Units = Vec<(u8, u8, bool)>;

fn units() -> impl Strategy<Value = Units> {
    prop::collection::vec((0_u8..9, 0_u8..40, prop::bool::weighted(0.4)), 2..60)
}

fn question() -> impl Strategy<Value = Estimand> {
    prop_oneof![
        Just(Estimand::Att),
        Just(Estimand::Atc),
        Just(Estimand::Ate)
    ]
}

fn bins() -> impl Strategy<Value = Bins> {
    let n = || (1_u32..6).prop_map(|n| NonZeroU32::new(n).unwrap());
    prop_oneof![
        Just(Bins::Sturges),
        n().prop_map(Bins::EqualWidth),
        n().prop_map(Bins::Quantiles),
        prop::collection::vec(-1.0..10.0, 0..4).prop_map(Bins::CutPoints),
    ]
}

fn treated(units: &Units) -> Vec<bool> {
    units.iter().map(|unit| unit.2).collect()
}

fn column(units: &Units, of: fn(&(u8, u8, bool)) -> u8) -> Vec<f64> {
    units.iter().map(|unit| f64::from(of(unit))).collect()
}

/// The mean over every pair, one by one.
fn mean_over_pairs(got: &Stratified, treated: &[bool], values: &[f64]) -> f64 {
    let sets = got.set_of_unit().unwrap();
    let n = treated.len();
    let pairs = (0..n).flat_map(|t| (0..n).map(move |c| (t, c)));
    let apart: Vec<f64> = pairs
        .filter(|&(t, c)| treated[t] && !treated[c] && sets[t].is_some() && sets[t] == sets[c])
        .map(|(t, c)| (values[t] - values[c]).abs())
        .collect();
    apart.iter().sum::<f64>() / apart.len() as f64
}

fn check(got: Result<Stratified, MatchingError>, strata: Option<&[u32]>, units: &Units) {
    let treated = treated(units);
    match got {
        Ok(got) => {
            support::check_comparison(&treated, strata, &got);
            let values = column(units, |unit| unit.1);
            let mean = mean_over_pairs(&got, &treated, &values);
            assert!((got.mean_pair_difference(&values) - mean).abs() < 1e-9);
            if let Some(strata) = strata {
                let sets = got.set_of_unit().unwrap();
                let has = |arm, stratum| {
                    (0..treated.len()).any(|unit| treated[unit] == arm && strata[unit] == stratum)
                };
                for (unit, set) in sets.iter().enumerate() {
                    let both = has(true, strata[unit]) && has(false, strata[unit]);
                    assert_eq!(
                        set.is_some(),
                        both,
                        "a stratum is kept if it holds both arms"
                    );
                }
            }
        }
        Err(MatchingError::EmptyArm { .. }) => {
            assert!(treated.iter().all(|&is| is == treated[0]));
        }
        Err(error) => assert_eq!(error, MatchingError::NoSharedStratum),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn coarsened_strata_keep_the_invariants(units in units(), bins in bins(), question in question()) {
        let covariates = Matrix::from_columns(vec![column(&units, |unit| unit.0)]).unwrap();
        let strata = coarsened(&covariates, &[bins]).unwrap();
        check(stratified(&strata, &treated(&units), question), Some(&strata), &units);
    }

    #[test]
    fn classes_between_quantiles_keep_the_invariants(units in units(), n in 1_u32..8, question in question()) {
        let n = NonZeroU32::new(n).unwrap();
        let score = column(&units, |unit| unit.0);
        check(subclassified(&score, n, &treated(&units), question), None, &units);
    }

    #[test]
    fn the_order_of_units_changes_no_weight(units in units(), by in 0_usize..60, question in question()) {
        let weights = |units: &Units| {
            let strata: Vec<u32> = units.iter().map(|unit| u32::from(unit.0)).collect();
            stratified(&strata, &treated(units), question).map(|got| got.weights())
        };
        let mut moved = units.clone();
        moved.rotate_left(by % units.len());
        let expected = weights(&units).map(|mut weights| {
            weights.rotate_left(by % units.len());
            weights
        });
        prop_assert_eq!(weights(&moved), expected);
    }
}

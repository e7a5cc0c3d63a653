//! What holds for every difference between arms, whatever the data.
#![expect(clippy::float_cmp, reason = "identities hold to the last bit")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use utfall_core::{Arm, ConfidenceLevel, Estimand, Estimate};
use utfall_effects::{
    DegreesOfFreedom, EffectError, Grouping, Inference, MatchedSample, StandardError,
    adjusted_difference, matched_difference, matched_difference_in_differences,
    unadjusted_difference,
};

fn inference(standard_error: StandardError, degrees_of_freedom: DegreesOfFreedom) -> Inference {
    let confidence_level = ConfidenceLevel::try_from(0.95).unwrap();
    Inference {
        standard_error,
        degrees_of_freedom,
        confidence_level,
    }
}

const WELCH: (StandardError, DegreesOfFreedom) = (StandardError::Hc2, DegreesOfFreedom::Welch);

/// Every kind with degrees of freedom that suit it.
fn every_kind() -> impl Iterator<Item = Inference> {
    StandardError::ALL.into_iter().map(|kind| {
        let degrees = match kind {
            StandardError::Cr2 => DegreesOfFreedom::Satterthwaite,
            kind if kind.is_clustered() => DegreesOfFreedom::Clusters,
            _ => DegreesOfFreedom::Residual,
        };
        inference(kind, degrees)
    })
}

/// A matched sample that owns its rows: two appearances of each arm in each of some sets.
#[derive(Debug, Clone)]
struct Rows {
    treated: Vec<bool>,
    weight: Vec<f64>,
    outcome: Vec<f64>,
    set: Vec<u32>,
}

impl Rows {
    fn estimate(&self, inference: &Inference) -> Result<Estimate, EffectError> {
        let set = Grouping::of(&self.set);
        matched_difference(
            &MatchedSample {
                estimand: Estimand::Att,
                treated: &self.treated,
                weight: &self.weight,
                outcome: &self.outcome,
                unit: None,
                clusters: &[&set],
            },
            inference,
        )
    }
}

fn rows() -> impl Strategy<Value = Rows> {
    let row = (0.1..5.0_f64, -100.0..100.0_f64);
    prop::collection::vec(prop::collection::vec(row, 4), 3..40).prop_map(|sets| {
        let mut rows = Rows {
            treated: vec![],
            weight: vec![],
            outcome: vec![],
            set: vec![],
        };
        for (set, members) in (0_u32..).zip(sets) {
            for (i, (weight, outcome)) in members.into_iter().enumerate() {
                rows.treated.push(i % 2 == 0);
                rows.weight.push(weight);
                rows.outcome.push(outcome);
                rows.set.push(set);
            }
        }
        rows
    })
}

fn close(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-9 * scale.abs().max(a.abs()).max(b.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn swapping_the_arms_flips_the_sign_and_nothing_else(rows in rows()) {
        let swapped = Rows { treated: rows.treated.iter().map(|t| !t).collect(), ..rows.clone() };
        for inference in every_kind().filter(|i| i.standard_error != StandardError::Cr2) {
            let (a, b) = (rows.estimate(&inference).unwrap(), swapped.estimate(&inference).unwrap());
            prop_assert_eq!(a.point, -b.point);
            prop_assert_eq!(a.standard_error, b.standard_error);
            prop_assert_eq!(a.interval.lower, -b.interval.upper);
            prop_assert_eq!(a.p_value, b.p_value);
        }
    }

    #[test]
    fn shifting_every_outcome_changes_nothing_and_scaling_scales(
        rows in rows(), shift in -1e3..1e3_f64, scale in 0.01..100.0_f64,
    ) {
        let moved = Rows { outcome: rows.outcome.iter().map(|y| y * scale + shift).collect(), ..rows.clone() };
        for inference in every_kind() {
            let (a, b) = (rows.estimate(&inference).unwrap(), moved.estimate(&inference).unwrap());
            prop_assert!(close(a.point * scale, b.point, a.standard_error * scale + 1e3 * 1e-3));
            prop_assert!(close(a.standard_error * scale, b.standard_error, 1e-3));
        }
    }

    #[test]
    fn only_weights_relative_to_the_same_arm_matter(rows in rows(), factor in 0.01..100.0_f64) {
        let weight = rows.weight.iter().zip(&rows.treated).map(|(w, t)| if *t { w * factor } else { *w });
        let scaled = Rows { weight: weight.collect(), ..rows.clone() };
        for inference in every_kind().filter(|i| i.standard_error != StandardError::Classical) {
            let (a, b) = (rows.estimate(&inference).unwrap(), scaled.estimate(&inference).unwrap());
            prop_assert!(close(a.point, b.point, a.standard_error));
            prop_assert!(close(a.standard_error, b.standard_error, 0.0));
            prop_assert!(close(a.degrees_of_freedom.unwrap(), b.degrees_of_freedom.unwrap(), 0.0));
        }
    }

    #[test]
    fn the_order_of_rows_matters_to_rounding_only(
        rows in rows(), order in prop::collection::vec(any::<u64>(), 160),
    ) {
        let mut shuffle: Vec<usize> = (0..rows.outcome.len()).collect();
        shuffle.sort_by_key(|&row| order[row]);
        let shuffled = Rows {
            treated: shuffle.iter().map(|&row| rows.treated[row]).collect(),
            weight: shuffle.iter().map(|&row| rows.weight[row]).collect(),
            outcome: shuffle.iter().map(|&row| rows.outcome[row]).collect(),
            set: shuffle.iter().map(|&row| rows.set[row]).collect(),
        };
        for inference in every_kind() {
            let (a, b) = (rows.estimate(&inference).unwrap(), shuffled.estimate(&inference).unwrap());
            prop_assert!(close(a.point, b.point, a.standard_error));
            prop_assert!(close(a.standard_error, b.standard_error, 0.0));
        }
    }

    #[test]
    fn unmatched_rows_change_no_bit_whatever_their_outcome(rows in rows()) {
        let mut more = rows.clone();
        more.treated.extend([true, false]);
        more.weight.extend([0.0, 0.0]);
        more.outcome.extend([f64::NAN, 1e300]);
        more.set.extend([9_999, 0]);
        for inference in every_kind() {
            prop_assert_eq!(rows.estimate(&inference).unwrap(), more.estimate(&inference).unwrap());
        }
    }

    #[test]
    fn a_cluster_of_one_row_each_is_no_cluster(rows in rows()) {
        let alone = Rows { set: (0..).take(rows.set.len()).collect(), weight: vec![1.0; rows.set.len()], ..rows };
        let with = |kind| alone.estimate(&inference(kind, DegreesOfFreedom::Satterthwaite)).unwrap();
        let (hc0, cr0) = (with(StandardError::Hc0), with(StandardError::Cr0));
        prop_assert!(close(hc0.standard_error, cr0.standard_error, 0.0));
        let (hc2, cr2) = (with(StandardError::Hc2), with(StandardError::Cr2));
        prop_assert!(close(hc2.standard_error, cr2.standard_error, 0.0));
        prop_assert!(close(hc2.degrees_of_freedom.unwrap(), cr2.degrees_of_freedom.unwrap(), 0.0));
    }

    #[test]
    fn taking_off_a_baseline_is_the_difference_of_two_differences(rows in rows(), other in rows()) {
        let n = rows.outcome.len().min(other.outcome.len());
        let cut = |values: &[f64]| values[..n].to_vec();
        let sample = |outcome: &[f64]| Rows {
            treated: rows.treated[..n].to_vec(),
            weight: cut(&rows.weight),
            outcome: outcome.to_vec(),
            set: rows.set[..n].to_vec(),
        };
        let inference = inference(StandardError::Hc1, DegreesOfFreedom::Normal);
        let after = sample(&rows.outcome[..n]).estimate(&inference).unwrap();
        let before = sample(&other.outcome[..n]).estimate(&inference).unwrap();
        let change = matched_difference_in_differences(
            &MatchedSample {
                estimand: Estimand::Att,
                treated: &rows.treated[..n],
                weight: &rows.weight[..n],
                outcome: &rows.outcome[..n],
                unit: None,
                clusters: &[],
            },
            &other.outcome[..n],
            &inference,
        )
        .unwrap();
        prop_assert!(close(change.point, after.point - before.point, 100.0));
    }
}

fn five() -> Rows {
    Rows {
        treated: vec![true, false, true, false, true, false],
        weight: vec![1.0; 6],
        outcome: vec![3.0, 1.0, 4.0, 1.5, 9.0, 2.0],
        set: vec![0, 0, 1, 1, 2, 2],
    }
}

#[test]
fn pairs_as_clusters_give_the_paired_test() {
    let inference = inference(StandardError::Cr1, DegreesOfFreedom::Clusters);
    let got = five().estimate(&inference).unwrap();
    let differences = [2.0, 2.5, 7.0];
    let mean = differences.iter().sum::<f64>() / 3.0;
    let variance = differences
        .iter()
        .map(|d| (d - mean) * (d - mean))
        .sum::<f64>()
        / 2.0;
    assert!((got.point - mean).abs() < 1e-14);
    assert!((got.standard_error - (variance / 3.0).sqrt()).abs() < 1e-14);
    assert_eq!(
        (got.degrees_of_freedom, got.n_clusters),
        (Some(2.0), Some(3))
    );
}

#[test]
fn counts_are_of_units_and_not_of_appearances() {
    let rows = five();
    let unit = Grouping::of(&["a", "x", "b", "x", "c", "y"]);
    let set = Grouping::of(&rows.set);
    let sample = MatchedSample {
        estimand: Estimand::MatchedTreated,
        treated: &rows.treated,
        weight: &rows.weight,
        outcome: &rows.outcome,
        unit: Some(&unit),
        clusters: &[&set, &unit],
    };
    let inference = inference(StandardError::Cr1Stata, DegreesOfFreedom::Clusters);
    let got = matched_difference(&sample, &inference).unwrap();
    assert_eq!(
        (got.n_treated, got.n_comparator, got.n_clusters),
        (3, 2, Some(3))
    );
    assert_eq!(got.estimand, Estimand::MatchedTreated);
}

#[test]
fn bad_input_is_named() {
    let refused = |change: fn(&mut Rows), kind: StandardError| {
        let mut rows = five();
        change(&mut rows);
        rows.estimate(&inference(kind, DegreesOfFreedom::Normal))
            .unwrap_err()
    };
    let hc = |change| refused(change, StandardError::Hc1);
    let cr = |change| refused(change, StandardError::Cr1);
    assert_eq!(
        hc(|rows| rows.outcome.truncate(5)),
        EffectError::LengthMismatch {
            what: "outcome",
            found: 5,
            expected: 6
        }
    );
    assert!(matches!(
        hc(|rows| rows.outcome[2] = f64::NAN),
        EffectError::NotFinite { row: 2, .. }
    ));
    assert!(matches!(
        hc(|rows| rows.weight[1] = f64::INFINITY),
        EffectError::NotFinite { row: 1, .. }
    ));
    assert_eq!(
        hc(|rows| rows.weight[4] = -1.0),
        EffectError::WeightNotPositive {
            row: 4,
            value: -1.0
        }
    );
    assert_eq!(
        hc(|rows| rows.weight.fill(0.0)),
        EffectError::TooFewInArm {
            arm: Arm::Treated,
            n_rows: 0
        }
    );
    assert_eq!(
        hc(|rows| rows.treated.fill(true)),
        EffectError::TooFewInArm {
            arm: Arm::Comparator,
            n_rows: 0
        }
    );
    assert_eq!(hc(|rows| rows.outcome.fill(0.1)), EffectError::NoVariation);
    assert_eq!(hc(|rows| rows.outcome.fill(0.0)), EffectError::NoVariation);
    assert_eq!(
        hc(|rows| rows.outcome[0] = 1e300),
        EffectError::OutOfRange { what: "outcome" }
    );
    assert_eq!(
        cr(|rows| rows.outcome = vec![3.0, 1.0, 4.0, 2.0, 9.0, 7.0]),
        EffectError::NoVariation
    );
    assert_eq!(
        cr(|rows| rows.set.fill(1)),
        EffectError::TooFewClusters { n_clusters: 1 }
    );
    assert_eq!(
        cr(|rows| rows.set = vec![0, 1, 0, 2, 0, 3]),
        EffectError::OneClusterInArm { arm: Arm::Treated }
    );
}

#[test]
fn options_that_do_not_go_together_are_named() {
    let rows = five();
    let mut undefined = vec![
        (StandardError::Hc1, DegreesOfFreedom::Clusters),
        (StandardError::Classical, DegreesOfFreedom::Satterthwaite),
        (StandardError::Cr1, DegreesOfFreedom::Welch),
    ];
    undefined.push((StandardError::Hc3, DegreesOfFreedom::Welch));
    for (kind, degrees) in undefined {
        let error = rows.estimate(&inference(kind, degrees)).unwrap_err();
        assert_eq!(
            error,
            EffectError::DegreesUndefined {
                degrees_of_freedom: degrees,
                kind
            }
        );
    }
    let alone = unadjusted_difference(
        Estimand::Ate,
        &rows.treated,
        &rows.outcome,
        &inference(StandardError::Cr0, DegreesOfFreedom::Normal),
    );
    assert_eq!(
        alone.unwrap_err(),
        EffectError::ClustersMissing {
            kind: StandardError::Cr0
        }
    );
}

#[test]
fn the_unadjusted_difference_is_the_welch_test() {
    // R: t.test(c(3, 4, 9), c(1, 1.5, 2, 4)), whose formulas are worked out here.
    let treated = [true, true, true, false, false, false, false];
    let outcome = [3.0, 4.0, 9.0, 1.0, 1.5, 2.0, 4.0];
    let got = unadjusted_difference(
        Estimand::Ate,
        &treated,
        &outcome,
        &inference(WELCH.0, WELCH.1),
    )
    .unwrap();
    let (v1, v0) = (31.0 / 3.0 / 3.0, 5.1875 / 3.0 / 4.0);
    assert!((got.point - (16.0 / 3.0 - 2.125)).abs() < 1e-14);
    assert!((got.standard_error - f64::sqrt(v1 + v0)).abs() < 1e-14);
    let degrees = (v1 + v0) * (v1 + v0) / (v1 * v1 / 2.0 + v0 * v0 / 3.0);
    assert!((got.degrees_of_freedom.unwrap() - degrees).abs() < 1e-12);
    assert!(got.interval.contains(got.point));
}

#[test]
fn a_covariate_that_adds_nothing_is_named_as_it_was_given() {
    let rows = five();
    let sample = MatchedSample {
        estimand: Estimand::Att,
        treated: &rows.treated,
        weight: &rows.weight,
        outcome: &rows.outcome,
        unit: None,
        clusters: &[],
    };
    let age = [30.0, 25.0, 41.0, 40.0, 22.0, 35.0];
    let twice = age.map(|years| 2.0 * years);
    let inference = inference(StandardError::Hc1, DegreesOfFreedom::Residual);
    let error = adjusted_difference(&sample, &[&age, &twice], &inference).unwrap_err();
    assert_eq!(error, EffectError::RankDeficient { column: 1 });
    let adjusted = adjusted_difference(&sample, &[&age], &inference).unwrap();
    assert_eq!(adjusted.degrees_of_freedom, Some(3.0));
}

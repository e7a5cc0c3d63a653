//! What no estimator can answer is named, not answered.

use std::num::NonZeroU32;

use utfall_core::{Arm, ConfidenceLevel, Estimand};
use utfall_effects::{
    Assignments, Balanced, ConditionalVariance, DegreesOfFreedom, Draws, EffectError, Family,
    Grouping, Inference, MatchMetric, MatchingDesign, Multiplier, NuisanceFit, Randomised,
    RandomisedStatistic, Resampled, ScoreFit, StandardError, TargetMeans, WeightedRegression,
    WildDraws, WildResiduals, balanced_difference, bootstrap, cluster_variance,
    compare_cluster_means, doubly_robust, exchangeable_equations, fit_generalised,
    fit_generalised_weighted, infer, matching_estimate, negative_binomial, quantile_regression,
    random_intercept, randomisation_test, score_weighted_difference, wild_cluster_test,
};

const N: usize = 24;

fn level() -> ConfidenceLevel {
    ConfidenceLevel::try_from(0.95).expect("a fraction")
}

fn inference(standard_error: StandardError) -> Inference {
    Inference {
        standard_error,
        degrees_of_freedom: DegreesOfFreedom::Normal,
        confidence_level: level(),
    }
}

fn draws() -> Draws {
    Draws {
        seed: 1,
        replicates: NonZeroU32::new(20).expect("not zero"),
    }
}

fn numbers(step: u32, modulus: u32) -> Vec<f64> {
    (0..24_u32).map(|i| f64::from(i * step % modulus)).collect()
}

fn ones() -> Vec<f64> {
    vec![1.0; N]
}

fn arms() -> Vec<bool> {
    (0..N).map(|i| i % 3 == 0).collect()
}

fn design() -> MatchingDesign<'static> {
    MatchingDesign {
        estimand: Estimand::Att,
        matches: 1,
        metric: MatchMetric::InverseVariance,
        tolerance: 1e-5,
        exact: None,
        caliper: None,
        bias_adjustment: false,
        variance: ConditionalVariance::Homoskedastic,
    }
}

#[test]
fn a_column_that_others_make_up_is_named_by_every_regression() {
    let (one, x, y) = (ones(), numbers(5, 7), numbers(7, 11));
    let twice: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0).collect();
    let columns: [&[f64]; 3] = [&one, &x, &twice];
    let expected = EffectError::RankDeficient { column: 2 };
    assert_eq!(
        WeightedRegression::fit(&columns, &one, &y).unwrap_err(),
        expected
    );
    assert_eq!(
        quantile_regression(0.5, &columns, &y).unwrap_err(),
        expected
    );
    let poisson = fit_generalised(Family::Poisson, &columns, None, &y).unwrap_err();
    assert!(matches!(
        poisson,
        EffectError::RankDeficient { .. } | EffectError::Separated { .. }
    ));
    let clusters = Grouping::of(&(0..N).map(|i| i % 6).collect::<Vec<_>>());
    let mixed = random_intercept(&columns, &clusters, &y).unwrap_err();
    assert!(matches!(mixed, EffectError::RankDeficient { .. }));
}

#[test]
fn one_cluster_is_refused_by_whatever_needs_several() {
    let (one, x, y) = (ones(), numbers(5, 7), numbers(7, 11));
    let all = Grouping::of(&[0; N]);
    let expected = EffectError::TooFewClusters { n_clusters: 1 };
    let fit = WeightedRegression::fit(&[&one, &x], &one, &y).unwrap();
    let contrast = fit.coefficient(1).unwrap();
    let kind = inference(StandardError::Cr1);
    assert_eq!(
        infer(&fit, &contrast, &[&all], &kind).unwrap_err(),
        expected
    );
    let wild = wild_cluster_test(
        &[&one, &x],
        &one,
        &y,
        &all,
        (1, 0.0),
        StandardError::Cr1,
        WildResiduals::Restricted,
        WildDraws::Drawn(Multiplier::Webb, draws()),
        None,
    );
    assert_eq!(wild.unwrap_err(), expected);
    assert_eq!(cluster_variance(&y, &all).unwrap_err(), expected);
    assert_eq!(random_intercept(&[&one], &all, &y).unwrap_err(), expected);
    let equations = exchangeable_equations(Family::Poisson, &[&one], &all, &y);
    assert_eq!(equations.unwrap_err(), expected);
    let resampled = Resampled::Clusters {
        clusters: &all,
        strata: None,
        draws: draws(),
    };
    let drawn = bootstrap(N, &resampled, |rows| Ok(vec![y[rows[0]]]));
    assert_eq!(drawn.unwrap_err(), expected);
}

#[test]
fn an_empty_arm_is_named() {
    let (one, x, y) = (ones(), numbers(5, 7), numbers(7, 11));
    let nobody = vec![false; N];
    let expected = EffectError::TooFewInArm {
        arm: Arm::Treated,
        n_rows: 0,
    };
    let kind = inference(StandardError::Hc0);
    let nuisance = NuisanceFit::default();
    let robust = doubly_robust(Estimand::Ate, &nobody, &[&x], &y, &nuisance, &[], &kind);
    assert_eq!(robust.unwrap_err(), expected);
    let by = ScoreFit::Likelihood;
    let weighted =
        score_weighted_difference(Estimand::Ate, &nobody, &[&one, &x], by, &y, &[], &kind);
    assert_eq!(weighted.unwrap_err(), expected);
    let balanced = Balanced {
        columns: &[&x],
        weight: &one,
        target: TargetMeans::Fixed,
    };
    let weighted = balanced_difference(Estimand::Ate, &nobody, &balanced, &y, &[], &kind);
    assert_eq!(weighted.unwrap_err(), expected);
    let matched = matching_estimate(&design(), &nobody, &[&x], &y, level());
    assert_eq!(matched.unwrap_err(), expected);
    let tested = randomisation_test(
        RandomisedStatistic::Difference,
        &nobody,
        &y,
        &[],
        0.0,
        &Randomised::default(),
        Assignments::Enumerated,
    );
    assert_eq!(tested.unwrap_err(), expected);
    let clusters = Grouping::of(&(0..N).collect::<Vec<_>>());
    assert_eq!(
        compare_cluster_means(&nobody, &y, &clusters).unwrap_err(),
        expected
    );
}

#[test]
fn an_outcome_that_does_not_vary_has_no_error() {
    let (one, x) = (ones(), numbers(5, 7));
    let flat = vec![3.0; N];
    let fit = WeightedRegression::fit(&[&one, &x], &one, &flat);
    assert_eq!(fit.unwrap_err(), EffectError::NoVariation);
    let matched = matching_estimate(&design(), &arms(), &[&x], &flat, level());
    assert_eq!(matched.unwrap_err(), EffectError::NoVariation);
}

#[test]
fn outcomes_that_a_column_separates_have_no_likelihood_estimate() {
    let (one, x) = (ones(), numbers(1, 24));
    let above: Vec<f64> = x.iter().map(|x| f64::from(u8::from(*x > 11.5))).collect();
    for family in [Family::Logit, Family::Probit] {
        let error = fit_generalised(family, &[&one, &x], None, &above).unwrap_err();
        assert_eq!(error, EffectError::Separated { column: 1 }, "{family:?}");
    }
}

#[test]
fn values_that_are_no_numbers_are_refused_with_their_row() {
    let (one, x, mut y) = (ones(), numbers(5, 7), numbers(7, 11));
    y[4] = f64::NAN;
    assert_eq!(
        negative_binomial(&[&one, &x], None, &y).unwrap_err().row(),
        Some(4)
    );
    assert_eq!(
        quantile_regression(0.5, &[&one, &x], &y).unwrap_err().row(),
        Some(4)
    );
    assert_eq!(
        matching_estimate(&design(), &arms(), &[&x], &y, level())
            .unwrap_err()
            .row(),
        Some(4)
    );
    let mut z = x.clone();
    z[7] = f64::INFINITY;
    let y = numbers(7, 11);
    assert_eq!(
        fit_generalised(Family::Poisson, &[&one, &z], None, &y)
            .unwrap_err()
            .row(),
        Some(7)
    );
    assert_eq!(
        matching_estimate(&design(), &arms(), &[&z], &y, level())
            .unwrap_err()
            .row(),
        Some(7)
    );
}

#[test]
fn weights_that_are_zero_negative_or_huge_are_named() {
    let (one, x, y) = (ones(), numbers(5, 7), numbers(7, 11));
    for bad in [0.0, -1.0] {
        let mut weight = ones();
        weight[3] = bad;
        let error = WeightedRegression::fit(&[&one, &x], &weight, &y).unwrap_err();
        assert_eq!(error, EffectError::WeightNotPositive { row: 3, value: bad });
        let error = fit_generalised_weighted(Family::Poisson, &[&one, &x], None, Some(&weight), &y);
        assert_eq!(
            error.unwrap_err(),
            EffectError::WeightNotPositive { row: 3, value: bad }
        );
    }
    let mut weight = ones();
    weight[3] = f64::MAX;
    let error = WeightedRegression::fit(&[&one, &x], &weight, &y).unwrap_err();
    // Beside it no other row counts, so the second column says nothing.
    assert!(
        matches!(
            error,
            EffectError::OutOfRange { .. } | EffectError::RankDeficient { column: 1 }
        ),
        "{error}"
    );
}

#[test]
fn a_replicate_without_an_estimate_is_not_left_out_in_silence() {
    let resampled = Resampled::Rows {
        strata: None,
        draws: draws(),
    };
    let twice = |rows: &[usize]| rows.windows(2).any(|pair| pair[0] == pair[1]);
    let drawn = bootstrap(N, &resampled, |rows| {
        if twice(rows) {
            Err(EffectError::NoVariation)
        } else {
            Ok(vec![1.0])
        }
    });
    assert!(matches!(
        drawn,
        Err(EffectError::ReplicateUndefined {
            n_replicates: 20,
            ..
        })
    ));
}

//! What holds for estimators in trials, of generalised linear models and by instrument, whatever
//! the data, and what they refuse.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use utfall_core::{Arm, ConfidenceLevel, Estimand};
use utfall_effects::{
    AndersonRubin, DegreesOfFreedom, EffectError, Family, Grouping, Inference, MatchedSample,
    NuisanceFit, StandardError, WeightedRegression, blocked_difference, doubly_robust,
    fit_generalised, infer, interacted_difference, matched_difference, paired_difference,
    two_stage, unadjusted_difference,
};
use utfall_stats::draws::Stream;

fn inference(standard_error: StandardError) -> Inference {
    Inference {
        standard_error,
        degrees_of_freedom: DegreesOfFreedom::Residual,
        confidence_level: ConfidenceLevel::try_from(0.95).unwrap(),
    }
}

/// Random rows: treatment for every other one, a covariate, and an outcome that both move.
struct Rows {
    treated: Vec<bool>,
    covariate: Vec<f64>,
    outcome: Vec<f64>,
}

fn rows(n: u32) -> Rows {
    let mut stream = Stream::new(11, "estimators", 0);
    let treated: Vec<bool> = (0..n).map(|i| i % 2 == 0).collect();
    let covariate: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
    let outcome = treated.iter().zip(&covariate).map(|(&treated, x)| {
        let effect = if treated { 1.0 + 0.5 * x } else { 0.0 };
        effect + x + stream.normal()
    });
    let outcome = outcome.collect();
    Rows {
        treated,
        covariate,
        outcome,
    }
}

fn close(got: f64, expected: f64) {
    let slack = 1e-12 * expected.abs().max(1.0);
    assert!((got - expected).abs() < slack, "{got} is not {expected}");
}

#[test]
fn one_block_is_the_plain_difference() {
    let rows = rows(40);
    let block = Grouping::of(&[0; 40]);
    for kind in [
        StandardError::Classical,
        StandardError::Hc0,
        StandardError::Hc1,
        StandardError::Hc2,
        StandardError::Hc3,
    ] {
        let inference = inference(kind);
        let (treated, outcome) = (&rows.treated, &rows.outcome);
        let plain = unadjusted_difference(Estimand::Ate, treated, outcome, &inference).unwrap();
        let blocked = blocked_difference(Estimand::Ate, treated, &block, outcome, &inference);
        let blocked = blocked.unwrap();
        close(blocked.point, plain.point);
        close(blocked.standard_error, plain.standard_error);
        assert_eq!(blocked.degrees_of_freedom, plain.degrees_of_freedom);
    }
}

#[test]
fn a_shift_of_a_whole_block_changes_nothing() {
    let rows = rows(40);
    let block: Vec<u32> = (0..40).map(|i| i / 8).collect();
    let block = Grouping::of(&block);
    let of = |outcome: &[f64]| {
        let kind = inference(StandardError::Hc2);
        blocked_difference(Estimand::Att, &rows.treated, &block, outcome, &kind).unwrap()
    };
    let shifted: Vec<f64> = rows
        .outcome
        .iter()
        .zip(block.codes())
        .map(|(y, &block)| y + if block == 2 { 64.0 } else { 0.0 })
        .collect();
    close(of(&shifted).point, of(&rows.outcome).point);
    close(
        of(&shifted).standard_error,
        of(&rows.outcome).standard_error,
    );
}

#[test]
fn blocks_and_pairs_that_are_none_are_named() {
    let rows = rows(6);
    let kind = inference(StandardError::Hc2);
    let block = Grouping::of(&["a", "a", "b", "a", "a", "b"]);
    let alone = Grouping::of(&["a", "a", "b", "a", "b", "a"]);
    let blocked = |block| {
        blocked_difference(Estimand::Ate, &rows.treated, block, &rows.outcome, &kind).unwrap_err()
    };
    assert_eq!(
        blocked(&alone),
        EffectError::BlockWithoutArm {
            row: 2,
            arm: Arm::Comparator
        }
    );
    assert!(matches!(blocked(&block), EffectError::FullLeverage { .. }));
    let paired = |pair| {
        paired_difference(Estimand::Ate, &rows.treated, pair, &rows.outcome, &kind).unwrap_err()
    };
    assert_eq!(paired(&block), EffectError::NotAPair { row: 0, n_rows: 4 });
    let few = paired_difference(
        Estimand::Ate,
        &[true, false],
        &Grouping::of(&[1, 1]),
        &[2.0, 1.0],
        &kind,
    );
    assert_eq!(few.unwrap_err(), EffectError::TooFewPairs { n_pairs: 1 });
}

#[test]
fn swapping_the_members_of_all_pairs_flips_the_sign_alone() {
    let rows = rows(24);
    let pair: Vec<u32> = (0..24).map(|i| i / 2).collect();
    let pair = Grouping::of(&pair);
    let of = |treated: &[bool]| {
        let kind = inference(StandardError::Hc2);
        paired_difference(Estimand::Ate, treated, &pair, &rows.outcome, &kind).unwrap()
    };
    let swapped: Vec<bool> = rows.treated.iter().map(|is| !is).collect();
    let (forth, back) = (of(&rows.treated), of(&swapped));
    close(back.point, -forth.point);
    close(back.standard_error, forth.standard_error);
}

#[test]
fn without_covariates_lin_is_the_plain_difference() {
    let rows = rows(30);
    let sample = MatchedSample {
        estimand: Estimand::Ate,
        treated: &rows.treated,
        weight: &[1.0; 30],
        outcome: &rows.outcome,
        unit: None,
        clusters: &[],
    };
    let kind = inference(StandardError::Hc2);
    let plain = matched_difference(&sample, &kind).unwrap();
    assert_eq!(interacted_difference(&sample, &[], &kind).unwrap(), plain);
    let other: Vec<f64> = rows.covariate.iter().map(|x| 1000.0 * x - 7.0).collect();
    let of = |x: &[f64]| interacted_difference(&sample, &[x], &kind).unwrap();
    let (one, other) = (of(&rows.covariate), of(&other));
    assert!((one.point - other.point).abs() < 1e-10);
    assert!((one.standard_error - other.standard_error).abs() < 1e-10);
}

#[test]
fn a_logit_of_two_groups_has_their_log_odds_and_a_poisson_their_rates() {
    let treated: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
    let one = vec![1.0; 20];
    let yes: Vec<f64> = (0..20)
        .map(|i| f64::from(u8::from(i < 6 || i % 4 == 1)))
        .collect();
    let mean = |arm: f64| {
        let of_arm = (0..20).filter(|&i| (treated[i] - arm).abs() < 0.5);
        of_arm.map(|i| yes[i]).sum::<f64>() / 10.0
    };
    let logit = fit_generalised(Family::Logit, &[&one, &treated], None, &yes).unwrap();
    let odds = |p: f64| libm_log(p / (1.0 - p));
    close(logit.coefficients()[1], odds(mean(1.0)) - odds(mean(0.0)));
    let exposure: Vec<f64> = (0..20).map(|i| libm_log(1.0 + f64::from(i))).collect();
    let poisson = fit_generalised(Family::Poisson, &[&one, &treated], Some(&exposure), &yes);
    let rate = |arm: f64| {
        let of_arm = (0..20_u8).filter(|&i| (treated[usize::from(i)] - arm).abs() < 0.5);
        let exposed: f64 = of_arm.map(|i| 1.0 + f64::from(i)).sum();
        10.0 * mean(arm) / exposed
    };
    close(
        poisson.unwrap().coefficients()[1],
        libm_log(rate(1.0) / rate(0.0)),
    );
}

fn libm_log(value: f64) -> f64 {
    utfall_stats::elementary::log(value)
}

#[test]
fn what_a_likelihood_cannot_fit_is_named() {
    let one = vec![1.0; 8];
    let x: Vec<f64> = (0..8).map(f64::from).collect();
    let step: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x > 3.5))).collect();
    let fit = |family, outcome: &[f64]| {
        fit_generalised(family, &[&one, &x], None, outcome).map(|fit| fit.deviance())
    };
    assert_eq!(
        fit(Family::Logit, &step),
        Err(EffectError::Separated { column: 1 })
    );
    let outside = fit(Family::Logit, &[0.0, 1.0, 2.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(outside.unwrap_err().row(), Some(2));
    let outside = fit(Family::Poisson, &[0.0, 1.0, 2.0, -1.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(outside.unwrap_err().row(), Some(3));
    assert_eq!(
        fit(Family::Poisson, &[0.0; 8]),
        Err(EffectError::NoVariation)
    );
    let twice = fit_generalised(Family::Logit, &[&one, &x, &x], None, &step).map(|_| ());
    assert_eq!(twice, Err(EffectError::RankDeficient { column: 2 }));
}

#[test]
fn errors_of_a_likelihood_are_for_a_likelihood() {
    let rows = rows(30);
    let one = vec![1.0; 30];
    let linear = WeightedRegression::fit(&[&one], &one, &rows.outcome).unwrap();
    let model = infer(
        &linear,
        &linear.coefficient(0).unwrap(),
        &[],
        &inference(StandardError::Model),
    );
    let undefined = |kind| Err(EffectError::KindUndefined { kind });
    assert_eq!(model, undefined(StandardError::Model));
    let yes: Vec<f64> = rows
        .outcome
        .iter()
        .map(|&y| f64::from(u8::from(y > 0.0)))
        .collect();
    let logit = fit_generalised(Family::Logit, &[&one], None, &yes).unwrap();
    let groups = Grouping::of(&(0..30).map(|i| i / 5).collect::<Vec<_>>());
    let clustered = infer(
        logit.regression(),
        &logit.regression().coefficient(0).unwrap(),
        &[&groups],
        &inference(StandardError::Cr2),
    );
    assert_eq!(clustered, undefined(StandardError::Cr2));
}

#[test]
fn a_doubly_robust_estimate_without_covariates_is_the_plain_difference() {
    let rows = rows(40);
    let kind = inference(StandardError::Hc0);
    for estimand in [Estimand::Ate, Estimand::Att, Estimand::Atc] {
        let (treated, outcome) = (&rows.treated, &rows.outcome);
        let plain = unadjusted_difference(estimand, treated, outcome, &kind).unwrap();
        let both = doubly_robust(
            estimand,
            treated,
            &[],
            outcome,
            &NuisanceFit::default(),
            &[],
            &kind,
        )
        .unwrap();
        close(both.estimate.point, plain.point);
        close(both.estimate.standard_error, plain.standard_error);
        close(both.g_computation, plain.point);
        close(both.inverse_probability, plain.point);
    }
}

#[test]
fn over_the_comparators_is_over_the_treated_with_the_arms_swapped() {
    let rows = rows(60);
    let kind = inference(StandardError::Hc1);
    let of = |estimand, treated: &[bool]| {
        let covariates: [&[f64]; 1] = [&rows.covariate];
        let both = doubly_robust(
            estimand,
            treated,
            &covariates,
            &rows.outcome,
            &NuisanceFit::default(),
            &[],
            &kind,
        );
        both.unwrap().estimate
    };
    let swapped: Vec<bool> = rows.treated.iter().map(|is| !is).collect();
    let (one, other) = (
        of(Estimand::Atc, &rows.treated),
        of(Estimand::Att, &swapped),
    );
    assert!((one.point + other.point).abs() < 1e-10);
    assert!((one.standard_error - other.standard_error).abs() < 1e-10);
}

#[test]
fn an_anderson_rubin_set_holds_just_the_values_its_test_does_not_reject() {
    let rows = rows(80);
    let one = vec![1.0; 80];
    let assigned: Vec<f64> = rows
        .treated
        .iter()
        .map(|&is| f64::from(u8::from(is)))
        .collect();
    let taken: Vec<f64> = (0..80_usize)
        .map(|i| {
            if i % 5 == 0 {
                1.0 - assigned[i]
            } else {
                assigned[i]
            }
        })
        .collect();
    for kind in [StandardError::Classical, StandardError::Hc2] {
        let inference = inference(kind);
        let at = |value: f64| {
            let outcome: Vec<f64> = rows
                .outcome
                .iter()
                .zip(&taken)
                .map(|(y, d)| y - value * d)
                .collect();
            let fit = two_stage(&taken, &[&one], &[&assigned], &outcome).unwrap();
            fit.anderson_rubin(&[], &inference).unwrap().unwrap()
        };
        let (AndersonRubin::Within(interval), _) = at(0.0) else {
            unreachable!("the instrument is strong");
        };
        for end in [interval.lower, interval.upper] {
            let (_, p_value) = at(end);
            assert!((p_value - 0.05).abs() < 1e-10, "{p_value}");
        }
    }
}

#[test]
fn an_instrument_that_moves_nothing_is_refused() {
    let one = vec![1.0; 8];
    let taken = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
    let idle = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0];
    let outcome = [1.0, 2.0, 4.0, 3.0, 5.0, 7.0, 2.0, 9.0];
    let refused = two_stage(&taken, &[&one], &[&idle], &outcome).map(|_| ());
    assert_eq!(refused, Err(EffectError::RankDeficient { column: 1 }));
}

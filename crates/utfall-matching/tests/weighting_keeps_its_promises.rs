//! What every weighting method promises, on drawn units: balance, order, bits, named errors.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use utfall_core::{Arm, Estimand};
use utfall_matching::weighting::{
    Calibration, CalibrationDistance, Moments, WeightScale, WeightingError, balancing_score,
    calibrate, entropy_balancing, overidentified_score, propensity_weights,
};
use utfall_matching::{SmdDenominator, balance, propensity};
use utfall_stats::draws::Stream;
use utfall_stats::{Matrix, moments, sums};

/// Units whose treatment depends on their covariates: three normal ones, a count, an indicator.
fn units(n: usize) -> (Matrix, Vec<bool>) {
    let mut stream = Stream::new(7, "weighting example", 0);
    let mut columns: Vec<Vec<f64>> = (0..3)
        .map(|_| (0..n).map(|_| 1e4 + 250.0 * stream.normal()).collect())
        .collect();
    columns.push((0..n).map(|i| f64::from(u8::from(i % 3 == 0))).collect());
    let treated = (0..n)
        .map(|i| {
            let pull = (columns[0][i] - 1e4) / 500.0 - (columns[1][i] - 1e4) / 400.0;
            stream.bernoulli(1.0 / (1.5 + (-pull).exp2() + columns[3][i]))
        })
        .collect();
    (Matrix::from_columns(columns).unwrap(), treated)
}

fn largest_smd(covariates: &Matrix, treated: &[bool], weights: &[f64]) -> f64 {
    balance(covariates, treated, weights, SmdDenominator::Pooled)
        .unwrap()
        .iter()
        .map(|row| row.after.smd.unwrap().abs())
        .fold(0.0, f64::max)
}

fn first() -> Moments {
    Moments::try_from(1).unwrap()
}

#[test]
fn balancing_methods_balance_every_mean() {
    let (x, treated) = units(3000);
    assert!(largest_smd(&x, &treated, &vec![1.0; 3000]) > 0.2);
    for estimand in [Estimand::Ate, Estimand::Att, Estimand::Atc] {
        let even = entropy_balancing(&x, &treated, estimand, first()).unwrap();
        assert!(
            largest_smd(&x, &treated, &even) < 1e-10,
            "entropy, {estimand}"
        );
        let score = balancing_score(&x, &treated, estimand).unwrap();
        let weights = propensity_weights(&score, &treated, estimand, WeightScale::Plain).unwrap();
        assert!(
            largest_smd(&x, &treated, &weights) < 1e-10,
            "score, {estimand}"
        );
    }
    let score = propensity(&x, &treated).unwrap().score;
    let overlap =
        propensity_weights(&score, &treated, Estimand::Overlap, WeightScale::Plain).unwrap();
    assert!(largest_smd(&x, &treated, &overlap) < 1e-10);
}

#[test]
fn entropy_balancing_reaches_the_moments_of_its_target() {
    let (x, treated) = units(3000);
    let weights =
        entropy_balancing(&x, &treated, Estimand::Att, Moments::try_from(3).unwrap()).unwrap();
    let arm = |is: bool| (0..3000).filter(move |&unit| treated[unit] == is);
    let (of_treated, of_comparator): (Vec<usize>, Vec<usize>) =
        (arm.clone()(true).collect(), arm(false).collect());
    assert!(
        of_treated
            .iter()
            .all(|&unit| (weights[unit] - 1.0).abs() <= 0.0)
    );
    for power in 1..=3 {
        for column in x.columns() {
            let raised = |unit: &usize| ((column[*unit] - 1e4) / 250.0).powi(power);
            let target = moments::mean(&of_treated.iter().map(raised).collect::<Vec<f64>>());
            let values: Vec<f64> = of_comparator.iter().map(raised).collect();
            let of_arm: Vec<f64> = of_comparator.iter().map(|&unit| weights[unit]).collect();
            let got = moments::weighted_mean(&values, &of_arm);
            assert!(
                (got - target).abs() < 1e-9 * target.abs().max(1.0),
                "{power}: {got} {target}"
            );
            let n_comparator = moments::count(of_comparator.len());
            assert!((sums::sum(&of_arm) - n_comparator).abs() < 1e-8);
        }
    }
}

#[test]
fn for_the_att_the_balancing_score_is_entropy_balancing() {
    let (x, treated) = units(2000);
    let even = entropy_balancing(&x, &treated, Estimand::Att, first()).unwrap();
    let score = balancing_score(&x, &treated, Estimand::Att).unwrap();
    let odds = propensity_weights(&score, &treated, Estimand::Att, WeightScale::Plain).unwrap();
    let comparators = || (0..2000).filter(|&unit| !treated[unit]);
    let total = |weights: &[f64]| comparators().map(|unit| weights[unit]).sum::<f64>();
    let scale = total(&even) / total(&odds);
    assert!(comparators().all(|unit| (even[unit] - scale * odds[unit]).abs() < 1e-9 * even[unit]));
}

#[test]
fn the_overidentified_score_is_near_the_likeliest_where_a_logistic_score_fits() {
    let (x, treated) = units(2000);
    let likeliest = propensity(&x, &treated).unwrap().score;
    let both = overidentified_score(&x, &treated, Estimand::Ate).unwrap();
    let apart = likeliest
        .iter()
        .zip(&both.score)
        .map(|(a, b)| (a - b).abs());
    assert!(apart.fold(0.0, f64::max) < 0.1);
    // Hansen's J has five degrees of freedom here.
    assert!(both.criterion > 0.0 && 2000.0 * both.criterion < 50.0);
}

#[test]
fn swapping_the_arms_turns_scores_around() {
    let (x, treated) = units(1000);
    let swapped: Vec<bool> = treated.iter().map(|is| !is).collect();
    for (here, there) in [
        (Estimand::Att, Estimand::Atc),
        (Estimand::Ate, Estimand::Ate),
    ] {
        let one = balancing_score(&x, &treated, here).unwrap();
        let other = balancing_score(&x, &swapped, there).unwrap();
        assert!(
            one.iter()
                .zip(&other)
                .all(|(a, b)| (a + b - 1.0).abs() < 1e-9)
        );
        let one = overidentified_score(&x, &treated, here).unwrap();
        let other = overidentified_score(&x, &swapped, there).unwrap();
        let turned = one.score.iter().zip(&other.score);
        assert!(turned.into_iter().all(|(a, b)| (a + b - 1.0).abs() < 1e-5));
    }
}

#[test]
fn threads_change_no_bit() {
    let (x, treated) = units(30_000);
    let (y, of_y) = units(9_000);
    let with = |n| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .unwrap();
        pool.install(|| {
            (
                entropy_balancing(&x, &treated, Estimand::Ate, first()).unwrap(),
                balancing_score(&x, &treated, Estimand::Ate).unwrap(),
                overidentified_score(&y, &of_y, Estimand::Ate).unwrap(),
            )
        })
    };
    let one = with(1);
    assert!(one == with(2) && one == with(8));
}

#[test]
fn the_order_of_units_changes_weights_by_rounding_only() {
    let (x, treated) = units(1000);
    let order: Vec<usize> = (0..1000).map(|i| (i * 7 + 3) % 1000).collect();
    let shuffled: Vec<bool> = order.iter().map(|&unit| treated[unit]).collect();
    let here = entropy_balancing(&x, &treated, Estimand::Atc, first()).unwrap();
    let there =
        entropy_balancing(&x.select_rows(&order), &shuffled, Estimand::Atc, first()).unwrap();
    for (place, &unit) in order.iter().enumerate() {
        assert!((there[place] - here[unit]).abs() < 1e-10 * here[unit]);
    }
}

#[test]
fn units_of_measurement_change_weights_by_rounding_only() {
    let (x, treated) = units(1000);
    let mut scaled = x.clone();
    scaled
        .column_mut(0)
        .iter_mut()
        .for_each(|value| *value = *value * 1e6 - 3e9);
    for estimand in [Estimand::Ate, Estimand::Att] {
        let here = entropy_balancing(&x, &treated, estimand, first()).unwrap();
        let there = entropy_balancing(&scaled, &treated, estimand, first()).unwrap();
        assert!(here.iter().zip(&there).all(|(a, b)| (a - b).abs() < 1e-7));
    }
}

#[test]
fn a_target_that_no_weights_reach_is_named() {
    let (mut x, treated) = units(500);
    // Every comparator lies below the mean of the treated.
    x.column_mut(2)
        .iter_mut()
        .zip(&treated)
        .for_each(|(value, &is)| *value = if is { *value + 5000.0 } else { *value });
    let infeasible = WeightingError::Infeasible {
        arm: Arm::Comparator,
        column: 2,
    };
    assert_eq!(
        entropy_balancing(&x, &treated, Estimand::Att, first()),
        Err(infeasible.clone())
    );
    // At the edge: the treated all have the indicator, only some comparators do.
    let (mut x, treated) = units(500);
    x.column_mut(3)
        .iter_mut()
        .zip(&treated)
        .for_each(|(value, &is)| *value = if is { 1.0 } else { *value });
    assert_eq!(
        entropy_balancing(&x, &treated, Estimand::Att, first()),
        Err(WeightingError::Infeasible {
            arm: Arm::Comparator,
            column: 3
        })
    );
    assert!(matches!(
        balancing_score(&x, &treated, Estimand::Att),
        Err(WeightingError::Infeasible { .. } | WeightingError::Propensity(_))
    ));
}

#[test]
fn overlap_without_a_reachable_target_is_named_for_the_balancing_score() {
    // The treated lie at -3, 3 and 3, 3; comparators in between: the arms overlap in logits, yet
    // the mean of the treated lies outside the comparators.
    let x = vec![-3.0, 3.0, 3.0, 3.0, -1.0, 0.0, 1.0, 0.5];
    let treated = [true, true, true, true, false, false, false, false];
    let x = Matrix::from_columns(vec![x]).unwrap();
    let infeasible = Err(WeightingError::Infeasible {
        arm: Arm::Comparator,
        column: 0,
    });
    assert_eq!(balancing_score(&x, &treated, Estimand::Att), infeasible);
    assert!(balancing_score(&x, &treated, Estimand::Ate).is_ok());
    assert!(balancing_score(&x, &treated, Estimand::Atc).is_ok());
}

#[test]
fn covariates_that_add_nothing_are_named() {
    let (mut x, treated) = units(500);
    let of = |x: &Matrix| entropy_balancing(x, &treated, Estimand::Ate, first()).unwrap_err();
    let twice: Vec<f64> = x.column(0).iter().map(|value| 2.0 * value + 1.0).collect();
    x.column_mut(2).copy_from_slice(&twice);
    assert_eq!(
        of(&x),
        WeightingError::Collinear {
            column: 2,
            power: "the value",
            arm: Some(Arm::Treated)
        }
    );
    x.column_mut(2).fill(4.0);
    assert_eq!(of(&x), WeightingError::Constant { column: 2 });
    x.set(9, 1, f64::NAN);
    assert_eq!(
        of(&x),
        WeightingError::CovariateNotFinite { unit: 9, column: 1 }
    );
}

#[test]
fn estimands_a_method_does_not_estimate_are_refused() {
    let (x, treated) = units(200);
    for estimand in [Estimand::Overlap, Estimand::MatchedTreated] {
        assert!(matches!(
            entropy_balancing(&x, &treated, estimand, first()),
            Err(WeightingError::Estimand { .. })
        ));
        assert!(matches!(
            balancing_score(&x, &treated, estimand),
            Err(WeightingError::Estimand { .. })
        ));
    }
}

#[test]
fn calibrated_weights_meet_every_total() {
    let (x, _) = units(800);
    let design: Vec<f64> = (0..800).map(|i| 1.0 + f64::from(i % 5)).collect();
    let totals: Vec<f64> = x
        .columns()
        .map(|column| 2500.0 * (moments::mean(column) * 0.999 + 0.01))
        .collect();
    for distance in [CalibrationDistance::Linear, CalibrationDistance::Raking] {
        let wanted = Calibration {
            totals: &totals,
            n_units: 2500.0,
            distance,
        };
        let weights = calibrate(&x, &design, &wanted).unwrap();
        assert!((sums::sum(&weights) - 2500.0).abs() < 1e-8, "{distance:?}");
        for (column, total) in x.columns().zip(&totals) {
            assert!((sums::dot(column, &weights) / total - 1.0).abs() < 1e-12);
        }
    }
    let totals: Vec<f64> = totals.iter().map(|total| 3.0 * total).collect();
    let wanted = Calibration {
        totals: &totals,
        n_units: 2500.0,
        distance: CalibrationDistance::Raking,
    };
    assert!(matches!(
        calibrate(&x, &design, &wanted),
        Err(WeightingError::TotalsInfeasible { .. })
    ));
}

//! Weights that units bring with them, and units that are left out for their score.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use utfall_core::Estimand;
use utfall_matching::weighting::{
    Given, Moments, Trim, WeightScale, WeightingError, WeightingMethod, WeightingSpec,
    entropy_balancing, entropy_balancing_from, weigh, weigh_given,
};
use utfall_matching::{SmdDenominator, balance_sampled, propensity};
use utfall_stats::Matrix;
use utfall_stats::draws::Stream;

/// Units of two arms with two covariates that overlap well.
fn sample(n: usize) -> (Matrix, Vec<bool>) {
    let mut stream = Stream::new(12, "given", 0);
    let columns: Vec<Vec<f64>> = (0..2)
        .map(|_| (0..n).map(|_| stream.normal()).collect())
        .collect();
    let treated = (0..n)
        .map(|unit| stream.normal() < 0.6 * columns[0][unit] - 0.3)
        .collect();
    (Matrix::from_columns(columns).unwrap(), treated)
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-8 * (1.0 + b.abs())
}

fn by_score(trim: Option<Trim>) -> WeightingSpec {
    let method = WeightingMethod::PropensityScore {
        scale: WeightScale::Plain,
        link: None,
        trim,
    };
    WeightingSpec { method, cap: None }
}

#[test]
fn a_sampling_weight_of_two_is_a_unit_twice() {
    let (covariates, treated) = sample(300);
    let rows: Vec<usize> = (0..300).flat_map(|unit| vec![unit; 1 + unit % 2]).collect();
    let twice = covariates.select_rows(&rows);
    let of_rows: Vec<bool> = rows.iter().map(|&unit| treated[unit]).collect();
    let sampling: Vec<f64> = (0..300)
        .map(|unit| if unit % 2 == 0 { 1.0 } else { 2.0 })
        .collect();
    let given = Given {
        sampling: Some(&sampling),
        base: None,
    };
    let method = WeightingMethod::EntropyBalancing {
        moments: Moments::try_from(2).unwrap(),
    };
    for spec in [by_score(None), WeightingSpec { method, cap: None }] {
        for estimand in [Estimand::Att, Estimand::Ate] {
            let weighted = weigh_given(&spec, estimand, &covariates, &treated, &given).unwrap();
            let repeated = weigh(&spec, estimand, &twice, &of_rows).unwrap();
            for (row, &unit) in rows.iter().enumerate() {
                let each = weighted.weights[unit] / sampling[unit];
                assert!(is_near(each, repeated.weights[row]), "{spec:?} {estimand}");
            }
        }
    }
}

#[test]
fn base_weights_that_balance_already_are_kept_and_others_are_moved_least() {
    let (covariates, treated) = sample(400);
    let moments = Moments::try_from(1).unwrap();
    let of = |given: &Given<'_>| {
        entropy_balancing_from(&covariates, &treated, Estimand::Att, moments, given)
    };
    let plain = entropy_balancing(&covariates, &treated, Estimand::Att, moments).unwrap();
    let kept = of(&Given {
        sampling: None,
        base: Some(&plain),
    })
    .unwrap();
    assert!(plain.iter().zip(&kept).all(|(a, b)| is_near(*a, *b)));
    let base: Vec<f64> = (0..400).map(|unit| 1.0 + (unit % 5) as f64).collect();
    let moved = of(&Given {
        sampling: None,
        base: Some(&base),
    })
    .unwrap();
    let rows =
        balance_sampled(&covariates, &treated, None, &moved, SmdDenominator::Treated).unwrap();
    assert!(rows.iter().all(|row| row.after.smd.unwrap().abs() < 1e-10));
    // Relative to the base a weight is the exponential of a line in the covariates.
    let log_ratio = |unit: usize| utfall_stats::elementary::log(moved[unit] / base[unit]);
    let comparators: Vec<usize> = (0..400).filter(|&unit| !treated[unit]).collect();
    let first: Vec<usize> = comparators[..3].to_vec();
    let x = |unit: usize, column: usize| covariates.get(unit, column);
    let [a, b, c] = [first[0], first[1], first[2]];
    let (p, q) = (
        [x(b, 0) - x(a, 0), x(b, 1) - x(a, 1)],
        [x(c, 0) - x(a, 0), x(c, 1) - x(a, 1)],
    );
    let (r, s) = (log_ratio(b) - log_ratio(a), log_ratio(c) - log_ratio(a));
    let determinant = p[0] * q[1] - p[1] * q[0];
    let slopes = [
        (r * q[1] - s * p[1]) / determinant,
        (p[0] * s - q[0] * r) / determinant,
    ];
    for &unit in &comparators[3..] {
        let line =
            log_ratio(a) + slopes[0] * (x(unit, 0) - x(a, 0)) + slopes[1] * (x(unit, 1) - x(a, 1));
        assert!((line - log_ratio(unit)).abs() < 1e-6);
    }
}

#[test]
fn trimmed_units_have_no_weight_and_the_score_is_estimated_without_them() {
    let (covariates, treated) = sample(500);
    let trim = Trim::try_outside(0.2).unwrap();
    let got = weigh(&by_score(Some(trim)), Estimand::Ate, &covariates, &treated).unwrap();
    let first = propensity(&covariates, &treated).unwrap().score;
    let kept: Vec<usize> = (0..500)
        .filter(|&unit| (0.2..=0.8).contains(&first[unit]))
        .collect();
    assert!(kept.len() < 500 && got.n_trimmed == 500 - kept.len());
    assert_eq!(got.estimand, Estimand::MatchedUnits);
    let of_kept: Vec<bool> = kept.iter().map(|&unit| treated[unit]).collect();
    let alone = weigh(
        &by_score(None),
        Estimand::Ate,
        &covariates.select_rows(&kept),
        &of_kept,
    )
    .unwrap();
    for (&unit, weight) in kept.iter().zip(&alone.weights) {
        assert!(is_near(got.weights[unit], *weight));
    }
    assert_eq!(
        got.weights.iter().filter(|weight| **weight > 0.0).count(),
        kept.len()
    );
}

#[test]
fn weights_that_are_none_or_of_no_use_are_refused() {
    let (covariates, treated) = sample(50);
    let mut weights = vec![1.0; 50];
    let of = |spec: &WeightingSpec, given: &Given<'_>| {
        weigh_given(spec, Estimand::Att, &covariates, &treated, given).unwrap_err()
    };
    let base = Given {
        sampling: None,
        base: Some(&weights),
    };
    assert_eq!(
        of(&by_score(None), &base),
        WeightingError::GivenWeights {
            what: "base weights"
        }
    );
    weights[7] = 0.0;
    let sampling = Given {
        sampling: Some(&weights),
        base: None,
    };
    assert_eq!(
        of(&by_score(None), &sampling),
        WeightingError::DesignWeight { unit: 7 }
    );
    assert!(Trim::try_outside(0.5).is_err());
}

//! A naive comparison is plainly biased; conditioning on what selection used takes the bias away.

use std::collections::{BTreeMap, BTreeSet};

use crate::made::{Made, make, number, rows, spec};

/// Rates before and after the index date, pupil by pupil.
type Arm = Vec<(f64, f64)>;

/// A pupil's hours of invalid absence, and hours offered, before and after the index date.
#[derive(Default, Clone, Copy)]
struct Hours {
    before: (f64, f64),
    after: (f64, f64),
}

#[test]
fn the_naive_comparison_of_absence_has_the_wrong_sign() {
    let made = make(&spec(&[]));
    let (referred, rest) = arms(&made);
    let truth = made.truth.programmes[0].effects[0].effect.unwrap();
    let naive = mean(&referred, |hours| hours.1) - mean(&rest, |hours| hours.1);
    let standard_error =
        (variance(&referred) / referred.len() as f64 + variance(&rest) / rest.len() as f64).sqrt();
    assert!(truth < -0.05 && naive > 0.0);
    assert!((naive - truth) / standard_error > 5.0);
}

#[test]
fn those_referred_improve_by_themselves_so_before_and_after_is_biased_too() {
    let made = make(&spec(&[("effect = -0.06 ", "effect = 0.0 ")]));
    let (referred, _) = arms(&made);
    let change = mean(&referred, |hours| hours.1 - hours.0);
    assert!(change < -0.01, "{change}");
}

#[test]
fn within_narrow_bands_of_observed_absence_the_comparison_finds_the_truth() {
    let made = make(&spec(&[("n-families = 3540", "n-families = 20000")]));
    let (referred, rest) = arms(&made);
    let band = |hours: &(f64, f64)| (hours.0 * 100.0) as usize;
    let mut differences = Vec::new();
    for i in 5..45 {
        let [a, b] = [&referred, &rest].map(|arm| {
            let after: Vec<f64> = arm
                .iter()
                .filter(|hours| band(hours) == i)
                .map(|hours| hours.1)
                .collect();
            after
        });
        if !b.is_empty() {
            let mean_b = b.iter().sum::<f64>() / b.len() as f64;
            differences.extend(a.iter().map(|after| after - mean_b));
        }
    }
    let n = differences.len() as f64;
    let estimate = differences.iter().sum::<f64>() / n;
    let truth = made.truth.programmes[0].effects[0].effect.unwrap();
    let spread = differences
        .iter()
        .map(|value| (value - estimate).powi(2))
        .sum::<f64>()
        / n;
    assert!(
        (estimate - truth).abs() < 4.0 * (spread / n).sqrt(),
        "{estimate} against {truth}"
    );
}

/// Rates before and after of the pupils referred, and of the rest of those considered.
fn arms(made: &Made) -> (Arm, Arm) {
    let folder = made.folder.path();
    let referred: BTreeSet<String> = rows(folder, "remisser_20241201.csv")
        .into_iter()
        .filter(|row| row[1] == "NARVARO" && row[2].as_str() >= "20230601")
        .map(|row| row[0].clone())
        .collect();
    let mut pupils: BTreeMap<String, Hours> = BTreeMap::new();
    for row in rows(folder, "franvaro_20240915.csv")
        .into_iter()
        .chain(rows(folder, "franvaro_20241201.csv"))
    {
        let [Some(offered), Some(invalid)] =
            [2, 4].map(|i| row.get(i).and_then(|cell| number(cell)))
        else {
            continue;
        };
        if offered > 250.0 || invalid > 250.0 {
            continue;
        }
        let hours = pupils.entry(row[0].clone()).or_default();
        let period = if row[1].as_str() < "20230901" {
            &mut hours.before
        } else {
            &mut hours.after
        };
        period.0 += invalid;
        period.1 += offered;
    }
    let mut arms = (Vec::new(), Vec::new());
    for (pupil, hours) in pupils {
        let (before, after) = (
            hours.before.0 / hours.before.1,
            hours.after.0 / hours.after.1,
        );
        if before >= 0.05 && after.is_finite() {
            let arm = if referred.contains(&pupil) {
                &mut arms.0
            } else {
                &mut arms.1
            };
            arm.push((before, after));
        }
    }
    arms
}

fn mean(arm: &[(f64, f64)], value: impl Fn(&(f64, f64)) -> f64) -> f64 {
    arm.iter().map(value).sum::<f64>() / arm.len() as f64
}

fn variance(arm: &[(f64, f64)]) -> f64 {
    let mean = mean(arm, |hours| hours.1);
    arm.iter()
        .map(|hours| (hours.1 - mean).powi(2))
        .sum::<f64>()
        / (arm.len() as f64 - 1.0)
}

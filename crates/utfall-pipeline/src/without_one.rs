//! How far any one unit moves an estimate: its range over all that leave one unit out.
//!
//! A unit is left out with all its appearances, and the weight it had goes where that of a unit without an outcome
//! goes: to the others of its arm in its set; a set that loses an arm is left out. Who is compared with whom
//! stays as it is. No unit is named, and the range says of none that it is the one.

use std::collections::BTreeMap;

use rayon::prelude::*;
use utfall_core::Arm;
use utfall_verify::record::WithoutOne;

use crate::EstimatorSpec;
use crate::compared_file::ComparedUnit;
use crate::outcomes::Observed;
use crate::sample::{Estimator, Sample};

/// Units up to which an estimator that fits a model is fitted anew without each. Beyond, the range is not given.
const MOST_FITS: usize = 2_000;

/// The range of the point over every estimate without one unit, if there is any.
pub(crate) fn range(
    units: &[ComparedUnit],
    observed: &Observed,
    by: &Estimator<'_>,
) -> Option<WithoutOne> {
    let points = match by.spec {
        EstimatorSpec::MatchedDifference
        | EstimatorSpec::WeightedDifference
        | EstimatorSpec::UnadjustedDifference
        | EstimatorSpec::MatchedDifferenceInDifferences { .. } => differences(units, observed),
        EstimatorSpec::AdjustedDifference { .. } | EstimatorSpec::DoublyRobust { .. } => {
            refitted(units, observed, by)
        }
        // It was estimated on rows of its own.
        EstimatorSpec::Model(_) => Vec::new(),
    };
    let finite = || points.iter().copied().filter(|point| point.is_finite());
    let lowest = finite().fold(f64::INFINITY, f64::min);
    let highest = finite().fold(f64::NEG_INFINITY, f64::max);
    (lowest <= highest).then_some(WithoutOne { lowest, highest })
}

/// Weight, and weight times outcome, of one arm.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: usize,
    weight: f64,
    outcome: f64,
}

impl Sums {
    fn add(&mut self, weight: f64, outcome: f64) {
        self.n += 1;
        self.weight += weight;
        self.outcome += weight * outcome;
    }
}

/// Differences of weighted means: without a unit, only its own sets change.
fn differences(units: &[ComparedUnit], observed: &Observed) -> Vec<f64> {
    let sets: Vec<&[ComparedUnit]> = units.chunk_by(|a, b| a.set == b.set).collect();
    let change = |unit: &ComparedUnit| observed.change(&unit.unit, unit.index_date);
    let sums: Vec<[Sums; 2]> = sets
        .iter()
        .map(|set| {
            let mut sums = [Sums::default(); 2];
            for unit in *set {
                if let Some(change) = change(unit) {
                    sums[place(unit.arm)].add(unit.weight, change);
                }
            }
            sums
        })
        .collect();
    // What an arm of a set weighs is what it weighed with those whose outcome is missing.
    let weights: Vec<[f64; 2]> = sets
        .iter()
        .map(|set| {
            let mut weights = [0.0; 2];
            for unit in *set {
                weights[place(unit.arm)] += unit.weight;
            }
            weights
        })
        .collect();
    let counted = |set: usize, sums: &[Sums; 2]| -> [(f64, f64); 2] {
        if sums.iter().any(|arm| arm.n == 0) {
            return [(0.0, 0.0); 2];
        }
        [0, 1].map(|arm| {
            let weight = weights[set][arm];
            (weight, weight * sums[arm].outcome / sums[arm].weight)
        })
    };
    let mut total = [(0.0, 0.0); 2];
    for (set, sums) in sums.iter().enumerate() {
        for (total, of_set) in total.iter_mut().zip(counted(set, sums)) {
            *total = (total.0 + of_set.0, total.1 + of_set.1);
        }
    }
    let mut appearances: BTreeMap<&str, Vec<(usize, &ComparedUnit, f64)>> = BTreeMap::new();
    for (set, rows) in sets.iter().enumerate() {
        for unit in *rows {
            if let Some(change) = change(unit) {
                let of_unit = appearances.entry(&unit.unit).or_default();
                of_unit.push((set, unit, change));
            }
        }
    }
    let without = |rows: &Vec<(usize, &ComparedUnit, f64)>| {
        let mut total = total;
        for of_set in rows.chunk_by(|a, b| a.0 == b.0) {
            let set = of_set[0].0;
            let mut left = sums[set];
            for (_, unit, change) in of_set {
                let arm = &mut left[place(unit.arm)];
                arm.n -= 1;
                arm.weight -= unit.weight;
                arm.outcome -= unit.weight * change;
            }
            let (before, after) = (counted(set, &sums[set]), counted(set, &left));
            for (arm, total) in total.iter_mut().enumerate() {
                total.0 += after[arm].0 - before[arm].0;
                total.1 += after[arm].1 - before[arm].1;
            }
        }
        total[0].1 / total[0].0 - total[1].1 / total[1].0
    };
    appearances.values().map(without).collect()
}

/// Fitted anew without each unit that has an outcome.
fn refitted(units: &[ComparedUnit], observed: &Observed, by: &Estimator<'_>) -> Vec<f64> {
    let with_outcome = units
        .iter()
        .filter(|unit| observed.get(&unit.unit, unit.index_date).is_some());
    let mut names: Vec<&str> = with_outcome.map(|unit| unit.unit.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > MOST_FITS {
        return Vec::new();
    }
    let point = |name: &&str| {
        // Without some units a model cannot be fitted; those say nothing.
        let found = Sample::without(units, observed, name).estimate(by);
        found.map_or(f64::NAN, |found| found.estimate.point)
    };
    names.par_iter().map(point).collect()
}

fn place(arm: Arm) -> usize {
    usize::from(arm == Arm::Comparator)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::NaiveDate;

    use super::*;
    use crate::outcomes::OnDay;

    /// Sets of one to three treated and comparators, some of them in several sets and some without an outcome.
    fn example(with_sets: bool) -> (Vec<ComparedUnit>, Observed) {
        let day: NaiveDate = "2023-09-01".parse().unwrap();
        let unit = |set: u32, name: String, arm, weight| ComparedUnit {
            set: with_sets.then_some(set),
            unit: name,
            index_date: day,
            arm,
            weight,
        };
        let mut units = Vec::new();
        for set in 0..12_u32 {
            for treated in 0..1 + set % 3 {
                units.push(unit(set, format!("t{set}-{treated}"), Arm::Treated, 1.0));
            }
            for comparator in 0..1 + set % 2 {
                let name = format!("c{}", (set * 5 + comparator * 3) % 9);
                let weight = 0.5 + f64::from(set % 4);
                units.push(unit(set, name, Arm::Comparator, weight));
            }
        }
        let names = units.iter().map(|unit| unit.unit.clone());
        let values = names
            .filter(|name| !matches!(name.as_str(), "t4-1" | "t3-0" | "c7"))
            .enumerate()
            .map(|(place, name)| (name, (place * place % 17) as f64 - 3.0));
        let on_day = OnDay {
            after: Arc::new(values.collect()),
            before: None,
        };
        let by_day = BTreeMap::from([(day, on_day)]);
        (units, Observed { by_day })
    }

    #[test]
    fn a_unit_left_out_moves_the_difference_as_if_its_outcome_were_missing() {
        for with_sets in [true, false] {
            let (units, observed) = example(with_sets);
            let found = differences(&units, &observed);
            let with_outcome = units
                .iter()
                .filter(|unit| observed.get(&unit.unit, unit.index_date).is_some());
            let names: std::collections::BTreeSet<&str> =
                with_outcome.map(|unit| unit.unit.as_str()).collect();
            assert_eq!(found.len(), names.len());
            for (name, found) in names.into_iter().zip(found) {
                let (treated, comparator) = Sample::without(&units, &observed, name).means();
                let expected = treated - comparator;
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{name}: {found} {expected}"
                );
            }
        }
    }
}

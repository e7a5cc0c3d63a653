//! How far any one unit moves an estimate: its range over all that leave one unit out.
//!
//! A unit is left out with all its appearances, and the weight it had goes where that of a unit without an outcome
//! goes: to the others of its arm in its set; a set that loses an arm is left out. Who is compared with whom
//! stays as it is. No unit is named, and the range says of none that it is the one. Its exact ends would tell the
//! outcome of the unit that moves the estimate most, so they are moved outwards to whole steps of at most a
//! fifth of the standard error.

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

/// The range of the point over every estimate without one unit, if there is any, in whole steps.
pub(crate) fn range(
    units: &[ComparedUnit],
    observed: &Observed,
    by: &Estimator<'_>,
    standard_error: f64,
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
    let step = Step::below(standard_error)?;
    (lowest <= highest).then(|| WithoutOne {
        lowest: step.times(step.number(lowest).floor()),
        highest: step.times(step.number(highest).ceil()),
    })
}

/// The distance of the values that an end of the range may have: 1, 2 or 5 times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    digit: f64,
    power: i32,
}

impl Step {
    /// The largest step of at most a fifth of a standard error; none without an error.
    fn below(standard_error: f64) -> Option<Self> {
        let most = standard_error / 5.0;
        if !most.is_normal() || most < 0.0 {
            return None;
        }
        let steps = (-300..=300)
            .rev()
            .flat_map(|power| [5.0, 2.0, 1.0].map(|digit| Self { digit, power }));
        let mut fitting = steps.filter(|step| step.times(1.0) <= most);
        fitting.next()
    }

    /// How many steps a value is from zero.
    fn number(self, value: f64) -> f64 {
        value / self.times(1.0)
    }

    /// The float nearest to so many whole steps, so that it is written in few digits.
    fn times(self, number: f64) -> f64 {
        let text = format!("{}e{}", number * self.digit, self.power);
        text.parse().unwrap_or(f64::NAN)
    }
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
    fn ends_are_in_steps_of_few_digits_no_wider_than_a_fifth_of_the_error() {
        for (error, step) in [
            (0.0069588365788893465, 0.001),
            (0.05, 0.01),
            (0.049, 0.005),
            (0.0124, 0.002),
            (7200.0, 1000.0),
        ] {
            let found = Step::below(error).unwrap();
            assert!(
                (found.times(1.0) - step).abs() < 1e-15,
                "{error}: {found:?}"
            );
        }
        let step = Step::below(0.00696).unwrap();
        assert_eq!(
            step.times(step.number(-0.06308).floor()).to_string(),
            "-0.064"
        );
        assert_eq!(
            step.times(step.number(-0.06014).ceil()).to_string(),
            "-0.06"
        );
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Step::below(none), None);
        }
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

//! Compared units joined to their outcomes: the rows an estimator gets.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use utfall_core::{Arm, ConfidenceLevel, Estimand, Estimate};
use utfall_effects::{
    Confounded, EffectError, Grouping, Inference, MatchedSample, NuisanceFit, adjusted_difference,
    doubly_robust, matched_difference, matched_difference_in_differences,
};
use utfall_stats::moments::weighted_mean_and_variance;
use utfall_stats::sums;

use crate::cohort_file::StoredCohort;
use crate::compare::rates;
use crate::compared_file::ComparedUnit;
use crate::outcomes::Observed;
use crate::sensitivity_check::classical;
use crate::{ClusterBy, EstimatorSpec};

/// The rows: one for each appearance of a unit with an outcome.
///
/// Within a set, the weight of units without an outcome goes to the others of their arm; a set that
/// loses an arm is left out. Where a design makes no sets, all units are one.
#[derive(Default)]
pub(crate) struct Sample<'a> {
    treated: Vec<bool>,
    weight: Vec<f64>,
    set: Vec<Option<u32>>,
    unit: Vec<&'a str>,
    index_date: Vec<NaiveDate>,
    outcome: Vec<f64>,
    baseline: Vec<f64>,
    /// Units of each arm without an outcome.
    missing: [BTreeSet<&'a str>; 2],
}

/// How an effect is estimated, and from whom.
pub(crate) struct Estimator<'a> {
    pub(crate) estimand: Estimand,
    pub(crate) spec: &'a EstimatorSpec,
    pub(crate) clusters: &'a [ClusterBy],
    pub(crate) inference: &'a Inference,
    pub(crate) cohort: &'a StoredCohort,
}

/// An estimate with the mean outcomes it compares.
pub(crate) struct Found {
    pub(crate) estimate: Estimate,
    pub(crate) mean_treated: f64,
    pub(crate) mean_comparator: f64,
}

impl<'a> Sample<'a> {
    pub(crate) fn of(units: &'a [ComparedUnit], observed: &Observed) -> Self {
        Self::with(units, |unit| observed.get(&unit.unit, unit.index_date))
    }

    /// The rows as if a unit had no outcome.
    pub(crate) fn without(units: &'a [ComparedUnit], observed: &Observed, left_out: &str) -> Self {
        Self::with(units, |unit| {
            (unit.unit != left_out).then(|| observed.get(&unit.unit, unit.index_date))?
        })
    }

    fn with(
        units: &'a [ComparedUnit],
        outcome: impl Fn(&ComparedUnit) -> Option<(f64, f64)>,
    ) -> Self {
        let mut sample = Self::default();
        for set in units.chunk_by(|a, b| a.set == b.set) {
            sample.add(set, &outcome);
        }
        sample
    }

    fn add(
        &mut self,
        set: &'a [ComparedUnit],
        outcome: &impl Fn(&ComparedUnit) -> Option<(f64, f64)>,
    ) {
        let rows: Vec<(&ComparedUnit, (f64, f64))> = set
            .iter()
            .filter_map(|unit| Some((unit, outcome(unit)?)))
            .collect();
        let missing = set.iter().filter(|unit| outcome(unit).is_none());
        for unit in missing {
            self.missing[usize::from(unit.arm == Arm::Comparator)].insert(&unit.unit);
        }
        let scale = [Arm::Treated, Arm::Comparator].map(|arm| {
            let of = |unit: &ComparedUnit| if unit.arm == arm { unit.weight } else { 0.0 };
            let held = sums::sum_of(rows.len(), |row| of(rows[row].0));
            sums::sum_of(set.len(), |unit| of(&set[unit])) / held
        });
        if scale.iter().any(|scale| !scale.is_finite()) {
            return;
        }
        for (unit, (after, before)) in rows {
            let is_treated = unit.arm == Arm::Treated;
            self.treated.push(is_treated);
            self.weight
                .push(unit.weight * scale[usize::from(!is_treated)]);
            self.set.push(unit.set);
            self.unit.push(&unit.unit);
            self.index_date.push(unit.index_date);
            self.outcome.push(after);
            self.baseline.push(before);
        }
    }

    /// Treated units and comparators without an outcome, each counted once.
    pub(crate) fn n_missing(&self) -> [u64; 2] {
        [&self.missing[0], &self.missing[1]].map(|units| units.len() as u64)
    }

    /// Estimates the effect on these rows.
    pub(crate) fn estimate(&self, by: &Estimator<'_>) -> Result<Found, EffectError> {
        let units = Grouping::of(&self.unit);
        let clusters: Vec<Grouping> = by
            .clusters
            .iter()
            .map(|way| self.grouping(way, by))
            .collect();
        let clusters: Vec<&Grouping> = clusters.iter().collect();
        let sample = MatchedSample {
            estimand: by.estimand,
            treated: &self.treated,
            weight: &self.weight,
            outcome: &self.outcome,
            unit: Some(&units),
            clusters: &clusters,
        };
        let (mean_treated, mean_comparator) = self.means();
        let estimate = match by.spec {
            EstimatorSpec::MatchedDifference
            | EstimatorSpec::WeightedDifference
            | EstimatorSpec::UnadjustedDifference
            // A model is estimated on rows of its own; of its sample there is the plain difference.
            | EstimatorSpec::Model(_) => matched_difference(&sample, by.inference),
            EstimatorSpec::MatchedDifferenceInDifferences { .. } => {
                matched_difference_in_differences(&sample, &self.baseline, by.inference)
            }
            EstimatorSpec::AdjustedDifference { adjust_for } => {
                let covariates = self.covariates(by.cohort, adjust_for);
                adjusted_difference(&sample, &slices(&covariates), by.inference)
            }
            EstimatorSpec::DoublyRobust { covariates } => {
                let covariates = self.covariates(by.cohort, covariates);
                let found = doubly_robust(
                    by.estimand,
                    &self.treated,
                    &slices(&covariates),
                    &self.outcome,
                    &NuisanceFit::default(),
                    &clusters,
                    by.inference,
                )?;
                // The mean to compare with is that of the same units without the programme.
                let (mean_treated, mean_comparator) = match by.estimand {
                    Estimand::Atc => (mean_comparator + found.estimate.point, mean_comparator),
                    _ => found
                        .means
                        .unwrap_or((mean_treated, mean_treated - found.estimate.point)),
                };
                return Ok(Found {
                    estimate: found.estimate,
                    mean_treated,
                    mean_comparator,
                });
            }
        }?;
        Ok(Found {
            estimate,
            mean_treated,
            mean_comparator,
        })
    }

    /// Outcomes (or changes) of treated less comparator, where every set is a pair.
    pub(crate) fn pair_differences(&self) -> Option<Vec<f64>> {
        let mut sets: BTreeMap<u32, [Vec<f64>; 2]> = BTreeMap::new();
        for row in 0..self.outcome.len() {
            let of_set = sets.entry(self.set[row]?).or_default();
            let value = self.outcome[row] - self.baseline[row];
            of_set[usize::from(!self.treated[row])].push(value);
        }
        let difference = |set: &[Vec<f64>; 2]| match (&set[0][..], &set[1][..]) {
            ([treated], [comparator]) => Some(treated - comparator),
            _ => None,
        };
        sets.values().map(difference).collect()
    }

    /// The root of the arms' mean weighted variance of the outcome.
    pub(crate) fn outcome_spread(&self) -> f64 {
        let variance = |arm: bool| {
            let rows = (0..self.outcome.len()).filter(|&row| self.treated[row] == arm);
            let (values, weights): (Vec<f64>, Vec<f64>) = rows
                .map(|row| (self.outcome[row] - self.baseline[row], self.weight[row]))
                .unzip();
            weighted_mean_and_variance(&values, &weights).1
        };
        (0.5 * (variance(true) + variance(false))).sqrt()
    }

    /// The coefficient of treatment in a weighted regression on it and covariates.
    pub(crate) fn partial_of_treatment(
        &self,
        cohort: &StoredCohort,
        names: &[String],
        level: ConfidenceLevel,
    ) -> Result<Confounded, EffectError> {
        let columns = Columns::of(self, cohort, names);
        classical(&columns.all(), &self.weight, &self.changes(), 1, level)
    }

    /// The coefficient of a covariate in the regression of treatment on covariates, and in that of the
    /// outcome on treatment and covariates.
    pub(crate) fn partials_of_covariate(
        &self,
        cohort: &StoredCohort,
        names: &[String],
        name: &str,
        level: ConfidenceLevel,
    ) -> Result<(Confounded, Confounded), EffectError> {
        let columns = Columns::of(self, cohort, names);
        let ordered = cohort.covariates.iter().map(|one| one.name.as_str());
        let mut ordered = ordered.filter(|one| names.iter().any(|name| name == one));
        let place = ordered.position(|one| one == name).unwrap_or(0);
        let all = columns.all();
        let without = [&all[..1], &all[2..]].concat();
        let of_treatment = classical(&without, &self.weight, &columns.treated, 1 + place, level)?;
        let of_outcome = classical(&all, &self.weight, &self.changes(), 2 + place, level)?;
        Ok((of_treatment, of_outcome))
    }

    fn changes(&self) -> Vec<f64> {
        let rows = self.outcome.iter().zip(&self.baseline);
        rows.map(|(after, before)| after - before).collect()
    }

    fn grouping(&self, way: &ClusterBy, by: &Estimator<'_>) -> Grouping {
        match way {
            ClusterBy::MatchedSet => Grouping::of(&self.set),
            ClusterBy::Unit => Grouping::of(&self.unit),
            ClusterBy::Attribute(name) => {
                let attribute = by.cohort.attributes.iter().find(|one| one.name == *name);
                let values = attribute.map_or(&[][..], |attribute| &attribute.values);
                let labels = self.places(by.cohort).into_iter();
                let labels = labels.map(|place| place.and_then(|place| values.get(place)));
                Grouping::of(&labels.collect::<Vec<_>>())
            }
        }
    }

    /// Where each row stands in the cohort.
    fn places(&self, cohort: &StoredCohort) -> Vec<Option<usize>> {
        let units = cohort.units.iter().map(String::as_str);
        let places = units.zip(cohort.index_dates.iter().copied()).zip(0..);
        let places: BTreeMap<(&str, NaiveDate), usize> = places.collect();
        let rows = self.unit.iter().zip(&self.index_date);
        rows.map(|(&unit, &day)| places.get(&(unit, day)).copied())
            .collect()
    }

    /// Covariates of the rows; all of the cohort's if none is named.
    fn covariates(&self, cohort: &StoredCohort, names: &[String]) -> Vec<Vec<f64>> {
        let places = self.places(cohort);
        let wanted = |name: &str| names.is_empty() || names.iter().any(|one| one == name);
        let covariates = cohort.covariates.iter().filter(|one| wanted(&one.name));
        let of_rows = |values: Vec<f64>| {
            let value = |place: &Option<usize>| place.map_or(f64::NAN, |place| values[place]);
            places.iter().map(value).collect()
        };
        covariates
            .map(|covariate| of_rows(rates(covariate)))
            .collect()
    }

    /// Weighted mean outcome (or change) of the treated and of the comparators.
    pub(crate) fn means(&self) -> (f64, f64) {
        let mean = |arm: bool| {
            let weight = |row: usize| {
                if self.treated[row] == arm {
                    self.weight[row]
                } else {
                    0.0
                }
            };
            let total = sums::sum_of(self.weight.len(), weight);
            sums::sum_of(self.weight.len(), |row| {
                weight(row) * (self.outcome[row] - self.baseline[row])
            }) / total
        };
        (mean(true), mean(false))
    }
}

/// A constant, treatment and covariates.
struct Columns {
    one: Vec<f64>,
    treated: Vec<f64>,
    covariates: Vec<Vec<f64>>,
}

impl Columns {
    fn of(sample: &Sample<'_>, cohort: &StoredCohort, names: &[String]) -> Self {
        let arms = sample.treated.iter();
        Self {
            one: vec![1.0; sample.treated.len()],
            treated: arms.map(|&is| f64::from(u8::from(is))).collect(),
            covariates: sample.covariates(cohort, names),
        }
    }

    fn all(&self) -> Vec<&[f64]> {
        let first = [self.one.as_slice(), &self.treated];
        first.into_iter().chain(slices(&self.covariates)).collect()
    }
}

fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::outcomes::OnDay;

    fn units(rows: &[(u32, &str, Arm, f64)]) -> Vec<ComparedUnit> {
        let unit = |&(set, unit, arm, weight): &(u32, &str, Arm, f64)| ComparedUnit {
            set: Some(set),
            unit: unit.to_owned(),
            index_date: day(),
            arm,
            weight,
        };
        rows.iter().map(unit).collect()
    }

    fn observed(values: &[(&str, f64)]) -> Observed {
        let values = values
            .iter()
            .map(|(unit, value)| ((*unit).to_owned(), *value));
        let on_day = OnDay {
            after: Arc::new(values.collect()),
            before: None,
        };
        Observed {
            by_day: BTreeMap::from([(day(), on_day)]),
        }
    }

    fn day() -> NaiveDate {
        "2023-09-01".parse().unwrap()
    }

    #[test]
    fn a_missing_comparator_leaves_its_weight_to_its_set_and_a_missing_treated_takes_the_set_along()
    {
        let units = units(&[
            (1, "a", Arm::Treated, 1.0),
            (1, "b", Arm::Comparator, 0.5),
            (1, "c", Arm::Comparator, 0.5),
            (2, "d", Arm::Treated, 1.0),
            (2, "e", Arm::Comparator, 1.0),
        ]);
        let sample = Sample::of(&units, &observed(&[("a", 5.0), ("b", 2.0), ("e", 9.0)]));
        assert_eq!(sample.unit, ["a", "b"]);
        assert_eq!(sample.weight, [1.0, 1.0]);
        assert_eq!(sample.n_missing(), [1, 1]);
        assert_eq!(sample.means(), (5.0, 2.0));
    }

    #[test]
    fn in_a_stratum_of_several_treated_one_that_is_missing_leaves_its_weight_to_the_others() {
        let units = units(&[
            (1, "a", Arm::Treated, 1.0),
            (1, "b", Arm::Treated, 1.0),
            (1, "c", Arm::Comparator, 2.0),
        ]);
        let sample = Sample::of(&units, &observed(&[("b", 4.0), ("c", 1.0)]));
        assert_eq!(sample.unit, ["b", "c"]);
        assert_eq!(sample.weight, [2.0, 2.0]);
    }
}

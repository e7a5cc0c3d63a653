//! One effect of a matched study: outcomes joined to the sealed sets, estimated, described.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use utfall_core::{Estimand, Estimate, Period, Tally};
use utfall_effects::{DegreesOfFreedom, Inference, StandardError};
use utfall_effects::{
    EffectError, Grouping, MatchedSample, matched_difference, matched_difference_in_differences,
    unadjusted_difference,
};
use utfall_registry::{Baseline, MatchSeal, MeasureSpec, Outcomes, Tables, Units};
use utfall_stats::sums;
use utfall_verify::record::{EffectRecord, EffectResult, Estimated};

use crate::cohort_file::StoredCohort;
use crate::matched_file::MatchedUnits;
use crate::{ClusterBy, EffectSpec, EstimatorSpec, Plan, PlanError, RunError, documents};

/// Everything an effect is estimated from.
#[derive(Debug)]
pub(crate) struct Study<'a> {
    pub(crate) tables: &'a Tables,
    pub(crate) units: &'a Units,
    pub(crate) seal: &'a MatchSeal,
    pub(crate) plan: &'a Plan,
    pub(crate) cohort: &'a StoredCohort,
    pub(crate) sets: &'a [MatchedUnits],
}

impl Study<'_> {
    /// Estimates an effect, or says why it cannot be measured.
    pub(crate) fn record(&self, spec: &EffectSpec) -> Result<EffectRecord, RunError> {
        let follow_up = spec
            .window
            .around(self.plan.index_date)
            .map_err(PlanError::Window)?;
        let measure = self.measure(&spec.measure)?;
        let mut record = EffectRecord {
            name: spec.name.clone(),
            title: spec.title.clone(),
            unit: spec.unit.clone(),
            estimator: estimator_word(&spec.estimator),
            standard_error_kind: documents::word(&spec.inference.standard_error),
            n_outcome_missing_treated: 0,
            n_outcome_missing_comparator: 0,
            result: EffectResult::NotMeasurable {
                reason: String::new(),
            },
        };
        record.result = match self.unreported(measure, &follow_up) {
            Some(reason) => EffectResult::NotYetReported { reason },
            None => self.estimate(spec, measure, follow_up, &mut record)?,
        };
        Ok(record)
    }

    /// Why the follow-up is not fully reported yet, if it is not.
    fn unreported(&self, measure: &MeasureSpec, follow_up: &Period) -> Option<String> {
        let reported_before: NaiveDate = self.tables.fully_reported_before(&measure.extract)?;
        (reported_before < follow_up.end()).then(|| {
            format!(
                "the follow-up ends on {}, but extract {} is fully reported only before {reported_before}; ask for a later delivery",
                follow_up.end(),
                measure.extract
            )
        })
    }

    fn estimate(
        &self,
        spec: &EffectSpec,
        measure: &MeasureSpec,
        follow_up: Period,
        record: &mut EffectRecord,
    ) -> Result<EffectResult, RunError> {
        let outcomes = Outcomes::open(self.tables, self.units, self.seal);
        let scale = outcomes.scale(measure)?;
        let after = self.values(outcomes.measure(measure, follow_up)?, scale);
        let before = match &spec.estimator {
            EstimatorSpec::MatchedDifference => None,
            EstimatorSpec::MatchedDifferenceInDifferences { baseline } => {
                let period = baseline
                    .around(self.plan.index_date)
                    .map_err(PlanError::Window)?;
                let view = Baseline::new(self.tables, self.units, self.plan.index_date);
                Some(self.values(view.measure(measure, period)?, scale))
            }
        };
        let observed = Observed {
            after: &after,
            before: before.as_ref(),
        };
        let sample = Sample::of(self.sets, &observed);
        record.n_outcome_missing_treated = sample.n_missing_treated;
        record.n_outcome_missing_comparator = sample.n_missing_comparator;
        let failed = |source: EffectError| RunError::Effect {
            effect: spec.name.clone(),
            source,
        };
        match sample.estimate(self.estimand(), spec) {
            Ok(estimate) => {
                let unadjusted = self.unadjusted(spec, &observed).map_err(failed)?;
                let (mean_treated, mean_comparator) = sample.means();
                Ok(EffectResult::Estimated(Box::new(Estimated::new(
                    estimate,
                    unadjusted,
                    mean_treated,
                    mean_comparator,
                ))))
            }
            Err(error @ (EffectError::TooFewInArm { .. } | EffectError::NoVariation)) => {
                Ok(EffectResult::NotMeasurable {
                    reason: error.to_string(),
                })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// All treated units were matched, or only those that are in a set.
    fn estimand(&self) -> Estimand {
        let n_treated = self
            .cohort
            .treated
            .iter()
            .filter(|treated| **treated)
            .count();
        if self.sets.len() == n_treated {
            Estimand::Att
        } else {
            Estimand::MatchedTreated
        }
    }

    /// What a comparison of everyone eligible, without matching, would have said.
    fn unadjusted(
        &self,
        spec: &EffectSpec,
        observed: &Observed<'_>,
    ) -> Result<Estimate, EffectError> {
        let rows = self.cohort.units.iter().zip(&self.cohort.treated);
        let (treated, outcome): (Vec<bool>, Vec<f64>) = rows
            .filter_map(|(unit, &treated)| Some((treated, observed.change(unit)?)))
            .unzip();
        let inference = Inference {
            standard_error: StandardError::Hc2,
            degrees_of_freedom: DegreesOfFreedom::Welch,
            confidence_level: spec.inference.confidence_level,
        };
        unadjusted_difference(Estimand::Att, &treated, &outcome, &inference)
    }

    fn measure(&self, name: &str) -> Result<&MeasureSpec, RunError> {
        let found = self
            .plan
            .measure
            .iter()
            .find(|measure| measure.name == name);
        found.ok_or_else(|| RunError::internal("a measure", format!("`{name}` is not defined")))
    }

    /// Outcomes by unit, in the outcome's unit; a unit without anything to measure has none.
    fn values(&self, tallies: Vec<Tally>, scale: f64) -> BTreeMap<&str, f64> {
        let ids = self.units.ids().iter().map(String::as_str);
        ids.zip(tallies)
            .filter_map(|(unit, tally)| Some((unit, tally.rate()? * scale)))
            .collect()
    }
}

/// Outcomes after the index date and, for a change, before it.
struct Observed<'a> {
    after: &'a BTreeMap<&'a str, f64>,
    before: Option<&'a BTreeMap<&'a str, f64>>,
}

impl Observed<'_> {
    /// Outcome and baseline of a unit, if all that is needed was observed.
    fn get(&self, unit: &str) -> Option<(f64, f64)> {
        let after = *self.after.get(unit)?;
        let before = match self.before {
            Some(before) => *before.get(unit)?,
            None => 0.0,
        };
        Some((after, before))
    }

    fn change(&self, unit: &str) -> Option<f64> {
        self.get(unit).map(|(after, before)| after - before)
    }
}

/// The matched sets as rows with outcomes: one row for each appearance of a unit.
///
/// A set whose treated unit has no outcome is left out; a comparator without one leaves its weight
/// to the others of its set.
#[derive(Default)]
struct Sample<'a> {
    treated: Vec<bool>,
    weight: Vec<f64>,
    set: Vec<usize>,
    unit: Vec<&'a str>,
    outcome: Vec<f64>,
    baseline: Vec<f64>,
    n_missing_treated: u64,
    n_missing_comparator: u64,
}

impl<'a> Sample<'a> {
    fn of(sets: &'a [MatchedUnits], observed: &Observed<'_>) -> Self {
        let mut sample = Self::default();
        for (number, set) in sets.iter().enumerate() {
            let comparators: Vec<(&str, (f64, f64))> = set
                .comparators
                .iter()
                .filter_map(|unit| Some((unit.as_str(), observed.get(unit)?)))
                .collect();
            sample.n_missing_comparator += (set.comparators.len() - comparators.len()) as u64;
            let Some(values) = observed.get(&set.treated) else {
                sample.n_missing_treated += 1;
                continue;
            };
            if comparators.is_empty() {
                continue;
            }
            let share = 1.0 / utfall_stats::moments::count(comparators.len());
            sample.push(true, 1.0, number, &set.treated, values);
            for (unit, values) in comparators {
                sample.push(false, share, number, unit, values);
            }
        }
        sample
    }

    fn push(
        &mut self,
        treated: bool,
        weight: f64,
        set: usize,
        unit: &'a str,
        (after, before): (f64, f64),
    ) {
        self.treated.push(treated);
        self.weight.push(weight);
        self.set.push(set);
        self.unit.push(unit);
        self.outcome.push(after);
        self.baseline.push(before);
    }

    fn estimate(&self, estimand: Estimand, spec: &EffectSpec) -> Result<Estimate, EffectError> {
        let (sets, units) = (Grouping::of(&self.set), Grouping::of(&self.unit));
        let clusters: Vec<&Grouping> = spec
            .clusters
            .iter()
            .map(|by| match by {
                ClusterBy::MatchedSet => &sets,
                ClusterBy::Unit => &units,
            })
            .collect();
        let sample = MatchedSample {
            estimand,
            treated: &self.treated,
            weight: &self.weight,
            outcome: &self.outcome,
            unit: Some(&units),
            clusters: &clusters,
        };
        match spec.estimator {
            EstimatorSpec::MatchedDifference => matched_difference(&sample, &spec.inference),
            EstimatorSpec::MatchedDifferenceInDifferences { .. } => {
                matched_difference_in_differences(&sample, &self.baseline, &spec.inference)
            }
        }
    }

    /// Weighted mean outcome (or change) of the treated and of the comparators.
    fn means(&self) -> (f64, f64) {
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

fn estimator_word(estimator: &EstimatorSpec) -> String {
    match estimator {
        EstimatorSpec::MatchedDifference => "matched-difference",
        EstimatorSpec::MatchedDifferenceInDifferences { .. } => "matched-difference-in-differences",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_comparator_leaves_its_weight_to_its_set_and_a_missing_treated_takes_the_set_along()
    {
        let sets = [
            MatchedUnits {
                treated: "a".into(),
                comparators: vec!["b".into(), "c".into()],
            },
            MatchedUnits {
                treated: "d".into(),
                comparators: vec!["e".into()],
            },
        ];
        let after = BTreeMap::from([("a", 5.0), ("b", 2.0), ("e", 9.0)]);
        let sample = Sample::of(
            &sets,
            &Observed {
                after: &after,
                before: None,
            },
        );
        assert_eq!(sample.unit, ["a", "b"]);
        assert_eq!(sample.weight, [1.0, 1.0]);
        assert_eq!(
            (sample.n_missing_treated, sample.n_missing_comparator),
            (1, 1)
        );
        assert_eq!(sample.means(), (5.0, 2.0));
    }
}

//! One effect of a design: outcomes joined to its sealed units, estimated, described.

use utfall_core::Estimate;
use utfall_effects::{
    DegreesOfFreedom, EffectError, Grouping, Inference, MatchedSample, StandardError,
    matched_difference, unadjusted_difference,
};
use utfall_verify::record::{BalanceDocument, EffectRecord, EffectResult, Estimated};

use crate::cohort_file::StoredCohort;
use crate::compared_file::ComparedUnit;
use crate::grade;
use crate::outcomes::{Observed, OutcomeReader};
use crate::sample::{Estimator, Sample};
use crate::{ClusterBy, EffectSpec, EstimatorSpec, RunError, documents, without_one};

/// The units of a design, and what their outcomes are read from.
pub(crate) struct Study<'a> {
    pub(crate) outcomes: &'a OutcomeReader<'a>,
    pub(crate) cohort: &'a StoredCohort,
    pub(crate) units: &'a [ComparedUnit],
    /// How alike they are, and whom they speak of.
    pub(crate) balance: &'a BalanceDocument,
}

/// How an effect is estimated.
#[derive(Clone, Copy)]
pub(crate) struct Procedure<'a> {
    pub(crate) estimator: &'a EstimatorSpec,
    pub(crate) clusters: &'a [ClusterBy],
    pub(crate) inference: &'a Inference,
}

impl EffectSpec {
    /// The procedure of the plan's own design.
    pub(crate) fn procedure(&self) -> Procedure<'_> {
        Procedure {
            estimator: &self.estimator,
            clusters: &self.clusters,
            inference: &self.inference,
        }
    }
}

impl Study<'_> {
    /// Estimates an effect, or says why it cannot be measured.
    pub(crate) fn record(
        &self,
        spec: &EffectSpec,
        by: Procedure<'_>,
    ) -> Result<EffectRecord, RunError> {
        let mut record = self.empty_record(spec, by);
        record.result = match self.outcomes.unreported(spec)? {
            Some(reason) => EffectResult::NotYetReported { reason },
            None => self.estimate(spec, by, &mut record)?,
        };
        if matches!(record.result, EffectResult::Estimated(_)) {
            record.grade = Some(grade::of(self, by.estimator, &record)?);
        }
        if let Some(spec) = &spec.money {
            let worth = utfall_design::money_record(spec, &record.result);
            record.money = Some(worth.map_err(|source| RunError::Effect {
                effect: record.name.clone(),
                source,
            })?);
        }
        Ok(record)
    }

    /// The record with where the estimate lies whichever one unit is left out.
    pub(crate) fn with_range_without_one(
        &self,
        spec: &EffectSpec,
        mut record: EffectRecord,
    ) -> Result<EffectRecord, RunError> {
        // The sample of a model is not what the model was estimated on.
        if matches!(spec.estimator, EstimatorSpec::Model(_)) {
            return Ok(record);
        }
        if let EffectResult::Estimated(found) = &mut record.result {
            let days = &self.cohort.index_dates;
            let observed = self.outcomes.observed(spec, &spec.estimator, days)?;
            let by = self.estimator(spec.procedure());
            found.without_one =
                without_one::range(self.units, &observed, &by, found.estimate.standard_error);
        }
        Ok(record)
    }

    /// The record before anything was found.
    pub(crate) fn empty_record(&self, spec: &EffectSpec, by: Procedure<'_>) -> EffectRecord {
        EffectRecord {
            name: spec.name.clone(),
            title: spec.title.clone(),
            role: spec.role,
            unit: spec.unit.clone(),
            estimator: by.estimator.word(),
            standard_error_kind: match by.estimator {
                EstimatorSpec::Model(_) => "of the model".to_owned(),
                _ => documents::word(&by.inference.standard_error),
            },
            n_outcome_missing_treated: 0,
            n_outcome_missing_comparator: 0,
            result: EffectResult::NotMeasurable {
                reason: String::new(),
            },
            grade: None,
            money: None,
            model: match by.estimator {
                EstimatorSpec::Model(model) => Some(model.unanswered()),
                _ => None,
            },
        }
    }

    fn estimate(
        &self,
        spec: &EffectSpec,
        by: Procedure<'_>,
        record: &mut EffectRecord,
    ) -> Result<EffectResult, RunError> {
        if let EstimatorSpec::Model(model) = by.estimator {
            return self.by_model(spec, model, by, record);
        }
        let observed = self
            .outcomes
            .observed(spec, by.estimator, &self.cohort.index_dates)?;
        let sample = Sample::of(self.units, &observed);
        let [treated, comparator] = sample.n_missing();
        record.n_outcome_missing_treated = treated;
        record.n_outcome_missing_comparator = comparator;
        let failed = |source: EffectError| RunError::Effect {
            effect: spec.name.clone(),
            source,
        };
        match sample.estimate(&self.estimator(by)) {
            Ok(found) => {
                let unadjusted = self.unadjusted(by, &observed).map_err(failed)?;
                let estimated = Estimated::new(
                    found.estimate,
                    Some(unadjusted),
                    Some(found.mean_treated),
                    Some(found.mean_comparator),
                );
                let estimated = estimated.in_unit(&spec.unit);
                Ok(EffectResult::Estimated(Box::new(estimated)))
            }
            Err(error @ (EffectError::TooFewInArm { .. } | EffectError::NoVariation)) => {
                Ok(EffectResult::NotMeasurable {
                    reason: error.to_string(),
                })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether lots decided who is treated among those compared: everyone, as the lots fell.
    pub(crate) fn is_by_lot(&self) -> bool {
        let everyone = self.units.iter().all(|unit| unit.set.is_none())
            && self.balance.n_treated == self.balance.n_treated_matched
            && self.balance.n_comparator == self.balance.n_comparator_matched
            && self.is_unweighted();
        everyone && self.outcomes.assignment().is_some()
    }

    /// Whether every unit counts once.
    pub(crate) fn is_unweighted(&self) -> bool {
        self.units
            .iter()
            .all(|unit| (unit.weight - 1.0).abs() <= 0.0)
    }

    /// How an effect is estimated on these units.
    pub(crate) fn estimator<'b>(&'b self, by: Procedure<'b>) -> Estimator<'b> {
        Estimator {
            estimand: self.balance.estimand,
            spec: by.estimator,
            clusters: by.clusters,
            inference: by.inference,
            cohort: self.cohort,
        }
    }

    /// What a comparison of everyone eligible, without matching, would have said; clustered by unit where
    /// one enters on several days.
    pub(crate) fn unadjusted(
        &self,
        by: Procedure<'_>,
        observed: &Observed,
    ) -> Result<Estimate, EffectError> {
        let cohort = self.cohort;
        let change = |row: usize| observed.change(&cohort.units[row], cohort.index_dates[row]);
        let rows = (0..cohort.units.len()).filter_map(|row| Some((row, change(row)?)));
        let (rows, outcome): (Vec<usize>, Vec<f64>) = rows.unzip();
        let treated: Vec<bool> = rows.iter().map(|&row| cohort.treated[row]).collect();
        let question = self.outcomes.question();
        let confidence_level = by.inference.confidence_level;
        let units: Vec<&String> = rows.iter().map(|&row| &cohort.units[row]).collect();
        let unit = Grouping::of(&units);
        if unit.n_groups() < rows.len() {
            let sample = MatchedSample {
                estimand: question,
                treated: &treated,
                weight: &vec![1.0; rows.len()],
                outcome: &outcome,
                unit: Some(&unit),
                clusters: &[&unit],
            };
            let inference = Inference {
                standard_error: StandardError::Cr1,
                degrees_of_freedom: DegreesOfFreedom::Clusters,
                confidence_level,
            };
            return matched_difference(&sample, &inference);
        }
        let inference = Inference {
            standard_error: StandardError::Hc2,
            degrees_of_freedom: DegreesOfFreedom::Welch,
            confidence_level,
        };
        unadjusted_difference(question, &treated, &outcome, &inference)
    }
}

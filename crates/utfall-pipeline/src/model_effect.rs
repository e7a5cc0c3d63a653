//! An effect by a model: its rows are answered, and the numbers the plan names become the estimate.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use utfall_core::{Arm, Estimate, Interval};
use utfall_request::{Numbers, Request, RequestError, estimate_rows};
use utfall_stats::normal;
use utfall_verify::record::{EffectRecord, EffectResult, Estimated, ModelRecord};

use crate::model_released::{released, whole};
use crate::model_spec::{EffectScale, ModelSpec, Reads};
use crate::sample::Sample;
use crate::study::{Procedure, Study};
use crate::{EffectSpec, EstimatorSpec, RunError, model_rows};

impl Study<'_> {
    /// Estimates an effect by its model, and keeps what may leave of the answer.
    ///
    /// What the data refuse (no events, no comparators, a model that does not converge) is not
    /// measurable; a number that no answer of the model has is a fault of the plan.
    pub(crate) fn by_model(
        &self,
        spec: &EffectSpec,
        model: &ModelSpec,
        by: Procedure<'_>,
        record: &mut EffectRecord,
    ) -> Result<EffectResult, RunError> {
        self.names_its_treated(spec, model)?;
        let rows = model_rows::rows(self, spec, model)?;
        [
            record.n_outcome_missing_treated,
            record.n_outcome_missing_comparator,
        ] = rows.missing;
        let fault = |message: String| RunError::Model {
            effect: spec.name.clone(),
            message,
        };
        let answer = match estimate_rows(model.request.request(), rows.cells) {
            Ok(answer) => answer,
            Err(RequestError::Effect { source, .. }) => {
                return Ok(EffectResult::NotMeasurable {
                    reason: source.to_string(),
                });
            }
            Err(error) => return Err(fault(error.to_string())),
        };
        let numbers = &answer.numbers;
        for name in model.reads.of_estimate() {
            check(numbers, name).map_err(fault)?;
        }
        let Some(found) = Found::of(&model.reads, numbers, model) else {
            return Ok(EffectResult::NotMeasurable {
                reason: "the model has no point or no standard error".to_owned(),
            });
        };
        let estimate = Estimate {
            estimand: answer.estimand.unwrap_or(self.balance.estimand),
            point: found.point,
            standard_error: found.standard_error,
            degrees_of_freedom: None,
            confidence_level: model.confidence_level,
            interval: found.interval,
            p_value: found.p_value,
            n_treated: self.units_of(Arm::Treated).len(),
            n_comparator: self.units_of(Arm::Comparator).len(),
            n_clusters: numbers
                .get("n_clusters")
                .and_then(|n| usize::try_from(whole(n)).ok()),
        };
        record.model = Some(ModelRecord {
            pretrend_p: model
                .reads
                .pretrend_p
                .as_ref()
                .and_then(|name| numbers.get(name)),
            ..released(
                model,
                numbers,
                self.outcomes.disclosure(),
                estimate.n_treated.min(estimate.n_comparator) as u64,
            )
        });
        let estimated = match model.reads.scale {
            EffectScale::Own => Estimated::new(estimate, None, None, None),
            EffectScale::Outcome => self.beside(spec, by, estimate)?,
        };
        Ok(EffectResult::Estimated(Box::new(estimated)))
    }

    /// A synthetic control names the treated: they must be those of the sealed design.
    fn names_its_treated(&self, spec: &EffectSpec, model: &ModelSpec) -> Result<(), RunError> {
        let Request::Model(part) = model.request.request() else {
            return Ok(());
        };
        let Some(synthetic) = &part.synthetic else {
            return Ok(());
        };
        let named: BTreeSet<&str> = synthetic.treated.iter().map(String::as_str).collect();
        let treated = self.units_of(Arm::Treated);
        if named == treated {
            return Ok(());
        }
        Err(RunError::Model {
            effect: spec.name.clone(),
            message: format!(
                "`synthetic` names {} treated units, expected the {} of the design",
                named.len(),
                treated.len()
            ),
        })
    }

    /// The effect with its model naming those treated here, where it names them: placebo programmes have
    /// others than the plan, and a check may leave some out.
    pub(crate) fn naming_its_treated<'b>(
        &self,
        spec: &'b EffectSpec,
    ) -> Result<Cow<'b, EffectSpec>, RunError> {
        let EstimatorSpec::Model(model) = &spec.estimator else {
            return Ok(Cow::Borrowed(spec));
        };
        let request = model.request.naming(&self.units_of(Arm::Treated));
        let request = request.map_err(|message| RunError::Model {
            effect: spec.name.clone(),
            message,
        })?;
        let model = ModelSpec {
            request,
            ..(**model).clone()
        };
        Ok(Cow::Owned(EffectSpec {
            estimator: EstimatorSpec::Model(Box::new(model)),
            ..spec.clone()
        }))
    }

    fn units_of(&self, arm: Arm) -> BTreeSet<&str> {
        let of_arm = self.units.iter().filter(|unit| unit.arm == arm);
        of_arm.map(|unit| unit.unit.as_str()).collect()
    }

    /// An estimate beside the means of the outcome over the follow-up and their plain difference, as far
    /// as there are any: with one treated area the difference has no error.
    fn beside(
        &self,
        spec: &EffectSpec,
        by: Procedure<'_>,
        estimate: Estimate,
    ) -> Result<Estimated, RunError> {
        let days = &self.cohort.index_dates;
        let observed = self.outcomes.observed(spec, by.estimator, days)?;
        let (treated, comparator) = Sample::of(self.units, &observed).means();
        let [treated, comparator] =
            [treated, comparator].map(|mean| Some(mean).filter(|mean| mean.is_finite()));
        let unadjusted = self.unadjusted(by, &observed).ok();
        let estimated = Estimated::new(estimate, unadjusted, treated, comparator);
        Ok(estimated.in_unit(&spec.unit))
    }
}

impl ModelSpec {
    /// The record of a model that has not answered.
    pub(crate) fn unanswered(&self) -> ModelRecord {
        ModelRecord {
            request: self.request.to_json(),
            numbers: BTreeMap::new(),
            pretrend_p: None,
            warnings: Vec::new(),
        }
    }
}

impl Reads {
    /// The numbers of the estimate.
    fn of_estimate(&self) -> impl Iterator<Item = &str> {
        let interval = self.interval.iter().flatten();
        [&self.point, &self.standard_error]
            .into_iter()
            .chain(interval)
            .chain(&self.p_value)
            .map(String::as_str)
    }

    /// Every number that is read. A test of effects before the start is missing where there are too few
    /// units for it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.of_estimate().chain(self.pretrend_p.as_deref())
    }
}

/// Refuses a name that no number of the answer begins with; a key that is missing under a known name
/// is a matter of the data.
fn check(numbers: &Numbers, name: &str) -> Result<(), String> {
    let (block, _) = name.split_once('.').unwrap_or((name, ""));
    let of = |full: &str| {
        full.split_once('.')
            .map_or(full, |(block, _)| block)
            .to_owned()
    };
    let known: BTreeSet<String> = numbers.flat().map(|(full, _)| of(&full)).collect();
    if known.contains(block) {
        return Ok(());
    }
    let known: Vec<String> = known.into_iter().collect();
    Err(format!(
        "the answer has no number `{name}`; it has {}",
        known.join(", ")
    ))
}

struct Found {
    point: f64,
    standard_error: f64,
    interval: Interval,
    p_value: f64,
}

impl Found {
    fn of(reads: &Reads, numbers: &Numbers, model: &ModelSpec) -> Option<Self> {
        let get = |name: &str| numbers.get(name).filter(|value| value.is_finite());
        let point = get(&reads.point)?;
        let standard_error = get(&reads.standard_error).filter(|error| *error > 0.0)?;
        let reach = normal::quantile(0.5 * (1.0 + model.confidence_level.fraction()));
        let interval = match &reads.interval {
            Some([lower, upper]) => Interval {
                lower: get(lower)?,
                upper: get(upper)?,
            },
            None => Interval {
                lower: point - reach * standard_error,
                upper: point + reach * standard_error,
            },
        };
        let p_value = match &reads.p_value {
            Some(name) => get(name)?,
            None => normal::two_sided_p(point / standard_error),
        };
        Some(Self {
            point,
            standard_error,
            interval,
            p_value,
        })
    }
}

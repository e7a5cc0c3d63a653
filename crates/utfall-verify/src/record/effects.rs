//! `record/effects.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_core::Estimate;

use super::MoneyRecord;

/// The estimated effects, in the plan's order.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectsDocument {
    /// The effects.
    pub effects: Vec<EffectRecord>,
}

/// One effect.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectRecord {
    /// Short name; what a contract calls it by.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// What the effect is for.
    pub role: EffectRole,
    /// Unit of the outcome.
    pub unit: String,
    /// The procedure, in the plan's word.
    pub estimator: String,
    /// Kind of standard error, in the plan's word.
    pub standard_error_kind: String,
    /// Matched treated units without the outcome.
    pub n_outcome_missing_treated: u64,
    /// Matched comparators without the outcome.
    pub n_outcome_missing_comparator: u64,
    /// What was found.
    pub result: EffectResult,
    /// How far it can be trusted; absent where nothing was estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<GradeRecord>,
    /// What it is worth, where the plan says what the outcome costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<MoneyRecord>,
    /// The answer it was read from, where the estimator is a model of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelRecord>,
}

/// What a model answered, as far as it may leave the secure environment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModelRecord {
    /// The request, as JSON.
    pub request: String,
    /// Numbers of the answer by their full names: those the effect was read from, and those its
    /// picture is drawn from. Counts of persons are as the plan's disclosure policy shows them.
    pub numbers: BTreeMap<String, f64>,
    /// P-value of the test that effects before the start are all zero, if the plan reads one.
    pub pretrend_p: Option<f64>,
    /// What to know before the numbers are used, and what was withheld.
    pub warnings: Vec<String>,
}

/// How far an estimate can be trusted, by rule, and why.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GradeRecord {
    /// The design: `randomised`, `as-if-randomised`, `equated`, `compared` or `before-after`.
    pub design: String,
    /// Rating in the style of the What Works Clearinghouse: `meets-without-reservations`,
    /// `meets-with-reservations` or `does-not-meet`.
    pub wwc: String,
    /// Maryland scale, 1 to 5.
    pub maryland: u8,
    /// Share of the units compared whose outcome is missing.
    pub overall_attrition: f64,
    /// Difference of the arms' shares missing.
    pub differential_attrition: f64,
    /// Whether attrition is low by the Clearinghouse's cautious boundary.
    pub low_attrition: bool,
    /// Largest absolute standardised difference at baseline; `None` if one could not be computed.
    pub largest_difference: Option<f64>,
    /// Why, in sentences.
    pub reasons: Vec<String>,
}

/// What an effect is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectRole {
    /// The programme is meant to move it, and a contract may read it.
    #[default]
    Outcome,
    /// The programme cannot have moved it: an effect on it is the design's own bias. No contract may
    /// read it.
    NegativeControl,
}

/// Whether there is an estimate.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "status", deny_unknown_fields, rename_all = "kebab-case")]
pub enum EffectResult {
    /// There is one.
    Estimated(Box<Estimated>),
    /// There is none.
    NotMeasurable {
        /// Why, in words that may be shown to every party.
        reason: String,
    },
    /// There is none yet: the follow-up is not fully reported.
    NotYetReported {
        /// What is missing, in words that may be shown to every party.
        reason: String,
    },
}

/// An estimate with what is needed to read it.
///
/// `relative` and `total` are computed once, by [`Estimated::new`], and from then on only copied.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Estimated {
    /// The estimate.
    pub estimate: Estimate,
    /// The naive comparison of all treated with all others, for contrast; `None` where an arm has too
    /// few units for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unadjusted: Option<Estimate>,
    /// Mean outcome of the matched treated, in the outcome's unit; `None` if the effect has another.
    pub mean_treated: Option<f64>,
    /// Weighted mean outcome of their comparators, in the outcome's unit; `None` if the effect has
    /// another.
    pub mean_comparator: Option<f64>,
    /// `point / |mean-comparator|`, a fraction; `None` if there is no mean, it is 0, the quotient no
    /// number or the unit `log points`.
    pub relative: Option<f64>,
    /// `point × n-treated`, in the outcome's unit; `None` if the product is no number.
    pub total: Option<f64>,
    /// Where the point lies whichever one unit is left out; absent where the procedure does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_one: Option<WithoutOne>,
}

/// The range of an estimate over all that leave one unit out, in the outcome's unit. Its ends are moved
/// outwards to whole steps of at most a fifth of the standard error: exact ones would tell the outcome of
/// the unit that moves the estimate most.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WithoutOne {
    /// Lowest point.
    pub lowest: f64,
    /// Highest point.
    pub highest: f64,
}

impl Estimated {
    /// An estimate with the figures derived from it.
    #[must_use]
    pub fn new(
        estimate: Estimate,
        unadjusted: Option<Estimate>,
        mean_treated: Option<f64>,
        mean_comparator: Option<f64>,
    ) -> Self {
        let relative = relative(&estimate, mean_comparator);
        Self {
            estimate,
            unadjusted,
            mean_treated,
            mean_comparator,
            relative,
            total: total(&estimate),
            without_one: None,
        }
    }

    /// The same with what its unit leaves of the derived figures: where logarithms are compared, a mean is
    /// nothing that an effect could be relative to.
    #[must_use]
    pub fn in_unit(mut self, unit: &str) -> Self {
        self.relative = self.relative.filter(|_| !is_of_logs(unit));
        self
    }

    /// The name of the first derived figure that is not what [`Estimated::new`] makes of the
    /// others in their unit, and what it makes of them.
    #[must_use]
    pub fn first_inconsistency(&self, unit: &str) -> Option<(&'static str, Option<f64>)> {
        let relative = relative(&self.estimate, self.mean_comparator).filter(|_| !is_of_logs(unit));
        let total = total(&self.estimate);
        [
            ("relative", self.relative, relative),
            ("total", self.total, total),
        ]
        .into_iter()
        .find_map(|(name, held, derived)| (held != derived).then_some((name, derived)))
    }
}

/// Whether an effect in this unit is a difference of logarithms.
#[must_use]
pub fn is_of_logs(unit: &str) -> bool {
    unit == "log points"
}

fn relative(estimate: &Estimate, mean_comparator: Option<f64>) -> Option<f64> {
    Some(estimate.point / mean_comparator?.abs()).filter(|quotient| quotient.is_finite())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "units in a register stay far below 2^53"
)]
fn total(estimate: &Estimate) -> Option<f64> {
    Some(estimate.point * estimate.n_treated as f64).filter(|product| product.is_finite())
}

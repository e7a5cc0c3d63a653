//! What an effect is worth, in `record/effects.json`.

use serde::{Deserialize, Serialize};
use utfall_core::Interval;

use super::EffectResult;

/// What an effect on the treated is worth, and by which terms.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MoneyRecord {
    /// `fall` or `rise`: which direction of the outcome saves.
    pub saves: String,
    /// What one unit of the outcome costs, or brings.
    pub unit_cost: CostRecord,
    /// Who bears or gains which share, and what that comes to.
    pub payers: Vec<PayerRecord>,
    /// What the programme cost for the treated together, if the plan says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme_cost: Option<CostRecord>,
    /// What was saved: effect × treated × unit cost; `None` where nothing was estimated.
    pub savings: Option<AmountRecord>,
    /// What is left of the savings when the programme is paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net_benefit: Option<AmountRecord>,
    /// What one unit of outcome cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_outcome: Option<RatioRecord>,
}

/// A cost, known or estimated.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CostRecord {
    /// The cost.
    pub amount: f64,
    /// Its standard error; 0 if it is known.
    pub standard_error: f64,
}

/// A payer's share.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PayerRecord {
    /// The payer.
    pub name: String,
    /// The share of the savings, between 0 and 1.
    pub share: f64,
    /// What it comes to.
    pub amount: Option<AmountRecord>,
}

/// An amount with its uncertainty, from the effect and the unit cost (delta method).
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AmountRecord {
    /// The amount.
    pub point: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its interval, at the level of the effect's.
    pub interval: Interval,
}

/// What one unit of outcome cost.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RatioRecord {
    /// Cost over outcomes.
    pub point: f64,
    /// Its interval by Fieller's theorem; `None` where that is not an interval, because the effect may
    /// be nil.
    pub interval: Option<Interval>,
}

impl MoneyRecord {
    /// What the savings follow to from the effect, where they do not; and what they are.
    ///
    /// They are computed as when they were estimated: treated × unit cost × effect.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "units in a register stay far below 2^53"
    )]
    pub fn first_inconsistency(&self, result: &EffectResult) -> Option<(Option<f64>, Option<f64>)> {
        let held = self.savings.map(|savings| savings.point);
        let derived = match result {
            EffectResult::Estimated(estimated) => {
                let effect = match self.saves.as_str() {
                    "fall" => -estimated.estimate.point,
                    _ => estimated.estimate.point,
                };
                Some(estimated.estimate.n_treated as f64 * self.unit_cost.amount * effect)
            }
            _ => None,
        };
        (held != derived).then_some((derived, held))
    }
}

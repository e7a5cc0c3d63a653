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
    /// The terms, with the savings that follow from an estimate as it is shown and nothing else: the
    /// exact ones would tell what was rounded.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "units in a register stay far below 2^53"
    )]
    pub fn as_seen(&self, seen: &EffectResult) -> Self {
        let savings = match seen {
            EffectResult::Estimated(found) => {
                let estimate = &found.estimate;
                let n_treated = estimate.n_treated as f64;
                let effect = match self.saves.as_str() {
                    "fall" => -estimate.point,
                    _ => estimate.point,
                };
                let point = n_treated * self.unit_cost.amount * effect;
                let of_effect = self.unit_cost.amount * estimate.standard_error;
                let of_cost = effect * self.unit_cost.standard_error;
                let whole = (of_effect * of_effect + of_cost * of_cost).sqrt();
                let width = estimate.interval.upper - estimate.interval.lower;
                let reach = if estimate.standard_error > 0.0 {
                    0.5 * width / estimate.standard_error * n_treated * whole
                } else {
                    0.0
                };
                Some(AmountRecord {
                    point,
                    standard_error: n_treated * whole,
                    interval: Interval {
                        lower: point - reach,
                        upper: point + reach,
                    },
                })
            }
            _ => None,
        };
        let payers = self.payers.iter().map(|payer| PayerRecord {
            amount: None,
            ..payer.clone()
        });
        Self {
            payers: payers.collect(),
            savings,
            net_benefit: None,
            cost_per_outcome: None,
            ..self.clone()
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Estimated;
    use utfall_core::{ConfidenceLevel, Estimand, Estimate};

    fn result(point: f64) -> EffectResult {
        let estimate = Estimate {
            estimand: Estimand::Att,
            point,
            standard_error: 2.0,
            degrees_of_freedom: None,
            confidence_level: ConfidenceLevel::try_from(0.95).unwrap(),
            interval: Interval {
                lower: point - 4.0,
                upper: point + 4.0,
            },
            p_value: 0.01,
            n_treated: 50,
            n_comparator: 80,
            n_clusters: None,
        };
        EffectResult::Estimated(Box::new(Estimated::new(
            estimate,
            None,
            Some(0.0),
            Some(1.0),
        )))
    }

    fn record(savings: f64) -> MoneyRecord {
        let amount = AmountRecord {
            point: savings,
            standard_error: 1000.0,
            interval: Interval {
                lower: savings - 2000.0,
                upper: savings + 2000.0,
            },
        };
        MoneyRecord {
            saves: "fall".to_owned(),
            unit_cost: CostRecord {
                amount: 10.0,
                standard_error: 0.0,
            },
            payers: vec![PayerRecord {
                name: "municipality".to_owned(),
                share: 0.5,
                amount: Some(amount),
            }],
            programme_cost: None,
            savings: Some(amount),
            net_benefit: Some(amount),
            cost_per_outcome: None,
        }
    }

    #[test]
    fn savings_that_do_not_follow_from_the_effect_are_told() {
        assert_eq!(record(3000.0).first_inconsistency(&result(-6.0)), None);
        assert_eq!(
            record(3500.0).first_inconsistency(&result(-6.0)),
            Some((Some(3000.0), Some(3500.0)))
        );
    }

    #[test]
    fn what_is_shown_to_everyone_follows_from_the_estimate_as_shown() {
        let seen = record(3021.7).as_seen(&result(-6.0));
        let savings = seen.savings.unwrap();
        assert!((savings.point - 3000.0).abs() < 1e-9);
        assert!((savings.interval.upper - 5000.0).abs() < 1e-9);
        assert!(seen.payers[0].amount.is_none() && seen.net_benefit.is_none());
        let nothing = EffectResult::NotMeasurable {
            reason: "too few".to_owned(),
        };
        assert!(record(3021.7).as_seen(&nothing).savings.is_none());
    }
}

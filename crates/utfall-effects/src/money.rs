//! Money effects: what an effect saved, by payer, and what an outcome cost.
//!
//! Savings are an effect times a unit cost. Where the unit cost is itself estimated, independently of
//! the effect, the delta method adds its variance. The cost of an outcome is a ratio, whose interval by
//! Fieller's theorem holds also where the effect may be nil; the delta interval does not.
//!
//! Fieller (1954), <https://doi.org/10.1111/j.2517-6161.1954.tb00159.x>; Willan & O'Brien (1996) on
//! cost-effectiveness ratios, <https://doi.org/10.1002/hec.4730050402>.

use serde::{Deserialize, Serialize};
use utfall_core::{Estimate, Interval};
use utfall_stats::{normal, student_t};

use crate::power::refuse;
use crate::{AndersonRubin, EffectError};

/// A cost, known or estimated.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cost {
    /// The cost, in money.
    pub amount: f64,
    /// Its standard error; 0 if it is known.
    pub standard_error: f64,
}

/// An amount of money with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MoneyEffect {
    /// The amount.
    pub point: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its interval, at the level and with the degrees of freedom of the effect.
    pub interval: Interval,
}

/// What one outcome cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostPerOutcome {
    /// Cost over outcomes.
    pub point: f64,
    /// Its standard error by the delta method.
    pub standard_error: f64,
    /// Its interval by the delta method.
    pub delta: Interval,
    /// Fieller's set: an interval, everything outside of one, or everything.
    pub fieller: ConfidenceSet,
}

/// Fieller's confidence set of a ratio; the same three shapes as Anderson and Rubin's.
pub type ConfidenceSet = AndersonRubin;

/// What an effect is worth in money, and to whom.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MoneySpec {
    /// Whether a fall of the outcome saves money, or a rise.
    pub saves: Saves,
    /// What one unit of the outcome costs, or brings.
    pub unit_cost: Cost,
    /// Who bears or gains which share; shares need not add up to one.
    #[serde(default)]
    pub payers: Vec<PayerShare>,
    /// What the programme cost for the units of the effect together, for its net benefit and the cost of
    /// an outcome.
    pub programme_cost: Option<Cost>,
}

/// The direction of an outcome that saves money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Saves {
    /// Less of the outcome saves.
    Fall,
    /// More of it does.
    Rise,
}

/// A payer's share of what is saved.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PayerShare {
    /// The payer.
    pub name: String,
    /// The share, between 0 and 1.
    pub share: f64,
}

/// What an effect is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Worth {
    /// All that is saved.
    pub savings: MoneyEffect,
    /// Each payer's part, in the order of the specification.
    pub by_payer: Vec<MoneyEffect>,
    /// What is left when the programme is paid for.
    pub net_benefit: Option<MoneyEffect>,
    /// What one unit of outcome cost; absent too where the effect is exactly zero.
    pub cost_per_outcome: Option<CostPerOutcome>,
}

impl MoneySpec {
    /// What an effect on `n_units` units is worth.
    ///
    /// # Errors
    ///
    /// Those of [`worth`], [`by_payer`], [`net_benefit`] and [`cost_per_outcome`].
    pub fn worth(&self, effect: &Estimate, n_units: f64) -> Result<Worth, EffectError> {
        let effect = match self.saves {
            Saves::Rise => *effect,
            Saves::Fall => turned(effect),
        };
        let savings = worth(&effect, n_units, self.unit_cost)?;
        let shares: Vec<f64> = self.payers.iter().map(|payer| payer.share).collect();
        let of_programme = |cost: Cost| net_benefit(&effect, &savings, cost);
        let has_effect = effect.point.abs() > 0.0 && n_units > 0.0;
        let programme = self.programme_cost.filter(|_| has_effect);
        let ratio = programme.map(|cost| cost_per_outcome(&effect, n_units, cost));
        Ok(Worth {
            by_payer: by_payer(&effect, &savings, &shares)?,
            net_benefit: self.programme_cost.map(of_programme).transpose()?,
            cost_per_outcome: ratio.transpose()?,
            savings,
        })
    }
}

/// An effect with its sign turned.
fn turned(effect: &Estimate) -> Estimate {
    Estimate {
        point: -effect.point,
        interval: Interval {
            lower: -effect.interval.upper,
            upper: -effect.interval.lower,
        },
        ..*effect
    }
}

/// What an effect on `n_units` units is worth: effect × units × unit cost.
///
/// Turn the sign of the effect first if it is a fall that saves.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] for a cost or number that is negative or no number.
pub fn worth(effect: &Estimate, n_units: f64, unit_cost: Cost) -> Result<MoneyEffect, EffectError> {
    unit_cost.check()?;
    refuse("units", n_units, n_units >= 0.0 && n_units.is_finite())?;
    let Cost {
        amount,
        standard_error,
    } = unit_cost;
    let error = n_units
        * root_of_squares(
            amount * effect.standard_error,
            effect.point * standard_error,
        );
    Ok(of(effect, n_units * amount * effect.point, error))
}

/// What is left of savings when the programme is paid for.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] for a cost that is negative or no number.
pub fn net_benefit(
    effect: &Estimate,
    savings: &MoneyEffect,
    programme: Cost,
) -> Result<MoneyEffect, EffectError> {
    programme.check()?;
    let error = root_of_squares(savings.standard_error, programme.standard_error);
    Ok(of(effect, savings.point - programme.amount, error))
}

/// What one outcome cost: the programme's cost over effect × units.
///
/// Cost and effect are taken to be independent. The interval by Fieller's theorem is all values `r` at which
/// cost less `r` times outcomes does not differ from zero.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] for a cost that is negative or no number, or no units.
pub fn cost_per_outcome(
    effect: &Estimate,
    n_units: f64,
    programme: Cost,
) -> Result<CostPerOutcome, EffectError> {
    programme.check()?;
    refuse("units", n_units, n_units > 0.0 && n_units.is_finite())?;
    let (outcomes, error) = (n_units * effect.point, n_units * effect.standard_error);
    let point = programme.amount / outcomes;
    let standard_error = root_of_squares(programme.standard_error, point * error) / outcomes.abs();
    let critical = critical(effect);
    let squared = critical * critical;
    let fieller = AndersonRubin::below_zero(
        outcomes * outcomes - squared * error * error,
        -2.0 * programme.amount * outcomes,
        programme.amount * programme.amount
            - squared * programme.standard_error * programme.standard_error,
    );
    Ok(CostPerOutcome {
        point,
        standard_error,
        delta: Interval {
            lower: point - critical * standard_error,
            upper: point + critical * standard_error,
        },
        fieller,
    })
}

/// Shares of an amount that payers bear or gain, each with its interval.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] at the first share that is not between 0 and 1.
pub fn by_payer(
    effect: &Estimate,
    total: &MoneyEffect,
    shares: &[f64],
) -> Result<Vec<MoneyEffect>, EffectError> {
    let share = |share: &f64| {
        refuse("share", *share, (0.0..=1.0).contains(share))?;
        Ok(of(
            effect,
            share * total.point,
            share * total.standard_error,
        ))
    };
    shares.iter().map(share).collect()
}

fn of(effect: &Estimate, point: f64, standard_error: f64) -> MoneyEffect {
    let reach = critical(effect) * standard_error;
    MoneyEffect {
        point,
        standard_error,
        interval: Interval {
            lower: point - reach,
            upper: point + reach,
        },
    }
}

fn critical(effect: &Estimate) -> f64 {
    let below = 0.5 * (1.0 + effect.confidence_level.fraction());
    match effect.degrees_of_freedom {
        Some(degrees) => student_t::quantile(below, degrees),
        None => normal::quantile(below),
    }
}

fn root_of_squares(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}

impl Cost {
    fn check(self) -> Result<(), EffectError> {
        let allowed = |value: f64| value >= 0.0 && value.is_finite();
        refuse("cost", self.amount, allowed(self.amount))?;
        let error = self.standard_error;
        refuse("standard error of a cost", error, allowed(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utfall_core::{ConfidenceLevel, Estimand};

    #[test]
    fn a_fall_that_saves_is_worth_what_the_same_rise_would_be() {
        let spec = |saves| MoneySpec {
            saves,
            unit_cost: Cost {
                amount: 30.0,
                standard_error: 2.0,
            },
            payers: vec![PayerShare {
                name: "municipality".to_owned(),
                share: 0.25,
            }],
            programme_cost: Some(Cost {
                amount: 1000.0,
                standard_error: 0.0,
            }),
        };
        let fall = spec(Saves::Fall).worth(&effect(-4.0, 1.0), 50.0).unwrap();
        let rise = spec(Saves::Rise).worth(&effect(4.0, 1.0), 50.0).unwrap();
        assert_eq!(fall, rise);
        assert!((fall.savings.point - 6000.0).abs() < 1e-9);
        assert!((fall.by_payer[0].point - 1500.0).abs() < 1e-9);
        assert!((fall.net_benefit.unwrap().point - 5000.0).abs() < 1e-9);
        assert!((fall.cost_per_outcome.unwrap().point - 5.0).abs() < 1e-12);
        let nil = spec(Saves::Fall).worth(&effect(0.0, 1.0), 50.0).unwrap();
        assert!(nil.cost_per_outcome.is_none());
    }

    fn effect(point: f64, standard_error: f64) -> Estimate {
        Estimate {
            estimand: Estimand::Att,
            point,
            standard_error,
            degrees_of_freedom: None,
            confidence_level: ConfidenceLevel::try_from(0.95).unwrap(),
            interval: Interval {
                lower: point - 1.96 * standard_error,
                upper: point + 1.96 * standard_error,
            },
            p_value: 0.05,
            n_treated: 100,
            n_comparator: 300,
            n_clusters: None,
        }
    }

    fn known(amount: f64) -> Cost {
        Cost {
            amount,
            standard_error: 0.0,
        }
    }

    #[test]
    fn a_known_unit_cost_scales_the_effect() {
        let effect = effect(2.5, 0.5);
        let worth = worth(&effect, 100.0, known(1_200.0)).unwrap();
        assert!((worth.point - 300_000.0).abs() < 1e-9);
        assert!((worth.standard_error - 60_000.0).abs() < 1e-9);
        let net = net_benefit(&effect, &worth, known(250_000.0)).unwrap();
        assert!((net.point - 50_000.0).abs() < 1e-9);
        assert!(net.interval.contains(0.0));
        let payers = by_payer(&effect, &worth, &[0.25, 0.75]).unwrap();
        assert!((payers[0].point + payers[1].point - worth.point).abs() < 1e-9);
        assert!((payers[0].interval.upper - 0.25 * worth.interval.upper).abs() < 1e-9);
    }

    #[test]
    fn an_estimated_unit_cost_adds_its_variance() {
        let cost = Cost {
            amount: 3.0,
            standard_error: 0.4,
        };
        let worth = worth(&effect(2.0, 0.5), 1.0, cost).unwrap();
        assert!((worth.standard_error - (1.5_f64 * 1.5 + 0.8 * 0.8).sqrt()).abs() < 1e-14);
    }

    /// Every end `r` of Fieller's set has (cost − r·outcomes)² = z² (var cost + r² var outcomes).
    #[test]
    fn fiellers_ends_are_where_the_difference_is_just_rejected() {
        let cost = Cost {
            amount: 500.0,
            standard_error: 40.0,
        };
        let found = cost_per_outcome(&effect(0.05, 0.01), 1_000.0, cost).unwrap();
        let ConfidenceSet::Within(set) = found.fieller else {
            panic!("an effect five errors from zero bounds the ratio");
        };
        let z = normal::quantile(0.975);
        for r in [set.lower, set.upper] {
            let apart = (500.0 - r * 50.0).powi(2);
            let variance = 40.0_f64.powi(2) + (r * 10.0).powi(2);
            assert!((apart / (z * z * variance) - 1.0).abs() < 1e-10, "{r}");
        }
        assert!((found.point - 10.0).abs() < 1e-12);
        assert!(set.upper > found.delta.upper, "the ratio is skewed upwards");
    }

    #[test]
    fn an_effect_that_may_be_nil_does_not_bound_the_cost_of_an_outcome() {
        let found = cost_per_outcome(&effect(0.05, 0.04), 1_000.0, known(500.0)).unwrap();
        assert!(
            matches!(found.fieller, ConfidenceSet::Outside(_)),
            "{found:?}"
        );
        assert!(worth(&effect(1.0, 1.0), 10.0, known(-1.0)).is_err());
    }
}

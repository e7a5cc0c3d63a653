//! The shapes of a contract file, as written: spans kept, names not yet resolved.

use std::fmt;

use num_rational::BigRational;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use utfall_core::Estimand;

use super::claims::{Break, Count};
use super::{
    Above, AtJump, Below, BeyondCap, Excess, Multiplicity, Operator, Otherwise, Remainder, Role,
    RoundingRule, Sign,
};
use crate::currency::Currency;
use crate::decision::Branch;
use crate::number;
use crate::rounding::RoundingMode;

/// Everything but the lists of effects, quantities, lines and parties.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawHeader {
    pub(super) schema: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) title: Spanned<String>,
    pub(super) notes: Option<String>,
    #[serde(default)]
    pub(super) sources: Vec<String>,
    pub(super) currency: Currency,
    pub(super) rounding: RoundingRule,
    pub(super) floor: Option<Spanned<RawOperand>>,
    pub(super) cap: Option<Spanned<RawOperand>>,
    pub(super) paid_before: Option<Spanned<RawOperand>>,
    pub(super) set_off: Option<Spanned<RawSetOff>>,
    pub(super) remainder: Option<Spanned<Remainder>>,
    pub(super) beyond_payer_cap: Option<Spanned<BeyondCap>>,
    pub(super) claims: Option<Spanned<RawContractClaims>>,
}

/// What an amendment changes, beside its lists of effects, quantities, lines, groups and parties.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawAmendment {
    pub(super) effective: Spanned<String>,
    pub(super) title: Spanned<String>,
    pub(super) floor: Option<Spanned<RawOperand>>,
    pub(super) cap: Option<Spanned<RawOperand>>,
    pub(super) paid_before: Option<Spanned<RawOperand>>,
    pub(super) set_off: Option<Spanned<RawSetOff>>,
    #[serde(default)]
    pub(super) removes: Vec<Spanned<String>>,
}

/// What interim payments have paid.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSetOff {
    pub(super) paid: Spanned<RawOperand>,
    pub(super) excess: Excess,
}

/// What holds for a person's claims under every line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawContractClaims {
    pub(super) cap_per_person: Spanned<RawOperand>,
}

/// Which claims a line counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawLineClaims {
    pub(super) count: Count,
    pub(super) most_per_person: Option<Spanned<u32>>,
    pub(super) cap_per_person: Option<Spanned<RawOperand>>,
    pub(super) sustained: Option<Spanned<RawSustained>>,
}

/// How long an achievement must last.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSustained {
    pub(super) days: Spanned<u32>,
    pub(super) on_break: Break,
    pub(super) longest_break_days: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) holidays: Vec<Spanned<String>>,
}

/// Lines that share a floor and a cap, such as those of one outcome metric.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawGroup {
    pub(super) name: Spanned<String>,
    pub(super) title: Option<String>,
    pub(super) lines: Spanned<Vec<Spanned<String>>>,
    pub(super) floor: Option<Spanned<RawOperand>>,
    pub(super) cap: Option<Spanned<RawOperand>>,
    pub(super) paid_before: Option<Spanned<RawOperand>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawEffect {
    pub(super) name: Spanned<String>,
    pub(super) estimands: Spanned<Vec<Estimand>>,
    pub(super) decides_on: Vec<Spanned<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawParty {
    pub(super) name: Spanned<String>,
    pub(super) role: Role,
    pub(super) share: Option<Spanned<RawOperand>>,
    pub(super) cap: Option<Spanned<RawOperand>>,
}

/// The keys every quantity has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawQuantity {
    pub(super) name: Spanned<String>,
    pub(super) unit: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawInput {
    pub(super) from: Spanned<String>,
    pub(super) sign: Sign,
    pub(super) decimals: Spanned<u32>,
    pub(super) rounding: RoundingMode,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawConstant {
    pub(super) value: Spanned<RawOperand>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawDifference {
    pub(super) of: Spanned<RawOperand>,
    pub(super) less: Spanned<RawOperand>,
}

/// Sum, product, minimum, maximum.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSeveral {
    pub(super) of: Spanned<Vec<Spanned<RawOperand>>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRatio {
    pub(super) of: Spanned<RawOperand>,
    pub(super) to: Spanned<RawOperand>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRelativeReduction {
    pub(super) from: Spanned<RawOperand>,
    pub(super) to: Spanned<RawOperand>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawShareOf {
    pub(super) of: Spanned<RawOperand>,
    pub(super) share: Spanned<RawOperand>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRounded {
    pub(super) of: Spanned<RawOperand>,
    pub(super) decimals: Spanned<u32>,
    pub(super) rounding: RoundingMode,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawAdjustedP {
    pub(super) of: Spanned<RawOperand>,
    pub(super) among: Spanned<Vec<Spanned<RawOperand>>>,
    pub(super) rule: Multiplicity,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawProbabilityAbove {
    pub(super) point: Spanned<RawOperand>,
    pub(super) standard_error: Spanned<RawOperand>,
    pub(super) threshold: Spanned<RawOperand>,
    pub(super) decimals: Spanned<u32>,
    pub(super) rounding: RoundingMode,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCompound {
    pub(super) of: Spanned<RawOperand>,
    pub(super) rate: Spanned<RawOperand>,
    pub(super) periods: Spanned<RawOperand>,
}

/// The keys every line has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawLine {
    pub(super) name: Spanned<String>,
    pub(super) title: Option<String>,
    pub(super) requires: Option<Spanned<RawCondition>>,
    pub(super) when: Option<Spanned<RawCondition>>,
    #[serde(default)]
    pub(super) clawback: bool,
    pub(super) minimum: Option<Spanned<RawMinimum>>,
    pub(super) deadweight: Option<Spanned<RawDeadweight>>,
    pub(super) per: Option<Spanned<RawPer>>,
    pub(super) paid_before: Option<Spanned<RawOperand>>,
    pub(super) claims: Option<Spanned<RawLineClaims>>,
    pub(super) floor: Option<Spanned<RawOperand>>,
    pub(super) cap: Option<Spanned<RawOperand>>,
}

/// The least number of units a line can be decided on, and what happens below it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawMinimum {
    pub(super) of: Spanned<RawOperand>,
    pub(super) at_least: Spanned<RawOperand>,
    pub(super) otherwise: Otherwise,
    pub(super) amount: Option<Spanned<RawOperand>>,
}

/// What would have happened anyway: a fraction of the quantity, or a fixed part of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawDeadweight {
    pub(super) fraction: Option<Spanned<RawOperand>>,
    pub(super) fixed: Option<Spanned<RawOperand>>,
}

/// A floor and a cap for each unit, person or period.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPer {
    pub(super) of: Spanned<RawOperand>,
    pub(super) floor: Option<Spanned<RawOperand>>,
    pub(super) cap: Option<Spanned<RawOperand>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFixed {
    pub(super) amount: Spanned<RawOperand>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawShare {
    pub(super) of: Spanned<RawOperand>,
    pub(super) bands: Spanned<Vec<Spanned<RawBand>>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawBand {
    pub(super) from: Spanned<RawOperand>,
    pub(super) to: Option<Spanned<RawOperand>>,
    pub(super) share: Spanned<RawOperand>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSteps {
    pub(super) of: Spanned<RawOperand>,
    pub(super) rate_on: Option<Spanned<RawOperand>>,
    pub(super) operator: Spanned<Operator>,
    pub(super) steps: Spanned<Vec<Spanned<RawStep>>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawStep {
    pub(super) threshold: Spanned<RawOperand>,
    pub(super) amount: Option<Spanned<RawOperand>>,
    pub(super) rate: Option<Spanned<RawOperand>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPiecewise {
    pub(super) of: Spanned<RawOperand>,
    pub(super) rate_on: Option<Spanned<RawOperand>>,
    pub(super) points: Spanned<Vec<Spanned<RawPoint>>>,
    pub(super) at_jump: Option<Spanned<AtJump>>,
    pub(super) below: Below,
    pub(super) above: Spanned<Above>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPoint {
    pub(super) at: Spanned<RawOperand>,
    pub(super) amount: Option<Spanned<RawOperand>>,
    pub(super) rate: Option<Spanned<RawOperand>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPool {
    pub(super) amount: Spanned<RawOperand>,
    pub(super) metrics: Spanned<Vec<Spanned<RawMetric>>>,
    pub(super) performance: Spanned<Vec<Spanned<RawPerformance>>>,
    pub(super) at_jump: Option<Spanned<AtJump>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawMetric {
    pub(super) of: Spanned<RawOperand>,
    pub(super) from: Spanned<RawOperand>,
    pub(super) to: Spanned<RawOperand>,
    pub(super) weight: Spanned<RawOperand>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPerformance {
    pub(super) score: Spanned<RawOperand>,
    pub(super) pays: Spanned<RawOperand>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPerUnit {
    pub(super) units: Spanned<RawOperand>,
    pub(super) price: Spanned<RawOperand>,
}

/// One of six forms, told apart by the first key present: `all`, `any`, `quantity`, `flag`,
/// `text`, `line`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCondition {
    pub(super) all: Option<Vec<Spanned<RawCondition>>>,
    pub(super) any: Option<Vec<Spanned<RawCondition>>>,
    pub(super) quantity: Option<Spanned<String>>,
    pub(super) operator: Option<Operator>,
    pub(super) value: Option<Spanned<RawOperand>>,
    pub(super) flag: Option<Spanned<String>>,
    pub(super) equals: Option<bool>,
    pub(super) text: Option<Spanned<String>>,
    pub(super) one_of: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) line: Option<Spanned<String>>,
    pub(super) ended: Option<Branch>,
}

/// A number, or the name of a quantity: what starts with a letter is a name.
#[derive(Debug, Clone)]
pub(super) enum RawOperand {
    Literal(BigRational),
    Quantity(String),
}

impl<'de> Deserialize<'de> for RawOperand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OperandVisitor;

        impl Visitor<'_> for OperandVisitor {
            type Value = RawOperand;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or the name of a quantity")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawOperand, E> {
                if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
                    return Ok(RawOperand::Quantity(text.to_owned()));
                }
                number::parse_fraction(text)
                    .map(RawOperand::Literal)
                    .map_err(|error| {
                        E::custom(format_args!(
                            "`{text}` is {error}, expected a number or the name of a quantity"
                        ))
                    })
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<RawOperand, E> {
                Ok(RawOperand::Literal(BigRational::from_integer(value.into())))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<RawOperand, E> {
                Ok(RawOperand::Literal(BigRational::from_integer(value.into())))
            }

            fn visit_i128<E: de::Error>(self, value: i128) -> Result<RawOperand, E> {
                Ok(RawOperand::Literal(BigRational::from_integer(value.into())))
            }

            fn visit_u128<E: de::Error>(self, value: u128) -> Result<RawOperand, E> {
                Ok(RawOperand::Literal(BigRational::from_integer(value.into())))
            }
        }

        deserializer.deserialize_any(OperandVisitor)
    }
}

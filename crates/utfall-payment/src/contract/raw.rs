//! The shapes of a contract file, as written: spans kept, names not yet resolved.

use std::fmt;

use num_rational::BigRational;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use utfall_core::Estimand;

use super::{Operator, Remainder, Role, RoundingRule, Sign};
use crate::currency::Currency;
use crate::decision::Branch;
use crate::number;
use crate::rounding::RoundingMode;

/// Everything but the lists of effects, quantities, lines and parties.
#[derive(Debug, Deserialize)]
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
    pub(super) remainder: Option<Spanned<Remainder>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawEffect {
    pub(super) name: Spanned<String>,
    pub(super) estimands: Spanned<Vec<Estimand>>,
    pub(super) decides_on: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawParty {
    pub(super) name: Spanned<String>,
    pub(super) role: Role,
    pub(super) share: Option<Spanned<RawOperand>>,
}

/// The keys every quantity has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawQuantity {
    pub(super) name: Spanned<String>,
    pub(super) unit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawInput {
    pub(super) from: Spanned<String>,
    pub(super) sign: Sign,
    pub(super) decimals: Spanned<u32>,
    pub(super) rounding: RoundingMode,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawConstant {
    pub(super) value: Spanned<RawOperand>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawDifference {
    pub(super) of: Spanned<RawOperand>,
    pub(super) less: Spanned<RawOperand>,
}

/// Sum, product, minimum, maximum.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSeveral {
    pub(super) of: Spanned<Vec<Spanned<RawOperand>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRatio {
    pub(super) of: Spanned<RawOperand>,
    pub(super) to: Spanned<RawOperand>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRelativeReduction {
    pub(super) from: Spanned<RawOperand>,
    pub(super) to: Spanned<RawOperand>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawShareOf {
    pub(super) of: Spanned<RawOperand>,
    pub(super) share: Spanned<RawOperand>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRounded {
    pub(super) of: Spanned<RawOperand>,
    pub(super) decimals: Spanned<u32>,
    pub(super) rounding: RoundingMode,
}

/// The keys every line has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawLine {
    pub(super) name: Spanned<String>,
    pub(super) title: Option<String>,
    pub(super) requires: Option<Spanned<RawCondition>>,
    pub(super) when: Option<Spanned<RawCondition>>,
    #[serde(default)]
    pub(super) clawback: bool,
    pub(super) floor: Option<Spanned<RawOperand>>,
    pub(super) cap: Option<Spanned<RawOperand>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFixed {
    pub(super) amount: Spanned<RawOperand>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawShare {
    pub(super) of: Spanned<RawOperand>,
    pub(super) bands: Spanned<Vec<Spanned<RawBand>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawBand {
    pub(super) from: Spanned<RawOperand>,
    pub(super) to: Option<Spanned<RawOperand>>,
    pub(super) share: Spanned<RawOperand>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSteps {
    pub(super) of: Spanned<RawOperand>,
    pub(super) operator: Spanned<Operator>,
    pub(super) steps: Spanned<Vec<Spanned<RawStep>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawStep {
    pub(super) threshold: Spanned<RawOperand>,
    pub(super) amount: Spanned<RawOperand>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPerUnit {
    pub(super) units: Spanned<RawOperand>,
    pub(super) price: Spanned<RawOperand>,
}

/// One of six forms, told apart by the first key present: `all`, `any`, `quantity`, `flag`,
/// `text`, `line`.
#[derive(Debug, Default, Deserialize)]
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

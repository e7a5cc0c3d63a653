//! A contract: its terms, read from TOML and checked before anything is evaluated.
//!
//! ```toml
//! schema = "utfall-contract/1"
//! name = "example"
//! title = "An example"
//! currency = "SEK"
//! rounding = { mode = "half-even", at = "line" }
//! cap = 2000000                                  # optional, as is `floor`
//!
//! [[effect]]                                     # what the contract draws on, and accepts
//! name = "absence"
//! estimands = ["att", "matched-treated"]
//! decides-on = ["point"]
//!
//! [[quantity]]                                   # kinds: see `Rule`
//! name = "reduction"
//! kind = "input"
//! from = "absence.point"
//! sign = "flip"
//! decimals = 4
//! rounding = "toward-zero"
//!
//! [[line]]                                       # kinds: fixed, share, steps, per-unit
//! name = "fall"
//! kind = "steps"
//! of = "reduction"
//! operator = ">="
//! steps = [{ threshold = 0.02, amount = 500000 }, { threshold = 0.04, amount = 1000000 }]
//! requires = { flag = "balance.passed", equals = true }     # else not-measurable
//! when = { quantity = "reduction", operator = ">", value = 0 }  # else nothing-due
//! ```
//!
//! Wherever a number is expected a quantity may be named, except in the bounds and shares of bands
//! and the thresholds of steps, which must be known before any outcome. Numbers are read exactly
//! from their text, quoted or not; `"1/6"` is a number too.

pub(crate) mod arithmetic;
mod document;
mod lines;
mod quantities;
mod raw;
mod read;
pub(crate) mod terms;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::decision::Decision;
use crate::evaluate;
use crate::input::{InputKind, Inputs};
use crate::problem::ContractErrors;
use crate::rounding::RoundingMode;
use terms::Terms;

/// An outcome contract that has passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract(Terms);

impl Contract {
    /// Reads a contract. `source_name` is what messages call the text, such as a file name.
    ///
    /// # Errors
    ///
    /// [`ContractErrors`] with every problem found, each with its line, column and remedy. Syntax
    /// errors are reported alone, since what follows from them means nothing.
    pub fn from_toml(source_name: &str, text: &str) -> Result<Self, ContractErrors> {
        read::read(text)
            .map(Self)
            .map_err(|found| ContractErrors::new(source_name, text, found))
    }

    /// Decides what is paid. Total and deterministic: any inputs end in an amount or a named
    /// branch, and the same inputs in the same bytes.
    pub fn evaluate(&self, inputs: &Inputs) -> Decision {
        evaluate::evaluate(&self.0, inputs)
    }

    /// Every input the contract may read, and the kind it expects there.
    pub fn required_inputs(&self) -> BTreeMap<String, InputKind> {
        self.0.required_inputs()
    }

    /// Short name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Title for people.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// Remarks that belong with the contract and change nothing.
    pub fn notes(&self) -> Option<&str> {
        self.0.notes.as_deref()
    }

    /// Where the terms are published.
    pub fn sources(&self) -> &[String] {
        &self.0.sources
    }

    /// The currency of every amount.
    pub fn currency(&self) -> Currency {
        self.0.currency
    }

    /// Names of the effects the contract draws on.
    pub fn effects(&self) -> impl Iterator<Item = &str> {
        self.0.effects.iter().map(|effect| effect.name.as_str())
    }

    /// The parties and their roles, in order.
    pub fn parties(&self) -> impl Iterator<Item = (&str, Role)> {
        self.0
            .parties
            .iter()
            .map(|party| (party.name.as_str(), party.role))
    }
}

/// How and where amounts become whole minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RoundingRule {
    /// How.
    pub mode: RoundingMode,
    /// Where.
    pub at: RoundingPoint,
}

/// The point at which amounts are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundingPoint {
    /// Each line, after its floor and cap.
    Line,
    /// The total alone.
    Total,
}

/// Whether an input keeps its sign when it crosses into the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// As supplied.
    Keep,
    /// Turned, so that a fall becomes a positive number.
    Flip,
}

/// Who a party is to the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Pays for outcomes. The only role with a `share`.
    Payer,
    /// Delivers the service.
    Provider,
    /// Puts up the capital.
    Investor,
    /// Stands between the others.
    Intermediary,
    /// Estimates the effect.
    Evaluator,
}

/// Who gets the minor units left over when the total is split between payers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remainder {
    /// One each to those whose share lost most by cutting; among equals, the first listed.
    LargestRemainder,
    /// All to the first payer listed.
    FirstPayer,
    /// All to the last payer listed.
    LastPayer,
}

/// A comparison, always written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
    /// More than.
    #[serde(rename = ">")]
    MoreThan,
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// Less than.
    #[serde(rename = "<")]
    LessThan,
    /// Exactly.
    #[serde(rename = "=")]
    Equal,
}

impl Operator {
    /// Whether `left` stands in this relation to `right`.
    pub(crate) fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::AtLeast => left >= right,
            Self::MoreThan => left > right,
            Self::AtMost => left <= right,
            Self::LessThan => left < right,
            Self::Equal => left == right,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtLeast => ">=",
            Self::MoreThan => ">",
            Self::AtMost => "<=",
            Self::LessThan => "<",
            Self::Equal => "=",
        })
    }
}

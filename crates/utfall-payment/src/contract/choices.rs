//! The words a contract chooses from. None has a default.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rounding::RoundingMode;

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

/// What becomes of a payer's part beyond its own cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BeyondCap {
    /// Nobody pays it.
    Unpaid,
    /// The other payers bear it in the order listed, each up to its own cap; the rest is unpaid.
    OtherPayers,
}

/// What becomes of interim payments beyond what was earned in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Excess {
    /// The receiver keeps it.
    Kept,
    /// It is due back, once no line is left undecided.
    DueBack,
}

/// How a line ends when there are too few units to decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// It cannot be decided.
    NotMeasurable,
    /// It is decided later, when there are more.
    Deferred,
    /// It pays nothing.
    NothingDue,
    /// It pays the `amount` stated beside it.
    Amount,
}

/// Which value holds where a piecewise line jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtJump {
    /// That of the point listed first: the jump is passed by `>`.
    Before,
    /// That of the point listed second: the jump is passed by `>=`.
    After,
}

/// What a piecewise line pays below its first point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Below {
    /// Nothing.
    Nothing,
    /// What the first point pays.
    FirstPoint,
}

/// What a piecewise line pays above its last point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Above {
    /// Nothing.
    Nothing,
    /// What the last point pays.
    LastPoint,
    /// The last piece goes on.
    Onward,
}

/// How p-values of several metrics are adjusted for being several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Multiplicity {
    /// Each p-value as it stands.
    None,
    /// Times the number of metrics. Bonferroni (1936).
    Bonferroni,
    /// Step down. Holm (1979), *Scandinavian Journal of Statistics* 6(2).
    Holm,
    /// Step up; for tests that are independent or positively dependent. Hochberg (1988),
    /// <https://doi.org/10.1093/biomet/75.4.800>.
    Hochberg,
    /// False discovery rate. Benjamini & Hochberg (1995),
    /// <https://doi.org/10.1111/j.2517-6161.1995.tb02031.x>.
    BenjaminiHochberg,
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

impl fmt::Display for Multiplicity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Bonferroni => "bonferroni",
            Self::Holm => "holm",
            Self::Hochberg => "hochberg",
            Self::BenjaminiHochberg => "benjamini-hochberg",
        })
    }
}

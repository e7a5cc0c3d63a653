//! What an evaluation decides, with everything a stranger needs to recompute it by hand.
//!
//! A decision is plain data: it is written to evidence as JSON, read back, replayed and compared.
//! Exact values are text, a decimal where one exists and a fraction otherwise (`13/155`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::contract::{Excess, Multiplicity, Operator, Otherwise, Sign};
use crate::input::Undecided;
use crate::money::Money;
use crate::number;
use crate::rounding::RoundingMode;

/// The outcome of evaluating a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Decision {
    /// The contract that was applied.
    pub contract: ContractName,
    /// How it ended.
    pub branch: Branch,
    /// What is paid in all; negative when money is due back.
    pub total: Money,
    /// Each payment line, in the contract's order.
    pub lines: Vec<LineDecision>,
    /// Each group of lines, in the contract's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupDecision>,
    /// Names of the lines that could not be decided. They pay nothing in this decision.
    pub undecided: Vec<String>,
    /// What each payer bears, in the contract's order; adds up to `total`.
    pub payers: Vec<PayerDecision>,
    /// Each threshold of a gate or step, and how far from it the quantity was.
    pub thresholds: Vec<Threshold>,
    /// What nearby evidence would pay: each effect one standard error away and without any one unit,
    /// and each count that stands against a threshold one unit away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearby: Vec<Nearby>,
    /// Every step of the evaluation, in order.
    pub trace: Vec<Step>,
}

/// Which contract: names only. The digest of its text belongs to the evidence around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ContractName {
    /// Short name.
    pub name: String,
    /// Title for people.
    pub title: String,
}

/// How a line or a whole contract ended.
///
/// A contract that pays something ends `paid`, even if a line was left undecided (see
/// [`Decision::undecided`]). One that pays nothing is `not-measurable` or `deferred` if a line was,
/// in that order, and `nothing-due` only if every line was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Branch {
    /// Money is due.
    Paid,
    /// Money is due back, by a declared clawback.
    RepaymentDue,
    /// Decided, and nothing is due.
    NothingDue,
    /// It cannot be decided.
    NotMeasurable,
    /// It cannot be decided yet.
    Deferred,
}

/// What one payment line came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LineDecision {
    /// The line's name.
    pub name: String,
    /// Its title, if the contract gives one.
    pub title: Option<String>,
    /// How it ended.
    pub branch: Branch,
    /// Exact amount in major units after floor and cap, before any rounding at the total; 0 if undecided.
    pub exact: String,
    /// Amount in minor units. Absent when the contract rounds at the total and `exact` is finer.
    pub amount: Option<Money>,
    /// Why it was left undecided.
    pub gap: Option<Gap>,
    /// Each condition of its gates.
    pub conditions: Vec<ConditionResult>,
}

/// What a group of lines came to, between its floor and cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GroupDecision {
    /// The group's name.
    pub name: String,
    /// Its title, if the contract gives one.
    pub title: Option<String>,
    /// How it ended.
    pub branch: Branch,
    /// Exact amount in major units; 0 if undecided.
    pub exact: String,
    /// Amount in minor units. Absent when the contract rounds at the total and `exact` is finer.
    pub amount: Option<Money>,
    /// Why its bounds could not be held.
    pub gap: Option<Gap>,
}

/// A condition of a gate, in words, and whether it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConditionResult {
    /// The condition, such as `savings > 10000000`.
    pub text: String,
    /// [`StepResult::Met`], [`StepResult::NotMet`] or [`StepResult::Undecided`].
    pub result: StepResult,
}

/// What one payer bears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PayerDecision {
    /// The payer.
    pub name: String,
    /// Its share of the total.
    pub share: String,
    /// What it bears.
    pub amount: Money,
}

/// A threshold, and where the quantity stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Threshold {
    /// The line that has the threshold.
    pub line: String,
    /// The quantity compared.
    pub quantity: String,
    /// Its value; absent if it has none.
    pub value: Option<String>,
    /// The comparison that must hold.
    pub operator: Operator,
    /// What it is compared with; absent if that has no value.
    pub threshold: Option<String>,
    /// `value − threshold`; absent if either is.
    pub distance: Option<String>,
    /// Whether the comparison held; absent if it could not be made.
    pub met: Option<bool>,
}

/// What would be paid for nearby evidence, all else unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Nearby {
    /// The effect or the input.
    pub of: String,
    /// How far away.
    pub away: Away,
    /// That much lower.
    pub lower: NearbyPayment,
    /// That much higher.
    pub higher: NearbyPayment,
    /// Whether on either side a line ends in another way, or a threshold turns.
    pub turns: bool,
}

/// How far nearby evidence is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Away {
    /// One standard error of the effect, which is this large. Point, interval, total and relative
    /// effect move together; p-value and grade stay as they are.
    StandardError(String),
    /// One unit.
    OneUnit,
    /// Any one unit left out of the estimate, which then lies between these two. Interval, total and relative
    /// effect move with the point; p-value, grade and counts stay as they are.
    OneLeftOut {
        /// Lowest point without one unit.
        lowest: String,
        /// Highest point without one unit.
        highest: String,
    },
}

impl Away {
    /// Its figures for people: a standard error with three digits that matter, points with four.
    #[must_use]
    pub fn short_figures(&self) -> Vec<String> {
        let short = |text: &String, n_digits| match number::parse(text) {
            Ok(value) => number::short_text(&value, n_digits),
            Err(_) => text.clone(),
        };
        match self {
            Self::StandardError(error) => vec![short(error, 3)],
            Self::OneUnit => Vec::new(),
            Self::OneLeftOut { lowest, highest } => vec![short(lowest, 4), short(highest, 4)],
        }
    }
}

/// A payment for nearby evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NearbyPayment {
    /// How it would end.
    pub branch: Branch,
    /// What would be paid.
    pub total: Money,
}

/// Why something has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Gap {
    /// Whether it never will have one, or not yet.
    pub branch: Undecided,
    /// Why.
    pub reason: String,
}

/// One step of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// What the step is about.
    pub subject: Subject,
    /// What is done.
    pub operation: Operation,
    /// To what, in order.
    pub operands: Vec<Named>,
    /// With what result.
    pub result: StepResult,
    /// The unit of the result, if the contract names one.
    pub unit: Option<String>,
}

/// What a step is about, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Subject {
    /// The contract, as it stands on a day.
    Contract,
    /// An effect the contract draws on.
    Effect(String),
    /// A quantity.
    Quantity(String),
    /// A payment line.
    Line(String),
    /// A group of lines.
    Group(String),
    /// A payer.
    Payer(String),
    /// The contract's total.
    Total,
}

/// An operand: where it comes from, and its exact value as text.
///
/// The name is that of an input, a quantity, a line, or an intermediate result (`amount`, `band 1`,
/// `condition 2`, `total`). It is empty for a number written in the contract at that very place;
/// the place says which role it plays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Named {
    /// The name; empty for a number of the contract.
    pub name: String,
    /// The value; what is missing reads `not-measurable` or `deferred`.
    pub value: String,
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum StepResult {
    /// An exact value.
    Value(String),
    /// A condition held.
    Met,
    /// A condition did not hold.
    NotMet,
    /// No answer, and why.
    Undecided(Gap),
}

/// What a step does to its operands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Operation {
    /// Finds the terms in force on a day: from which amendment on, or as first agreed.
    TermsInForce,
    /// Checks that the estimate's estimand is one the contract accepts.
    AcceptEstimand(Vec<String>),
    /// Takes an input into the contract: its sign, then its decimals.
    #[serde(rename_all = "kebab-case")]
    CrossOver {
        /// Whether the sign is kept or flipped.
        sign: Sign,
        /// Decimals it is rounded to.
        decimals: u32,
        /// How.
        rounding: RoundingMode,
    },
    /// A number written in the contract.
    Constant,
    /// The first operand less the second.
    Difference,
    /// All operands added.
    Sum,
    /// All operands multiplied.
    Product,
    /// The first operand divided by the second.
    Ratio,
    /// The fall from the first operand to the second, as a fraction of the first.
    RelativeReduction,
    /// The first operand times the second.
    ShareOf,
    /// The least operand.
    Minimum,
    /// The greatest operand.
    Maximum,
    /// The first operand that is measurable.
    FirstAvailable,
    /// The first operand adjusted for the others being tested as well.
    AdjustedP(Multiplicity),
    /// The probability that the effect exceeds the third operand, for an estimate that is normal
    /// about it: the first operand is its point, the second its standard error.
    #[serde(rename_all = "kebab-case")]
    ProbabilityAbove {
        /// Decimals it is rounded to.
        decimals: u32,
        /// How.
        rounding: RoundingMode,
    },
    /// The first operand grown at the rate of the second for the periods of the third.
    Compound,
    /// The operand, rounded as the contract says.
    #[serde(rename_all = "kebab-case")]
    Round {
        /// Decimals it is rounded to.
        decimals: u32,
        /// How.
        rounding: RoundingMode,
    },
    /// Compares the first operand with the second.
    Compare(Operator),
    /// Checks that a flag is as stated.
    Flag(bool),
    /// Checks that a text is one of these.
    OneOf(Vec<String>),
    /// Checks how an earlier line ended.
    LineEnded(Branch),
    /// Checks that every condition holds.
    All,
    /// Checks that at least one condition holds.
    Any,
    /// Checks that the line can be measured.
    Requires,
    /// Checks that the line's gate is open.
    When,
    /// Checks that there are enough units to decide the line, and says what happens otherwise.
    Enough(Otherwise),
    /// The quantity less the fraction of it that would have happened anyway.
    DeadweightFraction,
    /// The quantity less the part of it that would have happened anyway.
    DeadweightFixed,
    /// A fixed amount.
    Fixed,
    /// The part of the quantity between two bounds, times the band's share. Operands: the
    /// quantity, the lower bound, the upper bound if there is one, the share.
    Band,
    /// The bands added.
    Bands,
    /// The amount of the highest step reached, or 0 if none is. Operands: the quantity, then the
    /// threshold and the amount of that step.
    HighestStep(Operator),
    /// Price times units.
    PerUnit,
    /// Read off the straight line between points. Operands: the quantity, then place and amount of
    /// each point used, which are none beyond the ends where nothing is paid.
    Piecewise,
    /// A rate times what it is of.
    RateOn,
    /// The part of the way from the second operand to the third that the first has come, from 0 to 1.
    Attained,
    /// The metrics, each times its weight. Operands: metric and weight, in turn.
    Score,
    /// The pool times the part that its score earns.
    PartOfPool,
    /// A negative amount without a declared clawback pays 0.
    NothingBelowZero,
    /// Raises to a floor, itself raised to whole minor units. Operands: the amount, the floor.
    Floor,
    /// Lowers to a cap, itself cut to whole minor units. Operands: the amount, the cap.
    Cap,
    /// Raises to a floor for each of something. Operands: the amount, the floor, how many.
    FloorPer,
    /// Lowers to a cap for each of something. Operands: the amount, the cap, how many.
    CapPer,
    /// What the cap leaves after what was paid before, never below 0.
    LeftUnderCap,
    /// Adds the lines.
    AddLines,
    /// Takes off what interim payments have paid.
    SetOff(Excess),
    /// Share of the total, cut to whole minor units.
    PayerShare,
    /// Minor units left over by cutting, given to this payer.
    PayerRemainder,
    /// Lowers a payer's part to its cap.
    PayerCap,
    /// What lies beyond the caps of other payers, borne by this one.
    PayerTakesOver,
    /// The total without what lies beyond the payers' caps.
    Unpaid,
}

impl Branch {
    /// Whether it ended without an answer.
    pub fn is_undecided(self) -> bool {
        matches!(self, Self::NotMeasurable | Self::Deferred)
    }
}

impl From<Undecided> for Branch {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Deferred => Self::Deferred,
            Undecided::NotMeasurable => Self::NotMeasurable,
        }
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paid => "paid",
            Self::RepaymentDue => "repayment-due",
            Self::NothingDue => "nothing-due",
            Self::NotMeasurable => "not-measurable",
            Self::Deferred => "deferred",
        })
    }
}

impl Gap {
    /// The gap that prevails when both stand in the way: `not-measurable` over `deferred`, else the first.
    pub(crate) fn prevailing(self, other: Self) -> Self {
        if other.branch > self.branch {
            other
        } else {
            self
        }
    }
}

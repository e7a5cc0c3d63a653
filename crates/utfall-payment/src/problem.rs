//! What is wrong with a contract file: where, and what to do about it.

use std::fmt::{self, Display};
use std::ops::Range;

use crate::input::InputKind;
use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// Everything wrong with a contract, in the order of the file.
///
/// As text it lists one problem per line with line, column and remedy. As a
/// [`miette::Diagnostic`] it has one related diagnostic per problem, on the source.
#[derive(Debug)]
pub struct ContractErrors {
    source: NamedSource<String>,
    problems: Vec<Problem>,
}

/// One problem, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes of the source it concerns.
    pub span: Range<usize>,
}

/// What can be wrong with a contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(
    missing_docs,
    reason = "the fields are named for what they hold, and each message says it"
)]
pub enum ProblemKind {
    /// Not TOML.
    #[error("not valid TOML: {message}")]
    Syntax { message: String },
    /// A key is missing or unknown, or a value has the wrong type.
    #[error("{message}")]
    Shape { message: String },
    /// A key that a contract does not have.
    #[error("unknown key `{key}`, expected one of {expected}")]
    UnknownKey { key: String, expected: String },
    /// A kind of quantity or line that does not exist.
    #[error("unknown kind `{found}`, expected one of {expected}")]
    UnknownKind { found: String, expected: String },
    /// Written for another version of the language.
    #[error("schema `{found}`, expected `{expected}`")]
    Schema {
        found: String,
        expected: &'static str,
    },
    /// A name that could be taken for something else.
    #[error("`{found}` is no {what}")]
    Name { what: &'static str, found: String },
    /// The same name twice.
    #[error("a second {what} called `{name}`")]
    Duplicate { what: &'static str, name: String },
    /// A list that must hold something is empty.
    #[error("no {what}")]
    Empty { what: &'static str },
    /// A quantity that is not defined.
    #[error("unknown quantity `{name}`, expected one of {expected}")]
    UnknownQuantity { name: String, expected: String },
    /// A quantity nothing uses.
    #[error("the quantity `{name}` is used by nothing")]
    UnusedQuantity { name: String },
    /// Quantities that draw on each other in a ring.
    #[error("quantities that depend on each other in a circle: {circle}")]
    Cycle { circle: String },
    /// A constant that has no value.
    #[error("the quantity `{name}` never has a value: {reason}")]
    Undefined { name: String, reason: String },
    /// A figure effects do not have.
    #[error("effects have no figure `{figure}`, expected one of {expected}")]
    UnknownFigure { figure: String, expected: String },
    /// A figure of an effect that no `[[effect]]` declares.
    #[error("`{input}` is a figure of an effect, but no [[effect]] is called `{effect}`")]
    UndeclaredEffect { input: String, effect: String },
    /// A figure read that is not in the effect's `decides-on`.
    #[error("`{input}` is read, but `decides-on` of the effect does not list `{figure}`")]
    UnlistedFigure { input: String, figure: String },
    /// A figure listed in `decides-on` that nothing reads.
    #[error("`decides-on` lists `{figure}`, but no quantity is read from `{input}`")]
    UnreadFigure { input: String, figure: String },
    /// An estimand that does not exist.
    #[error("unknown estimand `{found}`, expected one of ate, att, atc, matched-treated")]
    UnknownEstimand { found: String },
    /// More decimals than any estimate carries.
    #[error("{found} decimals, expected at most {most}")]
    TooManyDecimals { found: u32, most: u32 },
    /// A bound, share or threshold that is not known before the outcome.
    #[error("the {what} depends on the input-fed quantity `{name}`")]
    NotConstant { what: &'static str, name: String },
    /// A band whose bounds leave nothing between them.
    #[error("the band ends at {to}, not above its start {from}")]
    BandEmpty { from: String, to: String },
    /// A band that starts before the one above has ended.
    #[error("the bands overlap: this one starts at {from}, the one before ends at {previous}")]
    BandsOverlap { from: String, previous: String },
    /// A band that starts after the one above has ended.
    #[error("a gap between bands: this one starts at {from}, the one before ends at {previous}")]
    BandGap { from: String, previous: String },
    /// A step that is not above the one before.
    #[error("steps out of order: {threshold} follows {previous}")]
    StepDisorder { threshold: String, previous: String },
    /// Steps are climbed, so only two comparisons make sense.
    #[error("steps cannot be reached by `{found}`")]
    StepOperator { found: String },
    /// A cap below a floor.
    #[error("the cap {cap} is below the floor {floor}")]
    CapBelowFloor { cap: String, floor: String },
    /// A negative number where none can take effect.
    #[error("the {what} is negative, {value}, but the line declares no clawback")]
    NegativeWithoutClawback { what: &'static str, value: String },
    /// An amount finer than the currency.
    #[error("the {what} {value} is finer than {currency}, which has {decimals} decimals")]
    TooFine {
        what: &'static str,
        value: String,
        currency: &'static str,
        decimals: u32,
    },
    /// Payer shares that are not a whole.
    #[error("the payers' shares add up to {sum}, expected 1")]
    SharesDoNotAddUp { sum: String },
    /// A payer without a share.
    #[error("the payer `{name}` has no share")]
    PayerWithoutShare { name: String },
    /// A share for someone who does not pay.
    #[error("`{name}` has a share but is not a payer")]
    ShareWithoutPayer { name: String },
    /// Several payers and no rule for what is left over.
    #[error("more than one payer, but no remainder rule")]
    RemainderMissing,
    /// A rule for what is left over, where nothing can be.
    #[error("a remainder rule, but fewer than two payers")]
    RemainderUnused,
    /// A line that is not defined.
    #[error("unknown line `{name}`, expected one of {expected}")]
    UnknownLine { name: String, expected: String },
    /// A line that comes after the one that refers to it.
    #[error("the line `{name}` is not decided before this one")]
    LaterLine { name: String },
    /// A text that is no day.
    #[error("`{found}` is not a date")]
    NotADate { found: String },
    /// A date that does not come after the one before.
    #[error("{date} does not come after the date before it")]
    DatesOutOfOrder { date: String },
    /// An amendment that removes what is not there.
    #[error("nothing is called `{name}` in the contract as it stands before this amendment")]
    RemovesNothing { name: String },
    /// A p-value that its own family does not hold.
    #[error("`of` is not one of `among`")]
    NotInFamily,
    /// Amounts where rates are due, or the other way round.
    #[error("{found}")]
    AmountOrRate { found: &'static str },
    /// Points of a piecewise line that go back.
    #[error("points out of order: {at} follows {previous}")]
    PointDisorder { at: String, previous: String },
    /// A jump without a word on which side holds at it, or a word without a jump.
    #[error("{found}")]
    Jump { found: &'static str },
    /// A curve that has no slope to go on with.
    #[error("fewer than two places to draw a line between")]
    NoSlope,
    /// Weights that are not a whole.
    #[error("the weights add up to {sum}, expected 1")]
    WeightsDoNotAddUp { sum: String },
    /// A schedule of performance that leaves scores out.
    #[error("scores from {first} to {last}, expected from 0 to 1")]
    ScoresIncomplete { first: String, last: String },
    /// A fraction that is not between 0 and 1.
    #[error("the {what} is {value}, expected 0 to 1")]
    NotAFraction { what: &'static str, value: String },
    /// A modifier on a line of a kind that it does not fit.
    #[error("`{modifier}` on a line of kind `{kind}`, which pays on no quantity")]
    ModifierUnfit {
        modifier: &'static str,
        kind: &'static str,
    },
    /// What was paid before counts towards a cap, and there is none.
    #[error("`paid-before` without a cap")]
    PaidBeforeWithoutCap,
    /// Claims on a line that has no units to count.
    #[error("`claims` on a line whose price is not known or whose units are not an input")]
    ClaimsWithoutUnits,
    /// A line in two groups.
    #[error("the line `{name}` is in the group `{group}` already")]
    LineInTwoGroups { name: String, group: String },
    /// A cap for a payer and no word on what lies beyond it.
    #[error("a payer has a cap, but there is no `beyond-payer-cap`")]
    BeyondCapMissing,
    /// A word on what lies beyond a payer's cap, and no payer has one.
    #[error("`beyond-payer-cap`, but no payer has a cap")]
    BeyondCapUnused,
    /// An input that is read and that nobody supplies.
    #[error("nobody supplies `{input}`, a {expected} that is read here")]
    Unsupplied {
        input: String,
        expected: InputKind,
        /// Supplied names that may be meant; empty if there are none.
        meant: String,
    },
    /// A condition that is none of the six forms.
    #[error("a condition {found}")]
    ConditionForm { found: String },
}

impl ProblemKind {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Syntax { .. } => "correct the TOML at this place".into(),
            Self::Shape { .. } => {
                "correct the spelling or the type, add what is missing or remove the key".into()
            }
            Self::UnknownKey { .. } => "correct the spelling or remove the key".into(),
            Self::UnknownKind { .. } => "choose one of the kinds named".into(),
            Self::Schema { expected, .. } => format!("write `schema = \"{expected}\"`"),
            Self::Name { .. } => {
                "start with a lower-case letter; go on with lower-case letters, digits and `-` (and `.` in an input)".into()
            }
            Self::Duplicate { .. } => "rename or remove one of them".into(),
            Self::Empty { what } => format!("give at least one of the {what}"),
            Self::UnknownQuantity { name, .. } => {
                format!("define `{name}` with a [[quantity]], or correct the spelling")
            }
            Self::UnusedQuantity { .. } => "use it in a line or remove it".into(),
            Self::Cycle { .. } => "let one of them be an input or a constant".into(),
            Self::Undefined { .. } => "correct the numbers it is made of".into(),
            Self::UnknownFigure { .. } => "name one of the figures an effect has".into(),
            Self::UndeclaredEffect { effect, .. } => format!(
                "add an [[effect]] with name = \"{effect}\" and the estimands it accepts"
            ),
            Self::UnlistedFigure { figure, .. } => {
                format!("add \"{figure}\" to `decides-on`, or read a figure that is listed")
            }
            Self::UnreadFigure { .. } => "remove it from the list, or read it".into(),
            Self::UnknownEstimand { .. } => "name one of the estimands".into(),
            Self::TooManyDecimals { most, .. } => format!("state {most} decimals or fewer"),
            Self::NotConstant { .. } => {
                "write a number, or name a quantity made of constants only".into()
            }
            Self::BandEmpty { .. } => "let `to` be above `from`".into(),
            Self::BandsOverlap { previous, .. } => format!("start the band at {previous}"),
            Self::BandGap { previous, .. } => format!(
                "start the band at {previous}, or write a band with share = 0 between them"
            ),
            Self::StepDisorder { .. } => "list the steps from the lowest threshold up, each once".into(),
            Self::StepOperator { .. } => {
                "write `>=` or `>`; flip the sign of the input if less is better".into()
            }
            Self::CapBelowFloor { .. } => "raise the cap or lower the floor".into(),
            Self::NegativeWithoutClawback { .. } => {
                "write `clawback = true` if money is to be due back, or let the number be 0 or more".into()
            }
            Self::TooFine { .. } => "write the amount in whole minor units".into(),
            Self::SharesDoNotAddUp { .. } => {
                "let the shares add up to exactly 1; thirds are written \"1/3\"".into()
            }
            Self::PayerWithoutShare { .. } => "give the payer a `share`".into(),
            Self::ShareWithoutPayer { .. } => "remove the share, or make it role = \"payer\"".into(),
            Self::RemainderMissing => {
                "write `remainder` as \"largest-remainder\", \"first-payer\" or \"last-payer\"".into()
            }
            Self::RemainderUnused => "remove `remainder`".into(),
            Self::UnknownLine { .. } => "correct the name of the line".into(),
            Self::LaterLine { .. } => "move that line above this one".into(),
            Self::NotADate { .. } => "write the day as \"2025-03-31\"".into(),
            Self::DatesOutOfOrder { .. } => "list the dates from the earliest on, each once".into(),
            Self::RemovesNothing { .. } => "correct the name or remove it from the list".into(),
            Self::NotInFamily => "list it in `among` as well: the family holds every p-value that is tested".into(),
            Self::AmountOrRate { .. } => {
                "write `amount` at every step or point, or `rate` at every one and `rate-on` beside them".into()
            }
            Self::PointDisorder { .. } => {
                "list the points from the lowest up; two at one place make a jump, three do not".into()
            }
            Self::Jump { .. } => {
                "write `at-jump` as \"before\" or \"after\" exactly where two points have one place".into()
            }
            Self::NoSlope => "give two points at different places, or write above = \"last-point\"".into(),
            Self::WeightsDoNotAddUp { .. } => {
                "let the weights add up to exactly 1; thirds are written \"1/3\"".into()
            }
            Self::ScoresIncomplete { .. } => "let the first score be 0 and the last 1".into(),
            Self::NotAFraction { .. } => "write a fraction from 0 to 1, such as 0.33 or \"1/6\"".into(),
            Self::ModifierUnfit { modifier, .. } => format!(
                "remove `{modifier}`, or write the line as one that pays on a quantity"
            ),
            Self::PaidBeforeWithoutCap => "add the cap it counts towards, or remove it".into(),
            Self::ClaimsWithoutUnits => {
                "let the line be per-unit, its price a number in whole minor units and its units an input".into()
            }
            Self::LineInTwoGroups { .. } => "let each line be in one group at most".into(),
            Self::BeyondCapMissing => {
                "write `beyond-payer-cap` as \"unpaid\" or \"other-payers\"".into()
            }
            Self::BeyondCapUnused => "remove `beyond-payer-cap`, or give a payer a cap".into(),
            Self::Unsupplied { meant, .. } => {
                let meant = if meant.is_empty() {
                    String::new()
                } else {
                    format!(" (supplied: {meant})")
                };
                format!(
                    "supply it, correct the name{meant}, or say why it is not there: \
                     {{ unavailable = {{ reason = \"…\", branch = \"deferred\" }} }}"
                )
            }
            Self::ConditionForm { .. } => {
                "write { quantity, operator, value }, { flag, equals }, { text, one-of }, { line, ended }, { all = [..] } or { any = [..] }".into()
            }
        }
    }
}

impl ContractErrors {
    pub(crate) fn new(
        source_name: &str,
        text: &str,
        mut found: Vec<(ProblemKind, Range<usize>)>,
    ) -> Self {
        found.sort_by_key(|(_, span)| (span.start, span.end));
        let problems = found
            .into_iter()
            .map(|(kind, span)| Problem::new(kind, span, text))
            .collect();
        Self {
            source: NamedSource::new(source_name, text.to_owned()),
            problems,
        }
    }

    /// The problems, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What the source was called.
    pub fn source_name(&self) -> &str {
        self.source.name()
    }
}

impl Problem {
    fn new(kind: ProblemKind, span: Range<usize>, text: &str) -> Self {
        let end = span.end.min(text.len());
        let start = span.start.min(end);
        let before = &text.as_bytes()[..start];
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |newline| newline + 1);
        // A continuation byte of UTF-8 starts with 0b10 and is no character of its own.
        let characters = before[line_start..]
            .iter()
            .filter(|&&byte| byte & 0b1100_0000 != 0b1000_0000)
            .count();
        Self {
            kind,
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: characters + 1,
            span: start..end,
        }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.kind, f)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(self.kind.remedy()))
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(None, self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

impl Display for ContractErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(
                f,
                "{separator}{}:{}:{}: {} (remedy: {})",
                self.source.name(),
                problem.line,
                problem.column,
                problem.kind,
                problem.kind.remedy()
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for ContractErrors {}

impl Diagnostic for ContractErrors {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.problems
                .iter()
                .map(|problem| problem as &dyn Diagnostic),
        ))
    }
}

//! The steps of an evaluation, in words short enough for a table.

use utfall_payment::{
    Branch, Decision, Excess, Gap, Named, Operation, Operator, Otherwise, RoundingMode, Sign, Step,
    StepResult, Subject,
};

use crate::number;

/// The heading a step stands under.
pub(crate) fn heading(step: &Step, decision: &Decision) -> String {
    match &step.subject {
        Subject::Contract => "The contract".to_owned(),
        Subject::Effect(_) => "The effects".to_owned(),
        Subject::Quantity(_) => "The quantities".to_owned(),
        Subject::Line(name) => format!("Line: {}", line_title(decision, name)),
        Subject::Group(name) => format!("Lines together: {}", group_title(decision, name)),
        Subject::Total => "The total".to_owned(),
        Subject::Payer(_) => "The payers".to_owned(),
    }
}

/// What a step did, after its name where the heading does not have it.
pub(crate) fn named_operation(step: &Step) -> String {
    match &step.subject {
        Subject::Effect(name) | Subject::Quantity(name) | Subject::Payer(name) => {
            format!("{name}: {}", operation(step))
        }
        Subject::Contract | Subject::Line(_) | Subject::Group(_) | Subject::Total => {
            operation(step)
        }
    }
}

/// A line's title, or its name if the contract gives none.
pub(crate) fn line_title(decision: &Decision, name: &str) -> String {
    let line = decision.lines.iter().find(|line| line.name == name);
    line.and_then(|line| line.title.clone())
        .unwrap_or_else(|| name.to_owned())
}

/// A group's title, or its name if the contract gives none.
fn group_title(decision: &Decision, name: &str) -> String {
    let group = decision.groups.iter().find(|group| group.name == name);
    group
        .and_then(|group| group.title.clone())
        .unwrap_or_else(|| name.to_owned())
}

/// What a step did, with the values it did it to.
pub(crate) fn operation(step: &Step) -> String {
    let all = &step.operands;
    match &step.operation {
        Operation::AcceptEstimand(accepted) => {
            format!(
                "{}; the contract accepts {}",
                named_all(all, ", "),
                accepted.join(", ")
            )
        }
        Operation::CrossOver {
            sign,
            decimals,
            rounding,
        } => {
            format!(
                "{}, {}, {}",
                named_all(all, ", "),
                sign_word(*sign),
                rounded(*decimals, *rounding)
            )
        }
        Operation::Constant => "stated in the contract".to_owned(),
        Operation::Difference | Operation::LeftUnderCap | Operation::Unpaid => {
            named_all(all, " − ")
        }
        Operation::Sum | Operation::Bands | Operation::AddLines => named_all(all, " + "),
        Operation::Product
        | Operation::PerUnit
        | Operation::ShareOf
        | Operation::RateOn
        | Operation::PartOfPool
        | Operation::PayerShare => named_all(all, " × "),
        Operation::Ratio => named_all(all, " ÷ "),
        Operation::RelativeReduction => {
            format!("fall as a fraction of the first: {}", named_all(all, " → "))
        }
        Operation::Minimum => format!("the least of {}", named_all(all, ", ")),
        Operation::Maximum => format!("the greatest of {}", named_all(all, ", ")),
        Operation::Round { decimals, rounding } => {
            format!(
                "{}, {}",
                named_all(all, ", "),
                rounded(*decimals, *rounding)
            )
        }
        Operation::Compare(operator) => named_all(all, &format!(" {} ", operator_sign(*operator))),
        Operation::Flag(expected) => format!("{}; must be {expected}", named_all(all, ", ")),
        Operation::OneOf(accepted) => format!(
            "{}; must be {}",
            named_all(all, ", "),
            accepted.join(" or ")
        ),
        Operation::LineEnded(branch) => format!(
            "{}; must have ended {}",
            named_all(all, ", "),
            branch_words(*branch)
        ),
        Operation::All => format!("every condition must hold: {}", named_all(all, ", ")),
        Operation::Any => format!("at least one condition must hold: {}", named_all(all, ", ")),
        Operation::Requires => "what the line requires to be measurable".to_owned(),
        Operation::When => "the condition for paying".to_owned(),
        Operation::Fixed => format!("the fixed amount {}", named_all(all, ", ")),
        Operation::Band => band(all),
        Operation::HighestStep(operator) => highest_step(*operator, all),
        Operation::NothingBelowZero => {
            format!("{}, and nothing is taken back: 0", named_all(all, ", "))
        }

        Operation::TermsInForce => format!("{}; terms in force", named_all(all, ", ")),
        Operation::FirstAvailable => {
            format!("the first that is measurable of {}", named_all(all, ", "))
        }
        Operation::AdjustedP(rule) => match all.split_first() {
            Some((of, family)) => format!(
                "{} adjusted ({rule}) among {}",
                named(of),
                named_all(family, ", ")
            ),
            None => String::new(),
        },
        Operation::ProbabilityAbove { decimals, rounding } => match all.as_slice() {
            [point, error, threshold] => format!(
                "probability of more than {}, from {} with standard error {}, {}",
                named(threshold),
                named(point),
                named(error),
                rounded(*decimals, *rounding)
            ),
            _ => named_all(all, ", "),
        },
        Operation::Compound => match all.as_slice() {
            [of, rate, periods] => {
                format!("{} × (1 + {})^{}", named(of), named(rate), named(periods))
            }
            _ => named_all(all, ", "),
        },
        Operation::Enough(otherwise) => {
            format!(
                "{}; otherwise {}",
                named_all(all, " ≥ "),
                fallback(*otherwise)
            )
        }
        Operation::DeadweightFraction => {
            format!("{} of it, deadweight", named_all(all, " less "))
        }
        Operation::DeadweightFixed => format!("{}, deadweight", named_all(all, " less ")),
        Operation::Piecewise => points(all),
        Operation::Attained => match all.as_slice() {
            [of, from, to] => format!(
                "part of the way from {} to {} come by {}",
                named(from),
                named(to),
                named(of)
            ),
            _ => named_all(all, ", "),
        },
        Operation::Score => {
            let weighted: Vec<String> = all.chunks(2).map(|pair| named_all(pair, " × ")).collect();
            weighted.join(" + ")
        }
        Operation::SetOff(Excess::Kept) => {
            format!("{}, paid in the interim", named_all(all, " − "))
        }
        Operation::SetOff(Excess::DueBack) => {
            format!(
                "{}, paid in the interim; excess is due back",
                named_all(all, " − ")
            )
        }
        Operation::FloorPer => format!("at least {}", bound_per(all)),
        Operation::CapPer => format!("at most {}", bound_per(all)),
        Operation::PayerCap => bound(
            step,
            "lowered to the payer's cap",
            "not above the payer's cap",
        ),
        Operation::PayerTakesOver => named_all(all, " + "),
        Operation::Floor => bound(step, "raised to the floor", "not below the floor"),
        Operation::Cap => bound(step, "lowered to the cap", "not above the cap"),
        Operation::PayerRemainder => named_all(all, " + "),
    }
}

/// What came of a step.
pub(crate) fn result(step: &Step) -> String {
    match &step.result {
        StepResult::Value(value) => with_unit(&number::written(value), step.unit.as_deref()),
        StepResult::Met => "✓ met".to_owned(),
        StepResult::NotMet => "✗ not met".to_owned(),
        StepResult::Undecided(gap) => gap_words(gap),
    }
}

/// A number and its unit.
pub(crate) fn with_unit(number: &str, unit: Option<&str>) -> String {
    unit.map_or_else(|| number.to_owned(), |unit| format!("{number} {unit}"))
}

/// Why something has no value, such as `not measurable: too few units`.
pub(crate) fn gap_words(gap: &Gap) -> String {
    format!("{}: {}", branch_words(Branch::from(gap.branch)), gap.reason)
}

/// A branch in words.
pub(crate) fn branch_words(branch: Branch) -> &'static str {
    match branch {
        Branch::Paid => "paid",
        Branch::RepaymentDue => "repayment due",
        Branch::NothingDue => "nothing due",
        Branch::NotMeasurable => "not measurable",
        Branch::Deferred => "deferred",
    }
}

/// The sign of a comparison.
pub(crate) fn operator_sign(operator: Operator) -> &'static str {
    match operator {
        Operator::AtLeast => "≥",
        Operator::MoreThan => ">",
        Operator::AtMost => "≤",
        Operator::LessThan => "<",
        Operator::Equal => "=",
    }
}

/// An operand with its name; a number of the contract has none.
fn named(operand: &Named) -> String {
    let value = number::written(&operand.value);
    if operand.name.is_empty() {
        value
    } else {
        format!("{} {value}", operand.name)
    }
}

fn named_all(operands: &[Named], between: &str) -> String {
    operands.iter().map(named).collect::<Vec<_>>().join(between)
}

/// What happens where there are too few units.
fn fallback(otherwise: Otherwise) -> &'static str {
    match otherwise {
        Otherwise::NotMeasurable => "not measurable",
        Otherwise::Deferred => "deferred",
        Otherwise::NothingDue => "nothing due",
        Otherwise::Amount => "a stated amount",
    }
}

/// Operands: the quantity, then place and amount of each point it was read off.
fn points(operands: &[Named]) -> String {
    match operands {
        [of, from, low, to, high] => format!(
            "{} on the line from {} at {} to {} at {}",
            named(of),
            named(low),
            named(from),
            named(high),
            named(to)
        ),
        [of, at, amount] => format!("{} at {}: {}", named(of), named(at), named(amount)),
        _ => format!("{}, beyond the points", named_all(operands, ", ")),
    }
}

/// Operands: the amount, the bound for each, how many.
fn bound_per(operands: &[Named]) -> String {
    match operands {
        [amount, bound, of] => format!(
            "{} for each of {}: {}",
            named(bound),
            named(of),
            named(amount)
        ),
        _ => named_all(operands, ", "),
    }
}

/// Operands: the quantity, the lower bound, the upper bound unless open above, the share.
fn band(operands: &[Named]) -> String {
    match operands {
        [of, from, to, share] => {
            format!(
                "part of {} between {} and {}, × {}",
                named(of),
                named(from),
                named(to),
                named(share)
            )
        }
        [of, from, share] => format!(
            "part of {} above {}, × {}",
            named(of),
            named(from),
            named(share)
        ),
        _ => named_all(operands, ", "),
    }
}

fn highest_step(operator: Operator, operands: &[Named]) -> String {
    match operands {
        [of, threshold, amount] => {
            format!(
                "{} {} {} pays {}",
                named(of),
                operator_sign(operator),
                named(threshold),
                named(amount)
            )
        }
        _ => format!("{} reaches no step", named_all(operands, ", ")),
    }
}

/// A floor or cap, and whether it changed the amount.
fn bound(step: &Step, changed: &str, unchanged: &str) -> String {
    match step.operands.as_slice() {
        [amount, bound] => {
            let words = if did_something(step) {
                changed
            } else {
                unchanged
            };
            format!("{} {words} {}", named(amount), named(bound))
        }
        operands => named_all(operands, ", "),
    }
}

/// Whether a step that may leave its first operand as it was did not.
pub(crate) fn did_something(step: &Step) -> bool {
    match (&step.operation, step.operands.first(), &step.result) {
        (
            Operation::Floor
            | Operation::Cap
            | Operation::NothingBelowZero
            | Operation::Round { .. },
            Some(Named { value, .. }),
            StepResult::Value(after),
        ) => value != after,
        _ => true,
    }
}

fn sign_word(sign: Sign) -> &'static str {
    match sign {
        Sign::Keep => "sign kept",
        Sign::Flip => "sign turned",
    }
}

fn rounded(decimals: u32, rounding: RoundingMode) -> String {
    let plural = if decimals == 1 { "" } else { "s" };
    let rounding = rounding.to_string().replace('-', " ");
    format!("rounded to {decimals} decimal{plural}, {rounding}")
}

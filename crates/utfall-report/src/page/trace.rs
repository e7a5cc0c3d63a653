//! The steps of an evaluation, in words short enough for a table.

use utfall_payment::{
    Branch, Decision, Gap, Named, Operation, Operator, RoundingMode, Sign, Step, StepResult,
    Subject,
};

use crate::number;

/// What a step is about, as a heading of its row.
pub(crate) fn subject(step: &Step, decision: &Decision) -> String {
    match &step.subject {
        Subject::Effect(name) => format!("effect {name}"),
        Subject::Quantity(name) => name.clone(),
        Subject::Line(name) => line_title(decision, name),
        Subject::Payer(name) => name.clone(),
        Subject::Total => "total".to_owned(),
    }
}

/// A line's title, or its name if the contract gives none.
pub(crate) fn line_title(decision: &Decision, name: &str) -> String {
    let line = decision.lines.iter().find(|line| line.name == name);
    line.and_then(|line| line.title.clone())
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
        Operation::Difference => named_all(all, " − "),
        Operation::Sum | Operation::Bands | Operation::AddLines => named_all(all, " + "),
        Operation::Product | Operation::PerUnit | Operation::ShareOf | Operation::PayerShare => {
            named_all(all, " × ")
        }
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
        Operation::Requires => "the line can be measured".to_owned(),
        Operation::When => "the gate of the line".to_owned(),
        Operation::Fixed => with_values("fixed amount", all),
        Operation::Band => band(all),
        Operation::HighestStep(operator) => highest_step(*operator, all),
        Operation::NothingBelowZero => with_values("nothing below 0, for want of a clawback", all),
        Operation::Floor => with_values("raised to the floor where lower", all),
        Operation::Cap => with_values("lowered to the cap where higher", all),
        Operation::PayerRemainder => with_values("minor units left over by cutting", all),
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

/// An operand with its name, unless its name is only the role a number of the contract plays.
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

fn with_values(what: &str, operands: &[Named]) -> String {
    if operands.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {}", named_all(operands, ", "))
    }
}

/// Operands: the quantity, `from`, `to` unless the band is open above, and `share`.
fn band(operands: &[Named]) -> String {
    let quantity = operands.first().map(named).unwrap_or_default();
    let term = |name: &str| {
        let found = operands.iter().skip(1).find(|operand| operand.name == name);
        found.map(|operand| number::written(&operand.value))
    };
    let (from, share) = (
        term("from").unwrap_or_default(),
        term("share").unwrap_or_default(),
    );
    match term("to") {
        Some(to) => format!("part of {quantity} between {from} and {to}, × {share}"),
        None => format!("part of {quantity} above {from}, × {share}"),
    }
}

fn highest_step(operator: Operator, operands: &[Named]) -> String {
    let quantity = operands.first().map(named).unwrap_or_default();
    match operands {
        [_, threshold, amount] => format!(
            "{quantity} {} {}: {}",
            operator_sign(operator),
            number::written(&threshold.value),
            number::written(&amount.value)
        ),
        _ => format!("{quantity} reaches no step"),
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

//! A decision in sentences, one for each step of its trace and one for how it ended.

use crate::contract::{Operator, Sign};
use crate::decision::{
    Branch, Decision, Gap, LineDecision, Named, Operation, Step, StepResult, Subject,
};
use crate::input::Undecided;

/// English sentences: every step in order, with its numbers, then the distance to each threshold,
/// what each line came to, and the total.
pub fn explain(decision: &Decision) -> Vec<String> {
    let mut sentences: Vec<String> = decision.trace.iter().map(sentence).collect();
    for threshold in &decision.thresholds {
        let Some(distance) = &threshold.distance else {
            continue;
        };
        sentences.push(format!(
            "Distance: in {}, {} is {distance} from the threshold {}.",
            threshold.line,
            threshold.quantity,
            threshold.threshold.as_deref().unwrap_or("")
        ));
    }
    sentences.extend(decision.lines.iter().map(line_sentence));
    sentences.push(total_sentence(decision));
    sentences
}

fn sentence(step: &Step) -> String {
    let subject = match &step.subject {
        Subject::Effect(name) => format!("Effect {name}"),
        Subject::Quantity(name) => format!("Quantity {name}"),
        Subject::Line(name) => format!("Line {name}"),
        Subject::Payer(name) => format!("Payer {name}"),
        Subject::Total => "Total".to_owned(),
    };
    let done = operation(&step.operation, &step.operands);
    let result = match &step.result {
        StepResult::Value(value) => match &step.unit {
            Some(unit) => format!("gives {value} {unit}"),
            None => format!("gives {value}"),
        },
        StepResult::Met => "holds".to_owned(),
        StepResult::NotMet => "does not hold".to_owned(),
        StepResult::Undecided(gap) => gap_text(gap),
    };
    format!("{subject}: {done}: {result}.")
}

fn operation(operation: &Operation, operands: &[Named]) -> String {
    let all = |separator: &str| {
        let shown: Vec<String> = operands.iter().map(shown).collect();
        shown.join(separator)
    };
    let (first, second) = (nth(operands, 0), nth(operands, 1));
    match operation {
        Operation::AcceptEstimand(accepted) => {
            format!("{first} must be one of {}", accepted.join(", "))
        }
        Operation::CrossOver {
            sign,
            decimals,
            rounding,
        } => {
            let sign = match sign {
                Sign::Keep => "with its sign kept",
                Sign::Flip => "with its sign flipped",
            };
            format!("{first} is taken in {sign} and rounded {rounding} to {decimals} decimals")
        }
        Operation::Constant => "the contract states it".to_owned(),
        Operation::Difference => format!("{first} less {second}"),
        Operation::Sum => format!("the sum of {}", all(", ")),
        Operation::Product => all(" times "),
        Operation::Ratio => format!("{first} divided by {second}"),
        Operation::RelativeReduction => {
            format!("the fall from {first} to {second} as a fraction of the former")
        }
        Operation::ShareOf => format!("{first} times {second}"),
        Operation::Minimum => format!("the least of {}", all(", ")),
        Operation::Maximum => format!("the greatest of {}", all(", ")),
        Operation::Round { decimals, rounding } => {
            format!("{first} is rounded {rounding} to {decimals} decimals")
        }
        Operation::Compare(operator) => {
            format!("{first} must be {} {second}", comparison(*operator))
        }
        Operation::Flag(equals) => format!("{first} must be {equals}"),
        Operation::OneOf(words) => format!("{first} must be one of {}", words.join(", ")),
        Operation::LineEnded(branch) => format!("line {first} must have ended {branch}"),
        Operation::All => format!("every condition must hold: {}", all(", ")),
        Operation::Any => format!("one condition or more must hold: {}", all(", ")),
        Operation::Requires => "its requirement for being measurable".to_owned(),
        Operation::When => "its condition for paying".to_owned(),
        Operation::Fixed => format!("a fixed amount, {first}"),
        Operation::Band => band(operands),
        Operation::Bands => format!("the bands together, {}", all(" plus ")),
        Operation::HighestStep(operator) => highest_step(*operator, operands),
        Operation::PerUnit => format!("{first} times {second}"),
        Operation::NothingBelowZero => {
            format!("{first} is below zero and the contract takes nothing back")
        }
        Operation::Floor => format!("{first}, but at least {second}"),
        Operation::Cap => format!("{first}, but at most {second}"),
        Operation::AddLines => format!("the lines together, {}", all(" plus ")),
        Operation::PayerShare => {
            format!("{first} times {second}, cut to whole minor units")
        }
        Operation::PayerRemainder => format!("{first} plus {second}"),
    }
}

fn band(operands: &[Named]) -> String {
    let quantity = nth(operands, 0);
    match operands {
        [_, from, to, share] => format!(
            "the part of {quantity} between {} and {}, times {}",
            shown(from),
            shown(to),
            shown(share)
        ),
        [_, from, share] => {
            format!(
                "the part of {quantity} above {}, times {}",
                shown(from),
                shown(share)
            )
        }
        _ => quantity,
    }
}

fn highest_step(operator: Operator, operands: &[Named]) -> String {
    let quantity = nth(operands, 0);
    match (operands.get(1), operands.get(2)) {
        (Some(threshold), Some(amount)) => format!(
            "{quantity} reaches the step {operator} {}, which pays {}",
            threshold.value,
            shown(amount)
        ),
        _ => format!("{quantity} reaches no step"),
    }
}

fn line_sentence(line: &LineDecision) -> String {
    let name = line.title.as_deref().unwrap_or(&line.name);
    match (&line.gap, &line.amount) {
        (Some(gap), _) => format!(
            "{name}: {}; it pays nothing in this decision.",
            gap_text(gap)
        ),
        (None, Some(amount)) => format!("{name}: {}, {amount}.", ended(line.branch)),
        (None, None) => format!(
            "{name}: {}, {} before rounding.",
            ended(line.branch),
            line.exact
        ),
    }
}

fn total_sentence(decision: &Decision) -> String {
    let title = &decision.contract.title;
    let total = decision.total;
    let mut sentence = match decision.branch {
        Branch::Paid => format!("{title}: {total} is paid"),
        Branch::RepaymentDue => format!("{title}: {total}, due back"),
        Branch::NothingDue => format!("{title}: nothing is due"),
        Branch::NotMeasurable => format!("{title}: not measurable, so nothing is paid"),
        Branch::Deferred => format!("{title}: deferred, so nothing is paid yet"),
    };
    if !decision.undecided.is_empty() {
        sentence.push_str(&format!(
            "; left undecided: {}",
            decision.undecided.join(", ")
        ));
    }
    sentence.push('.');
    sentence
}

fn ended(branch: Branch) -> &'static str {
    match branch {
        Branch::Paid => "paid",
        Branch::RepaymentDue => "due back",
        Branch::NothingDue => "nothing due",
        Branch::NotMeasurable => "not measurable",
        Branch::Deferred => "deferred",
    }
}

fn comparison(operator: Operator) -> &'static str {
    match operator {
        Operator::AtLeast => "at least",
        Operator::MoreThan => "more than",
        Operator::AtMost => "at most",
        Operator::LessThan => "less than",
        Operator::Equal => "exactly",
    }
}

fn gap_text(gap: &Gap) -> String {
    match gap.branch {
        Undecided::NotMeasurable => format!("not measurable, because {}", gap.reason),
        Undecided::Deferred => format!("deferred, because {}", gap.reason),
    }
}

fn nth(operands: &[Named], index: usize) -> String {
    operands.get(index).map(shown).unwrap_or_default()
}

/// A number of the contract by its value alone, everything else with its name.
fn shown(operand: &Named) -> String {
    if operand.name.is_empty() {
        return operand.value.clone();
    }
    format!("{} ({})", operand.name, operand.value)
}

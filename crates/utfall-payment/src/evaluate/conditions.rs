//! Gates: conditions that hold, do not hold, or cannot be told.
//!
//! `all` fails as soon as one condition does, `any` holds as soon as one does, whatever cannot be
//! told among the rest. Every condition is evaluated all the same, so that the trace has them all.

use num_rational::BigRational;

use super::{Evaluation, Known, not_measurable};
use crate::contract::Operator;
use crate::contract::terms::{Condition, Operand};
use crate::decision::{
    Branch, ConditionResult, Gap, Named, Operation, StepResult, Subject, Threshold,
};
use crate::input::{Input, InputKind};
use crate::number;

impl Evaluation<'_> {
    /// Evaluates a condition of `line`, and notes each comparison, flag and text in `noted`.
    pub(super) fn condition(
        &mut self,
        line: &str,
        condition: &Condition,
        noted: &mut Vec<ConditionResult>,
    ) -> StepResult {
        let (text, operation, operands, result) = match condition {
            Condition::All(all) => return self.several(line, Operation::All, all, noted),
            Condition::Any(any) => return self.several(line, Operation::Any, any, noted),
            Condition::Compare {
                quantity,
                operator,
                value,
            } => self.compare(line, &Operand::Quantity(*quantity), *operator, value),
            Condition::Flag { name, equals } => self.flag(name, *equals),
            Condition::Text { name, one_of } => self.text(name, one_of),
            Condition::Ended { line, branch } => self.ended(*line, *branch),
        };
        noted.push(ConditionResult {
            text,
            result: result.clone(),
        });
        let subject = Subject::Line(line.to_owned());
        self.step(subject, operation, operands, result.clone(), None);
        result
    }

    fn several(
        &mut self,
        line: &str,
        operation: Operation,
        conditions: &[Condition],
        noted: &mut Vec<ConditionResult>,
    ) -> StepResult {
        let results: Vec<StepResult> = conditions
            .iter()
            .map(|condition| self.condition(line, condition, noted))
            .collect();
        let (settles, otherwise) = match operation {
            Operation::Any => (StepResult::Met, StepResult::NotMet),
            _ => (StepResult::NotMet, StepResult::Met),
        };
        let operands = results
            .iter()
            .enumerate()
            .map(|(index, result)| Named {
                name: format!("condition {}", index + 1),
                value: verdict(result),
            })
            .collect();
        let result = if results.contains(&settles) {
            settles
        } else {
            prevailing_gap(results).map_or(otherwise, StepResult::Undecided)
        };
        let subject = Subject::Line(line.to_owned());
        self.step(subject, operation, operands, result.clone(), None);
        result
    }

    fn compare(
        &mut self,
        line: &str,
        quantity: &Operand,
        operator: Operator,
        value: &Operand,
    ) -> Evaluated {
        let operands = vec![self.named(quantity), self.named(value)];
        let right = match value {
            Operand::Literal(_) => operands[1].value.clone(),
            Operand::Quantity(_) => operands[1].name.clone(),
        };
        let text = format!("{} {operator} {right}", operands[0].name);
        let (left, right) = (self.value(quantity), self.value(value));
        let met = self.note_threshold(line, &operands[0].name, &left, operator, &right);
        let result = match met {
            Some(met) => holds(met),
            None => {
                let gaps = [left, right].into_iter().filter_map(Result::err);
                gaps.reduce(Gap::prevailing)
                    .map_or(StepResult::NotMet, StepResult::Undecided)
            }
        };
        (text, Operation::Compare(operator), operands, result)
    }

    /// Writes a threshold down with the distance to it, and says whether it was met.
    pub(super) fn note_threshold(
        &mut self,
        line: &str,
        quantity: &str,
        value: &Known,
        operator: Operator,
        threshold: &Known,
    ) -> Option<bool> {
        let pair = value.as_ref().ok().zip(threshold.as_ref().ok());
        let met = pair.map(|(value, threshold)| operator.holds(value, threshold));
        let is_silent = self.is_silent;
        let written = |value: &BigRational| (!is_silent).then(|| number::text(value));
        self.thresholds.push(Threshold {
            line: line.to_owned(),
            quantity: quantity.to_owned(),
            value: value.as_ref().ok().and_then(written),
            operator,
            threshold: threshold.as_ref().ok().and_then(written),
            distance: pair.and_then(|(value, threshold)| written(&(value - threshold))),
            met,
        });
        met
    }

    fn flag(&self, name: &str, equals: bool) -> Evaluated {
        let (value, result) = match self.input(name, InputKind::Flag) {
            Err(gap) => (gap.branch.to_string(), StepResult::Undecided(gap)),
            Ok(Input::Flag(found)) => (found.to_string(), holds(*found == equals)),
            Ok(other) => wrong_kind(name, other),
        };
        let operands = vec![Named {
            name: name.to_owned(),
            value,
        }];
        let text = format!("{name} = {equals}");
        (text, Operation::Flag(equals), operands, result)
    }

    fn text(&self, name: &str, one_of: &[String]) -> Evaluated {
        let (value, result) = match self.input(name, InputKind::Text) {
            Err(gap) => (gap.branch.to_string(), StepResult::Undecided(gap)),
            Ok(Input::Text(found)) => (found.clone(), holds(one_of.contains(found))),
            Ok(other) => wrong_kind(name, other),
        };
        let operands = vec![Named {
            name: name.to_owned(),
            value,
        }];
        let text = format!("{name} is one of {}", one_of.join(", "));
        (text, Operation::OneOf(one_of.to_vec()), operands, result)
    }

    /// An undecided line leaves open whether it pays, unless being undecided is what is asked.
    fn ended(&self, line: usize, branch: Branch) -> Evaluated {
        let decision = &self.lines[line];
        let operands = vec![Named {
            name: decision.name.clone(),
            value: decision.branch.to_string(),
        }];
        let text = format!("{} ended {branch}", decision.name);
        let result = match &decision.gap {
            Some(gap) if !branch.is_undecided() => StepResult::Undecided(gap.clone()),
            _ => holds(decision.branch == branch),
        };
        (text, Operation::LineEnded(branch), operands, result)
    }
}

/// A condition in words, the operation, its operands, the result.
type Evaluated = (String, Operation, Vec<Named>, StepResult);

fn holds(met: bool) -> StepResult {
    if met {
        StepResult::Met
    } else {
        StepResult::NotMet
    }
}

fn wrong_kind(name: &str, input: &Input) -> (String, StepResult) {
    let found = input.description();
    let gap = not_measurable(&format!("the input {name} is {found}"));
    (found.to_owned(), StepResult::Undecided(gap))
}

/// A result in one word.
pub(super) fn verdict(result: &StepResult) -> String {
    match result {
        StepResult::Met => "met".to_owned(),
        StepResult::NotMet => "not-met".to_owned(),
        StepResult::Undecided(gap) => gap.branch.to_string(),
        StepResult::Value(value) => value.clone(),
    }
}

fn prevailing_gap(results: Vec<StepResult>) -> Option<Gap> {
    results
        .into_iter()
        .filter_map(|result| match result {
            StepResult::Undecided(gap) => Some(gap),
            _ => None,
        })
        .reduce(Gap::prevailing)
}

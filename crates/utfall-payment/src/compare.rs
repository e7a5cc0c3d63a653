//! Two decisions side by side: which amounts moved, and which operands moved them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::decision::{Decision, Named, Operation, Step, StepResult, Subject};

/// What differs between two decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DecisionDifference {
    /// Lines whose amount or ending differs, then groups, then the total.
    pub amounts: Vec<Moved>,
    /// What comes from outside the contract and differs: the operands that moved the amounts.
    pub causes: Vec<Moved>,
    /// Results that differ on the way from the one to the other, in the order of the trace.
    pub steps: Vec<Moved>,
}

/// Something that was one thing and is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// What it is.
    pub name: String,
    /// What it was; `absent` if there was none.
    pub before: String,
    /// What it is now.
    pub after: String,
}

/// What differs between two decisions, usually of one contract.
pub fn compare(before: &Decision, after: &Decision) -> DecisionDifference {
    let (old, new) = (numbered(before), numbered(after));
    let mut difference = DecisionDifference {
        amounts: amounts(before, after),
        ..DecisionDifference::default()
    };
    for (place, step) in &new {
        let Some(earlier) = old.get(place) else {
            difference
                .steps
                .push(moved(&place.name(), "absent", &result(step)));
            continue;
        };
        if from_outside(&step.operation) {
            for (operand, was) in step.operands.iter().zip(&earlier.operands) {
                note(&mut difference.causes, operand, was);
            }
        }
        let (was, is) = (result(earlier), result(step));
        if was != is {
            difference.steps.push(moved(&place.name(), &was, &is));
        }
    }
    let gone = old.iter().filter(|(place, _)| !new.contains_key(place));
    difference
        .steps
        .extend(gone.map(|(place, step)| moved(&place.name(), &result(step), "absent")));
    difference
}

/// A step's place: what it is about, and the how manieth about that it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Kinds of subject in the order in which they are evaluated.
    kind: u8,
    subject: String,
    number: usize,
}

impl Place {
    fn name(&self) -> String {
        let kinds = [
            "terms", "effect", "quantity", "line", "group", "total", "payer",
        ];
        let kind = kinds[usize::from(self.kind)];
        if self.subject.is_empty() {
            return format!("{kind}, step {}", self.number);
        }
        format!("{kind} {}, step {}", self.subject, self.number)
    }
}

fn numbered(decision: &Decision) -> BTreeMap<Place, &Step> {
    let mut counts: BTreeMap<(u8, String), usize> = BTreeMap::new();
    let place = |step| {
        let (kind, subject) = subject(step);
        let number = counts.entry((kind, subject.clone())).or_default();
        *number += 1;
        let place = Place {
            kind,
            subject,
            number: *number,
        };
        (place, step)
    };
    decision.trace.iter().map(place).collect()
}

fn subject(step: &Step) -> (u8, String) {
    match &step.subject {
        Subject::Contract => (0, String::new()),
        Subject::Effect(name) => (1, name.clone()),
        Subject::Quantity(name) => (2, name.clone()),
        Subject::Line(name) => (3, name.clone()),
        Subject::Group(name) => (4, name.clone()),
        Subject::Total => (5, String::new()),
        Subject::Payer(name) => (6, name.clone()),
    }
}

/// Whether a step's operands come from outside the contract, or are numbers that it states.
fn from_outside(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::TermsInForce
            | Operation::AcceptEstimand(_)
            | Operation::CrossOver { .. }
            | Operation::Constant
            | Operation::Flag(_)
            | Operation::OneOf(_)
    )
}

fn note(causes: &mut Vec<Moved>, operand: &Named, was: &Named) {
    let name = if operand.name.is_empty() {
        "a number of the contract"
    } else {
        &operand.name
    };
    let cause = moved(name, &was.value, &operand.value);
    if was.value != operand.value && !causes.contains(&cause) {
        causes.push(cause);
    }
}

fn result(step: &Step) -> String {
    match &step.result {
        StepResult::Value(value) => value.clone(),
        StepResult::Met => "met".to_owned(),
        StepResult::NotMet => "not met".to_owned(),
        StepResult::Undecided(gap) => gap.reason.clone(),
    }
}

fn amounts(before: &Decision, after: &Decision) -> Vec<Moved> {
    let lines = |decision: &Decision| -> BTreeMap<String, String> {
        let lines = decision.lines.iter();
        lines
            .map(|line| {
                (
                    line.name.clone(),
                    format!("{} ({})", line.exact, line.branch),
                )
            })
            .collect()
    };
    let (mut old, new) = (lines(before), lines(after));
    let mut amounts = Vec::new();
    for line in &after.lines {
        let was = old.remove(&line.name);
        let was = was.as_deref().unwrap_or("absent");
        amounts.push(moved(&format!("line {}", line.name), was, &new[&line.name]));
    }
    amounts.extend(
        old.iter()
            .map(|(name, was)| moved(&format!("line {name}"), was, "absent")),
    );
    let groups = |decision: &Decision| -> BTreeMap<String, String> {
        let groups = decision.groups.iter();
        groups
            .map(|group| {
                let amount = format!("{} ({})", group.exact, group.branch);
                (group.name.clone(), amount)
            })
            .collect()
    };
    let (old, new) = (groups(before), groups(after));
    let absent = || "absent".to_owned();
    for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let [was, is] = [&old, &new].map(|all| all.get(name).cloned().unwrap_or_else(absent));
        amounts.push(moved(&format!("group {name}"), &was, &is));
    }
    let total = |decision: &Decision| format!("{} ({})", decision.total, decision.branch);
    amounts.push(moved("total", &total(before), &total(after)));
    amounts.retain(|amount| amount.before != amount.after);
    amounts
}

fn moved(name: &str, before: &str, after: &str) -> Moved {
    Moved {
        name: name.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Contract, Input, Inputs};

    const CONTRACT: &str = include_str!("../../../pipelines/hemmasittare/contract.toml");

    #[test]
    fn an_amount_is_traced_to_the_input_that_moved_it() {
        let contract = Contract::from_toml("contract.toml", CONTRACT).unwrap();
        let decide = |point: &str| {
            let inputs: Inputs = contract
                .required_inputs()
                .into_keys()
                .map(|name| {
                    let value = match name.rsplit('.').next() {
                        Some("estimand") => Input::Text("att".into()),
                        Some("n-treated") => Input::Number("221".into()),
                        Some("passed" | "gate-passed") => Input::Flag(true),
                        _ => Input::Number(point.into()),
                    };
                    (name, value)
                })
                .collect();
            contract.evaluate(&inputs)
        };
        let (one, other) = (decide("-0.062"), decide("-0.031"));
        let same = compare(&one, &one);
        assert_eq!(same, DecisionDifference::default());
        let difference = compare(&one, &other);
        assert!(!difference.causes.is_empty());
        assert!(
            difference
                .causes
                .iter()
                .all(|cause| cause.before == "-0.062" && cause.after == "-0.031"),
            "{difference:?}"
        );
        assert!(!difference.steps.is_empty());
    }
}

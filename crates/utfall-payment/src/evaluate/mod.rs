//! Evaluation: inputs in, decision out, every step written down.
//!
//! Effects are accepted, quantities computed, lines decided in the contract's order, the total
//! bounded and split. Nothing here fails: what has no value carries the reason along as a
//! [`Gap`], and ends in a named branch.

mod conditions;
mod lines;
mod quantities;
mod total;

use num_rational::BigRational;

use crate::contract::terms::{Operand, Terms};
use crate::decision::{
    Branch, ContractName, Decision, Gap, LineDecision, Named, Operation, Step, StepResult, Subject,
    Threshold,
};
use crate::input::{Input, InputKind, Inputs, Undecided};
use crate::number;

/// Decides what the terms pay for the inputs.
pub(crate) fn evaluate(terms: &Terms, inputs: &Inputs) -> Decision {
    let mut evaluation = Evaluation {
        terms,
        inputs,
        effects: Vec::new(),
        values: vec![None; terms.quantities.len()],
        amounts: Vec::new(),
        lines: Vec::new(),
        thresholds: Vec::new(),
        trace: Vec::new(),
    };
    evaluation.accept_effects();
    evaluation.compute_quantities();
    for line in &terms.lines {
        evaluation.decide_line(line);
    }
    let (total, branch) = evaluation.decide_total();
    let payers = evaluation.split(total);
    let undecided = evaluation
        .lines
        .iter()
        .filter(|line| line.branch.is_undecided())
        .map(|line| line.name.clone())
        .collect();
    Decision {
        contract: ContractName {
            name: terms.name.clone(),
            title: terms.title.clone(),
        },
        branch,
        total,
        lines: evaluation.lines,
        undecided,
        payers,
        thresholds: evaluation.thresholds,
        trace: evaluation.trace,
    }
}

/// An exact value, or why there is none.
type Known = Result<BigRational, Gap>;

struct Evaluation<'a> {
    terms: &'a Terms,
    inputs: &'a Inputs,
    /// For each effect, why its figures may not be used.
    effects: Vec<Option<Gap>>,
    /// For each quantity, once it has been computed.
    values: Vec<Option<Known>>,
    /// For each line decided so far, its exact amount; 0 if undecided.
    amounts: Vec<BigRational>,
    lines: Vec<LineDecision>,
    thresholds: Vec<Threshold>,
    trace: Vec<Step>,
}

impl Evaluation<'_> {
    fn value(&self, operand: &Operand) -> Known {
        match operand {
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Quantity(index) => match &self.values[*index] {
                Some(known) => known.clone(),
                None => Err(not_measurable("it was not computed")),
            },
        }
    }

    /// All values, or the gap that prevails among them.
    fn values<'o>(
        &self,
        operands: impl IntoIterator<Item = &'o Operand>,
    ) -> Result<Vec<BigRational>, Gap> {
        let mut values = Vec::new();
        let mut gap: Option<Gap> = None;
        for operand in operands {
            match self.value(operand) {
                Ok(value) => values.push(value),
                Err(next) => {
                    gap = Some(match gap {
                        Some(gap) => gap.prevailing(next),
                        None => next,
                    });
                }
            }
        }
        gap.map_or(Ok(values), Err)
    }

    /// An operand for the trace; a number of the contract has no name.
    fn named(&self, operand: &Operand) -> Named {
        let name = match operand {
            Operand::Literal(_) => String::new(),
            Operand::Quantity(index) => self.terms.quantities[*index].name.clone(),
        };
        Named {
            name,
            value: shown(&self.value(operand)),
        }
    }

    fn step(
        &mut self,
        subject: Subject,
        operation: Operation,
        operands: Vec<Named>,
        result: StepResult,
        unit: Option<&str>,
    ) {
        self.trace.push(Step {
            subject,
            operation,
            operands,
            result,
            unit: unit.map(str::to_owned),
        });
    }

    /// A step whose result is money.
    fn money_step(
        &mut self,
        subject: &Subject,
        operation: Operation,
        operands: Vec<Named>,
        result: &Known,
    ) {
        let unit = Some(self.terms.currency.code());
        self.step(
            subject.clone(),
            operation,
            operands,
            step_result(result),
            unit,
        );
    }

    /// Raises to the floor, then lowers to the cap; a cap or floor is cut to whole minor units,
    /// down and up, so that neither can be overstepped. The cap prevails.
    fn bounded(
        &mut self,
        subject: &Subject,
        mut amount: BigRational,
        floor: Option<&Operand>,
        cap: Option<&Operand>,
    ) -> Known {
        use crate::rounding::RoundingMode::{Ceiling, Floor};
        let decimals = self.terms.currency.exponent();
        for (role, bound, cut) in [("floor", floor, Ceiling), ("cap", cap, Floor)] {
            let Some(bound) = bound else { continue };
            let is_cap = role == "cap";
            let limit = self
                .value(bound)
                .map(|limit| cut.to_decimals(&limit, decimals));
            let bounded = limit.map(|limit| {
                if is_cap {
                    amount.clone().min(limit)
                } else {
                    amount.clone().max(limit)
                }
            });
            let operands = vec![named_value("amount", &amount), self.named(bound)];
            let operation = if is_cap {
                Operation::Cap
            } else {
                Operation::Floor
            };
            self.money_step(subject, operation, operands, &bounded);
            amount = bounded?;
        }
        Ok(amount)
    }

    /// Reads an input of the kind expected.
    fn input(&self, name: &str, expected: InputKind) -> Result<&Input, Gap> {
        match self.inputs.get(name) {
            None => Err(not_measurable(&format!(
                "the input {name} was not supplied"
            ))),
            Some(Input::Unavailable { reason, branch }) => Err(Gap {
                branch: *branch,
                reason: format!("the input {name} is unavailable: {reason}"),
            }),
            Some(input) => match (input, expected) {
                (Input::Number(_), InputKind::Number)
                | (Input::Flag(_), InputKind::Flag)
                | (Input::Text(_), InputKind::Text) => Ok(input),
                _ => Err(not_measurable(&format!(
                    "the input {name} is {}, expected a {expected}",
                    input.description()
                ))),
            },
        }
    }
}

fn not_measurable(reason: &str) -> Gap {
    Gap {
        branch: Undecided::NotMeasurable,
        reason: reason.to_owned(),
    }
}

/// A number of the contract, for the trace.
fn stated(value: &BigRational) -> Named {
    named_value("", value)
}

/// An intermediate result, for the trace.
fn named_value(name: &str, value: &BigRational) -> Named {
    Named {
        name: name.to_owned(),
        value: number::text(value),
    }
}

fn shown(known: &Known) -> String {
    match known {
        Ok(value) => number::text(value),
        Err(gap) => gap.branch.to_string(),
    }
}

fn step_result(known: &Known) -> StepResult {
    match known {
        Ok(value) => StepResult::Value(number::text(value)),
        Err(gap) => StepResult::Undecided(gap.clone()),
    }
}

/// The branch of an amount that was decided.
fn decided(amount: &BigRational) -> Branch {
    use num_traits::Signed;
    if amount.is_positive() {
        Branch::Paid
    } else if amount.is_negative() {
        Branch::RepaymentDue
    } else {
        Branch::NothingDue
    }
}

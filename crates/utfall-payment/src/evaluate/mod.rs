//! Evaluation: inputs in, decision out, every step written down.
//!
//! The terms in force are found, effects accepted, quantities computed, lines decided in the
//! contract's order, groups bounded, the total bounded, set off and split. Nothing here fails: what has no value carries the reason along as a
//! [`Gap`], and ends in a named branch.

mod conditions;
mod curves;
mod lines;
mod modifiers;
mod nearby;
mod payers;
mod quantities;
mod total;

use chrono::NaiveDate;
use num_rational::BigRational;

use crate::contract::terms::{Operand, Terms};
use crate::contract::{self, TERMS_DATE};
use crate::decision::{
    Branch, ContractName, Decision, Gap, GroupDecision, LineDecision, Named, Operation, Step,
    StepResult, Subject, Threshold,
};
use crate::input::{Input, InputKind, Inputs, Undecided};
use crate::money::Money;
use crate::number;

/// Decides what the terms pay for the inputs: those first agreed, or those in force on the day the
/// inputs name where the contract has amendments.
pub(crate) fn evaluate(terms: &Terms, amended: &[(NaiveDate, Terms)], inputs: &Inputs) -> Decision {
    if amended.is_empty() {
        return with_nearby(terms, inputs, decide(Evaluation::new(terms, inputs)));
    }
    match day(inputs) {
        Ok(day) => {
            let in_force = amended.iter().rev().find(|(from, _)| *from <= day);
            let state = in_force.map_or(terms, |(_, terms)| terms);
            let mut evaluation = Evaluation::new(state, inputs);
            let from = in_force.map_or("as first agreed".to_owned(), |(from, _)| from.to_string());
            evaluation.note_terms(&day.to_string(), StepResult::Value(from));
            with_nearby(state, inputs, decide(evaluation))
        }
        Err(gap) => {
            let mut evaluation = Evaluation::new(terms, inputs);
            evaluation.note_terms(&gap.branch.to_string(), StepResult::Undecided(gap.clone()));
            evaluation.no_terms = Some(gap);
            decide(evaluation)
        }
    }
}

fn with_nearby(terms: &Terms, inputs: &Inputs, mut decision: Decision) -> Decision {
    decision.nearby = nearby::nearby(terms, inputs, &decision);
    decision
}

/// What is paid, and how it ended, without what nearby evidence would pay.
pub(crate) fn payment(
    terms: &Terms,
    amended: &[(NaiveDate, Terms)],
    inputs: &Inputs,
) -> (Branch, Money) {
    let state = match day(inputs) {
        _ if amended.is_empty() => terms,
        Ok(day) => {
            let in_force = amended.iter().rev().find(|(from, _)| *from <= day);
            in_force.map_or(terms, |(_, terms)| terms)
        }
        Err(gap) => return (Branch::from(gap.branch), Money::new(0, terms.currency)),
    };
    let decision = decide(Evaluation::silent(state, inputs));
    (decision.branch, decision.total)
}

/// The value of every quantity, for sweeps in which some of them stay as they are.
pub(crate) fn quantities(terms: &Terms, inputs: &Inputs) -> Vec<Option<Known>> {
    let mut evaluation = Evaluation::silent(terms, inputs);
    evaluation.accept_effects();
    evaluation.compute_quantities();
    evaluation.values
}

/// [`payment`] without amendments, where the values of some quantities are known.
pub(crate) fn payment_with(
    terms: &Terms,
    inputs: &Inputs,
    values: Vec<Option<Known>>,
) -> (Branch, Money) {
    let mut evaluation = Evaluation::silent(terms, inputs);
    evaluation.values = values;
    let decision = decide(evaluation);
    (decision.branch, decision.total)
}

/// The day on which the terms are to be read.
fn day(inputs: &Inputs) -> Result<NaiveDate, Gap> {
    match read(inputs, TERMS_DATE, InputKind::Text)? {
        Input::Text(text) => contract::day(text).ok_or_else(|| {
            not_measurable(&format!(
                "the input {TERMS_DATE} is no day such as 2025-03-31"
            ))
        }),
        other => Err(not_measurable(&format!(
            "the input {TERMS_DATE} is {}",
            other.description()
        ))),
    }
}

fn decide(mut evaluation: Evaluation<'_>) -> Decision {
    let terms = evaluation.terms;
    if evaluation.no_terms.is_none() {
        evaluation.accept_effects();
        evaluation.compute_quantities();
    }
    for line in &terms.lines {
        evaluation.decide_line(line);
    }
    for group in &terms.groups {
        evaluation.decide_group(group);
    }
    let (total, branch) = evaluation.decide_total();
    let (payers, total, branch) = evaluation.split(total, branch);
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
        groups: evaluation.groups,
        undecided,
        payers,
        thresholds: evaluation.thresholds,
        nearby: Vec::new(),
        trace: evaluation.trace,
    }
}

/// An exact value, or why there is none.
pub(crate) type Known = Result<BigRational, Gap>;

struct Evaluation<'a> {
    terms: &'a Terms,
    inputs: &'a Inputs,
    /// Whether only the outcome is wanted: nothing is written down but how things end.
    is_silent: bool,
    /// Why it is not known which terms are in force.
    no_terms: Option<Gap>,
    /// For each effect, why its figures may not be used.
    effects: Vec<Option<Gap>>,
    /// For each quantity, once it has been computed.
    values: Vec<Option<Known>>,
    /// For each line decided so far, its exact amount; 0 if undecided.
    amounts: Vec<BigRational>,
    lines: Vec<LineDecision>,
    /// For each group, its exact amount; 0 if undecided.
    group_amounts: Vec<BigRational>,
    groups: Vec<GroupDecision>,
    thresholds: Vec<Threshold>,
    trace: Vec<Step>,
}

impl<'a> Evaluation<'a> {
    fn new(terms: &'a Terms, inputs: &'a Inputs) -> Self {
        Self {
            terms,
            inputs,
            is_silent: false,
            no_terms: None,
            effects: Vec::new(),
            values: vec![None; terms.quantities.len()],
            amounts: Vec::new(),
            lines: Vec::new(),
            group_amounts: Vec::new(),
            groups: Vec::new(),
            thresholds: Vec::new(),
            trace: Vec::new(),
        }
    }

    /// An evaluation of which only the outcome is wanted.
    fn silent(terms: &'a Terms, inputs: &'a Inputs) -> Self {
        Self {
            is_silent: true,
            ..Self::new(terms, inputs)
        }
    }

    fn note_terms(&mut self, day: &str, result: StepResult) {
        let operands = vec![Named {
            name: TERMS_DATE.to_owned(),
            value: day.to_owned(),
        }];
        self.step(
            Subject::Contract,
            Operation::TermsInForce,
            operands,
            result,
            None,
        );
    }
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
        if self.is_silent {
            return Named::default();
        }
        let name = match operand {
            Operand::Literal(_) => String::new(),
            Operand::Quantity(index) => self.terms.quantities[*index].name.clone(),
        };
        Named {
            name,
            value: shown(&self.value(operand)),
        }
    }

    /// An intermediate result, for the trace.
    fn noted(&self, name: &str, value: &BigRational) -> Named {
        if self.is_silent {
            return Named::default();
        }
        Named {
            name: name.to_owned(),
            value: number::text(value),
        }
    }

    /// A number of the contract, for the trace.
    fn stated(&self, value: &BigRational) -> Named {
        self.noted("", value)
    }

    /// A result, for the trace.
    fn result(&self, known: &Known) -> StepResult {
        match known {
            Ok(_) if self.is_silent => StepResult::Value(String::new()),
            Ok(value) => StepResult::Value(number::text(value)),
            Err(gap) => StepResult::Undecided(gap.clone()),
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
        if self.is_silent {
            return;
        }
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
            self.result(result),
            unit,
        );
    }

    /// Raises to the floor, then lowers to the cap; a cap or floor is cut to whole minor units,
    /// down and up, so that neither can be overstepped. The cap prevails. What was paid before
    /// counts towards the cap.
    fn bounded(
        &mut self,
        subject: &Subject,
        mut amount: BigRational,
        (floor, cap): (Option<&Operand>, Option<&Operand>),
        paid_before: Option<&Operand>,
    ) -> Known {
        use crate::rounding::RoundingMode::{Ceiling, Floor};
        let decimals = self.terms.currency.exponent();
        if let Some(floor) = floor {
            let known = self
                .value(floor)
                .map(|limit| amount.clone().max(Ceiling.to_decimals(&limit, decimals)));
            let operands = vec![self.noted("amount", &amount), self.named(floor)];
            self.money_step(subject, Operation::Floor, operands, &known);
            amount = known?;
        }
        if let Some(cap) = cap {
            let (limit, named) = match paid_before {
                None => (self.value(cap), self.named(cap)),
                Some(before) => {
                    let left = self.left_under_cap(subject, cap, before)?;
                    let named = self.noted("left under the cap", &left);
                    (Ok(left), named)
                }
            };
            let known = limit.map(|limit| amount.clone().min(Floor.to_decimals(&limit, decimals)));
            let operands = vec![self.noted("amount", &amount), named];
            self.money_step(subject, Operation::Cap, operands, &known);
            amount = known?;
        }
        Ok(amount)
    }

    /// Reads an input of the kind expected.
    fn input(&self, name: &str, expected: InputKind) -> Result<&Input, Gap> {
        read(self.inputs, name, expected)
    }
}

/// Reads an input of the kind expected.
fn read<'i>(inputs: &'i Inputs, name: &str, expected: InputKind) -> Result<&'i Input, Gap> {
    match inputs.get(name) {
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

fn not_measurable(reason: &str) -> Gap {
    Gap {
        branch: Undecided::NotMeasurable,
        reason: reason.to_owned(),
    }
}

fn shown(known: &Known) -> String {
    match known {
        Ok(value) => number::text(value),
        Err(gap) => gap.branch.to_string(),
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

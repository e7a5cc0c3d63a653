//! Effects accepted, inputs taken in, quantities derived.

use super::{Evaluation, Known, not_measurable};
use crate::contract::Sign;
use crate::contract::arithmetic;
use crate::contract::terms::{Effect, Operand, Quantity, Rule};
use crate::decision::{Gap, Named, Operation, StepResult, Subject};
use crate::input::{Input, InputKind, Undecided};
use crate::number;

impl Evaluation<'_> {
    /// Checks each effect's estimand once; its figures are usable only if it is accepted.
    pub(super) fn accept_effects(&mut self) {
        for effect in &self.terms.effects {
            let gap = self.accept(effect);
            self.effects.push(gap);
        }
    }

    fn accept(&mut self, effect: &Effect) -> Option<Gap> {
        let name = effect.estimand_input();
        let accepted: Vec<String> = effect.estimands.iter().map(ToString::to_string).collect();
        let (value, gap) = match self.input(&name, InputKind::Text) {
            Err(gap) => (gap.branch.to_string(), Some(gap)),
            Ok(Input::Text(found)) if accepted.contains(found) => (found.clone(), None),
            Ok(Input::Text(found)) => {
                let gap = not_measurable(&format!(
                    "the estimate of {} is of {found}; the contract accepts {}",
                    effect.name,
                    accepted.join(", ")
                ));
                (found.clone(), Some(gap))
            }
            Ok(other) => {
                let gap = not_measurable(&format!("the input {name} is {}", other.description()));
                (other.description().to_owned(), Some(gap))
            }
        };
        let result = match &gap {
            None => StepResult::Met,
            Some(gap) => StepResult::Undecided(gap.clone()),
        };
        self.step(
            Subject::Effect(effect.name.clone()),
            Operation::AcceptEstimand(accepted),
            vec![Named { name, value }],
            result,
            None,
        );
        gap
    }

    /// Computes every quantity, each after those it draws on.
    pub(super) fn compute_quantities(&mut self) {
        let terms = self.terms;
        for &index in &terms.order {
            let quantity = &terms.quantities[index];
            if self.values[index].is_some() {
                continue;
            }
            let (operation, operands, known) = self.compute(quantity);
            self.step(
                Subject::Quantity(quantity.name.clone()),
                operation,
                operands,
                self.result(&known),
                quantity.unit.as_deref(),
            );
            self.values[index] = Some(known);
        }
    }

    fn compute(&self, quantity: &Quantity) -> (Operation, Vec<Named>, Known) {
        let rule = &quantity.rule;
        let operation = operation(rule);
        if let Rule::Input { from, .. } = rule {
            let value = match self.inputs.get(from) {
                Some(Input::Number(text)) => text.clone(),
                Some(other) => other.description().to_owned(),
                None => "missing".to_owned(),
            };
            let operand = Named {
                name: from.clone(),
                value,
            };
            return (operation, vec![operand], self.cross_over(rule));
        }
        let operands = rule.operands();
        if let Rule::FirstAvailable(all) = rule {
            let named = all.iter().map(|operand| self.named(operand)).collect();
            return (operation, named, self.first_available(all));
        }
        let named = operands.iter().map(|operand| self.named(operand)).collect();
        let known = self
            .values(operands)
            .and_then(|values| derive(rule, &values));
        (operation, named, known)
    }

    /// The first that is measurable. One that is deferred is waited for: it may yet come first.
    fn first_available(&self, all: &[Operand]) -> Known {
        let mut first_gap = None;
        for operand in all {
            match self.value(operand) {
                Err(gap) if gap.branch == Undecided::NotMeasurable => {
                    first_gap.get_or_insert(gap);
                }
                known => return known,
            }
        }
        Err(first_gap.unwrap_or_else(|| not_measurable("it has no operands")))
    }

    /// Takes an input in: exact from its text, then sign, then decimals. Once, and here alone.
    fn cross_over(&self, rule: &Rule) -> Known {
        let Rule::Input {
            from,
            effect,
            sign,
            decimals,
            rounding,
        } = rule
        else {
            return Err(not_measurable("it is not an input"));
        };
        let Input::Number(text) = self.input(from, InputKind::Number)? else {
            return Err(not_measurable(&format!("the input {from} is not a number")));
        };
        if let Some(gap) = effect.and_then(|index| self.effects[index].clone()) {
            return Err(gap);
        }
        let value = number::parse(text)
            .map_err(|error| not_measurable(&format!("the input {from} is unusable: {error}")))?;
        let value = match sign {
            Sign::Keep => value,
            Sign::Flip => -value,
        };
        Ok(rounding.to_decimals(&value, *decimals))
    }
}

fn derive(rule: &Rule, values: &[num_rational::BigRational]) -> Known {
    match arithmetic::apply(rule, values) {
        Some(result) => result.map_err(|undefined| not_measurable(&undefined.to_string())),
        None => Err(not_measurable("it has no operands")),
    }
}

fn operation(rule: &Rule) -> Operation {
    match rule {
        Rule::Input {
            sign,
            decimals,
            rounding,
            ..
        } => Operation::CrossOver {
            sign: *sign,
            decimals: *decimals,
            rounding: *rounding,
        },
        Rule::Constant(_) => Operation::Constant,
        Rule::Difference { .. } => Operation::Difference,
        Rule::Sum(_) => Operation::Sum,
        Rule::Product(_) => Operation::Product,
        Rule::Ratio { .. } => Operation::Ratio,
        Rule::RelativeReduction { .. } => Operation::RelativeReduction,
        Rule::ShareOf { .. } => Operation::ShareOf,
        Rule::Minimum(_) => Operation::Minimum,
        Rule::Maximum(_) => Operation::Maximum,
        Rule::FirstAvailable(_) => Operation::FirstAvailable,
        Rule::AdjustedP { rule, .. } => Operation::AdjustedP(*rule),
        Rule::ProbabilityAbove {
            decimals, rounding, ..
        } => Operation::ProbabilityAbove {
            decimals: *decimals,
            rounding: *rounding,
        },
        Rule::Compound { .. } => Operation::Compound,
        Rule::Rounded {
            decimals, rounding, ..
        } => Operation::Round {
            decimals: *decimals,
            rounding: *rounding,
        },
    }
}

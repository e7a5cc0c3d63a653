//! What modifies a line: minimum number, deadweight, bounds for each of something, and what was
//! paid before. Groups of lines with bounds of their own.

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::{Evaluation, Known, decided, not_measurable};
use crate::contract::terms::{Deadweight, Group, Line, Operand, Per};
use crate::contract::{Operator, Otherwise};
use crate::decision::{Branch, Gap, GroupDecision, Named, Operation, StepResult, Subject};
use crate::input::Undecided;
use crate::money::Money;
use crate::number;
use crate::rounding::RoundingMode;

/// Whether there are enough units to decide a line.
pub(super) enum Enough {
    /// There are.
    Yes,
    /// There are not, and the line pays nothing, whatever its floor.
    Nothing,
    /// There are not, and the line pays this.
    Amount(BigRational),
}

impl Evaluation<'_> {
    pub(super) fn enough(&mut self, line: &Line) -> Result<Enough, Gap> {
        let Some(minimum) = &line.minimum else {
            return Ok(Enough::Yes);
        };
        let operands = vec![self.named(&minimum.of), self.named(&minimum.at_least)];
        let (n, least) = (self.value(&minimum.of), self.value(&minimum.at_least));
        let name = operands[0].name.clone();
        let met = self.note_threshold(&line.name, &name, &n, Operator::AtLeast, &least);
        let fallback = match (met, minimum.otherwise) {
            (None, _) => Err(match (n, least) {
                (Err(gap), Err(other)) => gap.prevailing(other),
                (Err(gap), _) | (_, Err(gap)) => gap,
                _ => not_measurable("it was not computed"),
            }),
            (Some(true), _) => Ok(Enough::Yes),
            (Some(false), Otherwise::NothingDue) => Ok(Enough::Nothing),
            (Some(false), Otherwise::Amount) => {
                let amount = minimum.amount.as_ref().map(|amount| self.value(amount));
                amount.map_or_else(
                    || Err(not_measurable("no amount is stated")),
                    |amount| amount.map(Enough::Amount),
                )
            }
            (Some(false), Otherwise::NotMeasurable) => {
                Err(too_few(Undecided::NotMeasurable, &operands))
            }
            (Some(false), Otherwise::Deferred) => Err(too_few(Undecided::Deferred, &operands)),
        };
        let result = match (&fallback, met) {
            (Err(gap), _) => StepResult::Undecided(gap.clone()),
            (Ok(_), Some(false)) => StepResult::NotMet,
            (Ok(_), _) => StepResult::Met,
        };
        let operation = Operation::Enough(minimum.otherwise);
        self.step(
            Subject::Line(line.name.clone()),
            operation,
            operands,
            result,
            None,
        );
        fallback
    }

    /// The quantity a line pays on, less what would have happened anyway.
    pub(super) fn basis(&mut self, line: &Line, of: &Operand) -> (Known, Named) {
        let known = self.value(of);
        let named = self.named(of);
        let Some(deadweight) = &line.deadweight else {
            return (known, named);
        };
        let (operation, less) = match deadweight {
            Deadweight::Fraction(fraction) => (Operation::DeadweightFraction, fraction),
            Deadweight::Fixed(fixed) => (Operation::DeadweightFixed, fixed),
        };
        let left = self.values([of, less]).and_then(|values| {
            let left = match operation {
                Operation::DeadweightFraction => &values[0] - &values[0] * &values[1],
                _ => &values[0] - &values[1],
            };
            number::bounded(left).ok_or_else(|| not_measurable("the quantity is too large"))
        });
        let operands = vec![named.clone(), self.named(less)];
        let subject = Subject::Line(line.name.clone());
        self.step(subject, operation, operands, self.result(&left), None);
        let name = if named.name.is_empty() {
            "after deadweight".to_owned()
        } else {
            format!("{} after deadweight", named.name)
        };
        let value = super::shown(&left);
        (left, Named { name, value })
    }

    /// Raises to the floor and lowers to the cap that each of something has, cut to whole minor
    /// units as a floor and cap are.
    pub(super) fn bounded_per(
        &mut self,
        subject: &Subject,
        mut amount: BigRational,
        per: &Per,
    ) -> Known {
        use RoundingMode::{Ceiling, Floor};
        let bounds = [
            (Operation::FloorPer, &per.floor, Ceiling),
            (Operation::CapPer, &per.cap, Floor),
        ];
        for (operation, bound, cut) in bounds {
            let Some(bound) = bound else { continue };
            let is_cap = operation == Operation::CapPer;
            let decimals = self.terms.currency.exponent();
            let known = self.values([bound, &per.of]).and_then(|values| {
                let limit = number::bounded(&values[0] * &values[1])
                    .ok_or_else(|| not_measurable("the amount is too large"))?;
                let limit = cut.to_decimals(&limit, decimals);
                Ok(if is_cap {
                    amount.clone().min(limit)
                } else {
                    amount.clone().max(limit)
                })
            });
            let operands = vec![
                self.noted("amount", &amount),
                self.named(bound),
                self.named(&per.of),
            ];
            self.money_step(subject, operation, operands, &known);
            amount = known?;
        }
        Ok(amount)
    }

    /// What a cap leaves once what was paid before is counted: never below 0.
    pub(super) fn left_under_cap(
        &mut self,
        subject: &Subject,
        cap: &Operand,
        before: &Operand,
    ) -> Known {
        let known = self.values([cap, before]).and_then(|values| {
            if values[1].is_negative() {
                return Err(not_measurable("what was paid before is below zero"));
            }
            Ok((&values[0] - &values[1]).max(BigRational::zero()))
        });
        let operands = vec![self.named(cap), self.named(before)];
        self.money_step(subject, Operation::LeftUnderCap, operands, &known);
        known
    }

    /// Adds the lines of a group and bounds the sum. What is undecided adds nothing.
    pub(super) fn decide_group(&mut self, group: &Group) {
        let subject = Subject::Group(group.name.clone());
        let operands = group
            .lines
            .iter()
            .map(|line| self.line_amount(*line))
            .collect();
        let sum: BigRational = group.lines.iter().map(|line| &self.amounts[*line]).sum();
        let sum = number::bounded(sum).ok_or_else(|| not_measurable("the amount is too large"));
        self.money_step(&subject, Operation::AddLines, operands, &sum);
        let bounds = (group.floor.as_ref(), group.cap.as_ref());
        let known =
            sum.and_then(|sum| self.bounded(&subject, sum, bounds, group.paid_before.as_ref()));
        let (branch, exact, gap) = match known {
            Ok(exact) if exact.is_zero() => (self.branch_of_nothing(&group.lines), exact, None),
            Ok(exact) => (decided(&exact), exact, None),
            Err(gap) => (Branch::from(gap.branch), BigRational::zero(), Some(gap)),
        };
        self.groups.push(GroupDecision {
            name: group.name.clone(),
            title: group.title.clone(),
            branch,
            exact: number::text(&exact),
            amount: Money::from_exact(&exact, self.terms.currency),
            gap,
        });
        self.group_amounts.push(exact);
    }
}

fn too_few(branch: Undecided, operands: &[Named]) -> Gap {
    let [n, least] = operands else {
        return Gap {
            branch,
            reason: "too few".to_owned(),
        };
    };
    Gap {
        branch,
        reason: format!("{} is {}, fewer than {}", n.name, n.value, least.value),
    }
}

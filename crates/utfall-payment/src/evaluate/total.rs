//! The total: lines and groups added, floor and cap of the contract, interim payments, rounding.

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::{Evaluation, Known, decided, not_measurable};
use crate::contract::terms::SetOff;
use crate::contract::{Excess, RoundingPoint};
use crate::decision::{Branch, Named, Operation, Subject};
use crate::money::Money;
use crate::number;

impl Evaluation<'_> {
    /// The total and how the contract ended.
    pub(super) fn decide_total(&mut self) -> (Money, Branch) {
        let currency = self.terms.currency;
        let total = self.total().and_then(|total| {
            self.payer_caps()?;
            Money::from_exact(&total, currency)
                .ok_or_else(|| not_measurable("the total is too large"))
        });
        match total {
            Err(gap) => (Money::new(0, currency), Branch::from(gap.branch)),
            Ok(total) if total.minor_units() == 0 => {
                let all: Vec<usize> = (0..self.lines.len()).collect();
                (total, self.branch_of_nothing(&all))
            }
            Ok(total) => (total, decided(&total.exact())),
        }
    }

    fn total(&mut self) -> Known {
        if let Some(gap) = &self.no_terms {
            return Err(gap.clone());
        }
        let subject = Subject::Total;
        let (operands, amounts) = self.parts();
        let sum: BigRational = amounts.iter().sum();
        let known = number::bounded(sum).ok_or_else(|| not_measurable("the total is too large"));
        self.money_step(&subject, Operation::AddLines, operands, &known);
        let bounds = (self.terms.floor.as_ref(), self.terms.cap.as_ref());
        let before = self.terms.paid_before.as_ref();
        let mut total = self.bounded(&subject, known?, bounds, before)?;
        if total.is_negative() && !self.terms.claws_back() {
            let operands = vec![self.noted("amount", &total)];
            total = BigRational::zero();
            let operation = Operation::NothingBelowZero;
            self.money_step(&subject, operation, operands, &Ok(total.clone()));
        }
        if self.terms.rounding.at == RoundingPoint::Total {
            total = self.rounded(&subject, &total)?;
        }
        match &self.terms.set_off {
            None => Ok(total),
            Some(set_off) => self.set_off(&subject, total, set_off),
        }
    }

    /// Takes off what interim payments have paid. Nothing is due back while a line is undecided.
    fn set_off(&mut self, subject: &Subject, total: BigRational, set_off: &SetOff) -> Known {
        let is_decided = self.lines.iter().all(|line| !line.branch.is_undecided());
        let known = self.value(&set_off.paid).and_then(|paid| {
            if paid.is_negative() {
                return Err(not_measurable("what was paid before is below zero"));
            }
            if Money::from_exact(&paid, self.terms.currency).is_none() {
                return Err(not_measurable(
                    "what was paid before is no whole number of minor units",
                ));
            }
            let left = &total - paid;
            if left.is_negative() && (set_off.excess == Excess::Kept || !is_decided) {
                return Ok(BigRational::zero().min(total.clone()));
            }
            Ok(left)
        });
        let operands = vec![self.noted("amount", &total), self.named(&set_off.paid)];
        let operation = Operation::SetOff(set_off.excess);
        self.money_step(subject, operation, operands, &known);
        known
    }

    /// What the total adds: each line outside groups and each group, in order.
    fn parts(&self) -> (Vec<Named>, Vec<BigRational>) {
        let alone = (0..self.lines.len()).filter(|line| self.terms.group_of(*line).is_none());
        let mut named = Vec::new();
        let mut amounts = Vec::new();
        for line in alone {
            named.push(self.line_amount(line));
            amounts.push(self.amounts[line].clone());
        }
        for (group, amount) in self.groups.iter().zip(&self.group_amounts) {
            named.push(Named {
                name: group.name.clone(),
                value: if group.branch.is_undecided() {
                    group.branch.to_string()
                } else {
                    group.exact.clone()
                },
            });
            amounts.push(amount.clone());
        }
        (named, amounts)
    }

    /// What a line came to, for the trace.
    pub(super) fn line_amount(&self, line: usize) -> Named {
        let line = &self.lines[line];
        Named {
            name: line.name.clone(),
            value: if line.branch.is_undecided() {
                line.branch.to_string()
            } else {
                line.exact.clone()
            },
        }
    }

    /// Lines that pay nothing together end `nothing-due` only if every one was decided.
    pub(super) fn branch_of_nothing(&self, lines: &[usize]) -> Branch {
        [Branch::NotMeasurable, Branch::Deferred]
            .into_iter()
            .find(|branch| lines.iter().any(|line| self.lines[*line].branch == *branch))
            .unwrap_or(Branch::NothingDue)
    }
}

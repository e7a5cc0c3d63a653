//! The total: lines added, floor and cap of the contract, rounding, and the payers' parts.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::{Evaluation, Known, decided, named_value, not_measurable, stated};
use crate::contract::{Remainder, RoundingPoint};
use crate::decision::{Branch, Named, Operation, PayerDecision, StepResult, Subject};
use crate::money::Money;
use crate::number;

impl Evaluation<'_> {
    /// The total and how the contract ended.
    pub(super) fn decide_total(&mut self) -> (Money, Branch) {
        let currency = self.terms.currency;
        let total = self.total().and_then(|total| {
            Money::from_exact(&total, currency)
                .ok_or_else(|| not_measurable("the total is too large"))
        });
        match total {
            Err(gap) => (Money::new(0, currency), Branch::from(gap.branch)),
            Ok(total) if total.minor_units() == 0 => (total, self.branch_of_nothing()),
            Ok(total) => (total, decided(&total.exact())),
        }
    }

    fn total(&mut self) -> Known {
        let subject = Subject::Total;
        let operands = self.line_amounts();
        let sum: BigRational = self.amounts.iter().sum();
        let known = number::bounded(sum).ok_or_else(|| not_measurable("the total is too large"));
        self.money_step(&subject, Operation::AddLines, operands, &known);
        let (floor, cap) = (self.terms.floor.as_ref(), self.terms.cap.as_ref());
        let mut total = self.bounded(&subject, known?, floor, cap)?;
        if total.is_negative() && !self.terms.claws_back() {
            let operands = vec![named_value("amount", &total)];
            total = BigRational::zero();
            let operation = Operation::NothingBelowZero;
            self.money_step(&subject, operation, operands, &Ok(total.clone()));
        }
        match self.terms.rounding.at {
            RoundingPoint::Line => Ok(total),
            RoundingPoint::Total => self.rounded(&subject, &total),
        }
    }

    fn line_amounts(&self) -> Vec<Named> {
        self.lines
            .iter()
            .map(|line| Named {
                name: line.name.clone(),
                value: if line.branch.is_undecided() {
                    line.branch.to_string()
                } else {
                    line.exact.clone()
                },
            })
            .collect()
    }

    /// A contract that pays nothing ends `nothing-due` only if every line was decided.
    fn branch_of_nothing(&self) -> Branch {
        [Branch::NotMeasurable, Branch::Deferred]
            .into_iter()
            .find(|branch| self.lines.iter().any(|line| line.branch == *branch))
            .unwrap_or(Branch::NothingDue)
    }

    /// Splits the total between the payers: each share cut to whole minor units, what is left over
    /// given out by the contract's rule. The parts add up to the total.
    pub(super) fn split(&mut self, total: Money) -> Vec<PayerDecision> {
        let payers: Vec<(&str, &BigRational)> = self
            .terms
            .parties
            .iter()
            .filter_map(|party| Some((party.name.as_str(), party.share.as_ref()?)))
            .collect();
        let whole = BigInt::from(total.minor_units());
        let exact: Vec<BigRational> = payers
            .iter()
            .map(|(_, share)| BigRational::from_integer(whole.clone()) * *share)
            .collect();
        let mut parts: Vec<BigInt> = exact.iter().map(|part| part.trunc().to_integer()).collect();
        let left = &whole - parts.iter().sum::<BigInt>();
        let extra = match self.terms.remainder {
            _ if payers.is_empty() => Vec::new(),
            Some(Remainder::LargestRemainder) => largest_remainders(&exact, &left),
            Some(Remainder::LastPayer) => vec![(payers.len() - 1, left)],
            Some(Remainder::FirstPayer) | None => vec![(0, left)],
        };
        for (index, (name, share)) in payers.iter().enumerate() {
            let operands = vec![named_value("total", &total.exact()), stated(share)];
            let part = self.money(&parts[index]);
            self.payer_step(name, Operation::PayerShare, operands, part);
        }
        for (index, units) in extra {
            if units.is_zero() {
                continue;
            }
            let before = self.money(&parts[index]).exact();
            let operands = vec![
                named_value("part", &before),
                named_value("left over", &self.money(&units).exact()),
            ];
            parts[index] += units;
            let part = self.money(&parts[index]);
            self.payer_step(payers[index].0, Operation::PayerRemainder, operands, part);
        }
        let decisions = payers
            .iter()
            .zip(&parts)
            .map(|((name, share), part)| PayerDecision {
                name: (*name).to_owned(),
                share: number::text(share),
                amount: self.money(part),
            });
        decisions.collect()
    }

    fn payer_step(&mut self, name: &str, operation: Operation, operands: Vec<Named>, part: Money) {
        let subject = Subject::Payer(name.to_owned());
        let result = StepResult::Value(number::text(&part.exact()));
        let unit = Some(self.terms.currency.code());
        self.step(subject, operation, operands, result, unit);
    }

    /// A part of a total that is an i128, and so one itself.
    fn money(&self, units: &BigInt) -> Money {
        Money::new(units.to_i128().unwrap_or_default(), self.terms.currency)
    }
}

/// One unit each to the parts that lost most by cutting; among equals the first.
fn largest_remainders(exact: &[BigRational], left: &BigInt) -> Vec<(usize, BigInt)> {
    let mut order: Vec<(BigRational, usize)> = exact
        .iter()
        .enumerate()
        .map(|(index, part)| (-part.fract().abs(), index))
        .collect();
    order.sort();
    let n_left = left.abs().to_usize().unwrap_or_default();
    let unit = left.signum();
    let first = order.into_iter().take(n_left);
    first.map(|(_, index)| (index, unit.clone())).collect()
}

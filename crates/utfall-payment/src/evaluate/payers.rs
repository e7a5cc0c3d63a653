//! The payers' parts: each share cut to whole minor units, what is left over given out, each payer's
//! cap held.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::{Evaluation, decided};
use crate::contract::{BeyondCap, Remainder};
use crate::decision::{Branch, Gap, Named, Operation, PayerDecision, StepResult, Subject};
use crate::money::Money;
use crate::number;
use crate::rounding::RoundingMode;
use crate::share::{self, Shared};

impl Evaluation<'_> {
    /// The cap of each payer in whole minor units, cut down; absent where it has none.
    pub(super) fn payer_caps(&self) -> Result<Vec<Option<BigInt>>, Gap> {
        let scale = BigInt::from(10).pow(self.terms.currency.exponent());
        let payers = self.terms.parties.iter().filter(|p| p.share.is_some());
        payers
            .map(|payer| {
                let Some(cap) = &payer.cap else {
                    return Ok(None);
                };
                let cap = self.value(cap)? * BigRational::from_integer(scale.clone());
                Ok(Some(RoundingMode::Floor.to_whole(&cap).max(BigInt::zero())))
            })
            .collect()
    }

    /// Splits the total between the payers, and says what it is without what nobody pays. The
    /// parts add up to it.
    pub(super) fn split(
        &mut self,
        total: Money,
        branch: Branch,
    ) -> (Vec<PayerDecision>, Money, Branch) {
        let mut parts = self.parts_of_payers(total);
        let unpaid = self.hold_caps(&mut parts);
        let (mut total, mut branch) = (total, branch);
        if !unpaid.is_zero() {
            let left = self.money(&(BigInt::from(total.minor_units()) - &unpaid));
            let operands = vec![
                self.noted("total", &total.exact()),
                self.noted("beyond caps", &self.money(&unpaid).exact()),
            ];
            let known = Ok(left.exact());
            self.money_step(&Subject::Total, Operation::Unpaid, operands, &known);
            (total, branch) = (left, decided(&left.exact()));
        }
        let payers = self.terms.parties.iter().filter_map(|party| {
            let share = party.share.as_ref()?;
            Some((party.name.clone(), number::text(share)))
        });
        let decisions = payers
            .zip(&parts)
            .map(|((name, share), part)| PayerDecision {
                name,
                share,
                amount: self.money(part),
            })
            .collect();
        (decisions, total, branch)
    }

    /// Lowers each part to its payer's cap, and hands what lies beyond to those with room if the
    /// contract says so. Returns what nobody pays.
    fn hold_caps(&mut self, parts: &mut [BigInt]) -> BigInt {
        // A cap without a value has left the total undecided, and every part 0.
        let caps = self.payer_caps().unwrap_or_default();
        let scale = BigInt::from(10).pow(self.terms.currency.exponent());
        let names: Vec<String> = self
            .terms
            .parties
            .iter()
            .filter(|party| party.share.is_some())
            .map(|party| party.name.clone())
            .collect();
        let mut beyond = BigInt::zero();
        for (index, cap) in caps.iter().enumerate() {
            let Some(cap) = cap else { continue };
            let operands = vec![
                self.noted("part", &self.money(&parts[index]).exact()),
                self.noted("cap", &number::ratio(cap.clone(), scale.clone())), // may be beyond any money
            ];
            if parts[index] > *cap {
                beyond += &parts[index] - cap;
                parts[index].clone_from(cap);
            }
            let part = self.money(&parts[index]);
            self.payer_step(&names[index], Operation::PayerCap, operands, part);
        }
        if self.terms.beyond_payer_cap != Some(BeyondCap::OtherPayers) {
            return beyond;
        }
        for (index, cap) in caps.iter().enumerate() {
            let room = match cap {
                Some(cap) => cap - &parts[index],
                None => beyond.clone(),
            };
            let taken = room.min(beyond.clone());
            if !taken.is_positive() {
                continue;
            }
            let operands = vec![
                self.noted("part", &self.money(&parts[index]).exact()),
                self.noted("beyond the caps of others", &self.money(&taken).exact()),
            ];
            parts[index] += &taken;
            beyond -= taken;
            let part = self.money(&parts[index]);
            self.payer_step(&names[index], Operation::PayerTakesOver, operands, part);
        }
        beyond
    }

    /// Each share cut to whole minor units, what is left over given out by the contract's rule.
    fn parts_of_payers(&mut self, total: Money) -> Vec<BigInt> {
        let payers: Vec<(&str, &BigRational)> = self
            .terms
            .parties
            .iter()
            .filter_map(|party| Some((party.name.as_str(), party.share.as_ref()?)))
            .collect();
        let shares: Vec<&BigRational> = payers.iter().map(|(_, share)| *share).collect();
        let Shared { cut, left_over } = Shared::of(
            &BigInt::from(total.minor_units()),
            &share::weights(&shares),
            self.terms.remainder.unwrap_or(Remainder::FirstPayer),
        );
        let mut parts = cut;
        for (index, (name, share)) in payers.iter().enumerate() {
            let operands = vec![self.noted("total", &total.exact()), self.stated(share)];
            let part = self.money(&parts[index]);
            self.payer_step(name, Operation::PayerShare, operands, part);
        }
        for (index, units) in left_over {
            let before = self.money(&parts[index]).exact();
            let operands = vec![
                self.noted("part", &before),
                self.noted("left over", &self.money(&units).exact()),
            ];
            parts[index] += units;
            let part = self.money(&parts[index]);
            self.payer_step(payers[index].0, Operation::PayerRemainder, operands, part);
        }
        parts
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

//! What nearby evidence would pay: an effect one standard error away, a count one unit away.
//!
//! A payment with a threshold is only as sure as the evidence is far from it. So a decision says, for
//! each effect, what would be paid were its estimate one standard error lower or higher, and for each
//! count that stands against a threshold, what one unit fewer or more would pay.

use std::collections::BTreeSet;

use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::{Evaluation, decide};
use crate::contract::terms::{Condition, LineKind, Operand, Rule, Terms};
use crate::decision::{Away, Decision, Nearby, NearbyPayment};
use crate::input::{Input, Inputs};
use crate::number;
use crate::rounding::RoundingMode;

/// Decimals a shifted figure is carried with: more than any estimate has.
const DECIMALS: u32 = 30;

/// Every nearby payment: effects in the contract's order, then counts.
pub(super) fn nearby(terms: &Terms, inputs: &Inputs, decision: &Decision) -> Vec<Nearby> {
    let around = Around {
        terms,
        inputs,
        decision,
    };
    let effects = terms
        .effects
        .iter()
        .enumerate()
        .filter_map(|(index, effect)| around.one_standard_error(index, &effect.name));
    let counts = counts_at_thresholds(terms);
    let counts = counts.iter().filter_map(|from| around.one_unit(from));
    effects.chain(counts).collect()
}

struct Around<'a> {
    terms: &'a Terms,
    inputs: &'a Inputs,
    decision: &'a Decision,
}

impl Around<'_> {
    /// Shifts point, interval, total and relative effect together; a p-value and a grade stay.
    fn one_standard_error(&self, effect: usize, name: &str) -> Option<Nearby> {
        let reads = |figure: &str| {
            let from = format!("{name}.{figure}");
            self.terms.quantities.iter().any(|quantity| {
                matches!(&quantity.rule, Rule::Input { from: read, effect: Some(of), .. }
                    if *of == effect && *read == from)
            })
        };
        let shifted = ["point", "lower", "upper", "total", "relative"];
        let read: Vec<&str> = shifted.into_iter().filter(|figure| reads(figure)).collect();
        let error = self.number(&format!("{name}.standard-error"))?;
        if read.is_empty() || !error.is_positive() {
            return None;
        }
        let mut changes = Vec::new();
        for figure in read {
            let key = format!("{name}.{figure}");
            let Some(value) = self.number(&key) else {
                continue;
            };
            let by = match figure {
                "total" => &error * self.number(&format!("{name}.n-treated"))?,
                "relative" => {
                    let point = self.number(&format!("{name}.point"))?;
                    if point.is_zero() {
                        return None;
                    }
                    (&error * &value / point).abs()
                }
                _ => error.clone(),
            };
            changes.push((key, value, by));
        }
        let away = Away::StandardError(number::text(&error));
        self.both_sides(name, away, &changes)
    }

    fn one_unit(&self, from: &str) -> Option<Nearby> {
        let value = self.number(from)?;
        let changes = vec![(from.to_owned(), value, BigRational::one())];
        self.both_sides(from, Away::OneUnit, &changes)
    }

    fn both_sides(
        &self,
        of: &str,
        away: Away,
        changes: &[(String, BigRational, BigRational)],
    ) -> Option<Nearby> {
        if changes.is_empty() {
            return None;
        }
        let decide_at = |sign: i32| {
            let mut inputs = self.inputs.clone();
            for (key, value, by) in changes {
                let moved = value + by * BigRational::from_integer(sign.into());
                let moved = RoundingMode::HalfEven.to_decimals(&moved, DECIMALS);
                inputs.insert(key.clone(), Input::Number(number::text(&moved)));
            }
            decide(Evaluation::silent(self.terms, &inputs))
        };
        let (lower, higher) = (decide_at(-1), decide_at(1));
        let turns = self.turns(&lower) || self.turns(&higher);
        let payment = |decision: Decision| NearbyPayment {
            branch: decision.branch,
            total: decision.total,
        };
        Some(Nearby {
            of: of.to_owned(),
            away,
            lower: payment(lower),
            higher: payment(higher),
            turns,
        })
    }

    /// Whether a line ends in another way, or a threshold is met that was not, or the other way round.
    fn turns(&self, other: &Decision) -> bool {
        let ends = |decision: &Decision| -> Vec<_> {
            decision.lines.iter().map(|line| line.branch).collect()
        };
        let met = |decision: &Decision| -> Vec<_> {
            decision.thresholds.iter().map(|one| one.met).collect()
        };
        ends(self.decision) != ends(other) || met(self.decision) != met(other)
    }

    fn number(&self, name: &str) -> Option<BigRational> {
        match self.inputs.get(name)? {
            Input::Number(text) => number::parse(text).ok(),
            _ => None,
        }
    }
}

/// The inputs in whole units that stand against a threshold, or against which a quantity stands.
fn counts_at_thresholds(terms: &Terms) -> Vec<String> {
    let mut compared: Vec<usize> = Vec::new();
    for line in &terms.lines {
        for condition in line.requires.iter().chain(&line.when) {
            of_condition(condition, &mut compared);
        }
        if let Some(minimum) = &line.minimum {
            compared.extend(minimum.of.quantity());
            compared.extend(minimum.at_least.quantity());
        }
        if let LineKind::Steps { of, .. } | LineKind::Piecewise { of, .. } = &line.kind {
            compared.extend(of.quantity());
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(index) = compared.pop() {
        if seen.insert(index) {
            let operands = terms.quantities[index].rule.operands();
            compared.extend(operands.into_iter().filter_map(Operand::quantity));
        }
    }
    let mut found = Vec::new();
    for index in seen {
        if let Rule::Input {
            from, decimals: 0, ..
        } = &terms.quantities[index].rule
            && !found.contains(from)
        {
            found.push(from.clone());
        }
    }
    found
}

fn of_condition(condition: &Condition, compared: &mut Vec<usize>) {
    match condition {
        Condition::All(all) | Condition::Any(all) => {
            for one in all {
                of_condition(one, compared);
            }
        }
        Condition::Compare {
            quantity, value, ..
        } => {
            compared.push(*quantity);
            compared.extend(value.quantity());
        }
        Condition::Flag { .. } | Condition::Text { .. } | Condition::Ended { .. } => {}
    }
}

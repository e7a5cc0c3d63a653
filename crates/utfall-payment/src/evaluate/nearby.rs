//! What nearby evidence would pay: an effect one standard error away or without any one unit, a count
//! one unit away.
//!
//! A payment with a threshold is only as sure as the evidence is far from it. So a decision says, for
//! each effect, what would be paid were its estimate one standard error lower or higher, and what at the
//! ends of the range in which it lies whichever one unit is left out, if that is among the inputs; and for
//! each count that stands against a threshold, what one unit fewer or more would pay.

use std::collections::BTreeSet;

use num_rational::BigRational;
use num_traits::{One, Signed};

use super::{Evaluation, decide};
use crate::contract::terms::{Condition, LineKind, Operand, Rule, Terms};
use crate::decision::{Away, Decision, Nearby, NearbyPayment};
use crate::figures::{self, MovingFigure};
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
        .flat_map(|(index, effect)| around.effect(index, &effect.name));
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
    /// One standard error away, and without any one unit.
    fn effect(&self, effect: usize, name: &str) -> Vec<Nearby> {
        let figure = |figure: &str| self.number(&format!("{name}.{figure}"));
        let error = figure("standard-error").filter(Signed::is_positive);
        let by_error = error.and_then(|error| {
            let away = Away::StandardError(number::text(&error));
            self.shifted(effect, name, away, [-error.clone(), error])
        });
        let ends = figure("without-one-lowest").zip(figure("without-one-highest"));
        let left_out = ends.zip(figure("point")).and_then(|(ends, point)| {
            let by = [&ends.0 - &point, &ends.1 - &point];
            let away = Away::OneLeftOut {
                lowest: number::text(&ends.0),
                highest: number::text(&ends.1),
            };
            self.shifted(effect, name, away, by)
        });
        by_error.into_iter().chain(left_out).collect()
    }

    /// Shifts the figures that the contract reads and that move with the point.
    fn shifted(
        &self,
        effect: usize,
        name: &str,
        away: Away,
        by: [BigRational; 2],
    ) -> Option<Nearby> {
        let is_read = |figure: &MovingFigure| {
            self.terms.quantities.iter().any(|quantity| {
                matches!(&quantity.rule, Rule::Input { from, effect: Some(of), .. }
                    if *of == effect && *from == figure.name)
            })
        };
        let figures: Vec<MovingFigure> = figures::moving(self.inputs, name);
        let read: Vec<MovingFigure> = figures.into_iter().filter(is_read).collect();
        self.both_sides(name, away, &read, by)
    }

    fn one_unit(&self, from: &str) -> Option<Nearby> {
        let value = self.number(from)?;
        let count = MovingFigure {
            name: from.to_owned(),
            value,
            per_point: BigRational::one(),
        };
        let by = [-BigRational::one(), BigRational::one()];
        self.both_sides(from, Away::OneUnit, &[count], by)
    }

    fn both_sides(
        &self,
        of: &str,
        away: Away,
        figures: &[MovingFigure],
        by: [BigRational; 2],
    ) -> Option<Nearby> {
        if figures.is_empty() {
            return None;
        }
        let [lower, higher] = by.map(|by| {
            let mut inputs = self.inputs.clone();
            for figure in figures {
                let moved = &figure.value + &figure.per_point * &by;
                let moved = RoundingMode::HalfEven.to_decimals(&moved, DECIMALS);
                let number = Input::Number(number::text(&moved));
                inputs.insert(figure.name.clone(), number);
            }
            decide(Evaluation::silent(self.terms, &inputs))
        });
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
        figures::number_of(self.inputs, name)
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

//! Amounts read off lines drawn between points: piecewise lines and pools.

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::{Evaluation, Known, not_measurable};
use crate::contract::terms::{Curve, Line, Metric, Operand, Point};
use crate::contract::{Above, AtJump, Below, Operator};
use crate::decision::{Named, Operation, Subject};
use crate::number;

impl Evaluation<'_> {
    pub(super) fn piecewise(
        &mut self,
        line: &Line,
        of: &Operand,
        curve: &Curve,
        rate_on: Option<&Operand>,
    ) -> Known {
        let subject = Subject::Line(line.name.clone());
        let (known, quantity) = self.basis(line, of);
        let operator = match curve.at_jump {
            AtJump::Before => Operator::MoreThan,
            AtJump::After => Operator::AtLeast,
        };
        for (index, point) in curve.points.iter().enumerate() {
            if index == 0 || curve.points[index - 1].at != point.at {
                let threshold = Ok(point.at.clone());
                self.note_threshold(&line.name, &quantity.name, &known, operator, &threshold);
            }
        }
        let read = known.map(|value| curve.at(&value));
        let mut operands = vec![quantity];
        if let Ok((_, between)) = &read {
            for point in between {
                operands.extend([self.stated(&point.at), self.stated(&point.amount)]);
            }
        }
        let amount = read.and_then(|(amount, _)| fitting(amount));
        if rate_on.is_none() {
            self.money_step(&subject, Operation::Piecewise, operands, &amount);
        } else {
            let result = self.result(&amount);
            self.step(
                subject.clone(),
                Operation::Piecewise,
                operands,
                result,
                None,
            );
        }
        self.on_base(&subject, amount, rate_on)
    }

    /// A rate turned into an amount, where amounts are rates.
    pub(super) fn on_base(
        &mut self,
        subject: &Subject,
        amount: Known,
        rate_on: Option<&Operand>,
    ) -> Known {
        let Some(base) = rate_on else { return amount };
        let rate = amount?;
        let operands = vec![self.noted("rate", &rate), self.named(base)];
        let known = self.value(base).and_then(|base| fitting(rate * base));
        self.money_step(subject, Operation::RateOn, operands, &known);
        known
    }

    /// How far each metric has come, weighted into a score; the score's part of the pool.
    pub(super) fn pool(
        &mut self,
        subject: &Subject,
        amount: &Operand,
        metrics: &[Metric],
        performance: &Curve,
    ) -> Known {
        let mut operands = Vec::new();
        let mut score = Ok(BigRational::zero());
        for (index, metric) in metrics.iter().enumerate() {
            let attained = self.attained(subject, metric);
            let name = format!("metric {}", index + 1);
            operands.push(match &attained {
                Ok(attained) => self.noted(&name, attained),
                Err(gap) => Named {
                    name,
                    value: gap.branch.to_string(),
                },
            });
            operands.push(self.stated(&metric.weight));
            score = match (score, attained) {
                (Ok(score), Ok(attained)) => fitting(score + attained * &metric.weight),
                (Err(gap), Err(other)) => Err(gap.prevailing(other)),
                (Err(gap), _) | (_, Err(gap)) => Err(gap),
            };
        }
        let result = self.result(&score);
        self.step(subject.clone(), Operation::Score, operands, result, None);
        let score = score?;
        let (part, between) = performance.at(&score);
        let part = fitting(part);
        let mut operands = vec![self.noted("score", &score)];
        for point in &between {
            operands.extend([self.stated(&point.at), self.stated(&point.amount)]);
        }
        let result = self.result(&part);
        self.step(
            subject.clone(),
            Operation::Piecewise,
            operands,
            result,
            None,
        );
        let part = part?;
        let operands = vec![self.named(amount), self.noted("part", &part)];
        let known = self.value(amount).and_then(|pool| fitting(pool * part));
        self.money_step(subject, Operation::PartOfPool, operands, &known);
        known
    }

    /// The part of the way from a metric's start to its end that was come, from 0 to 1.
    fn attained(&mut self, subject: &Subject, metric: &Metric) -> Known {
        let known = self.value(&metric.of).and_then(|value| {
            let part = (value - &metric.from) / (&metric.to - &metric.from);
            fitting(part.clamp(BigRational::zero(), BigRational::one()))
        });
        let operands = vec![
            self.named(&metric.of),
            self.stated(&metric.from),
            self.stated(&metric.to),
        ];
        let result = self.result(&known);
        self.step(subject.clone(), Operation::Attained, operands, result, None);
        known
    }
}

fn fitting(value: BigRational) -> Known {
    number::bounded(value).ok_or_else(|| not_measurable("the amount is too large"))
}

impl Curve {
    /// The value at a place, and the points it was read off: none, one or two.
    fn at(&self, place: &BigRational) -> (BigRational, Vec<&Point>) {
        let points = &self.points;
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return (BigRational::zero(), Vec::new());
        };
        if *place < first.at {
            return match self.below {
                Below::Nothing => (BigRational::zero(), Vec::new()),
                Below::FirstPoint => (first.amount.clone(), vec![first]),
            };
        }
        if *place > last.at {
            return match self.above {
                Above::Nothing => (BigRational::zero(), Vec::new()),
                Above::LastPoint => (last.amount.clone(), vec![last]),
                Above::Onward => {
                    let before = points.iter().rev().find(|point| point.at < last.at);
                    let from = before.unwrap_or(first);
                    (between(from, last, place), vec![from, last])
                }
            };
        }
        let mut here = points.iter().filter(|point| point.at == *place);
        if let Some(before) = here.next() {
            let after = here.next().unwrap_or(before);
            let point = match self.at_jump {
                AtJump::Before => before,
                AtJump::After => after,
            };
            return (point.amount.clone(), vec![point]);
        }
        let next = points.partition_point(|point| point.at < *place);
        let (from, to) = (&points[next - 1], &points[next]);
        (between(from, to, place), vec![from, to])
    }
}

/// The value on the straight line through two points.
fn between(from: &Point, to: &Point, place: &BigRational) -> BigRational {
    if from.at == to.at {
        return to.amount.clone();
    }
    let slope = (&to.amount - &from.amount) / (&to.at - &from.at);
    &from.amount + slope * (place - &from.at)
}

//! Lines drawn between points: piecewise lines and pools.

use num_rational::BigRational;
use num_traits::{One, Zero};
use toml::Spanned;

use super::lines::LineReader;
use super::raw::{RawOperand, RawPiecewise, RawPool};
use super::read::refuse_negative;
use super::terms::{Curve, LineKind, Metric, Operand, Point};
use super::{Above, AtJump, Below};
use crate::number;
use crate::problem::ProblemKind;

impl LineReader<'_> {
    pub(super) fn piecewise(&mut self, raw: &RawPiecewise, clawback: bool) -> Option<LineKind> {
        let of = self.quantities.operand(&raw.of, self.problems);
        let rate_on = self.rate_on(&raw.rate_on);
        let mut points: Vec<(Point, &Spanned<RawOperand>)> = Vec::new();
        for entry in raw.points.get_ref() {
            let point = entry.get_ref();
            let at = self.fixed("place of a point", &point.at);
            let stated = self.amount_or_rate(
                entry.span(),
                &point.amount,
                &point.rate,
                raw.rate_on.is_some(),
            );
            let amount = stated.and_then(|amount| {
                let value = self.fixed("amount of a point", amount)?;
                if !clawback {
                    refuse_negative("amount of a point", &value, amount.span(), self.problems);
                }
                Some(value)
            });
            if let (Some(at), Some(amount)) = (at, amount) {
                points.push((Point { at, amount }, &point.at));
            }
        }
        let every_point_is_read = points.len() == raw.points.get_ref().len();
        let ends = (raw.below, *raw.above.get_ref());
        let curve = self.curve(points, raw.points.span(), &raw.at_jump, ends);
        if raw.above.get_ref() == &Above::Onward
            && every_point_is_read
            && curve.points.first().map(|p| &p.at) == curve.points.last().map(|p| &p.at)
        {
            self.problems.add(ProblemKind::NoSlope, raw.above.span());
        }
        Some(LineKind::Piecewise {
            of: of?,
            curve,
            rate_on: rate_on?,
        })
    }

    pub(super) fn pool(&mut self, raw: &RawPool, clawback: bool) -> Option<LineKind> {
        let amount = self.amount("amount of a pool", &raw.amount, clawback);
        if raw.metrics.get_ref().is_empty() {
            let what = "metrics";
            self.problems
                .add(ProblemKind::Empty { what }, raw.metrics.span());
        }
        let metrics: Vec<Option<Metric>> = raw
            .metrics
            .get_ref()
            .iter()
            .map(|metric| {
                let raw = metric.get_ref();
                let of = self.quantities.operand(&raw.of, self.problems);
                let from = self.fixed("start of a metric", &raw.from);
                let to = self.fixed("end of a metric", &raw.to);
                let weight = self.fixed("weight of a metric", &raw.weight);
                if from.is_some() && from == to {
                    let message = "the metric ends where it starts".to_owned();
                    self.problems
                        .add(ProblemKind::Shape { message }, raw.to.span());
                }
                if let Some(weight) = &weight
                    && *weight <= BigRational::zero()
                {
                    let message = format!(
                        "the weight is {}, expected more than 0",
                        number::text(weight)
                    );
                    self.problems
                        .add(ProblemKind::Shape { message }, raw.weight.span());
                }
                Some(Metric {
                    of: of?,
                    from: from?,
                    to: to?,
                    weight: weight?,
                })
            })
            .collect();
        let metrics: Option<Vec<Metric>> = metrics.into_iter().collect();
        if let Some(metrics) = &metrics
            && !metrics.is_empty()
        {
            let sum: BigRational = metrics.iter().map(|metric| &metric.weight).sum();
            if !sum.is_one() {
                let sum = number::text(&sum);
                self.problems
                    .add(ProblemKind::WeightsDoNotAddUp { sum }, raw.metrics.span());
            }
        }
        let performance = self.performance(raw);
        Some(LineKind::Pool {
            amount: amount?,
            metrics: metrics?,
            performance,
        })
    }

    /// From score to the part of the pool that is paid.
    fn performance(&mut self, raw: &RawPool) -> Curve {
        let mut points = Vec::new();
        for entry in raw.performance.get_ref() {
            let entry = entry.get_ref();
            let score = self.fixed("score", &entry.score);
            let pays = self.fixed("part of a pool", &entry.pays);
            if let Some(value) = &pays
                && (*value < BigRational::zero() || *value > BigRational::one())
            {
                let value = number::text(value);
                let what = "part of a pool";
                self.problems
                    .add(ProblemKind::NotAFraction { what, value }, entry.pays.span());
            }
            if let (Some(at), Some(amount)) = (score, pays) {
                points.push((Point { at, amount }, &entry.score));
            }
        }
        let is_read = points.len() == raw.performance.get_ref().len();
        let ends = (Below::FirstPoint, Above::LastPoint);
        let curve = self.curve(points, raw.performance.span(), &raw.at_jump, ends);
        if let (Some(first), Some(last), true) =
            (curve.points.first(), curve.points.last(), is_read)
            && (!first.at.is_zero() || !last.at.is_one())
        {
            let (first, last) = (number::text(&first.at), number::text(&last.at));
            self.problems.add(
                ProblemKind::ScoresIncomplete { first, last },
                raw.performance.span(),
            );
        }
        curve
    }

    fn curve(
        &mut self,
        points: Vec<(Point, &Spanned<RawOperand>)>,
        span: std::ops::Range<usize>,
        at_jump: &Option<Spanned<AtJump>>,
        (below, above): (Below, Above),
    ) -> Curve {
        if points.is_empty() {
            let what = "points";
            self.problems.add(ProblemKind::Empty { what }, span.clone());
        }
        let mut has_jump = false;
        for (index, (point, raw)) in points.iter().enumerate().skip(1) {
            let previous = &points[index - 1].0.at;
            let third = index > 1 && points[index - 2].0.at == point.at;
            if point.at < *previous || third {
                let kind = ProblemKind::PointDisorder {
                    at: number::text(&point.at),
                    previous: number::text(previous),
                };
                self.problems.add(kind, raw.span());
            }
            has_jump |= point.at == *previous;
        }
        match (has_jump, at_jump) {
            (true, None) => {
                let found = "two points at one place, but no `at-jump`";
                self.problems.add(ProblemKind::Jump { found }, span);
            }
            (false, Some(word)) => {
                let found = "`at-jump`, but no two points at one place";
                self.problems.add(ProblemKind::Jump { found }, word.span());
            }
            _ => {}
        }
        Curve {
            points: points.into_iter().map(|(point, _)| point).collect(),
            at_jump: at_jump
                .as_ref()
                .map_or(AtJump::After, |word| *word.get_ref()),
            below,
            above,
        }
    }

    /// What rates are of. The outer `Option` is absent if it could not be resolved.
    pub(super) fn rate_on(&mut self, raw: &Option<Spanned<RawOperand>>) -> Option<Option<Operand>> {
        match raw {
            None => Some(None),
            Some(raw) => self.quantities.operand(raw, self.problems).map(Some),
        }
    }

    /// The amount of a step or point, or its rate where amounts are rates.
    pub(super) fn amount_or_rate<'r>(
        &mut self,
        span: std::ops::Range<usize>,
        amount: &'r Option<Spanned<RawOperand>>,
        rate: &'r Option<Spanned<RawOperand>>,
        are_rates: bool,
    ) -> Option<&'r Spanned<RawOperand>> {
        let found = match (amount, rate, are_rates) {
            (Some(amount), None, false) => return Some(amount),
            (None, Some(rate), true) => return Some(rate),
            (None, None, _) => "neither `amount` nor `rate`",
            (Some(_), Some(_), _) => "both `amount` and `rate`",
            (Some(_), None, true) => "an `amount`, but `rate-on` makes them rates",
            (None, Some(_), false) => "a `rate`, but no `rate-on` says of what",
        };
        self.problems.add(ProblemKind::AmountOrRate { found }, span);
        None
    }
}

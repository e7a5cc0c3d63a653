//! The payment lines of a contract: bands in order, steps climbing, gates that look back only.

use std::collections::BTreeMap;

use num_rational::BigRational;
use toml::Spanned;

use super::Operator;
use super::document::{Document, Problems, RawLineKind, indices};
use super::quantities::Quantities;
use super::raw::{RawLine, RawOperand, RawShare, RawSteps};
use super::read::{Bounds, check_amount, check_name, refuse_negative};
use super::terms::{Band, Line, LineKind, Operand, StepTerm};
use crate::currency::Currency;
use crate::number;
use crate::problem::ProblemKind;

/// Resolves every line; absent if any could not be.
pub(super) fn resolve(
    document: &Document,
    currency: Option<Currency>,
    quantities: &mut Quantities,
    problems: &mut Problems,
) -> Option<Vec<Line>> {
    let names = || document.lines.iter().map(|(common, _)| &common.name);
    problems.refuse_duplicates("line", names());
    if document.lines.is_empty() && document.unreadable.is_empty() {
        problems.add(ProblemKind::Empty { what: "lines" }, 0..0);
    }
    let mut reader = LineReader {
        document,
        currency,
        quantities,
        problems,
        indices: indices(names()),
    };
    let lines: Vec<Option<Line>> = document
        .lines
        .iter()
        .enumerate()
        .map(|(index, (common, kind))| reader.line(index, common, kind))
        .collect();
    lines.into_iter().collect()
}

/// Resolves lines, one after the other.
pub(super) struct LineReader<'a> {
    pub(super) document: &'a Document,
    pub(super) currency: Option<Currency>,
    pub(super) quantities: &'a mut Quantities,
    pub(super) problems: &'a mut Problems,
    pub(super) indices: BTreeMap<String, usize>,
}

impl LineReader<'_> {
    fn line(&mut self, index: usize, common: &RawLine, kind: &RawLineKind) -> Option<Line> {
        check_name("name of a line", &common.name, self.problems);
        let requires = self.gate(index, &common.requires);
        let when = self.gate(index, &common.when);
        let bounds = Bounds {
            floor: &common.floor,
            cap: &common.cap,
            claws_back: common.clawback,
        };
        let (floor, cap) = bounds.resolve(self.currency, self.quantities, self.problems);
        let minimum = self.minimum(common);
        let deadweight = self.deadweight(common, kind);
        let per = self.per(common);
        let paid_before = self.paid_before(common);
        let kind = match kind {
            RawLineKind::Fixed(raw) => LineKind::Fixed {
                amount: self.amount("amount", &raw.amount, common.clawback)?,
            },
            RawLineKind::PerUnit(raw) => {
                let units = self.quantities.operand(&raw.units, self.problems);
                LineKind::PerUnit {
                    price: self.price(&raw.price, common.clawback)?,
                    units: units?,
                }
            }
            RawLineKind::Share(raw) => self.share(raw, common.clawback)?,
            RawLineKind::Steps(raw) => self.steps(raw, common.clawback)?,
            RawLineKind::Piecewise(raw) => self.piecewise(raw, common.clawback)?,
            RawLineKind::Pool(raw) => self.pool(raw, common.clawback)?,
        };
        Some(Line {
            name: common.name.get_ref().clone(),
            title: common.title.clone(),
            kind,
            requires: requires?,
            when: when?,
            clawback: common.clawback,
            minimum: minimum?,
            deadweight: deadweight?,
            per: per?,
            floor,
            cap,
            paid_before: paid_before?,
        })
    }

    /// An amount of money: whole minor units and, without clawback, not negative.
    pub(super) fn amount(
        &mut self,
        what: &'static str,
        raw: &Spanned<RawOperand>,
        clawback: bool,
    ) -> Option<Operand> {
        let operand = self.quantities.operand(raw, self.problems)?;
        if let Operand::Literal(value) = &operand {
            check_amount(what, value, self.currency, raw.span(), self.problems);
            if !clawback {
                refuse_negative(what, value, raw.span(), self.problems);
            }
        }
        Some(operand)
    }

    /// A price or a rate, which may be finer than a minor unit.
    fn price(&mut self, raw: &Spanned<RawOperand>, clawback: bool) -> Option<Operand> {
        let operand = self.quantities.operand(raw, self.problems)?;
        if let (Operand::Literal(value), false) = (&operand, clawback) {
            refuse_negative("price", value, raw.span(), self.problems);
        }
        Some(operand)
    }

    fn share(&mut self, raw: &RawShare, clawback: bool) -> Option<LineKind> {
        let of = self.quantities.operand(&raw.of, self.problems);
        if raw.bands.get_ref().is_empty() {
            let what = "bands";
            self.problems
                .add(ProblemKind::Empty { what }, raw.bands.span());
        }
        let mut bands = Vec::new();
        for raw in raw.bands.get_ref() {
            let raw = raw.get_ref();
            let from = self.fixed("lower bound of a band", &raw.from);
            let to = raw
                .to
                .as_ref()
                .map(|to| self.fixed("upper bound of a band", to));
            let share = self.fixed("share of a band", &raw.share);
            if !clawback {
                for (what, value, raw) in [
                    ("lower bound of a band", &from, &raw.from),
                    ("share of a band", &share, &raw.share),
                ] {
                    if let Some(value) = value {
                        refuse_negative(what, value, raw.span(), self.problems);
                    }
                }
            }
            // A bound that cannot be read has been reported; the rest is checked without it.
            let (Some(from), Some(share)) = (from, share) else {
                continue;
            };
            let to = match to {
                Some(None) => continue,
                Some(Some(to)) => Some(to),
                None => None,
            };
            let band = Band { from, to, share };
            self.check_band(&band, bands.last(), &raw.from);
            bands.push(band);
        }
        Some(LineKind::Share { of: of?, bands })
    }

    fn check_band(&mut self, band: &Band, previous: Option<&Band>, raw: &Spanned<RawOperand>) {
        let from = number::text(&band.from);
        if let Some(to) = &band.to
            && *to <= band.from
        {
            let (from, to) = (from.clone(), number::text(to));
            self.problems
                .add(ProblemKind::BandEmpty { from, to }, raw.span());
        }
        let Some(previous) = previous else { return };
        let end = previous.to.as_ref();
        let previous = end.map_or_else(|| "no bound".to_owned(), number::text);
        let kind = match end {
            Some(end) if *end == band.from => return,
            Some(end) if *end < band.from => ProblemKind::BandGap { from, previous },
            _ => ProblemKind::BandsOverlap { from, previous },
        };
        self.problems.add(kind, raw.span());
    }

    fn steps(&mut self, raw: &RawSteps, clawback: bool) -> Option<LineKind> {
        let of = self.quantities.operand(&raw.of, self.problems);
        let rate_on = self.rate_on(&raw.rate_on);
        let operator = *raw.operator.get_ref();
        if !matches!(operator, Operator::AtLeast | Operator::MoreThan) {
            let found = operator.to_string();
            self.problems
                .add(ProblemKind::StepOperator { found }, raw.operator.span());
        }
        if raw.steps.get_ref().is_empty() {
            let what = "steps";
            self.problems
                .add(ProblemKind::Empty { what }, raw.steps.span());
        }
        let mut steps: Vec<StepTerm> = Vec::new();
        let are_rates = raw.rate_on.is_some();
        for step in raw.steps.get_ref() {
            let raw = step.get_ref();
            let threshold = self.fixed("threshold of a step", &raw.threshold);
            let stated = self.amount_or_rate(step.span(), &raw.amount, &raw.rate, are_rates);
            let amount = stated.and_then(|amount| {
                if are_rates {
                    self.price(amount, clawback)
                } else {
                    self.amount("amount of a step", amount, clawback)
                }
            });
            let (Some(threshold), Some(amount)) = (threshold, amount) else {
                continue;
            };
            if let Some(previous) = steps.last()
                && threshold <= previous.threshold
            {
                let kind = ProblemKind::StepDisorder {
                    threshold: number::text(&threshold),
                    previous: number::text(&previous.threshold),
                };
                self.problems.add(kind, raw.threshold.span());
            }
            steps.push(StepTerm { threshold, amount });
        }
        Some(LineKind::Steps {
            of: of?,
            operator,
            steps,
            rate_on: rate_on?,
        })
    }

    pub(super) fn fixed(
        &mut self,
        what: &'static str,
        raw: &Spanned<RawOperand>,
    ) -> Option<BigRational> {
        self.quantities.fixed(what, raw, self.problems)
    }
}

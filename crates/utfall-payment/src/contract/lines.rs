//! The payment lines of a contract: bands in order, steps climbing, gates that look back only.

use std::collections::BTreeMap;

use num_rational::BigRational;
use toml::Spanned;

use super::Operator;
use super::document::{Document, Problems, RawLineKind, indices};
use super::quantities::{Quantities, check_input_name};
use super::raw::{RawCondition, RawLine, RawOperand, RawShare, RawSteps};
use super::read::{Bounds, check_amount, check_name, refuse_negative};
use super::terms::{Band, Condition, Line, LineKind, Operand, StepTerm};
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

struct LineReader<'a> {
    document: &'a Document,
    currency: Option<Currency>,
    quantities: &'a mut Quantities,
    problems: &'a mut Problems,
    indices: BTreeMap<String, usize>,
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
        };
        Some(Line {
            name: common.name.get_ref().clone(),
            title: common.title.clone(),
            kind,
            requires: requires?,
            when: when?,
            clawback: common.clawback,
            floor,
            cap,
        })
    }

    /// An amount of money: whole minor units and, without clawback, not negative.
    fn amount(
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

    /// A price, which may be finer than a minor unit.
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
        for raw in raw.steps.get_ref() {
            let raw = raw.get_ref();
            let threshold = self.fixed("threshold of a step", &raw.threshold);
            let amount = self.amount("amount of a step", &raw.amount, clawback);
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
        })
    }

    fn fixed(&mut self, what: &'static str, raw: &Spanned<RawOperand>) -> Option<BigRational> {
        self.quantities.fixed(what, raw, self.problems)
    }

    /// A gate, if the line has one. The outer `Option` is absent if it could not be resolved.
    fn gate(
        &mut self,
        line: usize,
        raw: &Option<Spanned<RawCondition>>,
    ) -> Option<Option<Condition>> {
        match raw {
            None => Some(None),
            Some(raw) => self.condition(line, raw).map(Some),
        }
    }

    fn condition(&mut self, line: usize, raw: &Spanned<RawCondition>) -> Option<Condition> {
        let keys = keys_present(raw.get_ref());
        match (raw.get_ref(), keys.as_slice()) {
            (RawCondition { all: Some(all), .. }, ["all"]) => {
                Some(Condition::All(self.conditions(line, all, raw)?))
            }
            (RawCondition { any: Some(any), .. }, ["any"]) => {
                Some(Condition::Any(self.conditions(line, any, raw)?))
            }
            (
                RawCondition {
                    quantity: Some(quantity),
                    operator: Some(operator),
                    value: Some(value),
                    ..
                },
                ["quantity", "operator", "value"],
            ) => {
                let name = quantity.get_ref();
                let index = self.quantities.named(name, quantity.span(), self.problems);
                let value = self.quantities.operand(value, self.problems);
                Some(Condition::Compare {
                    quantity: index?,
                    operator: *operator,
                    value: value?,
                })
            }
            (
                RawCondition {
                    flag: Some(flag),
                    equals: Some(equals),
                    ..
                },
                ["flag", "equals"],
            ) => {
                check_input_name(flag, self.problems);
                Some(Condition::Flag {
                    name: flag.get_ref().clone(),
                    equals: *equals,
                })
            }
            (
                RawCondition {
                    text: Some(text),
                    one_of: Some(one_of),
                    ..
                },
                ["text", "one-of"],
            ) => Some(self.text(text, one_of)),
            (
                RawCondition {
                    line: Some(other),
                    ended: Some(branch),
                    ..
                },
                ["line", "ended"],
            ) => {
                let other = self.earlier_line(line, other)?;
                Some(Condition::Ended {
                    line: other,
                    branch: *branch,
                })
            }
            _ => {
                let found = if keys.is_empty() {
                    "that is empty".to_owned()
                } else {
                    format!(
                        "with the keys {}, which together are no form",
                        keys.join(", ")
                    )
                };
                self.problems
                    .add(ProblemKind::ConditionForm { found }, raw.span());
                None
            }
        }
    }

    fn conditions(
        &mut self,
        line: usize,
        list: &[Spanned<RawCondition>],
        whole: &Spanned<RawCondition>,
    ) -> Option<Vec<Condition>> {
        if list.is_empty() {
            let what = "conditions";
            self.problems.add(ProblemKind::Empty { what }, whole.span());
            return None;
        }
        let conditions: Vec<Option<Condition>> =
            list.iter().map(|raw| self.condition(line, raw)).collect();
        conditions.into_iter().collect()
    }

    fn text(
        &mut self,
        text: &Spanned<String>,
        one_of: &Spanned<Vec<Spanned<String>>>,
    ) -> Condition {
        check_input_name(text, self.problems);
        if one_of.get_ref().is_empty() {
            let what = "words in `one-of`";
            self.problems
                .add(ProblemKind::Empty { what }, one_of.span());
        }
        if text.get_ref().ends_with(".estimand") {
            for word in one_of.get_ref() {
                let known = ["ate", "att", "atc", "matched-treated"];
                if !known.contains(&word.get_ref().as_str()) {
                    let found = word.get_ref().clone();
                    self.problems
                        .add(ProblemKind::UnknownEstimand { found }, word.span());
                }
            }
        }
        Condition::Text {
            name: text.get_ref().clone(),
            one_of: one_of
                .get_ref()
                .iter()
                .map(|w| w.get_ref().clone())
                .collect(),
        }
    }

    /// The index of a line that is decided before `line`.
    fn earlier_line(&mut self, line: usize, name: &Spanned<String>) -> Option<usize> {
        let text = name.get_ref();
        match self.indices.get(text) {
            Some(&other) if other < line => Some(other),
            Some(_) => {
                let name_text = text.clone();
                self.problems
                    .add(ProblemKind::LaterLine { name: name_text }, name.span());
                None
            }
            None if self.document.unreadable.contains(text) => None,
            None => {
                let expected: Vec<&str> = self.indices.keys().map(String::as_str).collect();
                let kind = ProblemKind::UnknownLine {
                    name: text.clone(),
                    expected: expected.join(", "),
                };
                self.problems.add(kind, name.span());
                None
            }
        }
    }
}

/// The keys of a condition, in the order of the forms.
fn keys_present(raw: &RawCondition) -> Vec<&'static str> {
    [
        ("all", raw.all.is_some()),
        ("any", raw.any.is_some()),
        ("quantity", raw.quantity.is_some()),
        ("operator", raw.operator.is_some()),
        ("value", raw.value.is_some()),
        ("flag", raw.flag.is_some()),
        ("equals", raw.equals.is_some()),
        ("text", raw.text.is_some()),
        ("one-of", raw.one_of.is_some()),
        ("line", raw.line.is_some()),
        ("ended", raw.ended.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, present)| present.then_some(key))
    .collect()
}

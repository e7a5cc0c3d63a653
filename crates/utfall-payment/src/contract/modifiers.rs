//! What modifies a line or the whole contract: minimum number, deadweight, bounds for each of
//! something, groups with bounds of their own, and what was paid before.

use num_rational::BigRational;
use num_traits::{One, Signed};
use toml::Spanned;

use super::Otherwise;
use super::document::{Document, Problems, RawLineKind, indices};
use super::lines::LineReader;
use super::quantities::Quantities;
use super::raw::{RawDeadweight, RawLine, RawMinimum, RawOperand, RawPer};
use super::read::{Bounds, check_name};
use super::terms::{Deadweight, Group, Minimum, Operand, Per, SetOff};
use crate::currency::Currency;
use crate::number;
use crate::problem::ProblemKind;

impl LineReader<'_> {
    /// The outer `Option` is absent if it could not be resolved, as with the others here.
    pub(super) fn minimum(&mut self, line: &RawLine) -> Option<Option<Minimum>> {
        let Some(raw) = &line.minimum else {
            return Some(None);
        };
        let RawMinimum {
            of,
            at_least,
            otherwise,
            amount,
        } = raw.get_ref();
        let of = self.quantities.operand(of, self.problems);
        let at_least = self.quantities.operand(at_least, self.problems);
        let amount = match (otherwise, amount) {
            (Otherwise::Amount, Some(amount)) => {
                Some(self.amount("amount below the minimum", amount, line.clawback)?)
            }
            (Otherwise::Amount, None) => {
                let message = "missing key `amount` beside otherwise = \"amount\"".to_owned();
                self.problems
                    .add(ProblemKind::Shape { message }, raw.span());
                return None;
            }
            (_, Some(amount)) => {
                let message = "an `amount`, but `otherwise` is another word".to_owned();
                self.problems
                    .add(ProblemKind::Shape { message }, amount.span());
                return None;
            }
            (_, None) => None,
        };
        Some(Some(Minimum {
            of: of?,
            at_least: at_least?,
            otherwise: *otherwise,
            amount,
        }))
    }

    pub(super) fn deadweight(
        &mut self,
        line: &RawLine,
        kind: &RawLineKind,
    ) -> Option<Option<Deadweight>> {
        let Some(raw) = &line.deadweight else {
            return Some(None);
        };
        if let Some(kind) = pays_on_nothing(kind) {
            let modifier = "deadweight";
            self.problems
                .add(ProblemKind::ModifierUnfit { modifier, kind }, raw.span());
        }
        match raw.get_ref() {
            RawDeadweight {
                fraction: Some(fraction),
                fixed: None,
            } => {
                let operand = self.quantities.operand(fraction, self.problems)?;
                if let Some(value) = self.quantities.constant(&operand)
                    && (value.is_negative() || *value > BigRational::one())
                {
                    let value = number::text(value);
                    let what = "deadweight";
                    self.problems
                        .add(ProblemKind::NotAFraction { what, value }, fraction.span());
                }
                Some(Some(Deadweight::Fraction(operand)))
            }
            RawDeadweight {
                fraction: None,
                fixed: Some(fixed),
            } => {
                let operand = self.quantities.operand(fixed, self.problems)?;
                if let Some(value) = self.quantities.constant(&operand)
                    && value.is_negative()
                {
                    let message = format!(
                        "the fixed deadweight is {}, expected 0 or more",
                        number::text(value)
                    );
                    self.problems
                        .add(ProblemKind::Shape { message }, fixed.span());
                }
                Some(Some(Deadweight::Fixed(operand)))
            }
            _ => {
                let message = "deadweight is either `fraction` or `fixed`".to_owned();
                self.problems
                    .add(ProblemKind::Shape { message }, raw.span());
                None
            }
        }
    }

    pub(super) fn per(&mut self, line: &RawLine) -> Option<Option<Per>> {
        let Some(raw) = &line.per else {
            return Some(None);
        };
        let RawPer { of, floor, cap } = raw.get_ref();
        if floor.is_none() && cap.is_none() {
            let what = "`floor` or `cap`";
            self.problems.add(ProblemKind::Empty { what }, raw.span());
        }
        let of = self.quantities.operand(of, self.problems);
        let bounds = Bounds {
            floor,
            cap,
            claws_back: line.clawback,
        };
        let (floor, cap) = bounds.resolve(self.currency, self.quantities, self.problems);
        Some(Some(Per {
            of: of?,
            floor,
            cap,
        }))
    }

    pub(super) fn paid_before(&mut self, line: &RawLine) -> Option<Option<Operand>> {
        paid_before(
            &line.paid_before,
            line.cap.is_some(),
            self.quantities,
            self.problems,
        )
    }
}

/// The kind of a line that pays on no quantity.
fn pays_on_nothing(kind: &RawLineKind) -> Option<&'static str> {
    match kind {
        RawLineKind::Fixed(_) => Some("fixed"),
        RawLineKind::Pool(_) => Some("pool"),
        _ => None,
    }
}

fn paid_before(
    raw: &Option<Spanned<RawOperand>>,
    has_cap: bool,
    quantities: &mut Quantities,
    problems: &mut Problems,
) -> Option<Option<Operand>> {
    let Some(raw) = raw else { return Some(None) };
    if !has_cap {
        problems.add(ProblemKind::PaidBeforeWithoutCap, raw.span());
    }
    quantities.operand(raw, problems).map(Some)
}

/// What the whole contract counts as paid before, and what it sets off.
pub(super) fn of_contract(
    document: &Document,
    quantities: &mut Quantities,
    problems: &mut Problems,
) -> (Option<Operand>, Option<SetOff>) {
    let Some(header) = &document.header else {
        return (None, None);
    };
    let has_cap = header.cap.is_some();
    let before = paid_before(&header.paid_before, has_cap, quantities, problems).flatten();
    let set_off = header.set_off.as_ref().and_then(|raw| {
        let paid = quantities.operand(&raw.get_ref().paid, problems)?;
        let excess = raw.get_ref().excess;
        Some(SetOff { paid, excess })
    });
    (before, set_off)
}

/// Resolves the groups; absent if any could not be.
pub(super) fn groups(
    document: &Document,
    currency: Option<Currency>,
    quantities: &mut Quantities,
    problems: &mut Problems,
) -> Option<Vec<Group>> {
    let lines = indices(document.lines.iter().map(|(common, _)| &common.name));
    problems.refuse_duplicates("group", document.groups.iter().map(|group| &group.name));
    let mut taken: Vec<(usize, String)> = Vec::new();
    let mut groups = Vec::new();
    for raw in &document.groups {
        check_name("name of a group", &raw.name, problems);
        if lines.contains_key(raw.name.get_ref()) {
            let name = raw.name.get_ref().clone();
            let what = "line or group";
            problems.add(ProblemKind::Duplicate { what, name }, raw.name.span());
        }
        if raw.lines.get_ref().is_empty() {
            let what = "lines of the group";
            problems.add(ProblemKind::Empty { what }, raw.lines.span());
        }
        let mut members = Vec::new();
        for name in raw.lines.get_ref() {
            let text = name.get_ref();
            let Some(&line) = lines.get(text) else {
                if !document.unreadable.contains(text) {
                    let expected: Vec<&str> = lines.keys().map(String::as_str).collect();
                    let kind = ProblemKind::UnknownLine {
                        name: text.clone(),
                        expected: expected.join(", "),
                    };
                    problems.add(kind, name.span());
                }
                continue;
            };
            if let Some((_, group)) = taken.iter().find(|(other, _)| *other == line) {
                let (name_text, group) = (text.clone(), group.clone());
                let kind = ProblemKind::LineInTwoGroups {
                    name: name_text,
                    group,
                };
                problems.add(kind, name.span());
            }
            taken.push((line, raw.name.get_ref().clone()));
            members.push(line);
        }
        let claws_back = members.iter().any(|line| document.lines[*line].0.clawback);
        let bounds = Bounds {
            floor: &raw.floor,
            cap: &raw.cap,
            claws_back,
        };
        let (floor, cap) = bounds.resolve(currency, quantities, problems);
        let before = paid_before(&raw.paid_before, raw.cap.is_some(), quantities, problems);
        members.sort_unstable();
        groups.push(Some(Group {
            name: raw.name.get_ref().clone(),
            title: raw.title.clone(),
            lines: members,
            floor,
            cap,
            paid_before: before?,
        }));
    }
    groups.into_iter().collect()
}

//! The quantities of a contract: where each comes from, in which order they are known, and which
//! are constants.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use num_rational::BigRational;
use toml::Spanned;

use super::arithmetic;
use super::document::{Document, Problems, RawRule, indices};
use super::raw::{RawAdjustedP, RawEffect, RawInput, RawOperand, RawSeveral};
use super::read::check_name;
use super::terms::{Effect, Operand, Quantity, Rule};
use crate::problem::ProblemKind;

/// The figures an effect has, beside its estimand.
const FIGURES: [&str; 13] = [
    "point",
    "lower",
    "upper",
    "standard-error",
    "p-value",
    "n-treated",
    "n-comparator",
    "relative",
    "total",
    "maryland",
    "savings",
    "savings-lower",
    "savings-upper",
];
/// More decimals than a 64-bit float carries.
const MAX_DECIMALS: u32 = 18;

/// The quantities, resolved as far as the file allows.
#[derive(Debug, Default)]
pub(super) struct Quantities {
    /// Absent if any could not be resolved.
    pub(super) resolved: Option<Vec<Quantity>>,
    /// Each after those it draws on.
    pub(super) order: Vec<usize>,
    pub(super) effects: Vec<Effect>,
    names: Vec<Spanned<String>>,
    indices: BTreeMap<String, usize>,
    unreadable: BTreeSet<String>,
    constants: BTreeMap<usize, BigRational>,
    used: BTreeSet<usize>,
}

/// Resolves effects and quantities, and refuses what is unknown, circular or never defined.
pub(super) fn resolve(document: &Document, problems: &mut Problems) -> Quantities {
    let names = || document.quantities.iter().map(|(common, _)| &common.name);
    problems.refuse_duplicates("quantity", names());
    for name in names() {
        check_name("name of a quantity", name, problems);
    }
    let mut quantities = Quantities {
        names: names().cloned().collect(),
        indices: indices(names()),
        unreadable: document.unreadable.clone(),
        effects: effects(&document.effects, problems),
        ..Quantities::default()
    };
    let mut figures = Figures::new(&document.effects);
    let rules: Vec<Option<Rule>> = document
        .quantities
        .iter()
        .map(|(_, rule)| quantities.rule(rule, &mut figures, problems))
        .collect();
    figures.refuse_unread(problems);
    quantities.put_in_order(&rules, problems);
    quantities.fold_constants(&rules, problems);
    quantities.resolved = document
        .quantities
        .iter()
        .zip(rules)
        .map(|((common, _), rule)| {
            Some(Quantity {
                name: common.name.get_ref().clone(),
                unit: common.unit.clone(),
                rule: rule?,
            })
        })
        .collect();
    quantities
}

fn effects(raw: &[RawEffect], problems: &mut Problems) -> Vec<Effect> {
    problems.refuse_duplicates("effect", raw.iter().map(|effect| &effect.name));
    for effect in raw {
        check_name("name of an effect", &effect.name, problems);
        if effect.estimands.get_ref().is_empty() {
            let what = "estimands accepted";
            problems.add(ProblemKind::Empty { what }, effect.estimands.span());
        }
    }
    raw.iter()
        .map(|effect| Effect {
            name: effect.name.get_ref().clone(),
            estimands: effect.estimands.get_ref().clone(),
        })
        .collect()
}

impl Quantities {
    /// The operand a file names, which counts as used; unknown names are a problem.
    pub(super) fn operand(
        &mut self,
        raw: &Spanned<RawOperand>,
        problems: &mut Problems,
    ) -> Option<Operand> {
        match raw.get_ref() {
            RawOperand::Literal(value) => Some(Operand::Literal(value.clone())),
            RawOperand::Quantity(name) => {
                let index = self.named(name, raw.span(), problems)?;
                Some(Operand::Quantity(index))
            }
        }
    }

    /// The index of a named quantity, which counts as used; unknown names are a problem.
    pub(super) fn named(
        &mut self,
        name: &str,
        span: Range<usize>,
        problems: &mut Problems,
    ) -> Option<usize> {
        let found = self.indices.get(name).copied();
        self.used.extend(found);
        if found.is_none() && !self.unreadable.contains(name) {
            let expected: Vec<&str> = self.indices.keys().map(String::as_str).collect();
            let kind = ProblemKind::UnknownQuantity {
                name: name.to_owned(),
                expected: expected.join(", "),
            };
            problems.add(kind, span);
        }
        found
    }

    /// The index of a quantity by its name, without counting as used.
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.indices.get(name).copied()
    }

    /// The value of an operand that depends on no input.
    pub(super) fn constant<'a>(&'a self, operand: &'a Operand) -> Option<&'a BigRational> {
        match operand {
            Operand::Literal(value) => Some(value),
            Operand::Quantity(index) => self.constants.get(index),
        }
    }

    /// The value of an operand that must be known before any outcome.
    pub(super) fn fixed(
        &mut self,
        what: &'static str,
        raw: &Spanned<RawOperand>,
        problems: &mut Problems,
    ) -> Option<BigRational> {
        let operand = self.operand(raw, problems)?;
        let value = self.constant(&operand).cloned();
        if let (None, RawOperand::Quantity(name)) = (&value, raw.get_ref()) {
            let name = name.clone();
            problems.add(ProblemKind::NotConstant { what, name }, raw.span());
        }
        value
    }

    /// Refuses quantities that nothing uses.
    pub(super) fn refuse_unused(&self, problems: &mut Problems) {
        for (index, name) in self.names.iter().enumerate() {
            let first_of_name = self.indices.get(name.get_ref()) == Some(&index);
            if first_of_name && !self.used.contains(&index) {
                let kind = ProblemKind::UnusedQuantity {
                    name: name.get_ref().clone(),
                };
                problems.add(kind, name.span());
            }
        }
    }

    fn rule(
        &mut self,
        raw: &RawRule,
        figures: &mut Figures<'_>,
        problems: &mut Problems,
    ) -> Option<Rule> {
        let p = problems;
        Some(match raw {
            RawRule::Input(input) => self.input(input, figures, p)?,
            RawRule::Constant(raw) => match raw.value.get_ref() {
                RawOperand::Literal(value) => Rule::Constant(value.clone()),
                RawOperand::Quantity(name) => {
                    let message = format!("`{name}` is not a number");
                    p.add(ProblemKind::Shape { message }, raw.value.span());
                    return None;
                }
            },
            RawRule::Difference(raw) => Rule::Difference {
                of: self.operand(&raw.of, p)?,
                less: self.operand(&raw.less, p)?,
            },
            RawRule::Ratio(raw) => Rule::Ratio {
                of: self.operand(&raw.of, p)?,
                to: self.operand(&raw.to, p)?,
            },
            RawRule::RelativeReduction(raw) => Rule::RelativeReduction {
                from: self.operand(&raw.from, p)?,
                to: self.operand(&raw.to, p)?,
            },
            RawRule::ShareOf(raw) => Rule::ShareOf {
                of: self.operand(&raw.of, p)?,
                share: self.operand(&raw.share, p)?,
            },
            RawRule::Sum(raw) => Rule::Sum(self.several(raw, p)?),
            RawRule::Product(raw) => Rule::Product(self.several(raw, p)?),
            RawRule::Minimum(raw) => Rule::Minimum(self.several(raw, p)?),
            RawRule::Maximum(raw) => Rule::Maximum(self.several(raw, p)?),
            RawRule::FirstAvailable(raw) => Rule::FirstAvailable(self.several(raw, p)?),
            RawRule::AdjustedP(raw) => self.adjusted_p(raw, p)?,
            RawRule::ProbabilityAbove(raw) => {
                check_decimals(&raw.decimals, p);
                let operands = [&raw.point, &raw.standard_error, &raw.threshold]
                    .map(|operand| self.operand(operand, p));
                let [point, standard_error, threshold] = operands;
                Rule::ProbabilityAbove {
                    point: point?,
                    standard_error: standard_error?,
                    threshold: threshold?,
                    decimals: *raw.decimals.get_ref(),
                    rounding: raw.rounding,
                }
            }
            RawRule::Compound(raw) => {
                let operands =
                    [&raw.of, &raw.rate, &raw.periods].map(|operand| self.operand(operand, p));
                let [of, rate, periods] = operands;
                Rule::Compound {
                    of: of?,
                    rate: rate?,
                    periods: periods?,
                }
            }
            RawRule::Rounded(raw) => {
                check_decimals(&raw.decimals, p);
                Rule::Rounded {
                    of: self.operand(&raw.of, p)?,
                    decimals: *raw.decimals.get_ref(),
                    rounding: raw.rounding,
                }
            }
        })
    }

    fn adjusted_p(&mut self, raw: &RawAdjustedP, problems: &mut Problems) -> Option<Rule> {
        let of = self.operand(&raw.of, problems);
        let among = self.all_of(&raw.among, problems)?;
        let of = of?;
        if !among.contains(&of) {
            problems.add(ProblemKind::NotInFamily, raw.of.span());
        }
        Some(Rule::AdjustedP {
            of,
            among,
            rule: raw.rule,
        })
    }

    fn several(&mut self, raw: &RawSeveral, problems: &mut Problems) -> Option<Vec<Operand>> {
        self.all_of(&raw.of, problems)
    }

    fn all_of(
        &mut self,
        raw: &Spanned<Vec<Spanned<RawOperand>>>,
        problems: &mut Problems,
    ) -> Option<Vec<Operand>> {
        if raw.get_ref().is_empty() {
            let what = "operands";
            problems.add(ProblemKind::Empty { what }, raw.span());
            return None;
        }
        let operands: Vec<Option<Operand>> = raw
            .get_ref()
            .iter()
            .map(|operand| self.operand(operand, problems))
            .collect();
        operands.into_iter().collect()
    }

    fn input(
        &self,
        raw: &RawInput,
        figures: &mut Figures<'_>,
        problems: &mut Problems,
    ) -> Option<Rule> {
        check_decimals(&raw.decimals, problems);
        check_input_name(&raw.from, problems);
        let effect = figures.read(&raw.from, problems);
        Some(Rule::Input {
            from: raw.from.get_ref().clone(),
            effect,
            sign: raw.sign,
            decimals: *raw.decimals.get_ref(),
            rounding: raw.rounding,
        })
    }

    /// Kahn's order, first in the file first, or the circle that stands in its way.
    fn put_in_order(&mut self, rules: &[Option<Rule>], problems: &mut Problems) {
        let draws_on: Vec<BTreeSet<usize>> = rules
            .iter()
            .map(|rule| {
                let operands = rule.iter().flat_map(Rule::operands);
                operands.filter_map(Operand::quantity).collect()
            })
            .collect();
        let mut users = vec![Vec::new(); rules.len()];
        for (user, drawn) in draws_on.iter().enumerate() {
            for &index in drawn {
                users[index].push(user);
            }
        }
        let mut waits_for: Vec<usize> = draws_on.iter().map(BTreeSet::len).collect();
        let mut ready: BTreeSet<usize> = (0..rules.len()).filter(|&i| waits_for[i] == 0).collect();
        while let Some(next) = ready.pop_first() {
            self.order.push(next);
            for &user in &users[next] {
                waits_for[user] -= 1;
                if waits_for[user] == 0 {
                    ready.insert(user);
                }
            }
        }
        if let Some(start) = (0..rules.len()).find(|&index| waits_for[index] > 0) {
            self.refuse_circle(start, &draws_on, &waits_for, problems);
        }
    }

    /// Walks from a quantity that could not be placed until it meets itself.
    fn refuse_circle(
        &self,
        start: usize,
        draws_on: &[BTreeSet<usize>],
        waits_for: &[usize],
        problems: &mut Problems,
    ) {
        let mut path: Vec<usize> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut here = start;
        while seen.insert(here) {
            path.push(here);
            let Some(&next) = draws_on[here].iter().find(|&&next| waits_for[next] > 0) else {
                return;
            };
            here = next;
        }
        let circle: Vec<&str> = path
            .into_iter()
            .skip_while(|&index| index != here)
            .chain(std::iter::once(here))
            .map(|index| self.names[index].get_ref().as_str())
            .collect();
        let circle = circle.join(" → ");
        problems.add(ProblemKind::Cycle { circle }, self.names[here].span());
    }

    fn fold_constants(&mut self, rules: &[Option<Rule>], problems: &mut Problems) {
        for &index in &self.order {
            let Some(rule) = &rules[index] else { continue };
            let values: Option<Vec<BigRational>> = rule
                .operands()
                .into_iter()
                .map(|operand| self.constant(operand).cloned())
                .collect();
            match values.and_then(|values| arithmetic::apply(rule, &values)) {
                Some(Ok(value)) => {
                    self.constants.insert(index, value);
                }
                Some(Err(undefined)) => {
                    let name = &self.names[index];
                    let kind = ProblemKind::Undefined {
                        name: name.get_ref().clone(),
                        reason: undefined.to_string(),
                    };
                    problems.add(kind, name.span());
                }
                None => {}
            }
        }
    }
}

fn check_decimals(decimals: &Spanned<u32>, problems: &mut Problems) {
    if *decimals.get_ref() > MAX_DECIMALS {
        let kind = ProblemKind::TooManyDecimals {
            found: *decimals.get_ref(),
            most: MAX_DECIMALS,
        };
        problems.add(kind, decimals.span());
    }
}

/// Refuses an input whose name has more than lower-case letters, digits, `-` and `.`.
pub(super) fn check_input_name(name: &Spanned<String>, problems: &mut Problems) {
    let text = name.get_ref();
    let usual = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) || !text.bytes().all(usual) {
        let kind = ProblemKind::Name {
            what: "name of an input",
            found: text.clone(),
        };
        problems.add(kind, name.span());
    }
}

/// Which figures of which effect are listed, and which of those are read.
struct Figures<'a> {
    effects: &'a [RawEffect],
    read: BTreeSet<String>,
}

impl<'a> Figures<'a> {
    fn new(effects: &'a [RawEffect]) -> Self {
        Self {
            effects,
            read: BTreeSet::new(),
        }
    }

    /// The effect an input is a figure of, if it is one.
    fn read(&mut self, from: &Spanned<String>, problems: &mut Problems) -> Option<usize> {
        let input = from.get_ref();
        let (effect, figure) = input.rsplit_once('.')?;
        let declared = self
            .effects
            .iter()
            .position(|declared| declared.name.get_ref() == effect);
        let known = FIGURES.contains(&figure);
        self.read.insert(input.clone());
        let kind = match declared {
            None if !known => return None,
            None => ProblemKind::UndeclaredEffect {
                input: input.clone(),
                effect: effect.to_owned(),
            },
            Some(_) if !known => unknown_figure(figure),
            Some(index) => {
                let listed = &self.effects[index].decides_on;
                if listed.iter().any(|listed| listed.get_ref() == figure) {
                    return declared;
                }
                ProblemKind::UnlistedFigure {
                    input: input.clone(),
                    figure: figure.to_owned(),
                }
            }
        };
        problems.add(kind, from.span());
        declared
    }

    fn refuse_unread(&self, problems: &mut Problems) {
        for effect in self.effects {
            for figure in &effect.decides_on {
                let input = format!("{}.{}", effect.name.get_ref(), figure.get_ref());
                if !FIGURES.contains(&figure.get_ref().as_str()) {
                    problems.add(unknown_figure(figure.get_ref()), figure.span());
                } else if !self.read.contains(&input) {
                    let figure_name = figure.get_ref().clone();
                    let kind = ProblemKind::UnreadFigure {
                        input,
                        figure: figure_name,
                    };
                    problems.add(kind, figure.span());
                }
            }
        }
    }
}

fn unknown_figure(figure: &str) -> ProblemKind {
    ProblemKind::UnknownFigure {
        figure: figure.to_owned(),
        expected: FIGURES.join(", "),
    }
}

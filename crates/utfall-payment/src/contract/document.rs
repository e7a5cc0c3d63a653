//! A contract file, taken apart: each entry in the shape of its kind, each problem with its place.
//!
//! Entries are read one by one, so that one bad entry does not hide what is wrong with the next.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use num_rational::BigRational;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::amendments::Amendment;
use super::raw::{
    RawAdjustedP, RawCompound, RawConstant, RawDifference, RawEffect, RawFixed, RawGroup,
    RawHeader, RawInput, RawLine, RawOperand, RawParty, RawPerUnit, RawPiecewise, RawPool,
    RawProbabilityAbove, RawQuantity, RawRatio, RawRelativeReduction, RawRounded, RawSeveral,
    RawShare, RawShareOf, RawSteps,
};
use crate::problem::ProblemKind;

const HEADER_KEYS: [&str; 14] = [
    "schema",
    "name",
    "title",
    "notes",
    "sources",
    "currency",
    "rounding",
    "floor",
    "cap",
    "paid-before",
    "set-off",
    "remainder",
    "beyond-payer-cap",
    "claims",
];
pub(super) const LIST_KEYS: [&str; 5] = ["effect", "quantity", "line", "group", "party"];
const AMENDMENT: &str = "amendment";
const QUANTITY_KEYS: [&str; 2] = ["name", "unit"];
const LINE_KEYS: [&str; 12] = [
    "name",
    "title",
    "requires",
    "when",
    "minimum",
    "deadweight",
    "clawback",
    "per",
    "floor",
    "cap",
    "paid-before",
    "claims",
];
pub(super) const QUANTITY_KINDS: &str = "input, constant, difference, sum, product, ratio, \
                              relative-reduction, share-of, minimum, maximum, first-available, \
                              rounded, adjusted-p-value, probability-above, compound";
pub(super) const LINE_KINDS: &str = "fixed, per-unit, share, steps, piecewise, pool";

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(pub(super) Vec<(ProblemKind, Range<usize>)>);

/// A contract file as written, without its amendments.
#[derive(Debug, Clone, Default)]
pub(super) struct Document {
    pub(super) header: Option<RawHeader>,
    pub(super) effects: Vec<RawEffect>,
    pub(super) quantities: Vec<(RawQuantity, RawRule)>,
    pub(super) lines: Vec<(RawLine, RawLineKind)>,
    pub(super) groups: Vec<RawGroup>,
    pub(super) parties: Vec<RawParty>,
    /// Without every party, their shares say nothing.
    pub(super) every_party_is_read: bool,
    /// Names of entries that could not be read: referring to one is no further problem.
    pub(super) unreadable: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(super) enum RawRule {
    Input(RawInput),
    Constant(RawConstant),
    Difference(RawDifference),
    Sum(RawSeveral),
    Product(RawSeveral),
    Ratio(RawRatio),
    RelativeReduction(RawRelativeReduction),
    ShareOf(RawShareOf),
    Minimum(RawSeveral),
    Maximum(RawSeveral),
    FirstAvailable(RawSeveral),
    Rounded(RawRounded),
    AdjustedP(RawAdjustedP),
    ProbabilityAbove(RawProbabilityAbove),
    Compound(RawCompound),
}

#[derive(Debug, Clone)]
pub(super) enum RawLineKind {
    Fixed(RawFixed),
    PerUnit(RawPerUnit),
    Share(RawShare),
    Steps(RawSteps),
    Piecewise(RawPiecewise),
    Pool(RawPool),
}

impl Problems {
    pub(super) fn add(&mut self, kind: ProblemKind, span: Range<usize>) {
        self.0.push((kind, span));
    }

    /// Remembers a second use of a name among `what`.
    pub(super) fn refuse_duplicates<'a>(
        &mut self,
        what: &'static str,
        names: impl Iterator<Item = &'a Spanned<String>>,
    ) {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name.get_ref()) {
                let name_text = name.get_ref().clone();
                self.add(
                    ProblemKind::Duplicate {
                        what,
                        name: name_text,
                    },
                    name.span(),
                );
            }
        }
    }
}

impl Document {
    /// Takes a file apart into the contract and its amendments. A syntax error is the only problem
    /// reported for the file it is in.
    pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<(Self, Vec<Amendment>)> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in errors {
                let message = error.message().to_owned();
                problems.add(
                    ProblemKind::Syntax { message },
                    error.span().unwrap_or(0..0),
                );
            }
            return None;
        }
        let span = root.span();
        let mut root = root.into_inner();
        keep_decimals_as_text(&mut root);
        refuse_unknown_keys(&mut root, problems);

        let amendments = take_entries(&mut root, AMENDMENT, problems);
        let mut document = Self::default();
        document.take_lists(&mut root, problems);
        document.header = shape(root, span, problems);
        let amendments = amendments
            .into_iter()
            .filter_map(|(mut entry, span)| {
                let mut entries = Self::default();
                entries.take_lists(&mut entry, problems);
                let terms = shape(entry, span, problems)?;
                Some(Amendment { terms, entries })
            })
            .collect();
        Some((document, amendments))
    }

    /// Takes the lists of effects, quantities, lines, groups and parties out of a table.
    fn take_lists(&mut self, table: &mut DeTable<'_>, problems: &mut Problems) {
        let [effects, quantities, lines, groups, parties] =
            LIST_KEYS.map(|key| take_entries(table, key, problems));
        for (entry, span) in effects {
            self.effects.extend(shape(entry, span, problems));
        }
        for (entry, span) in groups {
            let name = name_of(&entry);
            match shape(entry, span, problems) {
                Some(group) => self.groups.push(group),
                None => self.unreadable.extend(name),
            }
        }
        let n_parties = parties.len();
        for (entry, span) in parties {
            self.parties.extend(shape(entry, span, problems));
        }
        self.every_party_is_read = self.parties.len() == n_parties;
        for (entry, span) in quantities {
            self.add_quantity(entry, span, problems);
        }
        for (entry, span) in lines {
            self.add_line(entry, span, problems);
        }
    }

    /// Writes another value for a constant quantity.
    pub(super) fn set_constant(&mut self, name: &str, value: &BigRational) {
        for (common, rule) in &mut self.quantities {
            if let (true, RawRule::Constant(constant)) = (common.name.get_ref() == name, rule) {
                let span = constant.value.span();
                constant.value = Spanned::new(span, RawOperand::Literal(value.clone()));
            }
        }
    }

    /// Removes every entry of a name, and says whether there was one.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let other = |entry: &Spanned<String>| entry.get_ref() != name;
        let n_before = self.n_entries();
        self.effects.retain(|effect| other(&effect.name));
        self.quantities.retain(|(common, _)| other(&common.name));
        self.lines.retain(|(common, _)| other(&common.name));
        self.groups.retain(|group| other(&group.name));
        self.parties.retain(|party| other(&party.name));
        self.n_entries() < n_before
    }

    fn n_entries(&self) -> usize {
        self.effects.len()
            + self.quantities.len()
            + self.lines.len()
            + self.groups.len()
            + self.parties.len()
    }

    fn add_quantity(
        &mut self,
        mut entry: DeTable<'_>,
        span: Range<usize>,
        problems: &mut Problems,
    ) {
        let name = name_of(&entry);
        let common = shape(
            take_keys(&mut entry, &QUANTITY_KEYS),
            span.clone(),
            problems,
        );
        match (common, rule(entry, span, problems)) {
            (Some(common), Some(rule)) => self.quantities.push((common, rule)),
            _ => self.unreadable.extend(name),
        }
    }

    fn add_line(&mut self, mut entry: DeTable<'_>, span: Range<usize>, problems: &mut Problems) {
        let name = name_of(&entry);
        let common = shape(take_keys(&mut entry, &LINE_KEYS), span.clone(), problems);
        match (common, line_kind(entry, span, problems)) {
            (Some(common), Some(kind)) => self.lines.push((common, kind)),
            _ => self.unreadable.extend(name),
        }
    }
}

fn rule(mut entry: DeTable<'_>, span: Range<usize>, problems: &mut Problems) -> Option<RawRule> {
    let kind = take_kind(&mut entry, &span, problems)?;
    let p = problems;
    Some(match kind.get_ref().as_str() {
        "input" => RawRule::Input(shape(entry, span, p)?),
        "constant" => RawRule::Constant(shape(entry, span, p)?),
        "difference" => RawRule::Difference(shape(entry, span, p)?),
        "sum" => RawRule::Sum(shape(entry, span, p)?),
        "product" => RawRule::Product(shape(entry, span, p)?),
        "ratio" => RawRule::Ratio(shape(entry, span, p)?),
        "relative-reduction" => RawRule::RelativeReduction(shape(entry, span, p)?),
        "share-of" => RawRule::ShareOf(shape(entry, span, p)?),
        "minimum" => RawRule::Minimum(shape(entry, span, p)?),
        "maximum" => RawRule::Maximum(shape(entry, span, p)?),
        "first-available" => RawRule::FirstAvailable(shape(entry, span, p)?),
        "rounded" => RawRule::Rounded(shape(entry, span, p)?),
        "adjusted-p-value" => RawRule::AdjustedP(shape(entry, span, p)?),
        "probability-above" => RawRule::ProbabilityAbove(shape(entry, span, p)?),
        "compound" => RawRule::Compound(shape(entry, span, p)?),
        _ => return unknown_kind(&kind, QUANTITY_KINDS, p),
    })
}

fn line_kind(
    mut entry: DeTable<'_>,
    span: Range<usize>,
    problems: &mut Problems,
) -> Option<RawLineKind> {
    let kind = take_kind(&mut entry, &span, problems)?;
    Some(match kind.get_ref().as_str() {
        "fixed" => RawLineKind::Fixed(shape(entry, span, problems)?),
        "share" => RawLineKind::Share(shape(entry, span, problems)?),
        "steps" => RawLineKind::Steps(shape(entry, span, problems)?),
        "per-unit" => RawLineKind::PerUnit(shape(entry, span, problems)?),
        "piecewise" => RawLineKind::Piecewise(shape(entry, span, problems)?),
        "pool" => RawLineKind::Pool(shape(entry, span, problems)?),
        _ => return unknown_kind(&kind, LINE_KINDS, problems),
    })
}

/// Whether a kind of quantity is one that is read.
#[cfg(test)]
pub(super) fn rule_named(kind: &str) -> bool {
    is_read(kind, |entry, problems| {
        rule(entry, 0..0, problems).is_some()
    })
}

/// Whether a kind of line is one that is read.
#[cfg(test)]
pub(super) fn line_kind_named(kind: &str) -> bool {
    is_read(kind, |entry, problems| {
        line_kind(entry, 0..0, problems).is_some()
    })
}

/// Whether an entry of a kind alone is refused for what it lacks, and not for its kind.
#[cfg(test)]
fn is_read(kind: &str, read: impl Fn(DeTable<'_>, &mut Problems) -> bool) -> bool {
    let mut problems = Problems::default();
    let text = format!("kind = \"{kind}\"");
    let (table, _) = DeTable::parse_recoverable(&text);
    let unknown = |(kind, _): &(ProblemKind, _)| matches!(kind, ProblemKind::UnknownKind { .. });
    read(table.into_inner(), &mut problems) || !problems.0.iter().any(unknown)
}

fn unknown_kind<T>(kind: &Spanned<String>, expected: &str, problems: &mut Problems) -> Option<T> {
    problems.add(
        ProblemKind::UnknownKind {
            found: kind.get_ref().clone(),
            expected: expected.to_owned(),
        },
        kind.span(),
    );
    None
}

/// Reads a table in the shape of `T`, or remembers why it is not one.
fn shape<T: DeserializeOwned>(
    table: DeTable<'_>,
    span: Range<usize>,
    problems: &mut Problems,
) -> Option<T> {
    let value = Spanned::new(span.clone(), DeValue::Table(table));
    match T::deserialize(ValueDeserializer::from(value)) {
        Ok(read) => Some(read),
        Err(error) => {
            let message = error.message().trim().to_owned();
            problems.add(ProblemKind::Shape { message }, error.span().unwrap_or(span));
            None
        }
    }
}

/// Turns every float of the file into its text, so that 0.1 is read as exactly one tenth.
fn keep_decimals_as_text(table: &mut DeTable<'_>) {
    for (_, value) in table.iter_mut() {
        keep_decimal_as_text(value.get_mut());
    }
}

fn keep_decimal_as_text(value: &mut DeValue<'_>) {
    match value {
        DeValue::Float(float) => {
            let text = float.as_str().to_owned();
            *value = DeValue::String(text.into());
        }
        DeValue::Array(values) => {
            for value in values.iter_mut() {
                keep_decimal_as_text(value.get_mut());
            }
        }
        DeValue::Table(table) => keep_decimals_as_text(table),
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

fn refuse_unknown_keys(root: &mut DeTable<'_>, problems: &mut Problems) {
    let known =
        |key: &str| HEADER_KEYS.contains(&key) || LIST_KEYS.contains(&key) || key == AMENDMENT;
    let unknown: Vec<_> = root
        .keys()
        .filter(|key| !known(key.get_ref()))
        .map(|key| (key.get_ref().to_string(), key.span()))
        .collect();
    for (key, span) in unknown {
        root.remove(key.as_str());
        let expected = HEADER_KEYS.map(|key| key.to_owned()).join(", ")
            + ", [[effect]], [[quantity]], [[line]], [[group]], [[party]], [[amendment]]";
        problems.add(ProblemKind::UnknownKey { key, expected }, span);
    }
}

/// Takes the tables of `[[key]]` out of the document.
fn take_entries<'i>(
    root: &mut DeTable<'i>,
    key: &'static str,
    problems: &mut Problems,
) -> Vec<(DeTable<'i>, Range<usize>)> {
    let Some(list) = root.remove(key) else {
        return Vec::new();
    };
    let whole = list.span();
    let DeValue::Array(list) = list.into_inner() else {
        let message = format!("`{key}` is not a list, expected [[{key}]] entries");
        problems.add(ProblemKind::Shape { message }, whole);
        return Vec::new();
    };
    let mut entries = Vec::new();
    for entry in list {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Table(table) => entries.push((table, span)),
            _ => {
                let message = format!("an entry of `{key}` is not a table");
                problems.add(ProblemKind::Shape { message }, span);
            }
        }
    }
    entries
}

/// Moves the named keys into a table of their own.
fn take_keys<'i>(entry: &mut DeTable<'i>, keys: &[&str]) -> DeTable<'i> {
    keys.iter()
        .filter_map(|key| entry.remove_entry(*key))
        .collect()
}

fn take_kind(
    entry: &mut DeTable<'_>,
    span: &Range<usize>,
    problems: &mut Problems,
) -> Option<Spanned<String>> {
    let Some(kind) = entry.remove("kind") else {
        let message = "missing key `kind`".to_owned();
        problems.add(ProblemKind::Shape { message }, span.clone());
        return None;
    };
    let span = kind.span();
    match kind.into_inner() {
        DeValue::String(kind) => Some(Spanned::new(span, kind.into_owned())),
        _ => {
            let message = "`kind` is not a text".to_owned();
            problems.add(ProblemKind::Shape { message }, span);
            None
        }
    }
}

fn name_of(entry: &DeTable<'_>) -> Option<String> {
    Some(entry.get("name")?.get_ref().as_str()?.to_owned())
}

/// Indices of entries by name; the first of a name counts.
pub(super) fn indices<'a>(
    names: impl Iterator<Item = &'a Spanned<String>>,
) -> BTreeMap<String, usize> {
    let mut indices = BTreeMap::new();
    for (index, name) in names.enumerate() {
        indices.entry(name.get_ref().clone()).or_insert(index);
    }
    indices
}

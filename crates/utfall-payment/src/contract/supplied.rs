//! What a contract reads and nobody supplies, told at the place where it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;

use super::TERMS_DATE;
use super::document::{Document, Problems, RawRule};
use super::raw::RawCondition;
use crate::input::InputKind;
use crate::problem::ProblemKind;

/// A problem for each input that is required and not supplied, at the place in the text that reads it first.
pub(super) fn unsupplied(
    text: &str,
    required: BTreeMap<String, InputKind>,
    supplied: &BTreeSet<&str>,
) -> Vec<(ProblemKind, Range<usize>)> {
    let read = places(text);
    let missing = required
        .into_iter()
        .filter(|(name, _)| !supplied.contains(name.as_str()));
    missing
        .map(|(input, expected)| {
            let place = read.get(&input).cloned().unwrap_or_default();
            let meant = alike(&input, supplied);
            let kind = ProblemKind::Unsupplied {
                input,
                expected,
                meant,
            };
            (kind, place)
        })
        .collect()
}

/// Supplied names that end as this one does: the same number of another effect.
fn alike(input: &str, supplied: &BTreeSet<&str>) -> String {
    let ending = |name: &str| name.rsplit('.').next().map(str::to_owned);
    let alike = supplied.iter().filter(|name| ending(name) == ending(input));
    let quoted: Vec<String> = alike.map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Where each input is read first.
fn places(text: &str) -> BTreeMap<String, Range<usize>> {
    let mut found = BTreeMap::new();
    let Some((base, amendments)) = Document::parse(text, &mut Problems::default()) else {
        return found;
    };
    if let Some(first) = amendments.first() {
        found.insert(TERMS_DATE.to_owned(), first.terms.effective.span());
    }
    let states = std::iter::once(&base).chain(amendments.iter().map(|one| &one.entries));
    for document in states {
        for effect in &document.effects {
            let name = format!("{}.estimand", effect.name.get_ref());
            found.entry(name).or_insert(effect.name.span());
        }
        for (_, rule) in &document.quantities {
            if let RawRule::Input(input) = rule {
                note(&input.from, &mut found);
            }
        }
        for (line, _) in &document.lines {
            for gate in line.requires.iter().chain(&line.when) {
                of_condition(gate.get_ref(), &mut found);
            }
        }
    }
    found
}

fn of_condition(condition: &RawCondition, found: &mut BTreeMap<String, Range<usize>>) {
    for name in condition.flag.iter().chain(&condition.text) {
        note(name, found);
    }
    for nested in condition.all.iter().chain(&condition.any).flatten() {
        of_condition(nested.get_ref(), found);
    }
}

fn note(name: &Spanned<String>, found: &mut BTreeMap<String, Range<usize>>) {
    found.entry(name.get_ref().clone()).or_insert(name.span());
}

//! Amendments: the contract as it stands from a date on.
//!
//! An amendment replaces the effects, quantities, lines, groups and parties it names again, adds
//! those with new names, removes what it lists, and may state another floor, cap or set-off. Each
//! state of the contract is checked as a contract of its own.

use std::ops::Range;

use chrono::NaiveDate;
use toml::Spanned;

use super::document::{Document, Problems};
use super::raw::RawAmendment;
use crate::problem::ProblemKind;

/// An amendment as written: what it says of the whole contract, and its entries.
#[derive(Debug)]
pub(super) struct Amendment {
    pub(super) terms: RawAmendment,
    /// Its effects, quantities, lines, groups and parties.
    pub(super) entries: Document,
}

/// A day such as `2025-03-31`, and no other form.
pub(crate) fn day(text: &str) -> Option<NaiveDate> {
    let is_usual = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|_| is_usual)
}

/// Reads a date, or remembers that it is none.
pub(super) fn date(text: &Spanned<String>, problems: &mut Problems) -> Option<NaiveDate> {
    let read = day(text.get_ref());
    if read.is_none() {
        let found = text.get_ref().clone();
        problems.add(ProblemKind::NotADate { found }, text.span());
    }
    read
}

/// The contract as amended, once for each amendment, with the date it holds from.
pub(super) fn states(
    base: &Document,
    amendments: &[Amendment],
    problems: &mut Problems,
) -> Vec<(NaiveDate, Document)> {
    let mut states: Vec<(NaiveDate, Document)> = Vec::new();
    for amendment in amendments {
        let effective = &amendment.terms.effective;
        let Some(from) = date(effective, problems) else {
            continue;
        };
        if states.last().is_some_and(|(before, _)| *before >= from) {
            let kind = ProblemKind::DatesOutOfOrder {
                date: from.to_string(),
            };
            problems.add(kind, effective.span());
        }
        if amendment.terms.title.get_ref().trim().is_empty() {
            let kind = ProblemKind::Empty { what: "title" };
            problems.add(kind, amendment.terms.title.span());
        }
        let before = states.last().map_or(base, |(_, state)| state);
        let after = amended(before, amendment, problems);
        states.push((from, after));
    }
    states
}

fn amended(before: &Document, amendment: &Amendment, problems: &mut Problems) -> Document {
    let mut after = before.clone();
    for name in &amendment.terms.removes {
        if !after.remove(name.get_ref()) && !before.unreadable.contains(name.get_ref()) {
            let kind = ProblemKind::RemovesNothing {
                name: name.get_ref().clone(),
            };
            problems.add(kind, name.span());
        }
    }
    if let Some(header) = &mut after.header {
        let terms = &amendment.terms;
        replace_some(&mut header.floor, &terms.floor);
        replace_some(&mut header.cap, &terms.cap);
        replace_some(&mut header.paid_before, &terms.paid_before);
        replace_some(&mut header.set_off, &terms.set_off);
    }
    let new = &amendment.entries;
    put(&mut after.effects, &new.effects, |effect| &effect.name);
    put(&mut after.quantities, &new.quantities, |(common, _)| {
        &common.name
    });
    put(&mut after.lines, &new.lines, |(common, _)| &common.name);
    put(&mut after.groups, &new.groups, |group| &group.name);
    put(&mut after.parties, &new.parties, |party| &party.name);
    after.every_party_is_read &= new.every_party_is_read;
    after.unreadable.extend(new.unreadable.iter().cloned());
    after
}

fn replace_some<T: Clone>(old: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        old.clone_from(new);
    }
}

/// Puts each new entry in the place of the old one of its name, or at the end.
fn put<T: Clone>(old: &mut Vec<T>, new: &[T], name: impl Fn(&T) -> &Spanned<String>) {
    let n_before = old.len();
    for entry in new {
        let same = |other: &&mut T| name(other).get_ref() == name(entry).get_ref();
        // A name twice within one amendment stays twice, and is refused as a duplicate.
        match old.iter_mut().take(n_before).find(same) {
            Some(place) => *place = entry.clone(),
            None => old.push(entry.clone()),
        }
    }
}

/// The same problem once, though several states of the contract have it.
pub(super) fn once(problems: &mut Vec<(ProblemKind, Range<usize>)>) {
    let mut kept: Vec<(ProblemKind, Range<usize>)> = Vec::new();
    for problem in problems.drain(..) {
        if !kept.contains(&problem) {
            kept.push(problem);
        }
    }
    *problems = kept;
}

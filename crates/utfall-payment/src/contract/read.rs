//! From a contract file to its checked terms: names resolved, every rule of the language held.

use std::ops::Range;

use chrono::NaiveDate;
use num_rational::BigRational;
use num_traits::Zero;
use toml::Spanned;

use super::document::{Document, Problems};
use super::quantities::{self, Quantities};
use super::raw::{RawHeader, RawOperand};
use super::terms::{Operand, Terms};
use super::{amendments, claims, lines, modifiers, parties};
use crate::currency::Currency;
use crate::number;
use crate::problem::ProblemKind;

const SCHEMA: &str = "utfall-contract/1";

/// What is wrong with a contract, and where.
type Found = Vec<(ProblemKind, Range<usize>)>;

/// Reads the terms of a contract and those of each amended state, or every problem with them.
pub(super) fn read(text: &str) -> Result<(Terms, Vec<(NaiveDate, Terms)>), Found> {
    let mut problems = Problems::default();
    let Some((base, amendments)) = Document::parse(text, &mut problems) else {
        return Err(problems.0);
    };
    let states = amendments::states(&base, &amendments, &mut problems);
    let terms = resolve(base, &mut problems);
    let amended: Option<Vec<(NaiveDate, Terms)>> = states
        .into_iter()
        .map(|(from, state)| Some((from, resolve(state, &mut problems)?)))
        .collect();
    amendments::once(&mut problems.0);
    match (terms, amended) {
        (Some(terms), Some(amended)) if problems.0.is_empty() => Ok((terms, amended)),
        _ => Err(problems.0),
    }
}

/// The terms of a contract that has been read, in the state that holds from `state` on, with another
/// value for a constant; absent if no sound contract comes of it.
pub(super) fn with_constant(
    text: &str,
    state: Option<NaiveDate>,
    name: &str,
    value: &BigRational,
) -> Option<Terms> {
    let mut problems = Problems::default();
    let (base, amendments) = Document::parse(text, &mut problems)?;
    let mut document = match state {
        None => base,
        Some(from) => {
            let states = amendments::states(&base, &amendments, &mut problems);
            states.into_iter().find(|(date, _)| *date == from)?.1
        }
    };
    document.set_constant(name, value);
    let terms = resolve(document, &mut problems)?;
    problems.0.is_empty().then_some(terms)
}

fn resolve(document: Document, problems: &mut Problems) -> Option<Terms> {
    let mut quantities = quantities::resolve(&document, problems);
    let currency = document.header.as_ref().map(|header| header.currency);
    let lines = lines::resolve(&document, currency, &mut quantities, problems);
    let bounds = document.header.as_ref().map(|header| {
        check_header(header, problems);
        let claws_back = document.lines.iter().any(|(line, _)| line.clawback);
        let bounds = Bounds {
            floor: &header.floor,
            cap: &header.cap,
            claws_back,
        };
        bounds.resolve(currency, &mut quantities, problems)
    });
    let groups = modifiers::groups(&document, currency, &mut quantities, problems);
    let (paid_before, set_off) = modifiers::of_contract(&document, &mut quantities, problems);
    let parties = parties::resolve(&document, &mut quantities, problems);
    let claims = document.lines.iter().filter_map(|(line, kind)| {
        let raw = line.claims.as_ref()?;
        claims::resolve(line, kind, raw, &document, &quantities, problems)
    });
    let claims = claims.collect();
    let cap_per_person = claims::cap_per_person(&document, problems);
    quantities.refuse_unused(problems);

    let header = document.header?;
    let (floor, cap) = bounds?;
    Some(Terms {
        name: header.name.into_inner(),
        title: header.title.into_inner(),
        notes: header.notes,
        sources: header.sources,
        currency: header.currency,
        rounding: header.rounding,
        floor,
        cap,
        paid_before,
        set_off,
        effects: quantities.effects,
        quantities: quantities.resolved?,
        order: quantities.order,
        lines: lines?,
        groups: groups?,
        parties,
        remainder: header.remainder.map(Spanned::into_inner),
        beyond_payer_cap: header.beyond_payer_cap.map(Spanned::into_inner),
        claims,
        cap_per_person,
    })
}

fn check_header(header: &RawHeader, problems: &mut Problems) {
    if header.schema.get_ref() != SCHEMA {
        problems.add(
            ProblemKind::Schema {
                found: header.schema.get_ref().clone(),
                expected: SCHEMA,
            },
            header.schema.span(),
        );
    }
    check_name("name of a contract", &header.name, problems);
    if header.title.get_ref().trim().is_empty() {
        problems.add(ProblemKind::Empty { what: "title" }, header.title.span());
    }
}

/// Refuses a name that does not start with a letter and go on in lower case.
pub(super) fn check_name(what: &'static str, name: &Spanned<String>, problems: &mut Problems) {
    let text = name.get_ref();
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) || !text.bytes().all(lower) {
        let found = text.clone();
        problems.add(ProblemKind::Name { what, found }, name.span());
    }
}

/// A floor and a cap, of a line or of the whole contract.
pub(super) struct Bounds<'a> {
    pub(super) floor: &'a Option<Spanned<RawOperand>>,
    pub(super) cap: &'a Option<Spanned<RawOperand>>,
    pub(super) claws_back: bool,
}

impl Bounds<'_> {
    pub(super) fn resolve(
        &self,
        currency: Option<Currency>,
        quantities: &mut Quantities,
        problems: &mut Problems,
    ) -> (Option<Operand>, Option<Operand>) {
        let mut resolve = |what, raw: &Option<Spanned<RawOperand>>| {
            let raw = raw.as_ref()?;
            let operand = quantities.operand(raw, problems)?;
            let value = quantities.constant(&operand).cloned();
            if let Some(value) = &value {
                check_amount(what, value, currency, raw.span(), problems);
                if !self.claws_back {
                    refuse_negative(what, value, raw.span(), problems);
                }
            }
            Some((operand, value, raw.span()))
        };
        let floor = resolve("floor", self.floor);
        let cap = resolve("cap", self.cap);
        if let (Some((_, Some(floor), _)), Some((_, Some(cap), span))) = (&floor, &cap)
            && cap < floor
        {
            let (cap, floor) = (number::text(cap), number::text(floor));
            problems.add(ProblemKind::CapBelowFloor { cap, floor }, span.clone());
        }
        (
            floor.map(|(operand, ..)| operand),
            cap.map(|(operand, ..)| operand),
        )
    }
}

/// Refuses an amount finer than the currency's minor unit.
pub(super) fn check_amount(
    what: &'static str,
    value: &BigRational,
    currency: Option<Currency>,
    span: Range<usize>,
    problems: &mut Problems,
) {
    let Some(currency) = currency else { return };
    if number::decimals(value).is_none_or(|decimals| decimals > currency.exponent()) {
        problems.add(
            ProblemKind::TooFine {
                what,
                value: number::text(value),
                currency: currency.code(),
                decimals: currency.exponent(),
            },
            span,
        );
    }
}

/// Refuses a number below zero.
pub(super) fn refuse_negative(
    what: &'static str,
    value: &BigRational,
    span: Range<usize>,
    problems: &mut Problems,
) {
    if *value < BigRational::zero() {
        let value = number::text(value);
        problems.add(ProblemKind::NegativeWithoutClawback { what, value }, span);
    }
}

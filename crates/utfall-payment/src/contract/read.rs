//! From a contract file to its checked terms: names resolved, every rule of the language held.

use std::ops::Range;

use num_rational::BigRational;
use num_traits::{One, Zero};
use toml::Spanned;

use super::document::{Document, Problems};
use super::quantities::{self, Quantities};
use super::raw::{RawHeader, RawParty};
use super::terms::{Operand, Party, Terms};
use super::{Remainder, Role, lines};
use crate::currency::Currency;
use crate::number;
use crate::problem::ProblemKind;

const SCHEMA: &str = "utfall-contract/1";

/// Reads the terms of a contract, or every problem with it.
pub(super) fn read(text: &str) -> Result<Terms, Vec<(ProblemKind, Range<usize>)>> {
    let mut problems = Problems::default();
    let terms =
        Document::parse(text, &mut problems).and_then(|document| resolve(document, &mut problems));
    match terms {
        Some(terms) if problems.0.is_empty() => Ok(terms),
        _ => Err(problems.0),
    }
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
    let parties = parties(&document, problems);
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
        effects: quantities.effects,
        quantities: quantities.resolved?,
        order: quantities.order,
        lines: lines?,
        parties,
        remainder: header.remainder.map(Spanned::into_inner),
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
    pub(super) floor: &'a Option<Spanned<super::raw::RawOperand>>,
    pub(super) cap: &'a Option<Spanned<super::raw::RawOperand>>,
    pub(super) claws_back: bool,
}

impl Bounds<'_> {
    pub(super) fn resolve(
        &self,
        currency: Option<Currency>,
        quantities: &mut Quantities,
        problems: &mut Problems,
    ) -> (Option<Operand>, Option<Operand>) {
        let mut resolve = |what, raw: &Option<Spanned<super::raw::RawOperand>>| {
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

fn parties(document: &Document, problems: &mut Problems) -> Vec<Party> {
    problems.refuse_duplicates("party", document.parties.iter().map(|party| &party.name));
    let parties: Vec<Party> = document
        .parties
        .iter()
        .map(|party| Party {
            name: party.name.get_ref().clone(),
            role: party.role,
            share: share(party, problems),
        })
        .collect();
    if document.every_party_is_read {
        check_split(document, &parties, problems);
    }
    parties
}

/// A payer's share, above zero; nobody else has one.
fn share(party: &RawParty, problems: &mut Problems) -> Option<BigRational> {
    let name = || party.name.get_ref().clone();
    match (party.role, &party.share) {
        (Role::Payer, Some(share)) => match share.get_ref() {
            super::raw::RawOperand::Literal(value) => {
                if *value <= BigRational::zero() {
                    let what = "share of a payer";
                    let value = number::text(value);
                    let message = format!("the {what} is {value}, expected more than 0");
                    problems.add(ProblemKind::Shape { message }, share.span());
                }
                Some(value.clone())
            }
            super::raw::RawOperand::Quantity(name) => {
                let message = format!("`{name}` is not a number, expected a share such as 0.5");
                problems.add(ProblemKind::Shape { message }, share.span());
                None
            }
        },
        (Role::Payer, None) => {
            let kind = ProblemKind::PayerWithoutShare { name: name() };
            problems.add(kind, party.name.span());
            None
        }
        (_, Some(share)) => {
            let kind = ProblemKind::ShareWithoutPayer { name: name() };
            problems.add(kind, share.span());
            None
        }
        (_, None) => None,
    }
}

fn check_split(document: &Document, parties: &[Party], problems: &mut Problems) {
    let payers: Vec<&RawParty> = document
        .parties
        .iter()
        .filter(|party| party.role == Role::Payer)
        .collect();
    let shares: Vec<&BigRational> = parties.iter().filter_map(|p| p.share.as_ref()).collect();
    if let Some(last) = payers.last()
        && shares.len() == payers.len()
    {
        let sum = shares.iter().try_fold(BigRational::zero(), |sum, share| {
            number::bounded(sum + *share)
        });
        if sum.as_ref().is_none_or(|sum| !sum.is_one()) {
            let sum = sum.map_or_else(|| "no exact number".to_owned(), |sum| number::text(&sum));
            let span = last.share.as_ref().map_or(last.name.span(), Spanned::span);
            problems.add(ProblemKind::SharesDoNotAddUp { sum }, span);
        }
    }
    let Some(header) = &document.header else {
        return;
    };
    let remainder: &Option<Spanned<Remainder>> = &header.remainder;
    match (payers.len(), remainder) {
        (0 | 1, Some(rule)) => problems.add(ProblemKind::RemainderUnused, rule.span()),
        (2.., None) => problems.add(ProblemKind::RemainderMissing, payers[1].name.span()),
        _ => {}
    }
}

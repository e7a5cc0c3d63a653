//! The parties: who they are, what each payer bears and at most.

use num_rational::BigRational;
use num_traits::{One, Zero};
use toml::Spanned;

use super::document::{Document, Problems};
use super::quantities::Quantities;
use super::raw::{RawOperand, RawParty};
use super::read::Bounds;
use super::terms::Party;
use super::{Remainder, Role};
use crate::number;
use crate::problem::ProblemKind;

/// Resolves the parties, and refuses shares that are no whole.
pub(super) fn resolve(
    document: &Document,
    quantities: &mut Quantities,
    problems: &mut Problems,
) -> Vec<Party> {
    problems.refuse_duplicates("party", document.parties.iter().map(|party| &party.name));
    let parties: Vec<Party> = document
        .parties
        .iter()
        .map(|party| Party {
            name: party.name.get_ref().clone(),
            role: party.role,
            share: share(party, problems),
            cap: cap(party, document, quantities, problems),
        })
        .collect();
    check_beyond_cap(document, problems);
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
            RawOperand::Literal(value) => {
                if *value <= BigRational::zero() {
                    let what = "share of a payer";
                    let value = number::text(value);
                    let message = format!("the {what} is {value}, expected more than 0");
                    problems.add(ProblemKind::Shape { message }, share.span());
                }
                Some(value.clone())
            }
            RawOperand::Quantity(name) => {
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

/// The most a payer bears, if it has a cap.
fn cap(
    party: &RawParty,
    document: &Document,
    quantities: &mut Quantities,
    problems: &mut Problems,
) -> Option<super::terms::Operand> {
    if let (Some(cap), false) = (&party.cap, party.role == Role::Payer) {
        let name = party.name.get_ref().clone();
        problems.add(ProblemKind::ShareWithoutPayer { name }, cap.span());
    }
    let bounds = Bounds {
        floor: &None,
        cap: &party.cap,
        claws_back: false,
    };
    let currency = document.header.as_ref().map(|header| header.currency);
    bounds.resolve(currency, quantities, problems).1
}

fn check_beyond_cap(document: &Document, problems: &mut Problems) {
    let Some(header) = &document.header else {
        return;
    };
    let cap = document.parties.iter().find_map(|party| party.cap.as_ref());
    match (cap, &header.beyond_payer_cap) {
        (Some(cap), None) => problems.add(ProblemKind::BeyondCapMissing, cap.span()),
        (None, Some(word)) => problems.add(ProblemKind::BeyondCapUnused, word.span()),
        _ => {}
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

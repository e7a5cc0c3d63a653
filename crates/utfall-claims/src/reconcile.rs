//! Claims beside counts from elsewhere, such as a register: which side has more.

use std::collections::BTreeMap;
use std::io::Read;

use chrono::NaiveDate;
use serde::Serialize;

use crate::card::RateCard;
use crate::claim::Claim;
use crate::evaluate::Evaluation;
use crate::rows::{self, RowsError};

/// A line where claims and the other source differ, or agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// The line of the card.
    pub line: String,
    /// Claims that count.
    pub n_claims: u64,
    /// Different persons of these.
    pub n_persons: u64,
    /// What the other source counts; absent where it does not name the line.
    pub n_reference: Option<u64>,
    /// Who has more, by claims.
    pub direction: Direction,
    /// Persons claimed for whom the other source does not know, by pseudonym, if it names persons.
    pub only_claimed: Vec<String>,
    /// Persons the other source knows who were not claimed for.
    pub only_in_reference: Vec<String>,
}

/// Which side has more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// As many on both sides, and the same persons where they are named.
    Agrees,
    /// More claims than the other source counts.
    MoreClaimed,
    /// Fewer claims than the other source counts.
    FewerClaimed,
    /// As many, but not of the same persons.
    OtherPersons,
    /// The other source does not name the line.
    NotInReference,
}

/// What another source counts, by line: a number, and the persons if it names them with their first day.
pub type Reference = BTreeMap<String, (u64, BTreeMap<String, NaiveDate>)>;

/// Reads what another source counts: columns `line` and `count`, or `line`, `person` and `day` (first achievement) with
/// one row for each person.
///
/// # Errors
///
/// [`RowsError`] with the line of each: a line that the card does not have, a count that is no whole number of
/// 0 or more, a line or person given twice.
pub fn reference_counts(card: &RateCard, text: &[u8]) -> Result<Reference, RowsError> {
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let names_persons = header
        .split(|byte| matches!(byte, b',' | b'\r'))
        .any(|name| name == b"person");
    let mut counts = Reference::new();
    let mut add = |row: &rows::Row<'_>| {
        let line = row.text("line")?;
        if card.position(&line).is_none() {
            return Err(format!("the rate card has no line `{line}`"));
        }
        if names_persons {
            let (n, persons) = counts.entry(line).or_default();
            if persons
                .insert(row.text("person")?, row.day("day")?)
                .is_some()
            {
                return Err("the person stands under this line already".to_owned());
            }
            *n += 1;
            return Ok(());
        }
        let count = row
            .text("count")?
            .parse()
            .map_err(|_| "`count` is no whole number of 0 or more")?;
        match counts.insert(line, (count, BTreeMap::new())) {
            None => Ok(()),
            Some(_) => Err("the line stands above already".to_owned()),
        }
    };
    let reader: &mut dyn Read = &mut &text[..];
    let columns: &[&str] = if names_persons {
        &["line", "person", "day"]
    } else {
        &["line", "count"]
    };
    rows::read(reader, columns, &[], &mut add)?;
    Ok(counts)
}

/// Compares the claims that count with another source, line by line in the order of the card, in both directions.
#[must_use]
pub fn reconcile(
    card: &RateCard,
    claims: &[Claim],
    evaluation: &Evaluation,
    reference: &Reference,
) -> Vec<Difference> {
    let mut claimed: BTreeMap<&str, (u64, BTreeMap<&str, ()>)> = BTreeMap::new();
    for (claim, outcome) in claims.iter().zip(&evaluation.outcomes) {
        if outcome.counts() {
            let (n, persons) = claimed.entry(claim.line.as_str()).or_default();
            *n += 1;
            persons.insert(claim.person.as_str(), ());
        }
    }
    let none = (0, BTreeMap::new());
    let compare = |line: &crate::card::Line| {
        let (n_claims, persons) = claimed.get(line.id.as_str()).unwrap_or(&none);
        let other = reference.get(&line.id);
        let (mut only_claimed, mut only_in_reference) = (Vec::new(), Vec::new());
        if let Some((_, named)) = other.filter(|(_, named)| !named.is_empty()) {
            let unknown = persons
                .keys()
                .filter(|person| !named.contains_key(**person));
            only_claimed.extend(unknown.map(|person| (*person).to_owned()));
            let missed = named
                .keys()
                .filter(|person| !persons.contains_key(person.as_str()));
            only_in_reference.extend(missed.cloned());
        }
        let n_reference = other.map(|(n, _)| *n);
        let same_persons = only_claimed.is_empty() && only_in_reference.is_empty();
        let direction = match n_reference.map(|n| n_claims.cmp(&n)) {
            None => Direction::NotInReference,
            Some(std::cmp::Ordering::Greater) => Direction::MoreClaimed,
            Some(std::cmp::Ordering::Less) => Direction::FewerClaimed,
            Some(std::cmp::Ordering::Equal) if same_persons => Direction::Agrees,
            Some(std::cmp::Ordering::Equal) => Direction::OtherPersons,
        };
        Difference {
            line: line.id.clone(),
            n_claims: *n_claims,
            n_persons: persons.len() as u64,
            n_reference,
            direction,
            only_claimed,
            only_in_reference,
        }
    };
    card.lines.iter().map(compare).collect()
}

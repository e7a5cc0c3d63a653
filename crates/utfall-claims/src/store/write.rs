//! What is added to a store.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::sql::{Link, Value};
use super::{ClaimStore, StoreError, card_of, identity};
use crate::card::RateCard;
use crate::claim::{Claim, Spell};
use crate::rows::{RowProblem, RowsError};

/// Values looked up with one statement.
const N_LOOKED_UP: usize = 500;

impl ClaimStore {
    /// Adds persons, by pseudonym, with the line of each in its file; those known already change nothing. Gives
    /// how many were new.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownContract`], and [`StoreError::Identity`] if they are identity numbers.
    pub fn add_persons(
        &mut self,
        contract: &str,
        persons: &[(u64, String)],
    ) -> Result<u64, StoreError> {
        identity::guard(persons)?;
        self.write(|link| {
            card_of(link, contract)?;
            let rows: Vec<Vec<Value>> = persons
                .iter()
                .map(|(_, person)| vec![Value::text(contract), Value::text(person)])
                .collect();
            link.insert(
                "persons",
                &["contract", "person"],
                &rows,
                "ON CONFLICT DO NOTHING",
            )
        })
    }

    /// Adds claims, with the line of each in its file: all of them, or none. Gives how many.
    ///
    /// A claim may supersede one that is kept or stands before it in the file.
    ///
    /// # Errors
    ///
    /// [`StoreError::Rows`] with the line of each claim for an unknown person, of an unknown line, of more units
    /// than the line allows, with a name that is taken, or superseding a claim that is not there, is another
    /// person's, or is superseded already; [`StoreError::UnknownContract`]; [`StoreError::Conflict`] if another writer
    /// takes a name at the same time.
    pub fn add_claims(
        &mut self,
        contract: &str,
        claims: &[(u64, Claim)],
    ) -> Result<u64, StoreError> {
        self.write(|link| {
            let card = card_of(link, contract)?;
            let problems = Check::new(link, contract, &card, claims)?.problems(claims);
            if let Some(error) = RowsError::of(problems) {
                return Err(error.into());
            }
            let rows: Vec<Vec<Value>> = claims
                .iter()
                .map(|(_, claim)| {
                    vec![
                        Value::text(contract),
                        Value::text(&claim.id),
                        Value::text(&claim.person),
                        Value::text(&claim.line),
                        Value::text(claim.achieved.to_string()),
                        Value::Whole(claim.quantity.into()),
                        Value::optional(claim.evidence.map(|digest| digest.to_string())),
                        Value::text(&claim.submitted_by),
                        Value::text(claim.submitted_on.to_string()),
                        Value::optional(claim.supersedes.clone()),
                    ]
                })
                .collect();
            link.insert("claims", &CLAIM_COLUMNS, &rows, "")
        })
    }

    /// Adds spells, with the line of each in its file. One with the person, state and first day of an earlier one
    /// takes its place, which is how an open spell is closed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Rows`] with the line of each spell of an unknown person; [`StoreError::UnknownContract`].
    pub fn add_spells(
        &mut self,
        contract: &str,
        spells: &[(u64, Spell)],
    ) -> Result<u64, StoreError> {
        self.write(|link| {
            card_of(link, contract)?;
            link.serialize_writers("spells")?;
            let persons: BTreeSet<&str> = spells
                .iter()
                .map(|(_, spell)| spell.person.as_str())
                .collect();
            let known = known(link, contract, "persons", "person", "person", persons)?;
            let unknown = spells
                .iter()
                .filter(|(_, spell)| !known.contains_key(&spell.person));
            let problems = unknown.map(|(line, _)| RowProblem {
                line: *line,
                what: UNKNOWN_PERSON.to_owned(),
            });
            if let Some(error) = RowsError::of(problems.collect()) {
                return Err(error.into());
            }
            let last = "SELECT COALESCE(MAX(seq), 0) FROM spells WHERE contract = $1";
            let last = link.rows(last, &[Value::text(contract)])?;
            let last = last.first().map_or(0, |row| row[0].whole());
            let rows: Vec<Vec<Value>> = spells
                .iter()
                .zip(last + 1..)
                .map(|((_, spell), seq)| {
                    vec![
                        Value::text(contract),
                        Value::Whole(seq),
                        Value::text(&spell.person),
                        Value::text(&spell.state),
                        Value::text(spell.start.to_string()),
                        Value::optional(spell.end.map(|end| end.to_string())),
                    ]
                })
                .collect();
            let columns = ["contract", "seq", "person", "state", "start_day", "end_day"];
            link.insert("spells", &columns, &rows, "")
        })
    }
}

const CLAIM_COLUMNS: [&str; 10] = [
    "contract",
    "id",
    "person",
    "line",
    "achieved",
    "quantity",
    "evidence",
    "submitted_by",
    "submitted_on",
    "supersedes",
];

const UNKNOWN_PERSON: &str =
    "the person is not known to the store; add persons first, or check the pseudonym";

/// What claims are checked against.
struct Check<'a> {
    card: &'a RateCard,
    persons: HashMap<String, String>,
    /// Person of each claim that is kept or superseded, by its id.
    kept: HashMap<String, String>,
    superseded: HashMap<String, String>,
}

impl<'a> Check<'a> {
    fn new(
        link: &mut dyn Link,
        contract: &str,
        card: &'a RateCard,
        claims: &[(u64, Claim)],
    ) -> Result<Self, StoreError> {
        let claims = || claims.iter().map(|(_, claim)| claim);
        let persons = claims().map(|claim| claim.person.as_str()).collect();
        let superseded = || claims().filter_map(|claim| claim.supersedes.as_deref());
        let ids = claims()
            .map(|claim| claim.id.as_str())
            .chain(superseded())
            .collect();
        Ok(Self {
            card,
            persons: known(link, contract, "persons", "person", "person", persons)?,
            kept: known(link, contract, "claims", "id", "person", ids)?,
            superseded: known(
                link,
                contract,
                "claims",
                "supersedes",
                "id",
                superseded().collect(),
            )?,
        })
    }

    fn problems(mut self, claims: &[(u64, Claim)]) -> Vec<RowProblem> {
        let lines: HashSet<&str> = self
            .card
            .lines
            .iter()
            .map(|line| line.id.as_str())
            .collect();
        let mut problems = Vec::new();
        for (line, claim) in claims {
            if let Some(what) = self.problem(claim, &lines) {
                problems.push(RowProblem { line: *line, what });
            }
            self.kept.insert(claim.id.clone(), claim.person.clone());
            if let Some(earlier) = &claim.supersedes {
                self.superseded.insert(earlier.clone(), claim.id.clone());
            }
        }
        problems
    }

    fn problem(&self, claim: &Claim, lines: &HashSet<&str>) -> Option<String> {
        if !self.persons.contains_key(&claim.person) {
            return Some(UNKNOWN_PERSON.to_owned());
        }
        if !lines.contains(claim.line.as_str()) {
            return Some(format!("the rate card has no line `{}`", claim.line));
        }
        let most = self
            .card
            .position(&claim.line)
            .map(|place| self.card.lines[place].most_per_claim);
        if most.is_some_and(|most| claim.quantity > most) {
            let most = most.unwrap_or(1);
            return Some(format!(
                "{} units, expected at most {most} in one claim of `{}`",
                claim.quantity, claim.line
            ));
        }
        if claim.submitted_on < claim.achieved {
            return Some("submitted before the milestone was reached".to_owned());
        }
        if self.kept.contains_key(&claim.id) {
            let id = &claim.id;
            return Some(format!(
                "a claim `{id}` is there already; a correction has a name of its own"
            ));
        }
        let earlier = claim.supersedes.as_ref()?;
        match self.kept.get(earlier) {
            None => Some(format!("no claim `{earlier}` to supersede")),
            Some(person) if *person != claim.person => {
                Some(format!("the claim `{earlier}` is another person's"))
            }
            Some(_) if self.superseded.contains_key(earlier) => Some(format!(
                "the claim `{earlier}` is superseded already; correct the one that did"
            )),
            Some(_) => None,
        }
    }
}

/// Of the values sought in a column, those that are there, each with another column's value.
pub(super) fn known(
    link: &mut dyn Link,
    contract: &str,
    table: &str,
    column: &str,
    beside: &str,
    sought: BTreeSet<&str>,
) -> Result<HashMap<String, String>, StoreError> {
    let sought: Vec<&str> = sought.into_iter().collect();
    let mut found = HashMap::new();
    for some in sought.chunks(N_LOOKED_UP) {
        let places: Vec<String> = (2..some.len() + 2)
            .map(|place| format!("${place}"))
            .collect();
        let sql = format!(
            "SELECT {column}, {beside} FROM {table} WHERE contract = $1 AND {column} IN ({})",
            places.join(", ")
        );
        let mut values = vec![Value::text(contract)];
        values.extend(some.iter().map(|text| Value::text(*text)));
        for row in link.rows(&sql, &values)? {
            found.insert(row[0].to_text(), row[1].to_text());
        }
    }
    Ok(found)
}

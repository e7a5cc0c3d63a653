//! What a store holds.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::sql::{Link, Value};
use super::{ClaimStore, StoreError, card_of};
use crate::card::RateCard;
use crate::claim::{Claim, Spell, Verification};
use crate::evaluate::{Evaluation, evaluate};

impl ClaimStore {
    /// The claims of a contract with what was decided about each, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownContract`], and [`StoreError::Database`] if the store cannot be read.
    pub fn claims(&mut self, contract: &str) -> Result<Vec<Claim>, StoreError> {
        self.read(|link| {
            card_of(link, contract)?;
            claims(link, contract)
        })
    }

    /// The spells of a contract that stand, by person, state and first day.
    ///
    /// # Errors
    ///
    /// As [`ClaimStore::claims`].
    pub fn spells(&mut self, contract: &str) -> Result<Vec<Spell>, StoreError> {
        self.read(|link| {
            card_of(link, contract)?;
            spells(link, contract)
        })
    }

    /// What the claims of a contract are worth as known on a day, with its card and the claims, all of one state
    /// of the store. Claims submitted after that day are left out, and verifications after it not seen.
    ///
    /// # Errors
    ///
    /// As [`ClaimStore::claims`].
    pub fn evaluate(
        &mut self,
        contract: &str,
        until: NaiveDate,
    ) -> Result<(RateCard, Vec<Claim>, Evaluation), StoreError> {
        let (card, mut claims, spells) = self.read(|link| {
            let card = card_of(link, contract)?;
            Ok((card, claims(link, contract)?, spells(link, contract)?))
        })?;
        claims.retain(|claim| claim.submitted_on <= until);
        for claim in &mut claims {
            claim.verified = claim
                .verified
                .take()
                .filter(|verified| verified.on <= until);
        }
        let evaluation = evaluate(&card, &claims, &spells, until);
        Ok((card, claims, evaluation))
    }
}

fn claims(link: &mut dyn Link, contract: &str) -> Result<Vec<Claim>, StoreError> {
    let contract = [Value::text(contract)];
    let sql = "SELECT claim, kind, author, day FROM events WHERE contract = $1";
    let mut verified = HashMap::new();
    let mut withdrawn = HashMap::new();
    for row in link.rows(sql, &contract)? {
        let claim = row[0].to_text();
        if row[1].as_text() == Some("verified") {
            let by = row[2].to_text();
            verified.insert(
                claim,
                Verification {
                    by,
                    on: day(&row[3])?,
                },
            );
        } else {
            withdrawn.insert(claim, ());
        }
    }
    let sql = "SELECT id, person, line, achieved, quantity, evidence, submitted_by, submitted_on, supersedes \
               FROM claims WHERE contract = $1";
    let mut claims = link
        .rows(sql, &contract)?
        .into_iter()
        .map(|row| {
            let id = row[0].to_text();
            let evidence = row[5].as_text().map(str::parse).transpose();
            Ok(Claim {
                person: row[1].to_text(),
                line: row[2].to_text(),
                achieved: day(&row[3])?,
                quantity: u32::try_from(row[4].whole()).map_err(|_| altered())?,
                evidence: evidence.map_err(|_| altered())?,
                submitted_by: row[6].to_text(),
                submitted_on: day(&row[7])?,
                supersedes: row[8].as_text().map(str::to_owned),
                verified: verified.remove(&id),
                withdrawn: withdrawn.contains_key(&id),
                id,
            })
        })
        .collect::<Result<Vec<Claim>, StoreError>>()?;
    claims.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(claims)
}

fn spells(link: &mut dyn Link, contract: &str) -> Result<Vec<Spell>, StoreError> {
    let sql =
        "SELECT person, state, start_day, end_day FROM spells WHERE contract = $1 ORDER BY seq";
    let mut standing = BTreeMap::new();
    for row in link.rows(sql, &[Value::text(contract)])? {
        let key = (row[0].to_text(), row[1].to_text(), day(&row[2])?);
        let end = match &row[3] {
            Value::Text(_) => Some(day(&row[3])?),
            _ => None,
        };
        standing.insert(key, end);
    }
    let spells = standing.into_iter();
    let spells = spells.map(|((person, state, start), end)| Spell {
        person,
        state,
        start,
        end,
    });
    Ok(spells.collect())
}

fn day(value: &Value) -> Result<NaiveDate, StoreError> {
    let text = value.as_text().ok_or_else(altered)?;
    text.parse().map_err(|_| altered())
}

fn altered() -> StoreError {
    StoreError::Database {
        what: "holds a value that this program did not write; take the last good copy".to_owned(),
    }
}

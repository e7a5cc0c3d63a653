//! What happens to a claim after it was submitted.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::sql::{Link, Value};
use super::{ClaimStore, StoreError, card_of};

/// Something that happened to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The claim.
    pub claim: String,
    /// What happened.
    pub kind: EventKind,
    /// Who did it.
    pub by: String,
    /// When.
    pub on: NaiveDate,
    /// Why, in words that concern no person.
    pub note: Option<String>,
}

/// What can happen to a claim, once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Someone other than its author looked at the evidence, and it holds.
    Verified,
    /// It is not claimed any more.
    Withdrawn,
}

impl EventKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl ClaimStore {
    /// Records events: all of them, or none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Event`] for a claim that is not there, was withdrawn, has had the event, is verified by its
    /// own author, or has the event before it was submitted; [`StoreError::Conflict`] if another writer records
    /// the same at the same time.
    pub fn record(&mut self, contract: &str, events: &[Event]) -> Result<(), StoreError> {
        self.write(|link| {
            card_of(link, contract)?;
            link.serialize_writers("events")?;
            for event in events {
                check(link, contract, event)?;
                let row = vec![
                    Value::text(contract),
                    Value::text(&event.claim),
                    Value::text(event.kind.word()),
                    Value::text(&event.by),
                    Value::text(event.on.to_string()),
                    Value::optional(event.note.clone()),
                ];
                let columns = ["contract", "claim", "kind", "author", "day", "note"];
                link.insert("events", &columns, &[row], "")?;
            }
            Ok(())
        })
    }
}

fn check(link: &mut dyn Link, contract: &str, event: &Event) -> Result<(), StoreError> {
    let refuse = |what: &str| {
        Err(StoreError::Event {
            claim: event.claim.clone(),
            what: what.to_owned(),
        })
    };
    let key = [Value::text(contract), Value::text(&event.claim)];
    let sql = "SELECT submitted_by, submitted_on FROM claims WHERE contract = $1 AND id = $2";
    let claims = link.rows(sql, &key)?;
    let Some(claim) = claims.first() else {
        return refuse("is not in the store");
    };
    let sql = "SELECT kind FROM events WHERE contract = $1 AND claim = $2";
    let had = link.rows(sql, &key)?;
    let had = |kind: EventKind| had.iter().any(|row| row[0].as_text() == Some(kind.word()));
    if had(EventKind::Withdrawn) {
        return refuse("was withdrawn");
    }
    if had(event.kind) {
        return refuse("is verified already");
    }
    if event.kind == EventKind::Verified && claim[0].as_text() == Some(event.by.as_str()) {
        return refuse("cannot be verified by the one who submitted it");
    }
    if claim[1].as_text() > Some(event.on.to_string().as_str()) {
        return refuse("was submitted after that day");
    }
    Ok(())
}

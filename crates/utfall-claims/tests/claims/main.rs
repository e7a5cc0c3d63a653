//! Rate cards, stores and published histories, through the public interface.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod cards;
mod histories;
#[path = "../../../../tests/postgres/server.rs"]
mod server;
mod stores;

use chrono::NaiveDate;
use utfall_claims::{Claim, Verification};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A verified claim of one unit.
fn claim(id: &str, person: &str, line: &str, achieved: &str) -> Claim {
    Claim {
        id: id.to_owned(),
        person: person.to_owned(),
        line: line.to_owned(),
        achieved: day(achieved),
        quantity: 1,
        evidence: None,
        submitted_by: "provider".to_owned(),
        submitted_on: day(achieved),
        supersedes: None,
        verified: Some(Verification {
            by: "payer".to_owned(),
            on: day(achieved),
        }),
        withdrawn: false,
    }
}

//! What each party sees of the ledger.

use chrono::NaiveDate;
use serde::Serialize;

use crate::account::{Account, Posting};
use crate::book::Book;
use crate::error::AccountError;
use crate::event::Action;
use crate::terms::Role;

/// An entry as a party sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    /// Number of the entry.
    pub number: u64,
    /// Its day.
    pub day: NaiveDate,
    /// Who acted.
    pub by: String,
    /// What was done.
    pub what: String,
    /// The postings that are the party's to see.
    pub postings: Vec<Posting>,
}

/// The entries a party sees, and of each the postings that are its own to see.
///
/// The intermediary sees everything. Everyone sees requests and how they fare, and what was paid for outcomes in all
/// (the account `held` of payments); beyond that, commissioners see what payers paid, providers and guarantors their own accounts,
/// investors their own capital and return, and the evaluator no party's account.
///
/// # Errors
///
/// [`AccountError::UnknownParty`].
pub fn seen_by(book: &Book, party: &str) -> Result<Vec<Seen>, AccountError> {
    let role = book.terms().party(party).map(|party| party.role);
    let role = role.ok_or_else(|| AccountError::UnknownParty {
        name: party.to_owned(),
    })?;
    let mut seen = Vec::new();
    for entry in book.entries() {
        let action = &entry.event.action;
        let is_payment = matches!(action, Action::Pay { .. });
        let own = |posting: &&Posting| is_seen(&posting.account, party, role, is_payment);
        let postings: Vec<Posting> = entry.postings.iter().filter(own).cloned().collect();
        if role == Role::Intermediary || action.request().is_some() || !postings.is_empty() {
            let request = action
                .request()
                .map(|request| format!(" {request}"))
                .unwrap_or_default();
            seen.push(Seen {
                number: entry.number,
                day: entry.event.day,
                by: entry.event.by.clone(),
                what: format!("{}{request}", action.word()),
                postings,
            });
        }
    }
    Ok(seen)
}

fn is_seen(account: &Account, party: &str, role: Role, is_payment: bool) -> bool {
    let is_own = account.party() == Some(party);
    match (role, account) {
        (Role::Intermediary, _) | (Role::Commissioner, Account::Payer(_)) => true,
        (_, Account::Held) => is_payment,
        _ => is_own,
    }
}

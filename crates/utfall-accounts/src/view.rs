//! What each party sees of the ledger.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use utfall_payment::Money;

use crate::account::{Account, Posting};
use crate::book::Book;
use crate::error::AccountError;
use crate::event::Action;
use crate::terms::Role;

/// Version of the form of a [`PartyView`].
const SCHEMA: &str = "utfall.accounts-view/1";

/// What one party sees, as a document of its own: nothing in it tells what the party may not see, so that it can be
/// sent. The same ledger and party give the same document, which whoever holds the ledger can make again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartyView {
    /// `utfall.accounts-view/1`.
    pub schema: &'static str,
    /// The contract.
    pub contract: String,
    /// Its name for people.
    pub title: String,
    /// For whom the document is.
    pub party: String,
    /// Its part in the contract.
    pub role: Role,
    /// Each account it sees, and the sum of the postings it sees there.
    pub balances: Vec<Balance>,
    /// The entries it sees.
    pub entries: Vec<Seen>,
}

/// What the postings that a party sees add up to in one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Balance {
    /// The account.
    pub account: Account,
    /// Above zero received, below zero given. Of the money held, payments for outcomes alone.
    pub sum: Money,
}

impl PartyView {
    /// The document for a party.
    ///
    /// # Errors
    ///
    /// [`AccountError::UnknownParty`].
    pub fn of(book: &Book, party: &str) -> Result<Self, AccountError> {
        let role = role_of(book, party)?;
        let entries = seen_by(book, party)?;
        let mut sums: BTreeMap<Account, i128> = BTreeMap::new();
        for posting in entries.iter().flat_map(|entry| &entry.postings) {
            *sums.entry(posting.account.clone()).or_default() += posting.minor_units;
        }
        let terms = book.terms();
        let balances = sums.into_iter().map(|(account, sum)| Balance {
            account,
            sum: terms.money(sum),
        });
        Ok(Self {
            schema: SCHEMA,
            contract: terms.name.clone(),
            title: terms.title.clone(),
            party: party.to_owned(),
            role,
            balances: balances.collect(),
            entries,
        })
    }
}

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
    let role = role_of(book, party)?;
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

fn role_of(book: &Book, party: &str) -> Result<Role, AccountError> {
    let role = book.terms().party(party).map(|party| party.role);
    role.ok_or_else(|| AccountError::UnknownParty {
        name: party.to_owned(),
    })
}

fn is_seen(account: &Account, party: &str, role: Role, is_payment: bool) -> bool {
    let is_own = account.party() == Some(party);
    match (role, account) {
        (Role::Intermediary, _) | (Role::Commissioner, Account::Payer(_)) => true,
        (_, Account::Held) => is_payment,
        _ => is_own,
    }
}

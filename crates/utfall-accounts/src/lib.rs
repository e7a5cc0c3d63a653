//! Payments of outcome contracts: who approved what, who paid whom, what investors get, what a fund still owes.
//!
//! - [`Terms`] are a TOML file: currency, caps, parties with roles and shares, investors, what is expected when.
//! - A [`Book`] is the ledger: entries in double entry, in whole minor units, never edited. An [`Event`] either becomes
//!   the next entry or is refused with the reason.
//! - A payment request goes draft → submitted → reviewed → approved → paid; it may be disputed, upheld, corrected,
//!   withdrawn or expire. Two parties of different roles approve, never its author, and any change resets their votes.
//! - What is paid is always what is due in all, less what was paid: interim payments are set off against final ones,
//!   and cutting a period in two changes nothing.
//! - [`waterfall`] shares what is returned between investors; [`internal_rate_of_return`] states what they earned.
//! - A [`Journal`] keeps a book as a file of one entry a line, each with the digest of the line before.
//! - A [`Fund`] pays several contracts in advance and is replenished from savings.
#![deny(clippy::float_arithmetic)]

mod account;
mod book;
mod error;
mod event;
mod fund;
mod journal;
mod position;
mod returns;
mod terms;
mod view;
mod waterfall;
mod workflow;

pub use account::{Account, Posting};
pub use book::{Book, Entry};
pub use error::AccountError;
pub use event::{Action, Body, ClaimAmount, Event, Stage, read_events};
pub use fund::{Department, Fund, FundDay, FundError};
pub use journal::{Journal, JournalError};
pub use position::{InvestorPosition, Liability, Position};
pub use returns::internal_rate_of_return;
pub use terms::{Component, Expected, Party, Role, Terms, TermsError};
pub use view::{Balance, PartyView, Seen, seen_by};
pub use waterfall::{Payout, waterfall};
pub use workflow::{Request, State};

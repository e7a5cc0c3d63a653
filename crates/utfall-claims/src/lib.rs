//! Claims under a rate card: kept, verified, counted and priced.
//!
//! A claim says that a person reached a milestone, with evidence. Claims are not persons: one
//! person may be claimed for many times, and a published count of persons may be far from the
//! number of claims that were paid.
//!
//! - A [`RateCard`] is a TOML file: priced lines, how often each pays for a person, what must have
//!   lasted or come before, and caps.
//! - [`evaluate`] prices claims against a card, and gives each an amount or the reason why it has none.
//! - A [`ClaimStore`] keeps claims, persons, spells and what was decided about each claim, in an SQLite
//!   file or in PostgreSQL, with one behaviour. Nothing in it is edited: a claim is corrected by
//!   another that supersedes it, and verified or withdrawn by an event beside it.
//! - [`Question`] asks the store one thing; [`reconcile`] compares it with counts from elsewhere, in both
//!   directions; [`published`] reads and writes the metric fields of GO Lab's INDIGO data set, and
//!   finds totals that were copied.
//!
//! Persons are pseudonyms. A column of them that holds national identity numbers is refused.
#![deny(clippy::float_arithmetic)]

mod card;
mod claim;
mod clock;
mod deadweight;
mod evaluate;
mod place;
pub mod published;
mod question;
mod read_card;
mod reconcile;
mod rows;
mod store;

pub use card::{
    Cap, CapPer, CardErrors, CardProblem, Holidays, Line, RateCard, Repeats, Sustained,
};
pub use claim::{Claim, Spell, Verification};
pub use clock::HolidayRule;
pub use deadweight::Deadweight;
pub use evaluate::{Evaluation, LineTotal, Outcome, Reason, evaluate};
pub use question::{Answer, AnswerRow, GroupBy, Question};
pub use reconcile::{Difference, Direction, Reference, reconcile, reference_counts};
pub use rows::{RowProblem, RowsError, claim_rows, person_rows, spell_rows, write_claims};
pub use store::{ClaimStore, Event, EventKind, StoreError};

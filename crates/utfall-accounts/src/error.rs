//! Why an event is refused.

use chrono::NaiveDate;

use crate::workflow::State;

/// Why an event is refused. The book stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Not TOML of the right shape.
    #[error("line {line}: {what}")]
    Shape {
        /// Line, from 1.
        line: usize,
        /// What was found and expected.
        what: String,
    },
    /// A party that the terms do not name.
    #[error("`{name}` is no party of the contract")]
    UnknownParty {
        /// The name.
        name: String,
    },
    /// A request that was never drafted.
    #[error("no request is called `{name}`")]
    UnknownRequest {
        /// The name.
        name: String,
    },
    /// A component that the terms do not name.
    #[error("nothing called `{name}` is paid for under the terms")]
    UnknownComponent {
        /// The name.
        name: String,
    },
    /// A name that is taken.
    #[error("a request called `{name}` is there already; `correct` replaces what it asks for")]
    Taken {
        /// The name.
        name: String,
    },
    /// A request that is in another state.
    #[error("the request `{request}` is {found}, expected {expected}")]
    State {
        /// The request.
        request: String,
        /// Its state.
        found: State,
        /// States it could be done in.
        expected: String,
    },
    /// A party that may not do this.
    #[error("`{party}` may not do this: {why}")]
    NotAllowed {
        /// The party.
        party: String,
        /// Why not.
        why: String,
    },
    /// An amount that is none, or absurd.
    #[error("{0}")]
    Amount(String),
    /// More than there is.
    #[error("{asked} asked for, but only {left} is held")]
    NotEnough {
        /// Asked for.
        asked: String,
        /// There.
        left: String,
    },
    /// A claim that was paid, or stands in another request.
    #[error("the claim `{claim}` stands in the request `{request}` already")]
    ClaimTaken {
        /// The claim.
        claim: String,
        /// The request.
        request: String,
    },
    /// The last distribution was made.
    #[error("the last distribution was made, and nothing follows it")]
    Ended,
    /// A day before that of the last entry.
    #[error("{found} lies before {last}, the day of the last entry")]
    DaysOutOfOrder {
        /// Day of the event.
        found: NaiveDate,
        /// Day of the last entry.
        last: NaiveDate,
    },
    /// An entry that cannot be reversed.
    #[error("entry {entry} cannot be reversed: {why}")]
    NotReversible {
        /// Its number.
        entry: u64,
        /// Why not.
        why: &'static str,
    },
}

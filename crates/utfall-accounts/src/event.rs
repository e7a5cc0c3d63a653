//! What parties do.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::AccountError;

/// Something that a party did on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// The day.
    pub day: NaiveDate,
    /// The party.
    pub by: String,
    /// What it did.
    #[serde(flatten)]
    pub action: Action,
}

/// What a party can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "do",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Action {
    /// An investor puts up capital.
    Invest {
        /// Major units.
        amount: String,
    },
    /// A provider is paid for its work out of money held.
    Spend {
        /// The provider.
        provider: String,
        /// Major units.
        amount: String,
    },
    /// Starts a payment request.
    Draft {
        /// Its name.
        request: String,
        /// What is asked for.
        body: Body,
    },
    /// Hands a draft in.
    Submit {
        /// The request.
        request: String,
    },
    /// Says that what is asked for was looked at.
    Review {
        /// The request.
        request: String,
    },
    /// Votes for payment.
    Approve {
        /// The request.
        request: String,
    },
    /// Says that something is wrong.
    Dispute {
        /// The request.
        request: String,
        /// What is wrong.
        reason: String,
    },
    /// Says that a disputed request stands as it is.
    Uphold {
        /// The request.
        request: String,
    },
    /// Replaces what is asked for.
    Correct {
        /// The request.
        request: String,
        /// What is asked for instead.
        body: Body,
    },
    /// Takes a request back.
    Withdraw {
        /// The request.
        request: String,
    },
    /// Says that a request is too old.
    Expire {
        /// The request.
        request: String,
    },
    /// Pays an approved request.
    Pay {
        /// The request.
        request: String,
    },
    /// Takes back the money of an entry, whole.
    Reverse {
        /// Number of the entry.
        entry: u64,
    },
    /// Pays all money held out to investors.
    Distribute {
        /// Whether it is the last: guarantors make good what is lost, and nothing may follow.
        last: bool,
    },
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Body {
    /// Component of the terms.
    pub component: String,
    /// Whether more may follow for it.
    pub stage: Stage,
    /// What is due for the component in all, interim payments included, in major units. Absent where claims are listed.
    pub due_in_all: Option<String>,
    /// Claims that become due, beside those paid before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimAmount>,
}

/// Whether more may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Paid on account, set off against what is found to be due later.
    Interim,
    /// The last for its component.
    Final,
}

/// A claim that becomes due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClaimAmount {
    /// Name of the claim in its store.
    pub claim: String,
    /// Major units.
    pub amount: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Events {
    event: Vec<toml::Spanned<Event>>,
}

/// Reads events from TOML, `[[event]]` each, with the line of each.
///
/// # Errors
///
/// [`AccountError::Shape`] with the line of what is wrong.
pub fn read_events(text: &str) -> Result<Vec<(usize, Event)>, AccountError> {
    let line = |offset: usize| text[..offset].matches('\n').count() + 1;
    let events: Events = toml::from_str(text).map_err(|error| AccountError::Shape {
        line: error.span().map_or(1, |span| line(span.start)),
        what: error.message().to_owned(),
    })?;
    let events = events.event.into_iter();
    Ok(events
        .map(|event| (line(event.span().start), event.into_inner()))
        .collect())
}

impl Action {
    /// The request it concerns.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        match self {
            Self::Draft { request, .. }
            | Self::Submit { request }
            | Self::Review { request }
            | Self::Approve { request }
            | Self::Dispute { request, .. }
            | Self::Uphold { request }
            | Self::Correct { request, .. }
            | Self::Withdraw { request }
            | Self::Expire { request }
            | Self::Pay { request } => Some(request),
            Self::Invest { .. }
            | Self::Spend { .. }
            | Self::Reverse { .. }
            | Self::Distribute { .. } => None,
        }
    }

    /// What was done, in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Invest { .. } => "invests",
            Self::Spend { .. } => "spends",
            Self::Draft { .. } => "drafts",
            Self::Submit { .. } => "submits",
            Self::Review { .. } => "reviews",
            Self::Approve { .. } => "approves",
            Self::Dispute { .. } => "disputes",
            Self::Uphold { .. } => "upholds",
            Self::Correct { .. } => "corrects",
            Self::Withdraw { .. } => "withdraws",
            Self::Expire { .. } => "lets expire",
            Self::Pay { .. } => "pays",
            Self::Reverse { .. } => "reverses",
            Self::Distribute { .. } => "distributes",
        }
    }
}

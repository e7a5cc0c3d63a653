//! Payment requests, and how they come to be paid.

use std::fmt;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::error::AccountError;
use crate::event::{Action, Body, Event};
use crate::terms::{Role, Terms};

/// A payment request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Request {
    /// Its name.
    pub name: String,
    /// Who drafted it, or corrected it last.
    pub author: String,
    /// What it asks for.
    pub body: Body,
    /// Where it stands.
    pub state: State,
    /// Day on which it was handed in.
    pub submitted_on: Option<NaiveDate>,
    /// Who has approved it as it stands, with the role it did so in.
    pub votes: Vec<(String, Role)>,
    /// Who disputes it.
    pub disputed_by: Option<String>,
    /// Number of the entry that paid it.
    pub paid_in: Option<u64>,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its author works on it.
    Draft,
    /// Handed in.
    Submitted,
    /// Looked at by someone other than its author.
    Reviewed,
    /// Approved by every role that must.
    Approved,
    /// Paid.
    Paid,
    /// Someone says that it is wrong.
    Disputed,
    /// Taken back by its author.
    Withdrawn,
    /// Too old.
    Expired,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Reviewed => "reviewed",
            Self::Approved => "approved",
            Self::Paid => "paid",
            Self::Disputed => "disputed",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        })
    }
}

impl Request {
    pub(crate) fn draft(name: &str, author: &str, body: &Body) -> Self {
        Self {
            name: name.to_owned(),
            author: author.to_owned(),
            body: body.clone(),
            state: State::Draft,
            submitted_on: None,
            votes: Vec::new(),
            disputed_by: None,
            paid_in: None,
        }
    }

    /// The request after an event that concerns it, other than its payment.
    ///
    /// Any change, dispute or upholding resets the votes.
    pub(crate) fn after(
        &self,
        terms: &Terms,
        event: &Event,
        role: Role,
    ) -> Result<Self, AccountError> {
        use State::{Approved, Disputed, Draft, Expired, Reviewed, Submitted, Withdrawn};
        let mut next = self.clone();
        match &event.action {
            Action::Submit { .. } => {
                self.must_be(&[Draft])?;
                self.must_be_author(event)?;
                next.state = Submitted;
                next.submitted_on = Some(event.day);
            }
            Action::Review { .. } => {
                self.must_be(&[Submitted])?;
                self.must_not_be_author(event)?;
                must_be_one_of(event, role, &REVIEWERS)?;
                next.state = Reviewed;
            }
            Action::Approve { .. } => return self.voted(terms, event, role),
            Action::Dispute { .. } => {
                self.must_be(&[Submitted, Reviewed, Approved])?;
                self.must_not_be_author(event)?;
                next.back_to(Disputed);
                next.disputed_by = Some(event.by.clone());
            }
            Action::Uphold { .. } => {
                self.must_be(&[Disputed])?;
                self.must_not_be_author(event)?;
                must_be_one_of(event, role, &[Role::Evaluator, Role::Intermediary])?;
                if self.disputed_by.as_ref() == Some(&event.by) {
                    return Err(not_allowed(event, "it disputes the request itself"));
                }
                next.back_to(Submitted);
            }
            Action::Correct { body, .. } => {
                self.must_be(&[Draft, Submitted, Reviewed, Approved, Disputed])?;
                self.must_be_author(event)?;
                next.body = body.clone();
                next.back_to(if self.state == Draft {
                    Draft
                } else {
                    Submitted
                });
            }
            Action::Withdraw { .. } => {
                self.must_be(&[Draft, Submitted, Reviewed, Approved, Disputed])?;
                self.must_be_author(event)?;
                next.back_to(Withdrawn);
            }
            Action::Expire { .. } => {
                self.must_be(&[Submitted, Reviewed, Approved, Disputed])?;
                self.must_be_old(terms, event)?;
                next.back_to(Expired);
            }
            _ => {}
        }
        Ok(next)
    }

    /// After a vote: approved once each role that must has approved.
    fn voted(&self, terms: &Terms, event: &Event, role: Role) -> Result<Self, AccountError> {
        self.must_be(&[State::Reviewed])?;
        self.must_not_be_author(event)?;
        must_be_one_of(event, role, &terms.approvals)?;
        if self.votes.iter().any(|(_, voted)| *voted == role) {
            let why = format!("a {} has approved already", role.word());
            return Err(not_allowed(event, &why));
        }
        let mut next = self.clone();
        next.votes.push((event.by.clone(), role));
        if next.votes.len() == terms.approvals.len() {
            next.state = State::Approved;
        }
        Ok(next)
    }

    /// Sets the state, and with it the votes to none.
    pub(crate) fn back_to(&mut self, state: State) {
        self.state = state;
        self.votes.clear();
        self.disputed_by = None;
    }

    pub(crate) fn must_be(&self, states: &[State]) -> Result<(), AccountError> {
        if states.contains(&self.state) {
            return Ok(());
        }
        let expected: Vec<String> = states.iter().map(State::to_string).collect();
        Err(AccountError::State {
            request: self.name.clone(),
            found: self.state,
            expected: expected.join(" or "),
        })
    }

    fn must_be_author(&self, event: &Event) -> Result<(), AccountError> {
        if self.author == event.by {
            Ok(())
        } else {
            Err(not_allowed(
                event,
                &format!("`{}` is the author of the request", self.author),
            ))
        }
    }

    fn must_not_be_author(&self, event: &Event) -> Result<(), AccountError> {
        if self.author == event.by {
            Err(not_allowed(event, "it is the author of the request"))
        } else {
            Ok(())
        }
    }

    fn must_be_old(&self, terms: &Terms, event: &Event) -> Result<(), AccountError> {
        let Some(n_days) = terms.expires_after_days else {
            return Err(not_allowed(event, "requests do not expire under the terms"));
        };
        let last = self
            .submitted_on
            .and_then(|day| day.checked_add_days(Days::new(n_days.into())));
        match last {
            Some(last) if event.day > last => Ok(()),
            Some(last) => Err(not_allowed(
                event,
                &format!("the request is good until {last}"),
            )),
            None => Err(not_allowed(event, "the request was not submitted")),
        }
    }
}

/// Who looks at what others ask for.
const REVIEWERS: [Role; 3] = [Role::Commissioner, Role::Evaluator, Role::Intermediary];

pub(crate) fn must_be_one_of(
    event: &Event,
    role: Role,
    roles: &[Role],
) -> Result<(), AccountError> {
    if roles.contains(&role) {
        return Ok(());
    }
    let expected: Vec<&str> = roles.iter().map(|role| role.word()).collect();
    let why = format!(
        "it is a {}, expected {}",
        role.word(),
        expected.join(" or ")
    );
    Err(not_allowed(event, &why))
}

pub(crate) fn not_allowed(event: &Event, why: &str) -> AccountError {
    AccountError::NotAllowed {
        party: event.by.clone(),
        why: why.to_owned(),
    }
}

//! One question to a store: which claims, grouped how.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;
use utfall_payment::Money;

use crate::card::RateCard;
use crate::claim::Claim;
use crate::evaluate::{Evaluation, Reason};

/// Which claims are asked about, and how they are grouped. What is absent bounds nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// Claims of this line.
    pub line: Option<String>,
    /// Claims for this person.
    pub person: Option<String>,
    /// Claims that this one submitted.
    pub submitted_by: Option<String>,
    /// Milestones reached on this day or after.
    pub from: Option<NaiveDate>,
    /// Milestones reached before this day.
    pub to: Option<NaiveDate>,
    /// Claims that are due something (`true`), or nothing (`false`).
    pub due: Option<bool>,
    /// Claims with evidence (`true`), or without (`false`).
    pub evidence: Option<bool>,
    /// One row for each of what; one row in all if empty.
    pub by: Vec<GroupBy>,
}

/// What rows of an answer stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupBy {
    /// Lines of the card.
    Line,
    /// Persons.
    Person,
    /// Calendar months of achievement.
    Month,
    /// Calendar quarters of achievement.
    Quarter,
    /// Calendar years of achievement.
    Year,
    /// Who submitted.
    SubmittedBy,
    /// Why nothing, or less than the price, is due.
    Reason,
}

/// The answer: one row for each group, in the order of its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// What the rows stand for.
    pub by: Vec<GroupBy>,
    /// The groups.
    pub rows: Vec<AnswerRow>,
    /// All of them together.
    pub total: AnswerRow,
}

/// One group of claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AnswerRow {
    /// What the group is called, one name for each [`GroupBy`].
    pub group: Vec<String>,
    /// Claims.
    pub n_claims: u64,
    /// Claims that count.
    pub n_counted: u64,
    /// Different persons.
    pub n_persons: u64,
    /// What is due.
    pub due: Money,
}

impl Question {
    /// Answers from claims and what they are worth; `evaluation` is that of the same claims.
    #[must_use]
    pub fn answer(&self, card: &RateCard, claims: &[Claim], evaluation: &Evaluation) -> Answer {
        let mut groups: BTreeMap<Vec<String>, Group<'_>> = BTreeMap::new();
        let mut total = Group::default();
        for (claim, outcome) in claims.iter().zip(&evaluation.outcomes) {
            if !self.covers(claim, outcome.due_minor_units) {
                continue;
            }
            let name = self
                .by
                .iter()
                .map(|by| by.name(card, claim, outcome.reason));
            let group = groups.entry(name.collect()).or_default();
            for group in [group, &mut total] {
                group.n_claims += 1;
                group.n_counted += u64::from(outcome.counts());
                group.minor_units += outcome.due_minor_units;
                group.persons.insert(claim.person.as_str());
            }
        }
        let rows = groups
            .into_iter()
            .map(|(name, group)| group.row(name, card));
        Answer {
            by: self.by.clone(),
            rows: rows.collect(),
            total: total.row(Vec::new(), card),
        }
    }

    fn covers(&self, claim: &Claim, due: i128) -> bool {
        let is = |asked: &Option<String>, found: &str| {
            asked.as_deref().is_none_or(|asked| asked == found)
        };
        is(&self.line, &claim.line)
            && is(&self.person, &claim.person)
            && is(&self.submitted_by, &claim.submitted_by)
            && self.from.is_none_or(|from| claim.achieved >= from)
            && self.to.is_none_or(|to| claim.achieved < to)
            && self.due.is_none_or(|asked| asked == (due != 0))
            && self
                .evidence
                .is_none_or(|asked| asked == claim.evidence.is_some())
    }
}

#[derive(Default)]
struct Group<'c> {
    n_claims: u64,
    n_counted: u64,
    minor_units: i128,
    persons: BTreeSet<&'c str>,
}

impl Group<'_> {
    fn row(self, group: Vec<String>, card: &RateCard) -> AnswerRow {
        AnswerRow {
            group,
            n_claims: self.n_claims,
            n_counted: self.n_counted,
            n_persons: self.persons.len() as u64,
            due: card.money(self.minor_units),
        }
    }
}

impl GroupBy {
    fn name(self, card: &RateCard, claim: &Claim, reason: Option<Reason>) -> String {
        use chrono::Datelike;
        let day = claim.achieved;
        match self {
            Self::Line => claim.line.clone(),
            Self::Person => claim.person.clone(),
            Self::Month => day.format("%Y-%m").to_string(),
            Self::Quarter => format!("{}-Q{}", day.year(), day.month0() / 3 + 1),
            Self::Year => day.year().to_string(),
            Self::SubmittedBy => claim.submitted_by.clone(),
            Self::Reason => reason.map_or("due in full".to_owned(), |reason| reason.text(card)),
        }
    }
}

//! What a store keeps: claims, and the spells that sustained milestones rest on.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_core::Period;
use utfall_files::Digest;

/// A person reached a milestone, says someone, with evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Claim {
    /// Name of the claim, unique in its contract.
    pub id: String,
    /// Pseudonym of the person.
    pub person: String,
    /// Line of the rate card.
    pub line: String,
    /// Day on which the milestone was reached.
    pub achieved: NaiveDate,
    /// Units claimed; one or more.
    pub quantity: u32,
    /// Digest of the evidence, which lies elsewhere.
    pub evidence: Option<Digest>,
    /// Who claims.
    pub submitted_by: String,
    /// Day on which it was claimed.
    pub submitted_on: NaiveDate,
    /// Earlier claim that this one corrects.
    pub supersedes: Option<String>,
    /// Who verified it and when; absent for a claim as it is submitted.
    #[serde(default)]
    pub verified: Option<Verification>,
    /// Whether it was withdrawn.
    #[serde(default)]
    pub withdrawn: bool,
}

/// Who verified a claim, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Verification {
    /// Who; never the one who submitted it.
    pub by: String,
    /// When.
    pub on: NaiveDate,
}

/// Days over which a person was in a state, such as a tenancy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Spell {
    /// Pseudonym of the person.
    pub person: String,
    /// The state, as the rate card names it.
    pub state: String,
    /// First day.
    pub start: NaiveDate,
    /// First day after; absent while it lasts.
    pub end: Option<NaiveDate>,
}

impl Spell {
    /// Whether the dates are in order.
    pub(crate) fn is_ordered(&self) -> bool {
        self.end
            .is_none_or(|end| Period::new(self.start, end).is_ok())
    }
}

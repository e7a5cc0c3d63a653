//! `record/overlap.json`.

use serde::{Deserialize, Serialize};
use utfall_disclosure::{Cell, Policy};

/// How far the arms overlap before matching: counts of units by their propensity score.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OverlapDocument {
    /// The policy the counts were released under.
    pub policy: Policy,
    /// What was found.
    pub result: OverlapResult,
}

/// Whether there is a score.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "status", deny_unknown_fields, rename_all = "kebab-case")]
pub enum OverlapResult {
    /// There is one.
    Scored {
        /// Neighbouring intervals of the score, from the lowest.
        bins: Vec<OverlapBin>,
    },
    /// There is none.
    NoScore {
        /// Why.
        reason: String,
    },
}

/// Units whose probability of the programme, given the covariates, lies in `[from, below)`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OverlapBin {
    /// Lower end, within.
    pub from: f64,
    /// Upper end, not within.
    pub below: f64,
    /// Treated units.
    pub treated: Cell,
    /// Comparators.
    pub comparator: Cell,
}

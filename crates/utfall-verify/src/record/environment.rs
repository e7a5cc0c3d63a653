//! `record/environment.json`.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_files::Digest;

use crate::LedgerEntry;

/// What a run depended on beside its data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvironmentDocument {
    /// Version of utfall.
    pub utfall_version: String,
    /// Digest of the plan.
    pub plan_digest: Digest,
    /// What is said of the key of all commitments, which stays where the data are.
    pub commitment_key: Digest,
    /// Commitment to the cohort, taken before any outcome was read.
    pub cohort_seal: Digest,
    /// Commitment to the matched set, taken before any outcome was read.
    pub matched_set_seal: Digest,
    /// Calibrations in the same workspace before this run: outcomes were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibrations: Vec<CalibrationMark>,
}

impl EnvironmentDocument {
    /// The entry of the run's units in a ledger.
    #[must_use]
    pub fn units_entry(&self) -> LedgerEntry {
        LedgerEntry::units(self.plan_digest, self.cohort_seal, self.matched_set_seal)
    }
}

/// A calibration of a plan on placebo programmes among units that were not treated.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CalibrationMark {
    /// Digest of the plan that was calibrated; another than the run's means that the plan was
    /// changed after outcomes were looked at.
    pub plan_digest: Digest,
    /// The day the placebo programmes started.
    pub index_date: NaiveDate,
    /// Whether everything looked at lies before the plan's own index date.
    pub before_index_date: bool,
    /// Placebo programmes.
    pub n_programmes: u32,
    /// Seed of their draws.
    pub seed: u64,
}

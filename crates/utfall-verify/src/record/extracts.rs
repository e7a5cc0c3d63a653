//! `record/inputs.json`.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_files::Digest;

/// The deliveries a run read, in the order it took them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExtractsDocument {
    /// One entry for each delivery of each extract.
    pub extracts: Vec<ExtractRecord>,
}

/// One delivery of an extract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExtractRecord {
    /// The extract, by the name of its data contract.
    pub name: String,
    /// The day the register was read.
    pub vintage: NaiveDate,
    /// Whether it may still change.
    pub status: DeliveryStatus,
    /// Rows in the file.
    pub n_rows: u64,
    /// Rows that went on.
    pub n_accepted: u64,
    /// Rows kept back.
    pub n_quarantined: u64,
    /// Commitment to the file, under the run's key.
    pub commitment: Digest,
}

/// Whether a delivery may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryStatus {
    /// It may.
    Preliminary,
    /// It will not.
    Final,
}

//! `record/designs.json`.

use serde::{Deserialize, Serialize};
use utfall_files::Digest;

use super::{BalanceDocument, EffectRecord, SensitivityRecord};

/// Other designs than the one that decides payment, and the truth where the data are synthetic.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DesignsDocument {
    /// The alternatives, in the plan's order.
    pub alternatives: Vec<AlternativeRecord>,
    /// Effects that were planted in synthetic data.
    pub truths: Vec<TruthRecord>,
    /// Checks of the plan's own effects, in the plan's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitivity: Vec<SensitivityRecord>,
}

/// One alternative design.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlternativeRecord {
    /// Short name.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// What it came to.
    pub result: DesignResult,
}

/// Whether a design could be made.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "status", deny_unknown_fields, rename_all = "kebab-case")]
pub enum DesignResult {
    /// It could.
    Made(Box<MadeDesign>),
    /// It could not.
    NotMade {
        /// Why, in words that may be shown to every party.
        reason: String,
    },
}

/// What a design found.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MadeDesign {
    /// Commitment to its units, taken before any outcome was read.
    pub seal: Digest,
    /// How alike the arms became.
    pub balance: BalanceDocument,
    /// The plan's effects by this design.
    pub effects: Vec<EffectRecord>,
}

/// An effect that was planted in synthetic data. Nothing is computed from it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TruthRecord {
    /// The effect's short name.
    pub effect: String,
    /// The true effect over the treated, in the unit of the truth file.
    pub value: f64,
    /// That unit.
    pub unit: String,
    /// How the true effect is defined.
    pub definition: String,
    /// The file it stands in.
    pub file: String,
    /// BLAKE3 of the file.
    pub digest: Digest,
}

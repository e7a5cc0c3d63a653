//! What was asked of an effect beside its estimate, in `record/designs.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One check of one effect. No payment rests on it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SensitivityRecord {
    /// The effect's short name.
    pub effect: String,
    /// The check, in the plan's word.
    pub check: String,
    /// What it came to.
    pub result: SensitivityResult,
}

/// Whether a check could be made.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "status", deny_unknown_fields, rename_all = "kebab-case")]
pub enum SensitivityResult {
    /// It could.
    Found {
        /// What it found, in the order it was asked.
        rows: Vec<SensitivityRow>,
    },
    /// It could not.
    NotFound {
        /// Why, in words that may be shown to every party.
        reason: String,
    },
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SensitivityRow {
    /// What it is a finding of: a factor, a covariate, a specification.
    pub label: String,
    /// Figures by name: `point`, `lower`, `upper`, `p-value` of an estimate, or those of the check.
    pub figures: BTreeMap<String, f64>,
}

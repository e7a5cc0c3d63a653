//! `record/environment.json`.

use serde::{Deserialize, Serialize};
use utfall_files::Digest;

/// What a run depended on beside its data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvironmentDocument {
    /// Version of utfall.
    pub utfall_version: String,
    /// Digest of the plan.
    pub plan_digest: Digest,
    /// Digest of the matched set, taken before any outcome was read.
    pub matched_set_seal: Digest,
}

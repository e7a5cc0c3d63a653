//! `record/funnel.json`.

use serde::{Deserialize, Serialize};
use utfall_disclosure::{Policy, ReleasedFunnel};

/// The attrition funnel, and the policy it was released under.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FunnelDocument {
    /// The policy.
    pub policy: Policy,
    /// The funnel under it.
    pub funnel: ReleasedFunnel,
}

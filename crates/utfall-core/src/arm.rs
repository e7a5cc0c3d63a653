//! The two arms of a comparison.

use serde::{Deserialize, Serialize};

/// One arm of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// Units the intervention was meant for (referred, assigned, offered), engaged or not.
    Treated,
    /// Units compared with them.
    Comparator,
}

impl std::fmt::Display for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Treated => "treated",
            Self::Comparator => "comparator",
        })
    }
}

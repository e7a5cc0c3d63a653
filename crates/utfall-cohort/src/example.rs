//! Hand-made units with the verdict people expect of them: the cohort's rules, tried before any data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A unit that does not exist, described by the rows that the extracts would hold of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExampleSpec {
    /// Its id in the rows.
    pub unit: String,
    /// What should become of it.
    pub expect: Verdict,
    /// Rows by extract: cells by column of the table, dates as `2024-01-31`, decimals with a point.
    pub rows: BTreeMap<String, Vec<BTreeMap<String, String>>>,
}

/// What becomes of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It meets every rule and is treated.
    Treated,
    /// It meets every rule and is not treated.
    Comparator,
    /// It leaves at this rule, the first that it does not meet.
    Out(String),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Treated => f.write_str("in, treated"),
            Self::Comparator => f.write_str("in, a comparator"),
            Self::Out(rule) => write!(f, "out at rule `{rule}`"),
        }
    }
}

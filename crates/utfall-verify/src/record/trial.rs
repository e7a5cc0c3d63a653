//! `record/trial.json`.

use serde::{Deserialize, Serialize};

/// The trial that the run stands for, part by part.
///
/// Hernán & Robins (2016), *American Journal of Epidemiology* 183(8),
/// <https://doi.org/10.1093/aje/kwv254>.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrialDocument {
    /// Its parts, in the order of a protocol.
    pub parts: Vec<TrialPart>,
}

/// One part of a protocol.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrialPart {
    /// What it is about.
    pub name: String,
    /// What is laid down.
    pub lines: Vec<String>,
}

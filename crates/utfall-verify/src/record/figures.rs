//! `record/payment-inputs.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_files::Digest;
use utfall_payment::Inputs;

/// The figures a contract was given, and what they were taken from.
///
/// They stand in the effects as well; held apart, a figure changed in one place is noticed, and
/// a person can read in one list what the contract was told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FiguresDocument {
    /// SHA-256 of the contract, the effects and the balance, by their names in the bundle.
    pub made_from: BTreeMap<String, Digest>,
    /// Every figure, by the name a contract reads it under.
    pub inputs: Inputs,
}

//! What a contract is given: numbers, flags and texts with names.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Everything an evaluation is given, by name, such as `absence.point` or `balance.passed`.
pub type Inputs = BTreeMap<String, Input>;

/// One named thing a contract may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Input {
    /// A number as decimal text, `-12.5` or `1e-7`. `NaN`, infinities and anything else are
    /// unusable, and make what depends on them not measurable.
    Number(String),
    /// Whether something holds, such as a balance gate.
    Flag(bool),
    /// A word, such as the estimand of an effect.
    Text(String),
    /// A figure that cannot be given.
    #[serde(rename_all = "kebab-case")]
    Unavailable {
        /// Why, in words that may be shown to every party.
        reason: String,
        /// Whether it never will be, or is not there yet.
        branch: Undecided,
    },
}

/// The kind of input a contract expects under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputKind {
    /// [`Input::Number`].
    Number,
    /// [`Input::Flag`].
    Flag,
    /// [`Input::Text`].
    Text,
}

/// Why something has no answer.
///
/// Where both apply, `not-measurable` prevails: waiting would not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undecided {
    /// It can be decided later, when what is missing arrives.
    Deferred,
    /// It cannot be decided.
    NotMeasurable,
}

impl Input {
    /// What this input is, for a message.
    pub(crate) fn description(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Flag(_) => "a flag",
            Self::Text(_) => "a text",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}

impl fmt::Display for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "number",
            Self::Flag => "flag",
            Self::Text => "text",
        })
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deferred => "deferred",
            Self::NotMeasurable => "not-measurable",
        })
    }
}

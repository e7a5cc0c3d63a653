//! The result of a verification, for programs and for people.

use std::fmt;

use serde::{Deserialize, Serialize};
use utfall_evidence::{Finding, printable};
use utfall_files::Digest;

use crate::Level;

/// What a verification found.
///
/// Its JSON form is stable: `schema` names it, and keys are only ever added under a new one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Verification {
    /// Always `utfall-verification/1`.
    pub schema: String,
    /// Whether every level asked for was checked and passed.
    pub accepted: bool,
    /// SHA-256 of the manifest, to compare with one received elsewhere.
    pub seal: Option<Digest>,
    /// Each level asked for.
    pub levels: Vec<LevelResult>,
    /// Every deviation, in the order of the levels.
    pub findings: Vec<LevelFinding>,
    /// What no level asked for says anything about.
    pub not_covered: Vec<String>,
}

/// How one level ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LevelResult {
    /// The level.
    pub level: Level,
    /// What it checks.
    pub title: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a level ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything is as it should be.
    Passed,
    /// Something is not.
    Failed,
    /// The bundle is too broken to tell.
    NotChecked,
}

/// A deviation, and the level that found it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LevelFinding {
    /// The level.
    pub level: Level,
    /// Where: a file of the bundle, an offset in it or in the zip, or a pointer into a document.
    pub place: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// What that means.
    pub message: String,
}

impl Verification {
    /// The name of this form.
    pub const SCHEMA: &str = "utfall-verification/1";
}

impl LevelFinding {
    pub(crate) fn at(level: Level, finding: Finding) -> Self {
        let Finding {
            place,
            expected,
            found,
            message,
        } = finding;
        Self {
            level,
            place,
            expected,
            found,
            message,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::NotChecked => "not checked",
        })
    }
}

/// Some lines for people, with a newline at the end of each.
impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for result in &self.levels {
            writeln!(
                f,
                "Level {}: {} - {}",
                result.level, result.outcome, result.title
            )?;
            for finding in self
                .findings
                .iter()
                .filter(|finding| finding.level == result.level)
            {
                writeln!(
                    f,
                    "  {}: {}",
                    shown(&finding.place),
                    shown(&finding.message)
                )?;
                writeln!(f, "    expected {}", shown(&finding.expected))?;
                writeln!(f, "    found    {}", shown(&finding.found))?;
            }
        }
        if let Some(seal) = &self.seal {
            writeln!(f, "Seal: {seal}")?;
        }
        writeln!(f, "Not covered: {}", self.not_covered.join("; "))?;
        writeln!(
            f,
            "{}",
            if self.accepted {
                "Accepted."
            } else {
                "Refused."
            }
        )
    }
}

/// Longest text of a stranger's file that is shown.
const LONGEST_SHOWN: usize = 300;

/// A text from a stranger's file, not too long and safe to print.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str(" ...");
    }
    printable(&shown)
}

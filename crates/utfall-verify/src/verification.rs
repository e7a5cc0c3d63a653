//! The result of a verification, for programs and for people.

use std::fmt;

use serde::{Deserialize, Serialize};
use utfall_evidence::{Finding, PublicKey, printable};
use utfall_files::Digest;

use crate::Level;
use crate::verify::NOT_MADE_AGAIN;

/// What a verification found.
///
/// Its JSON form is stable: `schema` names it, and keys are only ever added under a new one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Verification {
    /// Always `utfall-verification/2`.
    pub schema: String,
    /// Whether every level asked for was checked and passed.
    pub accepted: bool,
    /// SHA-256 of the manifest, to compare with one received elsewhere.
    pub seal: Option<Digest>,
    /// Each level asked for.
    pub levels: Vec<LevelResult>,
    /// Every deviation, in the order of the levels.
    pub findings: Vec<LevelFinding>,
    /// Every signature on the bundle, and what the trust policy says of its key.
    pub signers: Vec<Signer>,
    /// Where the bundle stands in a ledger, if it carries a proof.
    pub ledger: Option<LedgerStanding>,
    /// What no level asked for says anything about.
    pub not_covered: Vec<String>,
}

/// A signature, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signer {
    /// The key.
    pub key: PublicKey,
    /// Its holder, by the trust policy.
    pub holder: Option<String>,
    /// The role the holder signs in, by the trust policy.
    pub role: Option<String>,
    /// Whether the signature is valid and its key counts.
    pub counts: bool,
    /// Why it does not count.
    pub reason: Option<String>,
}

/// Where a bundle stands in a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LedgerStanding {
    /// The ledger's name.
    pub origin: String,
    /// The place of the bundle's entry, from 0.
    pub index: u64,
    /// Entries in the ledger when the proof was made.
    pub size: u64,
    /// Who the trust policy knows to have co-signed that state of the ledger.
    pub cosigners: Vec<Cosigner>,
}

/// Who co-signed a checkpoint, and when by their clock.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cosigner {
    /// The holder of the key.
    pub holder: String,
    /// Seconds since 1970.
    pub time: u64,
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
    pub const SCHEMA: &str = "utfall-verification/2";

    /// The same, with the result of a run made again (level V4).
    #[must_use]
    pub fn with_reproduction(mut self, findings: Vec<Finding>) -> Self {
        let is_same = findings.is_empty();
        self.levels.push(LevelResult {
            level: Level::V4,
            title: Level::V4.title().to_owned(),
            outcome: if is_same {
                Outcome::Passed
            } else {
                Outcome::Failed
            },
        });
        self.accepted = self.accepted && is_same;
        self.not_covered.retain(|what| what != NOT_MADE_AGAIN);
        let findings = findings.into_iter();
        self.findings
            .extend(findings.map(|finding| LevelFinding::at(Level::V4, finding)));
        self
    }

    /// Whether the run made again came to something else, and all that the bundle alone tells is
    /// as it should be.
    #[must_use]
    pub fn is_only_not_reproduced(&self) -> bool {
        let is_fine =
            |one: &LevelResult| (one.outcome == Outcome::Passed) == (one.level != Level::V4);
        !self.accepted && self.levels.iter().all(is_fine)
    }
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
        if !self.levels.iter().any(|result| result.level == Level::V1) {
            writeln!(
                f,
                "Trust: none was given, so nobody's signature was asked for, and nothing here tells who made this"
            )?;
        }
        for signer in &self.signers {
            writeln!(f, "Signed: {}", shown(&signer.to_string()))?;
        }
        if let Some(standing) = &self.ledger {
            writeln!(f, "Ledger: {}", shown(&standing.to_string()))?;
        }
        if let Some(seal) = &self.seal {
            writeln!(f, "Seal: {seal}")?;
        }
        if !self.not_covered.is_empty() {
            writeln!(f, "Not covered: {}", self.not_covered.join("; "))?;
        }
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

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.holder, &self.role) {
            (Some(holder), Some(role)) => write!(f, "{holder} as {role}")?,
            _ => f.write_str(self.key.name())?,
        }
        match &self.reason {
            Some(reason) => write!(f, " (does not count: {reason})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for LedgerStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            index,
            size,
            ..
        } = self;
        write!(f, "entry {index} of {size} in {origin}")?;
        for Cosigner { holder, time } in &self.cosigners {
            let seconds = i64::try_from(*time).unwrap_or(i64::MAX);
            match chrono::DateTime::from_timestamp(seconds, 0) {
                Some(at) => write!(f, ", co-signed by {holder} at {}", at.format("%F %TZ"))?,
                None => write!(f, ", co-signed by {holder}")?,
            }
        }
        Ok(())
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

//! All levels of verification that a bundle allows.

use std::fmt;
use std::path::Path;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_evidence::ledger::Ledger;
use utfall_evidence::{Finding, Inspection, MANIFEST, Statement, TrustPolicy, inspect};
use utfall_files::FileError;

use crate::verification::{LevelFinding, LevelResult, Outcome, Verification};
use crate::{RunPredicate, replay, signatures, standing};

/// What a verification checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Level {
    /// Structure and digests: every byte is the one sealed.
    V0,
    /// Signatures: those the verifier asks for have signed.
    V1,
    /// Ledger: the bundle stands in a ledger, after its plan.
    V2,
    /// Replay: the decision follows from the contract and the recorded effects.
    V3,
    /// The run made again from the data gives the same files.
    V4,
}

impl Level {
    /// Every level that a bundle alone allows.
    pub const ALL: [Self; 4] = [Self::V0, Self::V1, Self::V2, Self::V3];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::V0 => "structure and digests: every byte is the one sealed",
            Self::V1 => "signatures: everyone the trust policy asks for has signed",
            Self::V2 => "ledger: the bundle stands in a ledger that is trusted, after its plan",
            Self::V3 => "replay: the decision follows from the contract and the recorded effects",
            Self::V4 => "reproduction: the run made again from the data gives the same files",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V0 => "V0",
            Self::V1 => "V1",
            Self::V2 => "V2",
            Self::V3 => "V3",
            Self::V4 => "V4",
        })
    }
}

/// What a verifier knows and wants to know.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The levels to check.
    pub levels: &'a [Level],
    /// Whom the verifier trusts; without it V1 and V2 cannot be told.
    pub trust: Option<&'a TrustPolicy>,
    /// The day on which keys must count: that on which the bundle was received.
    pub on: NaiveDate,
    /// A copy of the ledger to compare the bundle's checkpoint with, if there is one at hand.
    pub ledger: Option<&'a Ledger>,
}

impl<'a> Question<'a> {
    /// Every level that what the verifier knows allows: V0 and V3 always, V1 with a policy, V2
    /// with one that trusts a ledger.
    #[must_use]
    pub fn all(trust: Option<&'a TrustPolicy>, on: NaiveDate, ledger: Option<&'a Ledger>) -> Self {
        let levels: &[Level] = match trust {
            None => &[Level::V0, Level::V3],
            Some(policy) if policy.ledgers().is_empty() => &[Level::V0, Level::V1, Level::V3],
            Some(_) => &Level::ALL,
        };
        Self {
            levels,
            trust,
            on,
            ledger,
        }
    }
}

/// Verifies a bundle, a zip or the folder it was unpacked to, at the levels asked for.
///
/// A broken bundle is a result and no error: every deviation is a finding with its place.
///
/// # Errors
///
/// [`FileError`] if there is nothing at `path` or it cannot be read.
pub fn verify(path: &Path, question: &Question<'_>) -> Result<Verification, FileError> {
    Ok(verification(&inspect(path)?, question))
}

/// Verifies a bundle that has been read.
#[must_use]
pub fn verification(inspection: &Inspection, question: &Question<'_>) -> Verification {
    let mut results = Vec::new();
    let mut findings = Vec::new();
    let levels = question.levels;
    for level in Level::ALL
        .into_iter()
        .filter(|level| levels.contains(level))
    {
        let of_level = match level {
            Level::V0 => Some(digests(inspection)),
            Level::V1 => question
                .trust
                .map(|trust| signatures::findings(inspection, trust, question.on)),
            Level::V2 => question
                .trust
                .map(|trust| standing::findings(inspection, trust, question)),
            Level::V3 => inspection.files.as_ref().map(replay),
            Level::V4 => None,
        };
        let outcome = match of_level.as_deref() {
            None => Outcome::NotChecked,
            Some([]) => Outcome::Passed,
            Some(_) => Outcome::Failed,
        };
        results.push(LevelResult {
            level,
            title: level.title().to_owned(),
            outcome,
        });
        findings.extend(
            of_level
                .into_iter()
                .flatten()
                .map(|finding| LevelFinding::at(level, finding)),
        );
    }
    Verification {
        schema: Verification::SCHEMA.to_owned(),
        accepted: !results.is_empty()
            && results
                .iter()
                .all(|result| result.outcome == Outcome::Passed),
        seal: inspection.seal,
        levels: results,
        findings,
        signers: signatures::signers(inspection, question.trust, question.on),
        ledger: standing::standing(inspection, question.trust, question.on),
        not_covered: not_covered(levels),
    }
}

/// Structure and digests, and that the manifest speaks of a run.
fn digests(inspection: &Inspection) -> Vec<Finding> {
    let mut findings = inspection.findings.clone();
    findings.extend(inspection.statement.as_ref().and_then(predicate));
    findings
}

fn predicate(statement: &Statement) -> Option<Finding> {
    let message = "the manifest does not speak of a run";
    if statement.predicate_type != RunPredicate::TYPE {
        let place = format!("{MANIFEST}#/predicateType");
        return Some(Finding::new(
            place,
            RunPredicate::TYPE,
            &statement.predicate_type,
            message,
        ));
    }
    let error = statement.predicate.to_typed::<RunPredicate>().err()?;
    Some(Finding::new(
        format!("{MANIFEST}#/predicate"),
        "what is known of a run",
        error.to_string(),
        message,
    ))
}

/// What only someone with the data can tell.
pub(crate) const NOT_MADE_AGAIN: &str =
    "whether the effects follow from the data (level V4, which takes the data)";

fn not_covered(levels: &[Level]) -> Vec<String> {
    let skipped = Level::ALL
        .into_iter()
        .filter(|level| !levels.contains(level));
    skipped
        .map(|level| {
            let how = match level {
                Level::V1 => {
                    " (that takes a trust policy; or compare the seal with one received elsewhere)"
                }
                Level::V2 => " (that takes a trust policy that names a ledger)",
                _ => "",
            };
            format!("level {level}, {}{how}", level.title())
        })
        .chain([NOT_MADE_AGAIN.to_owned()])
        .collect()
}

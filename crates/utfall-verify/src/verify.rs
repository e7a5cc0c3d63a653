//! All levels of verification that a bundle allows.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use utfall_evidence::{Finding, Inspection, MANIFEST, Statement, inspect};
use utfall_files::FileError;

use crate::verification::{LevelFinding, LevelResult, Outcome, Verification};
use crate::{RunPredicate, replay};

/// What a verification checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Level {
    /// Structure and digests: every byte is the one sealed.
    V0,
    /// Replay: the decision follows from the contract and the recorded effects.
    V3,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 2] = [Self::V0, Self::V3];

    fn title(self) -> &'static str {
        match self {
            Self::V0 => "structure and digests: every byte is the one sealed",
            Self::V3 => "replay: the decision follows from the contract and the recorded effects",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V0 => "V0",
            Self::V3 => "V3",
        })
    }
}

/// Verifies a bundle, a zip or the folder it was unpacked to, at the levels asked for.
///
/// A broken bundle is a result and no error: every deviation is a finding with its place.
///
/// # Errors
///
/// [`FileError`] if there is nothing at `path` or it cannot be read.
pub fn verify(path: &Path, levels: &[Level]) -> Result<Verification, FileError> {
    Ok(verification(&inspect(path)?, levels))
}

fn verification(inspection: &Inspection, levels: &[Level]) -> Verification {
    let mut results = Vec::new();
    let mut findings = Vec::new();
    for level in Level::ALL
        .into_iter()
        .filter(|level| levels.contains(level))
    {
        let of_level = match level {
            Level::V0 => Some(digests(inspection)),
            Level::V3 => inspection.files.as_ref().map(replay),
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

fn not_covered(levels: &[Level]) -> Vec<String> {
    let skipped = Level::ALL
        .into_iter()
        .filter(|level| !levels.contains(level));
    let always = [
        "who made the bundle (it carries no signature; compare the seal with one received elsewhere)",
        "when it was made (it is in no ledger)",
        "whether the effects follow from the data (that takes the data)",
    ];
    skipped
        .map(|level| format!("level {level}, {}", level.title()))
        .chain(always.map(str::to_owned))
        .collect()
}

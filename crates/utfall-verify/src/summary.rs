//! The result of a verification as a statement that a verifier signs.

use serde_json::json;
use utfall_evidence::json::{Json, JsonError};
use utfall_evidence::{Envelope, EnvelopeError, SecretKey, Statement, Subject, SubjectDigest};
use utfall_files::Digest;

use crate::{Outcome, Verification};

/// The type of a verification summary, SLSA.
const PREDICATE_TYPE: &str = "https://slsa.dev/verification_summary/v1";

/// Why a summary cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SummaryError {
    /// There is no manifest to speak of.
    #[error("a bundle without a manifest cannot be summed up")]
    NoManifest,
    /// The summary cannot be written.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The envelope cannot be written.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// A verification summary (<https://slsa.dev/spec/v1.1/verification_summary>) in a DSSE envelope,
/// signed by the verifier.
///
/// It speaks of the bundle's manifest and says which levels passed, under which policy, and when
/// by the verifier's clock (`time`, as in `2026-07-01T12:00:00Z`). `policy` is the SHA-256 of the
/// trust policy file.
///
/// # Errors
///
/// [`SummaryError`] if there is no manifest.
pub fn signed_summary(
    verification: &Verification,
    policy: Option<&Digest>,
    time: &str,
    key: &SecretKey,
) -> Result<Vec<u8>, SummaryError> {
    let seal = verification.seal.ok_or(SummaryError::NoManifest)?;
    let passed = verification.levels.iter();
    let passed = passed.filter(|one| one.outcome == Outcome::Passed);
    let levels: Vec<String> = passed.map(|one| format!("UTFALL_{}", one.level)).collect();
    let policy = policy.map(|digest| json!({ "digest": { "sha256": digest } }));
    let predicate = json!({
        "verifier": { "id": format!("urn:utfall:key:{}", key.public()) },
        "timeVerified": time,
        "resourceUri": format!("urn:utfall:bundle:{seal}"),
        "policy": policy.unwrap_or_else(|| json!({ "uri": "urn:utfall:policy:none" })),
        "verificationResult": if verification.accepted { "PASSED" } else { "FAILED" },
        "verifiedLevels": levels,
        "slsaVersion": "1.1",
    });
    let statement = Statement {
        subjects: vec![Subject {
            name: utfall_evidence::MANIFEST.to_owned(),
            digest: SubjectDigest { sha256: seal },
        }],
        predicate_type: PREDICATE_TYPE.to_owned(),
        predicate: Json::of(&predicate)?,
    };
    Ok(Envelope::sign(statement.to_bytes()?, key).to_bytes()?)
}

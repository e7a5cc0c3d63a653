//! The digest of a plan: over what it means, not how it is laid out.

use std::collections::BTreeMap;

use utfall_evidence::json::Json;
use utfall_files::Digest;

use crate::PlanError;

/// What the plan's files mean, by file.
pub(crate) fn meaning(texts: &BTreeMap<String, String>) -> Result<Json, PlanError> {
    let mut meanings = BTreeMap::new();
    for (name, text) in texts {
        // Read once before by the plan itself, which shows the line of a mistake.
        let meaning = utfall_verify::meaning(name, text).map_err(PlanError::digest)?;
        meanings.insert(name.clone(), meaning);
    }
    Ok(Json::Object(meanings))
}

/// SHA-256 over what the plan's files mean in canonical JSON, so that comments, spacing and the
/// order of keys do not count, and every value does.
pub(crate) fn of(meaning: &Json) -> Digest {
    Digest::sha256(&meaning.to_bytes())
}

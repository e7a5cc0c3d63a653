//! JSON documents in the workspace.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::RunError;

/// Writes a document, whole or not at all.
pub(crate) fn write(path: &Path, document: &impl Serialize) -> Result<(), RunError> {
    let mut bytes = serde_json::to_vec_pretty(document)
        .map_err(|error| RunError::internal("a document", error))?;
    bytes.push(b'\n');
    Ok(utfall_files::write_whole(path, &bytes)?)
}

/// Reads a document back.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, RunError> {
    let bytes = utfall_files::read_whole(path)?;
    serde_json::from_slice(&bytes).map_err(|_| RunError::Altered {
        path: path.to_owned(),
    })
}

/// The plan's word for a choice.
pub(crate) fn word(choice: &impl Serialize) -> String {
    match serde_json::to_value(choice) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

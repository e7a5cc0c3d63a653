//! JSON documents in the workspace.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use utfall_evidence::json::Json;

use crate::RunError;

/// Writes a document, whole or not at all.
pub(crate) fn write(path: &Path, document: &impl Serialize) -> Result<(), RunError> {
    let mut bytes = serde_json::to_vec_pretty(document)
        .map_err(|error| RunError::internal("a document", error))?;
    bytes.push(b'\n');
    Ok(utfall_files::write_whole(path, &bytes)?)
}

/// Reads a document back, floats to the last bit: another reader of JSON may miss it by one.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, RunError> {
    let bytes = utfall_files::read_whole(path)?;
    let document = Json::parse(&bytes).and_then(|json| json.to_typed());
    document.map_err(|_| RunError::Altered {
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

/// The plan's word for the kind of a choice that has parts.
pub(crate) fn kind(choice: &impl Serialize) -> String {
    let value = serde_json::to_value(choice).unwrap_or_default();
    match value.get("kind") {
        Some(serde_json::Value::String(kind)) => kind.clone(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("document.json");
        let numbers: Vec<f64> = vec![
            -14.949_067_032_419_945,
            0.1 + 0.2,
            1.0 / 3.0,
            5e-324,
            f64::MAX,
        ];
        write(&path, &numbers).unwrap();
        assert_eq!(read::<Vec<f64>>(&path).unwrap(), numbers);
    }
}

//! The digest of a plan: over what it means, not how it is laid out.

use std::collections::BTreeMap;

use utfall_evidence::json::Json;
use utfall_files::Digest;

use crate::PlanError;

/// SHA-256 over the plan's files as canonical JSON, so that comments, spacing and the order of
/// keys do not count, and every value does. Lists of codes, which are CSV, count as they stand.
pub(crate) fn of(texts: &BTreeMap<String, String>) -> Result<Digest, PlanError> {
    let mut meaning = serde_json::Map::new();
    for (name, text) in texts {
        let value = if name.ends_with(".csv") {
            text.as_str().into()
        } else {
            json(crate::toml_text::parse(name, text)?)
        };
        meaning.insert(name.clone(), value);
    }
    let canonical = Json::of(&meaning).map_err(PlanError::digest)?;
    Ok(Digest::sha256(&canonical.to_bytes()))
}

fn json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => serde_json::Value::Object(
            table
                .into_iter()
                .map(|(key, value)| (key, json(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        of(&BTreeMap::from([("plan.toml".to_owned(), text.to_owned())])).unwrap()
    }

    #[test]
    fn comments_and_layout_do_not_count_and_values_do() {
        let plain = digest("seed = 1\n[a]\nb = 2\n");
        assert_eq!(
            plain,
            digest("# a comment\nseed   = 1\n\n[a]\nb = 2 # here\n")
        );
        assert_ne!(plain, digest("seed = 2\n[a]\nb = 2\n"));
    }
}

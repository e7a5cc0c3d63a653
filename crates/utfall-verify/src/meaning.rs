//! What a plan's files mean, which is what is digested, locked and compared.

use utfall_evidence::json::Json;

/// A file of a plan as JSON: comments, spacing and the order of keys do not count, and every
/// value does. Lists of codes, which are CSV, count as they stand.
///
/// # Errors
///
/// [`toml::de::Error`] if it is no TOML.
pub fn meaning(file: &str, text: &str) -> Result<Json, toml::de::Error> {
    if file.ends_with(".csv") {
        return Ok(Json::Text(text.to_owned()));
    }
    Ok(json(toml::Value::Table(text.parse()?)))
}

fn json(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => Json::Text(text),
        toml::Value::Integer(number) => Json::Number(number.to_string()),
        // Written the one way JSON writes it; what JSON cannot write has a text of its own.
        toml::Value::Float(number) if number.is_finite() => Json::of(&number).unwrap_or(Json::Null),
        toml::Value::Float(number) => Json::Text(number.to_string()),
        toml::Value::Boolean(flag) => Json::Flag(flag),
        toml::Value::Datetime(date) => Json::Text(date.to_string()),
        toml::Value::Array(values) => Json::List(values.into_iter().map(json).collect()),
        toml::Value::Table(table) => Json::Object(
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

    #[test]
    fn comments_and_layout_do_not_count_and_values_do() {
        let of = |text: &str| meaning("plan.toml", text).unwrap();
        let plain = of("seed = 1\n[a]\nb = 0.25\n");
        assert_eq!(
            plain,
            of("# a comment\nseed   = 1\n\n[a]\nb = 2.5e-1 # here\n")
        );
        assert_eq!(plain.to_text(), r#"{"a":{"b":0.25},"seed":1}"#);
        assert_ne!(plain, of("seed = 2\n[a]\nb = 0.25\n"));
        assert!(meaning("plan.toml", "a =").is_err());
        assert_eq!(meaning("a.csv", "x,y").unwrap().to_text(), r#""x,y""#);
    }
}

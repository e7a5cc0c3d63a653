//! Between typed documents and canonical JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Json, JsonError, number};

/// Reads a typed document from its canonical form.
///
/// Floats are read to the nearest double, so a document reads back exactly as it was written.
///
/// # Errors
///
/// As [`Json::parse_canonical`], and [`JsonError::Shape`] if a key is missing, unknown or of
/// another type.
pub fn read_document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    Json::parse_canonical(bytes)?.to_typed()
}

/// Writes a typed document in its canonical form, having checked that it reads back the same.
///
/// # Errors
///
/// [`JsonError::NotCarried`] if it does not, as with NaN; [`JsonError::Shape`] if it is no JSON,
/// as with a map whose keys are no text.
pub fn write_document<T: Serialize + DeserializeOwned + PartialEq>(
    document: &T,
) -> Result<Vec<u8>, JsonError> {
    let json = Json::of(document)?;
    let back: T = json.to_typed().map_err(|_| JsonError::NotCarried)?;
    if back == *document {
        Ok(json.to_bytes())
    } else {
        Err(JsonError::NotCarried)
    }
}

impl Json {
    /// The JSON of a typed value.
    ///
    /// A float that is not finite becomes `null`, as JSON has no word for it;
    /// [`write_document`] notices.
    ///
    /// # Errors
    ///
    /// [`JsonError::Shape`] if the value is no JSON.
    pub fn of(value: &impl Serialize) -> Result<Self, JsonError> {
        serde_json::to_value(value).map(from_value).map_err(shape)
    }

    /// The typed value of this JSON.
    ///
    /// # Errors
    ///
    /// [`JsonError::Shape`] if a key is missing, unknown or of another type.
    pub fn to_typed<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_value(to_value(self)?).map_err(shape)
    }
}

fn from_value(value: serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(flag) => Json::Flag(flag),
        serde_json::Value::Number(held) => Json::Number(match held.as_f64() {
            Some(float) if held.is_f64() => number::text(float),
            _ => held.to_string(),
        }),
        serde_json::Value::String(text) => Json::Text(text),
        serde_json::Value::Array(items) => Json::List(items.into_iter().map(from_value).collect()),
        serde_json::Value::Object(members) => Json::Object(
            members
                .into_iter()
                .map(|(key, value)| (key, from_value(value)))
                .collect(),
        ),
    }
}

fn to_value(json: &Json) -> Result<serde_json::Value, JsonError> {
    Ok(match json {
        Json::Null => serde_json::Value::Null,
        Json::Flag(flag) => (*flag).into(),
        Json::Number(text) => serde_json::Value::Number(to_number(text)?),
        Json::Text(text) => text.as_str().into(),
        Json::List(items) => items.iter().map(to_value).collect::<Result<_, _>>()?,
        Json::Object(members) => members
            .iter()
            .map(|(key, value)| Ok((key.clone(), to_value(value)?)))
            .collect::<Result<serde_json::Map<_, _>, JsonError>>()?
            .into(),
    })
}

/// Whole numbers stay whole; the standard library reads the rest to the nearest double.
fn to_number(text: &str) -> Result<serde_json::Number, JsonError> {
    if let Ok(whole) = text.parse::<u64>() {
        return Ok(whole.into());
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(whole.into());
    }
    let float = text.parse().ok().and_then(serde_json::Number::from_f64);
    float.ok_or_else(|| JsonError::Shape {
        reason: format!("the number {text} is beyond any double"),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the form `map_err` asks for")]
fn shape(error: serde_json::Error) -> JsonError {
    JsonError::Shape {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Document {
        n_treated: u64,
        point: f64,
        note: Option<f64>,
    }

    const DOCUMENT: Document = Document {
        n_treated: u64::MAX,
        point: -0.1,
        note: None,
    };

    #[test]
    fn a_document_reads_back_as_it_was_written() {
        let bytes = write_document(&DOCUMENT).unwrap();
        assert_eq!(
            bytes,
            br#"{"n-treated":18446744073709551615,"note":null,"point":-0.1}"#
        );
        assert_eq!(read_document::<Document>(&bytes).unwrap(), DOCUMENT);
    }

    #[test]
    fn a_float_that_is_not_finite_is_not_written() {
        let missing = Document {
            point: f64::NAN,
            ..DOCUMENT
        };
        assert_eq!(write_document(&missing), Err(JsonError::NotCarried));
        let hidden = Document {
            note: Some(f64::INFINITY),
            ..DOCUMENT
        };
        assert_eq!(write_document(&hidden), Err(JsonError::NotCarried));
    }

    #[test]
    fn an_unknown_or_missing_key_is_named() {
        let unknown =
            read_document::<Document>(br#"{"colour":1,"n-treated":1,"note":null,"point":1}"#)
                .unwrap_err();
        assert!(unknown.to_string().contains("`colour`"), "{unknown}");
        let missing = read_document::<Document>(br#"{"n-treated":1,"note":null}"#).unwrap_err();
        assert!(missing.to_string().contains("`point`"), "{missing}");
    }
}

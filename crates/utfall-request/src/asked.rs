//! Whatever a request asks for: a comparison, a model, or a calculation.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::calculation::Calculation;
use crate::files::{Cells, Files};
use crate::model::Model;
use crate::request::Request as Comparison;
use crate::{Answer, RequestError};

/// A request: what to compute, and from which file.
///
/// Which kind it is follows from the part that only that kind has.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Matching, weighting, balance and an effect.
    Comparison(Box<Comparison>),
    /// One model on a file, such as `[trial]` or `[regression]`.
    Model(Box<Model>),
    /// Numbers from numbers, without a file.
    Calculation(Box<Calculation>),
}

/// What rows are called that stand in no file.
const ROWS: &str = "rows";

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Comparison,
    Model,
    Calculation,
}

impl Kind {
    fn of<'a>(keys: impl Iterator<Item = &'a String>) -> Self {
        let of = |key: &String| match key.as_str() {
            key if Model::PARTS.contains(&key) => Some(Self::Model),
            "e-values" | "p-values" | "power" | "cluster-power" | "design" | "published" => {
                Some(Self::Calculation)
            }
            _ => None,
        };
        keys.filter_map(of).next().unwrap_or(Self::Comparison)
    }
}

impl Request {
    /// Reads a request from a file: JSON if its name ends in `.json`, else TOML.
    ///
    /// # Errors
    ///
    /// [`RequestError::Unreadable`], [`RequestError::Malformed`] with line and column, or
    /// [`RequestError::Contradiction`].
    pub fn read(file: &Path) -> Result<Self, RequestError> {
        let unreadable = |source| RequestError::Unreadable {
            file: file.to_owned(),
            source,
        };
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        let name = file.to_string_lossy();
        if file.extension().is_some_and(|ending| ending == "json") {
            Self::from_json(&name, &text)
        } else {
            Self::from_toml(&name, &text)
        }
    }

    /// Reads a request from TOML; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`] with line and column, or [`RequestError::Contradiction`].
    pub fn from_toml(name: &str, text: &str) -> Result<Self, RequestError> {
        // What is no TOML is read once more as a comparison, for a message with its place.
        let keys = toml::from_str::<toml::Table>(text).unwrap_or_default();
        match Kind::of(keys.keys()) {
            Kind::Comparison => Comparison::from_toml(name, text).map(Self::comparison),
            Kind::Model => Self::model(toml_part(name, text)?),
            Kind::Calculation => Self::calculation(toml_part(name, text)?),
        }
    }

    /// Reads a request from JSON; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`] with line and column, or [`RequestError::Contradiction`].
    pub fn from_json(name: &str, text: &str) -> Result<Self, RequestError> {
        let keys = serde_json::from_str::<serde_json::Map<_, _>>(text).unwrap_or_default();
        let part = |error| malformed(name, &error);
        match Kind::of(keys.keys()) {
            Kind::Comparison => Comparison::from_json(name, text).map(Self::comparison),
            Kind::Model => Self::model(serde_json::from_str(text).map_err(part)?),
            Kind::Calculation => Self::calculation(serde_json::from_str(text).map_err(part)?),
        }
    }

    /// Reads a request from a value that was read before, so that messages have no line.
    pub(crate) fn from_value(name: &str, value: serde_json::Value) -> Result<Self, RequestError> {
        let kind = value.as_object().map(|map| Kind::of(map.keys()));
        let part = |error| malformed(name, &error);
        match kind.unwrap_or(Kind::Comparison) {
            Kind::Comparison => Comparison::from_value(name, value).map(Self::comparison),
            Kind::Model => Self::model(serde_json::from_value(value).map_err(part)?),
            Kind::Calculation => Self::calculation(serde_json::from_value(value).map_err(part)?),
        }
    }

    /// Whether a key of a request is a model.
    #[must_use]
    pub fn is_model(key: &str) -> bool {
        Model::PARTS.contains(&key)
    }

    /// A model on rows that are handed over and stand in no file: a request without `schema` and
    /// `data`. It is answered by [`estimate_rows`].
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`], or [`RequestError::Contradiction`] if it names data, is no model,
    /// or of several models.
    pub fn on_rows(
        mut parts: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, RequestError> {
        let refused = |what: &str, remedy| RequestError::Contradiction {
            what: what.to_owned(),
            remedy,
        };
        for (key, value) in [("schema", "utfall-request/1"), ("data", ROWS)] {
            if parts.insert(key.to_owned(), value.into()).is_some() {
                return Err(refused(
                    "`schema` or `data`",
                    "leave them out: the rows are handed over",
                ));
            }
        }
        match Self::from_value("request", parts.into())? {
            model @ Self::Model(_) => Ok(model),
            _ => Err(refused(
                "a request without a model",
                "give it one, such as `[staggered]` or `[survival]`",
            )),
        }
    }

    fn comparison(comparison: Comparison) -> Self {
        Self::Comparison(Box::new(comparison))
    }

    fn model(model: Model) -> Result<Self, RequestError> {
        Ok(Self::Model(Box::new(model.consistent()?)))
    }

    fn calculation(calculation: Calculation) -> Result<Self, RequestError> {
        Ok(Self::Calculation(Box::new(calculation)))
    }
}

/// Answers a request whose data file is a CSV file.
///
/// `base_folder` is where the request's data file is sought from: the folder of the request. The
/// answer depends on nothing but the request and the data, whatever the number of threads.
///
/// # Errors
///
/// [`RequestError`] says which file, line and column, or which step, and what to change.
pub fn estimate(request: &Request, base_folder: &Path) -> Result<Answer, RequestError> {
    estimate_from(request, &Files::in_folder(base_folder))
}

/// As [`estimate`], with files read as [`Files`] say.
///
/// # Errors
///
/// Those of [`estimate`], and those of the reader of files.
pub fn estimate_from(request: &Request, files: &Files<'_>) -> Result<Answer, RequestError> {
    match request {
        Request::Comparison(comparison) => crate::estimate::estimate(comparison, files),
        Request::Model(model) => model.answer(files),
        Request::Calculation(calculation) => calculation.answer(),
    }
}

/// Answers a request of [`Request::on_rows`] on its rows; other data that it names are not found.
///
/// # Errors
///
/// Those of [`estimate`].
pub fn estimate_rows(request: &Request, rows: Cells) -> Result<Answer, RequestError> {
    let read = move |file: &Path| {
        if file == Path::new(ROWS) {
            return Ok(rows.clone());
        }
        Err(RequestError::Unreadable {
            file: file.to_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })
    };
    estimate_from(request, &Files::read_by(Path::new(""), &read))
}

fn malformed(name: &str, error: &serde_json::Error) -> RequestError {
    RequestError::Malformed {
        name: name.to_owned(),
        message: error.to_string(),
    }
}

fn toml_part<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, RequestError> {
    toml::from_str(text).map_err(|error| RequestError::Malformed {
        name: name.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_rows(text: &str) -> Result<Request, RequestError> {
        Request::on_rows(serde_json::from_str(text).unwrap())
    }

    const RANKS: &str = r#""survival": {"time": "days", "event": "event", "group": "arm", "interval": "plain",
        "restricted-means": [10.0], "compare": {"treated": "t", "comparator": "c"}, "confidence-level": 0.95}"#;

    #[test]
    fn a_model_on_rows_answers_as_on_a_file() {
        let request = on_rows(&format!("{{{RANKS}}}")).unwrap();
        let header = ["days", "event", "arm"].map(str::to_owned).to_vec();
        let rows = [
            ("4", "1", "t"),
            ("10", "0", "t"),
            ("2", "1", "c"),
            ("8", "1", "c"),
        ]
        .map(|(days, event, arm)| vec![days.to_owned(), event.to_owned(), arm.to_owned()]);
        let answer = estimate_rows(&request, Cells::of(header, rows)).unwrap();
        assert_eq!(
            answer.numbers.get("restricted_mean_difference.10"),
            Some(2.0)
        );
        let kept: std::collections::BTreeMap<String, f64> = answer.numbers.flat().collect();
        let again =
            crate::Numbers::of_flat(kept.iter().map(|(name, value)| (name.as_str(), *value)));
        assert_eq!(
            again.flat().collect::<std::collections::BTreeMap<_, _>>(),
            kept
        );
    }

    #[test]
    fn a_model_on_rows_names_no_data_and_is_one_model() {
        assert!(on_rows("{}").is_err());
        assert!(on_rows(&format!(r#"{{"data": "x.csv", {RANKS}}}"#)).is_err());
        assert!(on_rows(&format!(r#"{{"unknown": 1, {RANKS}}}"#)).is_err());
    }
}

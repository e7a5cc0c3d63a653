//! Data contracts from and to other formats: Frictionless and ODCS.
//!
//! Both directions are translations between documents. What the other side has no word for is
//! said in [`Translated::lost`], each with its place, and never dropped in silence.

mod frictionless;
mod odcs;

use serde_json::{Map, Value, json};

use crate::contract::{ContractFault, DataContract};

/// A format of data contracts other than ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeFormat {
    /// A tabular resource of a Data Package with its Table Schema, as JSON.
    Frictionless,
    /// The Open Data Contract Standard, version 3, as YAML.
    Odcs,
}

/// A translated contract, and what was lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated<T> {
    /// The contract.
    pub contract: T,
    /// What the other format has no word for, or leaves open: one sentence each, with its place.
    pub lost: Vec<String>,
}

/// Why a document cannot be translated.
///
/// Every message reads on from "cannot import the contract:".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// It is no JSON or YAML.
    #[error("it is no {format}: {found}")]
    Syntax {
        /// JSON or YAML.
        format: &'static str,
        /// What is wrong.
        found: String,
    },
    /// Something that every such document has is not there.
    #[error("{0}")]
    Shape(String),
    /// What it says is no sound contract.
    #[error("what it says is no sound data contract: {0}")]
    Contract(String),
}

impl From<ContractFault> for ExchangeError {
    fn from(fault: ContractFault) -> Self {
        Self::Contract(fault.to_string())
    }
}

/// Reads a contract from a document of another format.
///
/// # Errors
///
/// [`ExchangeError`] if it is no such document, or not one of a single table with columns.
pub fn import_contract(
    format: ExchangeFormat,
    text: &str,
) -> Result<Translated<DataContract>, ExchangeError> {
    let mut lost = Vec::new();
    let document = match format {
        ExchangeFormat::Frictionless => frictionless::import(&read_json(text)?, &mut lost)?,
        ExchangeFormat::Odcs => odcs::import(&read_yaml(text)?, &mut lost)?,
    };
    let contract = serde_json::from_value(document)
        .map_err(|error| ExchangeError::Contract(error.to_string()))?;
    Ok(Translated { contract, lost })
}

/// Writes a contract as a document of another format.
#[must_use]
pub fn export_contract(format: ExchangeFormat, contract: &DataContract) -> Translated<String> {
    let document = serde_json::to_value(contract).expect("a contract has a JSON form");
    let mut lost = Vec::new();
    let contract = match format {
        ExchangeFormat::Frictionless => {
            let document = frictionless::export(&document, &mut lost);
            serde_json::to_string_pretty(&document).expect("JSON has a text") + "\n"
        }
        ExchangeFormat::Odcs => {
            let document = odcs::export(&document, &mut lost);
            serde_saphyr::to_string(&document).expect("JSON values have a YAML form")
        }
    };
    Translated { contract, lost }
}

fn read_json(text: &str) -> Result<Value, ExchangeError> {
    serde_json::from_str(text).map_err(|error| ExchangeError::Syntax {
        format: "JSON",
        found: error.to_string(),
    })
}

/// JSON is YAML too.
fn read_yaml(text: &str) -> Result<Value, ExchangeError> {
    serde_saphyr::from_str(text).map_err(|error| ExchangeError::Syntax {
        format: "YAML",
        found: error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    })
}

/// A member of an object as text.
fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// The entries of a list, or none.
fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// One text or several.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(texts)) => texts
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// A text, number or truth value as a contract writes it.
fn canonical(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Says which members of an object were not understood.
fn unknown(value: &Value, known: &[&str], place: &str, lost: &mut Vec<String>) {
    for name in value.as_object().into_iter().flat_map(Map::keys) {
        if !known.contains(&name.as_str()) {
            lost.push(format!("{place}: `{name}` has no counterpart"));
        }
    }
}

/// A name that a contract may have.
fn contract_name(text: &str) -> String {
    let allowed = |c: char| {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let name: String = text.chars().map(allowed).collect();
    match name.trim_matches('-') {
        "" => "extract".to_owned(),
        name => name.to_owned(),
    }
}

/// The header of a column by its name in the table.
fn header<'d>(document: &'d Value, name: &'d str) -> &'d str {
    let mut columns = list(document, "column").iter();
    let column = columns.find(|column| text(column, "as").or(text(column, "name")) == Some(name));
    column
        .and_then(|column| text(column, "name"))
        .unwrap_or(name)
}

/// Tells of the parts of a contract that neither format has a word for.
fn lose_common(document: &Value, lost: &mut Vec<String>) {
    for judgement in list(document, "judgement") {
        lost.push(format!(
            "the severity and tolerance of `{}` have no counterpart",
            text(judgement, "rule").unwrap_or_default()
        ));
    }
    if document.get("reporting").is_some() {
        lost.push("the reporting lag has no counterpart".to_owned());
    }
    for column in list(document, "column") {
        let name = text(column, "name").unwrap_or_default();
        if let Some(stored) = text(column, "as") {
            lost.push(format!(
                "column `{name}`: its name `{stored}` in the table has no counterpart"
            ));
        }
        if column.get("outcome").is_some() {
            lost.push(format!(
                "column `{name}`: that it holds an outcome has no counterpart"
            ));
        }
        let dated = |code: &Value| code.get("from").is_some() || code.get("until").is_some();
        if list(column, "code").iter().any(dated) {
            lost.push(format!(
                "column `{name}`: the days on which codes are valid have no counterpart"
            ));
        }
    }
}

/// What a rule is called in a warning.
fn rule_words(rule: &Value) -> String {
    match text(rule, "id") {
        Some(id) => format!("rule `{id}`"),
        None => format!(
            "a rule of kind `{}`",
            text(rule, "kind").unwrap_or_default()
        ),
    }
}

/// Codes of a column with their labels.
fn codes(column: &Value) -> Vec<(String, Option<String>)> {
    let mut codes: Vec<(String, Option<String>)> = texts(column.get("codes"))
        .into_iter()
        .map(|code| (code, None))
        .collect();
    for code in list(column, "code") {
        let label = text(code, "label").map(str::to_owned);
        let code = text(code, "code").unwrap_or_default().to_owned();
        if codes.iter().all(|(other, _)| *other != code) {
            codes.push((code, label));
        }
    }
    codes
}

/// Sets members that have a value.
fn set(object: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.into());
    }
}

/// A dialect of the usual marks.
fn plain_dialect() -> Value {
    json!({
        "delimiter": ",", "quote": "\"", "encoding": "utf-8", "decimal": ".", "date": "%Y-%m-%d",
    })
}

#[cfg(test)]
mod tests;

//! The Open Data Contract Standard, version 3,
//! <https://bitol-io.github.io/open-data-contract-standard/latest/>.

use serde_json::{Map, Value, json};

use super::{
    ExchangeError, canonical, codes, contract_name, header, list, lose_common, plain_dialect,
    rule_words, set, text, texts, unknown,
};

/// Decimals kept of a number, which the standard does not state.
const DECIMALS: u8 = 6;

/// A contract from a document of one object.
pub(super) fn import(document: &Value, lost: &mut Vec<String>) -> Result<Value, ExchangeError> {
    let object = match list(document, "schema") {
        [object] => object,
        objects => {
            return Err(ExchangeError::Shape(format!(
                "{} objects in `schema`, expected one: give each table alone",
                objects.len()
            )));
        }
    };
    let properties = list(object, "properties");
    if properties.is_empty() {
        return Err(ExchangeError::Shape(
            "the object has no `properties`".to_owned(),
        ));
    }
    unknown(
        document,
        &[
            "apiVersion",
            "kind",
            "id",
            "name",
            "version",
            "status",
            "description",
            "schema",
        ],
        "document",
        lost,
    );
    unknown(
        object,
        &[
            "id",
            "name",
            "businessName",
            "description",
            "logicalType",
            "physicalType",
            "physicalName",
            "properties",
            "quality",
        ],
        "object",
        lost,
    );
    let name = text(object, "name")
        .or(text(document, "name"))
        .unwrap_or("extract");
    let mut contract = json!({
        "schema": "utfall-data-contract/1",
        "name": contract_name(name),
        "title": text(object, "businessName").or(text(document, "name")).unwrap_or(name),
        "format": "csv",
        "dialect": plain_dialect(),
        "column": properties.iter().map(|property| column(property, lost)).collect::<Vec<_>>(),
    });
    lost.push("how files are written is not stated: a comma-separated file in utf-8 was taken; correct `format` and `dialect`".to_owned());
    let key = key(properties, lost);
    let rules = rules(object, properties, lost);
    let members = contract
        .as_object_mut()
        .expect("it was written as an object");
    members.insert("key".to_owned(), key.into());
    set(members, "description", text(object, "description"));
    if !rules.is_empty() {
        members.insert("rule".to_owned(), rules.into());
    }
    Ok(contract)
}

fn key(properties: &[Value], lost: &mut Vec<String>) -> Vec<String> {
    let is_key = |property: &&Value| property.get("primaryKey") == Some(&Value::Bool(true));
    let position = |property: &&Value| {
        property
            .get("primaryKeyPosition")
            .and_then(Value::as_i64)
            .unwrap_or(i64::MAX)
    };
    let name = |property: &Value| text(property, "name").unwrap_or_default().to_owned();
    let mut key: Vec<&Value> = properties.iter().filter(is_key).collect();
    key.sort_by_key(position);
    if key.is_empty() {
        lost.push("no primary key is stated, all properties were taken; correct `key`".to_owned());
        return properties.iter().map(name).collect();
    }
    key.into_iter().map(name).collect()
}

fn column(property: &Value, lost: &mut Vec<String>) -> Value {
    let name = text(property, "name").unwrap_or_default();
    let place = format!("property `{name}`");
    unknown(
        property,
        &[
            "id",
            "name",
            "businessName",
            "description",
            "logicalType",
            "logicalTypeOptions",
            "physicalType",
            "physicalName",
            "required",
            "unique",
            "primaryKey",
            "primaryKeyPosition",
            "quality",
            "examples",
        ],
        &place,
        lost,
    );
    let options = property.get("logicalTypeOptions").unwrap_or(&Value::Null);
    unknown(
        options,
        &[
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "pattern",
            "format",
        ],
        &place,
        lost,
    );
    let valid = list(property, "quality").iter().find_map(valid_values);
    let mut column = Map::new();
    column.insert("name".to_owned(), name.into());
    set(&mut column, "title", text(property, "businessName"));
    set(&mut column, "description", text(property, "description"));
    let kind = match (text(property, "logicalType"), valid) {
        (Some("string") | None, Some(codes)) => {
            column.insert("codes".to_owned(), codes.into());
            "code"
        }
        (Some("string") | None, None) => "text",
        (Some("integer"), _) => "integer",
        (Some("boolean"), _) => "boolean",
        (Some("date"), _) => "date",
        (Some("timestamp"), _) => {
            column.insert("datetime".to_owned(), "%Y-%m-%dT%H:%M:%S".into());
            lost.push(format!(
                "{place}: moments were taken for `%Y-%m-%dT%H:%M:%S`, without a time zone"
            ));
            "datetime"
        }
        (Some("number"), _) => {
            column.insert("decimals".to_owned(), DECIMALS.into());
            lost.push(format!("{place}: how many decimals a number has is not stated, {DECIMALS} were taken; correct `decimals`"));
            "decimal"
        }
        (Some(other), _) => {
            lost.push(format!("{place}: the type `{other}` was taken for text"));
            "text"
        }
    };
    column.insert("type".to_owned(), kind.into());
    for flag in ["required", "unique"] {
        if property.get(flag) == Some(&Value::Bool(true)) {
            column.insert(flag.to_owned(), true.into());
        }
    }
    let ranged = matches!(kind, "integer" | "decimal" | "date" | "datetime");
    for (ours, theirs, fits) in [
        ("minimum", "minimum", ranged),
        ("maximum", "maximum", ranged),
        ("min-length", "minLength", kind == "text"),
        ("max-length", "maxLength", kind == "text"),
        ("pattern", "pattern", kind == "text"),
    ] {
        let Some(value) = options.get(theirs) else {
            continue;
        };
        if !fits {
            lost.push(format!("{place}: `{theirs}` has no meaning for {kind}"));
        } else if ranged {
            set(&mut column, ours, canonical(value));
        } else {
            column.insert(ours.to_owned(), value.clone());
        }
    }
    if let Some(format) = text(options, "format") {
        lost.push(format!("{place}: the format `{format}` is not read; state how the file is written in the dialect"));
    }
    for check in list(property, "quality")
        .iter()
        .filter(|check| valid_values(check).is_none())
    {
        lost.push(format!(
            "{place}: the quality check `{}` has no counterpart",
            check_words(check)
        ));
    }
    column.into()
}

/// The values that a check of invalid values allows.
fn valid_values(check: &Value) -> Option<Vec<String>> {
    let is_one =
        text(check, "metric") == Some("invalidValues") && check.get("mustBe") == Some(&json!(0));
    let values = check.pointer("/arguments/validValues").filter(|_| is_one)?;
    values.as_array()?.iter().map(canonical).collect()
}

fn check_words(check: &Value) -> &str {
    text(check, "name")
        .or(text(check, "metric"))
        .or(text(check, "type"))
        .unwrap_or("unnamed")
}

fn rules(object: &Value, properties: &[Value], lost: &mut Vec<String>) -> Vec<Value> {
    let mut rules = Vec::new();
    for check in list(object, "quality") {
        let columns = texts(check.pointer("/arguments/properties"));
        let zero = check.get("mustBe") == Some(&json!(0));
        let rule = match text(check, "metric") {
            Some("rowCount") => row_count(check),
            Some("duplicateValues") if zero && !columns.is_empty() => {
                Some(json!({ "kind": "unique", "columns": columns }))
            }
            _ => None,
        };
        let Some(mut rule) = rule else {
            lost.push(format!(
                "object: the quality check `{}` has no counterpart",
                check_words(check)
            ));
            continue;
        };
        let members = rule.as_object_mut().expect("it was written as an object");
        set(members, "id", text(check, "id").or(text(check, "name")));
        set(members, "name", text(check, "description"));
        let severity =
            text(check, "severity").filter(|severity| ["error", "warning"].contains(severity));
        set(members, "severity", severity);
        rules.push(rule);
    }
    debug_assert!(
        !properties.is_empty(),
        "an object without properties was refused"
    );
    rules
}

fn row_count(check: &Value) -> Option<Value> {
    let number = |name: &str| check.get(name).and_then(Value::as_u64);
    let (mut minimum, mut maximum) = (
        number("mustBeGreaterOrEqualTo").or(number("mustBeGreaterThan").map(|n| n + 1)),
        number("mustBeLessOrEqualTo").or(number("mustBeLessThan").and_then(|n| n.checked_sub(1))),
    );
    if let [low, high] = list(check, "mustBeBetween") {
        (minimum, maximum) = (low.as_u64(), high.as_u64());
    }
    if let Some(exact) = number("mustBe") {
        (minimum, maximum) = (Some(exact), Some(exact));
    }
    let mut rule = Map::new();
    rule.insert("kind".to_owned(), "row-count".into());
    set(&mut rule, "minimum", minimum);
    set(&mut rule, "maximum", maximum);
    (minimum.is_some() || maximum.is_some()).then(|| rule.into())
}

/// A document from a contract.
pub(super) fn export(document: &Value, lost: &mut Vec<String>) -> Value {
    lose_common(document, lost);
    let name = text(document, "name").unwrap_or_default();
    lost.push("how files are written (format and dialect) has no counterpart".to_owned());
    for missing in list(document, "missing") {
        lost.push(format!(
            "the missing code `{}` has no counterpart",
            text(missing, "code").unwrap_or_default()
        ));
    }
    let key = texts(document.get("key"));
    let properties: Vec<Value> = list(document, "column")
        .iter()
        .map(|column| property(column, &key, lost))
        .collect();
    let mut quality = Vec::new();
    for rule in list(document, "rule") {
        let mut check = match text(rule, "kind") {
            Some("row-count") if rule.get("change").is_none() => {
                let mut check = json!({ "type": "library", "metric": "rowCount" });
                for (ours, theirs) in [
                    ("minimum", "mustBeGreaterOrEqualTo"),
                    ("maximum", "mustBeLessOrEqualTo"),
                ] {
                    if let Some(value) = rule.get(ours) {
                        check[theirs] = value.clone();
                    }
                }
                check
            }
            Some("unique") => {
                let columns: Vec<String> = texts(rule.get("columns"))
                    .iter()
                    .map(|column| header(document, column).to_owned())
                    .collect();
                json!({ "type": "library", "metric": "duplicateValues", "mustBe": 0, "unit": "rows", "arguments": { "properties": columns } })
            }
            _ => {
                lost.push(format!("{} has no counterpart", rule_words(rule)));
                continue;
            }
        };
        let members = check.as_object_mut().expect("it was written as an object");
        set(members, "name", text(rule, "id"));
        set(members, "description", text(rule, "name"));
        set(members, "severity", text(rule, "severity"));
        if rule.get("tolerance").is_some() {
            lost.push(format!(
                "{}: its tolerance has no counterpart",
                rule_words(rule)
            ));
        }
        quality.push(check);
    }
    let mut object = json!({
        "name": name,
        "businessName": text(document, "title"),
        "logicalType": "object",
        "physicalType": "table",
        "properties": properties,
    });
    let members = object.as_object_mut().expect("it was written as an object");
    set(members, "description", text(document, "description"));
    if !quality.is_empty() {
        members.insert("quality".to_owned(), quality.into());
    }
    json!({
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "name": text(document, "title"),
        "version": "1.0.0",
        "status": "active",
        "schema": [object],
    })
}

fn property(column: &Value, key: &[String], lost: &mut Vec<String>) -> Value {
    let name = text(column, "name").unwrap_or_default();
    let kind = text(column, "type").unwrap_or_default();
    let mut property = Map::new();
    property.insert("name".to_owned(), name.into());
    set(&mut property, "businessName", text(column, "title"));
    set(&mut property, "description", text(column, "description"));
    let logical = match kind {
        "text" | "code" => "string",
        "decimal" => "number",
        "year" => "integer",
        "datetime" => "timestamp",
        kind => kind,
    };
    property.insert("logicalType".to_owned(), logical.into());
    for flag in ["required", "unique"] {
        set(&mut property, flag, column.get(flag).cloned());
    }
    let stored = text(column, "as").unwrap_or(name);
    if let Some(position) = key.iter().position(|column| column == stored) {
        property.insert("primaryKey".to_owned(), true.into());
        property.insert("primaryKeyPosition".to_owned(), (position + 1).into());
    }
    let mut options = Map::new();
    for (ours, theirs) in [
        ("minimum", "minimum"),
        ("maximum", "maximum"),
        ("min-length", "minLength"),
        ("max-length", "maxLength"),
        ("pattern", "pattern"),
    ] {
        let value = column.get(ours).cloned();
        let is_whole = matches!(kind, "integer" | "year");
        let value = match value {
            Some(Value::String(text)) if is_whole => text.parse::<i64>().ok().map(Value::from),
            Some(Value::String(text)) if kind == "decimal" => text
                .parse()
                .ok()
                .map(Value::Number)
                .or(Some(Value::String(text))),
            value => value,
        };
        set(&mut options, theirs, value);
    }
    if !options.is_empty() {
        property.insert("logicalTypeOptions".to_owned(), options.into());
    }
    if kind == "code" {
        let codes: Vec<String> = codes(column).into_iter().map(|(code, _)| code).collect();
        property.insert(
            "quality".to_owned(),
            json!([{ "type": "library", "metric": "invalidValues", "mustBe": 0, "arguments": { "validValues": codes } }]),
        );
        if list(column, "code")
            .iter()
            .any(|code| code.get("label").is_some())
        {
            lost.push(format!(
                "column `{name}`: labels of codes have no counterpart"
            ));
        }
    }
    for (member, what) in [
        ("decimals", "its number of decimals"),
        ("unit", "its unit"),
        ("date", "how its dates are written"),
        ("datetime", "how its moments are written"),
        ("true", "how yes is written"),
        ("false", "how no is written"),
    ] {
        if column.get(member).is_some() {
            lost.push(format!("column `{name}`: {what} has no counterpart"));
        }
    }
    if kind == "year" {
        lost.push(format!(
            "column `{name}`: that it is a year has no counterpart"
        ));
    }
    property.into()
}

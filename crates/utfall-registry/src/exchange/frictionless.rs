//! A tabular resource of a Data Package and its Table Schema,
//! <https://datapackage.org/standard/table-schema/>.

use serde_json::{Map, Value, json};

use super::{
    ExchangeError, canonical, codes, contract_name, header, list, lose_common, plain_dialect,
    rule_words, set, text, texts, unknown,
};

/// Decimals kept of a number, which a Table Schema does not state.
const DECIMALS: u8 = 6;

/// A contract from a resource, a package of one resource, or a bare schema.
pub(super) fn import(document: &Value, lost: &mut Vec<String>) -> Result<Value, ExchangeError> {
    let resource = match list(document, "resources") {
        [] => document,
        [resource] => resource,
        several => {
            let names: Vec<&str> = several
                .iter()
                .filter_map(|resource| text(resource, "name"))
                .collect();
            return Err(ExchangeError::Shape(format!(
                "a package of {} resources ({}), expected one resource: give each alone",
                several.len(),
                names.join(", ")
            )));
        }
    };
    let schema = resource.get("schema").unwrap_or(resource);
    if list(schema, "fields").is_empty() {
        let what = "no `fields`, expected a Table Schema or a resource with one";
        return Err(ExchangeError::Shape(what.to_owned()));
    }
    let resource_keys = [
        "$schema",
        "name",
        "title",
        "description",
        "path",
        "type",
        "profile",
        "format",
        "mediatype",
        "encoding",
        "bytes",
        "hash",
        "dialect",
        "schema",
        "fields",
        "primaryKey",
        "missingValues",
        "foreignKeys",
        "uniqueKeys",
        "fieldsMatch",
    ];
    unknown(resource, &resource_keys, "resource", lost);
    if resource.get("schema").is_some() {
        unknown(schema, &resource_keys[13..], "schema", lost);
    }
    let name = text(resource, "name").unwrap_or("extract");
    let is_parquet = text(resource, "format") == Some("parquet");
    if let Some(format) =
        text(resource, "format").filter(|format| !["csv", "parquet"].contains(format))
    {
        lost.push(format!(
            "resource: the format `{format}` was taken for csv; correct `format`"
        ));
    }
    let mut contract = json!({
        "schema": "utfall-data-contract/1",
        "name": contract_name(name),
        "title": text(resource, "title").unwrap_or(name),
        "format": if is_parquet { "parquet" } else { "csv" },
        "key": key(schema, lost),
        "dialect": dialect(resource, schema, is_parquet, lost),
        "column": list(schema, "fields").iter().map(|field| column(field, lost)).collect::<Vec<_>>(),
    });
    let members = contract
        .as_object_mut()
        .expect("it was written as an object");
    set(members, "description", text(resource, "description"));
    let missing = missing(schema, lost);
    if !missing.is_empty() {
        members.insert("missing".to_owned(), missing.into());
    }
    let rules = rules(schema, members["name"].as_str().unwrap_or_default());
    if !rules.is_empty() {
        members.insert("rule".to_owned(), rules.into());
    }
    Ok(contract)
}

fn key(schema: &Value, lost: &mut Vec<String>) -> Vec<String> {
    let key = texts(schema.get("primaryKey"));
    if !key.is_empty() {
        return key;
    }
    let fields = list(schema, "fields");
    let name = |field: &Value| text(field, "name").unwrap_or_default().to_owned();
    let is_unique =
        |field: &&Value| field.pointer("/constraints/unique") == Some(&Value::Bool(true));
    if let Some(field) = fields.iter().find(is_unique) {
        lost.push(format!(
            "schema: no primary key is stated, the unique field `{}` was taken",
            name(field)
        ));
        return vec![name(field)];
    }
    lost.push("schema: no primary key is stated, all fields were taken; correct `key`".to_owned());
    fields.iter().map(name).collect()
}

fn dialect(resource: &Value, schema: &Value, is_parquet: bool, lost: &mut Vec<String>) -> Value {
    let mut dialect = plain_dialect();
    if is_parquet {
        return json!({ "decimal": dialect["decimal"], "date": dialect["date"] });
    }
    let given = resource.get("dialect").unwrap_or(&Value::Null);
    unknown(
        given,
        &[
            "delimiter",
            "quoteChar",
            "doubleQuote",
            "commentChar",
            "header",
            "lineTerminator",
            "type",
        ],
        "dialect",
        lost,
    );
    if given.get("header") == Some(&Value::Bool(false)) {
        dialect["header"] = "none".into();
    }
    if given.get("doubleQuote") == Some(&Value::Bool(false)) {
        lost.push("dialect: quotes are not doubled, and a contract's are".to_owned());
    }
    for (ours, theirs) in [
        ("delimiter", "delimiter"),
        ("quote", "quoteChar"),
        ("comment", "commentChar"),
    ] {
        if let Some(mark) = text(given, theirs) {
            dialect[ours] = mark.into();
        }
    }
    if let Some(encoding) = text(resource, "encoding") {
        match encoding.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => {}
            "windows-1252" | "cp1252" => dialect["encoding"] = "windows-1252".into(),
            "iso-8859-1" | "latin1" | "latin-1" => dialect["encoding"] = "iso-8859-1".into(),
            utf16 @ ("utf-16" | "utf-16le" | "utf-16be") => dialect["encoding"] = utf16.into(),
            _ => lost.push(format!(
                "resource: the encoding `{encoding}` was taken for utf-8"
            )),
        }
    }
    for (ours, theirs, what) in [
        ("decimal", "decimalChar", "decimal marks"),
        ("thousands", "groupChar", "thousands marks"),
    ] {
        let fields = list(schema, "fields").iter();
        let marks: Vec<&str> = fields.filter_map(|field| text(field, theirs)).collect();
        if let Some(&first) = marks.first() {
            dialect[ours] = first.into();
            if marks.iter().any(|mark| *mark != first) {
                lost.push(format!(
                    "schema: fields have several {what}, `{first}` was taken for all"
                ));
            }
        }
    }
    dialect
}

fn column(field: &Value, lost: &mut Vec<String>) -> Value {
    let name = text(field, "name").unwrap_or_default();
    let place = format!("field `{name}`");
    unknown(
        field,
        &[
            "name",
            "title",
            "description",
            "type",
            "format",
            "constraints",
            "decimalChar",
            "groupChar",
            "bareNumber",
            "trueValues",
            "falseValues",
            "missingValues",
            "categories",
            "unit",
            "example",
        ],
        &place,
        lost,
    );
    let constraints = field.get("constraints").unwrap_or(&Value::Null);
    unknown(
        constraints,
        &[
            "required",
            "unique",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "pattern",
            "enum",
        ],
        &place,
        lost,
    );
    let mut column = Map::new();
    column.insert("name".to_owned(), name.into());
    let kind = kind(field, constraints, &place, &mut column, lost);
    column.insert("type".to_owned(), kind.into());
    for (ours, theirs) in [
        ("title", "title"),
        ("description", "description"),
        ("unit", "unit"),
    ] {
        set(&mut column, ours, text(field, theirs));
    }
    for flag in ["required", "unique"] {
        if constraints.get(flag) == Some(&Value::Bool(true)) {
            column.insert(flag.to_owned(), true.into());
        }
    }
    let ranged = matches!(kind, "integer" | "decimal" | "date" | "year" | "datetime");
    for bound in ["minimum", "maximum"] {
        if let Some(value) = constraints.get(bound).and_then(canonical) {
            if ranged {
                column.insert(bound.to_owned(), value.into());
            } else {
                lost.push(format!("{place}: a {bound} has no meaning for {kind}"));
            }
        }
    }
    for (ours, theirs) in [
        ("min-length", "minLength"),
        ("max-length", "maxLength"),
        ("pattern", "pattern"),
    ] {
        match constraints.get(theirs) {
            Some(value) if kind == "text" => {
                column.insert(ours.to_owned(), value.clone());
            }
            Some(_) => lost.push(format!("{place}: `{theirs}` has no meaning for {kind}")),
            None => {}
        }
    }
    if field.get("bareNumber") == Some(&Value::Bool(false)) {
        lost.push(format!(
            "{place}: numbers with other characters than digits are not read"
        ));
    }
    column.into()
}

/// The type of a column; more members that come with it are set.
fn kind(
    field: &Value,
    constraints: &Value,
    place: &str,
    column: &mut Map<String, Value>,
    lost: &mut Vec<String>,
) -> &'static str {
    let given = text(field, "type").unwrap_or("string");
    let format = text(field, "format").filter(|format| *format != "default");
    let categories = list(field, "categories");
    let listed = list(constraints, "enum");
    if given == "string" && !(categories.is_empty() && listed.is_empty()) {
        let code = |value: &Value| {
            let mut code = Map::new();
            let value_of = value.get("value").unwrap_or(value);
            code.insert(
                "code".to_owned(),
                canonical(value_of).unwrap_or_default().into(),
            );
            set(&mut code, "label", text(value, "label"));
            Value::from(code)
        };
        let codes = if categories.is_empty() {
            listed
        } else {
            categories
        };
        column.insert(
            "code".to_owned(),
            codes.iter().map(code).collect::<Vec<_>>().into(),
        );
        return "code";
    }
    if !listed.is_empty() {
        lost.push(format!(
            "{place}: a list of allowed values is only for texts"
        ));
    }
    let mut date = |form: &str| column.insert("date".to_owned(), form.into());
    match given {
        "string" => {
            if let Some(format) = format {
                lost.push(format!(
                    "{place}: the format `{format}` of a text is not checked"
                ));
            }
            "text"
        }
        "integer" => "integer",
        "number" => {
            column.insert("decimals".to_owned(), DECIMALS.into());
            lost.push(format!("{place}: how many decimals a number has is not stated, {DECIMALS} were taken; correct `decimals`"));
            "decimal"
        }
        "year" => "year",
        "yearmonth" => {
            date("%Y-%m");
            "date"
        }
        "date" => {
            match format {
                Some("any") => lost.push(format!(
                    "{place}: dates of any form were taken for `%Y-%m-%d`"
                )),
                Some(form) => drop(date(form)),
                None => {}
            }
            "date"
        }
        "datetime" => {
            let form = format.filter(|form| *form != "any");
            if form.is_none() {
                lost.push(format!(
                    "{place}: moments were taken for `%Y-%m-%dT%H:%M:%S`, without a time zone"
                ));
            }
            column.insert(
                "datetime".to_owned(),
                form.unwrap_or("%Y-%m-%dT%H:%M:%S").into(),
            );
            "datetime"
        }
        "boolean" => {
            for (ours, theirs, default) in [
                ("true", "trueValues", ["true", "True", "TRUE", "1"]),
                ("false", "falseValues", ["false", "False", "FALSE", "0"]),
            ] {
                let given = texts(field.get(theirs));
                let spellings = if given.is_empty() {
                    default.map(str::to_owned).to_vec()
                } else {
                    given
                };
                column.insert(ours.to_owned(), spellings.into());
            }
            "boolean"
        }
        other => {
            lost.push(format!("{place}: the type `{other}` was taken for text"));
            "text"
        }
    }
}

fn missing(schema: &Value, lost: &mut Vec<String>) -> Vec<Value> {
    let mut missing = Vec::new();
    let mut add = |value: &Value, columns: Option<&str>| {
        let code = canonical(value.get("value").unwrap_or(value)).unwrap_or_default();
        if code.is_empty() {
            return;
        }
        let label = text(value, "label");
        let means = label.map(|label| label.to_lowercase().replace([' ', '_'], "-"));
        let known = [
            "missing",
            "not-applicable",
            "suppressed",
            "not-yet-reported",
            "not-submitted",
        ];
        let means = match means {
            Some(means) if known.contains(&means.as_str()) => means,
            Some(_) => {
                lost.push(format!(
                    "missing value `{code}`: its meaning `{}` was taken for missing",
                    label.unwrap_or_default()
                ));
                "missing".to_owned()
            }
            None => "missing".to_owned(),
        };
        let mut entry = json!({ "code": code, "means": means });
        if let Some(column) = columns {
            entry["columns"] = json!([column]);
        }
        missing.push(entry);
    };
    for value in list(schema, "missingValues") {
        add(value, None);
    }
    for field in list(schema, "fields") {
        for value in list(field, "missingValues") {
            add(value, text(field, "name"));
        }
    }
    missing
}

fn rules(schema: &Value, own: &str) -> Vec<Value> {
    let mut rules = Vec::new();
    for (i, unique) in list(schema, "uniqueKeys").iter().enumerate() {
        let columns = texts(Some(unique));
        rules.push(
            json!({ "kind": "unique", "id": format!("unique-key-{}", i + 1), "columns": columns }),
        );
    }
    for (i, foreign) in list(schema, "foreignKeys").iter().enumerate() {
        let reference = foreign.get("reference").unwrap_or(&Value::Null);
        let extract = match text(reference, "resource") {
            None | Some("") => own.to_owned(),
            Some(name) => contract_name(name),
        };
        rules.push(json!({
            "kind": "foreign-key",
            "id": format!("foreign-key-{}", i + 1),
            "columns": texts(foreign.get("fields")),
            "extract": extract,
            "others": texts(reference.get("fields")),
        }));
    }
    rules
}

/// A resource from a contract.
pub(super) fn export(document: &Value, lost: &mut Vec<String>) -> Value {
    lose_common(document, lost);
    let dialect = document.get("dialect");
    let of_dialect = |name: &str| dialect.and_then(|dialect| text(dialect, name));
    let fields: Vec<Value> = list(document, "column")
        .iter()
        .map(|column| field(column, document, lost))
        .collect();
    let headers = |names: Vec<String>| -> Vec<String> {
        names
            .iter()
            .map(|name| header(document, name).to_owned())
            .collect()
    };
    let mut schema = json!({ "fields": fields, "primaryKey": headers(texts(document.get("key"))) });
    let whole: Vec<Value> = list(document, "missing")
        .iter()
        .filter(|missing| missing.get("columns").is_none())
        .map(missing_value)
        .collect();
    let empty = json!({ "value": "", "label": "missing" });
    schema["missingValues"] = [vec![empty], whole].concat().into();
    let (mut unique, mut foreign) = (Vec::new(), Vec::new());
    for rule in list(document, "rule") {
        match text(rule, "kind") {
            Some("unique") => unique.push(json!(headers(texts(rule.get("columns"))))),
            Some("foreign-key") => {
                let own = text(document, "name");
                let others = texts(rule.get("others"));
                let columns = texts(rule.get("columns"));
                let extract = text(rule, "extract").filter(|extract| Some(*extract) != own);
                let theirs = if others.is_empty() {
                    columns.clone()
                } else {
                    others
                };
                foreign.push(json!({
                    "fields": headers(columns),
                    "reference": { "resource": extract.unwrap_or_default(), "fields": theirs },
                }));
            }
            _ => {
                lost.push(format!("{} has no counterpart", rule_words(rule)));
                continue;
            }
        }
        if ["name", "severity", "tolerance"]
            .iter()
            .any(|field| rule.get(field).is_some())
        {
            lost.push(format!(
                "{}: its name, severity and tolerance have no counterpart",
                rule_words(rule)
            ));
        }
    }
    for (name, entries) in [("uniqueKeys", unique), ("foreignKeys", foreign)] {
        if !entries.is_empty() {
            schema[name] = entries.into();
        }
    }
    let is_csv = text(document, "format") == Some("csv");
    let mut resource = json!({
        "name": text(document, "name"),
        "title": text(document, "title"),
        "type": "table",
        "format": text(document, "format"),
        "schema": schema,
    });
    let members = resource
        .as_object_mut()
        .expect("it was written as an object");
    set(members, "description", text(document, "description"));
    if !is_csv && text(document, "format") != Some("parquet") {
        lost.push(format!(
            "how {} is read has no counterpart",
            text(document, "format").unwrap_or_default()
        ));
    }
    if is_csv {
        set(members, "encoding", of_dialect("encoding"));
        let quote = of_dialect("quote").filter(|quote| !quote.is_empty());
        let mut marks = Map::new();
        set(&mut marks, "delimiter", of_dialect("delimiter"));
        set(&mut marks, "quoteChar", quote);
        set(&mut marks, "commentChar", of_dialect("comment"));
        if of_dialect("header") == Some("none") {
            marks.insert("header".to_owned(), false.into());
        }
        members.insert("dialect".to_owned(), marks.into());
        let is_number = |column: &Value| text(column, "type") == Some("decimal");
        if of_dialect("decimal") != Some(".") && !list(document, "column").iter().any(is_number) {
            lost.push(
                "dialect: the decimal mark has no counterpart where no column is a decimal"
                    .to_owned(),
            );
        }
        let known = [
            "delimiter",
            "quote",
            "encoding",
            "decimal",
            "date",
            "thousands",
            "comment",
            "header",
        ];
        unknown(dialect.unwrap_or(&Value::Null), &known, "dialect", lost);
    }
    resource
}

fn field(column: &Value, document: &Value, lost: &mut Vec<String>) -> Value {
    let name = text(column, "name").unwrap_or_default();
    let kind = text(column, "type").unwrap_or_default();
    let dialect = document.get("dialect");
    let of_dialect = |name: &str| dialect.and_then(|dialect| text(dialect, name));
    let mut field = Map::new();
    field.insert("name".to_owned(), name.into());
    for member in ["title", "description", "unit"] {
        set(&mut field, member, text(column, member));
    }
    let theirs = match kind {
        "text" | "code" => "string",
        "decimal" => "number",
        kind => kind,
    };
    field.insert("type".to_owned(), theirs.into());
    let mut constraints = Map::new();
    match kind {
        "decimal" => {
            let decimal = of_dialect("decimal").filter(|mark| *mark != ".");
            set(&mut field, "decimalChar", decimal);
            set(&mut field, "groupChar", of_dialect("thousands"));
            lost.push(format!(
                "column `{name}`: its number of decimals has no counterpart"
            ));
        }
        "date" => {
            let form = text(column, "date")
                .or(of_dialect("date"))
                .filter(|form| *form != "%Y-%m-%d");
            set(&mut field, "format", form);
        }
        "datetime" => set(&mut field, "format", text(column, "datetime")),
        "boolean" => {
            let or = |given: Vec<String>, default: &str| {
                if given.is_empty() {
                    vec![default.to_owned()]
                } else {
                    given
                }
            };
            field.insert(
                "trueValues".to_owned(),
                or(texts(column.get("true")), "true").into(),
            );
            field.insert(
                "falseValues".to_owned(),
                or(texts(column.get("false")), "false").into(),
            );
        }
        "code" => {
            let codes = codes(column);
            let values: Vec<&String> = codes.iter().map(|(code, _)| code).collect();
            constraints.insert("enum".to_owned(), json!(values));
            if codes.iter().any(|(_, label)| label.is_some()) {
                let category = |(code, label): &(String, Option<String>)| json!({ "value": code, "label": label.as_ref().unwrap_or(code) });
                let categories: Vec<Value> = codes.iter().map(category).collect();
                field.insert("categories".to_owned(), categories.into());
            }
        }
        _ => {}
    }
    for (ours, theirs) in [
        ("required", "required"),
        ("unique", "unique"),
        ("minimum", "minimum"),
        ("maximum", "maximum"),
        ("min-length", "minLength"),
        ("max-length", "maxLength"),
        ("pattern", "pattern"),
    ] {
        set(&mut constraints, theirs, column.get(ours).cloned());
    }
    if !constraints.is_empty() {
        field.insert("constraints".to_owned(), constraints.into());
    }
    let stored = text(column, "as").unwrap_or(name);
    let own: Vec<Value> = list(document, "missing")
        .iter()
        .filter(|missing| {
            texts(missing.get("columns"))
                .iter()
                .any(|column| column == stored)
        })
        .map(missing_value)
        .collect();
    if !own.is_empty() {
        field.insert("missingValues".to_owned(), own.into());
    }
    field.into()
}

fn missing_value(missing: &Value) -> Value {
    json!({ "value": text(missing, "code"), "label": text(missing, "means") })
}

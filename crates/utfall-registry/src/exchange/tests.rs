//! Contracts on their way to other formats and back.

use super::*;

const OURS: &str = r#"
schema = "utfall-data-contract/1"
name = "absence"
title = "Absence by pupil and term"
description = "One row for each pupil and term."
format = "csv"
key = ["pupil", "term"]
[dialect]
delimiter = ";"
quote = '"'
encoding = "windows-1252"
decimal = "."
date = "%Y-%m-%d"
[[missing]]
code = ":"
means = "suppressed"
[[missing]]
code = "x"
means = "not-applicable"
columns = ["sessions"]
[[column]]
name = "pupil"
type = "text"
title = "Pupil"
required = true
min-length = 3
max-length = 9
pattern = "[A-Z][0-9]+"
[[column]]
name = "term"
type = "date"
date = "%d/%m/%Y"
minimum = "2020-01-01"
[[column]]
name = "sessions"
type = "integer"
minimum = "0"
maximum = "400"
unit = "sessions"
[[column]]
name = "school"
type = "code"
code = [{ code = "A", label = "Academy" }, { code = "B", label = "Bridge" }]
[[column]]
name = "sent"
type = "boolean"
true = ["Y"]
false = ["N"]
[[column]]
name = "year"
type = "year"
[[column]]
name = "at"
type = "datetime"
datetime = "%Y-%m-%d %H:%M"
[[rule]]
kind = "unique"
id = "unique-key-1"
columns = ["pupil", "year"]
[[rule]]
kind = "foreign-key"
id = "foreign-key-1"
columns = ["pupil"]
extract = "pupils"
others = ["id"]
"#;

fn ours(text: &str) -> DataContract {
    DataContract::from_toml("ours.toml", text).unwrap()
}

#[test]
fn what_frictionless_has_words_for_comes_back_as_it_went() {
    let contract = ours(OURS);
    let there = export_contract(ExchangeFormat::Frictionless, &contract);
    assert_eq!(there.lost, Vec::<String>::new());
    let back = import_contract(ExchangeFormat::Frictionless, &there.contract).unwrap();
    assert_eq!(back.lost, Vec::<String>::new());
    assert_eq!(back.contract, contract);
}

#[test]
fn a_resource_says_it_as_frictionless_does() {
    let text = export_contract(ExchangeFormat::Frictionless, &ours(OURS)).contract;
    let resource: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        resource["dialect"],
        json!({ "delimiter": ";", "quoteChar": "\"" })
    );
    assert_eq!(resource["encoding"], "windows-1252");
    let schema = &resource["schema"];
    assert_eq!(schema["primaryKey"], json!(["pupil", "term"]));
    assert_eq!(
        schema["missingValues"][1],
        json!({ "value": ":", "label": "suppressed" })
    );
    assert_eq!(schema["fields"][2]["missingValues"][0]["value"], "x");
    assert_eq!(schema["fields"][1]["format"], "%d/%m/%Y");
    assert_eq!(
        schema["fields"][3]["constraints"]["enum"],
        json!(["A", "B"])
    );
    assert_eq!(schema["fields"][4]["trueValues"], json!(["Y"]));
    assert_eq!(
        schema["foreignKeys"][0],
        json!({ "fields": ["pupil"], "reference": { "resource": "pupils", "fields": ["id"] } })
    );
}

#[test]
fn what_has_no_counterpart_is_said_each_with_its_place() {
    let more = OURS.replace(
        "name = \"pupil\"\n",
        "name = \"Pupil ID\"\nas = \"pupil\"\noutcome = true\n",
    ) + "[[rule]]\nkind = \"row-count\"\nminimum = 1\nchange = \"5 %\"\n[[judgement]]\nrule = \"minimum:sessions\"\nseverity = \"warning\"\n[reporting]\nlag = \"60 days\"\n";
    let contract = ours(&more);
    for (format, expected) in [
        (
            ExchangeFormat::Frictionless,
            "a rule of kind `row-count` has no counterpart",
        ),
        (
            ExchangeFormat::Odcs,
            "a rule of kind `foreign-key` has no counterpart",
        ),
    ] {
        let lost = export_contract(format, &contract).lost;
        let expected = expected.replace("a rule of kind `foreign-key`", "rule `foreign-key-1`");
        for said in [
            expected.as_str(),
            "the severity and tolerance of `minimum:sessions` have no counterpart",
            "the reporting lag has no counterpart",
            "column `Pupil ID`: its name `pupil` in the table has no counterpart",
            "column `Pupil ID`: that it holds an outcome has no counterpart",
        ] {
            assert!(lost.iter().any(|lost| lost == said), "{said}: {lost:#?}");
        }
    }
}

#[test]
fn a_table_schema_of_another_hand_is_read_and_its_strange_parts_are_told() {
    let text = r#"{
        "name": "Pupil Absence 2024", "path": "a.csv", "dialect": { "header": true, "skipInitialSpace": true },
        "schema": {
            "fields": [
                { "name": "id", "type": "string", "format": "uuid", "constraints": { "unique": true, "required": true } },
                { "name": "rate", "type": "number", "decimalChar": ",", "constraints": { "minimum": 0, "maximum": "1.5" } },
                { "name": "la", "type": "string", "constraints": { "enum": ["E09000001", "E09000002"] } },
                { "name": "month", "type": "yearmonth" },
                { "name": "place", "type": "geopoint" },
                { "name": "on", "type": "date", "format": "any", "rdfType": "x" }
            ],
            "missingValues": ["", "..", { "value": "z", "label": "not applicable" }, { "value": "q", "label": "who knows" }]
        }
    }"#;
    let read = import_contract(ExchangeFormat::Frictionless, text).unwrap();
    let contract = &read.contract;
    assert_eq!(contract.name(), "pupil-absence-2024");
    assert_eq!(contract.key().collect::<Vec<_>>(), ["id"]);
    let kinds: Vec<&str> = contract
        .columns()
        .iter()
        .map(|column| column.kind().name())
        .collect();
    assert_eq!(kinds, ["text", "decimal", "code", "date", "text", "date"]);
    assert!(
        serde_json::to_string(contract)
            .unwrap()
            .contains("\"means\":\"not-applicable\"")
    );
    for said in [
        "dialect: `skipInitialSpace` has no counterpart",
        "schema: no primary key is stated, the unique field `id` was taken",
        "field `id`: the format `uuid` of a text is not checked",
        "field `rate`: how many decimals a number has is not stated, 6 were taken; correct `decimals`",
        "field `place`: the type `geopoint` was taken for text",
        "field `on`: dates of any form were taken for `%Y-%m-%d`",
        "field `on`: `rdfType` has no counterpart",
        "missing value `q`: its meaning `who knows` was taken for missing",
    ] {
        assert!(
            read.lost.iter().any(|lost| lost == said),
            "{said}: {:#?}",
            read.lost
        );
    }
    assert_eq!(read.lost.len(), 8);
}

const ODCS: &str = r#"
apiVersion: v3.1.0
kind: DataContract
id: absence
name: Absence
version: 1.0.0
status: active
team: []
schema:
  - name: absence
    logicalType: object
    physicalType: table
    properties:
      - name: term
        logicalType: date
        primaryKey: true
        primaryKeyPosition: 2
      - name: pupil
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 1
        logicalTypeOptions: { maxLength: 9, pattern: "[A-Z]+" }
      - name: sessions
        logicalType: integer
        logicalTypeOptions: { minimum: 0, maximum: 400 }
      - name: school
        logicalType: string
        quality:
          - { type: library, metric: invalidValues, mustBe: 0, arguments: { validValues: [A, B] } }
          - { type: sql, name: odd, query: "SELECT 1" }
    quality:
      - { type: library, metric: rowCount, name: rows, mustBeGreaterThan: 10, severity: warning }
      - { type: library, metric: duplicateValues, name: pairs, mustBe: 0, arguments: { properties: [term, school] } }
"#;

#[test]
fn a_contract_of_the_open_standard_is_read() {
    let read = import_contract(ExchangeFormat::Odcs, ODCS).unwrap();
    let contract = &read.contract;
    assert_eq!(contract.key().collect::<Vec<_>>(), ["pupil", "term"]);
    let ids: Vec<&str> = contract.rules().iter().map(|rule| rule.id()).collect();
    for id in [
        "rows",
        "pairs",
        "length:pupil",
        "pattern:pupil",
        "minimum:sessions",
        "maximum:sessions",
        "code:school",
    ] {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
    let rows = contract
        .rules()
        .iter()
        .find(|rule| rule.id() == "rows")
        .unwrap();
    assert_eq!(rows.name(), "a delivery has at least 11 rows");
    assert_eq!(rows.severity(), crate::Severity::Warning);
    assert_eq!(
        read.lost,
        [
            "document: `team` has no counterpart",
            "property `school`: the quality check `odd` has no counterpart",
            "how files are written is not stated: a comma-separated file in utf-8 was taken; correct `format` and `dialect`",
        ]
    );
}

#[test]
fn what_the_open_standard_has_words_for_comes_back_as_it_went() {
    let first = import_contract(ExchangeFormat::Odcs, ODCS)
        .unwrap()
        .contract;
    let there = export_contract(ExchangeFormat::Odcs, &first);
    assert_eq!(
        there.lost,
        ["how files are written (format and dialect) has no counterpart"]
    );
    let back = import_contract(ExchangeFormat::Odcs, &there.contract).unwrap();
    assert_eq!(back.contract, first);
}

#[test]
fn what_is_no_contract_is_refused_in_words() {
    for (format, text, says) in [
        (ExchangeFormat::Frictionless, "{", "it is no JSON"),
        (ExchangeFormat::Frictionless, "{}", "no `fields`"),
        (
            ExchangeFormat::Frictionless,
            r#"{"resources": [{"name": "a"}, {"name": "b"}]}"#,
            "2 resources (a, b)",
        ),
        (
            ExchangeFormat::Frictionless,
            r#"{"fields": [{"name": "a"}, {"name": "a"}]}"#,
            "`a` is named twice",
        ),
        (ExchangeFormat::Odcs, "a: [", "it is no YAML"),
        (ExchangeFormat::Odcs, "schema: []", "0 objects"),
    ] {
        let error = import_contract(format, text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

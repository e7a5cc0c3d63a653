//! JSON Lines and how it goes wrong.

use super::*;

const ROW: &str = r#"{"id": "a", "värde": 12.5, "count": 3, "day": "2024-09-01", "kind": "A"}"#;

#[test]
fn values_are_read_by_their_own_types_and_exactly() {
    let text = [
        r#"{"kind":"A","id":"\u00e5 \"1\"","värde":0.1,"count":9007199254740993,"day":"2024-09-01"}"#,
        "",
        r#"{"id":17,"värde":"-0.05","count":"3","day":null,"kind":null}"#,
        r#"{"id":"c","värde":1.25e1,"count":3e2,"extra":{"x":[1]}}"#,
        r#"{"id":"d","värde":-7,"count":"-1","day":"","kind":"B"}"#,
    ];
    assert_eq!(
        rows(JSON, text.join("\r\n")),
        [
            r#""17" -5 3 null null"#,
            r#""c" 1250 300 null null"#,
            r#""d" -700 null null "B""#,
            r#""å "1"" 10 9007199254740993 2024-09-01 "A""#,
        ]
    );
}

#[test]
fn what_is_no_object_of_values_goes_to_quarantine_with_its_line() {
    let lines = [
        ROW,
        r#"{"id":"b","count":[1]}"#,
        r#"{"id":"c","day":{"y":2024}}"#,
        r#"{"id":"d","id":"d"}"#,
        r#"["a"]"#,
        r#""a""#,
        r#"{"id":"e","count":1"#,
        r#"{"id":"f","count":NaN}"#,
        r#"{"id":"g"} {"id":"h"}"#,
        &"[".repeat(200_000),
    ];
    assert_eq!(
        faults(JSON, lines.join("\n")),
        [
            ("malformed", None, 6, 5),
            ("malformed", in_column("id"), 1, 4),
            ("malformed", in_column("count"), 1, 2),
            ("malformed", in_column("day"), 1, 3),
        ]
    );
}

#[test]
fn values_of_the_wrong_kind_are_told_in_their_column() {
    let lines = [
        ROW,
        r#"{"id":1.5,"värde":0.125,"count":1.5,"day":20240901,"kind":true}"#,
        r#"{"id":false,"värde":1e400,"count":9223372036854775808,"day":"2024-9-1","kind":1}"#,
    ];
    assert_eq!(
        faults(JSON, lines.join("\n")),
        [
            ("type", in_column("id"), 1, 2),
            ("type", in_column("värde"), 1, 3),
            ("type", in_column("count"), 2, 2),
            ("type", in_column("day"), 2, 2),
            ("decimals", in_column("värde"), 1, 2),
            ("code", in_column("kind"), 2, 2),
        ]
    );
}

#[test]
fn a_field_that_no_object_gives_is_refused() {
    let message = error(JSON, ROW.replace("count", "Count"));
    assert_eq!(
        message,
        "visits: `count` is not among the fields that it gives"
    );
    assert!(rows(JSON, "").is_empty(), "no object gives nothing");
}

#[test]
fn fields_that_the_contract_does_not_name_are_guarded_however_deep() {
    let row =
        r#"{"id":"b","värde":1,"count":1,"day":null,"kind":"A","more":{"list":["19570428-9999"]}}"#;
    let message = error(JSON, format!("{ROW}\n{row}\n"));
    assert!(
        message.contains("visits:2: a column beyond the header holds Swedish"),
        "{message}"
    );
    let report = bench(JSON, ROW.replace("}", ", \"note\": \"x\"}"))
        .ingest()
        .unwrap();
    assert_eq!(report.ignored_columns, ["note"]);
}

#[test]
fn another_encoding_is_told() {
    let latin: Vec<u8> = (0..40)
        .flat_map(|i| {
            ROW.replace("\"a\"", &format!("\"å{i}\""))
                .chars()
                .map(|c| c as u8)
                .chain([b'\n'])
                .collect::<Vec<u8>>()
        })
        .collect();
    let message = error(JSON, latin);
    assert!(
        message.contains("not utf-8 but looks like windows-1252"),
        "{message}"
    );
}

//! Every way of writing the same rows.

use super::*;

/// Two columns, in any dialect.
fn contract(delimiter: &str, quote: &str, encoding: &str, decimal: &str, date: &str) -> String {
    format!(
        r#"
schema = "utfall-data-contract/1"
name = "marks"
title = "Marks"
format = "csv"
key = ["id"]
[dialect]
delimiter = '{delimiter}'
quote = '{quote}'
encoding = "{encoding}"
decimal = "{decimal}"
date = "{date}"
[[column]]
name = "id"
type = "text"
[[column]]
name = "värde"
as = "value"
type = "decimal"
decimals = 2
[[column]]
name = "dag"
as = "day"
type = "date"
"#
    )
}

fn table(contract: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
    let bench = Bench::new(contract).with("a.csv", "2024-10-01", DeliveryStatus::Final, bytes);
    let report = bench.ingest().unwrap();
    assert_eq!(report.n_quarantined(), 0, "{:?}", report.rules);
    bench.rows()
}

const EXPECTED: [&str; 2] = [r#""Å1" 1250 2024-09-01"#, r#""é2" -5 2024-09-02"#];

#[test]
fn the_same_rows_come_out_of_every_dialect() {
    let comma = "id,värde,dag\nÅ1,12.5,2024-09-01\né2,-0.05,2024-09-02\n";
    assert_eq!(
        table(&contract(",", "\"", "utf-8", ".", "%Y-%m-%d"), comma),
        EXPECTED
    );
    let tab = "id\tvärde\tdag\r\nÅ1\t12,5\t01/09/2024\r\né2\t-0,050\t02/09/2024";
    assert_eq!(
        table(&contract("\t", "", "utf-8", ",", "%d/%m/%Y"), tab),
        EXPECTED
    );
    let pipe = "dag|värde|id\n20240901|'12,50'|'Å1'\n20240902|-0,05|é2\n";
    assert_eq!(
        table(
            &contract("|", "\"", "utf-8", ",", "%Y%m%d").replace("quote = '\"'", "quote = \"'\""),
            pipe
        ),
        EXPECTED
    );
    let latin = "id;v\u{e4}rde;dag\n\u{c5}1;12,5;20240901\n\u{e9}2;-0,05;20240902\n";
    let latin: Vec<u8> = latin.chars().map(|c| c as u8).collect();
    for encoding in ["windows-1252", "iso-8859-1"] {
        assert_eq!(
            table(&contract(";", "\"", encoding, ",", "%Y%m%d"), &latin),
            EXPECTED
        );
    }
}

#[test]
fn a_byte_order_mark_and_a_missing_last_line_end_change_nothing() {
    let text = "\u{feff}id;värde;dag\r\nÅ1;12,5;20240901\r\n\r\né2;-0,05;20240902";
    assert_eq!(
        table(&contract(";", "\"", "utf-8", ",", "%Y%m%d"), text),
        EXPECTED
    );
}

#[test]
fn mixed_line_ends_and_blanks_around_cells_change_nothing() {
    let text = "id;värde;dag\r\n Å1 ;\t12,5;20240901 \né2; -0,05;20240902\r\n";
    assert_eq!(
        table(&contract(";", "\"", "utf-8", ",", "%Y%m%d"), text),
        EXPECTED
    );
}

#[test]
fn a_header_alone_is_an_empty_table() {
    let rows = table(
        &contract(";", "\"", "utf-8", ",", "%Y%m%d"),
        "id;värde;dag\n",
    );
    assert!(rows.is_empty());
}

#[test]
fn code_page_1252_has_its_own_characters() {
    let bytes = b"id;v\xe4rde;dag\n\x8a\x80;1;20240901\n";
    let rows = table(&contract(";", "\"", "windows-1252", ",", "%Y%m%d"), bytes);
    assert_eq!(rows, [r#""Š€" 100 2024-09-01"#]);
}

#[test]
fn columns_the_contract_does_not_name_are_left_out_and_named() {
    let text = "extra;id;värde;dag;annat\nx;a;1;20240901;y\n";
    let bench = Bench::new(&contract(";", "\"", "utf-8", ",", "%Y%m%d")).with(
        "a.csv",
        "2024-10-01",
        DeliveryStatus::Final,
        text,
    );
    let report = bench.ingest().unwrap();
    assert_eq!(report.ignored_columns, ["annat", "extra"]);
    assert_eq!(bench.rows(), [r#""a" 100 2024-09-01"#]);
}

#[test]
fn a_missing_code_may_belong_to_some_columns_alone() {
    let contract = contract(";", "\"", "utf-8", ",", "%Y%m%d")
        + "[[missing]]\ncode = \"-1\"\nmeans = \"not-applicable\"\ncolumns = [\"value\"]\n";
    let rows = table(&contract, "id;värde;dag\n-1;-1;20240901\nb;-1,0;20240901\n");
    assert_eq!(rows, [r#""-1" null 2024-09-01"#, r#""b" -100 2024-09-01"#]);
}

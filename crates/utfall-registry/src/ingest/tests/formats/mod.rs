//! Files of every format: the same rows come out of each, and each has its own ways to go wrong.

mod arrow;
mod documented;
mod excel;
mod fixed_width;
mod json_lines;
mod parquet;
mod same;
mod sql;
mod tree;
mod xml;

use super::*;

/// Five columns in a format whose head is given.
fn contract(head: &str) -> String {
    format!(
        r#"
schema = "utfall-data-contract/1"
name = "visits"
title = "Visits"
key = ["id"]
{head}
[[missing]]
code = "-1"
means = "suppressed"
columns = ["count"]
[[column]]
name = "id"
type = "text"
[[column]]
name = "värde"
as = "value"
type = "decimal"
decimals = 2
[[column]]
name = "count"
type = "integer"
[[column]]
name = "day"
type = "date"
[[column]]
name = "kind"
type = "code"
codes = ["A", "B"]
"#
    )
}

/// What files of a format are named, and the head of their contract.
const JSON: &str = "format = \"json-lines\"";
const PARQUET: &str = "format = \"parquet\"";
const ARROW: &str = "format = \"arrow\"";
const XML: &str = "format = \"xml\"\n[xml]\nrow = \"visit\"";
const EXCEL: &str = "format = \"excel\"\n[sheet]\nname = \"Data\"\nheader-row = 1";
const SQL: &str = "format = \"sql\"\n[sql]\nrelation = \"visits\"";
const CSV: &str = "format = \"csv\"\n[dialect]\ndelimiter = \";\"\nquote = '\"'\nencoding = \"utf-8\"\ndecimal = \".\"\ndate = \"%Y-%m-%d\"";
const FIXED: &str = r#"format = "fixed-width"
[dialect]
encoding = "utf-8"
decimal = "."
date = "%Y-%m-%d"
[fixed-width]
positions = "characters"
short-lines = "refuse"
[[fixed-width.field]]
name = "id"
start = 1
width = 8
[[fixed-width.field]]
name = "värde"
start = 9
width = 16
[[fixed-width.field]]
name = "count"
start = 25
width = 20
[[fixed-width.field]]
name = "day"
start = 46
width = 10
[[fixed-width.field]]
name = "kind"
start = 56
width = 1"#;

fn bench(head: &str, bytes: impl AsRef<[u8]>) -> Bench {
    Bench::new(&contract(head)).with("visits", "2024-10-01", DeliveryStatus::Final, bytes)
}

/// The rows of a file without faults.
fn rows(head: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
    let bench = bench(head, bytes);
    let report = bench.ingest().unwrap();
    assert_eq!(report.n_quarantined(), 0, "{:?}", report.rules);
    bench.rows()
}

fn error(head: &str, bytes: impl AsRef<[u8]>) -> String {
    let bench = bench(head, bytes);
    let message = bench.ingest().unwrap_err().to_string();
    assert!(bench.out_names().is_empty(), "{message}");
    message
}

/// The rules that the rows of a file broke, with the first line of each.
fn faults(head: &str, bytes: impl AsRef<[u8]>) -> Vec<(&'static str, Option<String>, u64, u64)> {
    let report = bench(head, bytes).ingest().unwrap();
    report
        .rules
        .iter()
        .map(|rule| {
            let line = rule.first_locators[0].line;
            (rule.rule.name(), rule.column.clone(), rule.n_rows, line)
        })
        .collect()
}

fn in_column(column: &str) -> Option<String> {
    Some(column.to_owned())
}

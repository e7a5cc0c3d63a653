//! Whole ingestions of small files.

mod dialects;
mod faults;
mod formats;
mod invariance;
mod refusals;
mod text_files;
mod vintages;

use std::path::PathBuf;

use tempfile::TempDir;
use utfall_core::Unwatched;

use super::*;
use crate::delivery::DeliveryStatus;
use crate::engine::read_all;

/// Swedish absence by person and month.
const CONTRACT: &str = r#"
schema = "utfall-data-contract/1"
name = "absence"
title = "Monthly absence by pupil"
format = "csv"
key = ["person", "month"]
[dialect]
delimiter = ";"
quote = '"'
encoding = "windows-1252"
decimal = ","
date = "%Y%m%d"
[[missing]]
code = ".."
means = "missing"
[[missing]]
code = "x"
means = "suppressed"
[[column]]
name = "LopNr"
as = "person"
type = "text"
[[column]]
name = "Manad"
as = "month"
type = "date"
minimum = "2000-01-01"
[[column]]
name = "Kommun"
as = "municipality"
type = "text"
[[column]]
name = "Skola"
as = "school"
type = "code"
codes = ["G", "S"]
required = true
[[column]]
name = "Erbjuden"
as = "offered"
type = "decimal"
decimals = 1
minimum = "0"
maximum = "744"
[[column]]
name = "Dagar"
as = "days"
type = "integer"
[[column]]
name = "Start"
as = "start"
type = "date"
[[column]]
name = "Stopp"
as = "stop"
type = "date"
[[rule]]
kind = "not-before"
column = "stop"
other = "start"
"#;

const HEADER: &str = "LopNr;Manad;Kommun;Skola;Erbjuden;Dagar;Start;Stopp\n";

/// A folder with files to ingest.
struct Bench {
    folder: TempDir,
    contract: DataContract,
    deliveries: Vec<Delivery>,
}

impl Bench {
    fn new(contract: &str) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            contract: DataContract::from_toml("absence.toml", contract).unwrap(),
            deliveries: Vec::new(),
        }
    }

    /// The contract above and one file of rows under its header.
    fn of(rows: &str) -> Self {
        Self::new(CONTRACT).with(
            "a.csv",
            "2024-10-01",
            DeliveryStatus::Final,
            HEADER.to_owned() + rows,
        )
    }

    fn with(
        mut self,
        name: &str,
        vintage: &str,
        status: DeliveryStatus,
        bytes: impl AsRef<[u8]>,
    ) -> Self {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        self.deliveries.push(Delivery {
            path,
            vintage: vintage.parse().unwrap(),
            status,
            scope: DeliveryScope::Changes,
        });
        self
    }

    fn out(&self) -> PathBuf {
        let out = self.folder.path().join("out");
        std::fs::create_dir_all(&out).unwrap();
        out
    }

    fn ingest(&self) -> Result<QualityReport, IngestError> {
        ingest(&self.contract, &self.deliveries, &self.out(), &Unwatched)
    }

    /// The table's rows as sorted text.
    fn rows(&self) -> Vec<String> {
        let frame = read_all(&self.out().join(TABLE_FILE)).unwrap();
        let mut rows: Vec<String> = (0..frame.height())
            .map(|i| {
                let cells: Vec<String> = frame
                    .columns()
                    .iter()
                    .map(|column| column.get(i).unwrap().to_string())
                    .collect();
                cells.join(" ")
            })
            .collect();
        rows.sort();
        rows
    }

    fn out_names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.out())
            .unwrap()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The rules a report names, with column and rows.
fn broken(report: &QualityReport) -> Vec<(&'static str, Option<&str>, u64)> {
    report
        .rules
        .iter()
        .map(|rule| (rule.rule.name(), rule.column.as_deref(), rule.n_rows))
        .collect()
}

#[test]
fn a_swedish_extract_becomes_a_typed_table() {
    let mut rows = b"P1;20240901;\xc5m\xe5l;G;120,5;3;20240901;20240910\r\nP2;20240901;\"Malm\xf6; \"\"s\"\"\nx\";S;..;;;\r\n P3 ;20240901;;G; 7,0;-2;;".to_vec();
    let mut text = HEADER.as_bytes().to_vec();
    text.append(&mut rows);
    let bench = Bench::new(CONTRACT).with("a.csv", "2024-10-01", DeliveryStatus::Final, text);
    let report = bench.ingest().unwrap();
    assert_eq!(
        (report.n_rows(), report.n_accepted(), report.n_quarantined()),
        (3, 3, 0)
    );
    assert_eq!(
        bench.rows(),
        [
            r#""P1" 2024-09-01 "Åmål" "G" 1205 3 2024-09-01 2024-09-10"#,
            "\"P2\" 2024-09-01 \"Malmö; \"s\"\nx\" \"S\" null null null null",
            r#""P3" 2024-09-01 null "G" 70 -2 null null"#,
        ]
    );
    assert_eq!(report.missing.len(), 1);
    assert_eq!(
        (report.missing[0].column.as_str(), report.missing[0].n_rows),
        ("Erbjuden", 1)
    );
    assert_eq!(QualityReport::read(&bench.out()).unwrap(), report);
    assert_eq!(
        bench.out_names(),
        ["quality.json", "quarantine.csv", "table.parquet"]
    );
}

#[test]
fn a_row_lists_all_it_broke_and_where() {
    let bench = Bench::of(
        "P1;20240901;A;G;1;1;;\nP2;20241301;A;Q;1,55;9223372036854775808;20240902;20240901\n",
    );
    let report = bench.ingest().unwrap();
    assert_eq!(
        broken(&report),
        [
            ("type", Some("Manad"), 1),
            ("type", Some("Dagar"), 1),
            ("decimals", Some("Erbjuden"), 1),
            ("code", Some("Skola"), 1),
            ("not-before", Some("Stopp"), 1),
        ]
    );
    assert!(
        report
            .rules
            .iter()
            .all(|rule| rule.first_locators[0].line == 3)
    );
    let quarantine = std::fs::read_to_string(bench.out().join("quarantine.csv")).unwrap();
    assert_eq!(
        quarantine,
        "file,line,rules,row\na.csv,3,type:Manad | code:Skola | decimals:Erbjuden | type:Dagar | not-before:Stopp,\"P2;20241301;A;Q;1,55;9223372036854775808;20240902;20240901\"\n"
    );
}

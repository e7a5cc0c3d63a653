//! What may not change a result: the order of rows, the number of threads, the format.

use std::fmt::Write;

use super::*;
use crate::column_data::{ColumnData, TextColumn};
use crate::table_writer::{StoredType, TableWriter};

/// Rows with repeats, contradictions and faults, and more than one block of them.
fn rows(n_rows: usize) -> Vec<String> {
    (0..n_rows)
        .map(|i| {
            let person = if i % 97 == 0 { i / 2 } else { i };
            let days = if i % 89 == 0 {
                "x9".to_owned()
            } else {
                (i % 7).to_string()
            };
            let town = if i % 5 == 0 {
                "\"M; \nx\""
            } else {
                "Malm\u{f6}"
            };
            format!(
                "P{person:06};20240901;{town};G;{},{};{days};;\n",
                i % 700,
                i % 10
            )
        })
        .collect()
}

fn latin(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

fn bench(rows: &[String]) -> Bench {
    let early = HEADER.to_owned() + &rows.concat();
    let mut late = HEADER.to_owned();
    for (i, row) in rows.iter().enumerate().filter(|(i, _)| i % 11 == 0) {
        let _ = write!(
            late,
            "{}",
            row.replace(
                ";20240901;",
                if i % 2 == 0 {
                    ";20240901;"
                } else {
                    ";20241001;"
                }
            )
        );
    }
    Bench::new(CONTRACT)
        .with(
            "early.csv",
            "2024-10-01",
            DeliveryStatus::Preliminary,
            latin(&early),
        )
        .with(
            "late.csv",
            "2024-11-01",
            DeliveryStatus::Final,
            latin(&late),
        )
}

/// Everything a report says but places and digests.
fn counts(report: &QualityReport) -> String {
    let mut report = report.clone();
    for delivery in &mut report.deliveries {
        delivery.blake3 = Digest::from([0; 32]);
    }
    for rule in &mut report.rules {
        rule.first_locators.clear();
    }
    format!("{report:?}")
}

#[test]
fn shuffled_rows_give_the_same_table_and_the_same_counts() {
    let mut rows = rows(4000);
    let ordered = bench(&rows);
    let expected = ordered.ingest().unwrap();
    for step in [7, 1231] {
        let n_rows = rows.len();
        rows = (0..n_rows)
            .map(|i| rows[i * step % n_rows].clone())
            .collect();
        let shuffled = bench(&rows);
        // The late delivery holds other rows of the shuffled file; it is replaced by the same ones.
        std::fs::copy(&ordered.deliveries[1].path, &shuffled.deliveries[1].path).unwrap();
        let report = shuffled.ingest().unwrap();
        assert_eq!(counts(&report), counts(&expected));
        assert_eq!(shuffled.rows(), ordered.rows());
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let bench = bench(&rows(400_000));
    let outputs: Vec<Vec<Vec<u8>>> = [1, 2, 8]
        .into_iter()
        .map(|n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| bench.ingest()).unwrap();
            let names = ["table.parquet", "quarantine.csv", "quality.json"];
            names
                .iter()
                .map(|name| std::fs::read(bench.out().join(name)).unwrap())
                .collect()
        })
        .collect();
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
    let size = std::fs::metadata(&bench.deliveries[0].path).unwrap().len();
    assert!(
        size > 3 * block::BLOCK_BYTES as u64,
        "{size} bytes are too few blocks"
    );
}

fn parquet_contract() -> String {
    CONTRACT.replace("\"csv\"", "\"parquet\"").replace(
        "delimiter = \";\"\nquote = '\"'\nencoding = \"windows-1252\"\n",
        "",
    )
}

#[test]
fn parquet_with_text_cells_is_read_as_csv_is() {
    let rows = [
        [
            "P1", "20240901", "Åmål", "G", "120,5", "3", "20240901", "20240910",
        ],
        ["P2", "20240901", "Malmö", "S", "..", "", "", ""],
        [
            "P3", "20249901", "Malmö", "Q", "1,55", "x9", "20240902", "20240901",
        ],
        [
            "P1", "20240901", "Åmål", "G", "120,5", "3", "20240901", "20240910",
        ],
    ];
    let names: Vec<&str> = HEADER.trim().split(';').collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let columns: Vec<(&str, StoredType)> =
        names.iter().map(|name| (*name, StoredType::Text)).collect();
    let mut writer = TableWriter::create(&path, &columns).unwrap();
    let column =
        |i: usize| ColumnData::Text(TextColumn::from_iter(rows.iter().map(|row| Some(row[i]))));
    writer.write((0..8).map(column).collect()).unwrap();
    writer.finish().unwrap();
    let parquet = Bench::new(&parquet_contract()).with(
        "a.parquet",
        "2024-10-01",
        DeliveryStatus::Final,
        std::fs::read(&path).unwrap(),
    );
    let text: String = rows.iter().map(|row| row.join(";") + "\n").collect();
    let csv = Bench::new(CONTRACT).with(
        "a.csv",
        "2024-10-01",
        DeliveryStatus::Final,
        latin(&(HEADER.to_owned() + &text)),
    );
    let (from_parquet, from_csv) = (parquet.ingest().unwrap(), csv.ingest().unwrap());
    assert_eq!(parquet.rows(), csv.rows());
    assert_eq!(broken(&from_parquet), broken(&from_csv));
    let lines = |report: &QualityReport| {
        report
            .rules
            .iter()
            .map(|rule| rule.first_locators[0].line)
            .collect::<Vec<_>>()
    };
    let expected: Vec<u64> = lines(&from_csv).into_iter().map(|line| line - 1).collect();
    assert_eq!(
        lines(&from_parquet),
        expected,
        "rows are counted from 1, lines from the header"
    );
}

#[test]
fn typed_parquet_is_checked_for_type_and_range() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    use StoredType::{Date, Integer, Text};
    let columns = [
        ("LopNr", Text),
        ("Manad", Date),
        ("Kommun", Text),
        ("Skola", Text),
        ("Erbjuden", Integer),
        ("Dagar", Integer),
        ("Start", Date),
        ("Stopp", Date),
    ];
    let mut writer = TableWriter::create(&path, &columns).unwrap();
    let text = |cells: [&str; 3]| ColumnData::Text(TextColumn::from_iter(cells.map(Some)));
    let september = crate::dates::to_days("2024-09-01".parse().unwrap());
    writer
        .write(vec![
            text(["P1", "P2", "P3"]),
            ColumnData::Date(vec![Some(september), Some(september), Some(0)]),
            text(["A", "..", "A"]),
            text(["G", "G", "G"]),
            ColumnData::Integer(vec![Some(120), Some(745), Some(i64::MAX)]),
            ColumnData::Integer(vec![None, Some(i64::MIN), Some(1)]),
            ColumnData::Date(vec![None; 3]),
            ColumnData::Date(vec![None; 3]),
        ])
        .unwrap();
    writer.finish().unwrap();
    let bench = Bench::new(&parquet_contract()).with(
        "a.parquet",
        "2024-10-01",
        DeliveryStatus::Final,
        std::fs::read(&path).unwrap(),
    );
    let report = bench.ingest().unwrap();
    assert_eq!(
        bench.rows(),
        [r#""P1" 2024-09-01 "A" "G" 1200 null null null"#]
    );
    assert_eq!(
        broken(&report),
        [
            ("type", Some("Erbjuden"), 1),
            ("minimum", Some("Manad"), 1),
            ("maximum", Some("Erbjuden"), 1)
        ]
    );
    let other = parquet_contract()
        .replace(
            "name = \"Kommun\"\nas = \"municipality\"\ntype = \"text\"",
            "name = \"Dagar\"\nas = \"municipality\"\ntype = \"text\"",
        )
        .replace(
            "name = \"Dagar\"\nas = \"days\"",
            "name = \"Kommun\"\nas = \"days\"",
        );
    let bench = Bench::new(&other).with(
        "a.parquet",
        "2024-10-01",
        DeliveryStatus::Final,
        std::fs::read(&path).unwrap(),
    );
    let message = bench.ingest().unwrap_err().to_string();
    assert_eq!(
        message,
        "a.parquet: column `Dagar` is stored as i64, expected text or what a column of type text is stored as"
    );
}

#[test]
fn a_damaged_parquet_file_is_refused_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let columns: Vec<(&str, StoredType)> = HEADER
        .trim()
        .split(';')
        .map(|name| (name, StoredType::Text))
        .collect();
    let mut writer = TableWriter::create(&path, &columns).unwrap();
    let column = ColumnData::Text(TextColumn::from_iter(
        (0..5000).map(|i| Some(format!("P{i}"))),
    ));
    writer.write(vec![column; 8]).unwrap();
    writer.finish().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let ends = [0, 1, 4, 8, whole.len() / 2, whole.len() - 1];
    for end in ends {
        let bench = Bench::new(&parquet_contract()).with(
            "a.parquet",
            "2024-10-01",
            DeliveryStatus::Final,
            &whole[..end],
        );
        let error = bench.ingest().unwrap_err();
        assert!(
            matches!(error, IngestError::NotParquet { .. }),
            "{end} bytes: {error}"
        );
        assert!(bench.out_names().is_empty());
    }
    for (position, flip) in [
        (10, 0xff),
        (200, 0x40),
        (whole.len() - 60, 0x11),
        (whole.len() - 9, 0xff),
    ] {
        let mut damaged = whole.clone();
        damaged[position] ^= flip;
        let bench = Bench::new(&parquet_contract()).with(
            "a.parquet",
            "2024-10-01",
            DeliveryStatus::Final,
            damaged,
        );
        // Either the damage shows or the values it left are judged by the rules.
        let _ = bench.ingest();
    }
}

#[test]
fn the_dirt_of_real_records_is_reported() {
    // Lines of New York City's daily attendance as archived in github.com/ajschumacher/NYCattends:
    // `NS` is not submitted; a district's TOTAL and shares above 100 occur.
    let records = include_str!("nyc-attendance-excerpt.csv");
    let contract = r#"
schema = "utfall-data-contract/1"
name = "attendance"
title = "Daily attendance by school"
format = "csv"
key = ["school", "day"]
[dialect]
delimiter = ","
quote = '"'
encoding = "utf-8"
decimal = "."
date = "%Y%m%d"
[[missing]]
code = "NS"
means = "not-yet-reported"
[[column]]
name = "dbn"
as = "school"
type = "text"
[[column]]
name = "date"
as = "day"
type = "date"
[[column]]
name = "attendance_pct"
as = "attendance"
type = "decimal"
decimals = 2
minimum = "1"
maximum = "100"
"#;
    let bench = Bench::new(contract).with(
        "nyc.csv",
        "2015-07-01",
        DeliveryStatus::Preliminary,
        records,
    );
    let report = bench.ingest().unwrap();
    let n_rows = records.lines().count() as u64 - 1;
    let n_missing = records.lines().filter(|line| line.ends_with(",NS")).count() as u64;
    assert_eq!(report.n_rows(), n_rows);
    assert_eq!(report.missing[0].n_rows, n_missing);
    let out_of_range: u64 = report.rules.iter().map(|rule| rule.n_rows).sum();
    assert_eq!(report.n_accepted() + out_of_range, n_rows);
    assert!(out_of_range > 0 && n_missing > 0);
}

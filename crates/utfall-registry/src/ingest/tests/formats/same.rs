//! The same rows in every format give the same table.

use polars::prelude::{DataType, IntoColumn, NamedFrom, Series};
use proptest::prelude::*;

use super::excel::{Shown, header, text, workbook};
use super::parquet::{column, frame};
use super::*;

#[derive(Debug, Clone)]
struct Visit {
    id: String,
    /// Hundredths.
    value: Option<i64>,
    count: Option<i64>,
    /// Days since 1970-01-01.
    day: Option<i32>,
    kind: Option<&'static str>,
}

impl Visit {
    fn value(&self) -> Option<String> {
        self.value
            .map(|value| crate::cell::decimal_text(value.into(), 2))
    }

    fn day(&self) -> Option<String> {
        self.day.map(|day| crate::dates::from_days(day).to_string())
    }

    /// Cells as text, empty where missing.
    fn cells(&self) -> [String; 5] {
        [
            self.id.clone(),
            self.value().unwrap_or_default(),
            self.count
                .map(|count| count.to_string())
                .unwrap_or_default(),
            self.day().unwrap_or_default(),
            self.kind.unwrap_or_default().to_owned(),
        ]
    }
}

fn visits() -> impl Strategy<Value = Vec<Visit>> {
    let visit = (
        "[a-zåäö]{1,5}",
        // No number of nine to twelve digits, which may pass for an identity number.
        prop::option::of(-9_999_999_999_i64..9_999_999_999),
        // -1 is a code of missing values, which some formats hold as a number.
        prop::option::of(prop_oneof![
            Just(-1_i64),
            0_i64..99_999_999,
            10_000_000_000_000_i64..999_999_999_999_999
        ]),
        prop::option::of(-25_000_i32..60_000),
        prop::option::of(prop_oneof![Just("A"), Just("B")]),
    );
    prop::collection::vec(visit, 1..12).prop_map(|visits| {
        let visits = visits.into_iter().enumerate();
        visits
            .map(|(i, (id, value, count, day, kind))| Visit {
                id: format!("{id}{i}"),
                value,
                count,
                day,
                kind,
            })
            .collect()
    })
}

fn csv(visits: &[Visit]) -> Vec<u8> {
    let rows: String = visits
        .iter()
        .map(|visit| visit.cells().join(";") + "\n")
        .collect();
    format!("id;värde;count;day;kind\n{rows}").into_bytes()
}

fn fixed(visits: &[Visit]) -> Vec<u8> {
    let line = |visit: &Visit| {
        let [id, value, count, day, kind] = visit.cells();
        format!("{id:<8}{value:>16}{count:>20} {day:<10}{kind:<1}\n")
    };
    visits.iter().map(line).collect::<String>().into_bytes()
}

fn json(visits: &[Visit]) -> Vec<u8> {
    let line = |visit: &Visit| {
        let quoted =
            |text: Option<String>| text.map_or("null".to_owned(), |text| format!("\"{text}\""));
        let bare = |text: Option<String>| text.unwrap_or("null".to_owned());
        format!(
            "{{\"id\":\"{}\",\"värde\":{},\"count\":{},\"day\":{},\"kind\":{}}}\n",
            visit.id,
            bare(visit.value()),
            bare(visit.count.map(|count| count.to_string())),
            quoted(visit.day()),
            quoted(visit.kind.map(str::to_owned)),
        )
    };
    visits.iter().map(line).collect::<String>().into_bytes()
}

fn xml(visits: &[Visit]) -> Vec<u8> {
    let row = |visit: &Visit| {
        let [id, value, count, day, kind] = visit.cells();
        format!(
            "<visit><id>{id}</id><värde>{value}</värde><count>{count}</count><day>{day}</day><kind>{kind}</kind></visit>\n"
        )
    };
    format!(
        "<visits>{}</visits>",
        visits.iter().map(row).collect::<String>()
    )
    .into_bytes()
}

fn excel(visits: &[Visit]) -> Vec<u8> {
    let number = |text: Option<String>| text.map_or(Shown::Nothing, Shown::Number);
    let row = |visit: &Visit| {
        // Excel's calendar begins on 1899-12-30 for all days after February 1900.
        let serial = visit.day.map(|day| i64::from(day) + 25_569);
        let day = match serial {
            Some(serial) if serial > 60 => Shown::Date(serial.to_string()),
            _ => visit.day().map_or(Shown::Nothing, Shown::Text),
        };
        vec![
            text(&visit.id),
            number(visit.value()),
            number(visit.count.map(|count| count.to_string())),
            day,
            visit.kind.map_or(Shown::Nothing, text),
        ]
    };
    let rows: Vec<Vec<Shown>> = std::iter::once(header())
        .chain(visits.iter().map(row))
        .collect();
    workbook(&rows)
}

fn typed(visits: &[Visit], value: &DataType) -> polars::prelude::DataFrame {
    let all = |cell: fn(&Visit) -> Option<String>| -> Series {
        Series::new("x".into(), visits.iter().map(cell).collect::<Vec<_>>())
    };
    let days: Vec<Option<i32>> = visits.iter().map(|visit| visit.day).collect();
    let counts: Vec<Option<i64>> = visits.iter().map(|visit| visit.count).collect();
    frame(vec![
        column("id", all(|visit| Some(visit.id.clone())), &DataType::String),
        column("värde", all(Visit::value), value),
        Series::new("count".into(), counts).into_column(),
        column("day", Series::new("x".into(), days), &DataType::Date),
        column(
            "kind",
            all(|visit| visit.kind.map(str::to_owned)),
            &DataType::String,
        ),
    ])
}

/// The bytes of the table, and how many cells held the code of missing values.
fn table(head: &str, bytes: &[u8]) -> (Vec<u8>, u64) {
    let bench = bench(head, bytes);
    let report = bench.ingest().unwrap();
    assert_eq!(report.n_quarantined(), 0, "{head}: {:?}", report.rules);
    let n_missing = report.missing.iter().map(|code| code.n_rows).sum();
    let table = std::fs::read(bench.out().join(TABLE_FILE)).unwrap();
    (table, n_missing)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_same_rows_in_every_format_give_the_same_bytes(visits in visits()) {
        let expected = table(CSV, &csv(&visits));
        let codes = visits.iter().filter(|visit| visit.count == Some(-1)).count();
        prop_assert_eq!(expected.1, codes as u64);
        let decimal = typed(&visits, &DataType::Decimal(30, 2));
        for (head, bytes) in [
            (FIXED, fixed(&visits)),
            (JSON, json(&visits)),
            (XML, xml(&visits)),
            (EXCEL, excel(&visits)),
            (PARQUET, super::parquet::file(typed(&visits, &DataType::Float64))),
            (PARQUET, super::parquet::file(decimal.clone())),
            (ARROW, super::arrow::file(decimal)),
        ] {
            prop_assert_eq!(&table(head, &bytes), &expected, "{}", head);
        }
    }
}

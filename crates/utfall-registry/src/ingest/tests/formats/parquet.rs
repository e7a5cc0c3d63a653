//! Parquet columns of every type, and files whose schemas differ.

use polars::prelude::{
    Categories, Column, DataFrame, DataType, IntoColumn, NamedFrom, ParquetWriter, Series, TimeUnit,
};

use super::*;

pub(super) fn frame(columns: Vec<Column>) -> DataFrame {
    let height = columns[0].len();
    DataFrame::new(height, columns).unwrap()
}

pub(super) fn file(mut frame: DataFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    bytes
}

pub(super) fn column(name: &str, values: Series, kind: &DataType) -> Column {
    let mut series = values.strict_cast(kind).unwrap();
    series.rename(name.into());
    series.into_column()
}

pub(super) fn texts(values: &[Option<&str>]) -> Series {
    Series::new("x".into(), values)
}

fn typed(value: Column, count: Column, day: Column) -> DataFrame {
    let ids: Vec<Option<String>> = (0..value.len()).map(|i| Some(format!("p{i}"))).collect();
    let kinds = vec![Some("A"); value.len()];
    let categories = DataType::from_categories(Categories::global());
    frame(vec![
        Series::new("id".into(), ids).into_column(),
        value,
        count,
        day,
        column("kind", texts(&kinds), &categories),
    ])
}

fn days(moments: &[Option<i64>], kind: &DataType) -> Column {
    column("day", Series::new("x".into(), moments), kind)
}

const SEPTEMBER: i64 = 19_967;

#[test]
fn columns_of_every_type_are_read_exactly() {
    let counts = Series::new("x".into(), [Some(3_i64), None]);
    let expected = [r#""p0" 1250 3 2024-09-01 "A""#, r#""p1" -5 null null "A""#];
    let decimals = texts(&[Some("12.5"), Some("-0.05")]);
    let floats = Series::new("x".into(), [12.5_f64, -0.05]);
    let values = [
        column("värde", decimals.clone(), &DataType::Decimal(20, 4)),
        column("värde", decimals, &DataType::String),
        column("värde", floats.clone(), &DataType::Float64),
        column("värde", floats, &DataType::Float32),
    ];
    let small = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Int64,
    ];
    for (i, kind) in small.iter().enumerate() {
        let unit = [
            TimeUnit::Milliseconds,
            TimeUnit::Microseconds,
            TimeUnit::Nanoseconds,
        ][i % 3];
        let per_day = [86_400_000, 86_400_000_000, 86_400_000_000_000][i % 3];
        let day = days(
            &[Some(SEPTEMBER * per_day), None],
            &DataType::Datetime(unit, None),
        );
        let table = typed(
            values[i % 4].clone(),
            column("count", counts.clone(), kind),
            day,
        );
        assert_eq!(rows(PARQUET, file(table)), expected, "{kind}");
    }
}

#[test]
fn what_a_type_holds_beyond_its_column_is_told() {
    let value = column(
        "värde",
        Series::new("x".into(), [0.125, f64::NAN, f64::INFINITY, 1e300]),
        &DataType::Float64,
    );
    let count = column(
        "count",
        texts(&[Some("1.5"), Some("2.0"), Some("3"), None]),
        &DataType::Decimal(10, 2),
    );
    let hour = 3_600_000;
    let day = days(
        &[
            Some(SEPTEMBER * 24 * hour + hour),
            Some(SEPTEMBER * 24 * hour),
            None,
            None,
        ],
        &DataType::Datetime(TimeUnit::Milliseconds, None),
    );
    assert_eq!(
        faults(PARQUET, file(typed(value, count, day))),
        [
            ("type", in_column("värde"), 3, 2),
            ("type", in_column("count"), 1, 1),
            ("type", in_column("day"), 1, 1),
            ("decimals", in_column("värde"), 1, 1),
        ]
    );
}

#[test]
fn a_delivery_whose_schema_changes_halfway_is_refused_by_file_and_column() {
    let part = |value: Column| {
        let count = column("count", Series::new("x".into(), [1_i64]), &DataType::Int64);
        file(typed(
            value,
            count,
            days(&[Some(SEPTEMBER)], &DataType::Int32)
                .cast(&DataType::Date)
                .unwrap(),
        ))
    };
    let floats = Series::new("x".into(), [1.5_f64]);
    let first = part(column("värde", floats.clone(), &DataType::Float64));
    let second = part(
        column("värde", texts(&[Some("2024-09-01")]), &DataType::String)
            .cast(&DataType::Date)
            .unwrap_or_else(|_| {
                column(
                    "värde",
                    Series::new("x".into(), [19_967_i32]),
                    &DataType::Int32,
                )
                .cast(&DataType::Date)
                .unwrap()
            }),
    );
    let third = part(column("value", floats, &DataType::Float64));
    let bench = |later: &[u8]| {
        Bench::new(&contract(PARQUET))
            .with("1.parquet", "2024-10-01", DeliveryStatus::Final, &first)
            .with("2.parquet", "2024-10-01", DeliveryStatus::Final, later)
    };
    let error = bench(&second).ingest().unwrap_err().to_string();
    assert_eq!(
        error,
        "2.parquet: column `värde` is stored as date, expected text or what a column of type decimal is stored as"
    );
    let error = bench(&third).ingest().unwrap_err().to_string();
    assert!(
        error.starts_with("2.parquet:1: `värde` is not among the 5 columns"),
        "{error}"
    );
}

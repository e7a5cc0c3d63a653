//! The step that grows with the country: scan, filter, group, count and sum whole numbers.
//!
//! It is stated as data ([`SumQuery`], [`RowQuery`]) in a narrow profile that every engine
//! understands alike: comparisons of columns with literals, GROUP BY one text column, COUNT and
//! SUM over 64-bit integers. [`Engine`] runs it; what comes back is exact and small, and in no
//! stated order.

use std::path::Path;

use polars::prelude::{
    Column, DataFrame, DataType, Expr, LazyFrame, PlRefPath, PolarsError, ScanArgsParquet, col,
    len, lit,
};

use crate::engine::EngineError;

/// What a row must meet. A comparison with a missing value is never met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// A text is one of these.
    TextAmong(String, Vec<String>),
    /// A whole number is one of these.
    NumberAmong(String, Vec<i64>),
    /// A date is one of these, in days since 1970-01-01.
    DateAmong(String, Vec<i32>),
    /// A value is there.
    Present(String),
    /// A date is at or after this day.
    From(String, i32),
    /// A date is before this day.
    Before(String, i32),
    /// A date is after this day, or there is none.
    AfterOrOpen(String, i32),
}

/// Counts the rows that meet all conditions and sums some columns, by a text column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SumQuery<'a> {
    pub(crate) table: &'a Path,
    pub(crate) group: &'a str,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) sums: Vec<&'a str>,
}

/// The rows that meet all conditions: a text column and some others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowQuery<'a> {
    pub(crate) table: &'a Path,
    pub(crate) id: &'a str,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) columns: Vec<&'a str>,
}

/// Smallest and largest value of a column and the rows of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) minimum: i64,
    pub(crate) maximum: i64,
    pub(crate) n_rows: u64,
}

/// What runs the queries.
pub(crate) trait Engine {
    /// Shows each group: its text, its rows, its sums. Rows without that text are left out.
    fn sum(
        &self,
        query: &SumQuery<'_>,
        see: &mut dyn FnMut(&str, i64, &[i64]),
    ) -> Result<(), EngineError>;

    /// Shows the whole numbers, or days since 1970-01-01, of each row.
    fn numbers(
        &self,
        query: &RowQuery<'_>,
        see: &mut dyn FnMut(&str, &[Option<i64>]),
    ) -> Result<(), EngineError>;

    /// Shows the text of each row in the query's one column.
    fn texts(
        &self,
        query: &RowQuery<'_>,
        see: &mut dyn FnMut(&str, Option<&str>),
    ) -> Result<(), EngineError>;

    /// Measures a column of whole numbers; `None` if it holds none.
    fn extent(&self, table: &Path, column: &str) -> Result<Option<Extent>, EngineError>;
}

/// Polars, lazily and streaming.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Polars;

impl Engine for Polars {
    fn sum(
        &self,
        query: &SumQuery<'_>,
        see: &mut dyn FnMut(&str, i64, &[i64]),
    ) -> Result<(), EngineError> {
        let mut sums = vec![len().cast(DataType::Int64).alias("n")];
        sums.extend(
            query
                .sums
                .iter()
                .enumerate()
                .map(|(i, name)| col(*name).sum().alias(format!("s{i}"))),
        );
        let frame = filtered(query.table, query.group, &query.conditions)?
            .group_by([col(query.group).alias("id")])
            .agg(sums);
        let frame = collect(frame)?;
        let (id, numbers) = split(&frame)?;
        let id = id.str().map_err(of)?;
        let numbers = numbers.iter().map(whole).collect::<Result<Vec<_>, _>>()?;
        let mut row = vec![0; numbers.len()];
        for i in 0..frame.height() {
            for (value, column) in row.iter_mut().zip(&numbers) {
                *value = column.get(i).unwrap_or(0);
            }
            if let (Some(id), [n_rows, sums @ ..]) = (id.get(i), row.as_slice()) {
                see(id, *n_rows, sums);
            }
        }
        Ok(())
    }

    fn numbers(
        &self,
        query: &RowQuery<'_>,
        see: &mut dyn FnMut(&str, &[Option<i64>]),
    ) -> Result<(), EngineError> {
        let frame = rows(query)?;
        let (id, numbers) = split(&frame)?;
        let id = id.str().map_err(of)?;
        let numbers = numbers.iter().map(whole).collect::<Result<Vec<_>, _>>()?;
        let mut row = vec![None; numbers.len()];
        for i in 0..frame.height() {
            for (value, column) in row.iter_mut().zip(&numbers) {
                *value = column.get(i);
            }
            if let Some(id) = id.get(i) {
                see(id, &row);
            }
        }
        Ok(())
    }

    fn texts(
        &self,
        query: &RowQuery<'_>,
        see: &mut dyn FnMut(&str, Option<&str>),
    ) -> Result<(), EngineError> {
        let frame = rows(query)?;
        let (id, texts) = split(&frame)?;
        let id = id.str().map_err(of)?;
        let texts = texts
            .first()
            .ok_or_else(EngineError::unequal)?
            .str()
            .map_err(of)?;
        for (id, text) in id.iter().zip(texts.iter()) {
            if let Some(id) = id {
                see(id, text);
            }
        }
        Ok(())
    }

    fn extent(&self, table: &Path, column: &str) -> Result<Option<Extent>, EngineError> {
        let frame = scan(table)?.select([
            col(column).min().alias("min"),
            col(column).max().alias("max"),
            len().cast(DataType::Int64).alias("n"),
        ]);
        let frame = collect(frame)?;
        let value = |i: usize| -> Result<Option<i64>, EngineError> {
            let column = frame.columns().get(i).ok_or_else(EngineError::unequal)?;
            Ok(whole(column)?.get(0))
        };
        let (minimum, maximum, n_rows) = (value(0)?, value(1)?, value(2)?.unwrap_or(0));
        let range = minimum.zip(maximum);
        Ok(range.map(|(minimum, maximum)| Extent {
            minimum,
            maximum,
            n_rows: n_rows.unsigned_abs(),
        }))
    }
}

fn of(error: PolarsError) -> EngineError {
    EngineError::of(&error)
}

fn scan(table: &Path) -> Result<LazyFrame, EngineError> {
    let path = table.to_str().ok_or_else(EngineError::path)?;
    let args = ScanArgsParquet {
        glob: false,
        cache: false,
        ..Default::default()
    };
    LazyFrame::scan_parquet(PlRefPath::new(path), args).map_err(of)
}

fn filtered(table: &Path, id: &str, conditions: &[Condition]) -> Result<LazyFrame, EngineError> {
    let frame = scan(table)?.filter(col(id).is_not_null());
    Ok(conditions.iter().fold(frame, |frame, condition| {
        frame.filter(expression(condition))
    }))
}

fn rows(query: &RowQuery<'_>) -> Result<DataFrame, EngineError> {
    let mut columns = vec![col(query.id).alias("id")];
    let named = query.columns.iter().enumerate();
    columns.extend(named.map(|(i, name)| col(*name).alias(format!("c{i}"))));
    let mut frame = collect(filtered(query.table, query.id, &query.conditions)?.select(columns))?;
    frame.rechunk_mut();
    Ok(frame)
}

fn collect(frame: LazyFrame) -> Result<DataFrame, EngineError> {
    let result = frame
        .collect_with_engine(polars::prelude::Engine::Streaming)
        .map_err(of)?;
    Ok(result.unwrap_single())
}

fn split(frame: &DataFrame) -> Result<(&Column, &[Column]), EngineError> {
    frame
        .columns()
        .split_first()
        .ok_or_else(EngineError::unequal)
}

fn whole(column: &Column) -> Result<polars::prelude::Int64Chunked, EngineError> {
    let series = column
        .as_materialized_series()
        .cast(&DataType::Int64)
        .map_err(of)?;
    Ok(series.rechunk().i64().map_err(of)?.clone())
}

fn expression(condition: &Condition) -> Expr {
    let day = |days: i32| lit(days).cast(DataType::Date);
    match condition {
        Condition::TextAmong(name, texts) => any(texts
            .iter()
            .map(|text| col(name.as_str()).eq(lit(text.as_str())))),
        Condition::NumberAmong(name, numbers) => any(numbers
            .iter()
            .map(|&number| col(name.as_str()).eq(lit(number)))),
        Condition::DateAmong(name, days) => {
            any(days.iter().map(|&days| col(name.as_str()).eq(day(days))))
        }
        Condition::Present(name) => col(name.as_str()).is_not_null(),
        Condition::From(name, days) => col(name.as_str()).gt_eq(day(*days)),
        Condition::Before(name, days) => col(name.as_str()).lt(day(*days)),
        Condition::AfterOrOpen(name, days) => {
            let name = name.as_str();
            col(name).is_null().or(col(name).gt(day(*days)))
        }
    }
}

/// True where any of them is; where there is none, nowhere.
fn any(expressions: impl Iterator<Item = Expr>) -> Expr {
    expressions.reduce(Expr::or).unwrap_or_else(|| lit(false))
}

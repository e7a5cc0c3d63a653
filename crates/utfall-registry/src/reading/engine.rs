//! The step that grows with the country: scan, filter, group, count, and sum of whole numbers.
//!
//! It is said once, as a [`Query`], in words every engine shares (comparison with `>=` and `<`,
//! equality with one of some texts, `COUNT` and `SUM` over 64-bit integers). What an engine gives
//! back is exact, so it does not depend on the engine, its threads or the order of rows; divisions
//! and floats come after, in our own kernels.

use std::path::PathBuf;

use polars::prelude::{
    DataFrame, DataType, Engine as PolarsEngine, Expr, LazyFrame, PlRefPath, PolarsResult, ScanArgsParquet, Series, col, len, lit,
};

use crate::engine::EngineError;

/// Rows of one table: which, and what of them.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// The table's file.
    pub(crate) table: PathBuf,
    /// All must hold; a missing value meets none.
    pub(crate) filters: Vec<Condition>,
    /// Column that groups rows.
    pub(crate) member: String,
}

/// One condition on a row.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// A date, as days since 1970-01-01, lies in `[start, end)`.
    DateIn { column: String, start: i32, end: i32 },
    /// A date lies before a day.
    DateBefore { column: String, day: i32 },
    /// A date lies after a day, or is missing: an episode still open.
    DateAfterOrMissing { column: String, day: i32 },
    /// A text is one of these.
    OneOf { column: String, texts: Vec<String> },
    /// A value is there.
    Present { column: String },
}

/// One group's exact totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberTotals {
    /// The member.
    pub(crate) member: String,
    /// Rows.
    pub(crate) n_rows: i64,
    /// Sum of each column asked for.
    pub(crate) sums: Vec<i64>,
}

/// What a table engine must do.
pub(crate) trait Engine {
    /// Counts rows and sums whole-number columns for each member. A row with a missing member
    /// counts nowhere. Groups come in no particular order.
    fn totals(&self, query: &Query, columns: &[&str]) -> Result<Vec<MemberTotals>, EngineError>;

    /// The columns of the rows that meet the query, dates as days since 1970-01-01, the member
    /// first. Rows come in no particular order.
    fn rows(&self, query: &Query, columns: &[&str]) -> Result<Rows, EngineError>;
}

/// The embedded engine: Polars, streaming.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Embedded;

/// Some columns of some rows.
#[derive(Debug)]
pub(crate) struct Rows(DataFrame);

/// Environment variable that the embedded engine reads the number of its threads from, once, when it
/// starts. The number changes the speed and no result.
pub const ENGINE_THREADS: &str = "POLARS_MAX_THREADS";

impl Engine for Embedded {
    fn totals(&self, query: &Query, columns: &[&str]) -> Result<Vec<MemberTotals>, EngineError> {
        let totals = || -> PolarsResult<Vec<MemberTotals>> {
            let count = len().cast(DataType::Int64).alias("n rows");
            let sums = columns.iter().map(|name| col(*name).sum().alias(format!("sum of {name}")));
            let grouped = scan(query)?.group_by([col(&*query.member)]).agg([count].into_iter().chain(sums).collect::<Vec<_>>());
            let frame = collect(grouped)?;
            let members = frame.column(&query.member)?.str()?;
            let counts = frame.column("n rows")?.i64()?;
            let sums = columns
                .iter()
                .map(|name| frame.column(&format!("sum of {name}"))?.i64())
                .collect::<PolarsResult<Vec<_>>>()?;
            let group = |row: usize| {
                Some(MemberTotals {
                    member: members.get(row)?.to_owned(),
                    n_rows: counts.get(row)?,
                    sums: sums.iter().map(|sum| sum.get(row).unwrap_or(0)).collect(),
                })
            };
            Ok((0..frame.height()).filter_map(group).collect())
        };
        totals().map_err(|error| EngineError::of(&error))
    }

    fn rows(&self, query: &Query, columns: &[&str]) -> Result<Rows, EngineError> {
        let rows = || -> PolarsResult<Rows> {
            let selected: Vec<Expr> =
                [&*query.member].iter().chain(columns).enumerate().map(|(place, name)| col(*name).alias(place.to_string())).collect();
            let mut frame = collect(scan(query)?.select(selected))?;
            for place in 0..frame.width() {
                let column = frame.column(&place.to_string())?;
                if *column.dtype() == DataType::Date {
                    let days = column.cast(&DataType::Int32)?;
                    frame.replace(&place.to_string(), days)?;
                }
            }
            Ok(Rows(frame))
        };
        rows().map_err(|error| EngineError::of(&error))
    }
}

impl Rows {
    /// Texts of the column at a place; place 0 is the member.
    pub(crate) fn texts(&self, place: usize) -> Result<Vec<Option<&str>>, EngineError> {
        self.column(place, |column| Ok(column.str()?.iter().collect()))
    }

    /// Whole numbers of the column at a place.
    pub(crate) fn integers(&self, place: usize) -> Result<Vec<Option<i64>>, EngineError> {
        self.column(place, |column| Ok(column.i64()?.iter().collect()))
    }

    /// Days since 1970-01-01 of the column at a place.
    pub(crate) fn days(&self, place: usize) -> Result<Vec<Option<i32>>, EngineError> {
        self.column(place, |column| Ok(column.i32()?.iter().collect()))
    }

    fn column<'a, T>(
        &'a self,
        place: usize,
        take: impl Fn(&'a polars::prelude::Column) -> PolarsResult<T>,
    ) -> Result<T, EngineError> {
        let column = self.0.column(&place.to_string()).map_err(|error| EngineError::of(&error))?;
        take(column).map_err(|error| EngineError::of(&error))
    }
}

fn scan(query: &Query) -> PolarsResult<LazyFrame> {
    let path = query.table.to_string_lossy();
    let frame = LazyFrame::scan_parquet(PlRefPath::new(&*path), ScanArgsParquet { glob: false, ..Default::default() })?;
    Ok(query.filters.iter().fold(frame, |frame, condition| frame.filter(expression(condition))))
}

fn expression(condition: &Condition) -> Expr {
    let day = |day: i32| lit(day).cast(DataType::Date);
    match condition {
        Condition::DateIn { column, start, end } => {
            col(&**column).gt_eq(day(*start)).and(col(&**column).lt(day(*end)))
        }
        Condition::DateBefore { column, day: before } => col(&**column).lt(day(*before)),
        Condition::DateAfterOrMissing { column, day: after } => {
            col(&**column).gt(day(*after)).or(col(&**column).is_null())
        }
        Condition::OneOf { column, texts } => {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            col(&**column).is_in(lit(Series::from_iter(texts)).implode(false), false)
        }
        Condition::Present { column } => col(&**column).is_not_null(),
    }
}

/// Runs a query of one frame, which gives one frame.
fn collect(frame: LazyFrame) -> PolarsResult<DataFrame> {
    Ok(frame.collect_with_engine(PolarsEngine::Streaming)?.unwrap_single())
}

//! Relations on Polars, lazily and streaming.

use std::path::Path;

use polars::prelude::{
    Column, DataFrame, DataType, Expr, IntoColumn, IntoLazy, JoinArgs, JoinType, LazyFrame, NULL,
    PlRefPath, PolarsError, Scalar, ScanArgsParquet, SortMultipleOptions, UnionArgs, coalesce, col,
    concat, len, lit, when,
};
use polars::prelude::{Int64Chunked, IntoSeries, StringChunked};

use super::{
    Aggregate, Comparison, Condition, Engine, Expression, Function, JoinKind, Relation, Value,
};
use crate::engine::EngineError;

/// Polars' streaming engine.
#[derive(Debug, Clone, Copy)]
pub struct Polars;

impl Engine for Polars {
    fn run(
        &self,
        relation: &Relation,
        see: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<(), EngineError> {
        let frame = collect(frame(relation)?)?;
        let columns = frame.columns().iter().map(Read::of);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let mut row = vec![Value::Missing; columns.len()];
        for i in 0..frame.height() {
            for (value, column) in row.iter_mut().zip(&columns) {
                *value = column.get(i);
            }
            see(&row);
        }
        Ok(())
    }
}

/// A column of a result.
enum Read {
    Text(StringChunked),
    Integer(Int64Chunked),
}

impl Read {
    fn of(column: &Column) -> Result<Self, EngineError> {
        let series = column.as_materialized_series().rechunk();
        Ok(match series.dtype() {
            DataType::String => Self::Text(series.str().map_err(of)?.clone()),
            _ => {
                let numbers = series.cast(&DataType::Int64).map_err(of)?;
                Self::Integer(numbers.i64().map_err(of)?.clone())
            }
        })
    }

    #[inline]
    fn get(&self, row: usize) -> Value<'_> {
        match self {
            Self::Text(texts) => texts.get(row).map_or(Value::Missing, Value::Text),
            Self::Integer(numbers) => numbers.get(row).map_or(Value::Missing, Value::Integer),
        }
    }
}

fn of(error: PolarsError) -> EngineError {
    EngineError::of(&error)
}

fn collect(frame: LazyFrame) -> Result<DataFrame, EngineError> {
    let result = frame
        .collect_with_engine(polars::prelude::Engine::Streaming)
        .map_err(of)?;
    Ok(result.unwrap_single())
}

fn frame(relation: &Relation) -> Result<LazyFrame, EngineError> {
    Ok(match relation {
        Relation::Scan { table, columns, .. } => {
            let columns: Vec<Expr> = columns
                .iter()
                .map(|column| col(column.stored.as_str()).alias(column.name.as_str()))
                .collect();
            scan(table)?.select(columns)
        }
        Relation::Filter { input, condition } => frame(input)?.filter(condition_of(condition)),
        Relation::Project { input, columns } => {
            let columns: Vec<Expr> = columns
                .iter()
                .map(|(name, value)| expression(value).alias(name.as_str()))
                .collect();
            frame(input)?.select(columns)
        }
        Relation::Join {
            left,
            right,
            on,
            kind,
        } => {
            let key = |name: &String| col(name.as_str());
            let left_on: Vec<Expr> = on.iter().map(|(left, _)| key(left)).collect();
            let right_on: Vec<Expr> = on.iter().map(|(_, right)| key(right)).collect();
            let joined = frame(left)?.join(
                frame(right)?,
                left_on,
                right_on,
                JoinArgs::new(join_type(*kind)),
            );
            // Keys of other names may or may not come along.
            let columns: Vec<Expr> = relation.columns().iter().map(key).collect();
            joined.select(columns)
        }
        Relation::Group {
            input,
            by,
            aggregates,
        } => {
            let by: Vec<Expr> = by.iter().map(|name| col(name.as_str())).collect();
            let aggregates: Vec<Expr> = aggregates.iter().map(aggregate).collect();
            let input = frame(input)?;
            if by.is_empty() {
                input.select(aggregates)
            } else {
                input.group_by(by).agg(aggregates)
            }
        }
        Relation::Number {
            input,
            by,
            order,
            name,
        } => numbered(frame(input)?, by, order, name)?,
        Relation::Union(inputs) => {
            let inputs = inputs.iter().map(frame).collect::<Result<Vec<_>, _>>()?;
            concat(inputs, UnionArgs::default()).map_err(of)?
        }
    })
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

fn join_type(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::Inner => JoinType::Inner,
        JoinKind::Left => JoinType::Left,
        JoinKind::Semi => JoinType::Semi,
        JoinKind::Anti => JoinType::Anti,
    }
}

fn aggregate(aggregate: &Aggregate) -> Expr {
    let counted = |value: Expr| match &aggregate.when {
        None => value,
        Some(condition) => when(condition_of(condition)).then(value).otherwise(null()),
    };
    let result = match &aggregate.function {
        Function::Count => match &aggregate.when {
            None => len().cast(DataType::Int64),
            Some(_) => counted(typed(1_i64)).sum(),
        },
        Function::Sum(column) => counted(col(column.as_str())).sum(),
        Function::Minimum(column) => counted(col(column.as_str())).min(),
        Function::Maximum(column) => counted(col(column.as_str())).max(),
    };
    result.alias(aggregate.name.as_str())
}

/// Positions are given to sorted rows, since that is the same with any number of threads.
fn numbered(
    input: LazyFrame,
    by: &[String],
    order: &[String],
    name: &str,
) -> Result<LazyFrame, EngineError> {
    let keys: Vec<Expr> = by
        .iter()
        .chain(order)
        .map(|key| col(key.as_str()))
        .collect();
    let options = SortMultipleOptions::default().with_nulls_last(true);
    let sorted = collect(input.sort_by_exprs(keys, options))?;
    let read = |names: &[String]| -> Result<Vec<Read>, EngineError> {
        let columns = names.iter().map(|name| sorted.column(name).map_err(of));
        columns.map(|column| Read::of(column?)).collect()
    };
    let (by, order) = (read(by)?, read(order)?);
    let same = |columns: &[Read], row: usize| columns.iter().all(|c| c.get(row) == c.get(row - 1));
    let mut positions = Vec::with_capacity(sorted.height());
    for row in 0..sorted.height() {
        let position = match positions.last() {
            Some(&before) if same(&by, row) => {
                if same(&order, row) {
                    return Err(EngineError::tied());
                }
                before + 1
            }
            _ => 1_i64,
        };
        positions.push(position);
    }
    let positions = Int64Chunked::from_vec(name.into(), positions);
    let positions = positions.into_series().into_column();
    Ok(sorted.hstack(&[positions]).map_err(of)?.lazy())
}

fn expression(value: &Expression) -> Expr {
    match value {
        Expression::Column(name) => col(name.as_str()),
        Expression::Integer(value) => typed(*value),
        Expression::Text(text) => lit(text.as_str()),
        Expression::Day(days) => typed(*days).cast(DataType::Date),
        Expression::Case(branches, otherwise) => {
            branches
                .iter()
                .rev()
                .fold(expression(otherwise), |rest, (condition, value)| {
                    when(condition_of(condition))
                        .then(expression(value))
                        .otherwise(rest)
                })
        }
        Expression::Coalesce(values) => {
            coalesce(&values.iter().map(expression).collect::<Vec<_>>())
        }
    }
}

fn condition_of(condition: &Condition) -> Expr {
    match condition {
        Condition::Compare(left, comparison, right) => {
            let (left, right) = (expression(left), expression(right));
            match comparison {
                Comparison::Equal => left.eq(right),
                Comparison::Less => left.lt(right),
                Comparison::AtLeast => left.gt_eq(right),
                Comparison::Greater => left.gt(right),
            }
        }
        Condition::Present(value) => expression(value).is_not_null(),
        Condition::Absent(value) => expression(value).is_null(),
        Condition::All(conditions) => {
            let all = conditions.iter().map(condition_of).reduce(Expr::and);
            all.unwrap_or_else(|| lit(true))
        }
        Condition::Any(conditions) => {
            let any = conditions.iter().map(condition_of).reduce(Expr::or);
            any.unwrap_or_else(|| lit(false))
        }
        Condition::Not(condition) => condition_of(condition).not(),
    }
}

/// A literal with its type, which one of any integer type lacks over a table without rows.
fn typed(value: impl Into<Scalar>) -> Expr {
    lit(value.into())
}

fn null() -> Expr {
    lit(NULL)
}

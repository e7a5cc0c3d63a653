//! Sums that cannot leave 64 bits, where engines wrap or fail each in their own way.

use super::{Aggregate, Engine, Function, JoinKind, Relation, Value};
use crate::engine::EngineError;

/// Smallest and largest value of a column and the rows of its relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    minimum: i64,
    maximum: i64,
    n_rows: u64,
}

/// A column that a relation sums, and the rows it is summed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumSource {
    /// Rows that hold every value summed: those of a stored table where no join repeats them.
    pub rows: Relation,
    /// The column.
    pub column: String,
}

impl SumSource {
    /// The stored table that the values come from, as far as it can be told.
    #[must_use]
    pub fn table(&self) -> &str {
        scan_of(&self.rows).map_or("", |(name, _)| name)
    }

    /// The stored column that is summed, as far as it can be told.
    #[must_use]
    pub fn stored_column(&self) -> &str {
        let columns = scan_of(&self.rows).map_or([].as_slice(), |(_, columns)| columns);
        let stored = columns.iter().find(|scanned| scanned.name == self.column);
        stored.map_or(&self.column, |scanned| &scanned.stored)
    }
}

/// The innermost table on the left.
fn scan_of(relation: &Relation) -> Option<(&str, &[super::ScanColumn])> {
    match relation {
        Relation::Scan { name, columns, .. } => Some((name, columns)),
        Relation::Filter { input, .. }
        | Relation::Project { input, .. }
        | Relation::Group { input, .. }
        | Relation::Number { input, .. } => scan_of(input),
        Relation::Join { left, .. } => scan_of(left),
        Relation::Union(inputs) => inputs.first().and_then(scan_of),
    }
}

/// Every sum in a relation, outermost last.
#[must_use]
pub fn sum_sources(relation: &Relation) -> Vec<SumSource> {
    let mut sources = Vec::new();
    collect(relation, &mut sources);
    sources
}

fn collect(relation: &Relation, sources: &mut Vec<SumSource>) {
    match relation {
        Relation::Scan { .. } => {}
        Relation::Filter { input, .. }
        | Relation::Project { input, .. }
        | Relation::Number { input, .. } => collect(input, sources),
        Relation::Join { left, right, .. } => {
            collect(left, sources);
            collect(right, sources);
        }
        Relation::Union(inputs) => inputs.iter().for_each(|input| collect(input, sources)),
        Relation::Group {
            input, aggregates, ..
        } => {
            collect(input, sources);
            for aggregate in aggregates {
                if let Function::Sum(column) = &aggregate.function {
                    sources.push(origin(input, column));
                }
            }
        }
    }
}

/// Follows a column inwards past steps that repeat no row and change no value, so that one check of
/// a stored column serves every question to it.
fn origin(relation: &Relation, column: &str) -> SumSource {
    match relation {
        Relation::Filter { input, .. } => origin(input, column),
        Relation::Join {
            left,
            kind: JoinKind::Semi | JoinKind::Anti,
            ..
        } => origin(left, column),
        Relation::Project { input, columns } => {
            let value = columns.iter().find(|(name, _)| name == column);
            match value {
                Some((_, super::Expression::Column(inner))) => origin(input, inner),
                _ => SumSource {
                    rows: relation.clone(),
                    column: column.to_owned(),
                },
            }
        }
        Relation::Scan {
            name,
            table,
            columns,
        } => SumSource {
            rows: Relation::Scan {
                name: name.clone(),
                table: table.clone(),
                columns: columns
                    .iter()
                    .filter(|scanned| scanned.name == column)
                    .cloned()
                    .collect(),
            },
            column: column.to_owned(),
        },
        _ => SumSource {
            rows: relation.clone(),
            column: column.to_owned(),
        },
    }
}

/// Whether the values of a column are so small that no sum of some of them leaves 64 bits.
///
/// # Errors
///
/// [`EngineError`] if the engine fails.
pub fn check_sums(engine: &dyn Engine, source: &SumSource) -> Result<bool, EngineError> {
    let extent = extent(engine, source)?;
    Ok(extent.is_none_or(|extent| {
        let largest = extent
            .minimum
            .unsigned_abs()
            .max(extent.maximum.unsigned_abs());
        u128::from(largest) * u128::from(extent.n_rows) <= i64::MAX as u128
    }))
}

/// Measures a column; `None` if it holds no value.
fn extent(engine: &dyn Engine, source: &SumSource) -> Result<Option<Extent>, EngineError> {
    let question = source.rows.clone().group(
        &[],
        vec![
            Aggregate::minimum("minimum", &source.column),
            Aggregate::maximum("maximum", &source.column),
            Aggregate::count("n"),
        ],
    );
    let mut extent = None;
    engine.run(&question, &mut |row| {
        if let [
            Value::Integer(minimum),
            Value::Integer(maximum),
            Value::Integer(n_rows),
        ] = *row
        {
            extent = Some(Extent {
                minimum,
                maximum,
                n_rows: n_rows.unsigned_abs(),
            });
        }
    })?;
    Ok(extent)
}

//! Attributes: one value of a column for each unit.

use crate::contract::ColumnType;
use crate::dates::from_days;
use crate::reading::engine::{Condition, Embedded, Engine};
use crate::reading::tables::{Need, Tables, Value};
use crate::reading::units::all_rows;
use crate::reading::{TableError, Units};

/// The value of a column for each unit; `None` where it is missing.
///
/// Rows of one unit must agree: which of two values counts is a question for a measure.
pub(crate) fn attribute(
    tables: &Tables,
    units: &Units,
    extract: &str,
    member: &str,
    column: &str,
) -> Result<Vec<Option<Value>>, TableError> {
    Need::Text.check(extract, tables.column(extract, member)?)?;
    let values = values(tables, extract, member, column)?;
    let mut found: Vec<Option<Value>> = vec![None; units.len()];
    let mut several = vec![false; units.len()];
    for (id, value) in values {
        let Some(position) = units.position(member, &id) else { continue };
        match &found[position] {
            Some(earlier) if *earlier != value => several[position] = true,
            _ => found[position] = Some(value),
        }
    }
    match several.iter().filter(|several| **several).count() {
        0 => Ok(found),
        n_units => {
            Err(TableError::SeveralValues { extract: extract.to_owned(), column: column.to_owned(), n_units })
        }
    }
}

/// The present values of a column, each with the member it is about.
fn values(
    tables: &Tables,
    extract: &str,
    member: &str,
    name: &str,
) -> Result<Vec<(String, Value)>, TableError> {
    let column = tables.column(extract, name)?;
    let mut query = all_rows(tables, extract, member)?;
    query.filters.push(Condition::Present { column: name.to_owned() });
    let rows = Embedded.rows(&query, &[name])?;
    let members = rows.texts(0)?;
    let values: Vec<Option<Value>> = match column.kind() {
        ColumnType::Text | ColumnType::Code { .. } => {
            rows.texts(1)?.into_iter().map(|text| text.map(|text| Value::Text(text.to_owned()))).collect()
        }
        ColumnType::Integer => rows.integers(1)?.into_iter().map(|count| count.map(Value::Integer)).collect(),
        ColumnType::Decimal { decimals } => {
            let value = |units: i64| Value::Decimal { units, decimals: *decimals };
            rows.integers(1)?.into_iter().map(|units| units.map(value)).collect()
        }
        ColumnType::Date => {
            rows.days(1)?.into_iter().map(|days| days.map(|days| Value::Date(from_days(days)))).collect()
        }
    };
    let pair = |(member, value): (Option<&str>, Option<Value>)| Some((member?.to_owned(), value?));
    Ok(members.into_iter().zip(values).filter_map(pair).collect())
}

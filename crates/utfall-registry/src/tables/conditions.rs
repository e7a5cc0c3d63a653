//! Filters of a plan as conditions on the columns of an extract.

use super::{Extract, Filter, TableError};
use crate::contract::{Column, ColumnType};
use crate::relation::{Condition, Expression};
use crate::table_writer::StoredType;

impl Extract {
    /// What a row must meet to pass some filters.
    pub(super) fn conditions(&self, filters: &[Filter]) -> Result<Vec<Condition>, TableError> {
        filters
            .iter()
            .map(|filter| self.condition(filter))
            .collect()
    }

    fn condition(&self, filter: &Filter) -> Result<Condition, TableError> {
        let column = self.column(&filter.column)?;
        let refused = |value: &String| TableError::FilterValue {
            extract: self.contract.name().to_owned(),
            column: filter.column.clone(),
            value: value.clone(),
            expected: column.kind().name(),
        };
        let values = filter.equals.iter();
        let values = values.map(|value| literal(column, value).ok_or_else(|| refused(value)));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        Ok(Condition::among(&filter.column, values))
    }
}

/// A value in canonical form as the column stores it; `None` if it cannot hold it.
fn literal(column: &Column, value: &str) -> Option<Expression> {
    match column.stored_type() {
        StoredType::Text => {
            let known = match column.kind() {
                ColumnType::Code { codes } => codes.iter().any(|code| code == value),
                _ => true,
            };
            known.then(|| Expression::Text(value.to_owned()))
        }
        StoredType::Date => {
            let days = i32::try_from(column.canonical(value)?).ok()?;
            Some(Expression::Day(days))
        }
        _ => column.canonical(value).map(Expression::Integer),
    }
}

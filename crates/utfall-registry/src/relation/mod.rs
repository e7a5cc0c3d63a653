//! The step that grows with the country, as data: scan, filter, join, group, count and sum.
//!
//! A [`Relation`] is a small relational plan in a profile that every engine understands alike:
//! texts, 64-bit whole numbers and days; comparisons with three-valued logic; equi joins; COUNT,
//! SUM, MIN and MAX of whole numbers; ROW_NUMBER over total orders; UNION ALL. It has no floats,
//! no division, no rounding, and no sum that could leave 64 bits (`checked`). [`Engine`] runs
//! it: [`Polars`] here, and by the text of [`sql`] any engine that speaks the portable subset of
//! SQL. What comes back is exact, small, and in no stated order.

mod checked;
mod expression;
mod polars;
#[cfg(test)]
mod reference;
mod sql;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use crate::engine::EngineError;
use crate::table_writer::StoredType;
pub use checked::{SumSource, check_sums, sum_sources};
pub use expression::{Comparison, Condition, Expression};
pub use polars::Polars;
pub use sql::{DateForm, sql};

/// Rows of named columns, and how they come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// Some columns of a stored table.
    Scan {
        /// The table's name in SQL.
        name: String,
        /// Its Parquet file.
        table: PathBuf,
        /// The columns.
        columns: Vec<ScanColumn>,
    },
    /// The rows that meet a condition; one that is unknown is not met.
    Filter {
        /// The rows.
        input: Box<Relation>,
        /// What they must meet.
        condition: Condition,
    },
    /// Other columns computed row by row.
    Project {
        /// The rows.
        input: Box<Relation>,
        /// Name and value of each column.
        columns: Vec<(String, Expression)>,
    },
    /// Rows of two relations whose key columns are equal; a missing key equals nothing. The two
    /// share no column name but that the keys of `right` are left out of the result.
    Join {
        /// The rows on the left.
        left: Box<Relation>,
        /// The rows on the right.
        right: Box<Relation>,
        /// Key columns, left and right.
        on: Vec<(String, String)>,
        /// Which rows are kept.
        kind: JoinKind,
    },
    /// One row for each combination of values of `by`; one row in all if there are none.
    Group {
        /// The rows.
        input: Box<Relation>,
        /// The columns that tell groups apart.
        by: Vec<String>,
        /// What is computed over each.
        aggregates: Vec<Aggregate>,
    },
    /// Adds the position, from 1, of each row among those of the same `by` in a total order.
    Number {
        /// The rows.
        input: Box<Relation>,
        /// The columns that tell groups apart.
        by: Vec<String>,
        /// Whole numbers, days or texts (by their bytes), ascending, missing last. No two rows of
        /// a group may agree in all of them.
        order: Vec<String>,
        /// Name of the column with the position.
        name: String,
    },
    /// All rows of several relations with the same columns.
    Union(Vec<Relation>),
}

/// A column of a stored table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanColumn {
    /// Its name in the table.
    pub stored: String,
    /// Its name in the relation.
    pub name: String,
    /// What it holds.
    pub kind: StoredType,
}

/// Which rows of a join are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs.
    Inner,
    /// Pairs, and left rows without one.
    Left,
    /// Left rows with a pair, once.
    Semi,
    /// Left rows without a pair.
    Anti,
}

/// A number computed over the rows of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// Its name.
    pub name: String,
    /// What is computed.
    pub function: Function,
    /// Only rows that meet this count, if given.
    pub when: Option<Condition>,
}

/// What is computed over a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Function {
    /// Number of rows.
    Count,
    /// Sum of a column's values that are there; 0 if there are none.
    Sum(String),
    /// Smallest value of a column of numbers or days.
    Minimum(String),
    /// Largest value of a column of numbers or days.
    Maximum(String),
}

/// A value of a result row; days count since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value<'a> {
    /// None.
    Missing,
    /// A whole number, or a day.
    Integer(i64),
    /// A text.
    Text(&'a str),
}

/// What runs a relation. It may assume that sums have been checked ([`check_sums`]).
pub trait Engine: std::fmt::Debug + Send + Sync {
    /// Shows each row of the result, its values in the order of the relation's columns. The order
    /// of the rows means nothing.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the relation cannot be run, such as for a table that is not there.
    fn run(
        &self,
        relation: &Relation,
        see: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<(), EngineError>;
}

impl<'a> Value<'a> {
    /// The number or day, if it is one.
    #[must_use]
    pub fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Relation {
    /// The rows that meet all of some conditions.
    #[must_use]
    pub fn filter(self, conditions: Vec<Condition>) -> Self {
        if conditions.is_empty() {
            return self;
        }
        Self::Filter {
            input: Box::new(self),
            condition: Condition::All(conditions),
        }
    }

    /// Other columns computed row by row.
    #[must_use]
    pub fn project(self, columns: Vec<(&str, Expression)>) -> Self {
        let named = columns
            .into_iter()
            .map(|(name, expression)| (name.to_owned(), expression));
        Self::Project {
            input: Box::new(self),
            columns: named.collect(),
        }
    }

    /// Some of the columns.
    #[must_use]
    pub fn select(self, names: &[&str]) -> Self {
        let columns = names.iter().map(|&name| (name, Expression::column(name)));
        let columns = columns.collect();
        self.project(columns)
    }

    /// Joined with another relation.
    #[must_use]
    pub fn join(self, kind: JoinKind, right: Self, on: &[(&str, &str)]) -> Self {
        Self::Join {
            left: Box::new(self),
            right: Box::new(right),
            on: on
                .iter()
                .map(|&(left, right)| (left.to_owned(), right.to_owned()))
                .collect(),
            kind,
        }
    }

    /// Aggregates by some columns.
    #[must_use]
    pub fn group(self, by: &[&str], aggregates: Vec<Aggregate>) -> Self {
        Self::Group {
            input: Box::new(self),
            by: by.iter().map(|&name| name.to_owned()).collect(),
            aggregates,
        }
    }

    /// Positions within groups.
    #[must_use]
    pub fn number(self, by: &[&str], order: &[&str], name: &str) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self::Number {
            input: Box::new(self),
            by: owned(by),
            order: owned(order),
            name: name.to_owned(),
        }
    }

    /// Names of the columns, in order.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        match self {
            Self::Scan { columns, .. } => {
                columns.iter().map(|column| column.name.clone()).collect()
            }
            Self::Filter { input, .. } => input.columns(),
            Self::Project { columns, .. } => columns.iter().map(|(name, _)| name.clone()).collect(),
            Self::Join {
                left,
                right,
                on,
                kind,
            } => {
                let mut columns = left.columns();
                if matches!(kind, JoinKind::Inner | JoinKind::Left) {
                    let is_key = |name: &String| on.iter().any(|(_, key)| key == name);
                    columns.extend(right.columns().into_iter().filter(|name| !is_key(name)));
                }
                columns
            }
            Self::Group { by, aggregates, .. } => {
                let names = aggregates.iter().map(|aggregate| aggregate.name.clone());
                by.iter().cloned().chain(names).collect()
            }
            Self::Number { input, name, .. } => {
                let mut columns = input.columns();
                columns.push(name.clone());
                columns
            }
            Self::Union(inputs) => inputs.first().map_or_else(Vec::new, Self::columns),
        }
    }
}

impl Aggregate {
    /// The number of rows.
    #[must_use]
    pub fn count(name: &str) -> Self {
        Self::of(name, Function::Count)
    }

    /// A column's sum.
    #[must_use]
    pub fn sum(name: &str, column: &str) -> Self {
        Self::of(name, Function::Sum(column.to_owned()))
    }

    /// A column's smallest value.
    #[must_use]
    pub fn minimum(name: &str, column: &str) -> Self {
        Self::of(name, Function::Minimum(column.to_owned()))
    }

    /// A column's largest value.
    #[must_use]
    pub fn maximum(name: &str, column: &str) -> Self {
        Self::of(name, Function::Maximum(column.to_owned()))
    }

    /// Only of rows that meet a condition.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        let always = matches!(&condition, Condition::All(all) if all.is_empty());
        self.when = (!always).then_some(condition);
        self
    }

    fn of(name: &str, function: Function) -> Self {
        Self {
            name: name.to_owned(),
            function,
            when: None,
        }
    }
}

//! Relations run row by row, as plainly as can be: the oracle of the engines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{
    Aggregate, Comparison, Condition, Engine, Expression, Function, JoinKind, Relation, Value,
};
use crate::engine::EngineError;

/// A value that owns its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owned {
    Integer(i64),
    Text(String),
    /// Last, as in every order.
    Missing,
}

type Row = BTreeMap<String, Owned>;

/// Runs relations on tables held in memory.
#[derive(Debug, Default)]
pub(super) struct Reference {
    /// Rows of each table, by its file.
    pub(super) tables: BTreeMap<PathBuf, Vec<Row>>,
}

impl Engine for Reference {
    fn run(
        &self,
        relation: &Relation,
        see: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<(), EngineError> {
        let columns = relation.columns();
        for row in self.rows(relation)? {
            let values: Vec<Value<'_>> = columns
                .iter()
                .map(|name| match &row[name] {
                    Owned::Missing => Value::Missing,
                    Owned::Integer(value) => Value::Integer(*value),
                    Owned::Text(text) => Value::Text(text),
                })
                .collect();
            see(&values);
        }
        Ok(())
    }
}

impl Reference {
    fn rows(&self, relation: &Relation) -> Result<Vec<Row>, EngineError> {
        Ok(match relation {
            Relation::Scan { table, columns, .. } => self.tables[table]
                .iter()
                .map(|row| {
                    let columns = columns.iter();
                    columns
                        .map(|column| (column.name.clone(), row[&column.stored].clone()))
                        .collect()
                })
                .collect(),
            Relation::Filter { input, condition } => {
                let mut rows = self.rows(input)?;
                rows.retain(|row| holds(condition, row) == Some(true));
                rows
            }
            Relation::Project { input, columns } => self
                .rows(input)?
                .iter()
                .map(|row| {
                    let columns = columns.iter();
                    columns
                        .map(|(name, value)| (name.clone(), compute(value, row)))
                        .collect()
                })
                .collect(),
            Relation::Join {
                left,
                right,
                on,
                kind,
            } => join(&self.rows(left)?, &self.rows(right)?, right, on, *kind),
            Relation::Group {
                input,
                by,
                aggregates,
            } => group(&self.rows(input)?, by, aggregates),
            Relation::Number {
                input,
                by,
                order,
                name,
            } => number(self.rows(input)?, by, order, name)?,
            Relation::Union(inputs) => {
                let mut rows = Vec::new();
                for input in inputs {
                    rows.extend(self.rows(input)?);
                }
                rows
            }
        })
    }
}

fn join(
    left: &[Row],
    right: &[Row],
    right_relation: &Relation,
    on: &[(String, String)],
    kind: JoinKind,
) -> Vec<Row> {
    let added: Vec<String> = right_relation
        .columns()
        .into_iter()
        .filter(|name| !on.iter().any(|(_, key)| key == name))
        .collect();
    let mut rows = Vec::new();
    for row in left {
        let equal = |other: &&Row| {
            on.iter()
                .all(|(left, right)| row[left] != Owned::Missing && row[left] == other[right])
        };
        let pairs: Vec<&Row> = right.iter().filter(equal).collect();
        match (kind, pairs.is_empty()) {
            (JoinKind::Semi, false) | (JoinKind::Anti, true) => rows.push(row.clone()),
            (JoinKind::Left, true) => {
                let mut row = row.clone();
                row.extend(added.iter().map(|name| (name.clone(), Owned::Missing)));
                rows.push(row);
            }
            (JoinKind::Inner | JoinKind::Left, false) => {
                rows.extend(pairs.iter().map(|other| {
                    let mut row = row.clone();
                    row.extend(added.iter().map(|name| (name.clone(), other[name].clone())));
                    row
                }));
            }
            _ => {}
        }
    }
    rows
}

fn group(rows: &[Row], by: &[String], aggregates: &[Aggregate]) -> Vec<Row> {
    let mut groups: BTreeMap<Vec<Owned>, Vec<&Row>> = BTreeMap::new();
    if by.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    for row in rows {
        let key = by.iter().map(|name| row[name].clone()).collect();
        groups.entry(key).or_default().push(row);
    }
    groups
        .into_iter()
        .map(|(key, rows)| {
            let mut result: Row = by.iter().cloned().zip(key).collect();
            for aggregate in aggregates {
                result.insert(aggregate.name.clone(), aggregated(aggregate, &rows));
            }
            result
        })
        .collect()
}

fn aggregated(aggregate: &Aggregate, rows: &[&Row]) -> Owned {
    let counted = rows.iter().filter(|row| {
        let when = aggregate.when.as_ref();
        when.is_none_or(|when| holds(when, row) == Some(true))
    });
    let values = |column: &String| -> Vec<i64> {
        let values = counted.clone().map(|row| &row[column]);
        values
            .filter_map(|value| match value {
                Owned::Integer(value) => Some(*value),
                _ => None,
            })
            .collect()
    };
    let found = match &aggregate.function {
        Function::Count => Some(counted.count() as i64),
        Function::Sum(column) => Some(values(column).iter().sum()),
        Function::Minimum(column) => values(column).into_iter().min(),
        Function::Maximum(column) => values(column).into_iter().max(),
    };
    found.map_or(Owned::Missing, Owned::Integer)
}

fn number(
    mut rows: Vec<Row>,
    by: &[String],
    order: &[String],
    name: &str,
) -> Result<Vec<Row>, EngineError> {
    let key = |names: &[String], row: &Row| -> Vec<Owned> {
        names.iter().map(|name| row[name].clone()).collect()
    };
    rows.sort_by_cached_key(|row| (key(by, row), key(order, row)));
    let mut before: Option<(Vec<Owned>, Vec<Owned>, i64)> = None;
    for row in &mut rows {
        let (group, place) = (key(by, row), key(order, row));
        let position = match &before {
            Some((same, tied, _)) if *same == group && *tied == place => {
                return Err(EngineError::tied());
            }
            Some((same, _, position)) if *same == group => position + 1,
            _ => 1,
        };
        row.insert(name.to_owned(), Owned::Integer(position));
        before = Some((group, place, position));
    }
    Ok(rows)
}

fn compute(value: &Expression, row: &Row) -> Owned {
    match value {
        Expression::Column(name) => row[name].clone(),
        Expression::Integer(value) => Owned::Integer(*value),
        Expression::Text(text) => Owned::Text(text.clone()),
        Expression::Day(days) => Owned::Integer(i64::from(*days)),
        Expression::Case(branches, otherwise) => {
            let branch = branches
                .iter()
                .find(|(condition, _)| holds(condition, row) == Some(true));
            compute(branch.map_or(&**otherwise, |(_, value)| value), row)
        }
        Expression::Coalesce(values) => {
            let mut values = values.iter().map(|value| compute(value, row));
            values
                .find(|value| *value != Owned::Missing)
                .unwrap_or(Owned::Missing)
        }
    }
}

fn holds(condition: &Condition, row: &Row) -> Option<bool> {
    match condition {
        Condition::Compare(left, comparison, right) => {
            let (left, right) = (compute(left, row), compute(right, row));
            if left == Owned::Missing || right == Owned::Missing {
                return None;
            }
            Some(match comparison {
                Comparison::Equal => left == right,
                Comparison::Less => left < right,
                Comparison::AtLeast => left >= right,
                Comparison::Greater => left > right,
            })
        }
        Condition::Present(value) => Some(compute(value, row) != Owned::Missing),
        Condition::Absent(value) => Some(compute(value, row) == Owned::Missing),
        Condition::All(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| holds(part, row)).collect();
            if parts.contains(&Some(false)) {
                return Some(false);
            }
            (!parts.contains(&None)).then_some(true)
        }
        Condition::Any(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| holds(part, row)).collect();
            if parts.contains(&Some(true)) {
                return Some(true);
            }
            (!parts.contains(&None)).then_some(false)
        }
        Condition::Not(condition) => holds(condition, row).map(|holds| !holds),
    }
}

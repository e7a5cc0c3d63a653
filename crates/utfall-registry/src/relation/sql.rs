//! A relation as text in the portable subset of SQL.
//!
//! Only what engines understand alike is used: SELECT, WHERE, CASE, COALESCE, equi joins, GROUP BY
//! with COUNT, SUM, MIN and MAX of BIGINT, FILTER, ROW_NUMBER over total orders with NULLS LAST,
//! UNION ALL and WITH. No division, ROUND, AVG, decimals, window frames, or anything but equality
//! in ON. Semi and anti joins are joins with the distinct keys.

use std::fmt::Write;

use super::{Aggregate, Comparison, Condition, Expression, Function, JoinKind, Relation};
use crate::dates::from_days;

/// How the engine's tables hold days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateForm {
    /// As DATE.
    Date,
    /// As whole days since 1970-01-01, for engines without dates.
    Days,
}

/// The text of a relation: one named step for each of its parts.
#[must_use]
pub fn sql(relation: &Relation, dates: DateForm) -> String {
    let mut writer = Writer {
        dates,
        steps: Vec::new(),
    };
    let last = writer.step(relation);
    let steps: Vec<String> = writer
        .steps
        .iter()
        .enumerate()
        .map(|(i, text)| format!("step{i} AS (\n  {text}\n)"))
        .collect();
    format!("WITH {}\nSELECT * FROM {last}", steps.join(",\n"))
}

struct Writer {
    dates: DateForm,
    steps: Vec<String>,
}

impl Writer {
    /// Writes a relation as a step of its own; its name.
    fn step(&mut self, relation: &Relation) -> String {
        let text = match relation {
            Relation::Scan { name, columns, .. } => {
                let columns = columns.iter().map(|column| {
                    format!("{} AS {}", quoted(&column.stored), quoted(&column.name))
                });
                format!("SELECT {} FROM {}", list(columns), quoted(name))
            }
            Relation::Filter { input, condition } => {
                let input = self.step(input);
                format!("SELECT * FROM {input} WHERE {}", self.condition(condition))
            }
            Relation::Project { input, columns } => {
                let input = self.step(input);
                let columns = columns
                    .iter()
                    .map(|(name, value)| format!("{} AS {}", self.value(value), quoted(name)));
                format!("SELECT {} FROM {input}", list(columns))
            }
            Relation::Join {
                left,
                right,
                on,
                kind,
            } => self.join(&relation.columns(), left, right, on, *kind),
            Relation::Group {
                input,
                by,
                aggregates,
            } => {
                let input = self.step(input);
                let by: Vec<String> = by.iter().map(|name| quoted(name)).collect();
                let aggregates = aggregates.iter().map(|aggregate| self.aggregate(aggregate));
                let columns = list(by.iter().cloned().chain(aggregates));
                let group = if by.is_empty() {
                    String::new()
                } else {
                    format!(" GROUP BY {}", by.join(", "))
                };
                format!("SELECT {columns} FROM {input}{group}")
            }
            Relation::Number {
                input,
                by,
                order,
                name,
            } => {
                let input = self.step(input);
                let mut over = Vec::new();
                if !by.is_empty() {
                    let by = list(by.iter().map(|name| quoted(name)));
                    over.push(format!("PARTITION BY {by}"));
                }
                if !order.is_empty() {
                    let ascending = |name: &String| format!("{} ASC NULLS LAST", quoted(name));
                    over.push(format!("ORDER BY {}", list(order.iter().map(ascending))));
                }
                let over = over.join(" ");
                format!(
                    "SELECT *, ROW_NUMBER() OVER ({over}) AS {} FROM {input}",
                    quoted(name)
                )
            }
            Relation::Union(inputs) => {
                let inputs: Vec<String> = inputs
                    .iter()
                    .map(|input| format!("SELECT * FROM {}", self.step(input)))
                    .collect();
                inputs.join(" UNION ALL ")
            }
        };
        self.steps.push(text);
        format!("step{}", self.steps.len() - 1)
    }

    fn join(
        &mut self,
        columns: &[String],
        left: &Relation,
        right: &Relation,
        on: &[(String, String)],
        kind: JoinKind,
    ) -> String {
        let left_columns = left.columns();
        let (left, mut right) = (self.step(left), self.step(right));
        if matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            let keys = list(on.iter().map(|(_, key)| quoted(key)));
            self.steps
                .push(format!("SELECT {keys} FROM {right} GROUP BY {keys}"));
            right = format!("step{}", self.steps.len() - 1);
        }
        let side = |name: &String| {
            let side = if left_columns.contains(name) {
                "l"
            } else {
                "r"
            };
            format!("{side}.{} AS {}", quoted(name), quoted(name))
        };
        let word = match kind {
            JoinKind::Inner | JoinKind::Semi => "INNER JOIN",
            JoinKind::Left | JoinKind::Anti => "LEFT JOIN",
        };
        let equal: Vec<String> = on
            .iter()
            .map(|(left, right)| format!("l.{} = r.{}", quoted(left), quoted(right)))
            .collect();
        let mut text = format!(
            "SELECT {} FROM {left} AS l {word} {right} AS r ON {}",
            list(columns.iter().map(side)),
            equal.join(" AND ")
        );
        if let (JoinKind::Anti, Some((_, key))) = (kind, on.first()) {
            let _ = write!(text, " WHERE r.{} IS NULL", quoted(key));
        }
        text
    }

    fn aggregate(&self, aggregate: &Aggregate) -> String {
        let filter = aggregate.when.as_ref().map_or_else(String::new, |when| {
            format!(" FILTER (WHERE {})", self.condition(when))
        });
        let value = match &aggregate.function {
            Function::Count => format!("COUNT(*){filter}"),
            Function::Sum(column) => format!("COALESCE(SUM({}){filter}, 0)", quoted(column)),
            Function::Minimum(column) => format!("MIN({}){filter}", quoted(column)),
            Function::Maximum(column) => format!("MAX({}){filter}", quoted(column)),
        };
        format!("{value} AS {}", quoted(&aggregate.name))
    }

    fn value(&self, value: &Expression) -> String {
        match value {
            Expression::Column(name) => quoted(name),
            Expression::Integer(value) => format!("CAST({value} AS BIGINT)"),
            Expression::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Expression::Day(days) => match self.dates {
                DateForm::Date => format!("CAST('{}' AS DATE)", from_days(*days)),
                DateForm::Days => days.to_string(),
            },
            Expression::Case(branches, otherwise) => {
                let mut text = String::from("CASE");
                for (condition, value) in branches {
                    let (condition, value) = (self.condition(condition), self.value(value));
                    let _ = write!(text, " WHEN {condition} THEN {value}");
                }
                format!("{text} ELSE {} END", self.value(otherwise))
            }
            Expression::Coalesce(values) => {
                format!(
                    "COALESCE({})",
                    list(values.iter().map(|value| self.value(value)))
                )
            }
        }
    }

    fn condition(&self, condition: &Condition) -> String {
        let joined = |conditions: &[Condition], word: &str, none: &str| {
            if conditions.is_empty() {
                return none.to_owned();
            }
            let parts: Vec<String> = conditions.iter().map(|part| self.condition(part)).collect();
            format!("({})", parts.join(word))
        };
        match condition {
            Condition::Compare(left, comparison, right) => {
                let sign = match comparison {
                    Comparison::Equal => "=",
                    Comparison::Less => "<",
                    Comparison::AtLeast => ">=",
                    Comparison::Greater => ">",
                };
                format!("{} {sign} {}", self.value(left), self.value(right))
            }
            Condition::Present(value) => format!("{} IS NOT NULL", self.value(value)),
            Condition::Absent(value) => format!("{} IS NULL", self.value(value)),
            Condition::All(conditions) => joined(conditions, " AND ", "1 = 1"),
            Condition::Any(conditions) => joined(conditions, " OR ", "1 = 0"),
            Condition::Not(condition) => format!("NOT ({})", self.condition(condition)),
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

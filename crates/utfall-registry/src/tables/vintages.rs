//! Two states of an extract side by side: which rows came, went and changed, by column.

use std::path::Path;

use super::{Extract, TableError, Tables};
use crate::contract::DataContract;
use crate::relation::{
    Aggregate, Comparison, Condition, Engine, Expression, JoinKind, Polars, Relation, Value,
};

/// What changed between two states of an extract. It holds counts alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VintageDifference {
    /// Rows before.
    pub n_before: u64,
    /// Rows after.
    pub n_after: u64,
    /// Rows whose key is new.
    pub n_added: u64,
    /// Rows whose key is gone.
    pub n_removed: u64,
    /// Rows of one key whose other columns differ.
    pub n_changed: u64,
    /// Of these, by column: how many differ in it. Columns of the contract beside its key.
    pub columns: Vec<(String, u64)>,
}

/// Compares two folders into which an extract was ingested under one contract.
///
/// # Errors
///
/// [`TableError`] if a folder holds no table, or the engine fails.
pub fn compare_vintages(
    contract: &DataContract,
    before: &Path,
    after: &Path,
) -> Result<VintageDifference, TableError> {
    let name = contract.name();
    let open = |folder: &Path| {
        let folders = [(name.to_owned(), (contract.clone(), folder.to_owned()))];
        Tables::open(folders.into_iter().collect())
    };
    let (before, after) = (open(before)?, open(after)?);
    let (before, after) = (before.extract(name)?, after.extract(name)?);
    let keys: Vec<&str> = contract.key().collect();
    let columns: Vec<&str> = contract
        .columns()
        .iter()
        .map(|column| column.name())
        .collect();
    let others: Vec<&str> = columns
        .iter()
        .copied()
        .filter(|name| !keys.contains(name))
        .collect();
    let old = side(before, &columns, "before ")?;
    let new = side(after, &columns, "after ")?;
    let on: Vec<(String, String)> = keys
        .iter()
        .map(|key| (format!("before {key}"), format!("after {key}")))
        .collect();
    let on: Vec<(&str, &str)> = on.iter().map(|(old, new)| (&**old, &**new)).collect();
    let mut aggregates = vec![
        Aggregate::count("both"),
        Aggregate::count("changed").when(Condition::Any(
            others.iter().map(|name| differs(name)).collect(),
        )),
    ];
    let named = others.iter().enumerate();
    aggregates.extend(
        named.map(|(i, name)| Aggregate::count(&format!("column {i}")).when(differs(name))),
    );
    let joined = old
        .clone()
        .join(JoinKind::Inner, new.clone(), &on)
        .group(&[], aggregates);
    let counts = numbers(&joined)?;
    let n_rows = |relation: Relation| -> Result<u64, TableError> {
        let counts = numbers(&relation.group(&[], vec![Aggregate::count("n")]))?;
        Ok(counts.first().copied().unwrap_or(0))
    };
    let (n_before, n_after) = (n_rows(old)?, n_rows(new)?);
    let count = |i: usize| counts.get(i).copied().unwrap_or(0);
    let others = others.iter().enumerate();
    Ok(VintageDifference {
        n_before,
        n_after,
        n_added: n_after - count(0),
        n_removed: n_before - count(0),
        n_changed: count(1),
        columns: others
            .map(|(i, name)| ((*name).to_owned(), count(i + 2)))
            .collect(),
    })
}

fn side(extract: &Extract, columns: &[&str], prefix: &str) -> Result<Relation, TableError> {
    let named: Vec<(&str, String)> = columns
        .iter()
        .map(|&name| (name, format!("{prefix}{name}")))
        .collect();
    let named: Vec<(&str, &str)> = named.iter().map(|(name, new)| (*name, &**new)).collect();
    extract.scan(&named)
}

/// A column is not the same before and after; two missing values are the same.
fn differs(name: &str) -> Condition {
    let (old, new) = (
        Expression::column(&format!("before {name}")),
        Expression::column(&format!("after {name}")),
    );
    let one_alone = |one: &Expression, other: &Expression| {
        Condition::All(vec![
            Condition::Present(one.clone()),
            Condition::Absent(other.clone()),
        ])
    };
    let equal = Condition::Compare(old.clone(), Comparison::Equal, new.clone());
    Condition::Any(vec![
        one_alone(&old, &new),
        one_alone(&new, &old),
        Condition::Not(Box::new(equal)),
    ])
}

fn numbers(relation: &Relation) -> Result<Vec<u64>, TableError> {
    let mut numbers = Vec::new();
    Polars.run(relation, &mut |row| {
        let counts = row
            .iter()
            .map(|value: &Value<'_>| value.integer().unwrap_or(0));
        numbers.extend(counts.map(i64::unsigned_abs));
    })?;
    Ok(numbers)
}

//! Rules over many rows that single rows break: uniqueness, references, episodes.
//!
//! Each sorts keys once and walks them, so that nothing depends on the order of rows.

use polars::prelude::Int64Chunked;

use super::candidates::Candidates;
use crate::contract::{Column, ColumnType, Comparison, Elsewhere, SetRule};
use crate::ingest::IngestError;

/// The candidates that break a rule, in order.
pub(crate) fn judge(
    rule_id: &str,
    rule: &SetRule,
    own: &Candidates<'_>,
    elsewhere: Option<&Candidates<'_>>,
) -> Result<Vec<usize>, IngestError> {
    let other = || {
        elsewhere.ok_or_else(|| IngestError::NoSuchExtract {
            rule: rule_id.to_owned(),
            extract: rule.extract().unwrap_or_default().to_owned(),
        })
    };
    let column = |position: usize| &own.contract.columns()[position];
    let mut broken = match rule {
        SetRule::Unique { columns } => repeated(&own.keys(&own.names(columns))?),
        SetRule::ForeignKey { columns, elsewhere } => {
            let other = other()?;
            let theirs = other.keys(&there(rule_id, own, columns, other, elsewhere)?)?;
            absent(&own.keys(&own.names(columns))?, theirs)
        }
        SetRule::Overlap { key, start, stop } => overlapping(
            &own.keys(&own.names(key))?,
            &own.numbers(column(*start).name())?,
            &own.numbers(column(*stop).name())?,
        ),
        SetRule::WithinEpisode {
            key,
            date,
            elsewhere,
            start,
            stop,
        } => {
            let other = other()?;
            let is_date = |column: &Column| *column.kind() == ColumnType::Date;
            let theirs = other.keys(&there(rule_id, own, key, other, elsewhere)?)?;
            let start = other.numbers(other.column(rule_id, start, is_date)?)?;
            let stop = other.numbers(other.column(rule_id, stop, is_date)?)?;
            outside(
                &own.keys(&own.names(key))?,
                &own.numbers(column(*date).name())?,
                &episodes(&theirs, &start, &stop),
            )
        }
        SetRule::CompareAcross {
            key,
            column: position,
            is,
            elsewhere,
            other: name,
        } => {
            let other = other()?;
            let fits = |theirs: &Column| column(*position).is_ordered_with(theirs);
            let theirs = other.keys(&there(rule_id, own, key, other, elsewhere)?)?;
            let values = other.numbers(other.column(rule_id, name, fits)?)?;
            contrary(
                &own.keys(&own.names(key))?,
                &own.numbers(column(*position).name())?,
                *is,
                &extremes(&theirs, &values),
            )
        }
        SetRule::RowCount { .. } | SetRule::Coverage { .. } | SetRule::Freshness { .. } => {
            Vec::new()
        }
    };
    broken.sort_unstable();
    broken.dedup();
    Ok(broken)
}

/// Names of the other extract's columns, which must fit one's own.
fn there<'o>(
    rule_id: &str,
    own: &Candidates<'_>,
    columns: &[usize],
    other: &Candidates<'o>,
    elsewhere: &Elsewhere,
) -> Result<Vec<&'o str>, IngestError> {
    let pairs = columns.iter().zip(&elsewhere.columns);
    let find = |(&position, name): (&usize, &String)| {
        let own = &own.contract.columns()[position];
        other.column(rule_id, name, |theirs| own.is_comparable_with(theirs))
    };
    pairs.map(find).collect()
}

/// Keys with their rows, sorted.
fn sorted(keys: &[Option<u128>]) -> Vec<(u128, usize)> {
    let rows = keys.iter().enumerate();
    let mut sorted: Vec<_> = rows.filter_map(|(row, key)| Some(((*key)?, row))).collect();
    sorted.sort_unstable();
    sorted
}

/// Every row whose key another row has.
fn repeated(keys: &[Option<u128>]) -> Vec<usize> {
    let sorted = sorted(keys);
    let groups = sorted.chunk_by(|a, b| a.0 == b.0);
    let repeated = groups.filter(|group| group.len() > 1).flatten();
    repeated.map(|&(_, row)| row).collect()
}

/// Every row whose key is none of theirs.
fn absent(keys: &[Option<u128>], theirs: Vec<Option<u128>>) -> Vec<usize> {
    let mut theirs: Vec<u128> = theirs.into_iter().flatten().collect();
    theirs.sort_unstable();
    theirs.dedup();
    let rows = keys.iter().enumerate();
    rows.filter_map(|(row, key)| {
        let key = (*key)?;
        theirs.binary_search(&key).is_err().then_some(row)
    })
    .collect()
}

/// Every row whose episode `[start, stop)` shares a day with another of its key.
fn overlapping(keys: &[Option<u128>], starts: &Int64Chunked, stops: &Int64Chunked) -> Vec<usize> {
    let mut episodes: Vec<(u128, i64, i64, usize)> = Vec::new();
    for (row, key) in keys.iter().enumerate() {
        if let (Some(key), Some(start)) = (*key, starts.get(row)) {
            let stop = stops.get(row).unwrap_or(i64::MAX);
            if start < stop {
                episodes.push((key, start, stop, row));
            }
        }
    }
    episodes.sort_unstable();
    let mut broken = Vec::new();
    for group in episodes.chunk_by(|a, b| a.0 == b.0) {
        // The episode that reaches furthest so far overlaps if any does.
        let mut furthest: Option<(i64, usize)> = None;
        for &(_, start, stop, row) in group {
            if let Some((reach, other)) = furthest
                && start < reach
            {
                broken.extend([row, other]);
            }
            if furthest.is_none_or(|(reach, _)| stop > reach) {
                furthest = Some((stop, row));
            }
        }
    }
    broken
}

/// Episodes `[start, stop)` by key, in order.
fn episodes(
    keys: &[Option<u128>],
    starts: &Int64Chunked,
    stops: &Int64Chunked,
) -> Vec<(u128, i64, i64)> {
    let rows = keys.iter().enumerate();
    let mut episodes: Vec<_> = rows
        .filter_map(|(row, key)| {
            Some((
                (*key)?,
                starts.get(row)?,
                stops.get(row).unwrap_or(i64::MAX),
            ))
        })
        .collect();
    episodes.sort_unstable();
    episodes
}

/// Every row whose day lies in no episode of its key.
fn outside(
    keys: &[Option<u128>],
    days: &Int64Chunked,
    episodes: &[(u128, i64, i64)],
) -> Vec<usize> {
    let mut broken = Vec::new();
    for (row, key) in keys.iter().enumerate() {
        let (Some(key), Some(day)) = (*key, days.get(row)) else {
            continue;
        };
        let first = episodes.partition_point(|episode| episode.0 < key);
        let of_key = episodes[first..]
            .iter()
            .take_while(|episode| episode.0 == key);
        let mut begun = of_key.take_while(|episode| episode.1 <= day);
        if !begun.any(|episode| day < episode.2) {
            broken.push(row);
        }
    }
    broken
}

/// Smallest and largest value by key, in order.
fn extremes(keys: &[Option<u128>], values: &Int64Chunked) -> Vec<(u128, i64, i64)> {
    let rows = keys.iter().enumerate();
    let mut all: Vec<(u128, i64)> = rows
        .filter_map(|(row, key)| Some(((*key)?, values.get(row)?)))
        .collect();
    all.sort_unstable();
    let groups = all.chunk_by(|a, b| a.0 == b.0);
    groups
        .map(|group| (group[0].0, group[0].1, group[group.len() - 1].1))
        .collect()
}

/// Every row whose value does not compare as it must with each of its key's.
fn contrary(
    keys: &[Option<u128>],
    values: &Int64Chunked,
    is: Comparison,
    theirs: &[(u128, i64, i64)],
) -> Vec<usize> {
    let mut broken = Vec::new();
    for (row, key) in keys.iter().enumerate() {
        let (Some(key), Some(value)) = (*key, values.get(row)) else {
            continue;
        };
        let Ok(found) = theirs.binary_search_by_key(&key, |entry| entry.0) else {
            continue;
        };
        let (_, smallest, largest) = theirs[found];
        let holds = is.holds(value.cmp(&smallest)) && is.holds(value.cmp(&largest));
        if !holds {
            broken.push(row);
        }
    }
    broken
}

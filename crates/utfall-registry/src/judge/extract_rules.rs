//! Rules about an extract as a whole: how many rows, which periods, how old.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};

use super::Breach;
use super::candidates::Candidates;
use crate::contract::{Every, SetRule, Share};
use crate::dates::{from_days, to_days};
use crate::ingest::{IngestError, ReadCounts};

/// The breaches of a rule.
pub(crate) fn judge(
    rule: &SetRule,
    own: &Candidates<'_>,
    counts: &ReadCounts,
) -> Result<Vec<Breach>, IngestError> {
    let column = |position: usize| own.contract.columns()[position].name();
    match rule {
        SetRule::RowCount {
            minimum,
            maximum,
            change,
        } => Ok(row_count(counts, *minimum, *maximum, *change)),
        SetRule::Coverage {
            column: position,
            every,
            from,
            until,
            by,
        } => {
            let days = own.numbers(column(*position))?;
            let groups = if by.is_empty() {
                vec![Some(0); days.len()]
            } else {
                own.keys(&own.names(by))?
            };
            let periods = periods(*every, *from, *until);
            let days = days
                .iter()
                .map(|day| day.and_then(|day| i32::try_from(day).ok()));
            let rows = groups.into_iter().zip(days).enumerate();
            let rows = rows.filter_map(|(row, (group, day))| Some((group?, day?, row)));
            Ok(gaps(&periods, *until, rows, by.is_empty(), counts))
        }
        SetRule::Freshness {
            newest,
            vintage_from,
        } => {
            let newest = match newest {
                None => None,
                Some((position, within)) => {
                    let days = own.numbers(column(*position))?;
                    let day = days
                        .iter()
                        .flatten()
                        .max()
                        .and_then(|day| i32::try_from(day).ok());
                    Some((day.map(from_days), *within))
                }
            };
            Ok(staleness(counts, newest, *vintage_from))
        }
        _ => Ok(Vec::new()),
    }
}

/// Deliveries, each the files of one vintage, from the earliest: its first file and its rows.
fn by_vintage(counts: &ReadCounts) -> Vec<(usize, u64)> {
    let mut vintages: BTreeMap<_, (usize, u64)> = BTreeMap::new();
    for (i, delivery) in counts.deliveries.iter().enumerate() {
        let entry = vintages.entry((delivery.vintage, delivery.status));
        entry.or_insert((i, 0)).1 += delivery.n_rows;
    }
    vintages.into_values().collect()
}

fn row_count(
    counts: &ReadCounts,
    minimum: Option<u64>,
    maximum: Option<u64>,
    change: Option<Share>,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut before = None;
    for (delivery, n_rows) in by_vintage(counts) {
        let mut tell = |note: String| {
            breaches.push(Breach {
                delivery,
                row: None,
                note,
            });
        };
        if let Some(minimum) = minimum
            && n_rows < minimum
        {
            tell(format!("{n_rows} rows, expected at least {minimum}"));
        }
        if let Some(maximum) = maximum
            && n_rows > maximum
        {
            tell(format!("{n_rows} rows, expected at most {maximum}"));
        }
        if let (Some(change), Some(before)) = (change, before)
            && change.is_exceeded(n_rows.abs_diff(before), before)
        {
            let most = String::from(change);
            tell(format!(
                "{n_rows} rows after {before}, expected a change of at most {most}"
            ));
        }
        before = Some(n_rows);
    }
    breaches
}

/// First days of the periods that touch `[from, until)`.
fn periods(every: Every, from: i32, until: i32) -> Vec<i32> {
    let first = from_days(from);
    let mut day = match every {
        Every::Day => first,
        Every::Week => {
            let since_monday = u64::from(first.weekday().num_days_from_monday());
            first
                .checked_sub_days(Days::new(since_monday))
                .unwrap_or(first)
        }
        Every::Month => first.with_day(1).unwrap_or(first),
        Every::Year => NaiveDate::from_ymd_opt(first.year(), 1, 1).unwrap_or(first),
    };
    let mut starts = Vec::new();
    while to_days(day) < until {
        starts.push(to_days(day));
        let next = match every {
            Every::Day => day.checked_add_days(Days::new(1)),
            Every::Week => day.checked_add_days(Days::new(7)),
            Every::Month => day.checked_add_months(Months::new(1)),
            Every::Year => day.checked_add_months(Months::new(12)),
        };
        match next {
            Some(next) => day = next,
            None => break,
        }
    }
    starts
}

/// One breach for each period that a group has no row in. Rows come as group, day and position;
/// a group is told by its first row, never by name.
fn gaps(
    periods: &[i32],
    until: i32,
    rows: impl Iterator<Item = (u128, i32, usize)>,
    is_whole: bool,
    counts: &ReadCounts,
) -> Vec<Breach> {
    let mut first_rows: BTreeMap<u128, usize> = BTreeMap::new();
    let mut met: Vec<(u128, usize)> = Vec::new();
    for (group, day, row) in rows {
        first_rows.entry(group).or_insert(row);
        let period = periods.partition_point(|&start| start <= day);
        if period > 0 && day < until {
            met.push((group, period - 1));
        }
    }
    met.sort_unstable();
    met.dedup();
    if is_whole && first_rows.is_empty() {
        first_rows.insert(0, usize::MAX);
    }
    let latest = by_vintage(counts)
        .last()
        .map_or(0, |(delivery, _)| *delivery);
    let mut breaches = Vec::new();
    for (group, row) in first_rows {
        let mut of_group = met[met.partition_point(|entry| entry.0 < group)..]
            .iter()
            .take_while(|entry| entry.0 == group)
            .map(|entry| entry.1)
            .peekable();
        for (period, &start) in periods.iter().enumerate() {
            if of_group.peek() == Some(&period) {
                of_group.next();
                continue;
            }
            let of = if is_whole { "" } else { " of this row's group" };
            breaches.push(Breach {
                delivery: latest,
                row: (!is_whole).then_some(row),
                note: format!("no row{of} in the period from {}", from_days(start)),
            });
        }
    }
    breaches
}

fn staleness(
    counts: &ReadCounts,
    newest: Option<(Option<NaiveDate>, utfall_core::Offset)>,
    vintage_from: Option<NaiveDate>,
) -> Vec<Breach> {
    let Some(&(latest, _)) = by_vintage(counts).last() else {
        return Vec::new();
    };
    let vintage = counts.deliveries[latest].vintage;
    let mut breaches = Vec::new();
    let mut tell = |note: String| {
        breaches.push(Breach {
            delivery: latest,
            row: None,
            note,
        });
    };
    if let Some((day, within)) = newest {
        let oldest = within.before(vintage).unwrap_or(NaiveDate::MIN);
        match day {
            None => tell("no date at all".to_owned()),
            Some(day) if day < oldest => tell(format!(
                "the newest date is {day}, expected {oldest} or later in a delivery of {vintage}"
            )),
            Some(_) => {}
        }
    }
    if let Some(from) = vintage_from
        && vintage < from
    {
        tell(format!(
            "the latest delivery is of {vintage}, expected {from} or later"
        ));
    }
    breaches
}

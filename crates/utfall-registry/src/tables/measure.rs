//! Measures: what is counted for each unit over a period, as exact tallies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_core::{Period, Tally};

use super::episodes::{Episode, cost, nights};
use super::scan::{Condition, RowQuery, SumQuery};
use super::{Extract, TableError, Tables, Units};
use crate::contract::ColumnType;
use crate::dates::to_days;
use crate::table_writer::StoredType;

/// A measurement on the rows of an extract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MeasureSpec {
    /// Its name in the plan.
    pub name: String,
    /// The extract.
    pub extract: String,
    /// Its column with the id of the unit or of a member.
    pub member: String,
    /// The date by which a row counts; episodes count by their start and stop instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What is measured.
    pub kind: MeasureKind,
    /// Which rows count; a row must meet all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub r#where: Vec<Filter>,
}

/// What is measured on the rows that count.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum MeasureKind {
    /// One column's sum over another's, of rows where both are there: absent of offered hours.
    Ratio {
        /// The column above the line.
        numerator: String,
        /// The column below the line.
        denominator: String,
    },
    /// The number of rows; no rows are zero.
    Count,
    /// A column's sum; no rows are zero.
    Sum {
        /// The column.
        column: String,
    },
    /// A column's mean over rows where it is there.
    Mean {
        /// The column.
        column: String,
    },
    /// The nights of a member that lie in at least one episode, `[start, stop)`; an episode
    /// without a stop is still open.
    Nights {
        /// First day of the episode.
        start: String,
        /// First day after the episode.
        stop: String,
    },
    /// What the nights of a member cost, each once, at the dearest tariff of the episodes that
    /// hold it.
    Cost {
        /// First day of the episode.
        start: String,
        /// First day after the episode.
        stop: String,
        /// The cost of one night.
        tariff: String,
    },
}

/// Rows whose column holds one of some values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Filter {
    /// The column.
    pub column: String,
    /// Its values in canonical form, such as `NARVARO`, `12.5` or `2024-01-31`.
    pub equals: Vec<String>,
}

impl MeasureSpec {
    /// Every column the measure reads.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = vec![self.member.as_str()];
        columns.extend(self.time.as_deref());
        columns.extend(self.r#where.iter().map(|filter| filter.column.as_str()));
        match &self.kind {
            MeasureKind::Ratio {
                numerator,
                denominator,
            } => columns.extend([numerator.as_str(), denominator]),
            MeasureKind::Count => {}
            MeasureKind::Sum { column } | MeasureKind::Mean { column } => columns.push(column),
            MeasureKind::Nights { start, stop } => columns.extend([start.as_str(), stop]),
            MeasureKind::Cost {
                start,
                stop,
                tariff,
            } => columns.extend([start.as_str(), stop, tariff]),
        }
        columns
    }
}

impl Tables {
    /// Measures every unit over a period, in the order of the units.
    ///
    /// Ratio and mean give sum and denominator, zero over zero where there was nothing to
    /// measure; the others give a value over one.
    pub(super) fn measure(
        &self,
        units: &Units,
        spec: &MeasureSpec,
        period: Period,
    ) -> Result<Vec<Tally>, TableError> {
        let extract = self.extract(&spec.extract)?;
        extract.text(&spec.member)?;
        let mut conditions = extract.conditions(&spec.r#where)?;
        match &spec.kind {
            MeasureKind::Nights { start, stop } => {
                overlapping(extract, spec, start, stop, period, &mut conditions)?;
                let episodes = self.episodes(spec, conditions, [start, stop].as_slice())?;
                per_member(units, &episodes, |episodes| Ok(nights(episodes, period)))
            }
            MeasureKind::Cost {
                start,
                stop,
                tariff,
            } => {
                overlapping(extract, spec, start, stop, period, &mut conditions)?;
                extract.number(tariff)?;
                let episodes = self.episodes(spec, conditions, [start, stop, tariff].as_slice())?;
                let too_large = || TableError::TooLarge {
                    extract: spec.extract.clone(),
                    column: tariff.clone(),
                };
                per_member(units, &episodes, |episodes| {
                    cost(episodes, period).ok_or_else(too_large)
                })
            }
            _ => {
                let time = spec.time.as_ref().ok_or_else(|| TableError::NoTime {
                    measure: spec.name.clone(),
                })?;
                extract.date(time)?;
                conditions.push(Condition::From(time.clone(), to_days(period.start())));
                conditions.push(Condition::Before(time.clone(), to_days(period.end())));
                self.sums(units, spec, conditions)
            }
        }
    }

    fn sums(
        &self,
        units: &Units,
        spec: &MeasureSpec,
        mut conditions: Vec<Condition>,
    ) -> Result<Vec<Tally>, TableError> {
        let extract = self.extract(&spec.extract)?;
        let columns: Vec<&str> = match &spec.kind {
            MeasureKind::Ratio {
                numerator,
                denominator,
            } => vec![numerator, denominator],
            MeasureKind::Sum { column } | MeasureKind::Mean { column } => vec![column],
            _ => Vec::new(),
        };
        for &column in &columns {
            extract.number(column)?;
            self.check_summable(&spec.extract, column)?;
            conditions.push(Condition::Present(column.to_owned()));
        }
        let query = SumQuery {
            table: &extract.table,
            group: &spec.member,
            conditions,
            sums: columns,
        };
        let divided = matches!(
            spec.kind,
            MeasureKind::Ratio { .. } | MeasureKind::Mean { .. }
        );
        let nothing = Tally {
            numerator: 0,
            denominator: i64::from(!divided),
        };
        let mut tallies = vec![nothing; units.len()];
        self.engine().sum(&query, &mut |id, n_rows, sums| {
            let Some(position) = units.position(id) else {
                return;
            };
            let tally = &mut tallies[position];
            let (numerator, denominator) = match (&spec.kind, sums) {
                (MeasureKind::Ratio { .. }, &[numerator, denominator]) => (numerator, denominator),
                (MeasureKind::Mean { .. }, &[sum]) => (sum, n_rows),
                (_, &[sum]) => (sum, 0),
                _ => (n_rows, 0),
            };
            // No overflow: the sum over all rows fits 64 bits.
            tally.numerator += numerator;
            tally.denominator += denominator;
        })?;
        Ok(tallies)
    }

    /// The episodes that meet all conditions, by member: start, stop and tariff.
    fn episodes(
        &self,
        spec: &MeasureSpec,
        conditions: Vec<Condition>,
        columns: &[&String],
    ) -> Result<BTreeMap<String, Vec<Episode>>, TableError> {
        let extract = self.extract(&spec.extract)?;
        let columns = columns.iter().map(|column| column.as_str()).collect();
        let query = RowQuery {
            table: &extract.table,
            id: &spec.member,
            conditions,
            columns,
        };
        let mut episodes: BTreeMap<String, Vec<Episode>> = BTreeMap::new();
        let mut n_without = 0;
        self.engine().numbers(&query, &mut |id, row| {
            let (Some(start), stop) = (row[0], row[1]) else {
                return;
            };
            let tariff = match row.get(2) {
                Some(Some(tariff)) => *tariff,
                Some(None) => {
                    n_without += 1;
                    return;
                }
                None => 1,
            };
            let episode = Episode {
                start,
                stop,
                tariff,
            };
            match episodes.get_mut(id) {
                Some(episodes) => episodes.push(episode),
                None => drop(episodes.insert(id.to_owned(), vec![episode])),
            }
        })?;
        if n_without > 0 {
            return Err(TableError::NoTariff {
                measure: spec.name.clone(),
                n_rows: n_without,
            });
        }
        Ok(episodes)
    }
}

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
        let name = filter.column.clone();
        if column.stored_type() == StoredType::Text {
            if let ColumnType::Code { codes } = column.kind()
                && let Some(value) = filter.equals.iter().find(|value| !codes.contains(value))
            {
                return Err(refused(value));
            }
            return Ok(Condition::TextAmong(name, filter.equals.clone()));
        }
        let number = |value: &String| column.canonical(value).ok_or_else(|| refused(value));
        let numbers = filter
            .equals
            .iter()
            .map(number)
            .collect::<Result<Vec<i64>, _>>()?;
        Ok(match column.stored_type() {
            StoredType::Date => {
                let days = numbers
                    .into_iter()
                    .filter_map(|days| i32::try_from(days).ok());
                Condition::DateAmong(name, days.collect())
            }
            _ => Condition::NumberAmong(name, numbers),
        })
    }
}

/// Adds that an episode overlaps a period.
fn overlapping(
    extract: &Extract,
    spec: &MeasureSpec,
    start: &str,
    stop: &str,
    period: Period,
    conditions: &mut Vec<Condition>,
) -> Result<(), TableError> {
    if spec.time.is_some() {
        return Err(TableError::NeedlessTime {
            measure: spec.name.clone(),
        });
    }
    extract.date(start)?;
    extract.date(stop)?;
    conditions.push(Condition::Before(start.to_owned(), to_days(period.end())));
    conditions.push(Condition::AfterOrOpen(
        stop.to_owned(),
        to_days(period.start()),
    ));
    Ok(())
}

/// Adds up over the members of each unit.
fn per_member(
    units: &Units,
    episodes: &BTreeMap<String, Vec<Episode>>,
    value: impl Fn(&[Episode]) -> Result<i64, TableError>,
) -> Result<Vec<Tally>, TableError> {
    let mut tallies = vec![
        Tally {
            numerator: 0,
            denominator: 1
        };
        units.len()
    ];
    for (id, episodes) in episodes {
        if let Some(position) = units.position(id) {
            let numerator = &mut tallies[position].numerator;
            *numerator = numerator.saturating_add(value(episodes)?);
        }
    }
    Ok(tallies)
}

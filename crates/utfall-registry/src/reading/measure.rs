//! Measures: exact tallies of what happened to each unit in a period.

use serde::{Deserialize, Serialize};
use utfall_core::{Period, Tally};

use crate::contract::DataContract;
use crate::dates::to_days;
use crate::reading::engine::{Condition, Embedded, Engine, Query};
use crate::reading::episodes::{Episode, cost, nights};
use crate::reading::tables::{Need, Tables, column};
use crate::reading::{TableError, Units};

/// A named measurement on the rows of an extract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MeasureSpec {
    /// The name that covariates, eligibility rules and effects use.
    pub name: String,
    /// The extract.
    pub extract: String,
    /// Its column with the id of the unit or member a row is about.
    pub member: String,
    /// Its column with the date that places a row in a window; episodes have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Which rows count; all conditions must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub r#where: Vec<Filter>,
    /// What is measured.
    pub kind: MeasureKind,
}

/// A condition on a text or code column. A missing value does not meet it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Filter {
    /// The column.
    pub column: String,
    /// The values that count.
    pub equals: Vec<String>,
}

/// What is measured, always as a whole numerator and denominator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum MeasureKind {
    /// Sum of one column over sum of another, over rows that have both.
    Ratio {
        /// The column above the line.
        numerator: String,
        /// The column below the line.
        denominator: String,
    },
    /// Rows, for each unit.
    Count,
    /// Sum of a column, for each unit.
    Sum {
        /// The column.
        column: String,
    },
    /// Sum of a column over the rows that have it.
    Mean {
        /// The column.
        column: String,
    },
    /// Nights in the period that at least one episode of a member covers.
    Nights {
        /// First day of an episode.
        start: String,
        /// First day after it; missing while it is open.
        stop: String,
    },
    /// What those nights cost, each once, at the dearest tariff of the episodes that cover it.
    ///
    /// A unit with an episode of unknown tariff in the period has an unknown cost.
    Cost {
        /// First day of an episode.
        start: String,
        /// First day after it; missing while it is open.
        stop: String,
        /// Price of a night.
        tariff: String,
    },
}

impl MeasureSpec {
    /// Checks that the contract of the extract has every column the measure needs, of its type.
    ///
    /// # Errors
    ///
    /// [`TableError`] naming the column, or the missing `time`.
    pub fn check(&self, contract: &DataContract) -> Result<(), TableError> {
        let needs = self.needs()?;
        needs.into_iter().try_for_each(|(name, need)| need.check(&self.extract, column(contract, name)?))
    }

    /// Every column the measure reads.
    pub(crate) fn columns(&self) -> Result<impl Iterator<Item = &str>, TableError> {
        Ok(self.needs()?.into_iter().map(|(name, _)| name))
    }

    /// Every column the measure reads, with what it must be.
    fn needs(&self) -> Result<Vec<(&str, Need)>, TableError> {
        let mut needs = vec![(self.member.as_str(), Need::Text)];
        needs.extend(self.r#where.iter().map(|filter| (filter.column.as_str(), Need::Text)));
        match &self.kind {
            MeasureKind::Ratio { numerator, denominator } => {
                needs.extend([(numerator.as_str(), Need::Number), (denominator.as_str(), Need::Number)]);
                needs.push((self.time()?, Need::Date));
            }
            MeasureKind::Count => needs.push((self.time()?, Need::Date)),
            MeasureKind::Sum { column } | MeasureKind::Mean { column } => {
                needs.extend([(column.as_str(), Need::Number), (self.time()?, Need::Date)]);
            }
            MeasureKind::Nights { start, stop } => {
                needs.extend([(start.as_str(), Need::Date), (stop.as_str(), Need::Date)]);
            }
            MeasureKind::Cost { start, stop, tariff } => {
                needs.extend([(start.as_str(), Need::Date), (stop.as_str(), Need::Date)]);
                needs.push((tariff.as_str(), Need::Number));
            }
        }
        Ok(needs)
    }

    fn time(&self) -> Result<&str, TableError> {
        self.time.as_deref().ok_or_else(|| TableError::NoTime { measure: self.name.clone() })
    }

    fn overflow(&self) -> TableError {
        TableError::Overflow { measure: self.name.clone() }
    }
}

/// Measures every unit over a period. Tallies are in the measure's unit: decimals are already in
/// the denominator.
pub(crate) fn measure(
    tables: &Tables,
    units: &Units,
    spec: &MeasureSpec,
    period: &Period,
) -> Result<Vec<Tally>, TableError> {
    for (name, need) in spec.needs()? {
        need.check(&spec.extract, tables.column(&spec.extract, name)?)?;
    }
    match &spec.kind {
        MeasureKind::Ratio { numerator, denominator } => {
            let present = [numerator, denominator];
            let tallies = totals(tables, units, spec, period, &present, |sums, _| (sums[0], sums[1]))?;
            let shift = decimals(tables, spec, numerator)? - decimals(tables, spec, denominator)?;
            in_unit(spec, tallies, shift)
        }
        MeasureKind::Count => totals(tables, units, spec, period, &[], |_, n_rows| (n_rows, 0)).map(for_each_unit),
        MeasureKind::Sum { column } => {
            let tallies = totals(tables, units, spec, period, &[column], |sums, _| (sums[0], 0))?;
            in_unit(spec, for_each_unit(tallies), decimals(tables, spec, column)?)
        }
        MeasureKind::Mean { column } => {
            let tallies = totals(tables, units, spec, period, &[column], |sums, n_rows| (sums[0], n_rows))?;
            in_unit(spec, tallies, decimals(tables, spec, column)?)
        }
        MeasureKind::Nights { start, stop } => {
            let of_members = episodes(tables, units, spec, period, [start, stop], None)?;
            by_unit(spec, units, of_members, |episodes| nights(&episodes, period))
        }
        MeasureKind::Cost { start, stop, tariff } => {
            let of_members = episodes(tables, units, spec, period, [start, stop], Some(tariff))?;
            let tallies = by_unit(spec, units, of_members, |episodes| cost(&episodes, period))?;
            in_unit(spec, tallies, decimals(tables, spec, tariff)?)
        }
    }
}

/// Sums and counts of each unit's rows in the period.
fn totals(
    tables: &Tables,
    units: &Units,
    spec: &MeasureSpec,
    period: &Period,
    columns: &[&String],
    take: impl Fn(&[i64], i64) -> (i64, i64),
) -> Result<Vec<Tally>, TableError> {
    let mut query = query(tables, spec)?;
    query.filters.push(Condition::DateIn {
        column: spec.time()?.to_owned(),
        start: to_days(period.start()),
        end: to_days(period.end()),
    });
    query.filters.extend(columns.iter().map(|column| Condition::Present { column: (*column).clone() }));
    let columns: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    let mut tallies = vec![Tally::default(); units.len()];
    for member in Embedded.totals(&query, &columns)? {
        let Some(position) = units.position(&spec.member, &member.member) else { continue };
        let (numerator, denominator) = take(&member.sums, member.n_rows);
        let tally = &mut tallies[position];
        tally.numerator = tally.numerator.checked_add(numerator).ok_or_else(|| spec.overflow())?;
        tally.denominator = tally.denominator.checked_add(denominator).ok_or_else(|| spec.overflow())?;
    }
    Ok(tallies)
}

fn query(tables: &Tables, spec: &MeasureSpec) -> Result<Query, TableError> {
    let filters = spec.r#where.iter();
    Ok(Query {
        table: tables.file(&spec.extract)?.to_owned(),
        filters: filters
            .map(|filter| Condition::OneOf { column: filter.column.clone(), texts: filter.equals.clone() })
            .collect(),
        member: spec.member.clone(),
    })
}

/// One of everything for each unit: a count or sum is measured on everyone.
fn for_each_unit(mut tallies: Vec<Tally>) -> Vec<Tally> {
    for tally in &mut tallies {
        tally.denominator = 1;
    }
    tallies
}

fn decimals(tables: &Tables, spec: &MeasureSpec, column: &str) -> Result<i32, TableError> {
    Ok(i32::from(tables.column(&spec.extract, column)?.decimals()))
}

/// Moves `shift` decimals of the numerator into the denominator.
fn in_unit(spec: &MeasureSpec, mut tallies: Vec<Tally>, shift: i32) -> Result<Vec<Tally>, TableError> {
    let factor = 10_i64.checked_pow(shift.unsigned_abs()).ok_or_else(|| spec.overflow())?;
    for tally in &mut tallies {
        let moved = if shift >= 0 { &mut tally.denominator } else { &mut tally.numerator };
        *moved = moved.checked_mul(factor).ok_or_else(|| spec.overflow())?;
    }
    Ok(tallies)
}

/// Episodes of each member that reach into the period, the members in the order of unit and id.
fn episodes(
    tables: &Tables,
    units: &Units,
    spec: &MeasureSpec,
    period: &Period,
    [start, stop]: [&String; 2],
    tariff: Option<&String>,
) -> Result<Vec<(usize, Vec<Episode>)>, TableError> {
    let mut query = query(tables, spec)?;
    query.filters.push(Condition::DateBefore { column: start.clone(), day: to_days(period.end()) });
    query.filters.push(Condition::DateAfterOrMissing { column: stop.clone(), day: to_days(period.start()) });
    let columns: Vec<&str> = [start.as_str(), stop.as_str()].into_iter().chain(tariff.map(String::as_str)).collect();
    let rows = Embedded.rows(&query, &columns)?;
    let (members, starts, stops) = (rows.texts(0)?, rows.days(1)?, rows.days(2)?);
    let tariffs = tariff.map(|_| rows.integers(3)).transpose()?;
    let mut found: Vec<(usize, &str, Episode)> = Vec::new();
    for row in 0..members.len() {
        let (Some(member), Some(start)) = (members[row], starts[row]) else { continue };
        let Some(position) = units.position(&spec.member, member) else { continue };
        let tariff = tariffs.as_ref().map_or(Some(1), |tariffs| tariffs[row]);
        found.push((position, member, Episode { start, stop: stops[row], tariff }));
    }
    found.sort_unstable();
    let same_member = |a: &(usize, &str, Episode), b: &(usize, &str, Episode)| (a.0, a.1) == (b.0, b.1);
    let of_member = |group: &[(usize, &str, Episode)]| (group[0].0, group.iter().map(|row| row.2).collect());
    Ok(found.chunk_by(same_member).map(of_member).collect())
}

/// Adds up members to units; a unit with a member that cannot be measured is missing.
fn by_unit(
    spec: &MeasureSpec,
    units: &Units,
    of_members: Vec<(usize, Vec<Episode>)>,
    value: impl Fn(Vec<Episode>) -> Option<i64>,
) -> Result<Vec<Tally>, TableError> {
    let mut tallies = vec![Tally { numerator: 0, denominator: 1 }; units.len()];
    for (position, episodes) in of_members {
        match value(episodes) {
            Some(value) => {
                let sum = tallies[position].numerator.checked_add(value);
                tallies[position].numerator = sum.ok_or_else(|| spec.overflow())?;
            }
            None => tallies[position].denominator = 0,
        }
    }
    Ok(tallies)
}

//! The tables as they stood on the index date.

use chrono::NaiveDate;
use utfall_core::{Period, Tally};

use crate::dates::{from_days, to_days};
use crate::reading::engine::{Condition, Embedded, Engine};
use crate::reading::measure::{Filter, MeasureSpec, measure};
use crate::reading::tables::{Need, Tables, Value};
use crate::reading::units::all_rows;
use crate::reading::{TableError, Units, attribute};

/// The tables as they stood on the index date: the only view a cohort is formed from.
///
/// No window reaches beyond the index date, a date on or after it reads as absent (on that day
/// nobody knew it), and a column that its contract declares an outcome is refused.
#[derive(Debug, Clone, Copy)]
pub struct Baseline<'a> {
    tables: &'a Tables,
    units: &'a Units,
    index_date: NaiveDate,
}

impl<'a> Baseline<'a> {
    /// The view of some tables on an index date.
    #[must_use]
    pub fn new(tables: &'a Tables, units: &'a Units, index_date: NaiveDate) -> Self {
        Self { tables, units, index_date }
    }

    /// Measures every unit over a period that ends by the index date.
    ///
    /// # Errors
    ///
    /// [`TableError::AfterIndexDate`] for a later period, otherwise whatever is wrong with the
    /// measure.
    pub fn measure(&self, spec: &MeasureSpec, period: Period) -> Result<Vec<Tally>, TableError> {
        self.check_period(&period)?;
        for name in spec.columns()? {
            self.check_column(&spec.extract, name)?;
        }
        measure(self.tables, self.units, spec, &period)
    }

    /// The value of a column for each unit, keyed by the id in `member`.
    ///
    /// # Errors
    ///
    /// [`TableError::SeveralValues`] if rows of one unit disagree, otherwise whatever is wrong
    /// with the columns.
    pub fn attribute(&self, extract: &str, member: &str, column: &str) -> Result<Vec<Option<Value>>, TableError> {
        self.check_column(extract, column)?;
        let known = |value: &Value| !matches!(value, Value::Date(date) if *date >= self.index_date);
        let values = attribute::attribute(self.tables, self.units, extract, member, column)?;
        Ok(values.into_iter().map(|value| value.filter(known)).collect())
    }

    /// Whether an episode of each unit covers the index date.
    ///
    /// # Errors
    ///
    /// [`TableError`] if a column is missing or of another type.
    pub fn covers(&self, extract: &str, member: &str, start: &str, stop: &str) -> Result<Vec<bool>, TableError> {
        for (name, need) in [(member, Need::Text), (start, Need::Date), (stop, Need::Date)] {
            need.check(extract, self.check_column(extract, name)?)?;
        }
        let day = to_days(self.index_date);
        let mut query = all_rows(self.tables, extract, member)?;
        query.filters.push(Condition::DateBefore { column: start.to_owned(), day: day + 1 });
        query.filters.push(Condition::DateAfterOrMissing { column: stop.to_owned(), day });
        let mut covered = vec![false; self.units.len()];
        for id in Embedded.rows(&query, &[])?.texts(0)?.into_iter().flatten() {
            if let Some(position) = self.units.position(member, id) {
                covered[position] = true;
            }
        }
        Ok(covered)
    }

    /// The first date of each unit in a period that ends by the index date, over the rows that meet
    /// all conditions.
    ///
    /// # Errors
    ///
    /// As [`Baseline::measure`].
    pub fn first_date(
        &self,
        extract: &str,
        member: &str,
        time: &str,
        filters: &[Filter],
        period: Period,
    ) -> Result<Vec<Option<NaiveDate>>, TableError> {
        self.check_period(&period)?;
        for (name, need) in [(member, Need::Text), (time, Need::Date)] {
            need.check(extract, self.check_column(extract, name)?)?;
        }
        let mut query = all_rows(self.tables, extract, member)?;
        let (start, end) = (to_days(period.start()), to_days(period.end()));
        query.filters.push(Condition::DateIn { column: time.to_owned(), start, end });
        for filter in filters {
            Need::Text.check(extract, self.check_column(extract, &filter.column)?)?;
            query.filters.push(Condition::OneOf { column: filter.column.clone(), texts: filter.equals.clone() });
        }
        let rows = Embedded.rows(&query, &[time])?;
        let mut first: Vec<Option<i32>> = vec![None; self.units.len()];
        for (id, day) in rows.texts(0)?.into_iter().zip(rows.days(1)?) {
            let (Some(id), Some(day)) = (id, day) else { continue };
            let Some(position) = self.units.position(member, id) else { continue };
            first[position] = Some(first[position].map_or(day, |earlier| earlier.min(day)));
        }
        Ok(first.into_iter().map(|day| day.map(from_days)).collect())
    }

    fn check_period(&self, period: &Period) -> Result<(), TableError> {
        if period.end() <= self.index_date {
            return Ok(());
        }
        Err(TableError::AfterIndexDate { end: period.end(), index_date: self.index_date })
    }

    fn check_column(&self, extract: &str, name: &str) -> Result<&'a crate::contract::Column, TableError> {
        let column = self.tables.column(extract, name)?;
        if column.is_outcome() {
            return Err(TableError::OutcomeColumn { extract: extract.to_owned(), column: name.to_owned() });
        }
        Ok(column)
    }
}

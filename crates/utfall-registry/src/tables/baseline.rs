//! The tables as they were on the index date.

use chrono::NaiveDate;
use utfall_core::{Period, Tally};

use super::{Filter, MeasureSpec, TableError, Tables, Units, Value};
use crate::contract::{Column, ColumnType};
use crate::dates::{from_days, to_days};
use crate::relation::{Aggregate, Condition, Value as Cell};

/// Tables seen from the index date: no period reaches beyond it, later dates are absent, and
/// columns that hold outcomes cannot be read.
#[derive(Debug, Clone, Copy)]
pub struct Baseline<'a> {
    tables: &'a Tables,
    units: &'a Units,
    index_date: NaiveDate,
}

impl<'a> Baseline<'a> {
    /// The tables seen from `index_date`.
    #[must_use]
    pub fn new(tables: &'a Tables, units: &'a Units, index_date: NaiveDate) -> Self {
        Self {
            tables,
            units,
            index_date,
        }
    }

    /// Measures every unit over a period before the index date, in the order of the units.
    ///
    /// Ratios and means are zero over zero where there was nothing to measure; other kinds are a
    /// value over one.
    ///
    /// # Errors
    ///
    /// [`TableError::AfterIndexDate`] if the period ends after the index date; [`TableError`] if
    /// the measure does not fit its extract.
    pub fn measure(&self, measure: &MeasureSpec, period: Period) -> Result<Vec<Tally>, TableError> {
        self.check(period)?;
        self.tables.measure(self.units, measure, period)
    }

    /// As [`Tables::scale`].
    ///
    /// # Errors
    ///
    /// As [`Tables::scale`].
    pub fn scale(&self, measure: &MeasureSpec) -> Result<f64, TableError> {
        self.tables.scale(measure)
    }

    /// A column's value for every unit, `None` where there is no row, no value or a date after
    /// the index date.
    ///
    /// # Errors
    ///
    /// [`TableError::OutcomeColumn`] if the contract says that the column holds an outcome,
    /// [`TableError::SeveralValues`] if a unit has rows of different values; [`TableError`] if
    /// the columns do not fit the extract.
    pub fn attribute(
        &self,
        extract: &str,
        member: &str,
        column: &str,
    ) -> Result<Vec<Option<Value>>, TableError> {
        let table = self.tables.extract(extract)?;
        table.text(member)?;
        let found = table.column(column)?;
        if found.is_outcome() {
            let (extract, column) = (extract.to_owned(), column.to_owned());
            return Err(TableError::OutcomeColumn { extract, column });
        }
        let columns = [(member, "@member"), (column, "@value")];
        let question = table
            .scan(&columns)?
            .filter(vec![
                Condition::present("@member"),
                Condition::present("@value"),
            ])
            .group(&["@member", "@value"], Vec::new());
        let mut attribute = Attribute::new(self.units, self.index_date);
        self.tables.run(&question, &mut |row| match *row {
            [Cell::Text(id), Cell::Text(text)] => {
                attribute.add(id, Some(Value::Text(text.to_owned())))
            }
            [Cell::Text(id), Cell::Integer(value)] => attribute.add(id, self.value(found, value)),
            _ => {}
        })?;
        match attribute.n_several() {
            0 => Ok(attribute.values),
            n_units => Err(TableError::SeveralValues {
                extract: extract.to_owned(),
                column: column.to_owned(),
                n_units,
            }),
        }
    }

    /// Whether an episode covers the index date: it has started and not stopped.
    ///
    /// # Errors
    ///
    /// [`TableError`] if the columns do not fit the extract.
    pub fn covers(
        &self,
        extract: &str,
        member: &str,
        start: &str,
        stop: &str,
    ) -> Result<Vec<bool>, TableError> {
        let table = self.tables.extract(extract)?;
        table.text(member)?;
        table.date(start)?;
        table.date(stop)?;
        let index = to_days(self.index_date);
        let columns = [(member, "@member"), (start, "@start"), (stop, "@stop")];
        let question = table
            .scan(&columns)?
            .filter(vec![
                Condition::present("@member"),
                Condition::before("@start", index.saturating_add(1)),
                Condition::after_or_open("@stop", index),
            ])
            .group(&["@member"], Vec::new());
        let mut covered = vec![false; self.units.len()];
        self.tables.run(&question, &mut |row| {
            if let Some(position) = row[0].text().and_then(|id| self.position(id)) {
                covered[position] = true;
            }
        })?;
        Ok(covered)
    }

    /// The first date in a period for every unit, of rows that pass the filters.
    ///
    /// # Errors
    ///
    /// [`TableError::AfterIndexDate`] if the period ends after the index date; [`TableError`] if
    /// the columns or filters do not fit the extract.
    pub fn first_date(
        &self,
        extract: &str,
        member: &str,
        time: &str,
        filters: &[Filter],
        period: Period,
    ) -> Result<Vec<Option<NaiveDate>>, TableError> {
        self.check(period)?;
        let table = self.tables.extract(extract)?;
        table.text(member)?;
        table.date(time)?;
        let mut columns = vec![(member, "@member"), (time, "@time")];
        let mut filtered: Vec<&str> = filters
            .iter()
            .map(|filter| filter.column.as_str())
            .collect();
        filtered.sort_unstable();
        filtered.dedup();
        columns.extend(filtered.into_iter().map(|name| (name, name)));
        let mut conditions = table.conditions(filters)?;
        conditions.extend([
            Condition::present("@member"),
            Condition::from("@time", to_days(period.start())),
            Condition::before("@time", to_days(period.end())),
        ]);
        let question = table
            .scan(&columns)?
            .filter(conditions)
            .group(&["@member"], vec![Aggregate::minimum("@first", "@time")]);
        let mut first: Vec<Option<i64>> = vec![None; self.units.len()];
        self.tables.run(&question, &mut |row| {
            if let Some(position) = row[0].text().and_then(|id| self.position(id)) {
                first[position] = [first[position], row[1].integer()]
                    .into_iter()
                    .flatten()
                    .min();
            }
        })?;
        Ok(first.into_iter().map(|days| days.and_then(date)).collect())
    }

    /// The unit that an id stands for on the index date.
    fn position(&self, id: &str) -> Option<usize> {
        self.units.position_on(id, Units::day(self.index_date))
    }

    fn check(&self, period: Period) -> Result<(), TableError> {
        if period.end() > self.index_date {
            return Err(TableError::AfterIndexDate {
                period,
                index_date: self.index_date,
            });
        }
        Ok(())
    }

    fn value(&self, column: &Column, value: i64) -> Option<Value> {
        match column.kind() {
            ColumnType::Date => date(value)
                .filter(|date| *date <= self.index_date)
                .map(Value::Date),
            ColumnType::Decimal { decimals } => Some(Value::Decimal {
                units: value,
                decimals: *decimals,
            }),
            _ => Some(Value::Integer(value)),
        }
    }
}

fn date(days: i64) -> Option<NaiveDate> {
    i32::try_from(days).ok().map(from_days)
}

/// Values of units, as they are met.
struct Attribute<'a> {
    units: &'a Units,
    day: i64,
    values: Vec<Option<Value>>,
    several: Vec<bool>,
}

impl<'a> Attribute<'a> {
    fn new(units: &'a Units, index_date: NaiveDate) -> Self {
        Self {
            units,
            day: Units::day(index_date),
            values: vec![None; units.len()],
            several: vec![false; units.len()],
        }
    }

    fn add(&mut self, id: &str, value: Option<Value>) {
        let (Some(position), Some(value)) = (self.units.position_on(id, self.day), value) else {
            return;
        };
        match &self.values[position] {
            Some(earlier) if *earlier != value => self.several[position] = true,
            _ => self.values[position] = Some(value),
        }
    }

    fn n_several(&self) -> usize {
        self.several.iter().filter(|several| **several).count()
    }
}

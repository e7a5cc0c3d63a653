//! Calendars: which days count, such as the days on which there is school.

use std::num::NonZeroU32;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_core::Period;

use super::{Filter, TableError, Tables};
use crate::dates::{from_days, to_days};
use crate::relation::Condition;

/// The days of an extract that count.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CalendarSpec {
    /// Its name in the plan.
    pub name: String,
    /// The extract, one row for each day that counts.
    pub extract: String,
    /// Its column with the day.
    pub day: String,
    /// Which rows count.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// The days it knows about: in here, a day that is not listed does not count. A question
    /// beyond is refused.
    pub covers: Period,
    /// Extracts that are fully reported so many days of this calendar after the fact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lag: Vec<CalendarLag>,
}

/// How late an extract is reported, in days of a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CalendarLag {
    /// The extract.
    pub extract: String,
    /// Days of the calendar.
    pub days: NonZeroU32,
}

/// A calendar that was read.
#[derive(Debug)]
pub(crate) struct Calendar {
    name: String,
    covers: Period,
    /// In order, each once.
    days: Vec<i64>,
    lag: Vec<CalendarLag>,
}

impl CalendarSpec {
    /// Every column the calendar reads.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let filters = self.filters.iter().map(|filter| filter.column.as_str());
        std::iter::once(self.day.as_str()).chain(filters).collect()
    }
}

impl Tables {
    /// The same tables with some calendars.
    ///
    /// # Errors
    ///
    /// [`TableError`] if a calendar does not fit its extract.
    pub fn with_calendars(mut self, specs: &[CalendarSpec]) -> Result<Self, TableError> {
        for spec in specs {
            let calendar = self.read_calendar(spec)?;
            self.calendars.insert(spec.name.clone(), calendar);
        }
        Ok(self)
    }

    fn read_calendar(&self, spec: &CalendarSpec) -> Result<Calendar, TableError> {
        let extract = self.extract(&spec.extract)?;
        extract.date(&spec.day)?;
        let mut columns = vec![(spec.day.as_str(), "@day")];
        let mut filtered: Vec<&str> = spec.columns().split_off(1);
        filtered.sort_unstable();
        filtered.dedup();
        columns.extend(filtered.into_iter().map(|name| (name, name)));
        let mut conditions = extract.conditions(&spec.filters)?;
        conditions.extend([
            Condition::from("@day", to_days(spec.covers.start())),
            Condition::before("@day", to_days(spec.covers.end())),
        ]);
        let question = extract
            .scan(&columns)?
            .filter(conditions)
            .group(&["@day"], Vec::new());
        let mut days = Vec::new();
        self.run(&question, &mut |row| days.extend(row[0].integer()))?;
        days.sort_unstable();
        Ok(Calendar {
            name: spec.name.clone(),
            covers: spec.covers,
            days,
            lag: spec.lag.clone(),
        })
    }

    /// The days of a calendar, which knows about all of a period; `None` if none is named.
    pub(super) fn calendar(
        &self,
        name: Option<&str>,
        period: Period,
    ) -> Result<Option<&[i64]>, TableError> {
        let Some(name) = name else {
            return Ok(None);
        };
        let calendar = self
            .calendars
            .get(name)
            .ok_or_else(|| TableError::UnknownCalendar {
                calendar: name.to_owned(),
                known: self.calendars.keys().cloned().collect(),
            })?;
        let covers = calendar.covers;
        if period.start() < covers.start() || covers.end() < period.end() {
            return Err(TableError::OutsideCalendar {
                calendar: calendar.name.clone(),
                covers,
                period,
            });
        }
        Ok(Some(&calendar.days))
    }
}

impl Calendar {
    /// The first day that may not be fully reported in a delivery of `vintage`, if the calendar
    /// says so of this extract: so many of its days lie from there up to the delivery. A calendar
    /// that does not reach as far back, or not up to the delivery, answers with the first date
    /// there is.
    pub(super) fn reported_before(&self, extract: &str, vintage: NaiveDate) -> Option<NaiveDate> {
        let lag = self.lag.iter().find(|lag| lag.extract == extract)?;
        if vintage > self.covers.end() {
            return Some(NaiveDate::MIN);
        }
        let vintage = i64::from(to_days(vintage));
        let before = self.days.partition_point(|&day| day < vintage);
        let first = before.checked_sub(lag.days.get() as usize);
        let day = first.and_then(|first| i32::try_from(self.days[first]).ok());
        Some(day.map_or(NaiveDate::MIN, from_days))
    }
}

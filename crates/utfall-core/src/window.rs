//! Half-open windows in time, stated relative to an index date.

use std::fmt;
use std::str::FromStr;

use chrono::{Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// A span before or after an index date, such as `-12 months`, `0 days` or `90 days`.
///
/// Months are calendar months; the day of the month is clamped at a month's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offset {
    count: i32,
    unit: OffsetUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OffsetUnit {
    Days,
    Months,
    Years,
}

/// A half-open window `[start, end)` relative to an index date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First day in the window.
    pub start: Offset,
    /// First day after the window.
    pub end: Offset,
}

/// A half-open span of dates, `[start, end)`, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    start: NaiveDate,
    end: NaiveDate,
}

/// Why a window is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// The text is no offset.
    #[error(
        "`{text}` is no offset, expected a whole number and a unit such as `-12 months`, `0 days` or `2 years`"
    )]
    Offset {
        /// What was written.
        text: String,
    },
    /// The window holds no day.
    #[error(
        "the window from {start} to {end} holds no day: its end is the first day after it and lies after its start"
    )]
    Empty {
        /// First day.
        start: NaiveDate,
        /// First day after.
        end: NaiveDate,
    },
    /// The date lies outside the calendar.
    #[error("{offset} from {date} lies outside the calendar")]
    OutsideCalendar {
        /// The offset applied.
        offset: Offset,
        /// The date it was applied to.
        date: NaiveDate,
    },
}

impl Offset {
    /// No time at all.
    pub const ZERO: Self = Self {
        count: 0,
        unit: OffsetUnit::Days,
    };

    /// The date this far from `date`.
    ///
    /// # Errors
    ///
    /// [`WindowError::OutsideCalendar`] if no such date exists.
    pub fn from(self, date: NaiveDate) -> Result<NaiveDate, WindowError> {
        let size = self.count.unsigned_abs();
        let back = self.count < 0;
        let moved = match self.unit {
            OffsetUnit::Days if back => date.checked_sub_days(Days::new(size.into())),
            OffsetUnit::Days => date.checked_add_days(Days::new(size.into())),
            OffsetUnit::Months if back => date.checked_sub_months(Months::new(size)),
            OffsetUnit::Months => date.checked_add_months(Months::new(size)),
            OffsetUnit::Years if back => {
                date.checked_sub_months(Months::new(size.saturating_mul(12)))
            }
            OffsetUnit::Years => date.checked_add_months(Months::new(size.saturating_mul(12))),
        };
        moved.ok_or(WindowError::OutsideCalendar { offset: self, date })
    }
}

impl Offset {
    /// Whether it is no time at all, in whatever unit.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.count == 0
    }

    /// This far, so many times.
    #[must_use]
    pub fn times(self, n: i32) -> Self {
        Self {
            count: self.count.saturating_mul(n),
            unit: self.unit,
        }
    }

    /// The date that lies this far before `date`.
    ///
    /// # Errors
    ///
    /// [`WindowError::OutsideCalendar`] if no such date exists.
    pub fn before(self, date: NaiveDate) -> Result<NaiveDate, WindowError> {
        Self {
            count: self.count.saturating_neg(),
            unit: self.unit,
        }
        .from(date)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            OffsetUnit::Days => "days",
            OffsetUnit::Months => "months",
            OffsetUnit::Years => "years",
        };
        write!(f, "{} {unit}", self.count)
    }
}

impl FromStr for Offset {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(' ').and_then(|(count, unit)| {
            let unit = match unit {
                "day" | "days" => OffsetUnit::Days,
                "month" | "months" => OffsetUnit::Months,
                "year" | "years" => OffsetUnit::Years,
                _ => return None,
            };
            Some(Self {
                count: count.parse().ok()?,
                unit,
            })
        });
        parsed.ok_or_else(|| WindowError::Offset {
            text: text.to_owned(),
        })
    }
}

impl TryFrom<String> for Offset {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Offset> for String {
    fn from(offset: Offset) -> Self {
        offset.to_string()
    }
}

impl Window {
    /// The dates of this window around an index date.
    ///
    /// # Errors
    ///
    /// [`WindowError::Empty`] if the window holds no day, [`WindowError::OutsideCalendar`] if it
    /// reaches beyond the calendar.
    pub fn around(&self, index_date: NaiveDate) -> Result<Period, WindowError> {
        Period::new(self.start.from(index_date)?, self.end.from(index_date)?)
    }
}

impl Period {
    /// The dates from `start` up to but not including `end`.
    ///
    /// # Errors
    ///
    /// [`WindowError::Empty`] if that is no day at all.
    pub fn new(start: NaiveDate, end: NaiveDate) -> Result<Self, WindowError> {
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(WindowError::Empty { start, end })
        }
    }

    /// First day in the period.
    #[must_use]
    pub fn start(&self) -> NaiveDate {
        self.start
    }

    /// First day after the period.
    #[must_use]
    pub fn end(&self) -> NaiveDate {
        self.end
    }

    /// Number of days.
    #[must_use]
    pub fn days(&self) -> i64 {
        (self.end - self.start).num_days()
    }

    /// Whether a date lies in the period.
    #[must_use]
    pub fn contains(&self, date: NaiveDate) -> bool {
        self.start <= date && date < self.end
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_half_open_around_its_index_date() {
        let window = Window {
            start: "-12 months".parse().unwrap(),
            end: "0 days".parse().unwrap(),
        };
        let period = window.around(date("2024-09-01")).unwrap();
        assert!(period.contains(date("2023-09-01")));
        assert!(period.contains(date("2024-08-31")));
        assert!(!period.contains(date("2024-09-01")));
    }

    #[test]
    fn months_are_clamped_at_a_months_end() {
        let offset: Offset = "1 month".parse().unwrap();
        assert_eq!(offset.from(date("2024-01-31")), Ok(date("2024-02-29")));
    }

    #[test]
    fn an_empty_window_is_refused() {
        let window = Window {
            start: Offset::ZERO,
            end: Offset::ZERO,
        };
        assert!(matches!(
            window.around(date("2024-09-01")),
            Err(WindowError::Empty { .. })
        ));
    }

    #[test]
    fn a_unit_that_is_no_unit_is_named() {
        let error = "12 moons".parse::<Offset>().unwrap_err();
        assert!(error.to_string().contains("`12 moons`"));
    }
}

//! The dates of a world: everything is placed around its index date, 1 September of one year.

use chrono::{Datelike, Days, Months, NaiveDate};
use utfall_stats::draws::Stream;

/// Months of absence before and after the index date.
pub(crate) const BASELINE_MONTHS: usize = 12;
/// Months of absence in all.
pub(crate) const MONTHS: usize = 24;

/// School days from January to December.
const SCHOOL_DAYS: [i64; 12] = [16, 15, 21, 15, 20, 8, 0, 9, 21, 21, 17, 14];

/// The calendar around an index date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calendar {
    index_date: NaiveDate,
}

/// A half-open span of days, `[start, end)`; empty where `end <= start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: NaiveDate,
    pub(crate) end: NaiveDate,
}

impl Span {
    pub(crate) fn days(self) -> i64 {
        (self.end - self.start).num_days().max(0)
    }

    /// What of the span lies before `exit`.
    pub(crate) fn until(self, exit: Option<NaiveDate>) -> Self {
        Self {
            start: self.start,
            end: exit.map_or(self.end, |exit| exit.min(self.end)),
        }
    }

    /// A uniform day of a span that holds at least one.
    pub(crate) fn any_day(self, draws: &mut Stream) -> NaiveDate {
        self.start + Days::new(draws.below(self.days().unsigned_abs().max(1)))
    }
}

impl Calendar {
    /// The calendar around 1 September of `year`; `None` outside the calendar.
    pub(crate) fn new(year: i32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, 9, 1).map(|index_date| Self { index_date })
    }

    pub(crate) fn index_date(self) -> NaiveDate {
        self.index_date
    }

    pub(crate) fn index_year(self) -> i32 {
        self.index_date.year()
    }

    /// The span from `from` to `to` months relative to the index date.
    pub(crate) fn months(self, from: i32, to: i32) -> Span {
        Span {
            start: self.shifted(from),
            end: self.shifted(to),
        }
    }

    /// First day of month `i` of 24.
    pub(crate) fn month(self, i: usize) -> NaiveDate {
        self.shifted(i32::try_from(i).unwrap_or(0) - 12)
    }

    /// Days on which a referral starts the programme: the three months before the index date.
    pub(crate) fn referral_window(self) -> Span {
        self.months(-3, 0)
    }

    /// When the first deliveries of registers that arrive twice were made.
    pub(crate) fn first_vintage(self) -> NaiveDate {
        self.shifted(12) + Days::new(14)
    }

    /// When the registers were complete for a follow-up of twelve months.
    pub(crate) fn second_vintage(self) -> NaiveDate {
        self.shifted(15)
    }

    /// When the registers were complete for a follow-up of 24 months.
    pub(crate) fn late_vintage(self) -> NaiveDate {
        self.shifted(27)
    }

    fn shifted(self, months: i32) -> NaiveDate {
        let size = Months::new(months.unsigned_abs());
        if months < 0 {
            self.index_date - size
        } else {
            self.index_date + size
        }
    }
}

/// A day whose parts are known to exist: the day is at most the 28th.
pub(crate) fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day.min(28)).unwrap_or_default()
}

/// School days in the month of a date.
pub(crate) fn school_days(month: NaiveDate) -> i64 {
    SCHOOL_DAYS[month.month0() as usize]
}

/// The year in which the school year of a date began; July belongs to the year that ended.
pub(crate) fn school_year(date: NaiveDate) -> i32 {
    if date.month() >= 8 {
        date.year()
    } else {
        date.year() - 1
    }
}

/// The earlier of two exits, where there is any.
pub(crate) fn earliest(a: Option<NaiveDate>, b: Option<NaiveDate>) -> Option<NaiveDate> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_months_run_from_a_year_before_to_a_year_after_the_index_date() {
        let calendar = Calendar::new(2023).unwrap();
        assert_eq!(calendar.month(0), day(2022, 9, 1));
        assert_eq!(calendar.month(BASELINE_MONTHS), calendar.index_date());
        assert_eq!(calendar.month(MONTHS - 1), day(2024, 8, 1));
    }

    #[test]
    fn vintages_follow_the_periods_they_report() {
        let calendar = Calendar::new(2023).unwrap();
        assert_eq!(calendar.first_vintage(), day(2024, 9, 15));
        assert_eq!(calendar.second_vintage(), day(2024, 12, 1));
        assert_eq!(calendar.late_vintage(), day(2025, 12, 1));
        assert_eq!(calendar.months(0, 24).days(), 731);
    }
}

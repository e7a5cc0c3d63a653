//! Dates as the tables store them: days since 1970-01-01.

use chrono::{Days, NaiveDate};

/// Days from 1970-01-01 to a date.
pub(crate) fn to_days(date: NaiveDate) -> i32 {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

/// The date this many days from 1970-01-01, or the calendar's end if it lies beyond.
pub(crate) fn from_days(days: i32) -> NaiveDate {
    let size = Days::new(u64::from(days.unsigned_abs()));
    let epoch = NaiveDate::default();
    if days < 0 {
        epoch.checked_sub_days(size).unwrap_or(NaiveDate::MIN)
    } else {
        epoch.checked_add_days(size).unwrap_or(NaiveDate::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_comes_back_from_its_days() {
        for days in [-719_162, -1, 0, 1, 19_967, 2_932_896] {
            assert_eq!(to_days(from_days(days)), days);
        }
        assert_eq!(from_days(19_967).to_string(), "2024-09-01");
    }
}

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

/// A moment since 1970-01-01, in units of which a day has so many, as text.
pub(crate) fn moment_text(units: i64, per_day: i64) -> String {
    let day = i32::try_from(units.div_euclid(per_day)).map_or(NaiveDate::MAX, from_days);
    let second = units.rem_euclid(per_day) / (per_day / 86_400).max(1);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{day}T{hour:02}:{minute:02}:{:02}", second % 60)
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

    #[test]
    fn a_moment_has_its_day_and_time() {
        assert_eq!(
            moment_text(19_967 * 86_400 + 3_723, 86_400),
            "2024-09-01T01:02:03"
        );
        assert_eq!(moment_text(-1, 86_400_000), "1969-12-31T23:59:59");
    }
}

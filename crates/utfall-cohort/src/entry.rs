//! When units enter: all on one day, each at its own, or comparators from before the programme.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_core::{Offset, Period};

use crate::CohortError;

/// Further days than the plan's index date on which units enter.
///
/// Rules, windows and treatment are judged anew on every day, from what was known then, and follow-up
/// runs from it. A unit is in the cohort once for each day on which it enters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Entry {
    /// A sequence of trials: whoever is treated enters at the first day on which it is, and is nobody's
    /// comparator from then on; a comparator enters at every day before it is treated, if it ever is.
    ///
    /// Hernán & Robins (2016), <https://doi.org/10.1093/aje/kwv254>; Li, Propert & Rosenbaum (2001) on
    /// matching with those at risk, <https://doi.org/10.1198/016214501753208573>.
    Staggered {
        /// Days before the index date.
        earlier: Vec<Offset>,
    },
    /// The same with a day for each: whoever is referred enters on the day after its first referral that
    /// counts, whatever day that is, and comparators on every such day before they are referred.
    ///
    /// A referral counts in the treatment's window, which therefore ends on the day of entry and says how
    /// far back somebody counts as referred before: such a unit enters neither as treated nor as a
    /// comparator. A unit is judged once for each day on which anybody enters, so time and memory grow with
    /// units times days.
    AtReferral {
        /// The first day of entry, before the index date. The index date is the last, whether or not
        /// anybody was referred the day before.
        since: Offset,
    },
    /// The treated enter at the index date, comparators at an earlier day, when nobody was offered the
    /// programme. Whoever is treated at the index date is no comparator of anyone.
    Historical {
        /// The day before the index date.
        earlier: Offset,
    },
}

impl Entry {
    /// The rule of the funnel by which a unit enters on one of the days and not on another.
    pub(crate) fn rule(&self) -> String {
        match self {
            Self::Staggered { .. } => "not treated at an earlier index date".to_owned(),
            Self::AtReferral { .. } => "not referred before".to_owned(),
            Self::Historical { .. } => {
                "treated at the index date, or a comparator from before who never was".to_owned()
            }
        }
    }
}

/// A day on which units enter, and who does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryDay {
    pub(crate) date: NaiveDate,
    pub(crate) who: Who,
}

/// Who enters on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Everyone,
    /// Those referred the day before, and those never referred until then.
    NewlyReferred,
    Treated,
    Comparators,
}

/// The name of the attribute that holds the day a unit entered.
pub const INDEX_DATE: &str = "index-date";

/// The days on which units enter, from the first. `referred` gives the days of the referrals that count
/// in a period, for entry at referral.
pub(crate) fn days(
    entry: Option<&Entry>,
    index_date: NaiveDate,
    referred: impl FnOnce(Period) -> Result<Vec<NaiveDate>, CohortError>,
) -> Result<Vec<EntryDay>, CohortError> {
    let day = |date, who| EntryDay { date, who };
    let earlier = |offset: Offset| -> Result<NaiveDate, CohortError> {
        let date = offset.from(index_date)?;
        if date < index_date {
            Ok(date)
        } else {
            Err(CohortError::EntryTooLate { date, index_date })
        }
    };
    Ok(match entry {
        None => vec![day(index_date, Who::Everyone)],
        Some(Entry::Historical { earlier: offset }) => vec![
            day(earlier(*offset)?, Who::Comparators),
            day(index_date, Who::Treated),
        ],
        Some(Entry::Staggered { earlier: offsets }) => {
            let dates = offsets.iter().map(|offset| earlier(*offset));
            let mut dates: Vec<NaiveDate> = dates.collect::<Result<_, _>>()?;
            dates.push(index_date);
            dates.sort_unstable();
            dates.dedup();
            let days = dates.into_iter().map(|date| day(date, Who::Everyone));
            days.collect()
        }
        Some(Entry::AtReferral { since }) => {
            let dates = referred(Period::new(day_before(earlier(*since)?), index_date)?)?;
            let mut days: Vec<NaiveDate> = dates.iter().filter_map(NaiveDate::succ_opt).collect();
            days.push(index_date);
            days.sort_unstable();
            days.dedup();
            let days = days.into_iter();
            days.map(|date| day(date, Who::NewlyReferred)).collect()
        }
    })
}

/// The day on which those who enter on `date` were referred, where they enter at referral.
pub(crate) fn day_before(date: NaiveDate) -> NaiveDate {
    date.pred_opt().unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_come_in_order_and_once_and_none_after_the_index_date() {
        let index_date = date("2023-09-01");
        let offset = |text: &str| text.parse::<Offset>().unwrap();
        let staggered = Entry::Staggered {
            earlier: vec![
                offset("-1 months"),
                offset("-3 months"),
                offset("-1 months"),
            ],
        };
        let nobody = |_: Period| Ok(Vec::new());
        let dates: Vec<NaiveDate> = days(Some(&staggered), index_date, nobody)
            .unwrap()
            .iter()
            .map(|day| day.date)
            .collect();
        assert_eq!(
            dates,
            [date("2023-06-01"), date("2023-08-01"), date("2023-09-01")]
        );
        let late = Entry::Historical {
            earlier: offset("1 months"),
        };
        assert!(matches!(
            days(Some(&late), index_date, nobody),
            Err(CohortError::EntryTooLate { .. })
        ));
    }

    #[test]
    fn entry_at_referral_has_the_day_after_each_referral_once() {
        let index_date = date("2023-09-01");
        let since: Offset = "-3 months".parse().unwrap();
        let referred = |period: Period| {
            assert_eq!(period.start(), date("2023-05-31"));
            assert_eq!(period.end(), index_date);
            Ok(["2023-07-04", "2023-05-31", "2023-07-04"]
                .map(date)
                .to_vec())
        };
        let found = days(Some(&Entry::AtReferral { since }), index_date, referred).unwrap();
        let found: Vec<NaiveDate> = found.iter().map(|day| day.date).collect();
        assert_eq!(found, [date("2023-06-01"), date("2023-07-05"), index_date]);
    }
}

//! Sustainment clocks: the day on which a state has lasted long enough.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::card::{Holidays, Sustained};
use crate::claim::Spell;

/// What holidays do to a sustainment clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HolidayRule {
    /// They count as other days do.
    Counted,
    /// They pass over: not counted towards the days, nor towards an interruption.
    Paused,
}

/// The days on which the milestone is reached, in order: one for each time the clock ran out.
///
/// The clock counts the days of the person's spells in the state. An interruption of at most `gap_days`
/// stops it; a longer one sets it back to zero. A day counted ends the milestone at that day's close, so a
/// state held from the 1st for 10 days is sustained on the 10th. After it has run out the clock goes on
/// only from a reset: one unbroken tenancy is one milestone, however long.
///
/// A day counts once, however many spells cover it. `until` is the last day known about: open spells
/// are counted up to and including it, and nothing after it.
pub(crate) fn milestones(
    spells: &[&Spell],
    rule: &Sustained,
    holidays: &Holidays,
    until: NaiveDate,
) -> Vec<NaiveDate> {
    let mut reached = Vec::new();
    let mut clock = Clock::default();
    let mut next: Option<NaiveDate> = None;
    for (start, end) in joined(spells, until) {
        if let Some(left) = next
            && gap(left, start, rule, holidays) > rule.gap_days
        {
            clock = Clock::default();
        }
        let mut day = start;
        while day < end {
            if rule.holidays == HolidayRule::Counted || !holidays.contains(day) {
                clock.n_days += 1;
                if clock.n_days >= rule.days && !clock.has_run_out {
                    clock.has_run_out = true;
                    reached.push(day);
                }
            }
            let Some(following) = day.checked_add_days(Days::new(1)) else {
                break;
            };
            day = following;
        }
        next = Some(end);
    }
    reached
}

#[derive(Default)]
struct Clock {
    n_days: u32,
    has_run_out: bool,
}

/// Days from `left` up to `start` that interrupt.
fn gap(left: NaiveDate, start: NaiveDate, rule: &Sustained, holidays: &Holidays) -> u32 {
    let days = left.iter_days().take_while(|day| *day < start);
    let days = days.filter(|day| rule.holidays == HolidayRule::Counted || !holidays.contains(*day));
    u32::try_from(days.count()).unwrap_or(u32::MAX)
}

/// Half-open spans that the spells cover, in order and without overlap, up to and including `until`.
fn joined(spells: &[&Spell], until: NaiveDate) -> Vec<(NaiveDate, NaiveDate)> {
    let after = until.succ_opt().unwrap_or(until);
    let mut spans: Vec<(NaiveDate, NaiveDate)> = spells
        .iter()
        .map(|spell| (spell.start, spell.end.unwrap_or(after).min(after)))
        .filter(|(start, end)| start < end)
        .collect();
    spans.sort_unstable();
    let mut joined: Vec<(NaiveDate, NaiveDate)> = Vec::with_capacity(spans.len());
    for (start, end) in spans {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn rule(days: u32, gap_days: u32, holidays: HolidayRule) -> Sustained {
        Sustained {
            state: "tenancy".to_owned(),
            days,
            gap_days,
            holidays,
        }
    }

    fn reached(
        spans: &[(&str, Option<&str>)],
        rule: &Sustained,
        holidays: &Holidays,
    ) -> Vec<String> {
        let spells: Vec<Spell> = spans
            .iter()
            .map(|(start, end)| Spell {
                person: "p".to_owned(),
                state: "tenancy".to_owned(),
                start: day(start),
                end: end.map(day),
            })
            .collect();
        let spells: Vec<&Spell> = spells.iter().collect();
        let days = milestones(&spells, rule, holidays, day("2024-12-31"));
        days.iter().map(NaiveDate::to_string).collect()
    }

    #[test]
    fn a_tenancy_lost_at_80_days_starts_again() {
        let ninety = rule(90, 0, HolidayRule::Counted);
        let lost = ("2024-01-01", Some("2024-03-21")); // 80 days
        let none = Holidays::default();
        assert!(reached(&[lost], &ninety, &none).is_empty());
        let again = [lost, ("2024-04-01", None)];
        assert_eq!(reached(&again, &ninety, &none), ["2024-06-29"]);
        let next_day = [lost, ("2024-03-21", None)];
        assert_eq!(reached(&next_day, &ninety, &none), ["2024-03-30"]);
    }

    #[test]
    fn a_short_gap_stops_the_clock_and_a_long_one_resets_it() {
        let ten = rule(10, 3, HolidayRule::Counted);
        let none = Holidays::default();
        let short = [("2024-01-01", Some("2024-01-06")), ("2024-01-09", None)];
        assert_eq!(reached(&short, &ten, &none), ["2024-01-13"]);
        let long = [("2024-01-01", Some("2024-01-06")), ("2024-01-10", None)];
        assert_eq!(reached(&long, &ten, &none), ["2024-01-19"]);
    }

    #[test]
    fn holidays_neither_count_nor_interrupt_where_they_pause() {
        let holidays = Holidays::of(day("2024-01-04").iter_days().take(3)); // 4th to 6th
        let paused = rule(10, 0, HolidayRule::Paused);
        assert_eq!(
            reached(&[("2024-01-01", None)], &paused, &holidays),
            ["2024-01-13"]
        );
        let around = [("2024-01-01", Some("2024-01-04")), ("2024-01-07", None)];
        assert_eq!(reached(&around, &paused, &holidays), ["2024-01-13"]);
        let counted = rule(10, 0, HolidayRule::Counted);
        assert_eq!(reached(&around, &counted, &holidays), ["2024-01-16"]);
    }

    #[test]
    fn one_unbroken_state_is_one_milestone_and_overlaps_count_once() {
        let ten = rule(10, 0, HolidayRule::Counted);
        let none = Holidays::default();
        let overlapping = [("2024-01-01", Some("2024-01-08")), ("2024-01-05", None)];
        assert_eq!(reached(&overlapping, &ten, &none), ["2024-01-10"]);
        let twice = [("2024-01-01", Some("2024-02-01")), ("2024-03-01", None)];
        assert_eq!(reached(&twice, &ten, &none), ["2024-01-10", "2024-03-10"]);
    }
}

//! The mean cumulative number of events of a person, and its error when persons have several.
//!
//! The mean itself is Nelson and Aalen's cumulative hazard ([`super::kaplan_meier`]); with several
//! events for a person its usual error is wrong, and that from influences summed over the person is
//! right whatever the dependence.
//!
//! Lawless & Nadeau (1995), <https://doi.org/10.1080/00401706.1995.10484300>.

use utfall_stats::moments::count;

use super::{Durations, check_durations};
use crate::{EffectError, Grouping};

/// The standard error of the cumulative hazard of some rows at each of `times`, persons independent:
/// the infinitesimal jackknife, as R's `survfit` with `id` has it.
///
/// `persons` groups all rows of `data`, of which `rows` are counted.
///
/// # Errors
///
/// Those of [`check_durations`].
pub fn mean_cumulative_error(
    data: &Durations<'_>,
    rows: &[usize],
    persons: &Grouping,
    times: &[f64],
) -> Result<Vec<f64>, EffectError> {
    check_durations(data)?;
    let events = risk_by_time(data, rows);
    // Σ d / n² up to each time of events.
    let mut spread = 0.0;
    let sums: Vec<f64> = events
        .iter()
        .map(|&(_, n, d)| {
            spread += d / (n * n);
            spread
        })
        .collect();
    let until = |time: f64| {
        let place = events.partition_point(|event| event.0 <= time);
        place.checked_sub(1).map_or(0.0, |entry| sums[entry])
    };
    let error = |&time: &f64| {
        let mut of_person = vec![0.0; persons.n_groups()];
        for &row in rows {
            let start = data.start.map_or(0.0, |start| until(start[row].min(time)));
            let mut value = start - until(data.stop[row].min(time));
            if data.event[row] && data.stop[row] <= time {
                let place = events.partition_point(|event| event.0 < data.stop[row]);
                value += 1.0 / events[place].1;
            }
            of_person[persons.codes()[row]] += value;
        }
        of_person
            .iter()
            .map(|value| value * value)
            .sum::<f64>()
            .sqrt()
    };
    Ok(times.iter().map(error).collect())
}

/// Times of events with rows at risk and events.
fn risk_by_time(data: &Durations<'_>, rows: &[usize]) -> Vec<(f64, f64, f64)> {
    let sorted = |values: Vec<f64>| {
        let mut values = values;
        values.sort_by(f64::total_cmp);
        values
    };
    let events = sorted(
        rows.iter()
            .filter(|&&row| data.event[row])
            .map(|&row| data.stop[row])
            .collect(),
    );
    let stops = sorted(rows.iter().map(|&row| data.stop[row]).collect());
    let starts = data
        .start
        .map(|start| sorted(rows.iter().map(|&row| start[row]).collect()));
    let mut times = events.clone();
    times.dedup();
    let before = |values: &[f64], time: f64| values.partition_point(|&value| value < time);
    let upto = |values: &[f64], time: f64| values.partition_point(|&value| value <= time);
    times
        .into_iter()
        .map(|time| {
            let entered = starts
                .as_ref()
                .map_or(rows.len(), |starts| before(starts, time));
            let at_risk = entered - before(&stops, time);
            let number = upto(&events, time) - before(&events, time);
            (time, count(at_risk), count(number))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_persons_with_one_event_each_agree_with_hand() {
        // At 1: n = 2, d = 1; at 2: n = 1, d = 1. Influences 1/2 - 1/4 and -1/4 + (1 - 1).
        let data = Durations {
            start: None,
            stop: &[1.0, 2.0],
            event: &[true, true],
        };
        let persons = Grouping::of(&[0, 1]);
        let found = mean_cumulative_error(&data, &[0, 1], &persons, &[0.5, 1.0, 2.0]).unwrap();
        assert!(found[0].abs() < 1e-15);
        assert!((found[1] - 0.125_f64.sqrt()).abs() < 1e-15);
        assert!((found[2] - 0.125_f64.sqrt()).abs() < 1e-15);
    }
}

//! Rows under observation from after `start` until `stop`, and who is at risk when.

use std::ops::Range;

use crate::EffectError;
use crate::regression::check_finite;

/// Rows with the time that observation ends, and whether with the event.
#[derive(Debug, Clone, Copy)]
pub struct Durations<'a> {
    /// When observation starts; a row is at risk after it, not at it. `None` for time zero.
    pub start: Option<&'a [f64]>,
    /// When it ends.
    pub stop: &'a [f64],
    /// Whether it ends with the event.
    pub event: &'a [bool],
}

/// Refuses times that are not finite, are negative without a start, or end before they start, and
/// samples without an event.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::TimeNotPositive`] and
/// [`EffectError::NoEvents`].
pub fn check_durations(rows: &Durations<'_>) -> Result<(), EffectError> {
    let n = rows.stop.len();
    check_finite("time", rows.stop, n)?;
    if rows.event.len() != n {
        return Err(EffectError::LengthMismatch {
            what: "event",
            found: rows.event.len(),
            expected: n,
        });
    }
    if let Some(start) = rows.start {
        check_finite("start", start, n)?;
    }
    let wrong = |row: &usize| {
        rows.start.map_or(rows.stop[*row] < 0.0, |start| {
            rows.stop[*row] <= start[*row]
        })
    };
    if let Some(row) = (0..n).find(wrong) {
        return Err(EffectError::TimeNotPositive { row });
    }
    if rows.event.iter().any(|&event| event) {
        Ok(())
    } else {
        Err(EffectError::NoEvents)
    }
}

/// Rows in an order in which those at risk are one run of leavers less one run of entrants, so that
/// sums over them are carried along as time runs backwards.
#[derive(Debug)]
pub(super) struct RiskOrder {
    /// Rows, the last to leave first; at one time those with the event first.
    pub(super) leaving: Vec<usize>,
    /// Places in `leaving`, the last to enter first; empty where all are there from the beginning.
    pub(super) entering: Vec<usize>,
    /// Times at which events happen, the last first.
    pub(super) moments: Vec<Moment>,
}

/// A time at which events happen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moment {
    pub(super) time: f64,
    /// Places of its events in `leaving`.
    pub(super) events: Range<usize>,
    /// Rows that leave at the time or later come before this place in `leaving`.
    pub(super) until: usize,
    /// Of these, rows that have not entered by then: so many of `entering`.
    pub(super) absent: usize,
}

impl RiskOrder {
    pub(super) fn of(data: &Durations<'_>, rows: &[usize]) -> Self {
        let stop = |row: usize| data.stop[row];
        let mut leaving = rows.to_vec();
        leaving.sort_unstable_by(|&a, &b| {
            stop(b)
                .total_cmp(&stop(a))
                .then(data.event[b].cmp(&data.event[a]))
                .then(a.cmp(&b))
        });
        let entry = |place: &usize| data.start.map_or(0.0, |start| start[leaving[*place]]);
        let mut entering: Vec<usize> = if data.start.is_some() {
            (0..leaving.len()).collect()
        } else {
            Vec::new()
        };
        entering.sort_unstable_by(|a, b| entry(b).total_cmp(&entry(a)).then(a.cmp(b)));
        let mut moments = Vec::new();
        let (mut place, mut absent) = (0, 0);
        while let Some(&row) = leaving.get(place) {
            let time = stop(row);
            let from = place;
            let here = |row: &usize| stop(*row).total_cmp(&time).is_eq();
            let n_here = leaving[from..].iter().take_while(|row| here(row)).count();
            place += n_here;
            let n_events = leaving[from..place]
                .iter()
                .take_while(|&&row| data.event[row])
                .count();
            if n_events == 0 {
                continue;
            }
            absent += entering[absent..]
                .iter()
                .take_while(|place| entry(place) >= time)
                .count();
            moments.push(Moment {
                time,
                events: from..from + n_events,
                until: place,
                absent,
            });
        }
        Self {
            leaving,
            entering,
            moments,
        }
    }

    /// Visits the moments, the last first: `join` is given the places that have come to be at risk
    /// since the moment before, `part` those that are no longer, each place once.
    pub(super) fn backwards<S>(
        &self,
        state: &mut S,
        mut join: impl FnMut(&mut S, usize),
        mut part: impl FnMut(&mut S, usize),
        mut at: impl FnMut(&mut S, &Moment),
    ) {
        let (mut place, mut absent) = (0, 0);
        for moment in &self.moments {
            (place..moment.until).for_each(|place| join(state, place));
            let gone = &self.entering[absent..moment.absent];
            gone.iter().for_each(|&place| part(state, place));
            (place, absent) = (moment.until, moment.absent);
            at(state, moment);
        }
    }

    /// Places of rows at risk at a moment, in order.
    pub(super) fn at_risk(&self, moment: &Moment) -> Vec<usize> {
        let mut is_absent = vec![false; moment.until];
        for &place in &self.entering[..moment.absent] {
            is_absent[place] = true;
        }
        (0..moment.until)
            .filter(|&place| !is_absent[place])
            .collect()
    }
}

//! Rows under observation from after `start` until `stop`.

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

impl Durations<'_> {
    /// Distinct times of events among some rows, in order.
    pub(super) fn event_times(&self, rows: &[usize]) -> Vec<f64> {
        let mut times: Vec<f64> = rows
            .iter()
            .filter(|&&row| self.event[row])
            .map(|&row| self.stop[row])
            .collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        times
    }

    pub(super) fn is_at_risk(&self, row: usize, time: f64) -> bool {
        self.stop[row] >= time && self.start.is_none_or(|start| start[row] < time)
    }

    pub(super) fn ends_at(&self, row: usize, time: f64) -> bool {
        self.event[row] && self.stop[row].total_cmp(&time).is_eq()
    }
}

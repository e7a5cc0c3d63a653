//! Kaplan and Meier's survival curve, with Greenwood's error, intervals, quantiles and restricted
//! means.
//!
//! Kaplan & Meier (1958), <https://doi.org/10.1080/01621459.1958.10501452>; Uno et al. (2014) on
//! restricted means, <https://doi.org/10.1200/JCO.2014.55.2208>.

use serde::{Deserialize, Serialize};
use utfall_stats::elementary::{asin, exp, log, pow, sin};
use utfall_stats::moments::count;

use super::{Durations, check_durations};
use crate::EffectError;

/// On which scale an interval of a survival probability is symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurveInterval {
    /// Its own.
    Plain,
    /// Its logarithm (R's `survfit`).
    Log,
    /// The logarithm of the cumulative hazard (Stata, lifelines).
    LogLog,
    /// Its log odds.
    Logit,
    /// The arcsine of its root.
    Arcsin,
}

/// A survival curve, one entry for each time at which observation of a row ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// Times.
    pub time: Vec<f64>,
    /// Rows at risk.
    pub n_risk: Vec<usize>,
    /// Events.
    pub n_event: Vec<usize>,
    /// Probability of no event up to and at the time.
    pub survival: Vec<f64>,
    /// Its standard error over itself (Greenwood).
    pub relative_error: Vec<f64>,
    /// Nelson and Aalen's cumulative hazard.
    pub hazard: Vec<f64>,
    /// Its standard error.
    pub hazard_error: Vec<f64>,
}

/// Estimates the curve of some rows.
///
/// # Errors
///
/// Those of [`check_durations`].
pub fn kaplan_meier(data: &Durations<'_>, rows: &[usize]) -> Result<Curve, EffectError> {
    check_durations(data)?;
    let mut ends: Vec<(f64, bool)> = rows
        .iter()
        .map(|&row| (data.stop[row], data.event[row]))
        .collect();
    ends.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut entries: Vec<f64> = data.start.map_or_else(Vec::new, |start| {
        rows.iter().map(|&row| start[row]).collect()
    });
    entries.sort_unstable_by(f64::total_cmp);
    let mut curve = Curve::default();
    let (mut survival, mut greenwood, mut hazard, mut of_hazard) = (1.0, 0.0, 0.0, 0.0);
    let (mut n_left, mut n_entered) = (0, 0);
    for here in ends.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let time = here[0].0;
        let entered = entries[n_entered..].iter();
        n_entered += entered.take_while(|&&entry| entry < time).count();
        let n_absent = entries.len() - n_entered;
        let at_risk = ends.len() - n_left - n_absent;
        let events = here.iter().filter(|(_, event)| *event).count();
        n_left += here.len();
        let (n, d) = (count(at_risk), count(events));
        if events > 0 {
            survival *= (n - d) / n;
            greenwood += d / (n * (n - d));
            hazard += d / n;
            of_hazard += d / (n * n);
        }
        curve.time.push(time);
        curve.n_risk.push(at_risk);
        curve.n_event.push(events);
        curve.survival.push(survival);
        curve.relative_error.push(greenwood.sqrt());
        curve.hazard.push(hazard);
        curve.hazard_error.push(of_hazard.sqrt());
    }
    Ok(curve)
}

impl Curve {
    /// The entry in force at a time; `None` before the first.
    #[must_use]
    pub fn place(&self, time: f64) -> Option<usize> {
        self.time
            .partition_point(|&known| known <= time)
            .checked_sub(1)
    }

    /// Interval of the survival at an entry, `reach` normal quantiles wide; NaN where it is not
    /// defined.
    #[must_use]
    pub fn interval(&self, entry: usize, kind: CurveInterval, reach: f64) -> (f64, f64) {
        let (s, e) = (self.survival[entry], self.relative_error[entry]);
        if s >= 1.0 {
            return (1.0, 1.0);
        }
        if s <= 0.0 {
            return (f64::NAN, f64::NAN);
        }
        let both = |f: &dyn Fn(f64) -> f64| (f(-reach), f(reach));
        match kind {
            CurveInterval::Plain => both(&|z| (s + z * s * e).clamp(0.0, 1.0)),
            CurveInterval::Log => both(&|z| (s * exp(z * e)).min(1.0)),
            CurveInterval::LogLog => both(&|z| pow(s, exp(z * e / log(s)))),
            CurveInterval::Logit => both(&|z| {
                let logit = log(s / (1.0 - s)) + z * e / (1.0 - s);
                1.0 - 1.0 / (1.0 + exp(logit))
            }),
            CurveInterval::Arcsin => both(&|z| {
                let angle = asin(s.sqrt()) + 0.5 * z * e * (s / (1.0 - s)).sqrt();
                let sine = sin(angle.clamp(0.0, std::f64::consts::FRAC_PI_2));
                sine * sine
            }),
        }
    }

    /// The first time at which a curve has fallen to a level; halfway along where it lies flat on the
    /// level. `None` if it never does.
    #[must_use]
    pub fn first_at(&self, values: &[f64], level: f64) -> Option<f64> {
        let slack = 1e-9;
        let first = values.iter().position(|&value| value <= level + slack)?;
        if (values[first] - level).abs() > slack {
            return Some(self.time[first]);
        }
        let below = values.iter().position(|&value| value < level - slack);
        Some(0.5 * (self.time[first] + below.map_or(self.time[first], |entry| self.time[entry])))
    }

    /// The mean time without the event up to `tau`, and its standard error.
    #[must_use]
    pub fn restricted_mean(&self, tau: f64) -> (f64, f64) {
        let (mut area, mut last, mut level) = (0.0, 0.0, 1.0);
        let mut ends = Vec::new();
        for (entry, &time) in self
            .time
            .iter()
            .enumerate()
            .filter(|(_, time)| **time <= tau)
        {
            area += level * (time - last);
            (last, level) = (time, self.survival[entry]);
            ends.push((entry, area));
        }
        area += level * (tau - last);
        let variance: f64 = ends
            .iter()
            .map(|&(entry, before)| {
                let (n, d) = (count(self.n_risk[entry]), count(self.n_event[entry]));
                if n > d {
                    (area - before) * (area - before) * d / (n * (n - d))
                } else {
                    0.0
                }
            })
            .sum();
        (area, variance.sqrt())
    }
}

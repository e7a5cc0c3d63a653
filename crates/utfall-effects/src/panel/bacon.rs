//! What a two-way fixed-effects estimate is made of: every two-by-two comparison, with its weight.
//!
//! Goodman-Bacon (2021), <https://doi.org/10.1016/j.jeconom.2021.03.014>.

use utfall_stats::moments::{count, mean};

use crate::regression::check_finite;
use crate::times::ranks;
use crate::{EffectError, Grouping};

/// One two-by-two comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// When the treated start.
    pub treated: f64,
    /// When the comparators start; infinite for never.
    pub untreated: f64,
    /// Its difference-in-differences.
    pub estimate: f64,
    /// Its weight; all add to one.
    pub weight: f64,
}

impl Comparison {
    /// What kind it is: `treated-untreated`, `earlier-later`, `later-earlier` or, where the comparators
    /// are treated throughout, `later-always`.
    #[must_use]
    pub fn kind(&self, first: f64) -> &'static str {
        if self.untreated.is_infinite() {
            "treated-untreated"
        } else if self.untreated <= first {
            "later-always"
        } else if self.treated < self.untreated {
            "earlier-later"
        } else {
            "later-earlier"
        }
    }
}

/// Takes a two-way estimate on a balanced panel apart.
///
/// `start` is when each row's unit starts, infinite for never; at or before the first time for units
/// treated throughout.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices;
/// [`EffectError::GapInPanel`], [`EffectError::DuplicateInPanel`], [`EffectError::StartVaries`] for what
/// is no balanced panel, and [`EffectError::NoGroups`] where all units start together.
///
/// # Reference
///
/// Goodman-Bacon (2021), <https://doi.org/10.1016/j.jeconom.2021.03.014>.
pub fn bacon(
    unit: &Grouping,
    time: &[f64],
    start: &[f64],
    outcome: &[f64],
) -> Result<Vec<Comparison>, EffectError> {
    let n = outcome.len();
    check_finite("outcome", outcome, n)?;
    check_finite("time", time, n)?;
    if start.len() != n || unit.len() != n {
        return Err(EffectError::LengthMismatch {
            what: "unit or start",
            found: start.len(),
            expected: n,
        });
    }
    let (rank, n_times) = ranks(time);
    let mut times = time.to_vec();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let mut table = vec![vec![None; n_times]; unit.n_groups()];
    let mut starts = vec![None; unit.n_groups()];
    for row in 0..n {
        let code = unit.codes()[row];
        if table[code][rank[row]].replace(row).is_some() {
            return Err(EffectError::DuplicateInPanel { row });
        }
        let own = if start[row] <= times[0] {
            times[0]
        } else {
            start[row]
        };
        if starts[code]
            .replace(own)
            .is_some_and(|known: f64| known.total_cmp(&own).is_ne())
        {
            return Err(EffectError::StartVaries { row });
        }
    }
    if let Some(line) = table.iter().find(|line| line.iter().any(Option::is_none)) {
        let row = line.iter().flatten().copied().next().unwrap_or(0);
        return Err(EffectError::GapInPanel { row });
    }
    let starts: Vec<f64> = starts
        .into_iter()
        .map(|start| start.unwrap_or(f64::INFINITY))
        .collect();
    let mut cohorts = starts.clone();
    cohorts.sort_by(f64::total_cmp);
    cohorts.dedup();
    // Mean outcome of each cohort at each time, its share of units and of times treated.
    let of = |cohort: f64| -> Cohort {
        let units: Vec<usize> = (0..starts.len())
            .filter(|&u| starts[u].total_cmp(&cohort).is_eq())
            .collect();
        let level = |at: usize| {
            let values: Vec<f64> = units
                .iter()
                .map(|&u| table[u][at].map_or(0.0, |row| outcome[row]))
                .collect();
            mean(&values)
        };
        Cohort {
            start: cohort,
            share: count(units.len()) / count(starts.len()),
            treated: count(times.iter().filter(|&&t| t >= cohort).count()) / count(n_times),
            means: (0..n_times).map(level).collect(),
        }
    };
    let cohorts: Vec<Cohort> = cohorts.into_iter().map(of).collect();
    let mut found = Vec::new();
    for treated in cohorts
        .iter()
        .filter(|cohort| cohort.start.is_finite() && cohort.start > times[0])
    {
        for other in cohorts
            .iter()
            .filter(|other| other.start.total_cmp(&treated.start).is_ne())
        {
            found.push(treated.compared(other, &times));
        }
    }
    let total: f64 = found.iter().map(|one| one.weight).sum();
    if found.is_empty() || total <= 0.0 {
        return Err(EffectError::NoGroups);
    }
    for one in &mut found {
        one.weight /= total;
    }
    Ok(found)
}

struct Cohort {
    start: f64,
    share: f64,
    treated: f64,
    means: Vec<f64>,
}

impl Cohort {
    fn compared(&self, other: &Self, times: &[f64]) -> Comparison {
        let (k, l) = (self.treated, other.treated);
        let both = self.share + other.share;
        let split = self.share / both * (1.0 - self.share / both);
        // The times that take part, and the weight before it is scaled.
        let (window, weight): (Box<dyn Fn(f64) -> bool>, f64) =
            if other.start.is_infinite() || l >= 1.0 {
                (Box::new(|_| true), both * both * split * k * (1.0 - k))
            } else if self.start < other.start {
                let until = other.start;
                let left = both * (1.0 - l);
                let share = (k - l) / (1.0 - l) * (1.0 - k) / (1.0 - l);
                (Box::new(move |t| t < until), left * left * split * share)
            } else {
                let from = other.start;
                let left = both * l;
                (
                    Box::new(move |t| t >= from),
                    left * left * split * (k / l) * ((l - k) / l),
                )
            };
        let level = |cohort: &Self, after: bool| {
            let chosen: Vec<f64> = times
                .iter()
                .enumerate()
                .filter(|(_, t)| window(**t) && (**t >= self.start) == after)
                .map(|(at, _)| cohort.means[at])
                .collect();
            mean(&chosen)
        };
        let change = |cohort: &Self| level(cohort, true) - level(cohort, false);
        Comparison {
            treated: self.start,
            untreated: other.start,
            estimate: change(self) - change(other),
            weight,
        }
    }
}

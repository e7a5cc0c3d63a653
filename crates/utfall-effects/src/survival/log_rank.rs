//! Tests of whether groups have the same hazard: log-rank, and Peto and Peto's with earlier events
//! counting more.
//!
//! Harrington & Fleming (1982), <https://doi.org/10.1093/biomet/69.3.553>.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use utfall_stats::moments::count;
use utfall_stats::{Cholesky, Matrix, gamma};

use super::risk::RiskOrder;
use super::{Durations, check_durations};
use crate::{EffectError, Grouping};

/// A test of equal hazards.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRank {
    /// χ².
    pub statistic: f64,
    /// Groups less one.
    pub degrees_of_freedom: usize,
    /// Its p-value.
    pub p_value: f64,
    /// Events in each group, weighted.
    pub observed: Vec<f64>,
    /// Events expected in each group if hazards are the same, weighted.
    pub expected: Vec<f64>,
}

/// Compares the groups, within strata if any; events weigh `S(t-)^rho`.
///
/// # Errors
///
/// Those of [`check_durations`]; [`EffectError::TooFewClusters`] with one group, and
/// [`EffectError::NoVariation`] where the groups are never at risk together.
pub fn log_rank(
    data: &Durations<'_>,
    groups: &Grouping,
    strata: Option<&Grouping>,
    rho: f64,
) -> Result<LogRank, EffectError> {
    check_durations(data)?;
    let k = groups.n_groups();
    if k < 2 {
        return Err(EffectError::TooFewClusters { n_clusters: k });
    }
    let (mut observed, mut expected) = (vec![0.0; k], vec![0.0; k]);
    let mut covariance = Matrix::zeros(k, k);
    let strata = strata.map_or_else(|| vec![(0..data.stop.len()).collect()], Grouping::members);
    for rows in &strata {
        let mut survival = 1.0;
        for (at_risk, events) in counts(data, rows, groups).into_iter().rev() {
            let (whole, died): (f64, f64) = (at_risk.iter().sum(), events.iter().sum());
            let weight = utfall_stats::elementary::pow(survival, rho);
            for i in 0..k {
                observed[i] += weight * events[i];
                expected[i] += weight * died * at_risk[i] / whole;
                if whole > 1.0 {
                    let scale = weight * weight * died * (whole - died) / (whole - 1.0)
                        * at_risk[i]
                        / whole;
                    for (j, &other) in at_risk.iter().enumerate() {
                        let own = f64::from(u8::from(i == j));
                        covariance.set(i, j, covariance.get(i, j) + scale * (own - other / whole));
                    }
                }
            }
            survival *= (whole - died) / whole;
        }
    }
    let mut part = Matrix::zeros(k - 1, k - 1);
    for i in 0..k - 1 {
        for j in 0..k - 1 {
            part.set(i, j, covariance.get(i, j));
        }
    }
    let factor = Cholesky::factor(&part, 1e-12).map_err(|_| EffectError::NoVariation)?;
    let gap: Vec<f64> = (0..k - 1).map(|i| observed[i] - expected[i]).collect();
    let statistic: f64 = gap.iter().zip(factor.solve(&gap)).map(|(a, b)| a * b).sum();
    Ok(LogRank {
        statistic,
        degrees_of_freedom: k - 1,
        p_value: gamma::upper(0.5 * count(k - 1), 0.5 * statistic),
        observed,
        expected,
    })
}

/// Rows at risk and events by group at each time with events, the last first.
fn counts(data: &Durations<'_>, rows: &[usize], groups: &Grouping) -> Vec<(Vec<f64>, Vec<f64>)> {
    let order = RiskOrder::of(data, rows);
    let group = |place: usize| groups.codes()[order.leaving[place]];
    let mut at_risk = vec![0.0; groups.n_groups()];
    let mut all = Vec::new();
    order.backwards(
        &mut at_risk,
        |at_risk, place| at_risk[group(place)] += 1.0,
        |at_risk, place| at_risk[group(place)] -= 1.0,
        |at_risk, moment| {
            let mut events = vec![0.0; at_risk.len()];
            moment
                .events
                .clone()
                .for_each(|place| events[group(place)] += 1.0);
            all.push((at_risk.clone(), events));
        },
    );
    all
}

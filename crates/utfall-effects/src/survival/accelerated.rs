//! Accelerated failure times: covariates stretch the time to the event.
//!
//! `log T = x'β + σ W`, where `W` has the extreme-value distribution (Weibull; exponential with σ = 1)
//! or the normal (log-normal), fitted by maximum likelihood with censoring on the right. The scale is
//! estimated as `log σ` and its uncertainty is part of every error. The log likelihood is that of the
//! times, as R's `survreg` has it.
//!
//! Kalbfleisch & Prentice (2002), *The Statistical Analysis of Failure Time Data*, 2nd edition.

use serde::{Deserialize, Serialize};
use utfall_stats::elementary::{exp, log};
use utfall_stats::{Cholesky, Matrix, normal};

use super::{Durations, check_durations};
use crate::EffectError;
use crate::regression::check_finite;

const MOST_STEPS: u32 = 200;

/// The distribution of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lifetime {
    /// Weibull.
    Weibull,
    /// Exponential: Weibull with scale one.
    Exponential,
    /// Log-normal.
    LogNormal,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct AcceleratedFit {
    /// Coefficients of the columns as given; last, unless exponential, `log σ`.
    pub coefficients: Vec<f64>,
    /// Their covariance: the inverse of the observed information.
    pub covariance: Vec<Vec<f64>>,
    /// σ.
    pub scale: f64,
    /// Log likelihood of the times.
    pub log_likelihood: f64,
    /// Newton steps.
    pub n_iterations: u32,
}

/// The log likelihood of one row in `w = (log t − x'β) / σ`, without `− log σ − log t` of an event:
/// value, slope and curvature in `w`.
fn row(lifetime: Lifetime, event: bool, w: f64) -> [f64; 3] {
    match (lifetime, event) {
        (Lifetime::LogNormal, true) => [log(normal::density(w)), -w, -1.0],
        (Lifetime::LogNormal, false) => {
            let tail = normal::upper_tail(w);
            let hazard = normal::density(w) / tail;
            [log(tail), -hazard, -hazard * (hazard - w)]
        }
        (_, event) => {
            let (e, d) = (exp(w), f64::from(u8::from(event)));
            [d * w - e, d - e, -e]
        }
    }
}

struct Place {
    value: f64,
    slope: Vec<f64>,
    information: Matrix,
}

/// Fits by maximum likelihood. `columns` include a constant, if one is wanted; all times must be
/// above zero and none may have a `start`.
///
/// # Errors
///
/// Those of [`check_durations`]; [`EffectError::TimeNotPositive`] at a time of zero or a row that
/// enters late, [`EffectError::RankDeficient`] at a column that is a combination of others, and
/// [`EffectError::NotConverged`].
pub fn fit_accelerated(
    data: &Durations<'_>,
    columns: &[Vec<f64>],
    lifetime: Lifetime,
) -> Result<AcceleratedFit, EffectError> {
    check_durations(data)?;
    let n = data.stop.len();
    for column in columns {
        check_finite("covariate", column, n)?;
    }
    let late = |row: &usize| data.start.is_some_and(|start| start[*row] > 0.0);
    if let Some(row) = (0..n).find(|row| data.stop[*row] <= 0.0 || late(row)) {
        return Err(EffectError::TimeNotPositive { row });
    }
    let times: Vec<f64> = data.stop.iter().map(|&time| log(time)).collect();
    let free = lifetime != Lifetime::Exponential;
    let p = columns.len();
    let at = |theta: &[f64]| place(data, &times, columns, lifetime, theta);
    let mut theta = start(&times, columns)?;
    theta.truncate(p + usize::from(free));
    let mut here = at(&theta);
    for n_iterations in 1..=MOST_STEPS {
        let factor = lifted(&here.information).ok_or(EffectError::NotConverged { n_iterations })?;
        let step = factor.solve(&here.slope);
        let worth: f64 = step.iter().zip(&here.slope).map(|(a, b)| a * b).sum();
        let mut length = 1.0;
        loop {
            let there: Vec<f64> = theta
                .iter()
                .zip(&step)
                .map(|(b, s)| b + length * s)
                .collect();
            let next = at(&there);
            if next.value >= here.value - 1e-12 * here.value.abs() || length < 1e-8 {
                (theta, here) = (there, next);
                break;
            }
            length *= 0.5;
        }
        if worth.abs() <= 1e-20 * (1.0 + here.value.abs()) {
            let inverse = Cholesky::factor(&here.information, 1e-12)
                .map_err(|_| EffectError::NotConverged { n_iterations })?
                .inverse();
            let q = theta.len();
            return Ok(AcceleratedFit {
                covariance: (0..q)
                    .map(|i| (0..q).map(|j| inverse.get(i, j)).collect())
                    .collect(),
                scale: if free { exp(theta[p]) } else { 1.0 },
                coefficients: theta,
                log_likelihood: here.value,
                n_iterations,
            });
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_STEPS,
    })
}

/// The information, with enough added on its diagonal far from the maximum that a step goes up.
fn lifted(information: &Matrix) -> Option<Cholesky> {
    let q = information.n_rows();
    let mut add = 0.0;
    for _ in 0..40 {
        let mut matrix = information.clone();
        for i in 0..q {
            let own = information.get(i, i).abs().max(1e-8);
            matrix.set(i, i, information.get(i, i) + add * own);
        }
        if let Ok(factor) = Cholesky::factor(&matrix, 1e-12) {
            return Some(factor);
        }
        add = if add > 0.0 { 2.0 * add } else { 1e-3 };
    }
    None
}

/// Least squares of the log times, with the log of the residuals' size last.
fn start(times: &[f64], columns: &[Vec<f64>]) -> Result<Vec<f64>, EffectError> {
    let p = columns.len();
    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let factor = Cholesky::factor(&utfall_stats::cross_product_of(&slices, None), 1e-12).map_err(
        |error| EffectError::RankDeficient {
            column: error.column,
        },
    )?;
    let right: Vec<f64> = columns
        .iter()
        .map(|x| utfall_stats::sums::dot(x, times))
        .collect();
    let mut theta = factor.solve(&right);
    let residual = |i: usize| times[i] - (0..p).map(|k| columns[k][i] * theta[k]).sum::<f64>();
    let square = utfall_stats::sums::sum_of(times.len(), |i| residual(i) * residual(i));
    let size = square / utfall_stats::moments::count(times.len());
    theta.push(if size > 0.0 { 0.5 * log(size) } else { 0.0 });
    Ok(theta)
}

fn place(
    data: &Durations<'_>,
    times: &[f64],
    columns: &[Vec<f64>],
    lifetime: Lifetime,
    theta: &[f64],
) -> Place {
    let (p, q) = (columns.len(), theta.len());
    let log_scale = theta.get(p).copied().unwrap_or(0.0);
    let scale = exp(log_scale);
    let mut place = Place {
        value: 0.0,
        slope: vec![0.0; q],
        information: Matrix::zeros(q, q),
    };
    let mut direction = vec![0.0; q];
    for (i, &time) in times.iter().enumerate() {
        let mean: f64 = columns.iter().zip(theta).map(|(x, b)| x[i] * b).sum();
        let w = (time - mean) / scale;
        let [value, slope, curvature] = row(lifetime, data.event[i], w);
        let event = f64::from(u8::from(data.event[i]));
        place.value += value - event * (log_scale + time);
        // dw/dβ = −x/σ and dw/dlogσ = −w; d²w/dβdlogσ = x/σ and d²w/dlogσ² = w.
        for (into, x) in direction.iter_mut().zip(columns) {
            *into = -x[i] / scale;
        }
        if q > p {
            direction[p] = -w;
            place.slope[p] -= event;
        }
        for a in 0..q {
            place.slope[a] += slope * direction[a];
            for b in 0..q {
                let second = if a == p || b == p {
                    -direction[if a == p { b } else { a }]
                } else {
                    0.0
                };
                let add = curvature * direction[a] * direction[b] + slope * second;
                place
                    .information
                    .set(a, b, place.information.get(a, b) - add);
            }
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_without_covariates_has_the_rate_of_events_over_time() {
        let data = Durations {
            start: None,
            stop: &[1.0, 2.0, 3.0, 4.0],
            event: &[true, true, false, true],
        };
        let fit = fit_accelerated(&data, &[vec![1.0; 4]], Lifetime::Exponential).unwrap();
        assert!((fit.coefficients[0] - log(10.0 / 3.0)).abs() < 1e-12);
        assert!((fit.covariance[0][0] - 1.0 / 3.0).abs() < 1e-12);
        assert!((fit.log_likelihood - (3.0 * log(0.3) - 3.0)).abs() < 1e-12);
    }

    #[test]
    fn without_censoring_a_log_normal_is_least_squares() {
        let data = Durations {
            start: None,
            stop: &[1.0, 2.0, 4.0, 16.0],
            event: &[true; 4],
        };
        let fit = fit_accelerated(&data, &[vec![1.0; 4]], Lifetime::LogNormal).unwrap();
        assert!((fit.coefficients[0] - 1.75 * log(2.0)).abs() < 1e-12);
        assert!((fit.scale - log(2.0) * (8.75_f64 / 4.0).sqrt()).abs() < 1e-12);
    }
}

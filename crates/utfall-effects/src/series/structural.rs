//! What a series would have been, from its own past and other series: a level that drifts, a slope,
//! seasons that change, and regressors, fitted to the times before an intervention and continued.
//!
//! The unknown start of every part and the coefficients are diffuse. The filter carries them along
//! and the likelihood is that of what they leave; the variances are where it is highest. Errors hold
//! the uncertainty of the start, of the coefficients and of all that may still drift; they take the
//! variances as known and the regressors as untouched by the intervention.
//!
//! Harvey (1989), *Forecasting, structural time series models and the Kalman filter*; de Jong (1991),
//! <https://doi.org/10.1214/aos/1176348139>; Brodersen et al. (2015),
//! <https://doi.org/10.1214/14-AOAS788>.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use serde::{Deserialize, Serialize};
use utfall_stats::elementary::{self, cos, sin};
use utfall_stats::moments::count;
use utfall_stats::sums::dot;
use utfall_stats::{Cholesky, Matrix};

use super::ascent::highest;
use crate::EffectError;
use crate::regression::check_finite;

/// The angles that shares of variance are first tried at.
const GRID: [f64; 6] = [0.01, 0.08, 0.3, 0.8, 1.2, 1.5];
/// The least share of the irregular part: a first value is never foretold without error.
const LEAST_SHARE: f64 = 1e-12;

/// What drifts beside the regressors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Components {
    /// How the series goes where nothing disturbs it.
    pub trend: Trend,
    /// Times in a cycle of seasons, such as 12; none without.
    pub season: Option<usize>,
}

/// How the level goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trend {
    /// A random walk.
    Level,
    /// A random walk whose steps have a mean that is a random walk itself.
    LocalLinear,
}

/// A series continued as if nothing had happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Structural {
    /// Variance of what is of its time alone.
    pub irregular: f64,
    /// Variance of the level's steps.
    pub level: f64,
    /// Variance of the slope's steps.
    pub slope: Option<f64>,
    /// Variance of the seasons' steps.
    pub season: Option<f64>,
    /// The diffuse log likelihood.
    pub log_likelihood: f64,
    /// The regressors' coefficients and standard errors.
    pub coefficients: Vec<(f64, f64)>,
    /// What each time from the intervention on would have been, and its standard error.
    pub forecast: Vec<(f64, f64)>,
    /// Observed less forecast, added up to each time, and its standard error.
    pub cumulative: Vec<(f64, f64)>,
}

/// Fits the `n_before` first times of a series, one step apart, and continues it; `regressors` are of
/// all times.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`] and [`EffectError::NotFinite`] for malformed slices;
/// [`EffectError::OutsideRange`] for a season of fewer than two times or for no time after;
/// [`EffectError::TooFewRows`] where there are not more times before than diffuse parts and
/// variances; [`EffectError::RankDeficient`] where the regressors are collinear with each other or
/// with what drifts.
///
/// # Reference
///
/// de Jong (1991), *Annals of Statistics* 19(2), for the diffuse likelihood.
pub fn continue_series(
    outcome: &[f64],
    regressors: &[&[f64]],
    n_before: usize,
    components: Components,
) -> Result<Structural, EffectError> {
    let n = outcome.len();
    check_finite("outcome", outcome, n)?;
    for column in regressors {
        check_finite("covariate", column, n)?;
    }
    let refused = |what, value| Err(EffectError::OutsideRange { what, value });
    if components.season.is_some_and(|period| period < 2) {
        return refused("season", components.season.map_or(0.0, count));
    }
    if n_before >= n {
        return refused("number of times after", 0.0);
    }
    let space = Space {
        outcome,
        regressors,
        n_before,
        components,
    };
    let needed = space.n_states() + space.n_variances();
    if n_before <= needed {
        return Err(EffectError::TooFewRows {
            n_rows: n_before,
            n_columns: needed,
        });
    }
    // A fit that cannot be had anywhere is told as such; one at the edge counts as unlikely.
    space.filtered(&space.shares(&vec![0.8; space.n_variances() - 1]))?;
    let value = |angles: &[f64]| {
        space
            .filtered(&space.shares(angles))
            .map_or(f64::NEG_INFINITY, |found| found.log_likelihood)
    };
    let angles = highest(&value, &GRID, space.n_variances() - 1);
    let shares = space.shares(&angles);
    let fit = space.filtered(&shares)?;
    Ok(space.continued(&shares, fit))
}

/// The model's matrices, given by what they do.
struct Space<'a> {
    outcome: &'a [f64],
    regressors: &'a [&'a [f64]],
    n_before: usize,
    components: Components,
}

/// Where the filter stands after the last time before.
struct Filtered {
    log_likelihood: f64,
    /// The variance that shares are of.
    scale: f64,
    /// The state, given the diffuse parts, its variance in units of `scale`, and what each diffuse
    /// part adds to it.
    state: Vec<f64>,
    variance: Vec<Vec<f64>>,
    along: Vec<Vec<f64>>,
    precision: Cholesky,
    diffuse: Vec<f64>,
}

impl Space<'_> {
    fn has_slope(&self) -> bool {
        self.components.trend == Trend::LocalLinear
    }

    fn n_variances(&self) -> usize {
        2 + usize::from(self.has_slope()) + usize::from(self.components.season.is_some())
    }

    /// The place of the first season, and of the first coefficient.
    fn places(&self) -> (usize, usize) {
        let season = 1 + usize::from(self.has_slope());
        (season, season + self.components.season.map_or(0, |s| s - 1))
    }

    fn n_states(&self) -> usize {
        self.places().1 + self.regressors.len()
    }

    /// Shares that add up to one, on a sphere: any angles are allowed, and zero can be reached.
    fn shares(&self, angles: &[f64]) -> Vec<f64> {
        let mut left = 1.0;
        let mut shares = Vec::with_capacity(angles.len() + 1);
        for &angle in angles {
            let (c, s) = (cos(angle), sin(angle));
            shares.push(left * c * c);
            left *= s * s;
        }
        shares.push(left);
        shares[0] = shares[0].max(LEAST_SHARE);
        shares
    }

    /// What the observation at a time takes of the state.
    fn observed(&self, state: &[f64], time: usize) -> f64 {
        let (season, first) = self.places();
        let seasonal = if season < first { state[season] } else { 0.0 };
        let known: f64 = (self.regressors.iter().zip(&state[first..]))
            .map(|(x, b)| x[time] * b)
            .sum();
        state[0] + seasonal + known
    }

    /// One step on, without disturbances.
    fn advance(&self, state: &mut [f64]) {
        if self.has_slope() {
            state[0] += state[1];
        }
        let (season, first) = self.places();
        if season < first {
            let next = -state[season..first].iter().sum::<f64>();
            state[season..first].rotate_right(1);
            state[season] = next;
        }
    }

    /// Variances of the disturbances, by state.
    fn disturbed(&self, variance: &mut [Vec<f64>], shares: &[f64]) {
        variance[0][0] += shares[1];
        if self.has_slope() {
            variance[1][1] += shares[2];
        }
        if self.components.season.is_some() {
            let season = self.places().0;
            variance[season][season] += shares[shares.len() - 1];
        }
    }

    /// `T V T′ + Q`; `V` is symmetric, so its rows are its columns.
    fn advance_variance(&self, variance: &mut Vec<Vec<f64>>, shares: &[f64]) {
        variance.iter_mut().for_each(|row| self.advance(row));
        *variance = transposed(variance);
        variance.iter_mut().for_each(|row| self.advance(row));
        self.disturbed(variance, shares);
    }

    fn filtered(&self, shares: &[f64]) -> Result<Filtered, EffectError> {
        let m = self.n_states();
        let mut state = vec![0.0; m];
        let mut variance = vec![vec![0.0; m]; m];
        self.disturbed(&mut variance, shares);
        let mut along: Vec<Vec<f64>> = (0..m)
            .map(|j| (0..m).map(|i| f64::from(u8::from(i == j))).collect())
            .collect();
        let mut precision = Matrix::zeros(m, m);
        let (mut pull, mut squares, mut logs) = (vec![0.0; m], 0.0, 0.0);
        for time in 0..self.n_before {
            let taken: Vec<f64> = variance
                .iter()
                .map(|row| self.observed(row, time))
                .collect();
            let spread = self.observed(&taken, time) + shares[0];
            let error = self.outcome[time] - self.observed(&state, time);
            let reach: Vec<f64> = along.iter().map(|a| self.observed(a, time)).collect();
            for i in 0..m {
                for j in 0..m {
                    let more = reach[i] * reach[j] / spread;
                    precision.set(i, j, precision.get(i, j) + more);
                }
                pull[i] += reach[i] * error / spread;
            }
            squares += error * error / spread;
            logs += elementary::log(spread);
            for i in 0..m {
                let gain = taken[i] / spread;
                state[i] += gain * error;
                for (a, r) in along.iter_mut().zip(&reach) {
                    a[i] -= gain * r;
                }
                for j in 0..m {
                    variance[i][j] -= gain * taken[j];
                }
            }
            self.advance(&mut state);
            along.iter_mut().for_each(|a| self.advance(a));
            self.advance_variance(&mut variance, shares);
        }
        let precision =
            Cholesky::factor(&precision, 1e-13).map_err(|error| EffectError::RankDeficient {
                column: error.column,
            })?;
        let diffuse = precision.solve(&pull);
        let free = count(self.n_before - m);
        let scale = (squares - dot(&pull, &diffuse)) / free;
        let determinant: f64 = (0..m)
            .map(|i| 2.0 * elementary::log(precision.lower(i, i)))
            .sum();
        let constant = elementary::log(2.0 * std::f64::consts::PI * scale) + 1.0;
        Ok(Filtered {
            log_likelihood: -0.5 * (free * constant + logs + determinant),
            scale,
            state,
            variance,
            along,
            precision,
            diffuse,
        })
    }

    fn continued(&self, shares: &[f64], fit: Filtered) -> Structural {
        let m = self.n_states();
        let scale = fit.scale;
        let mut state: Vec<f64> = (0..m)
            .map(|i| {
                let more: f64 = (0..m).map(|j| fit.along[j][i] * fit.diffuse[j]).sum();
                fit.state[i] + more
            })
            .collect();
        // The diffuse parts' own variance joins that of the state.
        let inverse = fit.precision.inverse();
        let mut variance = fit.variance;
        let by_state = transposed(&fit.along);
        let half: Vec<Vec<f64>> = by_state
            .iter()
            .map(|row| (0..m).map(|j| dot(row, inverse.column(j))).collect())
            .collect();
        for i in 0..m {
            for j in 0..m {
                variance[i][j] += dot(&half[i], &by_state[j]);
            }
        }
        let coefficients = (self.places().1..m)
            .map(|i| (state[i], (scale * variance[i][i]).sqrt()))
            .collect();
        let (mut forecast, mut cumulative) = (Vec::new(), Vec::new());
        let (mut total, mut spread_of_total) = (0.0, 0.0);
        // The covariance of the total with the state.
        let mut shared = vec![0.0; m];
        for time in self.n_before..self.outcome.len() {
            let expected = self.observed(&state, time);
            let taken: Vec<f64> = variance
                .iter()
                .map(|row| self.observed(row, time))
                .collect();
            let spread = self.observed(&taken, time) + shares[0];
            forecast.push((expected, (scale * spread).sqrt()));
            total += self.outcome[time] - expected;
            spread_of_total += spread + 2.0 * self.observed(&shared, time);
            cumulative.push((total, (scale * spread_of_total).sqrt()));
            for (s, t) in shared.iter_mut().zip(&taken) {
                *s += t;
            }
            self.advance(&mut state);
            self.advance(&mut shared);
            self.advance_variance(&mut variance, shares);
        }
        let has_season = self.components.season.is_some();
        Structural {
            irregular: scale * shares[0],
            level: scale * shares[1],
            slope: self.has_slope().then(|| scale * shares[2]),
            season: has_season.then(|| scale * shares[shares.len() - 1]),
            log_likelihood: fit.log_likelihood,
            coefficients,
            forecast,
            cumulative,
        }
    }
}

fn transposed(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..rows.len())
        .map(|i| rows.iter().map(|row| row[i]).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use utfall_stats::draws::Stream;

    use super::*;

    const LEVEL: Components = Components {
        trend: Trend::Level,
        season: None,
    };

    #[test]
    fn a_level_that_does_not_move_is_a_mean() {
        let mut stream = Stream::new(3, "white", 0);
        let mut outcome: Vec<f64> = (0..40).map(|_| stream.normal()).collect();
        // Alternating noise makes any drift unlikely.
        for (time, value) in outcome.iter_mut().enumerate() {
            *value = value.abs() * if time.is_multiple_of(2) { 1.0 } else { -1.0 };
        }
        let found = continue_series(&outcome, &[], 30, LEVEL).unwrap();
        let (mean, variance) = utfall_stats::moments::mean_and_variance(&outcome[..30]);
        assert!(found.level < 1e-9 * found.irregular);
        assert!((found.forecast[5].0 - mean).abs() < 1e-6);
        let error = (variance * (1.0 + 1.0 / 30.0)).sqrt();
        assert!((found.forecast[0].1 / error - 1.0).abs() < 1e-6);
    }

    #[test]
    fn intervals_of_the_cumulative_effect_hold_the_truth_as_often_as_they_say() {
        let mut inside = 0;
        for draw in 0..200 {
            let mut stream = Stream::new(11, "structural", draw);
            let (mut level, mut x) = (5.0, 0.0);
            let (mut outcome, mut known) = (Vec::new(), Vec::new());
            for time in 0..72 {
                level += 0.3 * stream.normal();
                x = 0.8 * x + stream.normal();
                let season = [1.0, -0.5, 0.2, -0.7][time % 4];
                let effect = if time >= 60 { 2.0 } else { 0.0 };
                outcome.push(level + 1.5 * x + season + effect + stream.normal());
                known.push(x);
            }
            let parts = Components {
                trend: Trend::Level,
                season: Some(4),
            };
            let found = continue_series(&outcome, &[&known], 60, parts).unwrap();
            let (total, error) = found.cumulative[11];
            inside += usize::from((total - 24.0).abs() <= 1.96 * error);
        }
        // Nominal 190 of 200, less a little for variances that are estimated.
        assert!((180..=198).contains(&inside), "{inside}");
    }

    #[test]
    fn a_regressor_that_is_a_season_is_refused() {
        let outcome: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 5)).collect();
        let one = vec![1.0; 40];
        let error = continue_series(&outcome, &[&one], 30, LEVEL).unwrap_err();
        assert!(
            matches!(error, EffectError::RankDeficient { .. }),
            "{error}"
        );
    }
}

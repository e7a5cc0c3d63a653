//! Intervals from the replicates of a bootstrap.
//!
//! Davison & Hinkley (1997), *Bootstrap Methods and their Application*, chapter 5.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Interval};
use utfall_stats::moments::{count, mean_and_variance};
use utfall_stats::normal;
use utfall_stats::sums::sum_of;

use super::quantile::{rank, sorted};
use crate::EffectError;

/// An interval by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootstrapInterval {
    /// The point less the bias, give or take standard errors (`norm` of R's `boot`).
    Normal,
    /// The replicates' quantiles mirrored at the point (`basic`).
    Basic,
    /// The replicates' quantiles (`perc`).
    Percentile,
    /// Their quantiles by linear interpolation between order statistics (type 7).
    #[serde(rename = "percentile-type-7")]
    PercentileTypeSeven,
    /// Their quantiles shifted for bias and for how the error changes with the number (`bca`).
    Bca,
}

impl std::fmt::Display for BootstrapInterval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Basic => "basic",
            Self::Percentile => "percentile",
            Self::PercentileTypeSeven => "percentile-type-7",
            Self::Bca => "bca",
        })
    }
}

/// An interval of a number from its replicates.
///
/// Except for type 7, quantiles interpolate between order statistics on the scale of the normal:
/// with `R` replicates the `k`-th smallest is the quantile `k/(R + 1)`.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`] for fewer than two replicates; for `bca` also
/// [`EffectError::NoVariation`] if all replicates lie on one side of the point, or if
/// `influence` (what each row adds to the number, see
/// [`crate::Bootstrapped::influence_by_regression`]) is zero everywhere.
///
/// # Reference
///
/// Davison & Hinkley (1997), sections 5.2 and 5.3; Efron (1987) on `bca`,
/// <https://doi.org/10.2307/2289144>.
pub fn bootstrap_interval(
    kind: BootstrapInterval,
    point: f64,
    replicates: &[f64],
    influence: &[f64],
    level: ConfidenceLevel,
) -> Result<Interval, EffectError> {
    if replicates.len() < 2 {
        return Err(EffectError::LengthMismatch {
            what: "replicates",
            found: replicates.len(),
            expected: 2,
        });
    }
    let tails = [
        0.5 * (1.0 - level.fraction()),
        0.5 * (1.0 + level.fraction()),
    ];
    let sorted = sorted(replicates);
    let ends = match kind {
        BootstrapInterval::Normal => {
            let (mean, variance) = mean_and_variance(replicates);
            tails.map(|p| 2.0 * point - mean + normal::quantile(p) * variance.sqrt())
        }
        BootstrapInterval::Basic => {
            [1, 0].map(|end| 2.0 * point - on_normal_scale(&sorted, tails[end]))
        }
        BootstrapInterval::Percentile => tails.map(|p| on_normal_scale(&sorted, p)),
        BootstrapInterval::PercentileTypeSeven => tails.map(|p| type_seven(&sorted, p)),
        BootstrapInterval::Bca => {
            let shift = shift(point, &sorted)?;
            let acceleration = acceleration(influence)?;
            tails.map(|p| {
                let z = shift + normal::quantile(p);
                on_normal_scale(&sorted, normal::cdf(shift + z / (1.0 - acceleration * z)))
            })
        }
    };
    Ok(Interval {
        lower: ends[0],
        upper: ends[1],
    })
}

/// The quantile between order statistics, linear on the scale of the normal.
fn on_normal_scale(sorted: &[f64], p: f64) -> f64 {
    let n = count(sorted.len()) + 1.0;
    let below = (n * p).floor();
    if below < 1.0 {
        return sorted[0];
    }
    if below >= n - 1.0 {
        return sorted[sorted.len() - 1];
    }
    let (low, high) = (
        normal::quantile(below / n),
        normal::quantile((below + 1.0) / n),
    );
    let share = (normal::quantile(p) - low) / (high - low);
    let at = rank(below, sorted.len());
    sorted[at] + share * (sorted[at + 1] - sorted[at])
}

/// The quantile linear between order statistics, the first at 0 and the last at 1.
fn type_seven(sorted: &[f64], p: f64) -> f64 {
    let at = p * count(sorted.len() - 1);
    let low = rank(at.floor() + 1.0, sorted.len());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (at - at.floor()) * (sorted[high] - sorted[low])
}

/// How far the point lies from the middle of its replicates, on the scale of the normal.
fn shift(point: f64, sorted: &[f64]) -> Result<f64, EffectError> {
    let below = sorted.partition_point(|&value| value < point);
    if below == 0 || below == sorted.len() {
        return Err(EffectError::NoVariation);
    }
    Ok(normal::quantile(count(below) / count(sorted.len())))
}

/// A sixth of the skewness of what rows add to the number.
fn acceleration(influence: &[f64]) -> Result<f64, EffectError> {
    let power = |k: i32| sum_of(influence.len(), |row| influence[row].powi(k));
    let square = power(2);
    if square <= 0.0 || !square.is_finite() {
        return Err(EffectError::NoVariation);
    }
    Ok(power(3) / (6.0 * square * square.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(kind: BootstrapInterval, point: f64, influence: &[f64]) -> Interval {
        let replicates: Vec<f64> = (1..=999).map(f64::from).collect();
        let level = ConfidenceLevel::try_from(0.95).unwrap();
        bootstrap_interval(kind, point, &replicates, influence, level).unwrap()
    }

    #[test]
    fn percentiles_are_order_statistics_where_they_fall_on_them() {
        let found = interval(BootstrapInterval::Percentile, 500.0, &[]);
        assert!((found.lower - 25.0).abs() < 1e-9 && (found.upper - 975.0).abs() < 1e-9);
        let mirrored = interval(BootstrapInterval::Basic, 510.0, &[]);
        assert!((mirrored.lower - 45.0).abs() < 1e-9 && (mirrored.upper - 995.0).abs() < 1e-9);
    }

    #[test]
    fn without_bias_and_skewness_bca_is_the_percentile_interval() {
        // 500 of 999 replicates lie below 500.5.
        let even = interval(BootstrapInterval::Bca, 500.5, &[1.0, -1.0]);
        assert!((even.lower - 25.0).abs() < 0.2 && (even.upper - 975.0).abs() < 0.2);
        let skewed = interval(BootstrapInterval::Bca, 500.5, &[2.0, -1.0, -1.0]);
        assert!(skewed.lower > even.lower + 5.0 && skewed.upper > even.upper + 2.0);
        let shifted = interval(BootstrapInterval::Bca, 600.5, &[1.0, -1.0]);
        assert!(shifted.lower > even.lower + 20.0);
    }

    #[test]
    fn a_point_beyond_all_replicates_has_no_bca_interval() {
        let level = ConfidenceLevel::try_from(0.95).unwrap();
        let kind = BootstrapInterval::Bca;
        let found = bootstrap_interval(kind, 9.0, &[1.0, 2.0], &[1.0, -1.0], level);
        assert_eq!(found, Err(EffectError::NoVariation));
    }
    /// Efron & Tibshirani (1993), table 14.1 and section 14.3: spatial perception of 26 children, whose
    /// variance is 171.5 with an acceleration of 0.061.
    #[test]
    fn the_acceleration_of_a_variance_is_the_published_one() {
        let scores: [f64; 26] = [
            48.0, 36.0, 20.0, 29.0, 42.0, 42.0, 20.0, 42.0, 22.0, 41.0, 45.0, 14.0, 6.0, 0.0, 33.0,
            28.0, 34.0, 4.0, 32.0, 24.0, 47.0, 41.0, 24.0, 26.0, 30.0, 41.0,
        ];
        let variance = |rows: &[usize]| {
            let values: Vec<f64> = rows.iter().map(|&row| scores[row]).collect();
            let (_, variance) = mean_and_variance(&values);
            variance * (count(rows.len()) - 1.0) / count(rows.len())
        };
        let everyone: Vec<usize> = (0..26).collect();
        assert!((variance(&everyone) - 171.5).abs() < 0.05);
        let without =
            |row: usize| -> Vec<usize> { (0..26).filter(|&other| other != row).collect() };
        let left: Vec<f64> = (0..26).map(|row| variance(&without(row))).collect();
        let middle = utfall_stats::moments::mean(&left);
        let jackknife: Vec<f64> = left.iter().map(|value| middle - value).collect();
        assert!((acceleration(&jackknife).unwrap() - 0.061).abs() < 0.0005);

        // By regression on how often rows were drawn it is the same, but for the draws.
        let draws = crate::Draws {
            seed: 14,
            replicates: std::num::NonZeroU32::new(4000).unwrap(),
        };
        let resampled = crate::Resampled::Rows {
            strata: None,
            draws,
        };
        let drawn = crate::bootstrap(26, &resampled, |rows| Ok(vec![variance(rows)])).unwrap();
        let by_regression = acceleration(&drawn.influence_by_regression(0).unwrap()).unwrap();
        assert!((by_regression - 0.061).abs() < 0.01, "{by_regression}");
    }
}

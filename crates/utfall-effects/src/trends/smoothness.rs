//! Bounds on how much the slope of the difference in trends changes from one time to the next.
//!
//! With second differences of at most `M`, the difference is a straight line through the times before
//! and a part that grows no faster than `M` allows. An affine estimator with the shortest interval weighs
//! the times before so that its worst bias and its error are in balance; the interval's length is fixed
//! before the data are seen.
//!
//! Rambachan & Roth (2023), <https://doi.org/10.1093/restud/rdad018>; Armstrong & Kolesár (2018),
//! <https://doi.org/10.3982/ECTA14434>.

use utfall_core::Interval;
use utfall_stats::moments::count;
use utfall_stats::normal;

use super::EventStudy;
use crate::EffectError;

const MOST_SWEEPS: u32 = 100_000;

/// The effects that are possible if the estimates before were the truth and slopes change by at most
/// `most`; `None` where they already change by more before treatment.
#[must_use]
pub fn smoothness_set(study: &EventStudy, most: f64) -> Option<Interval> {
    let steps = study.steps_before();
    if steps
        .windows(2)
        .any(|pair| (pair[1] - pair[0]).abs() > most)
    {
        return None;
    }
    let slope = steps[steps.len() - 1];
    let line: f64 = (1..)
        .zip(&study.target)
        .map(|(k, weight)| count(k) * slope * weight)
        .sum();
    let centre = study.effect().0 - line;
    let reach = most * worst_after(&study.target);
    Some(Interval {
        lower: centre - reach,
        upper: centre + reach,
    })
}

/// What second differences of one add to the target at most.
fn worst_after(target: &[f64]) -> f64 {
    (0..target.len())
        .map(|first| {
            let grown = target[first..].iter().enumerate();
            grown
                .map(|(k, weight)| count(k + 1) * weight)
                .sum::<f64>()
                .abs()
        })
        .sum()
}

/// The shortest interval of fixed length that covers the effect at `level` whenever slopes change by at
/// most `most`: optimal among affine estimators.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] for a bound below zero, and [`EffectError::NotConverged`].
///
/// # Reference
///
/// Rambachan & Roth (2023), *Review of Economic Studies* 90(5), section 4.1.
pub fn smoothness_interval(
    study: &EventStudy,
    most: f64,
    level: f64,
) -> Result<Interval, EffectError> {
    if most.is_nan() || most < 0.0 {
        return Err(EffectError::OutsideRange {
            what: "bound on changes of the slope",
            value: most,
        });
    }
    let fixed = worst_after(&study.target);
    // How far bias may be traded for variance: what the balance asks for, less what was given.
    let at = |price: f64| -> Result<(Vec<f64>, f64, f64, f64), EffectError> {
        let (weights, size) = weighed(study, price * most)?;
        let error = study.variance(&weights).sqrt();
        let bias = most * (fixed + size);
        let (critical, slope) = folded(bias / error, level);
        let wanted = slope * error / (critical - slope * bias / error);
        Ok((weights, error, critical, wanted))
    };
    let (mut low, mut high) = (0.0, 1.0);
    if most > 0.0 {
        for _ in 0..200 {
            let (.., wanted) = at(high)?;
            if wanted <= high {
                break;
            }
            high *= 2.0;
        }
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            let (.., wanted) = at(middle)?;
            if wanted > middle {
                low = middle
            } else {
                high = middle
            }
        }
    }
    let (weights, error, critical, _) = at(0.5 * (low + high))?;
    let (centre, reach) = (study.combined(&weights), critical * error);
    Ok(Interval {
        lower: centre - reach,
        upper: centre + reach,
    })
}

/// The `level` quantile of the size of a normal with mean `t` and variance one, and its slope in `t`.
fn folded(t: f64, level: f64) -> (f64, f64) {
    let miss = |c: f64| normal::upper_tail(c - t) + normal::upper_tail(c + t);
    let (mut low, mut high) = (0.0, t + 40.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if miss(middle) > 1.0 - level {
            low = middle
        } else {
            high = middle
        }
    }
    let c = 0.5 * (low + high);
    let (near, far) = (normal::density(c - t), normal::density(c + t));
    (c, (near - far) / (near + far))
}

/// Weights of all estimates with the least of half the variance plus `price` times the size of the
/// worst bias from before, unbiased for a straight line; and that size.
///
/// In the doubly summed weights `s₁ … s₍ₚ₋₁₎` of the times before, from the reference back, the size is
/// `Σ|s|`: a lasso, solved one coordinate at a time.
fn weighed(study: &EventStudy, price: f64) -> Result<(Vec<f64>, f64), EffectError> {
    let p = study.before.len();
    let line: f64 = (1..)
        .zip(&study.target)
        .map(|(k, weight)| count(k) * weight)
        .sum();
    // The weight of the k-th time before is s[k-1] - 2 s[k] + s[k+1]; s[0] is the line's.
    let weights = |s: &[f64]| {
        let at = |k: usize| match k {
            0 => line,
            k if k < p => s[k - 1],
            _ => 0.0,
        };
        let mut before = vec![0.0; p];
        for k in 1..=p {
            before[p - k] = at(k - 1) - 2.0 * at(k) + at(k + 1);
        }
        study.weights(&before)
    };
    let m = p - 1;
    let direction = |k: usize| {
        let mut s = vec![0.0; m];
        s[k] = 1.0;
        let (with, without) = (weights(&s), weights(&vec![0.0; m]));
        with.iter()
            .zip(&without)
            .map(|(a, b)| a - b)
            .collect::<Vec<f64>>()
    };
    let directions: Vec<Vec<f64>> = (0..m).map(direction).collect();
    let moved = |v: &[f64]| -> Vec<f64> {
        study
            .covariance
            .iter()
            .map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
            .collect()
    };
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let images: Vec<Vec<f64>> = directions.iter().map(|d| moved(d)).collect();
    let curvature: Vec<Vec<f64>> = directions
        .iter()
        .map(|d| images.iter().map(|image| dot(d, image)).collect())
        .collect();
    let constant: Vec<f64> = images
        .iter()
        .map(|image| dot(image, &weights(&vec![0.0; m])))
        .collect();
    let mut s = vec![0.0; m];
    for _ in 0..MOST_SWEEPS {
        let mut change: f64 = 0.0;
        for k in 0..m {
            let others: f64 = (0..m)
                .filter(|&j| j != k)
                .map(|j| curvature[k][j] * s[j])
                .sum();
            let pull = -(constant[k] + others);
            let next = (pull.abs() - price).max(0.0) * pull.signum() / curvature[k][k];
            change = change.max((next - s[k]).abs());
            s[k] = next;
        }
        let size: f64 = s.iter().map(|value| value.abs()).sum();
        if change <= 1e-15 * (1.0 + size) {
            return Ok((weights(&s), size));
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_SWEEPS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study() -> EventStudy {
        let covariance = vec![
            vec![1.0, 0.2, 0.1],
            vec![0.2, 0.8, 0.1],
            vec![0.1, 0.1, 0.9],
        ];
        EventStudy::new(&[0.2, 0.1, 1.0], &covariance, 2, &[1.0]).unwrap()
    }

    #[test]
    fn a_straight_line_before_is_taken_off() {
        let set = smoothness_set(&study(), 0.5).unwrap();
        assert!((set.lower - 0.6).abs() < 1e-12 && (set.upper - 1.6).abs() < 1e-12);
        let bent = EventStudy::new(&[2.0, 0.1, 1.0], &study().covariance, 2, &[1.0]).unwrap();
        assert_eq!(smoothness_set(&bent, 0.5), None);
    }

    #[test]
    fn no_estimator_of_a_grid_has_a_shorter_interval() {
        let study = study();
        let most = 0.7;
        let found = smoothness_interval(&study, most, 0.95).unwrap();
        let length = 0.5 * (found.upper - found.lower);
        // Two times before and an unbiased line leave one free weight, s.
        let best = (-4000..=4000)
            .map(|i| f64::from(i) / 1000.0)
            .map(|s| {
                let weights = study.weights(&[s, 1.0 - 2.0 * s]);
                let error = study.variance(&weights).sqrt();
                folded(most * (1.0 + s.abs()) / error, 0.95).0 * error
            })
            .fold(f64::INFINITY, f64::min);
        assert!(
            length <= best + 1e-9 && length >= best - 1e-5,
            "{length} {best}"
        );
    }
}

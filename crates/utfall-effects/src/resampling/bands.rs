//! Replicates of several numbers drawn together: their errors, and bands that hold them all at once.
//!
//! A band is the point give or take the same number of standard errors everywhere; that number is
//! the quantile over replicates of the largest absolute deviation in standard errors, so the band
//! holds all numbers together with the level asked for.
//!
//! Montiel Olea & Plagborg-Møller (2019) on sup-t bands, <https://doi.org/10.1002/jae.2656>;
//! Callaway & Sant'Anna (2021), algorithm 1, <https://doi.org/10.1016/j.jeconom.2020.12.001>.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Interval};
use utfall_stats::moments::mean_and_variance;
use utfall_stats::normal;

use super::quantile::{inverse_cdf, sorted};

/// How far replicates of several numbers lie from their points, drawn together.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicates {
    /// For each number, one deviation a replicate, in the number's unit.
    deviations: Vec<Vec<f64>>,
}

/// How the spread of replicates becomes a standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Their standard deviation, divisor one less than their number.
    Deviation,
    /// Their interquartile range over that of the standard normal, with quantiles of type 1: not
    /// moved by a few wild replicates. It is what R's `did` reports.
    Interquartile,
}

impl Replicates {
    /// Deviations that were drawn elsewhere: one slice for each number, all of one length.
    #[must_use]
    pub fn of(deviations: Vec<Vec<f64>>) -> Self {
        Self { deviations }
    }

    /// For each number, one deviation a replicate.
    #[must_use]
    pub fn deviations(&self) -> &[Vec<f64>] {
        &self.deviations
    }

    /// Replicates drawn.
    #[must_use]
    pub fn n_replicates(&self) -> usize {
        self.deviations.first().map_or(0, Vec::len)
    }

    /// The standard error of each number; zero where no replicate moved it.
    #[must_use]
    pub fn standard_errors(&self, spread: Spread) -> Vec<f64> {
        let error = |values: &Vec<f64>| match spread {
            Spread::Deviation => mean_and_variance(values).1.sqrt(),
            Spread::Interquartile => {
                let sorted = sorted(values);
                let range = inverse_cdf(&sorted, 0.75) - inverse_cdf(&sorted, 0.25);
                range / (normal::quantile(0.75) - normal::quantile(0.25))
            }
        };
        self.deviations.iter().map(error).collect()
    }

    /// How many standard errors a band reaches to hold all numbers at once.
    ///
    /// The quantile is of type 1: with `R` replicates, the `⌈R · level⌉`-th smallest of their
    /// largest absolute deviations. A number whose standard error is zero takes no part. `None` if
    /// none takes part.
    #[must_use]
    pub fn critical_value(&self, standard_errors: &[f64], level: ConfidenceLevel) -> Option<f64> {
        let largest = self.largest(standard_errors);
        let moving = standard_errors.iter().any(|&error| error > 0.0);
        moving.then(|| inverse_cdf(&sorted(&largest), level.fraction()))
    }

    /// The p-value of each number's point being zero, adjusted for looking at all of them: the
    /// share of replicates, itself counted in, whose largest deviation is at least as large.
    #[must_use]
    pub fn single_step_p(&self, points: &[f64], standard_errors: &[f64]) -> Vec<f64> {
        let largest = sorted(&self.largest(standard_errors));
        let p = |(point, error): (&f64, &f64)| {
            let t = (point / error).abs();
            let below = largest.partition_point(|&value| value < t * (1.0 - 1e-12));
            let beyond = utfall_stats::moments::count(largest.len() - below);
            (1.0 + beyond) / (1.0 + utfall_stats::moments::count(largest.len()))
        };
        points.iter().zip(standard_errors).map(p).collect()
    }

    /// The band of each number.
    #[must_use]
    pub fn bands(points: &[f64], standard_errors: &[f64], critical_value: f64) -> Vec<Interval> {
        let band = |(point, error): (&f64, &f64)| Interval {
            lower: point - critical_value * error,
            upper: point + critical_value * error,
        };
        points.iter().zip(standard_errors).map(band).collect()
    }

    /// The largest absolute deviation of each replicate, in standard errors.
    fn largest(&self, standard_errors: &[f64]) -> Vec<f64> {
        let mut largest = vec![0.0_f64; self.n_replicates()];
        for (values, &error) in self.deviations.iter().zip(standard_errors) {
            if error > 0.0 {
                for (most, value) in largest.iter_mut().zip(values) {
                    *most = most.max(value.abs() / error);
                }
            }
        }
        largest
    }
}

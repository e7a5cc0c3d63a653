//! How often values fell into intervals of equal width.

use serde::{Deserialize, Serialize};

/// Counts of values in bins of equal width; the last bin holds its upper end too.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Histogram {
    /// Lower end of the first bin.
    pub from: f64,
    /// Width of a bin.
    pub width: f64,
    /// Values in each bin.
    pub counts: Vec<u32>,
}

impl Histogram {
    /// Bins as wide as Freedman & Diaconis (1981) advise, at most fifty; `None` without two different values.
    #[must_use]
    pub fn of(sorted: &[f64]) -> Option<Self> {
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let span = last - first;
        if !span.is_finite() || span <= 0.0 {
            return None;
        }
        let quartile = |share: usize| sorted[(sorted.len() * share / 4).min(sorted.len() - 1)];
        let n = utfall_stats::moments::count(sorted.len());
        let advised = 2.0 * (quartile(3) - quartile(1)) / cube_root(n);
        let n_bins = if advised > 0.0 {
            (span / advised).ceil().clamp(5.0, 50.0)
        } else {
            5.0
        };
        let width = span / n_bins;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 50"
        )]
        let whole = |value: f64| value as usize;
        let mut counts = vec![0; whole(n_bins)];
        let last_bin = counts.len() - 1;
        for value in sorted {
            counts[whole((value - first) / width).min(last_bin)] += 1;
        }
        Some(Self {
            from: first,
            width,
            counts,
        })
    }
}

fn cube_root(n: f64) -> f64 {
    utfall_stats::elementary::pow(n, 1.0 / 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_bin() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i) / 7.0).collect();
        let histogram = Histogram::of(&values).unwrap();
        assert_eq!(histogram.counts.iter().sum::<u32>(), 1000);
        let end = histogram.from + histogram.width * f64::from(histogram.counts.len() as u32);
        assert!((end - 999.0 / 7.0).abs() < 1e-9);
        assert!(Histogram::of(&[2.0, 2.0]).is_none());
        assert!(Histogram::of(&[]).is_none());
    }
}

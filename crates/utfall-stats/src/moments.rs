//! Means and variances, plain and weighted, in two passes over fixed blocks.

use crate::sums::{dot, sum, sum_each, sum_of};

/// A number of units as a float.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "no register holds 2^53 units")]
pub fn count(n: usize) -> f64 {
    n as f64
}

/// The arithmetic mean; NaN for no values.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    sum(values) / count(values.len())
}

/// The mean and the sample variance with divisor `n - 1`.
///
/// The variance is NaN below two values, the mean below one.
#[must_use]
pub fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let mean = mean(values);
    let squares = sum_each(values, |value| (value - mean) * (value - mean));
    (
        mean,
        if values.len() < 2 {
            f64::NAN
        } else {
            squares / count(values.len() - 1)
        },
    )
}

/// The weighted mean `Σwx / Σw`; NaN if the weights add up to zero.
///
/// `values` and `weights` have one length.
#[must_use]
pub fn weighted_mean(values: &[f64], weights: &[f64]) -> f64 {
    dot(weights, values) / sum(weights)
}

/// The weighted mean and the variance for reliability weights,
/// `Σw(x - m)² · Σw / ((Σw)² - Σw²)`.
///
/// With equal weights it is the sample variance with divisor `n - 1`. `values` and `weights` have
/// one length; the variance is NaN where fewer than two weights are above zero.
#[must_use]
pub fn weighted_mean_and_variance(values: &[f64], weights: &[f64]) -> (f64, f64) {
    let total = sum(weights);
    let mean = dot(weights, values) / total;
    let squares = sum_of(values.len(), |i| {
        weights[i] * (values[i] - mean) * (values[i] - mean)
    });
    let squared_weights = dot(weights, weights);
    if weights
        .iter()
        .filter(|&&weight| weight > 0.0)
        .take(2)
        .count()
        < 2
    {
        return (mean, f64::NAN);
    }
    (mean, squares * total / (total * total - squared_weights))
}

/// Kish's effective sample size `(Σw)² / Σw²`; NaN if every weight is zero.
///
/// # Reference
///
/// Kish (1965), *Survey Sampling*.
#[must_use]
pub fn effective_sample_size(weights: &[f64]) -> f64 {
    let total = sum(weights);
    total * total / sum_of(weights.len(), |i| weights[i] * weights[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_give_the_plain_variance() {
        let values = [1.0, 2.0, 4.0, 7.0, 11.0];
        let (mean, variance) = mean_and_variance(&values);
        let (weighted_mean, weighted) = weighted_mean_and_variance(&values, &[0.5; 5]);
        assert!((mean - 5.0).abs() < 1e-15 && (weighted_mean - mean).abs() < 1e-15);
        assert!((variance - 16.5).abs() < 1e-14 && (weighted - variance).abs() < 1e-13);
    }

    #[test]
    fn too_few_values_have_no_variance() {
        assert!(mean(&[]).is_nan());
        assert!(mean_and_variance(&[3.0]).1.is_nan());
        assert!(
            weighted_mean_and_variance(&[3.0, 4.0], &[1.0, 0.0])
                .1
                .is_nan()
        );
    }
}

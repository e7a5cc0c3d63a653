//! Quantiles of a sample, by the rule that the caller names.
//!
//! Hyndman & Fan (1996), <https://doi.org/10.1080/00031305.1996.10473566>.

use utfall_stats::moments::count;

/// The smallest value with at least a share `p` of the sorted values at or below it (type 1).
#[must_use]
pub(crate) fn inverse_cdf(sorted: &[f64], p: f64) -> f64 {
    let n = count(sorted.len());
    // A share that is a whole number of values up to rounding is that number of them.
    let wanted = (n * p - 4.0 * f64::EPSILON * n).ceil().max(1.0);
    sorted[rank(wanted, sorted.len())]
}

/// The index of the value with this rank, counted from 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number from 1 up, held to the slice"
)]
pub(crate) fn rank(rank: f64, n: usize) -> usize {
    (rank.max(1.0) as usize - 1).min(n.saturating_sub(1))
}

/// The values from the smallest up.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_four_values_are_those_of_r() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let close = |got: f64, expected: f64| (got - expected).abs() < 1e-15;
        for (p, one) in [(0.0, 1.0), (0.25, 1.0), (0.3, 2.0), (0.5, 2.0), (1.0, 4.0)] {
            assert!(close(inverse_cdf(&values, p), one), "type 1 at {p}");
        }
    }
}

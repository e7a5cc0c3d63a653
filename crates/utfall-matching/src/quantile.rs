//! Quantiles of type 7: between the order statistics on either side, as R's `quantile` by default.

use utfall_stats::moments;

/// The quantile at `p` of sorted values: Hyndman & Fan's type 7. NaN without values.
pub(crate) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = moments::count(last) * p;
    // Rounding is not to move a whole number below itself.
    let below = whole((at + 4.0 * f64::EPSILON).floor()).min(last);
    let part = at - moments::count(below);
    let (Some(&low), Some(&high)) = (sorted.get(below), sorted.get((below + 1).min(last))) else {
        return f64::NAN;
    };
    if part.abs() < 1e-12 {
        low
    } else {
        low * (1.0 - part) + high * part
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole, not negative and at most a number of units"
)]
fn whole(x: f64) -> usize {
    x as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        let got = [0.0, 1.0 / 3.0, 0.5, 0.9, 1.0].map(|p| quantile(&sorted, p));
        let expected = [1.0, 2.0, 3.0, 6.8, 8.0];
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
        assert!(quantile(&[], 0.5).is_nan());
    }
}

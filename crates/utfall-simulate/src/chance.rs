//! Draws shared by the models: keyed streams, bounded noise, rounding that keeps expectations.

use utfall_stats::draws::Stream;

/// Where all randomness of a world comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance {
    seed: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The stream of one step for one family or person.
    pub(crate) fn stream(self, step: &str, number: u64) -> Stream {
        Stream::new(self.seed, step, number)
    }
}

/// Noise of mean 0 and standard deviation 1 that never leaves `[-3, 3]`: three uniforms, centred.
pub(crate) fn bounded_noise(draws: &mut Stream) -> f64 {
    2.0 * (draws.uniform() + draws.uniform() + draws.uniform() - 1.5)
}

/// Rounds down or up at random so that the expectation is exactly `value`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "hours, nights and points stay far below 2^53"
)]
pub(crate) fn round_fairly(value: f64, draws: &mut Stream) -> i64 {
    (value + draws.uniform()).floor() as i64
}

/// Whole numbers as floats; those here stay far below 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "hours, nights and points stay far below 2^53"
)]
pub(crate) fn float(whole: i64) -> f64 {
    whole as f64
}

/// The probability whose logit is `logit`.
pub(crate) fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-logit))
}

/// A uniform whole number from `first` to `last`, both included.
#[expect(
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "callers give first <= last, both small"
)]
pub(crate) fn between(first: i64, last: i64, draws: &mut Stream) -> i64 {
    first + draws.below((last - first + 1) as u64) as i64
}

/// An index drawn with the given shares; the last one takes what the others leave.
pub(crate) fn pick(shares: &[f64], draws: &mut Stream) -> usize {
    let mut left = draws.uniform();
    for (index, share) in shares.iter().enumerate() {
        left -= share;
        if left < 0.0 {
            return index;
        }
    }
    shares.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fair_rounding_keeps_the_expectation() {
        let mut draws = Stream::new(1, "test", 0);
        let n = 100_000;
        let sum: i64 = (0..n).map(|_| round_fairly(2.3, &mut draws)).sum();
        assert!((float(sum) / float(n) - 2.3).abs() < 0.01);
    }

    #[test]
    fn bounded_noise_is_standardised_and_bounded() {
        let mut draws = Stream::new(1, "test", 0);
        let values: Vec<f64> = (0..100_000).map(|_| bounded_noise(&mut draws)).collect();
        let mean = values.iter().sum::<f64>() / 1e5;
        let variance = values.iter().map(|value| value * value).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02);
        assert!(values.iter().all(|value| value.abs() <= 3.0));
    }
}

//! Random draws: one named stream for each step and replicate of a seeded plan.
//!
//! A stream depends on (seed, step, replicate) and on nothing else, so a draw never moves because
//! another step drew more or a thread came first. Integers, shuffles, normals and counts are
//! drawn by methods written here and held fixed: a change to any of them changes results.
//!
//! # References
//!
//! Bernstein (2008), ChaCha, <https://cr.yp.to/chacha.html>. Lemire (2019), bounded integers,
//! <https://doi.org/10.1145/3230636>. Hörmann (1993), Poisson and binomial by transformed
//! rejection (PTRS, BTRS), <https://doi.org/10.1016/0167-6687(93)90997-4> and
//! <https://doi.org/10.1080/00949659308811496>.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::normal;

/// A stream of random draws.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of one replicate of one step of a plan with this seed.
    #[must_use]
    pub fn new(seed: u64, step: &str, replicate: u64) -> Self {
        let mut generator = ChaCha8Rng::from_seed(key(seed, step));
        generator.set_stream(replicate);
        Self(generator)
    }

    /// 64 uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform value in `[0, 1)`, a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        unit(self.bits() >> 11)
    }

    /// A uniform whole number below `n`, without bias.
    ///
    /// # Panics
    ///
    /// If `n` is zero: there is no such number.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "no whole number is below zero");
        let reject_below = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            let [high, low] = halves(product);
            if low >= reject_below {
                return high;
            }
        }
    }

    /// A uniform index into a slice of length `n`.
    ///
    /// # Panics
    ///
    /// If `n` is zero.
    #[expect(clippy::cast_possible_truncation, reason = "below n, which is a usize")]
    pub fn index(&mut self, n: usize) -> usize {
        self.below(n as u64) as usize
    }

    /// Whether an event of this probability happens: never at 0 and below, always at 1 and above.
    pub fn bernoulli(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A standard normal value, by the inverse distribution function.
    pub fn normal(&mut self) -> f64 {
        // The middle of one of 2^53 equal cells: never 0 or 1, and symmetric.
        let cell = unit(self.bits() >> 11);
        if cell < 0.5 {
            normal::quantile(cell + HALF_CELL)
        } else {
            -normal::quantile((1.0 - cell) - HALF_CELL)
        }
    }

    /// A Poisson count; 0 if the mean is not above zero.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean.is_nan() || mean <= 0.0 {
            0
        } else if mean < 10.0 {
            self.poisson_by_inversion(mean)
        } else {
            self.poisson_by_rejection(mean)
        }
    }

    /// The number of `n` trials that succeed; the probability is held to `[0, 1]`, NaN is 0.
    pub fn binomial(&mut self, n: u64, probability: f64) -> u64 {
        if probability > 0.5 {
            return n - self.binomial(n, 1.0 - probability.min(1.0));
        }
        if probability.is_nan() || probability <= 0.0 {
            0
        } else if float(n) * probability < 10.0 {
            self.binomial_by_waiting(n, probability)
        } else {
            self.binomial_by_rejection(n, probability)
        }
    }

    /// Puts the values in a uniformly random order (Fisher–Yates, from the end).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let other = self.index(last + 1);
            values.swap(last, other);
        }
    }

    fn poisson_by_inversion(&mut self, mean: f64) -> u64 {
        let mut left = self.uniform();
        let mut probability = libm::exp(-mean);
        let mut count = 0;
        // 200 is beyond 1e-60 of the tail at mean 10; the bound stops what rounding leaves over.
        while left >= probability && count < 200 {
            left -= probability;
            count += 1;
            probability *= mean / float(count);
        }
        count
    }

    fn poisson_by_rejection(&mut self, mean: f64) -> u64 {
        let root = mean.sqrt();
        let b = 0.931 + 2.53 * root;
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let accept = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.uniform() - 0.5;
            let v = self.uniform();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= accept {
                return whole(k);
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let left = libm::log(v) + libm::log(inverse_alpha) - libm::log(a / (us * us) + b);
            if left <= k * libm::log(mean) - mean - libm::lgamma(k + 1.0) {
                return whole(k);
            }
        }
    }

    /// Counts successes by drawing the geometric wait for each.
    fn binomial_by_waiting(&mut self, n: u64, probability: f64) -> u64 {
        let log_failure = libm::log1p(-probability);
        let mut trials = 0.0;
        let mut successes = 0;
        loop {
            let wait = (libm::log1p(-self.uniform()) / log_failure).floor() + 1.0;
            trials += wait;
            if trials > float(n) {
                return successes;
            }
            successes += 1;
        }
    }

    fn binomial_by_rejection(&mut self, n: u64, probability: f64) -> u64 {
        let n = float(n);
        let spread = (n * probability * (1.0 - probability)).sqrt();
        let b = 1.15 + 2.53 * spread;
        let a = -0.0873 + 0.0248 * b + 0.01 * probability;
        let alpha = (2.83 + 5.1 / b) * spread;
        let accept = 0.92 - 4.2 / b;
        let log_odds = libm::log(probability / (1.0 - probability));
        let mode = ((n + 1.0) * probability).floor();
        let at_mode = libm::lgamma(mode + 1.0) + libm::lgamma(n - mode + 1.0);
        loop {
            let u = self.uniform() - 0.5;
            let v = self.uniform();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + n * probability + 0.5).floor();
            if us >= 0.07 && v <= accept {
                return whole(k);
            }
            if k < 0.0 || k > n {
                continue;
            }
            let left = libm::log(v * alpha / (a / (us * us) + b));
            let right =
                at_mode - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0) + (k - mode) * log_odds;
            if left <= right {
                return whole(k);
            }
        }
    }
}

const HALF_CELL: f64 = 1.0 / (1_u64 << 54) as f64;

/// The key of a step: the seed, then the name absorbed eight bytes at a time, its length first.
fn key(seed: u64, step: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    absorb(&mut key, step.len() as u64);
    for chunk in step.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        absorb(&mut key, u64::from_le_bytes(word));
    }
    key
}

fn absorb(key: &mut [u8; 32], word: u64) {
    let mut generator = ChaCha8Rng::from_seed(*key);
    generator.set_stream(word);
    generator.fill_bytes(key);
}

#[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
fn unit(bits: u64) -> f64 {
    bits as f64 / (1_u64 << 53) as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts drawn here stay below 2^53"
)]
fn float(n: u64) -> f64 {
    n as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number, zero or above"
)]
fn whole(k: f64) -> u64 {
    k.max(0.0) as u64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves are taken apart on purpose"
)]
fn halves(product: u128) -> [u64; 2] {
    [(product >> 64) as u64, product as u64]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::{count, mean_and_variance};

    /// Mean and variance of many draws lie within five standard errors of what they should be.
    fn check(draws: &[f64], mean: f64, variance: f64) {
        let (got, got_variance) = mean_and_variance(draws);
        let n = count(draws.len());
        assert!(
            (got - mean).abs() < 5.0 * (variance / n).sqrt(),
            "mean {got}, expected {mean}"
        );
        assert!(
            (got_variance / variance - 1.0).abs() < 0.05,
            "variance {got_variance}, expected {variance}"
        );
    }

    fn many(step: &str, mut draw: impl FnMut(&mut Stream) -> f64) -> Vec<f64> {
        let mut stream = Stream::new(7, step, 0);
        (0..40_000).map(|_| draw(&mut stream)).collect()
    }

    #[test]
    fn a_stream_depends_on_seed_step_and_replicate_alone() {
        let first = |seed, step, replicate| Stream::new(seed, step, replicate).bits();
        assert_eq!(first(1, "births", 3), first(1, "births", 3));
        let all = [
            first(1, "births", 3),
            first(2, "births", 3),
            first(1, "deaths", 3),
            first(1, "births", 4),
            first(1, "births\0", 3),
            first(1, "", 3),
            first(1, "a longer name of a step", 3),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn draws_have_the_moments_of_their_distribution() {
        check(&many("uniform", Stream::uniform), 0.5, 1.0 / 12.0);
        check(&many("normal", Stream::normal), 0.0, 1.0);
        check(&many("below", |s| float(s.below(6))), 2.5, 35.0 / 12.0);
        for mean in [0.3, 4.0, 9.99, 10.0, 37.5, 12_345.0] {
            check(&many("poisson", |s| float(s.poisson(mean))), mean, mean);
        }
        for (n, p) in [
            (5, 0.3),
            (20, 0.9),
            (1000, 0.004),
            (100, 0.1),
            (500, 0.37),
            (90, 0.75),
        ] {
            let trials = float(n);
            check(
                &many("binomial", |s| float(s.binomial(n, p))),
                trials * p,
                trials * p * (1.0 - p),
            );
        }
    }

    #[test]
    fn certain_and_impossible_events_are_so() {
        let mut stream = Stream::new(1, "edges", 0);
        for _ in 0..100 {
            assert!(!stream.bernoulli(0.0) && stream.bernoulli(1.0));
            assert_eq!(stream.binomial(9, 1.0), 9);
            assert_eq!(stream.binomial(9, 0.0), 0);
            assert_eq!(stream.poisson(-1.0), 0);
            assert_eq!(stream.below(1), 0);
        }
    }

    #[test]
    fn a_shuffle_keeps_every_value() {
        let mut values: Vec<u32> = (0..100).collect();
        Stream::new(1, "shuffle", 0).shuffle(&mut values);
        assert_ne!(values, (0..100).collect::<Vec<_>>());
        values.sort_unstable();
        assert_eq!(values, (0..100).collect::<Vec<_>>());
    }
}

//! The interval of a proportion: how often something happens, seen in a number of tries.
//!
//! # Reference
//!
//! Clopper & Pearson (1934), <https://doi.org/10.1093/biomet/26.4.404>.

use crate::incomplete_beta::regularised;

/// Clopper and Pearson's exact interval of a proportion, `(lower, upper)`.
///
/// It holds the true proportion at least as often as `level` says, whatever it is, and often more.
/// `None` without a try, with more successes than tries, or unless `0 < level < 1`.
#[must_use]
pub fn clopper_pearson(n_successes: u32, n_tries: u32, level: f64) -> Option<(f64, f64)> {
    if n_tries == 0 || n_successes > n_tries || !(level > 0.0 && level < 1.0) {
        return None;
    }
    let tail = 0.5 * (1.0 - level);
    let (k, n) = (f64::from(n_successes), f64::from(n_tries));
    let lower = if n_successes == 0 {
        0.0
    } else {
        where_reaches(tail, |p| regularised(p, k, n - k + 1.0))
    };
    let upper = if n_successes == n_tries {
        1.0
    } else {
        where_reaches(1.0 - tail, |p| regularised(p, k + 1.0, n - k))
    };
    Some((lower, upper))
}

/// Where a function that grows from 0 to 1 takes a value, by halving.
fn where_reaches(value: f64, of: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if of(middle) < value {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability of at least `k` of `n` at `p`, term by term.
    fn at_least(k: u32, n: u32, p: f64) -> f64 {
        let choose = |j: u32| -> f64 {
            (0..j)
                .map(|i| f64::from(n - i) / f64::from(i + 1))
                .product()
        };
        (k..=n)
            .map(|j| choose(j) * libm::pow(p, f64::from(j)) * libm::pow(1.0 - p, f64::from(n - j)))
            .sum()
    }

    #[test]
    fn each_end_leaves_half_the_error_beyond_it() {
        for (k, n) in [(1, 10), (3, 20), (19, 20), (7, 50)] {
            let (lower, upper) = clopper_pearson(k, n, 0.95).unwrap();
            assert!((at_least(k, n, lower) - 0.025).abs() < 1e-11);
            assert!((at_least(k + 1, n, upper) - 0.975).abs() < 1e-11);
        }
    }

    #[test]
    fn never_and_always_have_closed_forms() {
        let (lower, upper) = clopper_pearson(0, 1000, 0.95).unwrap();
        assert!(lower.abs() < f64::MIN_POSITIVE);
        assert!((upper - (1.0 - libm::pow(0.025, 1e-3))).abs() < 1e-14);
        let (lower, upper) = clopper_pearson(30, 30, 0.9).unwrap();
        assert!((upper - 1.0).abs() < f64::MIN_POSITIVE);
        assert!((lower - libm::pow(0.05, 1.0 / 30.0)).abs() < 1e-13);
    }

    #[test]
    fn what_is_no_proportion_has_no_interval() {
        assert!(clopper_pearson(0, 0, 0.95).is_none());
        assert!(clopper_pearson(3, 2, 0.95).is_none());
        assert!(clopper_pearson(1, 2, 1.0).is_none());
    }
}

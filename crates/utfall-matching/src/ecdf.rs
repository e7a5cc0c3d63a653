//! How far two weighted distribution functions lie apart.

use utfall_stats::moments::count;

use crate::order::ordered;

/// The distribution function of one arm: at each value that occurs, the share at or below it.
pub(crate) struct Distribution {
    /// Values as ordered bits, rising, each once.
    values: Vec<u64>,
    /// Share of the arm at or below each.
    shares: Vec<f64>,
}

/// Mean and largest distance between two distribution functions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Apart {
    pub(crate) mean: f64,
    pub(crate) max: f64,
}

impl Distribution {
    /// Rising values; each counts as its weight, or all the same.
    pub(crate) fn of(values: &[f64], weights: Option<&[f64]>) -> Self {
        let keys = values.iter().map(|&value| ordered(value));
        match weights {
            None => Self::of_sorted(keys.map(|key| (key, 1.0)), count(values.len())),
            Some(weights) => {
                let total = weights.iter().fold(0.0, |total, weight| total + weight);
                Self::of_sorted(keys.zip(weights.iter().copied()), total)
            }
        }
    }

    fn of_sorted(keys: impl Iterator<Item = (u64, f64)>, total: f64) -> Self {
        let (mut values, mut shares) = (Vec::new(), Vec::new());
        let mut so_far = 0.0;
        for (key, weight) in keys {
            so_far += weight;
            if values.last() != Some(&key) {
                values.push(key);
                shares.push(0.0);
            }
            if let Some(share) = shares.last_mut() {
                *share = so_far / total;
            }
        }
        Self { values, shares }
    }

    /// The share at or below a value, walking on from where the last value was met.
    fn walk(&self) -> impl FnMut(u64) -> f64 {
        let mut next = 0;
        move |value| {
            while self.values.get(next).is_some_and(|&met| met <= value) {
                next += 1;
            }
            if next == 0 {
                0.0
            } else {
                self.shares[next - 1]
            }
        }
    }

    /// Values that occur in either distribution, rising, each once.
    pub(crate) fn values_of_both(&self, other: &Self) -> Vec<u64> {
        let mut values = [self.values.as_slice(), &other.values].concat();
        values.sort();
        values.dedup();
        values
    }

    /// Compares two distributions at these values.
    pub(crate) fn apart(&self, other: &Self, values: &[u64]) -> Apart {
        let (mut one, mut two) = (self.walk(), other.walk());
        let (mut sum, mut max) = (0.0, 0.0_f64);
        for &value in values {
            let apart = (one(value) - two(value)).abs();
            sum += apart;
            max = max.max(apart);
        }
        Apart {
            mean: sum / count(values.len()),
            max,
        }
    }
}

/// Mean and largest difference of two arms' rising values at equal shares: the `i`th of the smaller arm
/// against the last of the larger whose share of its arm is not above that of the `i`th.
pub(crate) fn quantiles_apart(one: &[f64], other: &[f64]) -> (f64, f64) {
    let (small, large) = if one.len() > other.len() {
        (other, one)
    } else {
        (one, other)
    };
    let at_share = |rank: usize| large[(rank * large.len() / small.len()).saturating_sub(1)];
    let apart = small
        .iter()
        .zip(1..)
        .map(|(value, rank)| (value - at_share(rank)).abs());
    let (sum, max) = apart.fold((0.0, 0.0_f64), |(sum, max), apart| {
        (sum + apart, max.max(apart))
    });
    (sum / count(small.len()), max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(one: &Distribution, two: &Distribution) -> Apart {
        one.apart(two, &one.values_of_both(two))
    }

    #[test]
    fn arms_without_overlap_lie_one_apart() {
        let got = apart(
            &Distribution::of(&[1.0, 2.0], None),
            &Distribution::of(&[3.0, 4.0], None),
        );
        assert_eq!(
            got,
            Apart {
                mean: 0.5,
                max: 1.0
            }
        );
    }

    #[test]
    fn the_larger_arm_is_read_at_the_shares_of_the_smaller() {
        // Shares 1/3, 2/3 and 1 of 0, 1, 2, 5 are reached by 0, 1 and 5.
        let (mean, max) = quantiles_apart(&[0.0, 1.0, 2.0, 5.0], &[0.0, 2.0, 4.0]);
        assert!((mean - 2.0 / 3.0).abs() < 1e-15 && (max - 1.0).abs() < 1e-15);
        assert_eq!(
            quantiles_apart(&[0.0, 2.0, 4.0], &[0.0, 1.0, 2.0, 5.0]),
            (mean, max)
        );
    }

    #[test]
    fn equal_values_are_compared_once() {
        let got = apart(
            &Distribution::of(&[5.0], None),
            &Distribution::of(&[5.0, 5.0, 5.0], None),
        );
        assert_eq!(
            got,
            Apart {
                mean: 0.0,
                max: 0.0
            }
        );
    }

    #[test]
    fn a_weight_of_two_is_a_value_twice() {
        let other = Distribution::of(&[0.0, 1.5, 9.0], None);
        let twice = Distribution::of(&[1.0, 3.0, 3.0], None);
        let weighted = Distribution::of(&[1.0, 3.0], Some(&[1.0, 2.0]));
        assert_eq!(apart(&twice, &other), apart(&weighted, &other));
    }
}

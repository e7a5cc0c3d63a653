//! An amount shared out in whole minor units.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed};

use crate::contract::Remainder;

/// Shares `total` in proportion to `weights`: each part is cut to whole minor units toward zero, and what is left goes
/// by the rule to those with a weight above 0, as between the payers of a contract. The parts add up to the total.
///
/// All parts are 0 if no weight is above 0.
#[must_use]
pub fn share_out(total: i128, weights: &[u64], remainder: Remainder) -> Vec<i128> {
    let weights: Vec<i128> = weights.iter().map(|weight| i128::from(*weight)).collect();
    let Shared { cut, left_over } = Shared::of(&total, &weights, remainder);
    let mut parts = cut;
    for (place, units) in left_over {
        parts[place] += units;
    }
    parts
}

/// Whole numbers in the proportions of some shares above 0.
pub(crate) fn weights(shares: &[&BigRational]) -> Vec<BigInt> {
    let common = shares.iter().fold(BigInt::one(), |common, share| {
        // In lowest terms the numerator is the common denominator without what both have.
        let without = BigRational::new(common, share.denom().clone());
        without.numer() * share.denom()
    });
    let weight = |share: &&BigRational| share.numer() * (&common / share.denom());
    shares.iter().map(weight).collect()
}

/// Parts of a total, and what cutting them left over.
pub(crate) struct Shared<N> {
    /// Each part, cut to whole units toward zero.
    pub(crate) cut: Vec<N>,
    /// Who gets how many of the units left over.
    pub(crate) left_over: Vec<(usize, N)>,
}

impl<N: Signed + Ord + Clone> Shared<N> {
    /// Shares a total in proportion to weights of 0 or more.
    pub(crate) fn of(total: &N, weights: &[N], remainder: Remainder) -> Self {
        let with_share: Vec<usize> = (0..weights.len())
            .filter(|place| weights[*place].is_positive())
            .collect();
        let mut cut = vec![N::zero(); weights.len()];
        let (Some(&first), Some(&last)) = (with_share.first(), with_share.last()) else {
            return Self {
                cut,
                left_over: Vec::new(),
            };
        };
        let add = |sum: N, part: &N| sum + part.clone();
        let sum = weights.iter().fold(N::zero(), add);
        // total = sum × whole + rest, so that no product of 64-bit weights leaves 128 bits.
        let (whole, rest) = (total.clone() / sum.clone(), total.clone() % sum.clone());
        let mut lost: Vec<(N, usize)> = Vec::with_capacity(with_share.len());
        for place in with_share {
            let weight = weights[place].clone();
            let of_rest = rest.clone() * weight.clone();
            cut[place] = whole.clone() * weight + of_rest.clone() / sum.clone();
            lost.push((-(of_rest % sum.clone()).abs(), place));
        }
        let mut left = total.clone() - cut.iter().fold(N::zero(), add);
        let left_over = match remainder {
            _ if left.is_zero() => Vec::new(),
            Remainder::FirstPayer => vec![(first, left)],
            Remainder::LastPayer => vec![(last, left)],
            Remainder::LargestRemainder => {
                // One each to those who lost most; fewer units are left than there are parts.
                lost.sort();
                let unit = left.signum();
                let mut given = Vec::new();
                for (_, place) in lost {
                    if left.is_zero() {
                        break;
                    }
                    given.push((place, unit.clone()));
                    left = left - unit.clone();
                }
                given
            }
        };
        Self { cut, left_over }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_by_every_rule() {
        for (remainder, expected) in [
            (Remainder::FirstPayer, [34, 33, 33]),
            (Remainder::LastPayer, [33, 33, 34]),
            (Remainder::LargestRemainder, [34, 33, 33]),
        ] {
            assert_eq!(share_out(100, &[1, 1, 1], remainder), expected);
        }
        assert_eq!(
            share_out(-100, &[1, 1, 1], Remainder::FirstPayer),
            [-34, -33, -33]
        );
        assert_eq!(
            share_out(100, &[1, 2, 0], Remainder::LastPayer),
            [33, 67, 0]
        );
        assert_eq!(share_out(7, &[0, 0], Remainder::LastPayer), [0, 0]);
        let huge = i128::MAX / 2;
        assert_eq!(
            share_out(huge, &[3, 5, 7], Remainder::LargestRemainder)
                .iter()
                .sum::<i128>(),
            huge
        );
    }

    #[test]
    fn shares_become_whole_numbers_in_proportion() {
        let share = |over: i64, under: i64| BigRational::new(over.into(), under.into());
        let (third, sixth, half) = (share(1, 3), share(1, 6), share(1, 2));
        let whole: Vec<BigInt> = [2, 1, 3].map(BigInt::from).into();
        assert_eq!(weights(&[&third, &sixth, &half]), whole);
    }
}

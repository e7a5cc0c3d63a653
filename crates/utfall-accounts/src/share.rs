//! An amount shared out in whole minor units.

use serde::{Deserialize, Serialize};

/// Who gets the minor units that shares leave over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remainder {
    /// The first with a share.
    FirstPayer,
    /// The last with a share.
    LastPayer,
    /// One each to those whose parts lost most by cutting; among equals the first.
    LargestRemainder,
}

/// Shares `total` in proportion to `weights`: each part is cut to whole minor units toward zero, and what is left goes
/// by the rule. The parts add up to the total. This is the rule of contracts (`utfall-payment`), so that a payment and
/// the decision it follows agree.
///
/// All parts are 0 if no weight is above 0.
#[must_use]
pub fn share_out(total: i128, weights: &[u64], remainder: Remainder) -> Vec<i128> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let mut parts = vec![0; weights.len()];
    let with_share: Vec<usize> = (0..weights.len())
        .filter(|place| weights[*place] > 0)
        .collect();
    let (Some(&first), Some(&last)) = (with_share.first(), with_share.last()) else {
        return parts;
    };
    // total = sum × whole + rest, so that no product leaves 128 bits.
    let (whole, rest) = (total / sum, total % sum);
    let mut lost: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
    for &place in &with_share {
        let weight = i128::from(weights[place]);
        parts[place] = whole * weight + rest * weight / sum;
        lost.push((-(rest * weight % sum).abs(), place));
    }
    let left = total - parts.iter().sum::<i128>();
    match remainder {
        Remainder::FirstPayer => parts[first] += left,
        Remainder::LastPayer => parts[last] += left,
        Remainder::LargestRemainder => {
            lost.sort_unstable();
            let n_left = usize::try_from(left.unsigned_abs()).unwrap_or(usize::MAX);
            for (_, place) in lost.into_iter().take(n_left) {
                parts[place] += left.signum();
            }
        }
    }
    parts
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
}

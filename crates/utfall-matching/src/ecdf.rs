//! How far two weighted distribution functions lie apart.

use utfall_stats::moments::count;

/// Mean and largest distance between two distribution functions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Apart {
    pub(crate) mean: f64,
    pub(crate) max: f64,
}

/// How far the distribution functions of two arms lie apart, at each value that occurs among all units.
///
/// `values` rise, and hold both arms. `signed` holds the weight behind each, with the sign bit of minus
/// for the second arm; a weight of zero counts in neither.
pub(crate) fn apart(values: &[f64], signed: &[f64]) -> Apart {
    let mut totals = [0.0; 2];
    for weight in signed {
        totals[arm(*weight)] += weight.abs();
    }
    let (mut so_far, mut n_values) = ([0.0; 2], 0);
    let (mut sum, mut max) = (0.0, 0.0_f64);
    for (place, (value, weight)) in values.iter().zip(signed).enumerate() {
        so_far[arm(*weight)] += weight.abs();
        if values.get(place + 1).is_none_or(|next| value < next) {
            let apart = (so_far[0] / totals[0] - so_far[1] / totals[1]).abs();
            sum += apart;
            max = max.max(apart);
            n_values += 1;
        }
    }
    Apart {
        mean: sum / count(n_values),
        max,
    }
}

/// Mean and largest difference of two arms' values at equal shares, of the units with a weight: the
/// `i`th of the smaller arm against the last of the larger whose share of its arm is not above that of
/// the `i`th. Values and weights are as [`apart`] takes them.
pub(crate) fn quantiles_apart(values: &[f64], signed: &[f64]) -> (f64, f64) {
    let mut arms = [Vec::new(), Vec::new()];
    for (value, weight) in values.iter().zip(signed) {
        if weight.abs() > 0.0 {
            arms[arm(*weight)].push(*value);
        }
    }
    let [one, other] = &arms;
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

fn arm(weight: f64) -> usize {
    usize::from(weight.is_sign_negative())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rising values of two arms with their signed weights.
    fn sorted(one: &[(f64, f64)], other: &[(f64, f64)]) -> (Vec<f64>, Vec<f64>) {
        let of_other = other.iter().map(|&(value, weight)| (value, -weight));
        let mut all: Vec<(f64, f64)> = one.iter().copied().chain(of_other).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all.into_iter().unzip()
    }

    fn even<const N: usize>(values: [f64; N]) -> [(f64, f64); N] {
        values.map(|value| (value, 1.0))
    }

    fn compared(one: &[(f64, f64)], other: &[(f64, f64)]) -> Apart {
        let (values, signed) = sorted(one, other);
        apart(&values, &signed)
    }

    #[test]
    fn arms_without_overlap_lie_one_apart() {
        let (mean, max) = (0.5, 1.0);
        let got = compared(&even([1.0, 2.0]), &even([3.0, 4.0]));
        assert_eq!(got, Apart { mean, max });
    }

    #[test]
    fn the_larger_arm_is_read_at_the_shares_of_the_smaller() {
        // Shares 1/3, 2/3 and 1 of 0, 1, 2, 5 are reached by 0, 1 and 5; what has no weight is no part.
        let four = [(5.0, 1.0), (0.0, 1.0), (2.0, 1.0), (1.0, 1.0), (9.0, 0.0)];
        let three = even([2.0, 0.0, 4.0]);
        for (one, other) in [(&four[..], &three[..]), (&three, &four)] {
            let (values, signed) = sorted(one, other);
            let (mean, max) = quantiles_apart(&values, &signed);
            assert!((mean - 2.0 / 3.0).abs() < 1e-15 && (max - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn equal_values_are_compared_once() {
        let (mean, max) = (0.0, 0.0);
        let got = compared(&even([5.0]), &even([5.0, 5.0, 5.0]));
        assert_eq!(got, Apart { mean, max });
    }

    #[test]
    fn a_value_without_weight_is_one_that_occurs() {
        // At 1 the first arm is whole and the other empty, at 2 nothing changes, at 3 both are whole.
        let got = compared(&even([1.0]), &[(2.0, 0.0), (3.0, 1.0)]);
        let (mean, max) = (2.0 / 3.0, 1.0);
        assert_eq!(got, Apart { mean, max });
    }

    #[test]
    fn a_weight_of_two_is_a_value_twice() {
        let other = even([0.0, 1.5, 9.0]);
        let twice = compared(&even([1.0, 3.0, 3.0]), &other);
        assert_eq!(twice, compared(&[(1.0, 1.0), (3.0, 2.0)], &other));
    }
}

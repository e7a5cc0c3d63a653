//! Overlap: how many units of either arm lie where on the score.

use utfall_core::Arm;

use crate::MatchingError;
use crate::error::{check_arms, check_length};

/// Units by arm in bins of equal width over the range of the score. They are counts, so that they
/// can be rounded or suppressed before they leave.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlap {
    /// The ends of the bins, rising: one more than there are bins. A bin holds its lower end, the
    /// last its upper one too.
    pub ends: Vec<f64>,
    /// Treated units in each bin.
    pub n_treated: Vec<usize>,
    /// Comparators in each bin.
    pub n_comparator: Vec<usize>,
}

/// Counts the units for which `counts` holds, or all without it.
///
/// The range is that of all units, so that counts before and after matching have the same bins.
///
/// # Shapes
///
/// `score`, `treated` and `counts`: one value for each unit; `n_bins` is at least one.
///
/// # Errors
///
/// [`MatchingError::LengthMismatch`], [`MatchingError::DistanceNotFinite`],
/// [`MatchingError::EmptyArm`] for input that is none.
pub fn overlap(
    score: &[f64],
    treated: &[bool],
    counts: Option<&[bool]>,
    n_bins: std::num::NonZeroU32,
) -> Result<Overlap, MatchingError> {
    check_length("distances", score.len(), treated.len())?;
    let n_marks = counts.map_or(treated.len(), <[bool]>::len);
    check_length("marks of units that count", n_marks, treated.len())?;
    check_arms(treated)?;
    if let Some(unit) = score.iter().position(|value| !value.is_finite()) {
        return Err(MatchingError::DistanceNotFinite { unit });
    }
    let low = score.iter().copied().fold(f64::INFINITY, f64::min);
    let high = score.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let n = n_bins.get();
    let share = |bin: u32| f64::from(bin) / f64::from(n);
    let ends: Vec<f64> = (0..=n).map(|bin| low + share(bin) * (high - low)).collect();
    let bin = |value: f64| {
        let inner = &ends[1..ends.len() - 1];
        inner.partition_point(|end| *end <= value)
    };
    let of_arm = |arm: Arm| {
        let mut bins = vec![0; ends.len() - 1];
        for (unit, &value) in score.iter().enumerate() {
            let is_of_arm = treated[unit] == (arm == Arm::Treated);
            if is_of_arm && counts.is_none_or(|counts| counts[unit]) {
                bins[bin(value)] += 1;
            }
        }
        bins
    };
    Ok(Overlap {
        n_treated: of_arm(Arm::Treated),
        n_comparator: of_arm(Arm::Comparator),
        ends,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[test]
    fn bins_hold_their_lower_end_and_the_last_its_upper_one() {
        let score = [0.0, 0.25, 0.5, 0.75, 1.0, 0.1];
        let treated = [true, true, true, true, true, false];
        let four = NonZeroU32::new(4).unwrap();
        let got = overlap(&score, &treated, None, four).unwrap();
        assert_eq!(got.ends, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(got.n_treated, [1, 1, 1, 2]);
        assert_eq!(got.n_comparator, [1, 0, 0, 0]);
        let some = [false, true, true, true, true, false];
        let got = overlap(&score, &treated, Some(&some), four).unwrap();
        assert_eq!((got.n_treated[0], got.n_comparator[0]), (0, 0));
    }

    #[test]
    fn one_score_for_all_is_one_bin() {
        let one = NonZeroU32::new(3).unwrap();
        let got = overlap(&[2.0; 4], &[true, false, false, true], None, one).unwrap();
        assert_eq!(got.n_treated.iter().sum::<usize>(), 2);
        assert_eq!(got.n_comparator.iter().sum::<usize>(), 2);
    }
}

//! Bounds on an effect when some outcomes are missing, without assuming why.
//!
//! Lee (2009), <https://doi.org/10.1111/j.1467-937X.2009.00536.x>; Horowitz & Manski (2000),
//! <https://doi.org/10.1080/01621459.2000.10473902>.

use serde::{Deserialize, Serialize};
use utfall_core::{Arm, Interval};
use utfall_stats::moments::{count, mean};

use crate::arms::check_arms;
use crate::resampling::quantile::{inverse_cdf, sorted};
use crate::{EffectError, Grouping};

/// How the share to be trimmed is taken from an arm's outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trim {
    /// Exactly that share: the outcome on the edge counts in part.
    Fraction,
    /// All outcomes beyond the quantile (type 1); those equal to it stay.
    Quantile,
}

/// Lee's bounds on the effect over those observed whatever their arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeeBounds {
    /// The bounds, in the outcome's unit.
    pub bounds: Interval,
    /// The arm with more outcomes observed, whose outcomes are trimmed; of all rows together.
    pub trimmed: Option<Arm>,
    /// The share of its observed outcomes that is trimmed.
    pub share: f64,
}

/// Bounds the effect over those whose outcome is seen in both arms.
///
/// It assumes random assignment and that treatment only adds to those observed, or only takes from
/// them, within each cell. It is known to fail where treatment keeps some and drives away others.
/// The bounds have sampling error of their own: bootstrap them.
///
/// # Shapes and units
///
/// - `treated`, `outcome`: one value per row, `None` where the outcome is missing.
/// - `cells`: covariates' cells; bounds are found in each and averaged by its observed rows of the
///   arm that is not trimmed, which makes them narrower.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices, and
/// [`EffectError::TooFewInArm`] if an arm has no observed outcome, in some cell if there are cells.
///
/// # Reference
///
/// Lee (2009), propositions 1a and 1b.
pub fn lee_bounds(
    treated: &[bool],
    outcome: &[Option<f64>],
    cells: Option<&Grouping>,
    trim: Trim,
) -> Result<LeeBounds, EffectError> {
    check(treated, outcome)?;
    let everyone: Vec<usize> = (0..treated.len()).collect();
    let whole = Cell::of(&everyone, treated, outcome)?;
    let (trimmed, share) = whole.excess();
    let Some(cells) = cells else {
        let (bounds, _) = whole.bounds(trim);
        return Ok(LeeBounds {
            bounds,
            trimmed,
            share,
        });
    };
    if cells.len() != treated.len() {
        return Err(EffectError::LengthMismatch {
            what: "cell",
            found: cells.len(),
            expected: treated.len(),
        });
    }
    let (mut lower, mut upper, mut total) = (0.0, 0.0, 0.0);
    for rows in cells.members() {
        let (bounds, size) = Cell::of(&rows, treated, outcome)?.bounds(trim);
        lower += size * bounds.lower;
        upper += size * bounds.upper;
        total += size;
    }
    let bounds = Interval {
        lower: lower / total,
        upper: upper / total,
    };
    Ok(LeeBounds {
        bounds,
        trimmed,
        share,
    })
}

/// Bounds the effect over everyone by the worst that missing outcomes can be.
///
/// It assumes nothing but random assignment and that outcomes lie in `range`; with an indicator and
/// a range of 0 to 1 these are the worst cases over all who were due to be measured.
///
/// # Errors
///
/// As [`lee_bounds`], and [`EffectError::OutsideRange`] if an end of the range is not finite or an
/// outcome lies outside of it.
///
/// # Reference
///
/// Horowitz & Manski (2000), section 2.
pub fn manski_bounds(
    treated: &[bool],
    outcome: &[Option<f64>],
    range: Interval,
) -> Result<Interval, EffectError> {
    check(treated, outcome)?;
    for value in [range.lower, range.upper] {
        if !value.is_finite() {
            return Err(EffectError::OutsideRange {
                what: "end of the range",
                value,
            });
        }
    }
    if outcome.iter().flatten().any(|&y| !range.contains(y)) {
        return Err(EffectError::OutsideRange {
            what: "range of the outcome, which leaves some out",
            value: range.upper,
        });
    }
    let filled = |arm: bool, missing: f64| {
        let rows = (0..treated.len()).filter(|&row| treated[row] == arm);
        mean(
            &rows
                .map(|row| outcome[row].unwrap_or(missing))
                .collect::<Vec<f64>>(),
        )
    };
    Ok(Interval {
        lower: filled(true, range.lower) - filled(false, range.upper),
        upper: filled(true, range.upper) - filled(false, range.lower),
    })
}

/// What the mean of an arm's missing outcomes would have to be for the difference of mean outcomes
/// to be `effect`, if the other arm's missing outcomes are as its observed ones.
///
/// `None` if the arm has no outcome missing.
///
/// # Errors
///
/// As [`lee_bounds`].
///
/// # Reference
///
/// Yan, Lee & Li (2009) on tipping points, <https://doi.org/10.1080/10543400903242779>.
pub fn tipping_point(
    treated: &[bool],
    outcome: &[Option<f64>],
    arm: Arm,
    effect: f64,
) -> Result<Option<f64>, EffectError> {
    check(treated, outcome)?;
    let everyone: Vec<usize> = (0..treated.len()).collect();
    let cell = Cell::of(&everyone, treated, outcome)?;
    let is_treated = arm == Arm::Treated;
    let (own, other) = if is_treated { (0, 1) } else { (1, 0) };
    let n_missing = cell.n[own] - count(cell.observed[own].len());
    if n_missing < 1.0 {
        return Ok(None);
    }
    let sign = if is_treated { 1.0 } else { -1.0 };
    let wanted = mean(&cell.observed[other]) + sign * effect;
    let observed: f64 = cell.observed[own].iter().sum();
    Ok(Some((wanted * cell.n[own] - observed) / n_missing))
}

fn check(treated: &[bool], outcome: &[Option<f64>]) -> Result<(), EffectError> {
    if outcome.len() != treated.len() {
        return Err(EffectError::LengthMismatch {
            what: "outcome",
            found: outcome.len(),
            expected: treated.len(),
        });
    }
    let bad = |y: &Option<f64>| y.is_some_and(|y| !y.is_finite());
    match outcome.iter().position(bad) {
        Some(row) => Err(EffectError::NotFinite {
            what: "outcome",
            row,
            value: outcome[row].unwrap_or(f64::NAN),
        }),
        None => check_arms(treated, 1).map(|_| ()),
    }
}

/// The rows of a cell: for the treated and the comparators, all of them and the observed outcomes.
struct Cell {
    n: [f64; 2],
    observed: [Vec<f64>; 2],
}

impl Cell {
    fn of(rows: &[usize], treated: &[bool], outcome: &[Option<f64>]) -> Result<Self, EffectError> {
        let mut cell = Self {
            n: [0.0; 2],
            observed: [Vec::new(), Vec::new()],
        };
        for &row in rows {
            let arm = usize::from(!treated[row]);
            cell.n[arm] += 1.0;
            cell.observed[arm].extend(outcome[row]);
        }
        for (arm, observed) in [Arm::Treated, Arm::Comparator].iter().zip(&cell.observed) {
            if observed.is_empty() {
                return Err(EffectError::TooFewInArm {
                    arm: *arm,
                    n_rows: 0,
                });
            }
        }
        Ok(cell)
    }

    /// The arm with more observed, and the share of its observed outcomes that is too much.
    fn excess(&self) -> (Option<Arm>, f64) {
        let share = |arm: usize| count(self.observed[arm].len()) / self.n[arm];
        let (treated, comparator) = (share(0), share(1));
        if treated > comparator {
            (Some(Arm::Treated), 1.0 - comparator / treated)
        } else if comparator > treated {
            (Some(Arm::Comparator), 1.0 - treated / comparator)
        } else {
            (None, 0.0)
        }
    }

    /// The bounds of the cell, and the rows they speak of.
    fn bounds(&self, trim: Trim) -> (Interval, f64) {
        let means = [mean(&self.observed[0]), mean(&self.observed[1])];
        let (arm, share) = self.excess();
        let (lower, upper) = match arm {
            None => (means[0] - means[1], means[0] - means[1]),
            Some(Arm::Treated) => {
                let (low, high) = trimmed(&self.observed[0], share, trim);
                (low - means[1], high - means[1])
            }
            Some(Arm::Comparator) => {
                let (low, high) = trimmed(&self.observed[1], share, trim);
                (means[0] - high, means[0] - low)
            }
        };
        let untrimmed = usize::from(arm == Some(Arm::Treated));
        (
            Interval { lower, upper },
            count(self.observed[untrimmed].len()),
        )
    }
}

/// The mean without the share of the largest, and without that of the smallest.
fn trimmed(values: &[f64], share: f64, trim: Trim) -> (f64, f64) {
    let ascending = sorted(values);
    let descending: Vec<f64> = ascending.iter().rev().copied().collect();
    let kept = |from: &[f64]| match trim {
        Trim::Fraction => {
            let wanted = count(from.len()) * (1.0 - share);
            let (mut total, mut left) = (0.0, wanted);
            for value in from {
                let part = left.clamp(0.0, 1.0);
                total += part * value;
                left -= part;
            }
            total / wanted
        }
        Trim::Quantile => {
            let low = from.first() <= from.last();
            let edge = inverse_cdf(&ascending, if low { 1.0 - share } else { share });
            let stays = |value: &&f64| {
                if low {
                    **value <= edge
                } else {
                    **value >= edge
                }
            };
            mean(&from.iter().filter(stays).copied().collect::<Vec<f64>>())
        }
    };
    (kept(&ascending), kept(&descending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (Vec<bool>, Vec<Option<f64>>) {
        let mut treated = vec![true; 5];
        treated.extend([false; 5]);
        let mut outcome: Vec<Option<f64>> = [1.0, 2.0, 3.0, 4.0, 5.0].map(Some).to_vec();
        outcome.extend([Some(1.0), Some(2.0), Some(3.0), Some(4.0), None]);
        (treated, outcome)
    }

    #[test]
    fn a_fifth_of_the_treated_is_trimmed_from_either_end() {
        let (treated, outcome) = example();
        for trim in [Trim::Fraction, Trim::Quantile] {
            let lee = lee_bounds(&treated, &outcome, None, trim).unwrap();
            assert_eq!(lee.trimmed, Some(Arm::Treated));
            assert!((lee.share - 0.2).abs() < 1e-15);
            assert!(lee.bounds.lower.abs() < 1e-12, "{trim:?}: {lee:?}");
            assert!((lee.bounds.upper - 1.0).abs() < 0.51, "{trim:?}: {lee:?}");
        }
        let cells = Grouping::of(&["a", "a", "a", "a", "a", "a", "a", "a", "a", "a"]);
        let one = lee_bounds(&treated, &outcome, Some(&cells), Trim::Fraction).unwrap();
        assert_eq!(
            one,
            lee_bounds(&treated, &outcome, None, Trim::Fraction).unwrap()
        );
    }

    #[test]
    fn the_worst_cases_fill_in_the_ends_of_the_range() {
        let (treated, outcome) = example();
        let range = Interval {
            lower: 0.0,
            upper: 10.0,
        };
        let bounds = manski_bounds(&treated, &outcome, range).unwrap();
        assert!((bounds.lower + 1.0).abs() < 1e-15 && (bounds.upper - 1.0).abs() < 1e-15);
        let narrow = Interval {
            lower: 0.0,
            upper: 4.0,
        };
        assert!(manski_bounds(&treated, &outcome, narrow).is_err());
    }

    #[test]
    fn at_the_tipping_point_the_difference_is_what_was_asked() {
        let (treated, outcome) = example();
        let tip = tipping_point(&treated, &outcome, Arm::Comparator, 0.0)
            .unwrap()
            .unwrap();
        assert!((tip - 5.0).abs() < 1e-12);
        assert_eq!(
            tipping_point(&treated, &outcome, Arm::Treated, 0.0),
            Ok(None)
        );
    }

    #[test]
    fn an_arm_without_outcomes_is_refused() {
        let error = lee_bounds(&[true, false], &[Some(1.0), None], None, Trim::Fraction);
        assert!(matches!(error, Err(EffectError::TooFewInArm { .. })));
    }
}

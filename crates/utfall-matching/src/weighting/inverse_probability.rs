//! Weights from a score: the probability of treatment decides how many others a unit stands for.

use utfall_core::{Arm, Estimand};
use utfall_stats::elementary;
use utfall_stats::moments::count;

use crate::weighting::{WeightScale, WeightingError};

/// Weights from a probability of treatment: `h(p)/p` for the treated, `h(p)/(1 - p)` for comparators.
///
/// | estimand | `h(p)` | treated | comparators |
/// | --- | --- | --- | --- |
/// | `ate` | 1 | 1/p | 1/(1 - p) |
/// | `att` | p | 1 | p/(1 - p) |
/// | `atc` | 1 - p | (1 - p)/p | 1 |
/// | `overlap` | p(1 - p) | 1 - p | p |
/// | `evenly-matchable` | min(p, 1 - p) | min(1, (1 - p)/p) | min(1, p/(1 - p)) |
/// | `entropy-overlap` | -p ln p - (1 - p) ln(1 - p) | h(p)/p | h(p)/(1 - p) |
///
/// With a logistic score, overlap weights balance the means of its covariates exactly. A score near
/// 0 or 1 makes a large weight; it is never clipped here.
///
/// # Shapes
///
/// One score between 0 and 1 and one arm for each unit; the result has one weight above zero for
/// each. `scale` multiplies the weights of an arm by one number, so it changes no comparison of
/// weighted means.
///
/// # Errors
///
/// - [`WeightingError::LengthMismatch`] and [`WeightingError::EmptyArm`] for input that is none.
/// - [`WeightingError::Score`] at the first score that is not strictly between 0 and 1.
/// - [`WeightingError::Estimand`] for what only a matching can turn out to estimate, and for stabilised weights of anything but
///   the ate.
///
/// # References
///
/// Robins, Hernán & Brumback (2000), <https://doi.org/10.1097/00001648-200009000-00011>; Li, Morgan &
/// Zaslavsky (2018), <https://doi.org/10.1080/01621459.2016.1260466>; Li & Greene (2013),
/// <https://doi.org/10.1515/ijb-2012-0030>; Zhou, Matsouaka & Thomas (2020),
/// <https://doi.org/10.1177/0962280220940334>.
pub fn propensity_weights(
    score: &[f64],
    treated: &[bool],
    estimand: Estimand,
    scale: WeightScale,
) -> Result<Vec<f64>, WeightingError> {
    let n_treated = count_arms(score.len(), treated)?;
    if let Some(unit) = score.iter().position(|p| !(*p > 0.0 && *p < 1.0)) {
        return Err(WeightingError::Score { unit });
    }
    let stabilised = scale == WeightScale::Stabilised;
    let target = Target::of(estimand).filter(|target| !stabilised || *target == Target::Everyone);
    let Some(target) = target else {
        return Err(WeightingError::Estimand {
            method: if stabilised {
                "weighting by stabilised scores"
            } else {
                "weighting by scores"
            },
            estimand,
        });
    };
    let share = count(n_treated) / count(treated.len());
    let weight = |(&p, &is_treated): (&f64, &bool)| {
        let (own, other) = if is_treated {
            (p, 1.0 - p)
        } else {
            (1.0 - p, p)
        };
        let weight = target.weight(own, other, is_treated);
        match (stabilised, is_treated) {
            (false, _) => weight,
            (true, true) => weight * share,
            (true, false) => weight * (1.0 - share),
        }
    };
    Ok(score.iter().zip(treated).map(weight).collect())
}

/// Whom weights speak of.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Everyone,
    Arm(Arm),
    Overlap,
    EvenlyMatchable,
    EntropyOverlap,
}

impl Target {
    /// `None` for what only a matching or another model can turn out to estimate.
    fn of(estimand: Estimand) -> Option<Self> {
        match estimand {
            Estimand::Ate => Some(Self::Everyone),
            Estimand::Att => Some(Self::Arm(Arm::Treated)),
            Estimand::Atc => Some(Self::Arm(Arm::Comparator)),
            Estimand::Overlap => Some(Self::Overlap),
            Estimand::EvenlyMatchable => Some(Self::EvenlyMatchable),
            Estimand::EntropyOverlap => Some(Self::EntropyOverlap),
            Estimand::MatchedTreated
            | Estimand::MatchedComparators
            | Estimand::MatchedUnits
            | Estimand::Compliers
            | Estimand::AtCutoff => None,
        }
    }

    /// The weight of a unit with these probabilities of its own arm and of the other.
    fn weight(self, own: f64, other: f64, is_treated: bool) -> f64 {
        match self {
            Self::Everyone => 1.0 / own,
            Self::Arm(arm) if is_treated == (arm == Arm::Treated) => 1.0,
            Self::Arm(_) => other / own,
            Self::Overlap => other,
            Self::EvenlyMatchable => (other / own).min(1.0),
            Self::EntropyOverlap => {
                -(own * elementary::log(own) + other * elementary::log(other)) / own
            }
        }
    }
}

/// Checks the arms and counts the treated.
pub(super) fn count_arms(n_units: usize, treated: &[bool]) -> Result<usize, WeightingError> {
    if treated.len() != n_units {
        return Err(WeightingError::LengthMismatch {
            what: "arms",
            found: treated.len(),
            expected: n_units,
        });
    }
    let n_treated = treated.iter().filter(|&&is| is).count();
    let empty = if n_treated == 0 {
        Some(Arm::Treated)
    } else if n_treated == n_units {
        Some(Arm::Comparator)
    } else {
        None
    };
    match empty {
        Some(arm) => Err(WeightingError::EmptyArm { arm, n_units }),
        None => Ok(n_treated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORE: [f64; 4] = [0.2, 0.75, 0.5, 0.2];
    const TREATED: [bool; 4] = [true, true, false, false];

    fn of(estimand: Estimand) -> Vec<f64> {
        propensity_weights(&SCORE, &TREATED, estimand, WeightScale::Plain).unwrap()
    }

    #[test]
    fn every_estimand_has_its_weights() {
        let entropy = |p: f64| -(p * elementary::log(p) + (1.0 - p) * elementary::log(1.0 - p));
        for (estimand, expected) in [
            (Estimand::Ate, [5.0, 4.0 / 3.0, 2.0, 1.25]),
            (Estimand::Att, [1.0, 1.0, 1.0, 0.25]),
            (Estimand::Atc, [4.0, 1.0 / 3.0, 1.0, 1.0]),
            (Estimand::Overlap, [0.8, 0.25, 0.5, 0.2]),
            (Estimand::EvenlyMatchable, [1.0, 1.0 / 3.0, 1.0, 0.25]),
            (
                Estimand::EntropyOverlap,
                [
                    entropy(0.2) / 0.2,
                    entropy(0.75) / 0.75,
                    entropy(0.5) / 0.5,
                    entropy(0.2) / 0.8,
                ],
            ),
        ] {
            for (got, expected) in of(estimand).iter().zip(expected) {
                assert!(
                    (got - expected).abs() < 1e-14,
                    "{estimand}: {got} {expected}"
                );
            }
        }
    }

    #[test]
    fn swapping_the_arms_swaps_att_and_atc() {
        let score = SCORE.map(|p| 1.0 - p);
        let treated = TREATED.map(|is| !is);
        let swapped =
            propensity_weights(&score, &treated, Estimand::Atc, WeightScale::Plain).unwrap();
        for (a, b) in of(Estimand::Att).iter().zip(&swapped) {
            assert!((a - b).abs() < 1e-15);
        }
    }

    #[test]
    fn stabilised_weights_belong_to_the_ate() {
        let scale = WeightScale::Stabilised;
        let ate = propensity_weights(&SCORE, &TREATED, Estimand::Ate, scale).unwrap();
        for (stabilised, plain) in ate.iter().zip(of(Estimand::Ate)) {
            assert!((stabilised - 0.5 * plain).abs() < 1e-15);
        }
        assert!(propensity_weights(&SCORE, &TREATED, Estimand::Att, scale).is_err());
    }

    #[test]
    fn input_that_is_none_is_refused() {
        let of = |score: &[f64], treated: &[bool]| {
            propensity_weights(score, treated, Estimand::Ate, WeightScale::Plain).unwrap_err()
        };
        for bad in [0.0, 1.0, f64::NAN, -0.1] {
            let score = [0.5, bad, 0.5, 0.5];
            assert_eq!(of(&score, &TREATED), WeightingError::Score { unit: 1 });
        }
        assert!(matches!(
            of(&SCORE, &TREATED[1..]),
            WeightingError::LengthMismatch { .. }
        ));
        assert_eq!(
            of(&SCORE, &[true; 4]),
            WeightingError::EmptyArm {
                arm: Arm::Comparator,
                n_units: 4
            }
        );
    }
}

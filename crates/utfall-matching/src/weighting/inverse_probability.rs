//! Weights from a score: the probability of treatment decides how many others a unit stands for.

use utfall_core::{Arm, Estimand};
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
/// - [`WeightingError::Estimand`] for `matched-treated`, and for stabilised weights of anything but
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
    if estimand == Estimand::MatchedTreated || (stabilised && estimand != Estimand::Ate) {
        return Err(WeightingError::Estimand {
            method: if stabilised {
                "weighting by stabilised scores"
            } else {
                "weighting by scores"
            },
            estimand,
        });
    }
    let share = count(n_treated) / count(treated.len());
    let weight = |(&p, &is_treated): (&f64, &bool)| {
        let (own, other) = if is_treated { (p, 1.0 - p) } else { (1.0 - p, p) };
        let weight = of_unit(own, other, is_treated, estimand);
        match (stabilised, is_treated) {
            (false, _) => weight,
            (true, true) => weight * share,
            (true, false) => weight * (1.0 - share),
        }
    };
    Ok(score.iter().zip(treated).map(weight).collect())
}

/// The weight of a unit with these probabilities of its own arm and of the other.
fn of_unit(own: f64, other: f64, is_treated: bool, estimand: Estimand) -> f64 {
    match (estimand, is_treated) {
        (Estimand::Ate, _) => 1.0 / own,
        (Estimand::Att | Estimand::MatchedTreated, true) | (Estimand::Atc, false) => 1.0,
        (Estimand::Att | Estimand::MatchedTreated, false) | (Estimand::Atc, true) => other / own,
        (Estimand::Overlap, _) => other,
        (Estimand::EvenlyMatchable, _) => (other / own).min(1.0),
        (Estimand::EntropyOverlap, _) => {
            -(own * libm_log(own) + other * libm_log(other)) / own
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

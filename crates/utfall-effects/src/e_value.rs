//! E-values: how strong confounding would have to be to explain an effect away.
//!
//! VanderWeele & Ding (2017), <https://doi.org/10.7326/M16-2607>.

use serde::{Deserialize, Serialize};
use utfall_core::Interval;
use utfall_stats::elementary;

use crate::EffectError;

/// The scale of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectScale {
    /// A risk ratio, or an odds or hazard ratio of a rare outcome.
    RiskRatio,
    /// The odds ratio of a common outcome; its square root stands in for the risk ratio.
    OddsRatioCommon,
    /// The hazard ratio of a common outcome.
    HazardRatioCommon,
    /// A difference in standard deviations of the outcome.
    StandardisedDifference,
}

/// The E-value of an estimate: the risk ratio that an unmeasured confounder would need to have
/// with both treatment and outcome, beside the measured covariates, to move the estimate to none.
///
/// One means that no confounding is needed. It says how much would be needed, not how much there
/// is.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] for an estimate that is NaN or infinite, or a ratio not above zero.
pub fn e_value(scale: EffectScale, estimate: f64) -> Result<f64, EffectError> {
    Ok(of_risk_ratio(scale.risk_ratio(estimate)?))
}

/// The E-value of the limit of an interval that is nearer to no effect; one if the interval holds
/// no effect.
///
/// # Errors
///
/// As [`e_value`].
pub fn e_value_of_interval(scale: EffectScale, interval: Interval) -> Result<f64, EffectError> {
    let lower = scale.risk_ratio(interval.lower)?;
    let upper = scale.risk_ratio(interval.upper)?;
    Ok(if lower > 1.0 {
        of_risk_ratio(lower)
    } else if upper < 1.0 {
        of_risk_ratio(upper)
    } else {
        1.0
    })
}

/// The interval of a standardised difference as VanderWeele & Ding take it to the ratio scale:
/// `exp(0.91 d ∓ 1.78 se)`, given as the differences that have those ratios.
#[must_use]
pub fn standardised_interval(difference: f64, standard_error: f64) -> Interval {
    let reach = 1.78 * standard_error / RATIO_OF_DIFFERENCE;
    Interval {
        lower: difference - reach,
        upper: difference + reach,
    }
}

/// Log risk ratio for each standard deviation.
const RATIO_OF_DIFFERENCE: f64 = 0.91;

fn of_risk_ratio(ratio: f64) -> f64 {
    let away = if ratio < 1.0 { 1.0 / ratio } else { ratio };
    away + (away * (away - 1.0)).sqrt()
}

impl EffectScale {
    /// The risk ratio that stands for an estimate on the scale.
    fn risk_ratio(self, estimate: f64) -> Result<f64, EffectError> {
        let is_ratio = self != Self::StandardisedDifference;
        if !estimate.is_finite() || (is_ratio && estimate <= 0.0) {
            return Err(EffectError::OutsideRange {
                what: "ratio",
                value: estimate,
            });
        }
        let halved = |root: f64| 1.0 - elementary::pow(0.5, root);
        Ok(match self {
            Self::RiskRatio => estimate,
            Self::OddsRatioCommon => estimate.sqrt(),
            Self::HazardRatioCommon => halved(estimate.sqrt()) / halved((1.0 / estimate).sqrt()),
            Self::StandardisedDifference => elementary::exp(RATIO_OF_DIFFERENCE * estimate),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_and_its_inverse_need_the_same_confounding() {
        let of = |ratio| e_value(EffectScale::RiskRatio, ratio).unwrap();
        assert!((of(2.5) - of(0.4)).abs() < 1e-14);
        assert!((of(1.0) - 1.0).abs() < 1e-15);
        assert!(e_value(EffectScale::RiskRatio, 0.0).is_err());
        assert!(e_value(EffectScale::StandardisedDifference, f64::NAN).is_err());
    }
}

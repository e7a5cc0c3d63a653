//! What the studies share: the inference asked for, and what an estimate comes to.

use utfall_core::{ConfidenceLevel, Estimate};
use utfall_effects::{DegreesOfFreedom, EffectError, Inference, Inferred, StandardError};
use utfall_stats::draws::Stream;

use super::Drawn;

/// A 95 % inference.
pub(super) fn inference(
    standard_error: StandardError,
    degrees_of_freedom: DegreesOfFreedom,
) -> Result<Inference, EffectError> {
    let confidence_level =
        ConfidenceLevel::try_from(0.95).map_err(|_| EffectError::OutsideRange {
            what: "confidence level",
            value: 0.95,
        })?;
    Ok(Inference {
        standard_error,
        degrees_of_freedom,
        confidence_level,
    })
}

/// What an estimate comes to beside the truth.
pub(super) fn beside(truth: f64, estimate: &Estimate) -> Drawn {
    Drawn {
        error: estimate.point - truth,
        standard_error: estimate.standard_error,
        covers: estimate.interval.contains(truth),
        rejects: estimate.p_value < 0.05,
    }
}

/// What an inference comes to beside the truth.
pub(super) fn of_inferred(truth: f64, found: &Inferred) -> Drawn {
    Drawn {
        error: found.point - truth,
        standard_error: found.standard_error,
        covers: found.interval.contains(truth),
        rejects: found.p_value < 0.05,
    }
}

/// Exactly `n_treated` of `n` units, any as likely as another.
pub(super) fn assigned(stream: &mut Stream, n: usize, n_treated: usize) -> Vec<bool> {
    let mut treated: Vec<bool> = (0..n).map(|unit| unit < n_treated).collect();
    stream.shuffle(&mut treated);
    treated
}

/// One where treated, zero elsewhere.
pub(super) fn one_if(treated: bool) -> f64 {
    f64::from(u8::from(treated))
}

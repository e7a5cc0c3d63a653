//! Weights that units bring with them.

use crate::weighting::WeightingError;

/// Weights that units bring with them, one above zero for each where they are given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given<'a> {
    /// How many units of the population each stands for.
    pub sampling: Option<&'a [f64]>,
    /// Where entropy balancing starts from.
    pub base: Option<&'a [f64]>,
}

impl Given<'_> {
    /// The sampling weight of a unit.
    pub(super) fn sampling(&self, unit: usize) -> f64 {
        self.sampling.map_or(1.0, |weights| weights[unit])
    }

    /// The weight of a unit before it is balanced.
    pub(super) fn base(&self, unit: usize) -> f64 {
        self.base.map_or(1.0, |weights| weights[unit]) * self.sampling(unit)
    }

    /// Refuses weights that are none.
    pub(super) fn check(&self, n_units: usize) -> Result<(), WeightingError> {
        for (what, weights) in [
            ("sampling weights", self.sampling),
            ("base weights", self.base),
        ] {
            let Some(weights) = weights else { continue };
            if weights.len() != n_units {
                return Err(WeightingError::LengthMismatch {
                    what,
                    found: weights.len(),
                    expected: n_units,
                });
            }
            let is_positive = |weight: &f64| weight.is_finite() && *weight > 0.0;
            if let Some(unit) = weights.iter().position(|weight| !is_positive(weight)) {
                return Err(WeightingError::DesignWeight { unit });
            }
        }
        Ok(())
    }
}

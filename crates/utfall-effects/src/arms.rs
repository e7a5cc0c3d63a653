//! The two arms of a comparison: how many rows each holds.

use utfall_core::Arm;

use crate::EffectError;

/// Refuses arms with fewer rows than `least`; returns the numbers of treated and comparator rows.
pub(crate) fn check_arms(treated: &[bool], least: usize) -> Result<(usize, usize), EffectError> {
    let n_treated = treated.iter().filter(|&&is| is).count();
    let sizes = (n_treated, treated.len() - n_treated);
    for (arm, n_rows) in [(Arm::Treated, sizes.0), (Arm::Comparator, sizes.1)] {
        if n_rows < least {
            return Err(EffectError::TooFewInArm { arm, n_rows });
        }
    }
    Ok(sizes)
}

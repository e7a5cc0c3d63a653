//! An exact measurement: numerator and denominator, kept apart until a kernel divides.

use serde::{Deserialize, Serialize};

/// A measured quantity as whole numbers.
///
/// Engines sum whole numbers exactly in any order; the single division happens here, so a rate
/// is the same on every engine, thread count and row order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tally {
    /// What was counted or summed, in the measure's unit.
    pub numerator: i64,
    /// What it is measured against: hours offered, months observed, one per person.
    pub denominator: i64,
}

impl Tally {
    /// The rate, or `None` where nothing was there to measure.
    ///
    /// No schedule is missing, never zero absence.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts in a register stay far below 2^53"
    )]
    pub fn rate(self) -> Option<f64> {
        (self.denominator > 0).then(|| self.numerator as f64 / self.denominator as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_schedule_is_missing_rather_than_zero() {
        assert_eq!(
            Tally {
                numerator: 0,
                denominator: 0
            }
            .rate(),
            None
        );
        assert_eq!(
            Tally {
                numerator: 3,
                denominator: 4
            }
            .rate(),
            Some(0.75)
        );
    }
}

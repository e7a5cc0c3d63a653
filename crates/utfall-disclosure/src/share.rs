//! A share in a policy, exact to a thousandth.

use serde::{Deserialize, Serialize};

/// A share above 0 and below 1, a whole number of thousandths: `0.9`.
///
/// Whole numbers compare without a float, so that whether a sum is released never hangs on a
/// rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(u16);

impl Share {
    /// A share of a shipped policy.
    pub(crate) const fn per_mille(thousandths: u16) -> Self {
        Self(thousandths)
    }

    /// Whether `part` is more than this share of `whole`.
    #[must_use]
    pub fn is_exceeded_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 1_000 > u128::from(whole) * u128::from(self.0)
    }

    /// Whether `part` is less than this share of `whole`.
    #[must_use]
    pub fn is_missed_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 1_000 < u128::from(whole) * u128::from(self.0)
    }
}

impl TryFrom<f64> for Share {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        let thousandths = (number * 1_000.0).round();
        let is_whole = (number * 1_000.0 - thousandths).abs() < 1e-9;
        if !(is_whole && thousandths > 0.0 && thousandths < 1_000.0) {
            return Err(
                "not a share, expected a number between 0 and 1 with at most three decimals",
            );
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1000"
        )]
        Ok(Self(thousandths as u16))
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        Self::from(share.0) / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_and_written_as_it_is_said() {
        for (text, per_mille) in [("0.9", 900), ("0.1", 100), ("0.125", 125)] {
            let share: Share = serde_json::from_str(text).unwrap();
            assert_eq!(share, Share::per_mille(per_mille));
            assert_eq!(serde_json::to_string(&share).unwrap(), text);
        }
        for text in ["0.0", "1.0", "-0.1", "0.1234", "90.0"] {
            assert!(serde_json::from_str::<Share>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_itself_neither_exceeds_nor_misses() {
        let share = Share::per_mille(900);
        assert!(!share.is_exceeded_by(90, 100) && !share.is_missed_by(90, 100));
        assert!(share.is_exceeded_by(91, 100) && share.is_missed_by(89, 100));
    }
}

//! A part of a whole, exact.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive};

use crate::number;
use crate::rounding::RoundingMode;

/// An exact number from 0 to 1, as contracts write shares: `0.33` or `1/6`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fraction(BigRational);

/// A text that is no [`Fraction`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fraction, expected one between 0 and 1, such as `0.33` or `1/6`")]
pub struct FractionError {
    /// What was found.
    pub text: String,
}

impl Fraction {
    /// Reads a decimal, or two whole numbers with a stroke between.
    ///
    /// # Errors
    ///
    /// [`FractionError`] if the text is no number, or one below 0 or above 1.
    pub fn from_text(text: &str) -> Result<Self, FractionError> {
        number::parse_fraction(text)
            .ok()
            .filter(|value| !value.is_negative() && *value <= BigRational::one())
            .map(Self)
            .ok_or_else(|| FractionError {
                text: text.to_owned(),
            })
    }

    /// What is left of an amount in minor units without this part of it, rounded to whole ones.
    #[must_use]
    pub fn rest_of(&self, minor_units: i128, rounding: RoundingMode) -> i128 {
        let rest =
            (BigRational::one() - &self.0) * BigRational::from_integer(BigInt::from(minor_units));
        // No further from zero than the amount, which has 128 bits.
        rounding.to_whole(&rest).to_i128().unwrap_or(minor_units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_taken_off_exactly() {
        let rest =
            |text: &str, of, rounding| Fraction::from_text(text).unwrap().rest_of(of, rounding);
        assert_eq!(rest("0.33", 100_000, RoundingMode::HalfEven), 67_000);
        assert_eq!(rest("1/6", 100, RoundingMode::Floor), 83);
        assert_eq!(rest("1/6", 100, RoundingMode::Ceiling), 84);
        assert_eq!(rest("0.5", 5, RoundingMode::HalfEven), 2);
        assert_eq!(rest("0", i128::MAX, RoundingMode::Floor), i128::MAX);
        assert_eq!(rest("1", 7, RoundingMode::Floor), 0);
        for text in ["-0.1", "1.01", "7/6", "1/0", "a third", ""] {
            assert!(Fraction::from_text(text).is_err(), "{text}");
        }
    }
}

//! Rounding modes, by name.

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use serde::{Deserialize, Serialize};

/// How a number is brought to a stated number of decimals.
///
/// The `half-` modes differ only for a number exactly half-way between its two neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundingMode {
    /// To the nearest; half-way to the even neighbour. 0.5 → 0, 1.5 → 2.
    HalfEven,
    /// To the nearest; half-way away from zero. 0.5 → 1, −0.5 → −1.
    HalfUp,
    /// To the nearest; half-way toward zero. 0.5 → 0, −0.5 → 0.
    HalfDown,
    /// Truncated. 50.9 → 50, −50.9 → −50.
    TowardZero,
    /// To the neighbour further from zero. 50.1 → 51, −50.1 → −51.
    AwayFromZero,
    /// Down. 50.9 → 50, −50.1 → −51.
    Floor,
    /// Up. 50.1 → 51, −50.9 → −50.
    Ceiling,
}

impl RoundingMode {
    /// The whole number `value` is rounded to.
    pub(crate) fn to_whole(self, value: &BigRational) -> BigInt {
        self.divided(value.numer(), value.denom())
    }

    /// The whole number that `over / under` is rounded to; `under` is above zero.
    fn divided(self, over: &BigInt, under: &BigInt) -> BigInt {
        let (mut below, mut rest) = (over / under, over % under);
        if rest.is_negative() {
            below -= 1_u32;
            rest += under;
        }
        if rest.is_zero() {
            return below;
        }
        let negative = over.is_negative();
        let up = match self {
            Self::Floor => false,
            Self::Ceiling => true,
            Self::TowardZero => negative,
            Self::AwayFromZero => !negative,
            Self::HalfEven | Self::HalfUp | Self::HalfDown => match (rest * 2_u32).cmp(under) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Equal => match self {
                    Self::HalfUp => !negative,
                    Self::HalfDown => negative,
                    _ => below.bit(0),
                },
            },
        };
        if up { below + 1 } else { below }
    }

    /// `value` rounded to `decimals` decimals.
    pub(crate) fn to_decimals(self, value: &BigRational, decimals: u32) -> BigRational {
        let scale = BigInt::from(10).pow(decimals);
        if (&scale % value.denom()).is_zero() {
            return value.clone();
        }
        let whole = self.divided(&(value.numer() * &scale), value.denom());
        crate::number::ratio(whole, scale)
    }
}

impl fmt::Display for RoundingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HalfEven => "half-even",
            Self::HalfUp => "half-up",
            Self::HalfDown => "half-down",
            Self::TowardZero => "toward-zero",
            Self::AwayFromZero => "away-from-zero",
            Self::Floor => "floor",
            Self::Ceiling => "ceiling",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number;

    #[test]
    fn every_mode_agrees_with_its_table() {
        use RoundingMode::{AwayFromZero, Ceiling, Floor, HalfDown, HalfEven, HalfUp, TowardZero};
        let modes = [
            HalfEven,
            HalfUp,
            HalfDown,
            TowardZero,
            AwayFromZero,
            Floor,
            Ceiling,
        ];
        let table = [
            ("2.5", [2, 3, 2, 2, 3, 2, 3]),
            ("1.5", [2, 2, 1, 1, 2, 1, 2]),
            ("1.1", [1, 1, 1, 1, 2, 1, 2]),
            ("1.9", [2, 2, 2, 1, 2, 1, 2]),
            ("1.0", [1, 1, 1, 1, 1, 1, 1]),
            ("0", [0, 0, 0, 0, 0, 0, 0]),
            ("-1.1", [-1, -1, -1, -1, -2, -2, -1]),
            ("-1.5", [-2, -2, -1, -1, -2, -2, -1]),
            ("-1.9", [-2, -2, -2, -1, -2, -2, -1]),
            ("-2.5", [-2, -3, -2, -2, -3, -3, -2]),
        ];
        for (text, expected) in table {
            let value = number::parse(text).unwrap();
            for (mode, expected) in modes.iter().zip(expected) {
                assert_eq!(
                    mode.to_whole(&value),
                    BigInt::from(expected),
                    "{text} {mode}"
                );
            }
        }
    }

    #[test]
    fn rounding_to_decimals_keeps_the_stated_number() {
        let value = number::parse("0.0838709").unwrap();
        let rounded = RoundingMode::TowardZero.to_decimals(&value, 4);
        assert_eq!(number::text(&rounded), "0.0838");
    }
}

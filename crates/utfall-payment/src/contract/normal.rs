//! The normal distribution in whole numbers, so that a probability is the same on every machine.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

/// Decimals carried. The series loses fewer than 35 of them at [`FURTHEST`].
const DECIMALS: u32 = 80;
/// Beyond this many standard errors the probability is taken as 0 or 1; it is within 2·10⁻³³.
const FURTHEST: i32 = 12;
/// 1/√(2π), to `DECIMALS` decimals.
const DENSITY_AT_ZERO: &str =
    "39894228040143267793994605993438186847585863116493465766592582967065792589930184";

/// The probability that a standard normal variable is at most `z`.
///
/// By the series `Φ(z) = ½ + φ(0) Σ (−1)ᵏ z²ᵏ⁺¹ / (2ᵏ k! (2k+1))`, correct to more than 40 decimals.
/// Abramowitz & Stegun (1964), 26.2.10.
pub(crate) fn distribution(z: &BigRational) -> BigRational {
    let furthest = BigRational::from_integer(FURTHEST.into());
    if z.abs() > furthest {
        return BigRational::from_integer(i32::from(z.is_positive()).into());
    }
    let scale = BigInt::from(10).pow(DECIMALS);
    let z = (z * BigRational::from_integer(scale.clone()))
        .round()
        .to_integer();
    let square = &z * &z / &scale;
    let mut power = z;
    let mut sum = BigInt::zero();
    let mut k = 0_u32;
    while !power.is_zero() {
        sum += &power / (2 * k + 1);
        k += 1;
        power = -(power * &square / &scale) / (2 * k);
    }
    let density = DENSITY_AT_ZERO.parse::<BigInt>().unwrap_or_default();
    let half = &scale / 2;
    BigRational::new(half + sum * density / &scale, scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number;
    use crate::rounding::RoundingMode;

    #[test]
    fn the_distribution_agrees_with_values_of_thirty_digits() {
        // mpmath 1.3.0: mp.dps = 60; ncdf(mpf(z)), to 30 decimals.
        for (z, expected) in [
            ("0", "0.5"),
            ("1", "0.841344746068542948585232545632"),
            ("-1.959963984540054", "0.025000000000000013765251362294"),
            ("1.644853626951472714863848907992", "0.95"),
            ("3.5", "0.999767370920964474963650074113"),
            ("-6", "0.000000000986587645037698140701"),
            ("-11.5", "0.000000000000000000000000000001"),
            ("12.0001", "1"),
            ("-12.0001", "0"),
        ] {
            let value = distribution(&number::parse(z).unwrap());
            let rounded = RoundingMode::HalfEven.to_decimals(&value, 30);
            assert_eq!(number::text(&rounded), expected, "{z}");
        }
    }
}

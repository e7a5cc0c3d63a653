//! Exact numbers: from decimal text, and back to text that loses nothing.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::rounding::RoundingMode;

/// Longest text read as a number. The longest a 64-bit float is ever written with is 767 digits.
const MAX_TEXT: usize = 1_000;
/// Largest power of ten read. A 64-bit float stays within 10^±324.
const MAX_EXPONENT: i32 = 400;
/// Largest numerator or denominator an operation may leave, so that no contract can run away.
const MAX_BITS: u64 = 8_192;
/// Longest decimal expansion shown before a number is written as a fraction.
const MAX_SHOWN_DECIMALS: u32 = 40;

/// Why a text is not a usable number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NumberError {
    #[error("not a finite decimal number")]
    NotDecimal,
    #[error("longer than {MAX_TEXT} characters or beyond 10^{MAX_EXPONENT}")]
    TooLarge,
    #[error("a fraction with denominator 0")]
    ZeroDenominator,
}

/// Reads `-12.5`, `+3`, `.5`, `1e-7`. Nothing else: no NaN, no infinity, no blanks.
pub(crate) fn parse(text: &str) -> Result<BigRational, NumberError> {
    if text.len() > MAX_TEXT {
        return Err(NumberError::TooLarge);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return Err(NumberError::NotDecimal);
    }
    let units = BigInt::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)
        .ok_or(NumberError::NotDecimal)?;
    let units = if negative { -units } else { units };
    let shift = exponent - i32::try_from(fraction.len()).map_err(|_| NumberError::TooLarge)?;
    let power = BigInt::from(10).pow(shift.unsigned_abs());
    Ok(if shift < 0 {
        ratio(units, power)
    } else {
        BigRational::from_integer(units * power)
    })
}

/// `over / under` in lowest terms; `under` is above zero. The same as [`BigRational::new`], but without
/// big numbers where small ones do.
pub(crate) fn ratio(over: BigInt, under: BigInt) -> BigRational {
    let (Some(small_over), Some(small_under)) = (over.to_i128(), under.to_u128()) else {
        return BigRational::new(over, under);
    };
    let divisor = common_divisor(small_over.unsigned_abs(), small_under);
    if divisor == 1 {
        return BigRational::new_raw(over, under);
    }
    BigRational::new_raw(over / divisor, under / divisor)
}

/// Greatest common divisor, by Stein's halving; `under` is above zero.
fn common_divisor(over: u128, under: u128) -> u128 {
    if over == 0 {
        return under;
    }
    let twos = (over | under).trailing_zeros();
    let (mut a, mut b) = (over >> over.trailing_zeros(), under);
    while b != 0 {
        b >>= b.trailing_zeros();
        if a > b {
            std::mem::swap(&mut a, &mut b);
        }
        b -= a;
    }
    a << twos
}

/// Reads a decimal, or a fraction of two whole numbers such as `1/6`.
pub(crate) fn parse_fraction(text: &str) -> Result<BigRational, NumberError> {
    let Some((over, under)) = text.split_once('/') else {
        return parse(text);
    };
    let (over, under) = (parse(over)?, parse(under)?);
    if under.is_zero() {
        return Err(NumberError::ZeroDenominator);
    }
    bounded(over / under).ok_or(NumberError::TooLarge)
}

fn parse_exponent(text: &str) -> Result<i32, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::NotDecimal);
    }
    match text.parse::<i32>() {
        Ok(exponent) if exponent.abs() <= MAX_EXPONENT => Ok(exponent),
        _ => Err(NumberError::TooLarge),
    }
}

/// The value, unless it has grown beyond what any contract needs.
pub(crate) fn bounded(value: BigRational) -> Option<BigRational> {
    (value.numer().bits() <= MAX_BITS && value.denom().bits() <= MAX_BITS).then_some(value)
}

/// The exact value as text: a decimal where one of 40 decimals or fewer exists, else a fraction.
pub(crate) fn text(value: &BigRational) -> String {
    let Some(decimals) = decimals(value) else {
        return format!("{}/{}", value.numer(), value.denom());
    };
    let scale = BigInt::from(10).pow(decimals);
    let units = value.numer() * (scale / value.denom());
    let digits = units.abs().to_string();
    let sign = if units.is_negative() { "-" } else { "" };
    if decimals == 0 {
        return format!("{sign}{digits}");
    }
    let decimals = decimals as usize;
    let digits = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    format!("{sign}{whole}.{fraction}")
}

/// The value as text with a few significant digits, for people; halves to the even neighbour. Whole numbers stay whole.
pub(crate) fn short_text(value: &BigRational, n_digits: u32) -> String {
    let (mut decimals, mut scaled) = (0, value.abs());
    let enough = BigRational::from_integer(BigInt::from(10).pow(n_digits.saturating_sub(1)));
    let ten = BigRational::from_integer(10.into());
    while scaled < enough && decimals < MAX_SHOWN_DECIMALS {
        scaled *= &ten;
        decimals += 1;
    }
    text(&RoundingMode::HalfEven.to_decimals(value, decimals))
}

/// The fewest decimals that write `value` exactly, if 40 are enough.
pub(crate) fn decimals(value: &BigRational) -> Option<u32> {
    let denominator = value.denom();
    let (needed, is_decimal) = match denominator.to_u128() {
        Some(small) => {
            let twos = small.trailing_zeros();
            let (mut rest, mut fives) = (small >> twos, 0);
            while rest.is_multiple_of(5) {
                rest /= 5;
                fives += 1;
            }
            (twos.max(fives), rest == 1)
        }
        None => {
            let (twos, rest) = factors(denominator.clone(), 2);
            let (fives, rest) = factors(rest, 5);
            (twos.max(fives), rest.is_one())
        }
    };
    (is_decimal && needed <= MAX_SHOWN_DECIMALS).then_some(needed)
}

/// How often `prime` divides `value` (counted to one beyond what is shown), and what is left.
fn factors(mut value: BigInt, prime: u32) -> (u32, BigInt) {
    let mut count = 0;
    while count <= MAX_SHOWN_DECIMALS && (&value % prime).is_zero() {
        value /= prime;
        count += 1;
    }
    (count, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_is_read_exactly() {
        for (given, expected) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("1e-7", "0.0000001"),
            ("-12.50", "-12.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+2.5E+3", "2500"),
            ("0.1", "0.1"),
        ] {
            assert_eq!(text(&parse(given).unwrap()), expected, "{given}");
        }
        assert_eq!(text(&parse_fraction("13/155").unwrap()), "13/155");
        assert_eq!(text(&parse_fraction("1/8").unwrap()), "0.125");
    }

    #[test]
    fn a_short_text_keeps_the_digits_that_matter() {
        for (given, expected) in [
            ("0.0069588365788893465", "0.00696"),
            ("-1204.56", "-1205"),
            ("12.345", "12.3"),
            ("0.01", "0.01"),
            ("0.9996", "1"),
            ("150000", "150000"),
            ("0", "0"),
        ] {
            assert_eq!(short_text(&parse(given).unwrap(), 3), expected, "{given}");
        }
    }

    #[test]
    fn small_ratios_are_in_lowest_terms() {
        let numbers = [
            0_i128,
            1,
            -1,
            6,
            -10,
            48,
            97,
            1 << 100,
            -(3_i128.pow(60)),
            i128::MIN,
        ];
        for over in numbers {
            for under in [1_i128, 2, 3, 10, 48, 1 << 90, 10_i128.pow(30), i128::MAX] {
                let (over, under) = (BigInt::from(over), BigInt::from(under));
                let expected = BigRational::new(over.clone(), under.clone());
                let found = ratio(over, under);
                assert_eq!(
                    (found.numer(), found.denom()),
                    (expected.numer(), expected.denom())
                );
            }
        }
    }

    #[test]
    fn what_is_not_a_finite_number_is_refused() {
        for given in [
            "", "NaN", "inf", "-inf", "1e", "e5", ".", "-", "1 000", "1,5", "0x10", "١",
        ] {
            assert_eq!(parse(given), Err(NumberError::NotDecimal), "{given}");
        }
        for given in ["1e401", "1e-401", "1e99999999999999", &"9".repeat(1_001)] {
            assert_eq!(parse(given), Err(NumberError::TooLarge), "{given}");
        }
        assert_eq!(parse_fraction("1/0"), Err(NumberError::ZeroDenominator));
    }
}

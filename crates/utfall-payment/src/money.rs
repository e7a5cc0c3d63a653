//! Money: whole minor units of a currency.

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::number;

/// An amount of money in whole minor units.
///
/// Displayed with the currency's decimals and groups of three, `4 000 000.00 SEK`. Serialised as
/// the minor units (text, so that no reader squeezes them through a float), the currency, and the
/// displayed text; reading it back checks that the three agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "MoneyText", into = "MoneyText")]
pub struct Money {
    minor_units: i128,
    currency: Currency,
}

/// Why a serialised amount is not money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// The minor units are not a whole number.
    #[error("`{text}` is not a whole number of minor units")]
    NotWhole {
        /// What was found.
        text: String,
    },
    /// The displayed text and the minor units differ.
    #[error("the text `{found}` does not say what the minor units do, expected `{expected}`")]
    TextDiffers {
        /// The text that was found.
        found: String,
        /// The text the minor units have.
        expected: String,
    },
    /// The text is no amount of the currency.
    #[error("`{text}` is no amount of {currency}, expected digits with at most {} decimals, such as `{}`", currency.exponent(), Money::new(22_000, *currency).plain())]
    NotAnAmount {
        /// What was found.
        text: String,
        /// The currency it should be of.
        currency: Currency,
    },
}

impl Money {
    /// An amount of `minor_units` of `currency`.
    pub fn new(minor_units: i128, currency: Currency) -> Self {
        Self {
            minor_units,
            currency,
        }
    }

    /// The whole number of minor units.
    pub fn minor_units(self) -> i128 {
        self.minor_units
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Reads an amount in major units, `220`, `-0.05` or `3913932.96`, exactly.
    ///
    /// # Errors
    ///
    /// [`MoneyError::NotAnAmount`] if the text is no decimal number, has more decimals than the
    /// currency, or is too large.
    pub fn from_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        number::parse(text)
            .ok()
            .and_then(|major| Self::from_exact(&major, currency))
            .ok_or_else(|| MoneyError::NotAnAmount {
                text: text.to_owned(),
                currency,
            })
    }

    /// The amount in major units without grouping or currency, as [`Money::from_decimal`] reads it.
    #[must_use]
    pub fn plain(self) -> String {
        let decimals = self.currency.exponent() as usize;
        let digits = self.minor_units.unsigned_abs().to_string();
        let digits = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if self.minor_units < 0 { "-" } else { "" };
        let point = if decimals > 0 { "." } else { "" };
        format!("{sign}{whole}{point}{fraction}")
    }

    /// The amount in major units, if it is whole minor units and fits.
    pub(crate) fn from_exact(major: &BigRational, currency: Currency) -> Option<Self> {
        let minor = major.numer() * scale(currency);
        if !(&minor % major.denom()).is_zero() {
            return None;
        }
        let minor_units = (minor / major.denom()).to_i128()?;
        Some(Self::new(minor_units, currency))
    }

    /// The amount in major units.
    pub(crate) fn exact(self) -> BigRational {
        crate::number::ratio(BigInt::from(self.minor_units), scale(self.currency))
    }
}

/// Minor units in one major unit.
fn scale(currency: Currency) -> BigInt {
    BigInt::from(10).pow(currency.exponent())
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.plain();
        let (sign, digits) = match plain.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", plain.as_str()),
        };
        match digits.split_once('.') {
            Some((whole, fraction)) => write!(f, "{sign}{}.{fraction}", grouped(whole))?,
            None => write!(f, "{sign}{}", grouped(digits))?,
        }
        write!(f, " {}", self.currency)
    }
}

/// Digits in groups of three, counted from the right.
fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MoneyText {
    minor_units: String,
    currency: Currency,
    text: String,
}

impl From<Money> for MoneyText {
    fn from(money: Money) -> Self {
        Self {
            minor_units: money.minor_units.to_string(),
            currency: money.currency,
            text: money.to_string(),
        }
    }
}

impl TryFrom<MoneyText> for Money {
    type Error = MoneyError;

    fn try_from(read: MoneyText) -> Result<Self, MoneyError> {
        let minor_units = read.minor_units.parse().map_err(|_| MoneyError::NotWhole {
            text: read.minor_units.clone(),
        })?;
        let money = Self::new(minor_units, read.currency);
        let expected = money.to_string();
        if read.text != expected {
            return Err(MoneyError::TextDiffers {
                found: read.text,
                expected,
            });
        }
        Ok(money)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_carry_the_exponent_of_their_currency() {
        for (minor_units, code, expected) in [
            (400_000_000, "SEK", "4 000 000.00 SEK"),
            (-5, "SEK", "-0.05 SEK"),
            (0, "EUR", "0.00 EUR"),
            (123_456, "JPY", "123 456 JPY"),
            (1_234_567, "KWD", "1 234.567 KWD"),
        ] {
            let currency = Currency::from_code(code).unwrap();
            assert_eq!(Money::new(minor_units, currency).to_string(), expected);
        }
        let smallest = Money::new(i128::MIN, Currency::from_code("SEK").unwrap());
        assert!(smallest.to_string().starts_with("-1 701 411"));
    }

    #[test]
    fn an_amount_is_read_exactly_or_refused() {
        let sek = Currency::from_code("SEK").unwrap();
        for (text, expected) in [("220", 22_000), ("-0.05", -5), ("3913932.96", 391_393_296)] {
            let money = Money::from_decimal(text, sek).unwrap();
            assert_eq!(money.minor_units(), expected);
            assert_eq!(Money::from_decimal(&money.plain(), sek).unwrap(), money);
        }
        let error = Money::from_decimal("0.005", sek).unwrap_err().to_string();
        assert_eq!(
            error,
            "`0.005` is no amount of SEK, expected digits with at most 2 decimals, such as `220.00`"
        );
        assert!(Money::from_decimal("1 000", sek).is_err());
        assert!(Money::from_decimal("1e60", sek).is_err());
    }

    #[test]
    fn a_serialised_amount_whose_text_differs_is_refused() {
        let money = Money::new(155, Currency::from_code("SEK").unwrap());
        let json = serde_json::to_string(&money).unwrap();
        assert_eq!(
            json,
            r#"{"minor-units":"155","currency":"SEK","text":"1.55 SEK"}"#
        );
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        let altered = json.replace("\"155\"", "\"156\"");
        assert!(serde_json::from_str::<Money>(&altered).is_err());
    }
}

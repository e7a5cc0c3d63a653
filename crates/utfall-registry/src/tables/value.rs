//! A value of an attribute.

use std::fmt;

use chrono::NaiveDate;

/// A value of an attribute, as the contract types it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text or code.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A decimal: `units` × 10^−`decimals`.
    Decimal {
        /// The whole number of its last decimal.
        units: i64,
        /// Its decimals.
        decimals: u8,
    },
    /// A date.
    Date(NaiveDate),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Decimal { units, decimals: 0 } => write!(f, "{units}"),
            Self::Decimal { units, decimals } => {
                let scale = 10_u64.saturating_pow(u32::from(*decimals));
                let (sign, size) = (if *units < 0 { "-" } else { "" }, units.unsigned_abs());
                let width = usize::from(*decimals);
                write!(f, "{sign}{}.{:0width$}", size / scale, size % scale)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_with_all_their_places() {
        let text = |units, decimals| Value::Decimal { units, decimals }.to_string();
        assert_eq!(
            [text(1205, 1), text(-5, 2), text(7, 0)],
            ["120.5", "-0.05", "7"]
        );
    }
}

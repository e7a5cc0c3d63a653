//! One released count.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A count as it may be seen.
///
/// Written as `{"status": "rounded", "value": 10}`. A suppressed cell is written with the value
/// `null`, and no other form of it is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Cell {
    /// The count itself.
    Exact(u64),
    /// A count near it.
    Rounded(u64),
    /// Not shown.
    Suppressed,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    status: Status,
    value: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Exact,
    Rounded,
    Suppressed,
}

impl Cell {
    /// The number shown; `None` if suppressed.
    #[must_use]
    pub fn value(self) -> Option<u64> {
        match self {
            Self::Exact(value) | Self::Rounded(value) => Some(value),
            Self::Suppressed => None,
        }
    }

    /// `self − other` as a reader of both would find it: suppressed if either is, rounded if
    /// either is, and 0 if `other` is shown as the larger.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        self.combine(other, u64::saturating_sub)
    }

    /// `self + other` as a reader of both would find it: suppressed if either is, rounded if
    /// either is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.combine(other, u64::saturating_add)
    }

    /// `self / whole`, a fraction, as a reader of both would find it; `None` if either is suppressed, or
    /// the whole is shown as 0.
    #[must_use]
    pub fn share_of(self, whole: Self) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of units stay far below 2^53"
        )]
        let share = |part: u64, whole: u64| part as f64 / whole as f64;
        let whole = whole.value().filter(|whole| *whole > 0)?;
        Some(share(self.value()?, whole))
    }

    /// What is paid at a price for each unit, in the price's minor units, as a reader of the cell would
    /// find it; `None` if it is suppressed. The payment for the true count would tell it.
    #[must_use]
    pub fn at_price(self, price: i128) -> Option<i128> {
        i128::from(self.value()?).checked_mul(price)
    }

    /// The total of the cells that are shown; suppressed if none is.
    #[must_use]
    pub fn total(cells: &[Self]) -> Self {
        let shown = cells.iter().filter(|cell| **cell != Self::Suppressed);
        shown
            .copied()
            .reduce(Self::plus)
            .unwrap_or(Self::Suppressed)
    }

    fn combine(self, other: Self, operation: impl FnOnce(u64, u64) -> u64) -> Self {
        match (self, other) {
            (Self::Suppressed, _) | (_, Self::Suppressed) => Self::Suppressed,
            (Self::Exact(ours), Self::Exact(theirs)) => Self::Exact(operation(ours, theirs)),
            (
                Self::Exact(ours) | Self::Rounded(ours),
                Self::Exact(theirs) | Self::Rounded(theirs),
            ) => Self::Rounded(operation(ours, theirs)),
        }
    }
}

impl From<Cell> for Written {
    fn from(cell: Cell) -> Self {
        let status = match cell {
            Cell::Exact(_) => Status::Exact,
            Cell::Rounded(_) => Status::Rounded,
            Cell::Suppressed => Status::Suppressed,
        };
        Self {
            status,
            value: cell.value(),
        }
    }
}

impl TryFrom<Written> for Cell {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match (written.status, written.value) {
            (Status::Exact, Some(value)) => Ok(Self::Exact(value)),
            (Status::Rounded, Some(value)) => Ok(Self::Rounded(value)),
            (Status::Suppressed, None) => Ok(Self::Suppressed),
            (Status::Suppressed, Some(_)) => Err("a suppressed cell with a value, expected null"),
            (Status::Exact | Status::Rounded, None) => {
                Err("a cell without a value, expected a count")
            }
        }
    }
}

/// The count, with `≈` before a rounded one and `–` for a suppressed one.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(value) => write!(f, "{value}"),
            Self::Rounded(value) => write!(f, "≈{value}"),
            Self::Suppressed => f.write_str("–"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suppressed_cell_is_null_with_a_status_and_never_a_number() {
        assert_eq!(
            serde_json::to_string(&Cell::Suppressed).unwrap(),
            r#"{"status":"suppressed","value":null}"#
        );
        assert_eq!(
            serde_json::to_string(&Cell::Rounded(10)).unwrap(),
            r#"{"status":"rounded","value":10}"#
        );
        for cell in [Cell::Exact(0), Cell::Rounded(10), Cell::Suppressed] {
            let text = serde_json::to_string(&cell).unwrap();
            assert_eq!(serde_json::from_str::<Cell>(&text).unwrap(), cell);
        }
    }

    #[test]
    fn a_cell_that_contradicts_itself_is_refused() {
        for text in [
            r#"{"status":"suppressed","value":3}"#,
            r#"{"status":"exact","value":null}"#,
            r#"{"status":"exact","value":1,"true-value":3}"#,
            r#"{"value":3}"#,
        ] {
            assert!(serde_json::from_str::<Cell>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_derived_is_no_better_known_than_what_it_comes_from() {
        assert_eq!(Cell::Exact(8).less(Cell::Exact(3)), Cell::Exact(5));
        assert_eq!(Cell::Exact(8).less(Cell::Rounded(5)), Cell::Rounded(3));
        assert_eq!(Cell::Rounded(5).less(Cell::Rounded(10)), Cell::Rounded(0));
        assert_eq!(Cell::Exact(8).plus(Cell::Suppressed), Cell::Suppressed);
    }

    #[test]
    fn rates_and_payments_are_those_of_what_is_shown() {
        let shown = Cell::Rounded(20).share_of(Cell::Rounded(80));
        assert!(shown.is_some_and(|share| (share - 0.25).abs() < 1e-15));
        assert_eq!(Cell::Suppressed.share_of(Cell::Exact(80)), None);
        assert_eq!(Cell::Exact(3).share_of(Cell::Exact(0)), None);
        assert_eq!(Cell::Rounded(20).at_price(250_000), Some(5_000_000));
        assert_eq!(Cell::Suppressed.at_price(250_000), None);
        assert_eq!(Cell::Exact(u64::MAX).at_price(i128::MAX), None);
    }
}

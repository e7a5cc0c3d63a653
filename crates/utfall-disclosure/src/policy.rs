//! Which counts may be seen, and how exactly.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::Cell;

/// A disclosure policy, written in the plan.
///
/// ```toml
/// [disclosure]
/// kind = "round"
/// redact-at-most = 7
/// base = 5
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
#[non_exhaustive]
pub enum Policy {
    /// Every count is released as it is, for a stated reason.
    None {
        /// Why that harms nobody, such as `published counts of pupils in schools`.
        reason: Reason,
    },
    /// Small counts are redacted and all others rounded.
    Round {
        /// Counts up to and including this one are redacted; zero is a small count too.
        redact_at_most: u64,
        /// The others are rounded to the nearest multiple of this, halves upwards.
        base: NonZeroU64,
    },
}

/// A reason in words, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl Policy {
    /// One count as it may be seen.
    #[must_use]
    pub fn release(&self, count: u64) -> Cell {
        match self {
            Self::None { .. } => Cell::Exact(count),
            Self::Round { redact_at_most, .. } if count <= *redact_at_most => Cell::Suppressed,
            Self::Round { base, .. } => Cell::Rounded(nearest_multiple(count, base.get())),
        }
    }

    /// Counts of one row as they may be seen, and their total from what is seen.
    ///
    /// The total adds the cells that are shown. Released from the true counts, it would give a
    /// single redacted one back by subtraction.
    #[must_use]
    pub fn release_with_total(&self, counts: &[u64]) -> (Vec<Cell>, Cell) {
        let cells: Vec<Cell> = counts.iter().map(|count| self.release(*count)).collect();
        let zero = match self {
            Self::None { .. } => Cell::Exact(0),
            Self::Round { .. } => Cell::Rounded(0),
        };
        let shown = cells.iter().filter(|cell| **cell != Cell::Suppressed);
        let total = shown.fold(zero, |total, cell| total.plus(*cell));
        (cells, total)
    }
}

impl Reason {
    /// The reason.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() {
            Err("an empty reason, expected why exact counts harm nobody")
        } else {
            Ok(Self(text))
        }
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

/// The nearest multiple of `base`, the larger of two equally near.
fn nearest_multiple(count: u64, base: u64) -> u64 {
    let below = count - count % base;
    if count % base >= base.div_ceil(2) {
        below.saturating_add(base)
    } else {
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact_seven_round_five() -> Policy {
        Policy::Round {
            redact_at_most: 7,
            base: NonZeroU64::new(5).unwrap(),
        }
    }

    #[test]
    fn counts_up_to_seven_are_redacted_and_the_rest_rounded_to_five() {
        let (cells, total) = redact_seven_round_five().release_with_total(&[3, 8, 16, 23]);
        assert_eq!(
            cells,
            [
                Cell::Suppressed,
                Cell::Rounded(10),
                Cell::Rounded(15),
                Cell::Rounded(25)
            ]
        );
        assert_eq!(total, Cell::Rounded(50));
        let (cells, total) = redact_seven_round_five().release_with_total(&[18, 23, 31, 44]);
        assert_eq!(cells, [20, 25, 30, 45].map(Cell::Rounded));
        assert_eq!(total, Cell::Rounded(120));
    }

    #[test]
    fn the_edges_of_the_policy_are_where_it_says() {
        let policy = redact_seven_round_five();
        assert_eq!(policy.release(0), Cell::Suppressed);
        assert_eq!(policy.release(7), Cell::Suppressed);
        assert_eq!(policy.release(8), Cell::Rounded(10));
        assert_eq!(policy.release(12), Cell::Rounded(10));
        assert_eq!(policy.release(13), Cell::Rounded(15));
        assert_eq!(policy.release(u64::MAX), Cell::Rounded(u64::MAX));
    }

    #[test]
    fn halves_go_upwards() {
        assert_eq!(
            [14, 15, 16, 25].map(|count| nearest_multiple(count, 10)),
            [10, 20, 20, 30]
        );
        assert_eq!(nearest_multiple(7, 1), 7);
    }

    #[test]
    fn a_policy_is_written_out_in_full() {
        let read = |text: &str| toml::from_str::<Policy>(text);
        assert_eq!(
            read("kind = 'round'\nredact-at-most = 7\nbase = 5").unwrap(),
            redact_seven_round_five()
        );
        let none = read("kind = 'none'\nreason = 'published counts about schools'").unwrap();
        assert_eq!(none.release(3), Cell::Exact(3));
        for text in [
            "kind = 'none'",
            "kind = 'none'\nreason = ' '",
            "kind = 'round'\nbase = 5",
            "kind = 'round'\nredact-at-most = 7\nbase = 0",
            "kind = 'round'\nredact-at-most = 7\nbase = 5\nseed = 1",
            "kind = 'guess'",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

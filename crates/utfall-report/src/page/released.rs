//! Counts of units as the plan's disclosure policy lets them be seen.
//!
//! Every count of units on the page passes here, except those the payment is computed from: the
//! trace is exact, or nobody could check it. Rows of files are not units and are counted exactly.

use utfall_disclosure::{Cell, Policy};

use crate::number;
use crate::picture::Shown;

/// Counts under a policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Released<'a>(pub(crate) &'a Policy);

impl Released<'_> {
    /// A count for a table: `1 204`, `≈ 1 205`, `suppressed`.
    pub(crate) fn figure(self, n: u64) -> String {
        cell(self.0.release(n)).text
    }

    /// The size of a count as it may be seen; `None` where it may not.
    pub(crate) fn size(self, n: u64) -> Option<f64> {
        cell(self.0.release(n)).size
    }

    /// A count for a sentence: `1 204`, `about 1 205`, or `suppressed`, the word for a small one.
    pub(crate) fn words(self, n: u64, suppressed: &str) -> String {
        match self.0.release(n) {
            Cell::Exact(value) => number::count(value),
            Cell::Rounded(value) => format!("about {}", number::count(value)),
            Cell::Suppressed => suppressed.to_owned(),
        }
    }

    /// An effective number of units, which is close to a count of them.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an effective number of units is between zero and their number"
    )]
    pub(crate) fn effective(self, n: f64) -> String {
        self.figure(n.max(0.0).round() as u64)
    }

    /// Degrees of freedom, which tell the number of clusters: under a policy that rounds, rounded.
    pub(crate) fn degrees_of_freedom(self, freedom: Option<f64>) -> String {
        match (freedom, self.0) {
            (None, _) => "normal".to_owned(),
            (Some(freedom), Policy::None { .. }) => number::shortest(freedom, 1),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a few units of a rounded count"
            )]
            (Some(freedom), _) => self.figure(freedom.max(0.0) as u64),
        }
    }
}

/// A count as it may be seen, with the reason where it may not.
pub(crate) fn cell(cell: Cell) -> Shown {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the length of a bar needs no more than 53 bits"
    )]
    let size = cell.value().map(|value| value as f64);
    let text = match cell {
        Cell::Exact(value) => number::count(value),
        Cell::Rounded(value) => format!("≈\u{a0}{}", number::count(value)),
        Cell::Suppressed => "suppressed".to_owned(),
    };
    Shown { text, size }
}

/// The policy in words.
pub(crate) fn policy_words(policy: &Policy) -> String {
    match policy {
        Policy::None { reason } => format!("exact counts: {}", reason.as_str()),
        Policy::Round {
            redact_at_most,
            base,
        } => format!(
            "counts up to {redact_at_most} are suppressed, all others rounded to the nearest {base}; losses are differences of the counts shown"
        ),
        Policy::Midpoint { base } => format!(
            "counts are the middle of intervals of {base}; losses are differences of the counts shown"
        ),
        Policy::Suppress(rule) => format!(
            "counts below {} are suppressed, and others where those could be computed from them",
            rule.at_least
        ),
        Policy::Crossing(rule) => format!(
            "counts below {} in a crossing of two characteristics are suppressed, and others where those could be computed from them",
            rule.at_least
        ),
        _ => "counts under the plan’s disclosure policy".to_owned(),
    }
}

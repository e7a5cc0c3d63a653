//! Which counts may be seen, and how exactly.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::{Cell, Share};

/// A disclosure policy, written in the plan.
///
/// ```toml
/// [disclosure]
/// kind = "round"
/// redact-at-most = 7
/// base = 5
/// ```
///
/// `POLICIES.md` beside this crate has an example of each kind. [`Policy::midpoint_6`],
/// [`Policy::acro`] and [`Policy::danish_microdata`] are written out there; a custom policy is
/// one of the kinds with other numbers.
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
    /// Every count but zero is replaced by the middle of its interval of `base` counts:
    /// `⌈n / base⌉ · base − ⌊base / 2⌋`.
    Midpoint {
        /// Counts in an interval; 6 in the rule this comes from.
        base: NonZeroU64,
    },
    /// Small counts, and sums that few units dominate, are suppressed; all others are exact.
    Suppress(Suppression),
    /// Persons in every crossing of two characteristics: fewer are suppressed, all others exact.
    Crossing(Crossing),
}

/// The numbers of a policy that suppresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Suppression {
    /// A count below this is suppressed.
    pub at_least: NonZeroU64,
    /// Whether a zero is shown.
    pub zeros: Zeros,
    /// The n-k rule, for sums.
    pub dominance: Dominance,
    /// The p-ratio rule, for sums: what all but the two largest units contribute may not be less
    /// than this share of the largest.
    pub p_ratio: Share,
    /// An estimate with fewer residual degrees of freedom is suppressed.
    pub residual_degrees_of_freedom: u64,
}

/// The n-k rule: the largest `largest` units may not contribute more than `share` of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dominance {
    /// How many units.
    pub largest: NonZeroU64,
    /// What share of the sum.
    pub share: Share,
}

/// The numbers of a policy for crossings of characteristics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Crossing {
    /// Fewest persons in a crossing of two characteristics.
    pub at_least: NonZeroU64,
    /// Whether an empty crossing is shown.
    pub zeros: Zeros,
    /// Whether the population was selected by a characteristic, which then counts as one.
    pub population: Population,
}

/// Whether a zero tells something about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zeros {
    /// It does: a zero is a small count.
    Disclosive,
    /// It does not: a zero is shown.
    Shown,
}

/// How the population of a table came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Population {
    /// By a characteristic, such as taking part in a programme.
    Selected,
    /// It is everyone there is.
    Whole,
}

/// A reason in words, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl Policy {
    /// Whether persons at risk and events so far, beside those told at an earlier time, give no small
    /// count away: those at risk, those who left since and those with the event since must each be
    /// ones that may be told.
    #[must_use]
    pub fn tells_step(&self, before: Option<(u64, u64)>, here: (u64, u64)) -> bool {
        let (risk, events) = here;
        let may = |count: u64| self.release(count).value().is_some();
        let (left, new) = match before {
            Some((risk_before, events_before)) => (
                risk_before.saturating_sub(risk),
                events.saturating_sub(events_before),
            ),
            None => return may(risk) && may(events),
        };
        may(risk) && may(left) && may(new)
    }

    /// Midpoint rounding to intervals of six, as OpenSAFELY releases counts.
    #[must_use]
    pub fn midpoint_6() -> Self {
        Self::Midpoint { base: at_least(6) }
    }

    /// The defaults of the ACRO tools for checking outputs: fewer than 10 units, two units with
    /// more than 90 % of a sum, a p-ratio below 10 %, zeros, and fewer than 10 residual degrees of
    /// freedom are disclosive.
    #[must_use]
    pub fn acro() -> Self {
        Self::Suppress(Suppression {
            at_least: at_least(10),
            zeros: Zeros::Disclosive,
            dominance: Dominance {
                largest: at_least(2),
                share: Share::per_mille(900),
            },
            p_ratio: Share::per_mille(100),
            residual_degrees_of_freedom: 10,
        })
    }

    /// At least three persons in every crossing of two characteristics, as Danish microdata are
    /// released; a population selected by a characteristic counts as one.
    #[must_use]
    pub fn danish_microdata(population: Population) -> Self {
        Self::Crossing(Crossing {
            at_least: at_least(3),
            zeros: Zeros::Shown,
            population,
        })
    }

    /// One count as it may be seen by itself, beside no other it could be subtracted from.
    #[must_use]
    pub fn release(&self, count: u64) -> Cell {
        match self {
            Self::Suppress(_) | Self::Crossing(_) if self.protects(count) => Cell::Suppressed,
            Self::None { .. } | Self::Suppress(_) | Self::Crossing(_) => Cell::Exact(count),
            Self::Round { redact_at_most, .. } if count <= *redact_at_most => Cell::Suppressed,
            Self::Round { base, .. } => Cell::Rounded(nearest_multiple(count, base.get())),
            Self::Midpoint { .. } if count == 0 => Cell::Exact(0),
            Self::Midpoint { base } => Cell::Rounded(midpoint(count, base.get())),
        }
    }

    /// Counts of one row as they may be seen, and their total from what is seen.
    ///
    /// The total adds the cells that are shown. Released from the true counts, it would give a
    /// single redacted one back by subtraction. Where no cell is shown, neither is the total.
    #[must_use]
    pub fn release_with_total(&self, counts: &[u64]) -> (Vec<Cell>, Cell) {
        let cells: Vec<Cell> = counts.iter().map(|count| self.release(*count)).collect();
        let total = Cell::total(&cells);
        (cells, total)
    }

    /// Whether a count is one that the policy protects: small, and not a zero that may be shown.
    #[must_use]
    pub fn protects(&self, count: u64) -> bool {
        match self {
            Self::None { .. } => false,
            Self::Round { redact_at_most, .. } => count <= *redact_at_most,
            Self::Midpoint { base } => (1..=base.get()).contains(&count),
            Self::Suppress(rule) => count < rule.at_least.get() && rule.zeros.protects(count),
            Self::Crossing(rule) => count < rule.at_least.get() && rule.zeros.protects(count),
        }
    }

    /// How many different values of a protected count an attacker must be left with.
    #[must_use]
    pub fn least_values(&self) -> u64 {
        match self {
            Self::None { .. } => 1,
            Self::Round { redact_at_most, .. } => redact_at_most.saturating_add(1),
            Self::Midpoint { base } => base.get(),
            Self::Suppress(rule) => rule.at_least.get(),
            Self::Crossing(rule) => rule.at_least.get(),
        }
    }

    /// The same of a difference between counts of two populations, which nobody releases but
    /// everybody can compute.
    ///
    /// Under a policy that rounds, it is the rounding that blurs differences: `base` values.
    #[must_use]
    pub fn least_values_of_differences(&self) -> u64 {
        match self {
            Self::Round { base, .. } => base.get(),
            other => other.least_values(),
        }
    }

    /// Whether an estimate with this many residual degrees of freedom may be released.
    #[must_use]
    pub fn allows_degrees_of_freedom(&self, residual: f64) -> bool {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "a small number of a policy")]
            Self::Suppress(rule) => residual >= rule.residual_degrees_of_freedom as f64,
            _ => true,
        }
    }

    /// Whether totals are derived from what is released, not released themselves.
    pub(crate) fn derives_totals(&self) -> bool {
        matches!(self, Self::Round { .. } | Self::Midpoint { .. })
    }

    /// Every count that is released as this cell, as an interval with both ends in it.
    ///
    /// `alone` is whether only small counts are suppressed, so that a suppressed one is known to
    /// be small. Otherwise it may be any.
    pub(crate) fn counts_released_as(&self, cell: Cell, alone: bool) -> (u64, Option<u64>) {
        match (self, cell) {
            (_, Cell::Exact(value)) => (value, Some(value)),
            (Self::Round { redact_at_most, .. }, Cell::Suppressed) if alone => {
                (0, Some(*redact_at_most))
            }
            (_, Cell::Suppressed) => (0, None),
            (Self::Midpoint { base }, Cell::Rounded(value)) => {
                let last = value.saturating_add(base.get() / 2);
                (last.saturating_sub(base.get() - 1), Some(last))
            }
            (
                Self::Round {
                    redact_at_most,
                    base,
                },
                Cell::Rounded(value),
            ) => {
                let base = base.get();
                let first = value.saturating_sub(base - base.div_ceil(2));
                let last = value.saturating_add(base.div_ceil(2) - 1);
                (first.max(redact_at_most.saturating_add(1)), Some(last))
            }
            (_, Cell::Rounded(value)) => (value, Some(value)),
        }
    }
}

impl Zeros {
    fn protects(self, count: u64) -> bool {
        count > 0 || self == Self::Disclosive
    }
}

/// A number of a shipped policy.
const fn at_least(number: u64) -> NonZeroU64 {
    match NonZeroU64::new(number) {
        Some(number) => number,
        None => NonZeroU64::MIN,
    }
}

/// The middle of the interval of `base` counts that holds `count`, which is above zero.
fn midpoint(count: u64, base: u64) -> u64 {
    count.div_ceil(base).saturating_mul(base) - base / 2
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
    fn midpoint_six_is_as_published() {
        let policy = Policy::midpoint_6();
        for (counts, shown) in [(0..=0, 0), (1..=6, 3), (7..=12, 9), (13..=18, 15)] {
            for count in counts {
                assert_eq!(policy.release(count).value(), Some(shown), "{count}");
            }
        }
        assert_eq!(policy.release(u64::MAX - 10).value(), Some(u64::MAX - 12));
    }

    #[test]
    fn acro_suppresses_below_ten_zeros_among_them_and_estimates_with_few_degrees_of_freedom() {
        let policy = Policy::acro();
        let seen = [0, 9, 10].map(|count| policy.release(count));
        assert_eq!(seen, [Cell::Suppressed, Cell::Suppressed, Cell::Exact(10)]);
        assert!(policy.allows_degrees_of_freedom(10.0));
        assert!(!policy.allows_degrees_of_freedom(9.5));
    }

    #[test]
    fn a_crossing_holds_three_persons_or_none() {
        let policy = Policy::danish_microdata(Population::Selected);
        let seen = [0, 1, 2, 3].map(|count| policy.release(count).value());
        assert_eq!(seen, [Some(0), None, None, Some(3)]);
    }

    #[test]
    fn what_a_cell_tells_is_every_count_released_as_it() {
        let custom = |redact_at_most, base| Policy::Round {
            redact_at_most,
            base: at_least(base),
        };
        let policies = [
            Policy::midpoint_6(),
            Policy::Midpoint { base: at_least(5) },
            Policy::Midpoint { base: at_least(1) },
            redact_seven_round_five(),
            custom(7, 4),
            custom(0, 10),
            custom(20, 6),
            custom(3, 1),
        ];
        for policy in policies {
            for count in 0..200 {
                let cell = policy.release(count);
                let alike: Vec<u64> = (0..400)
                    .filter(|other| policy.release(*other) == cell)
                    .collect();
                let (least, most) = policy.counts_released_as(cell, true);
                assert_eq!(
                    (Some(&least), most.as_ref()),
                    (alike.first(), alike.last()),
                    "{policy:?} {count}"
                );
            }
        }
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
            "kind = 'midpoint'",
            "kind = 'suppress'\nat-least = 10",
            "kind = 'crossing'\nat-least = 3\nzeros = 'shown'",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_withheld_if_few_left_or_had_the_event_since_the_one_before() {
        let policy = Policy::acro();
        assert!(policy.tells_step(None, (200, 12)));
        assert!(!policy.tells_step(None, (200, 3)));
        assert!(policy.tells_step(Some((200, 12)), (180, 25)));
        assert!(!policy.tells_step(Some((200, 12)), (195, 25)));
        assert!(!policy.tells_step(Some((200, 12)), (180, 14)));
        assert!(!policy.tells_step(Some((20, 12)), (9, 23)));
    }
}

//! The attrition funnel as it may be seen.

use serde::{Deserialize, Serialize};
use utfall_core::Funnel;

use crate::{Cell, Count, Counts, Policy, Role};

/// An attrition funnel under a disclosure policy.
///
/// Only what remains after each rule is released from the true counts. Losses are differences of
/// what is released, so a small loss between two large counts cannot be found by subtraction:
/// its reader knows it no better than the two rounded counts tell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReleasedFunnel {
    /// What is counted: `person`, `family`, `school`.
    pub unit: String,
    /// Units before the first rule.
    pub start: Cell,
    /// One line for each rule, in the order applied.
    pub lines: Vec<ReleasedLine>,
}

/// One rule of a released funnel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReleasedLine {
    /// The rule, in the plan's words.
    pub rule: String,
    /// Units lost here, from the released counts before and after.
    pub lost: Cell,
    /// Units that remain after the rule.
    pub remaining: Cell,
}

impl Policy {
    /// A funnel as it may be seen.
    ///
    /// A policy that suppresses releases losses as counts of their own, each covered by others where
    /// it could be computed from them.
    #[must_use]
    pub fn release_funnel(&self, funnel: &Funnel) -> ReleasedFunnel {
        if self.derives_totals() {
            self.derive_losses(funnel)
        } else {
            let mut counts = Counts::default();
            let placed = PlacedFunnel::of(funnel, Role::Shown, &mut counts);
            match counts.protect(self) {
                Ok(protected) => placed.released(funnel, &|count| protected.cell(count)),
                // Nothing is the one release that is always safe.
                Err(_) => placed.released(funnel, &|_| Cell::Suppressed),
            }
        }
    }

    /// Losses as differences of what is released.
    fn derive_losses(&self, funnel: &Funnel) -> ReleasedFunnel {
        let start = self.release(funnel.n_start);
        let mut before = start;
        let lines = funnel.lines.iter().map(|line| {
            let remaining = self.release(line.n_remaining);
            let lost = before.less(remaining);
            before = remaining;
            ReleasedLine {
                rule: line.rule.clone(),
                lost,
                remaining,
            }
        });
        ReleasedFunnel {
            unit: funnel.unit.clone(),
            start,
            lines: lines.collect(),
        }
    }
}

/// A funnel among other counts.
#[derive(Debug, Clone)]
pub struct PlacedFunnel {
    start: Count,
    /// What is lost and what remains at each rule.
    lines: Vec<(Count, Count)>,
}

impl PlacedFunnel {
    /// Adds a funnel to counts. `losses` is what becomes of losses: [`Role::Hidden`] where they are
    /// derived from what remains.
    ///
    /// # Panics
    ///
    /// As [`Counts::add`].
    pub fn of(funnel: &Funnel, losses: Role, counts: &mut Counts) -> Self {
        let start = counts.add(funnel.n_start, Role::Shown);
        let mut before = start;
        let lines = funnel.lines.iter().map(|line| {
            let lost = counts.add(line.n_lost, losses);
            let remaining = counts.add(line.n_remaining, Role::Shown);
            counts.add_sum(before, &[lost, remaining]);
            before = remaining;
            (lost, remaining)
        });
        let lines = lines.collect();
        Self { start, lines }
    }

    /// The count that remains after the last rule.
    #[must_use]
    pub fn remaining(&self) -> Count {
        self.lines
            .last()
            .map_or(self.start, |(_, remaining)| *remaining)
    }

    /// The funnel with each count as `cell` says.
    pub(crate) fn released(&self, funnel: &Funnel, cell: &dyn Fn(Count) -> Cell) -> ReleasedFunnel {
        let lines = funnel.lines.iter().zip(&self.lines);
        let lines = lines.map(|(line, (lost, remaining))| ReleasedLine {
            rule: line.rule.clone(),
            lost: cell(*lost),
            remaining: cell(*remaining),
        });
        ReleasedFunnel {
            unit: funnel.unit.clone(),
            start: cell(self.start),
            lines: lines.collect(),
        }
    }

    /// The same, losses being differences of what is released.
    pub(crate) fn derived(&self, funnel: &Funnel, cell: &dyn Fn(Count) -> Cell) -> ReleasedFunnel {
        let mut released = self.released(funnel, cell);
        let mut before = released.start;
        for line in &mut released.lines {
            line.lost = before.less(line.remaining);
            before = line.remaining;
        }
        released
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use proptest::prelude::*;

    use super::*;

    fn round(redact_at_most: u64, base: u64) -> Policy {
        Policy::Round {
            redact_at_most,
            base: NonZeroU64::new(base).unwrap(),
        }
    }

    fn funnel(n_start: u64, remaining: &[u64]) -> Funnel {
        let mut funnel = Funnel::new("person", n_start);
        for n_remaining in remaining {
            funnel.apply("a rule", *n_remaining);
        }
        funnel
    }

    #[test]
    fn a_loss_of_three_cannot_be_found_by_subtraction() {
        let released = round(7, 5).release_funnel(&funnel(1_000, &[997, 540, 6]));
        let shown: Vec<_> = released
            .lines
            .iter()
            .map(|line| (line.lost, line.remaining))
            .collect();
        assert_eq!(released.start, Cell::Rounded(1_000));
        assert_eq!(
            shown,
            [
                (Cell::Rounded(5), Cell::Rounded(995)),
                (Cell::Rounded(455), Cell::Rounded(540)),
                (Cell::Suppressed, Cell::Suppressed),
            ]
        );
    }

    #[test]
    fn under_a_policy_that_suppresses_a_small_loss_is_covered() {
        let released = Policy::acro().release_funnel(&funnel(1_000, &[997, 540, 500]));
        let line = &released.lines[0];
        assert_eq!(line.lost, Cell::Suppressed);
        // Were both counts around it shown, it would be their difference.
        assert!([released.start, line.remaining].contains(&Cell::Suppressed));
        assert_eq!(released.lines[2].remaining, Cell::Exact(500));
        assert_eq!(released.lines[2].lost, Cell::Exact(40));
    }

    #[test]
    fn a_policy_of_none_releases_the_funnel_as_it_is() {
        let policy: Policy = toml::from_str("kind = 'none'\nreason = 'published'").unwrap();
        let released = policy.release_funnel(&funnel(10, &[7]));
        assert_eq!(
            (released.lines[0].lost, released.lines[0].remaining),
            (Cell::Exact(3), Cell::Exact(7))
        );
    }

    proptest! {
        /// Two funnels that differ only within the rounding are the same to a reader.
        #[test]
        fn nothing_is_released_that_the_rounded_counts_do_not_tell(
            mut counts in proptest::collection::vec(0_u64..100_000, 1..8),
            redact_at_most in 0_u64..20,
            base in 1_u64..30,
        ) {
            counts.sort_unstable_by(|a, b| b.cmp(a));
            let policy = round(redact_at_most, base);
            let seen = |count: u64| policy.release(count).value();
            let blurred: Vec<u64> = counts.iter().map(|count| {
                (0..*count).rev().take_while(|less| seen(*less) == seen(*count)).last().unwrap_or(*count)
            }).collect();
            let release = |counts: &[u64]| policy.release_funnel(&funnel(counts[0], &counts[1..]));
            prop_assert_eq!(release(&counts), release(&blurred));
        }
    }
}

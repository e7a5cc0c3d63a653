//! How a population became a cohort: every unit accounted for.

use serde::{Deserialize, Serialize};

/// The attrition funnel: units at the start, and those lost at each rule, in order.
///
/// A unit is lost at the first rule it fails, so `n_start` equals the sum of all losses plus
/// what remains.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Funnel {
    /// What is counted: `person`, `family`, `school`.
    pub unit: String,
    /// Units before the first rule.
    pub n_start: u64,
    /// One line for each rule, in the order applied.
    pub lines: Vec<FunnelLine>,
}

/// One rule of the funnel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FunnelLine {
    /// The rule, in the plan's words.
    pub rule: String,
    /// Units lost here.
    pub n_lost: u64,
    /// Units that remain after the rule.
    pub n_remaining: u64,
}

impl Funnel {
    /// A funnel before its first rule.
    #[must_use]
    pub fn new(unit: impl Into<String>, n_start: u64) -> Self {
        Self {
            unit: unit.into(),
            n_start,
            lines: Vec::new(),
        }
    }

    /// Units that remain after the last rule so far.
    #[must_use]
    pub fn n_remaining(&self) -> u64 {
        self.lines
            .last()
            .map_or(self.n_start, |line| line.n_remaining)
    }

    /// Adds a rule that left `n_remaining` of those who were there.
    ///
    /// # Panics
    ///
    /// If more remain than were there: a rule removes units, it never adds any.
    pub fn apply(&mut self, rule: impl Into<String>, n_remaining: u64) {
        let before = self.n_remaining();
        assert!(
            n_remaining <= before,
            "a rule removes units, it never adds any"
        );
        self.lines.push(FunnelLine {
            rule: rule.into(),
            n_lost: before - n_remaining,
            n_remaining,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_and_remainder_add_up_to_the_start() {
        let mut funnel = Funnel::new("person", 100);
        funnel.apply("born 2007-2012", 60);
        funnel.apply("enrolled at the index date", 55);
        let n_lost: u64 = funnel.lines.iter().map(|line| line.n_lost).sum();
        assert_eq!(n_lost + funnel.n_remaining(), funnel.n_start);
    }
}

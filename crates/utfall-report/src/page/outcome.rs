//! How numbers of an outcome are shown: a rate in percent, its differences in percentage points,
//! everything else in the unit it was measured in.

use utfall_core::Estimate;

use crate::number::{decimals_for_width, fixed, shortest};

/// The unit of an outcome and the decimals its estimate supports.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    is_rate: bool,
    unit: String,
    decimals: usize,
}

impl Outcome {
    /// `unit` is the plan's word; the interval of `estimate` decides the decimals.
    pub(crate) fn new(unit: &str, estimate: &Estimate) -> Self {
        Self::of_width(unit, estimate.interval.upper - estimate.interval.lower)
    }

    /// The same for an interval that is this wide.
    pub(crate) fn of_width(unit: &str, width: f64) -> Self {
        let is_rate = matches!(unit, "rate" | "fraction" | "share" | "proportion");
        let mut outcome = Self {
            is_rate,
            unit: unit.to_owned(),
            decimals: 0,
        };
        outcome.decimals = decimals_for_width(outcome.scaled(width));
        outcome
    }

    /// A number on the scale it is shown on.
    pub(crate) fn scaled(&self, value: f64) -> f64 {
        if self.is_rate { value * 100.0 } else { value }
    }

    /// A difference without its unit.
    pub(crate) fn difference(&self, value: f64) -> String {
        fixed(self.scaled(value), self.decimals)
    }

    /// A number finer than the estimate itself, such as its standard error, unless it is large.
    pub(crate) fn finer(&self, value: f64) -> String {
        let scaled = self.scaled(value);
        fixed(
            scaled,
            if scaled.abs() < 100.0 {
                self.decimals + 1
            } else {
                self.decimals
            },
        )
    }

    /// A number of the contract, one decimal finer than the estimate where it needs that.
    pub(crate) fn stated(&self, value: f64) -> String {
        shortest(self.scaled(value), self.decimals + 1)
    }

    /// The unit of a difference.
    pub(crate) fn difference_unit(&self) -> &str {
        if self.is_rate {
            "percentage points"
        } else {
            &self.unit
        }
    }

    /// A mean of the outcome, with its unit where that is short.
    pub(crate) fn level(&self, value: f64) -> String {
        let number = self.difference(value);
        if self.is_rate {
            format!("{number}\u{a0}%")
        } else {
            number
        }
    }
}

/// A confidence level in percent, such as `95 %`.
pub(crate) fn confidence(estimate: &Estimate) -> String {
    format!(
        "{}\u{a0}%",
        shortest(estimate.confidence_level.fraction() * 100.0, 2)
    )
}

/// Several of a unit of analysis: persons, families, schools.
pub(crate) fn plural(unit: &str) -> String {
    match unit.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{unit}s"),
    }
}

//! The answer to an estimand, with its uncertainty.

use serde::{Deserialize, Serialize};

use crate::Estimand;

/// An estimated effect with its uncertainty, in the unit of the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Estimate {
    /// The question answered.
    pub estimand: Estimand,
    /// The estimated effect, in the outcome's unit.
    pub point: f64,
    /// Standard error of the point, in the outcome's unit.
    pub standard_error: f64,
    /// Degrees of freedom of the t distribution behind the interval and the p-value; `None` for the normal.
    pub degrees_of_freedom: Option<f64>,
    /// Confidence level of the interval, as a fraction.
    pub confidence_level: ConfidenceLevel,
    /// Two-sided confidence interval.
    pub interval: Interval,
    /// Two-sided p-value of the hypothesis that the effect is zero.
    pub p_value: f64,
    /// Treated units the estimate rests on.
    pub n_treated: usize,
    /// Distinct comparators the estimate rests on.
    pub n_comparator: usize,
    /// Clusters behind the standard error; `None` where units are taken as independent.
    pub n_clusters: Option<usize>,
}

/// A closed interval.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl Interval {
    /// Whether the interval holds a value, ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}

/// A confidence level as a fraction, always above zero and below one.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct ConfidenceLevel(f64);

impl ConfidenceLevel {
    /// The level as a fraction.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for ConfidenceLevel {
    type Error = String;

    fn try_from(fraction: f64) -> Result<Self, Self::Error> {
        if fraction > 0.0 && fraction < 1.0 {
            Ok(Self(fraction))
        } else {
            Err(format!(
                "confidence level {fraction}, expected a fraction between 0 and 1 such as 0.95"
            ))
        }
    }
}

impl From<ConfidenceLevel> for f64 {
    fn from(level: ConfidenceLevel) -> Self {
        level.0
    }
}

//! Checks of a plan's effects: how much of each hangs on what cannot be seen, and on choices.

use serde::{Deserialize, Serialize};
use utfall_core::Window;

/// One check of one effect, reported beside it. A payment never rests on it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SensitivitySpec {
    /// The effect.
    pub effect: String,
    /// What is asked.
    pub check: SensitivityCheck,
}

/// What is asked of an effect.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum SensitivityCheck {
    /// The one-sided p-value if something hidden multiplied the odds of treatment within a pair; for
    /// matching of one comparator to each treated unit.
    Rosenbaum {
        /// The factors, one or more.
        factors: Vec<f64>,
    },
    /// How strongly something hidden would have to go with both treatment and outcome to explain the
    /// effect away (VanderWeele & Ding).
    EValue {
        /// The scale of the effect.
        scale: RatioScale,
    },
    /// How much of what treatment and outcome leave each other something hidden would have to explain
    /// (Cinelli & Hazlett), by a least-squares regression on the compared units and their weights.
    RobustnessValue {
        /// Covariates of the regression; all of the cohort's if none is named.
        #[serde(default)]
        adjust_for: Vec<String>,
        /// Covariates of it to compare the hidden with, each as strong as itself.
        #[serde(default)]
        benchmarks: Vec<String>,
        /// The level of the test that the second value is of.
        alpha: f64,
    },
    /// The same effect at a time when the programme cannot have had one: over a window that ends by the
    /// index date.
    PlaceboDate {
        /// The window.
        window: Window,
    },
    /// The effect without each group of units in turn.
    LeaveOneOut {
        /// The attribute of the cohort that groups units: a school, a district.
        attribute: String,
    },
    /// The effect by every combination of designs (the plan's own and every alternative, such as one with
    /// another caliper), windows and covariates.
    SpecificationCurve {
        /// Windows of follow-up, beside the effect's own.
        #[serde(default)]
        windows: Vec<Window>,
        /// Covariates to adjust for by regression, one list for each specification, beside the effect's
        /// own estimator.
        #[serde(default)]
        adjust_for: Vec<Vec<String>>,
    },
}

/// The scale of an effect that an E-value is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RatioScale {
    /// The ratio of mean outcomes, for rates and shares.
    RiskRatio,
    /// The difference in standard deviations of the outcome (root of the arms' mean variance).
    StandardisedDifference,
}

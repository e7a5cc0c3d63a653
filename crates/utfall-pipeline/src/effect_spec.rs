//! The effects of a plan, and how each is estimated.

use serde::{Deserialize, Serialize};
use utfall_core::Window;
use utfall_effects::{Inference, MoneySpec};
use utfall_verify::record::EffectRole;

/// One effect.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectSpec {
    /// The name the contract uses.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// What the effect is for.
    #[serde(default)]
    pub role: EffectRole,
    /// Unit of the outcome, for people: `rate`, `SEK per child`, `reports per family`.
    pub unit: String,
    /// The measure.
    pub measure: String,
    /// Follow-up window.
    pub window: Window,
    /// How the effect is estimated.
    pub estimator: EstimatorSpec,
    /// How its uncertainty is computed.
    pub inference: Inference,
    /// What belongs together; used by the `cr` standard errors.
    pub clusters: Vec<ClusterBy>,
    /// What the effect on the treated is worth.
    pub money: Option<MoneySpec>,
}

/// A way in which rows of the compared sample belong together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterBy {
    /// A treated unit and its comparators.
    MatchedSet,
    /// Every appearance of one unit, where a comparator may serve several treated units.
    Unit,
    /// Units that share an attribute of the cohort: a school, a family.
    Attribute(String),
}

/// How an effect is estimated on the units that were made comparable.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum EstimatorSpec {
    /// Treated mean minus weighted comparator mean of the outcome, in matched sets or strata.
    MatchedDifference,
    /// The same under the weights of a weighting.
    WeightedDifference,
    /// The same without matching or weights.
    UnadjustedDifference,
    /// The coefficient of treatment in a regression on treatment and covariates, with the weights of
    /// the matching or weighting.
    AdjustedDifference {
        /// Covariates of the cohort; all of them if none is named.
        #[serde(default)]
        adjust_for: Vec<String>,
    },
    /// Augmented inverse-probability weighting (AIPW) of everyone: right if the propensity score or
    /// the outcome regressions are.
    DoublyRobust {
        /// Covariates of both models; all of the cohort's if none is named.
        #[serde(default)]
        covariates: Vec<String>,
    },
    /// The difference of the change of the outcome since a baseline window.
    MatchedDifferenceInDifferences {
        /// The window the change is measured from.
        baseline: Window,
    },
}

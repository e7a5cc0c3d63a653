//! `design.json`: what a design and a contract will do.

use serde::{Deserialize, Serialize};

use crate::{Payments, Rate};

/// Power of the estimates, and what the contract pays by the true effect.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DesignDocument {
    /// Version of this format.
    pub schema: DesignSchema,
    /// Title for people.
    pub title: String,
    /// The contract, for people.
    pub contract: String,
    /// Seed of the draws.
    pub seed: u64,
    /// Draws of each true effect.
    pub n_draws: u32,
    /// Two-sided significance level of the power.
    pub alpha: f64,
    /// Power at which the least detectable effect is stated.
    pub power: f64,
    /// Each effect the contract draws on.
    pub effects: Vec<DesignedEffect>,
    /// What the contract pays, by the true effect: the point whose role is `nil` has the rate of
    /// false payment, and `as-hoped` what is paid if all goes well.
    pub points: Vec<PayingPoint>,
}

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum DesignSchema {
    /// The first version.
    #[serde(rename = "utfall-design/1")]
    V1,
}

/// How well one effect will be found.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DesignedEffect {
    /// The name the contract uses.
    pub name: String,
    /// Unit of the outcome.
    pub unit: String,
    /// The effect hoped for.
    pub hoped: f64,
    /// Standard error of the estimate.
    pub standard_error: f64,
    /// Its degrees of freedom; `None` for the normal distribution.
    pub degrees_of_freedom: Option<f64>,
    /// The probability that a two-sided test finds the hoped effect.
    pub power_if_as_hoped: f64,
    /// The least effect found with the power asked for, as large as that in either direction.
    pub least_detectable: f64,
    /// Power by true effect.
    pub curve: Vec<PowerPoint>,
    /// Values of the effect that the contract compares its estimate with, in rising order.
    pub thresholds: Vec<f64>,
}

/// Power at one true effect.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PowerPoint {
    /// The true effect.
    pub effect: f64,
    /// The probability that a two-sided test finds it.
    pub power: f64,
}

/// What the contract pays at one true effect.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PayingPoint {
    /// What this point is.
    pub role: Role,
    /// The true effects over those hoped for: 0 is none, 1 is as hoped.
    pub share_of_hoped: f64,
    /// The true effects, in the order of [`DesignDocument::effects`].
    pub effects: Vec<f64>,
    /// What the true effects are worth, in the same order; none where the design puts no money on one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub savings: Vec<Option<f64>>,
    /// What is paid.
    pub payments: Payments,
    /// How often the contract cannot be decided.
    pub undecided: Rate,
}

/// What a point of the curve is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Nobody is helped: what is paid is paid for nothing.
    Nil,
    /// All effects are as hoped.
    AsHoped,
    /// Any other.
    Other,
}

impl DesignDocument {
    /// The point with a role.
    #[must_use]
    pub fn point(&self, role: Role) -> Option<&PayingPoint> {
        self.points.iter().find(|point| point.role == role)
    }
}

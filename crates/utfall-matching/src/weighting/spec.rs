//! What weighting is asked to do.

use serde::{Deserialize, Serialize};

use utfall_stats::binary::Link;

use crate::weighting::{Trim, WeightCap};

/// How units are weighted. Nothing that moves a weight has a default; no cap means none.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WeightingSpec {
    /// Where the weights come from.
    pub method: WeightingMethod,
    /// The largest weight that is let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<WeightCap>,
}

/// Where weights come from.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum WeightingMethod {
    /// [`propensity_weights`](crate::weighting::propensity_weights) of a propensity score.
    PropensityScore {
        /// What the weights of an arm add up to.
        scale: WeightScale,
        /// How the score follows from its linear predictor; the logit without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<Link>,
        /// Which scores are left out; none without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trim: Option<Trim>,
    },
    /// [`entropy_balancing`](crate::weighting::entropy_balancing).
    EntropyBalancing {
        /// Moments of each covariate that are balanced.
        moments: Moments,
    },
    /// [`balancing_score`](crate::weighting::balancing_score) or
    /// [`overidentified_score`](crate::weighting::overidentified_score).
    BalancingScore {
        /// Which equations the score solves.
        identification: Identification,
    },
}

/// Which equations a balancing score solves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identification {
    /// Those of balance: as many as coefficients, so balance is exact.
    Just,
    /// Those of balance and of likelihood: balance is near.
    Over,
}

/// What the weights of an arm add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightScale {
    /// As they come: for the ate about all units in each arm.
    Plain,
    /// Times the arm's share of units: for the ate about the arm's own units.
    Stabilised,
}

/// How many moments of each covariate are balanced: 1 means, 2 squares too, 3 cubes too.
///
/// A power is left out where the covariate has no more values than the powers before it fix: the
/// square of an indicator is the indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Moments(u8);

impl Moments {
    /// Means alone.
    pub(super) const MEANS: Self = Self(1);

    /// The highest power.
    #[must_use]
    pub fn highest(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Moments {
    type Error = String;

    fn try_from(highest: u8) -> Result<Self, Self::Error> {
        if (1..=3).contains(&highest) {
            Ok(Self(highest))
        } else {
            Err(format!("{highest} moments, expected 1, 2 or 3"))
        }
    }
}

impl From<Moments> for u8 {
    fn from(moments: Moments) -> Self {
        moments.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_reads_as_it_is_written() {
        let spec: WeightingSpec = toml::from_str(
            r#"
            method = { kind = "entropy-balancing", moments = 2 }
            cap = { quantile = 0.99, rule = "nearest-even" }
            "#,
        )
        .unwrap();
        assert_eq!(
            toml::from_str::<WeightingSpec>(&toml::to_string(&spec).unwrap()).unwrap(),
            spec
        );
    }

    #[test]
    fn unknown_keys_and_what_moves_a_weight_unsaid_are_refused() {
        for method in [
            r#"kind = "entropy-balancing""#,
            r#"kind = "entropy-balancing", moments = 4"#,
            r#"kind = "entropy-balancing", moments = 0"#,
            r#"kind = "propensity-score""#,
            r#"kind = "propensity-score", scale = "plain", clip = 0.01"#,
            r#"kind = "balancing-score""#,
            r#"kind = "balancing-score", identification = "just", moments = 1"#,
        ] {
            let text = format!("method = {{ {method} }}");
            assert!(toml::from_str::<WeightingSpec>(&text).is_err(), "{method}");
        }
    }
}

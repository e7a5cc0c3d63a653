//! Requests that compute numbers from numbers, without a file.

use serde::{Deserialize, Serialize};
use utfall_core::Interval;
use utfall_effects::{
    Adjustment, EffectScale, adjust_p_values, e_value, e_value_of_interval, standardised_interval,
};

use crate::power::{ClusterQuestion, DesignQuestion, PowerQuestion};
use crate::published::PublishedQuestion;
use crate::{Answer, Numbers, RequestError, Schema};

/// Numbers from numbers: `[[e-values]]`, `[p-values]`, `[[power]]`, `[[cluster-power]]`,
/// `[[design]]`, `[[published]]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Calculation {
    /// `utfall-request/1`.
    pub schema: Schema,
    /// Effects whose E-values are wanted.
    #[serde(default)]
    pub e_values: Vec<EValue>,
    /// p-values to adjust for being several.
    pub p_values: Option<PValues>,
    /// Tests whose power, size or effect is wanted.
    #[serde(default)]
    pub power: Vec<PowerQuestion>,
    /// Cluster-randomised designs whose least detectable effect is wanted.
    #[serde(default)]
    pub cluster_power: Vec<ClusterQuestion>,
    /// Designs whose precision is wanted.
    #[serde(default)]
    pub design: Vec<DesignQuestion>,
    /// Published figures whose effect is wanted.
    #[serde(default)]
    pub published: Vec<PublishedQuestion>,
}

/// An effect whose E-value is wanted.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EValue {
    /// What the answer calls it.
    pub name: String,
    /// The scale of the effect.
    pub scale: EffectScale,
    /// The effect.
    pub estimate: f64,
    /// Its interval, as `[lower, upper]`, to have the interval's E-value too.
    pub interval: Option<[f64; 2]>,
    /// The standard error of a standardised difference, instead of `interval`.
    pub standard_error: Option<f64>,
}

/// p-values to adjust for being several.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PValues {
    /// The p-values; the answer counts them from 1.
    pub values: Vec<f64>,
    /// How to adjust them.
    pub adjustments: Vec<Adjustment>,
}

impl Calculation {
    pub(crate) fn answer(&self) -> Result<Answer, RequestError> {
        let mut numbers = Numbers::default();
        for effect in &self.e_values {
            effect.put(&mut numbers)?;
        }
        if let Some(wanted) = &self.p_values {
            for &adjustment in &wanted.adjustments {
                let adjusted = adjust_p_values(adjustment, &wanted.values)
                    .map_err(|error| RequestError::effect(&[], None, error))?;
                for (index, value) in adjusted.into_iter().enumerate() {
                    numbers.covariate(name(adjustment), &(index + 1).to_string(), value);
                }
            }
        }
        for question in &self.power {
            question.put(&mut numbers)?;
        }
        for question in &self.cluster_power {
            question.put(&mut numbers)?;
        }
        for question in &self.design {
            question.put(&mut numbers)?;
        }
        for question in &self.published {
            question.put(&mut numbers)?;
        }
        Ok(Answer {
            estimand: None,
            numbers,
        })
    }
}

impl EValue {
    fn put(&self, numbers: &mut Numbers) -> Result<(), RequestError> {
        let standardised = self.scale == EffectScale::StandardisedDifference;
        if self.standard_error.is_some() && (self.interval.is_some() || !standardised) {
            return Err(RequestError::Contradiction {
                what: format!("`standard-error` of `{}`", self.name),
                remedy: "give the interval instead; the error is for a standardised difference",
            });
        }
        let refused = |error| RequestError::effect(&[], None, error);
        let point = e_value(self.scale, self.estimate).map_err(refused)?;
        numbers.covariate("e_value", &self.name, point);
        let stated = self
            .interval
            .map(|[lower, upper]| Interval { lower, upper });
        let standardised = self.standard_error;
        let interval = stated.or(standardised.map(|se| standardised_interval(self.estimate, se)));
        if let Some(interval) = interval {
            let limit = e_value_of_interval(self.scale, interval).map_err(refused)?;
            numbers.covariate("e_value_ci", &self.name, limit);
        }
        Ok(())
    }
}

fn name(adjustment: Adjustment) -> &'static str {
    match adjustment {
        Adjustment::Bonferroni => "bonferroni",
        Adjustment::Holm => "holm",
        Adjustment::Hochberg => "hochberg",
        Adjustment::Hommel => "hommel",
        Adjustment::BenjaminiHochberg => "benjamini_hochberg",
        Adjustment::BenjaminiYekutieli => "benjamini_yekutieli",
    }
}

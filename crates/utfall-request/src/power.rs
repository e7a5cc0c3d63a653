//! `[[power]]`, `[[cluster-power]]` and `[[design]]`: what a design can find, before anything is measured.

use serde::{Deserialize, Serialize};
use utfall_effects::{ClusterDesign, Design, EffectError, PoweredTest};

use crate::{Numbers, RequestError};

/// A test of which two of size, effect and power are known and the third is wanted.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PowerQuestion {
    /// What the answer calls it.
    pub name: String,
    /// The test.
    pub test: PoweredTest,
    /// Its two-sided significance level.
    pub alpha: f64,
    /// Units in the treated arm, or pairs.
    pub size: Option<f64>,
    /// The true effect.
    pub effect: Option<f64>,
    /// The probability of finding it.
    pub power: Option<f64>,
}

/// A cluster-randomised design whose least detectable effect is wanted.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClusterQuestion {
    /// What the answer calls it.
    pub name: String,
    /// The design.
    pub design: ClusterDesign,
    /// The two-sided significance level.
    pub alpha: f64,
    /// The probability of finding the effect.
    pub power: f64,
}

/// A design whose precision is wanted, in the outcome's unit.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DesignQuestion {
    /// What the answer calls it.
    pub name: String,
    /// The design.
    pub design: Design,
    /// The two-sided significance level.
    pub alpha: f64,
    /// A true effect whose probability of being found is wanted.
    pub effect: Option<f64>,
    /// A probability; the least effect found with it is wanted.
    pub power: Option<f64>,
}

impl PowerQuestion {
    pub(crate) fn put(&self, numbers: &mut Numbers) -> Result<(), RequestError> {
        let (test, alpha) = (self.test, self.alpha);
        let (number, found) = match (self.size, self.effect, self.power) {
            (Some(size), Some(effect), None) => ("power", test.power(size, effect, alpha)),
            (None, Some(effect), Some(power)) => ("size", test.size(effect, power, alpha)),
            (Some(size), None, Some(power)) => ("effect", test.effect(size, power, alpha)),
            _ => {
                return Err(RequestError::Contradiction {
                    what: format!("size, effect and power of `{}`", self.name),
                    remedy: "give two of them; the answer is the third",
                });
            }
        };
        numbers.covariate(number, &self.name, found.map_err(refused)?);
        Ok(())
    }
}

impl ClusterQuestion {
    pub(crate) fn put(&self, numbers: &mut Numbers) -> Result<(), RequestError> {
        let least = self.design.least_effect(self.power, self.alpha);
        numbers.covariate("least_effect", &self.name, least.map_err(refused)?);
        let design_effect = self.design.design_effect();
        numbers.covariate("design_effect", &self.name, design_effect);
        Ok(())
    }
}

impl DesignQuestion {
    pub(crate) fn put(&self, numbers: &mut Numbers) -> Result<(), RequestError> {
        let precision = self.design.precision().map_err(refused)?;
        numbers.covariate("design_se", &self.name, precision.standard_error);
        if let Some(degrees) = precision.degrees_of_freedom {
            numbers.covariate("design_df", &self.name, degrees);
        }
        if let Some(effect) = self.effect {
            let power = precision.power(effect, self.alpha).map_err(refused)?;
            numbers.covariate("power", &self.name, power);
        }
        if let Some(power) = self.power {
            let least = precision.least_effect(power, self.alpha).map_err(refused)?;
            numbers.covariate("least_effect", &self.name, least);
        }
        Ok(())
    }
}

fn refused(error: EffectError) -> RequestError {
    RequestError::effect(&[], None, error)
}

//! `design.toml`: what is hoped for, how precisely it will be estimated, and the contract to pay by.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::{Design, MoneySpec, Precision};

use crate::{CalibrationDocument, DesignError, DesignSchema};

/// A design as written.
///
/// ```toml
/// schema = "utfall-design/1"
/// title = "School absence"
/// contract = "contract.toml"
/// seed = 1
/// draws = 2000            # of each true effect
/// alpha = 0.05            # two-sided
/// power = 0.8             # at which the least detectable effect is stated
///
/// [[effect]]
/// name = "absence"        # as the contract calls it
/// unit = "of school hours"
/// hoped = -0.04
/// comparator-mean = 0.11  # only where the contract reads `absence.relative`
/// estimand = "att"
/// confidence-level = 0.95
/// [effect.precision.design]
/// kind = "matched-sets"
/// n-treated = 220
/// ratio = 3.0
/// sd = 0.12
/// set-correlation = 0.2
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DesignSpec {
    /// Version of this format.
    pub schema: DesignSchema,
    /// Title for people.
    pub title: String,
    /// The outcome contract, relative to this file.
    pub contract: PathBuf,
    /// Seed of the draws.
    pub seed: u64,
    /// Draws of each true effect.
    pub draws: u32,
    /// Two-sided significance level of the power.
    pub alpha: f64,
    /// Power at which the least detectable effect is stated.
    pub power: f64,
    /// The effects the contract draws on.
    pub effect: Vec<EffectDesign>,
}

/// One effect as planned.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectDesign {
    /// The name the contract uses.
    pub name: String,
    /// Unit of the outcome, for people.
    pub unit: String,
    /// The effect that is hoped for, in that unit.
    pub hoped: f64,
    /// Mean outcome of the comparators, where the contract reads the relative effect.
    pub comparator_mean: Option<f64>,
    /// What will be estimated.
    pub estimand: Estimand,
    /// Confidence level of its interval.
    pub confidence_level: ConfidenceLevel,
    /// Treated units, where the precision does not say.
    pub n_treated: Option<u32>,
    /// Comparators, where the precision does not say.
    pub n_comparator: Option<u32>,
    /// What the effect is worth, where the contract reads savings.
    pub money: Option<MoneySpec>,
    /// How precise the estimate will be.
    pub precision: Precise,
}

/// Where the precision of an estimate is known from.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Precise {
    /// From sizes and variances.
    Design(Design),
    /// From the pipeline's own calibration: the spread of its placebo estimates.
    Calibrated,
}

impl DesignSpec {
    /// Reads a design; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`DesignError::Malformed`] with line and column, [`DesignError::Draws`],
    /// [`DesignError::Repeated`] or [`DesignError::NothingHoped`].
    pub fn from_toml(name: &str, text: &str) -> Result<Self, DesignError> {
        let spec: Self = toml::from_str(text).map_err(|error| DesignError::Malformed {
            file: name.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        if !(100..=1_000_000).contains(&spec.draws) {
            return Err(DesignError::Draws { n: spec.draws });
        }
        for (index, effect) in spec.effect.iter().enumerate() {
            let is_repeated = |earlier: &EffectDesign| earlier.name == effect.name;
            if spec.effect[..index].iter().any(is_repeated) {
                return Err(DesignError::Repeated {
                    name: effect.name.clone(),
                });
            }
            if !effect.hoped.is_finite() || effect.hoped.abs() < f64::MIN_POSITIVE {
                return Err(DesignError::NothingHoped {
                    effect: effect.name.clone(),
                    hoped: effect.hoped,
                });
            }
        }
        Ok(spec)
    }

    /// Whether any precision is to be taken from a calibration.
    #[must_use]
    pub fn needs_calibration(&self) -> bool {
        let calibrated = |effect: &EffectDesign| effect.precision == Precise::Calibrated;
        self.effect.iter().any(calibrated)
    }
}

impl EffectDesign {
    /// How precise the estimate will be.
    pub(crate) fn precise(
        &self,
        calibration: Option<&CalibrationDocument>,
    ) -> Result<Precision, DesignError> {
        match &self.precision {
            Precise::Design(design) => design.precision().map_err(|source| self.refused(source)),
            Precise::Calibrated => {
                let found = calibration.and_then(|calibration| {
                    let mut effects = calibration.effects.iter();
                    effects.find(|effect| effect.name == self.name)
                });
                let spread = found.and_then(|found| Some((found, found.spread?)));
                let (found, standard_error) = spread
                    .filter(|(_, spread)| *spread > 0.0)
                    .ok_or_else(|| DesignError::NoCalibration {
                        effect: self.name.clone(),
                    })?;
                Ok(Precision {
                    standard_error,
                    degrees_of_freedom: found.degrees_of_freedom,
                })
            }
        }
    }

    /// Treated units and comparators.
    pub(crate) fn sizes(&self) -> Result<(usize, usize), DesignError> {
        let designed = match &self.precision {
            Precise::Design(design) => design.sizes(),
            Precise::Calibrated => None,
        };
        let (treated, comparator) = designed.unzip();
        let stated = |stated: Option<u32>, designed: Option<f64>| {
            stated.map(f64::from).or(designed).map(whole)
        };
        stated(self.n_treated, treated)
            .zip(stated(self.n_comparator, comparator))
            .ok_or_else(|| DesignError::NoCounts {
                effect: self.name.clone(),
            })
    }

    pub(crate) fn refused(&self, source: utfall_effects::EffectError) -> DesignError {
        DesignError::Effect {
            effect: self.name.clone(),
            source,
        }
    }
}

/// The nearest whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of units: not negative, and far below 2^53"
)]
fn whole(value: f64) -> usize {
    value.round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const DESIGN: &str = r#"
schema = "utfall-design/1"
title = "T"
contract = "contract.toml"
seed = 1
draws = 500
alpha = 0.05
power = 0.8
[[effect]]
name = "absence"
unit = "points"
hoped = -2.0
estimand = "att"
confidence-level = 0.95
precision.design = { kind = "stated", standard-error = 1.0 }
"#;

    #[test]
    fn a_design_that_cannot_be_is_named() {
        assert!(DesignSpec::from_toml("d", DESIGN).is_ok());
        for (from, to, says) in [
            ("draws = 500", "draws = 5", "5 draws"),
            ("hoped = -2.0", "hoped = 0.0", "hoped effect of `absence`"),
            ("seed = 1", "sead = 1", "sead"),
        ] {
            let refused = DesignSpec::from_toml("d", &DESIGN.replace(from, to)).unwrap_err();
            assert!(refused.to_string().contains(says), "{refused}");
        }
    }

    #[test]
    fn counts_are_needed_where_nothing_says_them() {
        let spec = DesignSpec::from_toml("d", DESIGN).unwrap();
        assert!(matches!(
            spec.effect[0].sizes(),
            Err(DesignError::NoCounts { .. })
        ));
        let calibrated = EffectDesign {
            precision: Precise::Calibrated,
            ..spec.effect[0].clone()
        };
        let refused = calibrated.precise(None).unwrap_err();
        assert!(refused.to_string().contains("utfall calibrate"));
    }
}

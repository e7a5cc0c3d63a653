//! How units are weighted, as requests and plans write it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;

use super::{Columns, DesignError, Named, matrix};
use crate::weighting::{
    self, Calibration, CalibrationDistance, Given, WeightCap, WeightingError, WeightingMethod,
    WeightingSpec, calibrate,
};

/// How units are weighted.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Weighting {
    /// Covariates to balance, or of the propensity score: numeric columns, `column=value` for an
    /// indicator, or `column^2` for a square.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// Where the weights come from.
    pub method: WeightingMethod,
    /// The largest weight that is let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<WeightCap>,
    /// Column of sampling weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling_weight: Option<String>,
    /// Column of weights that entropy balancing starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_weight: Option<String>,
    /// Known totals that the weights of each arm are moved to at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<KnownTotals>,
}

/// Known totals of a population.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KnownTotals {
    /// The total of each covariate, by its name.
    pub totals: BTreeMap<String, f64>,
    /// Units of the population.
    pub n_units: f64,
    /// What is held small.
    pub distance: CalibrationDistance,
}

impl KnownTotals {
    /// Moves the weights of each arm to the totals; units of weight zero stay out.
    fn reach<C: Columns>(
        &self,
        columns: &C,
        weights: &mut [f64],
        treated: &[bool],
    ) -> Result<(), DesignError<C::Error>> {
        let names: Vec<String> = self.totals.keys().cloned().collect();
        let totals: Vec<f64> = self.totals.values().copied().collect();
        let covariates = matrix(columns, &names)?;
        for arm in [true, false] {
            let units: Vec<usize> = (0..treated.len())
                .filter(|&unit| treated[unit] == arm && weights[unit] > 0.0)
                .collect();
            let before: Vec<f64> = units.iter().map(|&unit| weights[unit]).collect();
            let known = Calibration {
                totals: &totals,
                n_units: self.n_units,
                distance: self.distance,
            };
            let moved = calibrate(&covariates.select_rows(&units), &before, &known);
            let moved = moved.and_then(|moved| match moved.iter().position(|w| *w <= 0.0) {
                Some(place) => Err(WeightingError::DesignWeight { unit: units[place] }),
                None => Ok(moved),
            });
            let moved = moved.map_err(|source| DesignError::Weighting {
                covariates: Named(names.clone()),
                source,
            })?;
            for (&unit, weight) in units.iter().zip(moved) {
                weights[unit] = weight;
            }
        }
        Ok(())
    }
}

impl Weighting {
    /// The weighting without the names of the columns.
    #[must_use]
    pub fn spec(&self) -> WeightingSpec {
        WeightingSpec {
            method: self.method,
            cap: self.cap,
        }
    }
}

/// Weighs units.
///
/// # Errors
///
/// [`DesignError`] with the covariates behind the numbers in its reason.
pub fn weigh<C: Columns>(
    columns: &C,
    wanted: &Weighting,
    estimand: Estimand,
    treated: &[bool],
) -> Result<weighting::Weighting, DesignError<C::Error>> {
    let covariates = matrix(columns, &wanted.covariates)?;
    let column =
        |name: &Option<String>| name.as_ref().map(|name| columns.numbers(name)).transpose();
    let sampling = column(&wanted.sampling_weight).map_err(DesignError::Column)?;
    let base = column(&wanted.base_weight).map_err(DesignError::Column)?;
    let given = Given {
        sampling: sampling.as_deref(),
        base: base.as_deref(),
    };
    let found = weighting::weigh_given(&wanted.spec(), estimand, &covariates, treated, &given);
    let mut found = found.map_err(|source| DesignError::Weighting {
        covariates: Named(wanted.covariates.clone()),
        source,
    })?;
    if let Some(known) = &wanted.calibration {
        known.reach(columns, &mut found.weights, treated)?;
    }
    Ok(found)
}

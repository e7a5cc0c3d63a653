//! How units are weighted, as requests and plans write it.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;

use super::{Columns, DesignError, matrix};
use crate::weighting::{self, WeightCap, WeightingMethod, WeightingSpec};

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
    pub cap: Option<WeightCap>,
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
    weighting::weigh(&wanted.spec(), estimand, &covariates, treated).map_err(|source| {
        DesignError::Weighting {
            covariates: wanted.covariates.clone(),
            source,
        }
    })
}

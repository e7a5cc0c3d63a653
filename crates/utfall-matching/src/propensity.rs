//! The propensity score: the probability of treatment given baseline covariates.

use utfall_stats::binary::{self, Link};
use utfall_stats::{Matrix, logistic};

use crate::MatchingError;

/// Propensity scores by regression of the arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Propensity {
    /// The probability of treatment of each unit.
    pub score: Vec<f64>,
    /// The linear predictor: with a logistic regression the score's logit.
    pub logit: Vec<f64>,
    /// The intercept, then one coefficient for each covariate, per unit of the covariate.
    pub coefficients: Vec<f64>,
    /// Minus twice the log likelihood of the fit.
    pub deviance: f64,
    /// Newton steps the fit took.
    pub n_iterations: u32,
}

/// Estimates each unit's probability of treatment from its covariates, as they are given: no
/// interaction is added, nothing is clipped or trimmed.
///
/// Units with equal covariates get bit-identical scores, so ties between them are ties, and the
/// scores have the same bits with any number of threads. A unit's score can depend on the order of
/// units in its last bits; give units in the order of their ids.
///
/// # Shapes
///
/// - `covariates`: one row for each unit, without a column of ones.
/// - `treated`: one value for each unit.
///
/// # Errors
///
/// [`MatchingError::Propensity`] with the reason: a missing value, an empty arm, a constant or
/// collinear covariate, or covariates that separate the arms, so that there is no overlap.
///
/// # Reference
///
/// Rosenbaum & Rubin (1983), *Biometrika* 70(1), <https://doi.org/10.1093/biomet/70.1.41>.
pub fn propensity(covariates: &Matrix, treated: &[bool]) -> Result<Propensity, MatchingError> {
    let fit = logistic::fit(covariates, treated)?;
    Ok(Propensity {
        score: fit.probability,
        logit: fit.linear_predictor,
        coefficients: fit.coefficients,
        deviance: fit.deviance,
        n_iterations: fit.n_iterations,
    })
}

/// [`propensity`] with another link, or with a sampling weight for each unit.
///
/// # Errors
///
/// As [`propensity`], and for a weight that is none.
pub fn propensity_with(
    covariates: &Matrix,
    treated: &[bool],
    link: Link,
    sampling_weights: Option<&[f64]>,
) -> Result<Propensity, MatchingError> {
    if link == Link::Logit && sampling_weights.is_none() {
        return propensity(covariates, treated);
    }
    let fit = binary::fit(covariates, treated, sampling_weights, link)?;
    Ok(Propensity {
        score: fit.probability,
        logit: fit.linear_predictor,
        coefficients: fit.coefficients,
        deviance: fit.deviance,
        n_iterations: fit.n_iterations,
    })
}

//! Weights that make the arms comparable: from a propensity score, or balancing by themselves.
//!
//! Every method takes slices and small matrices, one value for each unit, and returns one weight
//! for each. A weight is never clipped unless a [`WeightCap`] is written out, a unit is never
//! dropped, and a balance that no weights can reach is an error.
//!
//! | method | weights | whom it speaks of |
//! | --- | --- | --- |
//! | [`propensity_weights`] | `h(p)/p` for the treated, `h(p)/(1 - p)` for comparators | the estimand decides `h` |
//! | [`entropy_balancing`] | as even as can be with equal covariate moments | ate, att, atc |
//! | [`balancing_score`] | those of a logistic score that is fitted to balance the covariates | ate, att, atc |
//! | [`overidentified_score`] | those of a logistic score that is fitted to predict and to balance | ate, att, atc |
//! | [`calibrate`] | design weights moved as little as can be to meet known totals | the population of the totals |

mod calibration;
mod cap;
mod design;
mod entropy_balancing;
mod error;
mod inverse_probability;
mod newton;
mod overidentified;
mod score_balancing;
mod spec;

use utfall_core::Estimand;
use utfall_stats::{Matrix, logistic};

pub use calibration::{Calibration, CalibrationDistance, calibrate};
pub use cap::{QuantileRule, WeightCap};
pub use entropy_balancing::entropy_balancing;
pub use error::WeightingError;
pub use inverse_probability::propensity_weights;
pub use overidentified::{OveridentifiedScore, overidentified_score};
pub use score_balancing::balancing_score;
pub use spec::{Identification, Moments, WeightScale, WeightingMethod, WeightingSpec};

/// A weight for each unit, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighting {
    /// Whom a comparison with these weights speaks of.
    pub estimand: Estimand,
    /// The weight of each unit, above zero.
    pub weights: Vec<f64>,
    /// The probability of treatment behind the weights, of methods that have one.
    pub score: Option<Vec<f64>>,
    /// What [`overidentified_score`] made as small as can be; `None` for other methods.
    pub criterion: Option<f64>,
    /// The largest weight that was let through, where a cap was asked for.
    pub cap: Option<f64>,
    /// Weights that were lowered to the cap.
    pub n_capped: usize,
}

/// Weighs units as a specification says.
///
/// # Shapes
///
/// `covariates` has one row for each unit, without a column of ones; `treated` one value.
///
/// # Errors
///
/// Those of the method, and [`WeightingError::Estimand`] where it does not answer the question.
pub fn weigh(
    spec: &WeightingSpec,
    estimand: Estimand,
    covariates: &Matrix,
    treated: &[bool],
) -> Result<Weighting, WeightingError> {
    let mut weighting = match spec.method {
        WeightingMethod::PropensityScore { scale } => {
            let scores = logistic::fit(covariates, treated)?.probability;
            let weights = propensity_weights(&scores, treated, estimand, scale)?;
            Weighting::new(estimand, weights, Some(scores))
        }
        WeightingMethod::EntropyBalancing { moments } => {
            let weights = entropy_balancing(covariates, treated, estimand, moments)?;
            Weighting::new(estimand, weights, None)
        }
        WeightingMethod::BalancingScore { identification } => {
            let (scores, criterion) = match identification {
                Identification::Just => (balancing_score(covariates, treated, estimand)?, None),
                Identification::Over => {
                    let found = overidentified_score(covariates, treated, estimand)?;
                    (found.score, Some(found.criterion))
                }
            };
            let weights = propensity_weights(&scores, treated, estimand, WeightScale::Plain)?;
            Weighting {
                criterion,
                ..Weighting::new(estimand, weights, Some(scores))
            }
        }
    };
    if let Some(cap) = &spec.cap {
        let (value, n_capped) = cap.apply(&mut weighting.weights, treated, estimand)?;
        (weighting.cap, weighting.n_capped) = (Some(value), n_capped);
    }
    Ok(weighting)
}

impl Weighting {
    fn new(estimand: Estimand, weights: Vec<f64>, score: Option<Vec<f64>>) -> Self {
        Self {
            estimand,
            weights,
            score,
            criterion: None,
            cap: None,
            n_capped: 0,
        }
    }
}

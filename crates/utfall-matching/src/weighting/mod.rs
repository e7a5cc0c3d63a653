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
mod given;
mod inverse_probability;
mod newton;
mod overidentified;
mod score_balancing;
mod spec;
mod trim;

use inverse_probability::count_arms;
use utfall_core::Estimand;
use utfall_stats::Matrix;
use utfall_stats::binary::Link;

pub use calibration::{Calibration, CalibrationDistance, calibrate};
pub use cap::{QuantileRule, WeightCap};
pub use design::balanced_columns;
pub use entropy_balancing::{entropy_balancing, entropy_balancing_from};
pub use error::WeightingError;
pub use given::Given;
pub use inverse_probability::propensity_weights;
pub use overidentified::{OveridentifiedScore, overidentified_score};
pub use score_balancing::balancing_score;
pub use spec::{Identification, Moments, WeightScale, WeightingMethod, WeightingSpec};
pub use trim::Trim;

/// A weight for each unit, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighting {
    /// Whom a comparison with these weights speaks of.
    pub estimand: Estimand,
    /// The weight of each unit, above zero; zero for units that were trimmed. Sampling weights are
    /// part of it.
    pub weights: Vec<f64>,
    /// The probability of treatment behind the weights, of methods that have one.
    pub score: Option<Vec<f64>>,
    /// What [`overidentified_score`] made as small as can be; `None` for other methods.
    pub criterion: Option<f64>,
    /// The largest weight that was let through, where a cap was asked for.
    pub cap: Option<f64>,
    /// Weights that were lowered to the cap, or raised to its other end.
    pub n_capped: usize,
    /// Units left out for their score.
    pub n_trimmed: usize,
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
    weigh_given(spec, estimand, covariates, treated, &Given::default())
}

/// [`weigh`] for units that bring weights with them.
///
/// # Errors
///
/// As [`weigh`], and [`WeightingError::GivenWeights`] where the method has no use for a kind of them.
pub fn weigh_given(
    spec: &WeightingSpec,
    estimand: Estimand,
    covariates: &Matrix,
    treated: &[bool],
    given: &Given<'_>,
) -> Result<Weighting, WeightingError> {
    given.check(treated.len())?;
    let refuse = |what, is_given: bool| match is_given {
        true => Err(WeightingError::GivenWeights { what }),
        false => Ok(()),
    };
    let mut weighting = match spec.method {
        WeightingMethod::PropensityScore { scale, link, trim } => {
            refuse("base weights", given.base.is_some())?;
            let link = link.unwrap_or(Link::Logit);
            by_score(estimand, covariates, treated, (scale, link, trim), given)?
        }
        WeightingMethod::EntropyBalancing { moments } => {
            let weights = entropy_balancing_from(covariates, treated, estimand, moments, given)?;
            Weighting::new(estimand, weights, None)
        }
        WeightingMethod::BalancingScore { identification } => {
            refuse("base weights", given.base.is_some())?;
            refuse("sampling weights", given.sampling.is_some())?;
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

/// Weights of a propensity score, estimated again where units were trimmed.
fn by_score(
    estimand: Estimand,
    covariates: &Matrix,
    treated: &[bool],
    (scale, link, trim): (WeightScale, Link, Option<Trim>),
    given: &Given<'_>,
) -> Result<Weighting, WeightingError> {
    let fitted = |covariates: &Matrix, treated: &[bool], sampling: Option<&[f64]>| {
        crate::propensity_with(covariates, treated, link, sampling).map_err(|error| match error {
            crate::MatchingError::Propensity(error) => WeightingError::Propensity(error),
            _ => WeightingError::NotConverged { n_iterations: 0 },
        })
    };
    let mut scores = fitted(covariates, treated, given.sampling)?.score;
    let is_kept = trim.map(|trim| trim.kept(&scores));
    let kept: Vec<usize> = (0..treated.len())
        .filter(|&unit| is_kept.as_ref().is_none_or(|is_kept| is_kept[unit]))
        .collect();
    let of_kept: Vec<bool> = kept.iter().map(|&unit| treated[unit]).collect();
    if kept.len() < treated.len() {
        count_arms(kept.len(), &of_kept)?;
        let sampling: Option<Vec<f64>> = given
            .sampling
            .map(|weights| kept.iter().map(|&unit| weights[unit]).collect());
        let again = fitted(
            &covariates.select_rows(&kept),
            &of_kept,
            sampling.as_deref(),
        )?;
        for (&unit, score) in kept.iter().zip(again.score) {
            scores[unit] = score;
        }
    }
    let score: Vec<f64> = kept.iter().map(|&unit| scores[unit]).collect();
    let found = propensity_weights(&score, &of_kept, estimand, scale)?;
    let mut weights = vec![0.0; treated.len()];
    for (&unit, weight) in kept.iter().zip(found) {
        weights[unit] = weight * given.sampling(unit);
    }
    let estimand = is_kept.map_or(estimand, |is_kept| {
        Trim::estimand(estimand, treated, &is_kept)
    });
    Ok(Weighting {
        n_trimmed: treated.len() - kept.len(),
        ..Weighting::new(estimand, weights, Some(scores))
    })
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
            n_trimmed: 0,
        }
    }
}

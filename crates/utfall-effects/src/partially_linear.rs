//! What treatment adds in a model that is linear in it and of any form in covariates.
//!
//! Outcome and treatment are each predicted from covariates, by models that never saw the row; the
//! coefficient is that of what is left of treatment in a regression of what is left of the outcome
//! (double machine learning, partialling out).
//!
//! Robinson (1988), <https://doi.org/10.2307/1912705>; Chernozhukov et al. (2018),
//! <https://doi.org/10.1111/ectj.12097>.

use utfall_core::{Estimand, Estimate};

use crate::arms::check_arms;
use crate::regression::check_finite;
use crate::{EffectError, Grouping, Inference, NuisanceFit, WeightedRegression, infer};

/// Estimates an effect that is the same for everyone; where it is not, its mean over the overlap.
///
/// The estimand is [`Estimand::Overlap`]: each unit's own effect counts by `p(1 - p)`, if the score `p`
/// is right. It is the effect over everyone if effects do not vary. With `hc0` the error is that of the
/// orthogonal score, `√(Σ v²e²)/Σ v²` for what is left `v` of treatment and `e` of the regression; it
/// takes the predictions as given, which is right to first order if they are good enough.
///
/// # Shapes and units
///
/// - `treated`, `outcome`: one value per row; `covariates`: columns without a constant.
/// - `nuisance`: how outcome and score are predicted; the outcome's model is of all rows together.
/// - Outcome, point and standard error are in one unit.
///
/// # Errors
///
/// Those of [`crate::doubly_robust`], but that scores of 0 and 1 are none;
/// [`EffectError::EstimandUndefined`] for an estimand other than overlap.
///
/// # Reference
///
/// Chernozhukov et al. (2018), section 4.1, <https://doi.org/10.1111/ectj.12097>.
pub fn partially_linear(
    estimand: Estimand,
    treated: &[bool],
    covariates: &[&[f64]],
    outcome: &[f64],
    nuisance: &NuisanceFit<'_>,
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    check_finite("outcome", outcome, treated.len())?;
    let (n_treated, n_comparator) = check_arms(treated, 2)?;
    if estimand != Estimand::Overlap {
        return Err(EffectError::EstimandUndefined { estimand });
    }
    let one = vec![1.0; treated.len()];
    let columns = [&[one.as_slice()], covariates].concat();
    let (score, pooled) = nuisance.predict_pooled(&columns, treated, outcome)?;
    let arms = treated.iter().map(|&is| f64::from(u8::from(is)));
    let of_treatment: Vec<f64> = arms.zip(&score).map(|(arm, p)| arm - p).collect();
    let of_outcome: Vec<f64> = outcome.iter().zip(&pooled).map(|(y, m)| y - m).collect();
    let fit = WeightedRegression::fit(&[&of_treatment], &one, &of_outcome)?;
    let inferred = infer(&fit, &fit.coefficient(0)?, clusters, inference)?;
    Ok(inferred.estimate(
        estimand,
        inference.confidence_level,
        (n_treated, n_comparator),
    ))
}

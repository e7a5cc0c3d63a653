//! Regression adjustment in a trial with the covariates' slopes of each arm (Lin).

use utfall_core::Estimate;

use crate::{EffectError, Inference, MatchedSample, adjusted_difference};

/// Estimates an effect as the coefficient of treatment in a regression on treatment, centred
/// covariates, and their products with treatment.
///
/// Each arm has its own slopes, so under random assignment the adjustment cannot make the
/// estimate less precise in a large sample, whatever the true shape of the outcome. Covariates are
/// centred at their mean over all rows that count (weighted by the sample's weights), so with
/// equal weights the point is the average effect over them.
///
/// The standard error is the regression's; it takes the centre as known, which leaves out how it
/// would differ in another sample.
///
/// # Shapes and units
///
/// As [`adjusted_difference`].
///
/// # Errors
///
/// Those of [`adjusted_difference`]. The covariates are counted first, then the products.
///
/// # Reference
///
/// Lin (2013), <https://doi.org/10.1214/12-AOAS583>.
pub fn interacted_difference(
    sample: &MatchedSample<'_>,
    covariates: &[&[f64]],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    let n_rows = sample.treated.len();
    if sample.weight.len() != n_rows {
        return Err(EffectError::LengthMismatch {
            what: "weight",
            found: sample.weight.len(),
            expected: n_rows,
        });
    }
    let mut columns = Vec::with_capacity(2 * covariates.len());
    for covariate in covariates {
        columns.push(centred(covariate, sample)?);
    }
    for k in 0..covariates.len() {
        let product = columns[k].iter().zip(sample.treated);
        let product = product.map(|(value, &treated)| if treated { *value } else { 0.0 });
        columns.push(product.collect());
    }
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    adjusted_difference(sample, &columns, inference)
}

/// The covariate less its weighted mean; rows without weight do not count.
fn centred(covariate: &[f64], sample: &MatchedSample<'_>) -> Result<Vec<f64>, EffectError> {
    if covariate.len() != sample.weight.len() {
        return Err(EffectError::LengthMismatch {
            what: "covariate",
            found: covariate.len(),
            expected: sample.weight.len(),
        });
    }
    let kept = covariate.iter().zip(sample.weight);
    let (values, weights): (Vec<f64>, Vec<f64>) = kept.filter(|(_, weight)| **weight > 0.0).unzip();
    let centre = utfall_stats::moments::weighted_mean(&values, &weights);
    Ok(covariate.iter().map(|value| value - centre).collect())
}

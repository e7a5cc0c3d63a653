//! Weighting by a logistic propensity score, with the score's own uncertainty in the error.
//!
//! Weights that were estimated vary from sample to sample, and so does the estimate with them. The
//! influence of a row holds both its part in the weighted means and its part in the score (stacked
//! estimating equations). For the effect over everyone the error is then smaller than with weights
//! taken as given.
//!
//! Lunceford & Davidian (2004), <https://doi.org/10.1002/sim.1903>; Li, Morgan & Zaslavsky (2018),
//! <https://doi.org/10.1080/01621459.2016.1260466>.

use utfall_core::{Estimand, Estimate};
use utfall_stats::elementary::log;
use utfall_stats::moments::count;
use utfall_stats::sums::{dot, sum_of};
use utfall_stats::{Cholesky, cross_product_of};

use crate::arms::check_arms;
use crate::regression::check_finite;
use crate::{
    Contrast, EffectError, Family, Grouping, Inference, WeightedRegression, fit_generalised, infer,
};

/// Estimates an effect as the difference of mean outcomes weighted by a logistic score.
///
/// With `hc0` the error is that of stacked estimating equations without a factor. It is right if the
/// score is, and known to be too small where few rows carry most of the weight: look at overlap.
///
/// # Shapes and units
///
/// - `treated`, `outcome`: one value per row; `columns`: of the score, with a constant.
/// - `estimand`: ate, att, atc, overlap, evenly-matchable or entropy-overlap; it decides the weights.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::TooFewInArm`].
/// - Those of [`fit_generalised`] for the score, and of [`infer`].
/// - [`EffectError::EstimandUndefined`] for any other estimand.
///
/// # Reference
///
/// Lunceford & Davidian (2004), section 2.3; Stefanski & Boos (2002),
/// <https://doi.org/10.1198/000313002753631330>.
pub fn score_weighted_difference(
    estimand: Estimand,
    treated: &[bool],
    columns: &[&[f64]],
    outcome: &[f64],
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    check_finite("outcome", outcome, treated.len())?;
    let (n_treated, n_comparator) = check_arms(treated, 2)?;
    let indicator: Vec<f64> = treated.iter().map(|&is| f64::from(u8::from(is))).collect();
    let fit = fit_generalised(Family::Logit, columns, None, &indicator)?;
    let score = fit.mean();
    let weights = treated
        .iter()
        .zip(score)
        .map(|(&is, &p)| weight(estimand, is, p));
    let weights: Vec<(f64, f64)> = weights.collect::<Result<_, _>>()?;
    let n_rows = treated.len();
    let arm_mean = |arm: bool| {
        let own = |row: usize| {
            if treated[row] == arm {
                weights[row].0
            } else {
                0.0
            }
        };
        let total = sum_of(n_rows, own);
        (sum_of(n_rows, |row| own(row) * outcome[row]) / total, total)
    };
    let ((with, total_with), (without, total_without)) = (arm_mean(true), arm_mean(false));
    // What a row's outcome less its arm's mean adds per unit of weight.
    let pull = |row: usize| {
        if treated[row] {
            (outcome[row] - with) / total_with
        } else {
            (without - outcome[row]) / total_without
        }
    };
    let moved: Vec<f64> = (0..n_rows).map(|row| weights[row].1 * pull(row)).collect();
    let curvature: Vec<f64> = score.iter().map(|p| p * (1.0 - p)).collect();
    let information = cross_product_of(columns, Some(&curvature));
    let factor = Cholesky::factor(&information, 1e-14).map_err(|_| EffectError::RankDeficient {
        column: columns.len() - 1,
    })?;
    let slopes: Vec<f64> = columns.iter().map(|column| dot(column, &moved)).collect();
    let through = factor.solve(&slopes);
    let influence: Vec<f64> = (0..n_rows)
        .map(|row| {
            let terms = columns.iter().zip(&through);
            let along: f64 = terms.map(|(column, b)| column[row] * b).sum();
            weights[row].0 * pull(row) + along * (indicator[row] - score[row])
        })
        .collect();
    let inferred = infer_influences(with - without, &influence, clusters, inference)?;
    Ok(inferred.estimate(
        estimand,
        inference.confidence_level,
        (n_treated, n_comparator),
    ))
}

/// Infers a number from the influences of rows alone: their mean is a regression on a constant.
pub(crate) fn infer_influences(
    point: f64,
    influence: &[f64],
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<crate::Inferred, EffectError> {
    let n_rows = count(influence.len());
    let one = vec![1.0; influence.len()];
    let scaled: Vec<f64> = influence.iter().map(|value| n_rows * value).collect();
    let fit = WeightedRegression::fit(&[&one], &one, &scaled)?;
    let contrast = Contrast {
        point,
        ..fit.coefficient(0)?
    };
    infer(&fit, &contrast, clusters, inference)
}

/// A row's weight, and its slope in the score's logit.
fn weight(estimand: Estimand, treated: bool, p: f64) -> Result<(f64, f64), EffectError> {
    let q = 1.0 - p;
    // The target's weight at a score, and its slope in the score.
    let (target, slope) = match estimand {
        Estimand::Ate => (1.0, 0.0),
        Estimand::Att => (p, 1.0),
        Estimand::Atc => (q, -1.0),
        Estimand::Overlap => (p * q, q - p),
        Estimand::EvenlyMatchable if p <= q => (p, 1.0),
        Estimand::EvenlyMatchable => (q, -1.0),
        Estimand::EntropyOverlap => (-p * log(p) - q * log(q), log(q) - log(p)),
        _ => return Err(EffectError::EstimandUndefined { estimand }),
    };
    Ok(if treated {
        (target / p, q * (slope - target / p))
    } else {
        (target / q, p * (slope + target / q))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_of_weights_are_those_of_small_steps() {
        let logit = |p: f64| log(p / (1.0 - p));
        for estimand in [
            Estimand::Ate,
            Estimand::Att,
            Estimand::Atc,
            Estimand::Overlap,
            Estimand::EvenlyMatchable,
            Estimand::EntropyOverlap,
        ] {
            for treated in [true, false] {
                for p in [0.2, 0.7] {
                    let (_, slope) = weight(estimand, treated, p).unwrap();
                    let (low, high) = (p - 1e-6, p + 1e-6);
                    let (below, _) = weight(estimand, treated, low).unwrap();
                    let (above, _) = weight(estimand, treated, high).unwrap();
                    let step = (above - below) / (logit(high) - logit(low));
                    assert!((slope - step).abs() < 1e-6, "{estimand} {treated} {p}");
                }
            }
        }
        assert!(weight(Estimand::MatchedUnits, true, 0.5).is_err());
    }
}

//! Weighting by a logistic propensity score, with the score's own uncertainty in the error.
//!
//! Weights that were estimated vary from sample to sample, and so does the estimate with them. The
//! influence of a row holds both its part in the weighted means and its part in the score (stacked
//! estimating equations). For the effect over everyone the error is then smaller than with weights
//! taken as given.
//!
//! Lunceford & Davidian (2004), <https://doi.org/10.1002/sim.1903>; Li, Morgan & Zaslavsky (2018),
//! <https://doi.org/10.1080/01621459.2016.1260466>; Imai & Ratkovic (2014) for a score that is fitted to
//! balance, <https://doi.org/10.1111/rssb.12027>.

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

/// How a logistic score was fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScoreFit<'a> {
    /// By maximum likelihood, here.
    Likelihood,
    /// To balance the columns exactly, `Σ ± weight · x = 0` with plus for the treated: the score of
    /// each row, as the just-identified covariate-balancing propensity score finds it.
    Balance(&'a [f64]),
}

/// Estimates an effect as the difference of mean outcomes weighted by a logistic score.
///
/// With `hc0` the error is that of stacked estimating equations without a factor. It is right if the
/// score is, and known to be too small where few rows carry most of the weight: look at overlap.
///
/// # Shapes and units
///
/// - `treated`, `outcome`: one value per row; `columns`: of the score, with a constant.
/// - `score`: how it was fitted; one that balances has one probability per row.
/// - `estimand`: ate, att, atc, overlap, evenly-matchable or entropy-overlap; it decides the weights.
///   A score that balances answers for ate, att and atc.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::TooFewInArm`].
/// - [`EffectError::OutsideRange`] for a given score that is not between zero and one.
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
    score: ScoreFit<'_>,
    outcome: &[f64],
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    check_finite("outcome", outcome, treated.len())?;
    let (n_treated, n_comparator) = check_arms(treated, 2)?;
    let Equations {
        weights,
        moment,
        curvature,
    } = match score {
        ScoreFit::Likelihood => Equations::of_likelihood(estimand, treated, columns)?,
        ScoreFit::Balance(score) => Equations::of_balance(estimand, treated, columns, score)?,
    };
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
            weights[row].0 * pull(row) + along * moment[row]
        })
        .collect();
    let inferred = infer_influences(with - without, &influence, clusters, inference)?;
    Ok(inferred.estimate(
        estimand,
        inference.confidence_level,
        (n_treated, n_comparator),
    ))
}

/// What a score solves: `Σ moment · x = 0`, with `Σ curvature · x x'` its negative slope.
struct Equations {
    /// The weight of each row, and its slope in the score's logit.
    weights: Vec<(f64, f64)>,
    moment: Vec<f64>,
    curvature: Vec<f64>,
}

impl Equations {
    fn of_likelihood(
        estimand: Estimand,
        treated: &[bool],
        columns: &[&[f64]],
    ) -> Result<Self, EffectError> {
        let indicator: Vec<f64> = treated.iter().map(|&is| f64::from(u8::from(is))).collect();
        let fit = fit_generalised(Family::Logit, columns, None, &indicator)?;
        let score = fit.mean();
        Ok(Self {
            weights: weights(estimand, treated, score)?,
            moment: indicator.iter().zip(score).map(|(t, p)| t - p).collect(),
            curvature: score.iter().map(|p| p * (1.0 - p)).collect(),
        })
    }

    fn of_balance(
        estimand: Estimand,
        treated: &[bool],
        columns: &[&[f64]],
        score: &[f64],
    ) -> Result<Self, EffectError> {
        if !matches!(estimand, Estimand::Ate | Estimand::Att | Estimand::Atc) {
            return Err(EffectError::EstimandUndefined { estimand });
        }
        check_finite("score", score, treated.len())?;
        for column in columns {
            check_finite("covariate", column, treated.len())?;
        }
        if let Some(&p) = score.iter().find(|&&p| p <= 0.0 || p >= 1.0) {
            return Err(EffectError::OutsideRange {
                what: "score",
                value: p,
            });
        }
        let weights = weights(estimand, treated, score)?;
        let signed = |value: f64, is: bool| if is { value } else { -value };
        let rows = || weights.iter().zip(treated);
        Ok(Self {
            moment: rows().map(|(w, &is)| signed(w.0, is)).collect(),
            curvature: rows().map(|(w, &is)| -signed(w.1, is)).collect(),
            weights,
        })
    }
}

fn weights(
    estimand: Estimand,
    treated: &[bool],
    score: &[f64],
) -> Result<Vec<(f64, f64)>, EffectError> {
    let rows = treated.iter().zip(score);
    rows.map(|(&is, &p)| weight(estimand, is, p)).collect()
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

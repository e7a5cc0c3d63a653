//! Augmented inverse-probability weighting: right if either of two models is.
//!
//! A linear regression in each arm predicts outcomes; weighting by a logistic propensity score
//! corrects the predictions where they miss. What each row adds to the estimate is known in closed
//! form, so the estimate is a regression of these parts and has every robust standard error.
//!
//! Robins, Rotnitzky & Zhao (1994), <https://doi.org/10.2307/2290910>.

use utfall_core::{Estimand, Estimate};
use utfall_stats::moments::{count, mean};
use utfall_stats::sums::{sum, sum_of};

use crate::arms::check_arms;
use crate::regression::check_finite;
use crate::{EffectError, Family, Grouping, Inference, WeightedRegression, fit_generalised, infer};

/// A doubly robust estimate and the two estimates it is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DoublyRobust {
    /// The estimate.
    pub estimate: Estimate,
    /// The outcome models alone: the mean of predicted differences.
    pub g_computation: f64,
    /// The propensity score alone, with weights as they are (Horvitz & Thompson).
    pub inverse_probability: f64,
    /// Mean outcomes under treatment and without it, for everyone; for [`Estimand::Ate`].
    pub means: Option<(f64, f64)>,
}

/// Estimates an effect by augmented inverse-probability weighting.
///
/// It is consistent if the propensity score or the outcome models are right. With `hc0` the
/// standard error is `√(mean(φ²)/n)` of the influence function `φ`, with `hc1` its divisor is
/// `n - 1`. It is right if both models are and leaves out nothing else then; if one is wrong it
/// can be too small or too large. Nothing is trimmed: look at overlap first.
///
/// # Shapes and units
///
/// - `treated`, `outcome`: one value per row; `covariates`: columns of both models, one value per
///   row, without a constant.
/// - `clusters`: for the `cr` kinds.
/// - Outcome, point and standard error are in one unit.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
/// - [`EffectError::TooFewInArm`] if an arm has fewer rows than two.
/// - Those of [`fit_generalised`] and of [`WeightedRegression::fit`] for the two models; columns
///   are counted from the constant, which is column 0.
/// - [`EffectError::EstimandUndefined`] for any other estimand.
/// - Those of [`infer`].
///
/// # Reference
///
/// Robins, Rotnitzky & Zhao (1994), <https://doi.org/10.2307/2290910>; Moodie, Saarela & Stephens
/// (2018) on the effect over the treated, <https://doi.org/10.1002/sta4.205>.
pub fn doubly_robust(
    estimand: Estimand,
    treated: &[bool],
    covariates: &[&[f64]],
    outcome: &[f64],
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<DoublyRobust, EffectError> {
    let n_rows = treated.len();
    check_finite("outcome", outcome, n_rows)?;
    let (n_treated, n_comparator) = check_arms(treated, 2)?;
    let one = vec![1.0; n_rows];
    let columns = [&[one.as_slice()], covariates].concat();
    let indicator: Vec<f64> = treated.iter().map(|&is| f64::from(u8::from(is))).collect();
    let score = fit_generalised(Family::Logit, &columns, None, &indicator)?;
    let rows = Rows {
        treated,
        outcome,
        score: score.mean(),
        with: predicted(&columns, treated, true, outcome)?,
        without: predicted(&columns, treated, false, outcome)?,
    };
    let (part, share, alone) = rows.parts(estimand)?;
    let size = mean(&share);
    let level = vec![size; n_rows];
    let fit = WeightedRegression::fit(&[&level], &one, &part)?;
    let point = fit.coefficients()[0];
    let residual = part
        .iter()
        .zip(&share)
        .map(|(part, share)| part - share * point);
    let fit = fit.with_residual(residual.collect());
    let inferred = infer(&fit, &fit.coefficient(0)?, clusters, inference)?;
    let estimate = Estimate {
        estimand,
        point: inferred.point,
        standard_error: inferred.standard_error,
        degrees_of_freedom: inferred.degrees_of_freedom,
        confidence_level: inference.confidence_level,
        interval: inferred.interval,
        p_value: inferred.p_value,
        n_treated,
        n_comparator,
        n_clusters: inferred.n_clusters,
    };
    let total = sum(&share);
    Ok(DoublyRobust {
        estimate,
        g_computation: sum_of(n_rows, |row| {
            share[row] * (rows.with[row] - rows.without[row])
        }) / total,
        inverse_probability: sum(&alone) / total,
        means: (estimand == Estimand::Ate).then(|| rows.means()),
    })
}

/// Predictions for all rows from the regression in one arm.
fn predicted(
    columns: &[&[f64]],
    treated: &[bool],
    arm: bool,
    outcome: &[f64],
) -> Result<Vec<f64>, EffectError> {
    let rows: Vec<usize> = (0..treated.len())
        .filter(|&row| treated[row] == arm)
        .collect();
    let take = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
    let of_arm: Vec<Vec<f64>> = columns.iter().map(|column| take(column)).collect();
    let of_arm: Vec<&[f64]> = of_arm.iter().map(Vec::as_slice).collect();
    let one = vec![1.0; rows.len()];
    let fit = WeightedRegression::fit(&of_arm, &one, &take(outcome))?;
    let coefficients = fit.coefficients();
    let predict = |row: usize| {
        let terms = columns.iter().zip(&coefficients);
        terms
            .map(|(column, coefficient)| column[row] * coefficient)
            .sum()
    };
    Ok((0..treated.len()).map(predict).collect())
}

struct Rows<'a> {
    treated: &'a [bool],
    outcome: &'a [f64],
    score: &'a [f64],
    with: Vec<f64>,
    without: Vec<f64>,
}

/// What each row adds to the estimate, what it adds to the number averaged over, and what it adds
/// by weighting alone.
type Parts = (Vec<f64>, Vec<f64>, Vec<f64>);

impl Rows<'_> {
    fn parts(&self, estimand: Estimand) -> Result<Parts, EffectError> {
        let each = |part: &dyn Fn(usize) -> (f64, f64, f64)| {
            let mut all: Parts = (Vec::new(), Vec::new(), Vec::new());
            for row in 0..self.treated.len() {
                let (whole, share, alone) = part(row);
                all.0.push(whole);
                all.1.push(share);
                all.2.push(alone);
            }
            all
        };
        let (outcome, with, without) = (self.outcome, &self.with, &self.without);
        Ok(match estimand {
            Estimand::Ate => each(&|row| {
                let weight = self.weight(row, 1.0, 1.0);
                let own = if self.treated[row] {
                    with[row]
                } else {
                    without[row]
                };
                let whole = with[row] - without[row] + weight * (outcome[row] - own);
                (whole, 1.0, weight * outcome[row])
            }),
            Estimand::Att => each(&|row| {
                let weight = self.weight(row, self.score[row], self.score[row]);
                let share = f64::from(u8::from(self.treated[row]));
                (
                    weight * (outcome[row] - without[row]),
                    share,
                    weight * outcome[row],
                )
            }),
            Estimand::Atc => each(&|row| {
                let other = 1.0 - self.score[row];
                let weight = self.weight(row, other, other);
                let share = f64::from(u8::from(!self.treated[row]));
                (
                    weight * (outcome[row] - with[row]),
                    share,
                    weight * outcome[row],
                )
            }),
            _ => return Err(EffectError::EstimandUndefined { estimand }),
        })
    }

    /// The weight over the probability of the row's own arm, below zero for a comparator.
    fn weight(&self, row: usize, treated: f64, comparator: f64) -> f64 {
        if self.treated[row] {
            treated / self.score[row]
        } else {
            -comparator / (1.0 - self.score[row])
        }
    }

    fn means(&self) -> (f64, f64) {
        let n_rows = self.treated.len();
        let arm = |arm: bool, predicted: &[f64]| {
            sum_of(n_rows, |row| {
                let weight = self.weight(row, 1.0, 1.0).abs();
                let missed = weight * (self.outcome[row] - predicted[row]);
                predicted[row]
                    + if self.treated[row] == arm {
                        missed
                    } else {
                        0.0
                    }
            }) / count(n_rows)
        };
        (arm(true, &self.with), arm(false, &self.without))
    }
}

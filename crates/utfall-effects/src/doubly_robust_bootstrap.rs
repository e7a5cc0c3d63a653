//! The doubly robust estimate of many bootstrap samples, by how often each row was drawn.
//!
//! A sample is a weight for each row, so nothing is copied: the score takes a few Newton steps from
//! that of everyone, the outcome models one cross product each.
//!
//! Efron (1979), <https://doi.org/10.1214/aos/1176344552>.

use rayon::prelude::*;
use utfall_core::Estimand;
use utfall_stats::draws::Stream;
use utfall_stats::logistic::probability;
use utfall_stats::moments::mean_and_variance;
use utfall_stats::sums::{dot, sum_of};
use utfall_stats::{Cholesky, cross_product_of};

use crate::arms::check_arms;
use crate::regression::check_finite;
use crate::{Draws, EffectError, Grouping};

/// Newton steps before a sample counts as one without a score.
const MOST_STEPS: u32 = 30;
/// Largest change of a coefficient, times its column's size, in the last step.
const TOLERANCE: f64 = 1e-9;

/// The doubly robust estimates of bootstrap samples.
#[derive(Debug, Clone, PartialEq)]
pub struct ResampledEstimates {
    /// The estimate of everyone.
    pub point: f64,
    /// The estimate of each sample.
    pub replicates: Vec<f64>,
}

impl ResampledEstimates {
    /// Their standard deviation.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        mean_and_variance(&self.replicates).1.sqrt()
    }
}

/// Estimates an effect by augmented inverse-probability weighting in many bootstrap samples.
///
/// The point is that of [`crate::doubly_robust`] with linear outcome models, all rows and no
/// clipping; both models are fitted again in each sample.
///
/// # Shapes
///
/// As [`crate::doubly_robust`]; `clusters` are drawn whole.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::TooFewInArm`] for
///   malformed slices, [`EffectError::TooFewClusters`] for one cluster.
/// - [`EffectError::NotConverged`] or [`EffectError::RankDeficient`] if everyone has no estimate, and
///   [`EffectError::ReplicateUndefined`] if some sample has none.
/// - [`EffectError::EstimandUndefined`] for an estimand other than ate, att and atc.
///
/// # Reference
///
/// Efron & Tibshirani (1993), *An Introduction to the Bootstrap*.
pub fn doubly_robust_bootstrap(
    estimand: Estimand,
    treated: &[bool],
    covariates: &[&[f64]],
    outcome: &[f64],
    clusters: Option<&Grouping>,
    draws: Draws,
) -> Result<ResampledEstimates, EffectError> {
    check_finite("outcome", outcome, treated.len())?;
    for column in covariates {
        check_finite("covariate", column, treated.len())?;
    }
    check_arms(treated, 2)?;
    if !matches!(estimand, Estimand::Ate | Estimand::Att | Estimand::Atc) {
        return Err(EffectError::EstimandUndefined { estimand });
    }
    let parts = parts(clusters, treated.len())?;
    let sample = Sample::of(estimand, treated, covariates, outcome);
    let everyone = vec![1.0; treated.len()];
    let start = vec![0.0; sample.columns.len()];
    let (point, score) = sample.estimate(&everyone, &start)?;
    let n_replicates = draws.replicates.get();
    let replicate = |number: u32| {
        let mut stream = Stream::new(draws.seed, "doubly robust bootstrap", number.into());
        let mut weight = vec![0.0; treated.len()];
        let n_parts = parts.as_ref().map_or(treated.len(), Vec::len);
        for _ in 0..n_parts {
            let drawn = stream.index(n_parts);
            match &parts {
                Some(parts) => parts[drawn].iter().for_each(|&row| weight[row] += 1.0),
                None => weight[drawn] += 1.0,
            }
        }
        sample
            .estimate(&weight, &score)
            .ok()
            .map(|(point, _)| point)
    };
    let all: Vec<Option<f64>> = (0..n_replicates).into_par_iter().map(replicate).collect();
    let without: Vec<usize> = (0..all.len()).filter(|&r| all[r].is_none()).collect();
    match without.first() {
        Some(&replicate) => Err(EffectError::ReplicateUndefined {
            replicate,
            n_without: without.len(),
            n_replicates: all.len(),
        }),
        None => Ok(ResampledEstimates {
            point,
            replicates: all.into_iter().flatten().collect(),
        }),
    }
}

/// The rows of each cluster, if clusters are drawn.
fn parts(
    clusters: Option<&Grouping>,
    n_rows: usize,
) -> Result<Option<Vec<Vec<usize>>>, EffectError> {
    match clusters {
        None => Ok(None),
        Some(way) if way.len() != n_rows => Err(EffectError::LengthMismatch {
            what: "cluster",
            found: way.len(),
            expected: n_rows,
        }),
        Some(way) if way.n_groups() < 2 => Err(EffectError::TooFewClusters {
            n_clusters: way.n_groups(),
        }),
        Some(way) => Ok(Some(way.members())),
    }
}

/// Columns centred and scaled, so that cross products tell them apart; a constant comes first.
struct Sample<'a> {
    estimand: Estimand,
    treated: &'a [bool],
    indicator: Vec<f64>,
    outcome: &'a [f64],
    columns: Vec<Vec<f64>>,
}

impl<'a> Sample<'a> {
    fn of(
        estimand: Estimand,
        treated: &'a [bool],
        covariates: &[&[f64]],
        outcome: &'a [f64],
    ) -> Self {
        let scaled = |column: &&[f64]| -> Vec<f64> {
            let (centre, variance) = mean_and_variance(column);
            let root = if variance > 0.0 { variance.sqrt() } else { 1.0 };
            column.iter().map(|value| (value - centre) / root).collect()
        };
        let constant = std::iter::once(vec![1.0; treated.len()]);
        Self {
            estimand,
            treated,
            indicator: treated.iter().map(|&is| f64::from(u8::from(is))).collect(),
            outcome,
            columns: constant.chain(covariates.iter().map(scaled)).collect(),
        }
    }

    /// The estimate of a sample, and the coefficients of its score.
    fn estimate(&self, weight: &[f64], start: &[f64]) -> Result<(f64, Vec<f64>), EffectError> {
        let (coefficients, score) = self.score(weight, start)?;
        let n_rows = weight.len();
        let needs = |arm: bool| match self.estimand {
            Estimand::Att => !arm,
            Estimand::Atc => arm,
            _ => true,
        };
        let predictions = |arm: bool| {
            if needs(arm) {
                self.predicted(weight, arm)
            } else {
                Ok(Vec::new())
            }
        };
        let (with, without) = (predictions(true)?, predictions(false)?);
        let at = |values: &[f64], row: usize| values.get(row).copied().unwrap_or(0.0);
        let part = |row: usize| {
            let (p, y, is) = (score[row], self.outcome[row], self.treated[row]);
            let (m1, m0) = (at(&with, row), at(&without, row));
            match (self.estimand, is) {
                (Estimand::Att, true) => y - m0,
                (Estimand::Att, false) => -p / (1.0 - p) * (y - m0),
                (Estimand::Atc, true) => (1.0 - p) / p * (y - m1),
                (Estimand::Atc, false) => m1 - y,
                (_, true) => m1 - m0 + (y - m1) / p,
                (_, false) => m1 - m0 - (y - m0) / (1.0 - p),
            }
        };
        let share = |row: usize| match self.estimand {
            Estimand::Att => self.indicator[row],
            Estimand::Atc => 1.0 - self.indicator[row],
            _ => 1.0,
        };
        let total = sum_of(n_rows, |row| weight[row] * share(row));
        let point = sum_of(n_rows, |row| weight[row] * part(row)) / total;
        if point.is_finite() {
            Ok((point, coefficients))
        } else {
            Err(EffectError::NoVariation)
        }
    }

    /// The logistic score by Newton's method.
    fn score(&self, weight: &[f64], start: &[f64]) -> Result<(Vec<f64>, Vec<f64>), EffectError> {
        let n_rows = weight.len();
        let columns: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let mut coefficients = start.to_vec();
        for _step in 0..MOST_STEPS {
            let score: Vec<f64> = self
                .along(&coefficients)
                .into_iter()
                .map(probability)
                .collect();
            let curvature: Vec<f64> = (0..n_rows)
                .map(|row| weight[row] * score[row] * (1.0 - score[row]))
                .collect();
            let left: Vec<f64> = (0..n_rows)
                .map(|row| weight[row] * (self.indicator[row] - score[row]))
                .collect();
            let gradient: Vec<f64> = columns.iter().map(|column| dot(column, &left)).collect();
            let factor = Cholesky::factor(&cross_product_of(&columns, Some(&curvature)), 1e-12)
                .map_err(|_| EffectError::RankDeficient { column: 0 })?;
            let step = factor.solve(&gradient);
            coefficients
                .iter_mut()
                .zip(&step)
                .for_each(|(b, step)| *b += step);
            let largest = step.iter().fold(0.0_f64, |most, step| most.max(step.abs()));
            if largest <= TOLERANCE {
                let score = self
                    .along(&coefficients)
                    .into_iter()
                    .map(probability)
                    .collect();
                return Ok((coefficients, score));
            }
        }
        Err(EffectError::NotConverged {
            n_iterations: MOST_STEPS,
        })
    }

    /// Predictions for everyone from least squares in an arm.
    fn predicted(&self, weight: &[f64], arm: bool) -> Result<Vec<f64>, EffectError> {
        let own: Vec<f64> = (0..weight.len())
            .map(|row| {
                if self.treated[row] == arm {
                    weight[row]
                } else {
                    0.0
                }
            })
            .collect();
        let columns: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let weighted: Vec<f64> = own.iter().zip(self.outcome).map(|(w, y)| w * y).collect();
        let right: Vec<f64> = columns
            .iter()
            .map(|column| dot(column, &weighted))
            .collect();
        let factor = Cholesky::factor(&cross_product_of(&columns, Some(&own)), 1e-12)
            .map_err(|_| EffectError::RankDeficient { column: 0 })?;
        Ok(self.along(&factor.solve(&right)))
    }

    fn along(&self, coefficients: &[f64]) -> Vec<f64> {
        crate::orthogonal::combined(&self.columns, coefficients, self.treated.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DegreesOfFreedom, Inference, NuisanceFit, StandardError, doubly_robust};
    use std::num::NonZeroU32;
    use utfall_core::ConfidenceLevel;

    #[test]
    fn the_point_is_that_of_the_estimator_and_the_spread_that_of_its_influence() {
        let mut stream = Stream::new(8, "cohort", 0);
        let n = 1500;
        let x: Vec<f64> = (0..n).map(|_| 3.0 + stream.normal()).collect();
        let treated: Vec<bool> = x
            .iter()
            .map(|x| stream.bernoulli(probability(0.5 * (x - 3.0))))
            .collect();
        let outcome: Vec<f64> = (0..n)
            .map(|i| 100.0 * x[i] + if treated[i] { 40.0 } else { 0.0 } + 50.0 * stream.normal())
            .collect();
        let inference = Inference {
            standard_error: StandardError::Hc0,
            degrees_of_freedom: DegreesOfFreedom::Normal,
            confidence_level: ConfidenceLevel::try_from(0.95).unwrap(),
        };
        let draws = Draws {
            seed: 2,
            replicates: NonZeroU32::new(600).unwrap(),
        };
        for estimand in [Estimand::Ate, Estimand::Att, Estimand::Atc] {
            let plain = doubly_robust(
                estimand,
                &treated,
                &[&x],
                &outcome,
                &NuisanceFit::default(),
                &[],
                &inference,
            )
            .unwrap()
            .estimate;
            let drawn =
                doubly_robust_bootstrap(estimand, &treated, &[&x], &outcome, None, draws).unwrap();
            assert!((drawn.point / plain.point - 1.0).abs() < 1e-9, "{estimand}");
            let ratio = drawn.standard_error() / plain.standard_error;
            assert!((ratio - 1.0).abs() < 0.12, "{estimand}: {ratio}");
        }
    }
}

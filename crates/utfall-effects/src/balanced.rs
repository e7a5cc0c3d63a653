//! Weighting by entropy balancing, with the uncertainty of the weights in the error.
//!
//! The weights are found from the sample and vary with it. Stacked estimating equations carry that
//! over: to first order a row's outcome counts less what a weighted regression on the balanced columns
//! says of it, and where the target is a sample too, its rows add what the regression says of them.
//!
//! Zhao & Percival (2017), <https://doi.org/10.1515/jci-2016-0010>; Stefanski & Boos (2002),
//! <https://doi.org/10.1198/000313002753631330>.

use utfall_core::{Estimand, Estimate};
use utfall_stats::moments::count;
use utfall_stats::sums::{dot, sum_of};
use utfall_stats::{Cholesky, cross_product_of};

use crate::arms::check_arms;
use crate::regression::check_finite;
use crate::score_weighted::infer_influences;
use crate::{EffectError, Grouping, Inference};

/// Smallest `1 - R²` of a column on the ones before it.
const COLLINEARITY_TOLERANCE: f64 = 1e-12;
/// Largest distance of an arm's weighted means from the target, in standard deviations.
const BALANCE_TOLERANCE: f64 = 1e-6;

/// Rows weighted to balance.
#[derive(Debug, Clone, Copy)]
pub struct Balanced<'a> {
    /// What is balanced: covariates and their powers, without a column of ones.
    pub columns: &'a [&'a [f64]],
    /// The weight of each row, as entropy balancing finds it; an arm's own scale changes nothing.
    pub weight: &'a [f64],
    /// Whether the means that were aimed at vary from sample to sample.
    pub target: TargetMeans,
}

/// Whether the means that weights aim at vary from sample to sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetMeans {
    /// They do: the effect is on the population that the target's rows were drawn from.
    Sampled,
    /// They are taken as known, as in `WeightIt`'s `lm_weightit`: the effect is on a population with
    /// exactly these means.
    Fixed,
}

/// Estimates an effect as the difference of mean outcomes under weights of entropy balancing.
///
/// With `hc0` the error is that of stacked estimating equations without a factor. The target is the
/// treated for the att, comparators for the atc, all rows for the ate.
///
/// # Shapes and units
///
/// - `treated`, `outcome`, `weight` and each column: one value per row; weights above zero.
/// - Point and standard error are in the outcome's unit.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::TooFewInArm`],
///   [`EffectError::WeightNotPositive`].
/// - [`EffectError::RankDeficient`] at a column that is a combination of those before it in an arm.
/// - [`EffectError::OutsideRange`] if an arm's weighted means are not those of the target: these are
///   not weights of this balancing.
/// - [`EffectError::EstimandUndefined`] for any other estimand, and those of [`crate::infer`].
///
/// # Reference
///
/// Zhao & Percival (2017), section 3.
pub fn balanced_difference(
    estimand: Estimand,
    treated: &[bool],
    balanced: &Balanced<'_>,
    outcome: &[f64],
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    let n_rows = treated.len();
    check_finite("outcome", outcome, n_rows)?;
    check_finite("weight", balanced.weight, n_rows)?;
    for column in balanced.columns {
        check_finite("covariate", column, n_rows)?;
    }
    let (n_treated, n_comparator) = check_arms(treated, 2)?;
    if let Some(row) = balanced.weight.iter().position(|&weight| weight <= 0.0) {
        let value = balanced.weight[row];
        return Err(EffectError::WeightNotPositive { row, value });
    }
    let in_target = |row: usize| match estimand {
        Estimand::Att => Ok(treated[row]),
        Estimand::Atc => Ok(!treated[row]),
        Estimand::Ate => Ok(true),
        _ => Err(EffectError::EstimandUndefined { estimand }),
    };
    let target: Vec<bool> = (0..n_rows).map(in_target).collect::<Result<_, _>>()?;
    let centred = centred_on(&target, balanced.columns);
    let arm = |is_treated: bool| {
        let of_arm = |row: usize| {
            if treated[row] == is_treated {
                balanced.weight[row]
            } else {
                0.0
            }
        };
        let weight: Vec<f64> = (0..n_rows).map(of_arm).collect();
        check_balance(&weight, &centred)?;
        // An arm that is the target has weights of one, which nothing was estimated for.
        let is_target = matches!(
            (estimand, is_treated),
            (Estimand::Att, true) | (Estimand::Atc, false)
        );
        let behind: &[Vec<f64>] = if is_target { &[] } else { &centred };
        mean_under(&weight, &target, behind, outcome, balanced.target)
    };
    let ((with, of_treated), (without, of_comparator)) = (arm(true)?, arm(false)?);
    let influence: Vec<f64> = of_treated
        .iter()
        .zip(&of_comparator)
        .map(|(of_treated, of_comparator)| of_treated - of_comparator)
        .collect();
    let inferred = infer_influences(with - without, &influence, clusters, inference)?;
    Ok(Estimate {
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
    })
}

/// Columns less their mean over the target, in standard deviations of all rows about it.
fn centred_on(target: &[bool], columns: &[&[f64]]) -> Vec<Vec<f64>> {
    let n_target = count(target.iter().filter(|&&is| is).count());
    let centre = |column: &&[f64]| {
        let total = sum_of(
            column.len(),
            |row| {
                if target[row] { column[row] } else { 0.0 }
            },
        );
        let mean = total / n_target;
        let square = |row: usize| (column[row] - mean) * (column[row] - mean);
        let spread = (sum_of(column.len(), square) / count(column.len())).sqrt();
        let scale = if spread > 0.0 { spread } else { 1.0 };
        column.iter().map(|value| (value - mean) / scale).collect()
    };
    columns.iter().map(centre).collect()
}

/// Refuses weights of an arm that do not bring its means to those of the target, which are zero.
fn check_balance(weight: &[f64], centred: &[Vec<f64>]) -> Result<(), EffectError> {
    let total = sum_of(weight.len(), |row| weight[row]);
    let distances = centred
        .iter()
        .map(|column| (dot(weight, column) / total).abs());
    match distances.fold(0.0, f64::max) {
        distance if distance > BALANCE_TOLERANCE => Err(EffectError::OutsideRange {
            what: "distance of a weighted mean from its target, in standard deviations,",
            value: distance,
        }),
        _ => Ok(()),
    }
}

/// The weighted mean outcome of an arm and every row's influence on it; `weight` is zero outside it,
/// and columns, whose mean over the target is
/// zero, are those behind its weights.
fn mean_under(
    weight: &[f64],
    target: &[bool],
    centred: &[Vec<f64>],
    outcome: &[f64],
    means: TargetMeans,
) -> Result<(f64, Vec<f64>), EffectError> {
    let n_rows = weight.len();
    let total = sum_of(n_rows, |row| weight[row]);
    let mean = dot(weight, outcome) / total;
    let slopes = slopes(weight, centred, outcome, mean)?;
    let n_target = count(target.iter().filter(|&&is| is).count());
    let of_row = |row: usize| {
        let terms = centred.iter().zip(&slopes);
        let predicted: f64 = terms.map(|(column, slope)| column[row] * slope).sum();
        let own = weight[row] / total * (outcome[row] - mean - predicted);
        match means {
            TargetMeans::Sampled if target[row] => own + predicted / n_target,
            _ => own,
        }
    };
    Ok((mean, (0..n_rows).map(of_row).collect()))
}

/// Slopes of the outcome in the arm's weighted regression on the centred columns.
fn slopes(
    weight: &[f64],
    centred: &[Vec<f64>],
    outcome: &[f64],
    mean: f64,
) -> Result<Vec<f64>, EffectError> {
    if centred.is_empty() {
        return Ok(Vec::new());
    }
    let columns: Vec<&[f64]> = centred.iter().map(Vec::as_slice).collect();
    let products = cross_product_of(&columns, Some(weight));
    let factor = Cholesky::factor(&products, COLLINEARITY_TOLERANCE).map_err(|error| {
        EffectError::RankDeficient {
            column: error.column,
        }
    })?;
    let pulls: Vec<f64> = weight
        .iter()
        .zip(outcome)
        .map(|(weight, outcome)| weight * (outcome - mean))
        .collect();
    let along: Vec<f64> = columns.iter().map(|column| dot(column, &pulls)).collect();
    Ok(factor.solve(&along))
}

#[cfg(test)]
mod tests {
    use utfall_core::ConfidenceLevel;

    use super::*;
    use crate::{DegreesOfFreedom, StandardError};

    #[test]
    fn weights_that_do_not_balance_and_questions_without_a_target_are_refused() {
        let treated = [true, true, false, false, false];
        let column = [1.0, 2.0, 0.0, 2.0, 3.0];
        let outcome = [2.0, 3.0, 1.0, 4.0, 2.5];
        let inference = Inference {
            standard_error: StandardError::Hc0,
            degrees_of_freedom: DegreesOfFreedom::Normal,
            confidence_level: ConfidenceLevel::try_from(0.95).unwrap(),
        };
        let estimate = |estimand, weight: &[f64]| {
            let balanced = Balanced {
                columns: &[&column],
                weight,
                target: TargetMeans::Sampled,
            };
            balanced_difference(estimand, &treated, &balanced, &outcome, &[], &inference)
        };
        // The comparators' mean is then 12/8, as that of the treated.
        let even = [1.0, 1.0, 3.0, 3.0, 2.0];
        let found = estimate(Estimand::Att, &even).unwrap();
        assert!((found.point - (2.5 - 20.0 / 8.0)).abs() < 1e-12 && found.standard_error > 0.0);
        assert!(matches!(
            estimate(Estimand::Att, &[1.0; 5]),
            Err(EffectError::OutsideRange { .. })
        ));
        assert!(matches!(
            estimate(Estimand::Overlap, &even),
            Err(EffectError::EstimandUndefined { .. })
        ));
        assert!(matches!(
            estimate(Estimand::Att, &[1.0, 1.0, 3.0, 3.0, 0.0]),
            Err(EffectError::WeightNotPositive { row: 4, .. })
        ));
    }
}

//! Difference within pairs of which one unit was treated.

use utfall_core::{Arm, Estimand, Estimate};
use utfall_stats::moments::{count, mean};

use crate::regression::check_finite;
use crate::{EffectError, Grouping, Inference, WeightedRegression, infer};

/// Estimates an effect as the mean difference in outcome within pairs.
///
/// It is the regression of the pairs' differences on a constant, where each pair is one row: with
/// `classical`, `hc1` or `hc2` the standard error is `sd(differences) / √n_pairs`, and `residual`
/// degrees of freedom are the pairs less one. It takes the pairs as given.
///
/// # Shapes and units
///
/// - `treated`, `pair`, `outcome`: one value per unit; each pair holds one treated and one
///   comparator, and there are two pairs at least.
/// - Outcome, point and standard error are in one unit.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
/// - [`EffectError::NotAPair`] at the first pair that is none.
/// - [`EffectError::TooFewPairs`] for fewer than two.
/// - [`EffectError::NoVariation`] if all differences are equal.
/// - Those of [`infer`]; [`EffectError::ClustersMissing`] for a `cr` kind.
///
/// # Reference
///
/// Imai (2008), *Statistics in Medicine* 27(24), <https://doi.org/10.1002/sim.3337>.
pub fn paired_difference(
    estimand: Estimand,
    treated: &[bool],
    pair: &Grouping,
    outcome: &[f64],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    let difference = pair_differences(treated, pair, outcome)?;
    let n_pairs = difference.len();
    if n_pairs < 2 {
        return Err(EffectError::TooFewPairs { n_pairs });
    }
    let one = vec![1.0; n_pairs];
    let fit = WeightedRegression::fit(&[&one], &one, &difference)?;
    let inferred = infer(&fit, &fit.coefficient(0)?, &[], inference)?;
    Ok(inferred.estimate(estimand, inference.confidence_level, (n_pairs, n_pairs)))
}

/// Estimates an effect as the difference within pairs of clusters of which one was treated.
///
/// Each pair counts by its rows. The error is that between pairs, so `classical` with `residual`
/// degrees of freedom gives the pairs less one.
///
/// # Shapes and units
///
/// - `treated`, `pair`, `outcome`: one value per row; each pair holds rows of both arms, and there
///   are two pairs at least.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
/// - [`EffectError::BlockWithoutArm`] at the first pair that lacks an arm.
/// - [`EffectError::TooFewPairs`] for fewer than two, and those of [`infer`].
///
/// # Reference
///
/// Imai, King & Nall (2009), <https://doi.org/10.1214/08-STS274>.
pub fn paired_cluster_difference(
    estimand: Estimand,
    treated: &[bool],
    pair: &Grouping,
    outcome: &[f64],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    check_finite("outcome", outcome, treated.len())?;
    if pair.len() != treated.len() {
        return Err(EffectError::LengthMismatch {
            what: "pair",
            found: pair.len(),
            expected: treated.len(),
        });
    }
    let n_pairs = pair.n_groups();
    if n_pairs < 2 {
        return Err(EffectError::TooFewPairs { n_pairs });
    }
    let typical = count(treated.len()) / count(n_pairs);
    let difference = |rows: &Vec<usize>| {
        let arm_mean = |arm: Arm| {
            let is = |row: &&usize| treated[**row] == (arm == Arm::Treated);
            let values: Vec<f64> = rows.iter().filter(is).map(|&row| outcome[row]).collect();
            if values.is_empty() {
                return Err(EffectError::BlockWithoutArm { row: rows[0], arm });
            }
            Ok(mean(&values))
        };
        let size = count(rows.len()) / typical;
        Ok(size * (arm_mean(Arm::Treated)? - arm_mean(Arm::Comparator)?))
    };
    let members = pair.members();
    let differences: Vec<f64> = members.iter().map(difference).collect::<Result<_, _>>()?;
    let one = vec![1.0; n_pairs];
    let fit = WeightedRegression::fit(&[&one], &one, &differences)?;
    let inferred = infer(&fit, &fit.coefficient(0)?, &[], inference)?;
    let n_treated = treated.iter().filter(|&&is| is).count();
    Ok(Estimate {
        n_clusters: Some(2 * n_pairs),
        ..inferred.estimate(
            estimand,
            inference.confidence_level,
            (n_treated, treated.len() - n_treated),
        )
    })
}

/// Treated less comparator outcome of each pair, in the order pairs first appear.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices, and
/// [`EffectError::NotAPair`] at the first pair that is not one treated and one comparator row.
pub fn pair_differences(
    treated: &[bool],
    pair: &Grouping,
    outcome: &[f64],
) -> Result<Vec<f64>, EffectError> {
    check_finite("outcome", outcome, treated.len())?;
    if pair.len() != treated.len() {
        return Err(EffectError::LengthMismatch {
            what: "pair",
            found: pair.len(),
            expected: treated.len(),
        });
    }
    let members = pair.members();
    let difference = |rows: &Vec<usize>| match rows[..] {
        [a, b] if treated[a] && !treated[b] => Ok(outcome[a] - outcome[b]),
        [a, b] if treated[b] && !treated[a] => Ok(outcome[b] - outcome[a]),
        _ => Err(EffectError::NotAPair {
            row: rows[0],
            n_rows: rows.len(),
        }),
    };
    members.iter().map(difference).collect()
}

//! The jackknife-type cluster error (CR3): how the point would move if a cluster were left out.
//!
//! Each cluster's residuals are multiplied by `(I - H)⁻¹` of its block, which makes them those of
//! a fit without the cluster. With `Q` the cluster's orthonormal columns and `W` its weights the
//! inverse is `I + Q (I - Q′WQ)⁻¹ Q′W`, so a large cluster costs what its rows cost.
//!
//! Bell & McCaffrey (2002), *Survey Methodology* 28(2); MacKinnon, Nielsen & Webb (2023),
//! <https://doi.org/10.1016/j.jeconom.2022.04.001>.

use utfall_stats::sums::sum_of;

use crate::bias_reduced::{Pull, dot, low_rank, plain_pulls};
use crate::standard_error::square;
use crate::{Contrast, EffectError, Grouping, StandardError, WeightedRegression, symmetric};

/// Smallest eigenvalue of `I - Q′WQ` at which a cluster can be left out.
const LEAST_EIGENVALUE: f64 = 1e-10;

/// The CR3 variance of the contrast, without a factor for the number of clusters.
pub(crate) fn variance(
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    way: &Grouping,
) -> Result<f64, EffectError> {
    let scores = scores(fit, contrast, way)?;
    Ok(sum_of(scores.len(), |group| square(scores[group])))
}

/// What each cluster contributes to the contrast, its residuals as they would be without it.
pub(crate) fn scores(
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    way: &Grouping,
) -> Result<Vec<f64>, EffectError> {
    let pulls = pulls(fit, contrast, way)?;
    let score = |pull: &Pull| -> f64 {
        let rows = pull.rows.iter().zip(&pull.per_row);
        rows.map(|(&row, p)| p * fit.residual()[row]).sum()
    };
    Ok(pulls.iter().map(score).collect())
}

/// Pulls times `(I - H)⁻¹` of each cluster.
pub(crate) fn pulls(
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    way: &Grouping,
) -> Result<Vec<Pull>, EffectError> {
    let mut pulls = plain_pulls(&vec![1.0; fit.n_rows()], fit, contrast, way.members());
    for pull in &mut pulls {
        let columns = low_rank(fit, &pull.rows);
        let (plain, weighted) = columns.split_at(fit.n_columns());
        let along: Vec<f64> = plain.iter().map(|q| dot(q, &pull.per_row)).collect();
        let Some(inverse) = inverse(plain, weighted) else {
            return Err(EffectError::FullLeverage {
                row: pull.rows[0],
                kind: StandardError::Cr3,
            });
        };
        for (line, column) in inverse.iter().zip(weighted) {
            let share = dot(line, &along);
            for (value, w) in pull.per_row.iter_mut().zip(column) {
                *value += share * w;
            }
        }
    }
    Ok(pulls)
}

/// `(I - Q′WQ)⁻¹`, or `None` where the cluster alone decides a coefficient.
fn inverse(plain: &[Vec<f64>], weighted: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let identity = |i: usize, j: usize| f64::from(u8::from(i == j));
    let n = plain.len();
    let left: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            (0..n)
                .map(|j| identity(i, j) - dot(&plain[i], &weighted[j]))
                .collect()
        })
        .collect();
    let least = symmetric::values(&left).into_iter().fold(1.0, f64::min);
    (least > LEAST_EIGENVALUE).then(|| symmetric::apply(&left, |value| 1.0 / value))
}

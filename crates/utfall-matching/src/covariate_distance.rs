//! How far apart two units are on several covariates at once.

use serde::{Deserialize, Serialize};
use utfall_stats::{Cholesky, Matrix, moments, sums};

use crate::MatchingError;
use crate::error::{check_arms, check_length};

/// The scale on which covariates are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CovariateDistance {
    /// `√((x - y)ᵀ S⁻¹ (x - y))` with the covariance within arms: each arm about its own mean,
    /// divisor `n - 2`.
    Mahalanobis,
    /// The same on ranks over all units, ties sharing their mean rank. The covariance of the ranks
    /// is rescaled so that each has the variance of ranks without ties: a rare indicator then weighs
    /// no more than a common one.
    RobustMahalanobis,
    /// Each covariate over its standard deviation within arms, divisor `n - 2`; correlations are not
    /// looked at.
    ScaledEuclidean,
}

/// A column counts as a combination of earlier ones if they explain all but this part of it.
const COLLINEAR: f64 = 1e-10;

/// Coordinates for each unit, such that the plain distance between two is the distance asked for.
///
/// # Shapes
///
/// - `covariates`: one row for each unit; the result has the same shape and no unit.
/// - `treated`: one value for each unit.
///
/// # Errors
///
/// - [`MatchingError::LengthMismatch`], [`MatchingError::CovariateNotFinite`],
///   [`MatchingError::EmptyArm`], [`MatchingError::NoCovariates`] for input that is none.
/// - [`MatchingError::NoSpread`] at a covariate that is constant within the arms or, for the
///   Mahalanobis distances, follows from those before it: it is for the caller to leave it out.
///
/// # References
///
/// Rubin (1980), *Biometrics* 36(2), <https://doi.org/10.2307/2529981>; for ranks Rosenbaum (2010),
/// *Design of Observational Studies*, section 8.3, <https://doi.org/10.1007/978-1-4419-1213-8>.
pub fn coordinates(
    distance: CovariateDistance,
    covariates: &Matrix,
    treated: &[bool],
) -> Result<Matrix, MatchingError> {
    if covariates.n_columns() == 0 {
        return Err(MatchingError::NoCovariates);
    }
    check_length("rows of covariates", covariates.n_rows(), treated.len())?;
    check_arms(treated)?;
    if let Some((unit, column)) = covariates.first_not_finite() {
        return Err(MatchingError::CovariateNotFinite { unit, column });
    }
    match distance {
        CovariateDistance::Mahalanobis => {
            let covariance = covariance_within(covariates, treated);
            whiten(covariates, &covariance)
        }
        CovariateDistance::RobustMahalanobis => {
            let ranks: Vec<Vec<f64>> = covariates.columns().map(ranks).collect();
            let covariance = covariance_of_ranks(&ranks);
            let ranks = Matrix::from_columns(ranks).map_err(|_| MatchingError::NoCovariates)?;
            whiten(&ranks, &covariance)
        }
        CovariateDistance::ScaledEuclidean => scale(covariates, treated),
    }
}

/// Each arm about its own mean: the deviations of a column, for every unit.
fn deviations_within(values: &[f64], treated: &[bool]) -> Vec<f64> {
    let mean = |arm: bool| {
        let of_arm = values.iter().zip(treated).filter(|(_, is)| **is == arm);
        let of_arm: Vec<f64> = of_arm.map(|(value, _)| *value).collect();
        // One value is its own mean exactly; adding it up would leave a deviation of rounding.
        if of_arm
            .iter()
            .all(|value| value.to_bits() == of_arm[0].to_bits())
        {
            of_arm[0]
        } else {
            moments::mean(&of_arm)
        }
    };
    let means = [mean(false), mean(true)];
    let rows = values.iter().zip(treated);
    rows.map(|(value, &is)| value - means[usize::from(is)])
        .collect()
}

fn covariance_within(covariates: &Matrix, treated: &[bool]) -> Matrix {
    let deviations: Vec<Vec<f64>> = covariates
        .columns()
        .map(|column| deviations_within(column, treated))
        .collect();
    let divisor = moments::count(treated.len().max(3) - 2);
    products(&deviations, |_, _| divisor.recip())
}

/// Sums of products of columns, each times a factor.
fn products(columns: &[Vec<f64>], factor: impl Fn(usize, usize) -> f64) -> Matrix {
    let mut matrix = Matrix::zeros(columns.len(), columns.len());
    for (i, a) in columns.iter().enumerate() {
        for (j, b) in columns.iter().enumerate().take(i + 1) {
            let product = sums::sum_of(a.len(), |row| a[row] * b[row]) * factor(i, j);
            matrix.set(i, j, product);
            matrix.set(j, i, product);
        }
    }
    matrix
}

/// The covariance of ranks, each rescaled to the variance of `1..n`.
fn covariance_of_ranks(ranks: &[Vec<f64>]) -> Matrix {
    let n = moments::count(ranks.first().map_or(0, Vec::len));
    let mean = f64::midpoint(n, 1.0);
    let centred: Vec<Vec<f64>> = ranks
        .iter()
        .map(|column| column.iter().map(|rank| rank - mean).collect())
        .collect();
    let squares: Vec<f64> = centred
        .iter()
        .map(|column| sums::sum_of(column.len(), |row| column[row] * column[row]))
        .collect();
    // The sample variance of 1..n is n(n + 1) / 12.
    let untied = n * (n + 1.0) / 12.0;
    products(&centred, |i, j| {
        let tied = (squares[i] * squares[j]).sqrt();
        if tied > 0.0 { untied / tied } else { 0.0 }
    })
}

/// Ranks from one; equal values share their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] >= values[b]) {
        let rank = moments::count(2 * before + tied.len() + 1) / 2.0;
        tied.iter().for_each(|&unit| ranks[unit] = rank);
        before += tied.len();
    }
    ranks
}

/// `L⁻¹ x` for each row, where `L Lᵀ` is the covariance.
fn whiten(covariates: &Matrix, covariance: &Matrix) -> Result<Matrix, MatchingError> {
    let n_columns = covariates.n_columns();
    let factor =
        Cholesky::factor(covariance, COLLINEAR).map_err(|error| MatchingError::NoSpread {
            column: error.column,
        })?;
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(n_columns);
    for i in 0..n_columns {
        let mut rest = covariates.column(i).to_vec();
        for (j, earlier) in columns.iter().enumerate() {
            let part = factor.lower(i, j);
            for (value, earlier) in rest.iter_mut().zip(earlier) {
                *value -= part * earlier;
            }
        }
        let pivot = factor.lower(i, i);
        rest.iter_mut().for_each(|value| *value /= pivot);
        columns.push(rest);
    }
    Matrix::from_columns(columns).map_err(|_| MatchingError::NoCovariates)
}

fn scale(covariates: &Matrix, treated: &[bool]) -> Result<Matrix, MatchingError> {
    let divisor = moments::count(treated.len().max(3) - 2);
    let mut columns = Vec::with_capacity(covariates.n_columns());
    for (column, values) in covariates.columns().enumerate() {
        let deviations = deviations_within(values, treated);
        let squares = sums::sum_of(values.len(), |row| deviations[row] * deviations[row]);
        let deviation = (squares / divisor).sqrt();
        if deviation <= 0.0 {
            return Err(MatchingError::NoSpread { column });
        }
        columns.push(values.iter().map(|value| value / deviation).collect());
    }
    Matrix::from_columns(columns).map_err(|_| MatchingError::NoCovariates)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREATED: [bool; 5] = [true, true, false, false, false];

    fn of(distance: CovariateDistance, columns: &[[f64; 5]]) -> Result<Matrix, MatchingError> {
        let columns = columns.iter().map(|column| column.to_vec()).collect();
        coordinates(distance, &Matrix::from_columns(columns).unwrap(), &TREATED)
    }

    #[test]
    fn one_covariate_is_divided_by_its_deviation_within_arms() {
        // Squares within arms 2 and 6, divisor 3.
        let column = [[1.0, 3.0, 2.0, 2.0, 5.0]];
        let deviation = (8.0_f64 / 3.0).sqrt();
        for distance in [
            CovariateDistance::Mahalanobis,
            CovariateDistance::ScaledEuclidean,
        ] {
            let got = of(distance, &column).unwrap();
            for (value, x) in got.column(0).iter().zip(column[0]) {
                assert!((value - x / deviation).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn ranks_that_are_equal_share_their_mean() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        assert_eq!(ranks(&[0.0, -0.0]), [1.5, 1.5]);
    }

    #[test]
    fn any_growing_change_of_scale_leaves_ranks_and_their_distance_alone() {
        let plain = [[1.0, 3.0, 2.0, 2.0, 5.0], [0.0, 1.0, 1.0, 0.0, 0.0]];
        let grown = [plain[0].map(|x: f64| x * x * x), plain[1]];
        let distance = CovariateDistance::RobustMahalanobis;
        assert_eq!(of(distance, &plain), of(distance, &grown));
        let alone = of(distance, &plain[1..]).unwrap();
        // Mean ranks 2 and 4.5, variance of 1..5 is 2.5.
        let apart = alone.get(1, 0) - alone.get(0, 0);
        assert!((apart - 2.5 / 2.5_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn a_covariate_without_spread_of_its_own_is_named() {
        let column = [1.0, 3.0, 2.0, 2.0, 5.0];
        let arms = [7.1, 7.1, 0.1, 0.1, 0.1];
        let twice = column.map(|x| 2.0 * x);
        use CovariateDistance::{Mahalanobis, RobustMahalanobis, ScaledEuclidean};
        for (distance, second) in [
            (Mahalanobis, arms),
            (ScaledEuclidean, arms),
            (Mahalanobis, twice),
            (RobustMahalanobis, twice),
            (RobustMahalanobis, [1.0; 5]),
        ] {
            let got = of(distance, &[column, second]);
            assert_eq!(
                got,
                Err(MatchingError::NoSpread { column: 1 }),
                "{distance:?}"
            );
        }
        assert_eq!(of(Mahalanobis, &[]), Err(MatchingError::NoCovariates));
    }
}

//! The prognostic score: the outcome that covariates predict without treatment.

use utfall_stats::{Cholesky, Matrix, cross_product, moments, sums};

use crate::MatchingError;
use crate::error::{check_arms, check_length};

/// A column counts as a combination of earlier ones if they explain all but this part of it.
const COLLINEAR: f64 = 1e-11;

/// The outcome each unit is predicted to have without treatment, by least squares among comparators
/// alone. If the arms are alike on it, covariates that matter for the outcome are balanced.
///
/// # Shapes
///
/// `covariates` has one row for each unit, without a column of ones; `outcome` and `treated` one
/// value. The outcomes of the treated are not looked at.
///
/// # Errors
///
/// - [`MatchingError::LengthMismatch`], [`MatchingError::CovariateNotFinite`],
///   [`MatchingError::OutcomeNotFinite`] and [`MatchingError::EmptyArm`] for input that is none.
/// - [`MatchingError::NoSpread`] at a covariate that is constant among comparators or follows from
///   those before it.
///
/// # References
///
/// Hansen (2008), <https://doi.org/10.1093/biomet/asn004>; Stuart, Lee & Leacy (2013),
/// <https://doi.org/10.1016/j.jclinepi.2013.01.013>.
pub fn prognostic_score(
    covariates: &Matrix,
    outcome: &[f64],
    treated: &[bool],
) -> Result<Vec<f64>, MatchingError> {
    check_length("outcomes", outcome.len(), treated.len())?;
    check_length("rows of covariates", covariates.n_rows(), treated.len())?;
    check_arms(treated)?;
    if let Some((unit, column)) = covariates.first_not_finite() {
        return Err(MatchingError::CovariateNotFinite { unit, column });
    }
    let comparators: Vec<usize> = (0..treated.len()).filter(|&unit| !treated[unit]).collect();
    if let Some(&unit) = comparators.iter().find(|&&unit| !outcome[unit].is_finite()) {
        return Err(MatchingError::OutcomeNotFinite { unit });
    }
    let among = covariates.select_rows(&comparators);
    let mut scaled = vec![vec![1.0; treated.len()]];
    for (column, (values, of_comparators)) in covariates.columns().zip(among.columns()).enumerate()
    {
        let (mean, variance) = moments::mean_and_variance(of_comparators);
        if variance.is_nan() || variance <= 0.0 {
            return Err(MatchingError::NoSpread { column });
        }
        let sd = variance.sqrt();
        scaled.push(values.iter().map(|value| (value - mean) / sd).collect());
    }
    let scaled = Matrix::from_columns(scaled).map_err(|_| MatchingError::NoCovariates)?;
    let rows = scaled.select_rows(&comparators);
    let factor = Cholesky::factor(&cross_product(&rows, None), COLLINEAR).map_err(|error| {
        let column = error.column.saturating_sub(1);
        MatchingError::NoSpread { column }
    })?;
    let outcome: Vec<f64> = comparators.iter().map(|&unit| outcome[unit]).collect();
    let products: Vec<f64> = rows
        .columns()
        .map(|column| sums::dot(column, &outcome))
        .collect();
    let coefficients = factor.solve(&products);
    let mut predicted = vec![0.0; treated.len()];
    for (column, coefficient) in scaled.columns().zip(&coefficients) {
        for (value, cell) in predicted.iter_mut().zip(column) {
            *value += coefficient * cell;
        }
    }
    Ok(predicted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_comparators_decide_the_line() {
        let x = vec![1.0, 2.0, 3.0, 4.0, 10.0];
        let outcome = [3.0, 5.0, 7.0, 9.0, f64::NAN];
        let treated = [false, false, false, false, true];
        let covariates = Matrix::from_columns(vec![x]).unwrap();
        let got = prognostic_score(&covariates, &outcome, &treated).unwrap();
        assert!((got[4] - 21.0).abs() < 1e-12 && (got[1] - 5.0).abs() < 1e-12);
    }

    #[test]
    fn a_covariate_that_is_constant_among_comparators_is_named() {
        let columns = vec![vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 5.0, 5.0, 6.0]];
        let covariates = Matrix::from_columns(columns).unwrap();
        let treated = [false, false, false, true];
        let got = prognostic_score(&covariates, &[1.0, 2.0, 3.0, 0.0], &treated);
        assert_eq!(got, Err(MatchingError::NoSpread { column: 1 }));
    }
}

//! Coarsening: values into bins, so that units in the same bins count as equal.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utfall_stats::Matrix;

use crate::MatchingError;
use crate::quantile::quantile;

/// How the values of one covariate are divided into bins.
///
/// A bin holds its lower end and not its upper one; the lowest and the highest bin have no end.
/// Nothing is binned that is not named: a covariate to be matched exactly is an exact stratum.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Bins {
    /// Cut at these values.
    CutPoints(Vec<f64>),
    /// So many bins of equal width over the range of the values.
    EqualWidth(NonZeroU32),
    /// Bins of equal width, `⌈log₂ n + 1⌉` of them for `n` units.
    Sturges,
    /// So many bins between quantiles of the values (type 7); equal quantiles make one cut.
    Quantiles(NonZeroU32),
}

/// A number for each unit that units share if they lie in the same bin of every covariate.
///
/// # Shapes
///
/// `covariates`: one row for each unit; `bins`: one for each column.
///
/// # Errors
///
/// - [`MatchingError::LengthMismatch`] if there is not one of `bins` for each column,
///   [`MatchingError::CovariateNotFinite`] for a value that is none.
/// - [`MatchingError::CutPointNotFinite`] at a cut point that is no number.
///
/// # References
///
/// Iacus, King & Porro (2012), *Political Analysis* 20(1), <https://doi.org/10.1093/pan/mpr013>;
/// Sturges (1926), *Journal of the American Statistical Association* 21(153),
/// <https://doi.org/10.1080/01621459.1926.10502161>; Hyndman & Fan (1996), *The American
/// Statistician* 50(4), <https://doi.org/10.1080/00031305.1996.10473566>, for types of quantiles.
pub fn coarsened(covariates: &Matrix, bins: &[Bins]) -> Result<Vec<u32>, MatchingError> {
    crate::error::check_length("bins for covariates", bins.len(), covariates.n_columns())?;
    if let Some((unit, column)) = covariates.first_not_finite() {
        return Err(MatchingError::CovariateNotFinite { unit, column });
    }
    let mut cuts = Vec::with_capacity(bins.len());
    for (column, bins) in bins.iter().enumerate() {
        let of_column = cuts_of(bins, covariates.column(column));
        if of_column.iter().any(|cut| !cut.is_finite()) {
            return Err(MatchingError::CutPointNotFinite { column });
        }
        cuts.push(of_column);
    }
    let mut known: BTreeMap<Vec<usize>, u32> = BTreeMap::new();
    let mut next = 0;
    let stratum = |unit: usize| {
        let bin = |(column, cuts): (usize, &Vec<f64>)| {
            let value = covariates.get(unit, column);
            cuts.partition_point(|cut| *cut <= value)
        };
        let key: Vec<usize> = cuts.iter().enumerate().map(bin).collect();
        *known.entry(key).or_insert_with(|| {
            next += 1;
            next - 1
        })
    };
    Ok((0..covariates.n_rows()).map(stratum).collect())
}

/// The cuts between bins, sorted.
fn cuts_of(bins: &Bins, values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut cuts = match bins {
        Bins::CutPoints(cuts) => cuts.clone(),
        Bins::EqualWidth(n) => equal_cuts(&sorted, n.get()),
        Bins::Sturges => equal_cuts(&sorted, sturges(values.len())),
        Bins::Quantiles(n) => (1..n.get())
            .map(|i| quantile(&sorted, f64::from(i) / f64::from(n.get())))
            .collect(),
    };
    cuts.sort_by(f64::total_cmp);
    cuts
}

/// The inner ends of `n` bins of equal width over the range.
fn equal_cuts(sorted: &[f64], n: u32) -> Vec<f64> {
    let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    let width = (high - low) / f64::from(n);
    (1..n).map(|i| low + f64::from(i) * width).collect()
}

/// `⌈log₂ n + 1⌉` in whole numbers.
fn sturges(n: usize) -> u32 {
    n.max(1).next_power_of_two().ilog2() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bins: Bins, values: &[f64]) -> Vec<u32> {
        let covariates = Matrix::from_columns(vec![values.to_vec()]).unwrap();
        coarsened(&covariates, &[bins]).unwrap()
    }

    #[test]
    fn a_value_at_a_cut_lies_above_it() {
        let cuts = Bins::CutPoints(vec![5.0, 2.0]);
        assert_eq!(
            of(cuts, &[1.9, 2.0, 4.9, 5.0, -9.0, 99.0]),
            [0, 1, 1, 2, 0, 2]
        );
    }

    #[test]
    fn bins_of_equal_width_divide_the_range() {
        let two = Bins::EqualWidth(NonZeroU32::new(2).unwrap());
        assert_eq!(of(two, &[0.0, 4.9, 5.0, 10.0]), [0, 0, 1, 1]);
        assert_eq!([1, 2, 3, 8, 9, 614].map(sturges), [1, 2, 3, 4, 5, 11]);
    }

    #[test]
    fn quantiles_that_are_equal_make_one_cut() {
        let four = Bins::Quantiles(NonZeroU32::new(4).unwrap());
        assert_eq!(of(four, &[0.0, 0.0, 0.0, 0.0, 8.0]), [0, 0, 0, 0, 0]);
        let four = Bins::Quantiles(NonZeroU32::new(4).unwrap());
        assert_eq!(of(four, &[1.0, 2.0, 3.0, 4.0, 5.0]), [0, 1, 2, 3, 3]);
    }

    #[test]
    fn a_constant_is_one_bin() {
        assert_eq!(of(Bins::Sturges, &[7.1; 5]), [0; 5]);
    }

    #[test]
    fn a_cut_point_that_is_no_number_is_refused() {
        let covariates = Matrix::from_columns(vec![vec![1.0]]).unwrap();
        let error = coarsened(&covariates, &[Bins::CutPoints(vec![f64::NAN])]);
        assert_eq!(error, Err(MatchingError::CutPointNotFinite { column: 0 }));
    }
}

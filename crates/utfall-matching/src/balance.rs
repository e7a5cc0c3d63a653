//! Balance: how alike the arms are on each covariate, before and after matching.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utfall_core::Arm;
use utfall_stats::{Matrix, moments};

use crate::MatchingError;
use crate::ecdf::{Apart, apart, quantiles_apart};
use crate::order::rising;

/// The standard deviation that divides a mean difference.
///
/// That of the units before matching, without weights but those of sampling, so that matching cannot
/// improve the ratio by widening its denominator; [`SmdDenominator::Weighted`] alone is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmdDenominator {
    /// Of the treated: for an effect over the treated.
    Treated,
    /// Of the comparators.
    Comparator,
    /// `√((s₁² + s₀²) / 2)` of both.
    Pooled,
    /// Of all units together.
    All,
    /// Of all units together, with the weights of the comparison.
    Weighted,
    /// `√(((n₁ - 1)s₁² + (n₀ - 1)s₀²) / (n₁ + n₀ - 2))` over `1 - 3 / (4(n₁ + n₀) - 9)`: the ratio is
    /// Hedges' g.
    Hedges,
}

/// The balance of one covariate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CovariateBalance {
    /// All units, without weights.
    pub before: Imbalance,
    /// With the weights of the matched set.
    pub after: Imbalance,
    /// What divides both mean differences.
    pub denominator: f64,
    /// Whether all values are 0 or 1.
    pub is_binary: bool,
}

/// How far the arms lie apart on one covariate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Imbalance {
    /// Weighted mean of the treated, in the covariate's unit.
    pub mean_treated: f64,
    /// Weighted mean of the comparators, in the covariate's unit.
    pub mean_comparator: f64,
    /// Weighted standard deviation of the treated; of a covariate that is 0 or 1, `√(p(1 - p))`.
    pub sd_treated: f64,
    /// The same of the comparators.
    pub sd_comparator: f64,
    /// Standardised mean difference, treated less comparators. `None` if the denominator is zero
    /// while the means differ, so that no finite number would be honest.
    pub smd: Option<f64>,
    /// Variance of the treated over that of the comparators. `None` for a covariate that is 0 or 1,
    /// whose variance follows from its mean, and where a variance is zero or needs two units.
    pub variance_ratio: Option<f64>,
    /// Mean distance between the arms' distribution functions over the values that occur.
    pub ecdf_mean: f64,
    /// Largest distance: the Kolmogorov–Smirnov statistic.
    pub ecdf_max: f64,
    /// Mean and largest difference between the arms' values at equal shares, in the covariate's unit:
    /// each value of the smaller arm against the last of the larger whose share of its arm is not
    /// above. `None` where weights are uneven within an arm.
    pub quantiles_apart: Option<(f64, f64)>,
}

/// The largest absolute standardised mean difference that counts as balanced.
///
/// Always finite and above zero. 0.1 is a common choice; see Austin (2009),
/// <https://doi.org/10.1002/sim.3697>.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "GateText", into = "GateText")]
pub struct BalanceGate(f64);

/// A gate as it is written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "BalanceGate", rename_all = "kebab-case")]
struct GateText {
    max_abs_smd: f64,
}

/// Means differ by no more than this where they are equal but for rounding.
const EQUAL_MEANS: f64 = 1.5e-8;

/// Compares the arms on each covariate, before matching and with `weights`.
///
/// # Shapes and units
///
/// - `covariates`: one row for each unit; a covariate whose values are all 0 or 1 is binary.
/// - `treated`: one value for each unit.
/// - `weights`: one for each unit, zero or more, as [`Matched::weights`](crate::Matched::weights)
///   gives them. Their scale does not matter.
/// - The result has one row for each covariate, in order. Differences are treated less comparators.
///
/// # Errors
///
/// [`MatchingError::LengthMismatch`], [`MatchingError::CovariateNotFinite`],
/// [`MatchingError::EmptyArm`], [`MatchingError::Weight`] and [`MatchingError::NoWeight`] for input
/// that is none.
///
/// # References
///
/// Stuart (2010), *Statistical Science* 25(1), <https://doi.org/10.1214/09-STS313>; the weighted
/// variance `Σw(x - m)² · Σw / ((Σw)² - Σw²)` as in the R package cobalt.
pub fn balance(
    covariates: &Matrix,
    treated: &[bool],
    weights: &[f64],
    denominator: SmdDenominator,
) -> Result<Vec<CovariateBalance>, MatchingError> {
    balance_sampled(covariates, treated, None, weights, denominator)
}

/// [`balance`] of a sample whose units have sampling weights: they count before matching too, and
/// in the denominator. `weights` are those of the comparison times those of sampling.
///
/// # Errors
///
/// As [`balance`].
pub fn balance_sampled(
    covariates: &Matrix,
    treated: &[bool],
    sampling_weights: Option<&[f64]>,
    weights: &[f64],
    denominator: SmdDenominator,
) -> Result<Vec<CovariateBalance>, MatchingError> {
    check(covariates, treated, weights)?;
    if let Some(sampling) = sampling_weights {
        check(covariates, treated, sampling)?;
    }
    let columns: Vec<&[f64]> = covariates.columns().collect();
    let counted = [sampling_weights, Some(weights)].map(|weights| Counted::new(treated, weights));
    let of_all = |weights| Some(Part::new(weights, 0..treated.len()));
    let whole = match denominator {
        SmdDenominator::All => of_all(sampling_weights),
        SmdDenominator::Weighted => of_all(Some(weights)),
        _ => None,
    };
    let one = |values: &&[f64]| covariate_balance(values, &counted, whole.as_ref(), denominator);
    Ok(columns.par_iter().map(one).collect())
}

impl BalanceGate {
    /// The largest absolute standardised mean difference let through.
    #[must_use]
    pub fn max_abs_smd(self) -> f64 {
        self.0
    }

    /// Whether every covariate is balanced after matching. One without a standardised mean
    /// difference is not.
    #[must_use]
    pub fn passes(self, balance: &[CovariateBalance]) -> bool {
        balance
            .iter()
            .all(|row| row.after.smd.is_some_and(|smd| smd.abs() <= self.0))
    }
}

impl TryFrom<f64> for BalanceGate {
    type Error = String;

    fn try_from(max_abs_smd: f64) -> Result<Self, Self::Error> {
        if max_abs_smd.is_finite() && max_abs_smd > 0.0 {
            Ok(Self(max_abs_smd))
        } else {
            Err(format!(
                "largest standardised mean difference {max_abs_smd}, expected a finite number above zero"
            ))
        }
    }
}

impl TryFrom<GateText> for BalanceGate {
    type Error = String;

    fn try_from(text: GateText) -> Result<Self, Self::Error> {
        Self::try_from(text.max_abs_smd)
    }
}

impl From<BalanceGate> for GateText {
    fn from(gate: BalanceGate) -> Self {
        Self {
            max_abs_smd: gate.0,
        }
    }
}

fn check(covariates: &Matrix, treated: &[bool], weights: &[f64]) -> Result<(), MatchingError> {
    let n_units = treated.len();
    for (what, found) in [
        ("rows of covariates", covariates.n_rows()),
        ("weights", weights.len()),
    ] {
        if found != n_units && !(what == "rows of covariates" && covariates.n_columns() == 0) {
            return Err(MatchingError::LengthMismatch {
                what,
                found,
                expected: n_units,
            });
        }
    }
    if let Some(unit) = weights
        .iter()
        .position(|weight| !(weight.is_finite() && *weight >= 0.0))
    {
        return Err(MatchingError::Weight { unit });
    }
    for (arm, is_treated) in [(Arm::Treated, true), (Arm::Comparator, false)] {
        if !treated.contains(&is_treated) {
            return Err(MatchingError::EmptyArm { arm, n_units });
        }
        if !treated
            .iter()
            .zip(weights)
            .any(|(&is, &weight)| is == is_treated && weight > 0.0)
        {
            return Err(MatchingError::NoWeight { arm });
        }
    }
    match covariates.first_not_finite() {
        Some((unit, column)) => Err(MatchingError::CovariateNotFinite { unit, column }),
        None => Ok(()),
    }
}

/// `whole` is of all units, where the denominator is.
fn covariate_balance(
    values: &[f64],
    [before, after]: &[Counted; 2],
    whole: Option<&Part>,
    denominator: SmdDenominator,
) -> CovariateBalance {
    let is_binary = values
        .iter()
        .all(|&value| value.to_bits() == 1.0_f64.to_bits() || value.abs() <= 0.0);
    let moments_of =
        |counted: &Counted| [0, 1].map(|arm: usize| counted.parts[arm].moments(values, is_binary));
    let (moments_before, moments_after) = (moments_of(before), moments_of(after));
    let [one, other] = [0, 1].map(|arm: usize| moments_before[arm].variance);
    let of_whole = || whole.map_or(f64::NAN, |part| part.moments(values, is_binary).variance);
    let divisor = match denominator {
        SmdDenominator::Treated => one.sqrt(),
        SmdDenominator::Comparator => other.sqrt(),
        SmdDenominator::Pooled => (0.5 * (one + other)).sqrt(),
        SmdDenominator::All | SmdDenominator::Weighted => of_whole().sqrt(),
        SmdDenominator::Hedges => {
            let n = [0, 1].map(|arm: usize| moments::count(before.parts[arm].units.len()));
            hedges_divisor(n, [one, other])
        }
    };
    // Sorted once; every distribution of every arm is a walk along it.
    let order = if is_binary {
        Vec::new()
    } else {
        rising(values, None)
    };
    let sorted: Vec<f64> = order.iter().map(|&unit| values[unit as usize]).collect();
    let imbalance = |counted: &Counted, of_arms: &[Moments; 2]| {
        let [one, other] = of_arms;
        let difference = (one.mean - other.mean).abs();
        let is_even = counted.parts.iter().all(|part| part.is_even);
        let (apart, quantiles_apart) = if is_binary {
            let [mean, max] = [difference; 2];
            (Apart { mean, max }, is_even.then_some((mean, max)))
        } else {
            let along = counted.along(&order);
            let quantiles = || quantiles_apart(&sorted, &along);
            (apart(&sorted, &along), is_even.then(quantiles))
        };
        let has_ratio = !is_binary && one.variance > 0.0 && other.variance > 0.0;
        Imbalance {
            mean_treated: one.mean,
            mean_comparator: other.mean,
            sd_treated: one.variance.sqrt(),
            sd_comparator: other.variance.sqrt(),
            smd: standardised(one.mean - other.mean, divisor, one.mean),
            variance_ratio: has_ratio.then(|| one.variance / other.variance),
            ecdf_mean: apart.mean,
            ecdf_max: apart.max,
            quantiles_apart,
        }
    };
    CovariateBalance {
        before: imbalance(before, &moments_before),
        after: imbalance(after, &moments_after),
        denominator: divisor,
        is_binary,
    }
}

/// What divides a mean difference to make it Hedges' g.
pub(crate) fn hedges_divisor(n: [f64; 2], variances: [f64; 2]) -> f64 {
    let squares = (n[0] - 1.0) * variances[0] + (n[1] - 1.0) * variances[1];
    (squares / (n[0] + n[1] - 2.0)).sqrt() / small_sample_factor(n)
}

/// `1 - 3 / (4N - 9)`.
pub(crate) fn small_sample_factor(n: [f64; 2]) -> f64 {
    1.0 - 3.0 / (4.0 * (n[0] + n[1]) - 9.0)
}

/// Who counts in each arm, and how much.
struct Counted {
    /// The treated and the comparators.
    parts: [Part; 2],
    /// The weight of each unit, with the sign bit of minus for comparators, also where it is zero.
    signed: Vec<f64>,
}

impl Counted {
    fn new(treated: &[bool], weights: Option<&[f64]>) -> Self {
        let weight = |unit: usize| weights.map_or(1.0, |weights| weights[unit]);
        let sign = |unit: usize| if treated[unit] { 1.0 } else { -1.0 };
        let units = 0..treated.len();
        Self {
            parts: [true, false].map(|arm| {
                let of_arm = units.clone().filter(|&unit| treated[unit] == arm);
                Part::new(weights, of_arm)
            }),
            signed: units
                .clone()
                .map(|unit| weight(unit).copysign(sign(unit)))
                .collect(),
        }
    }

    /// The signed weights of the units in this order.
    fn along(&self, order: &[u32]) -> Vec<f64> {
        order
            .iter()
            .map(|&unit| self.signed[unit as usize])
            .collect()
    }
}

/// Some units with a weight above zero.
struct Part {
    units: Vec<usize>,
    /// Their weights; `None` where all count the same.
    weights: Option<Vec<f64>>,
    /// Whether all weights are the same.
    is_even: bool,
}

/// Mean and variance of one arm.
struct Moments {
    mean: f64,
    variance: f64,
}

impl Part {
    fn new(weights: Option<&[f64]>, units: impl Iterator<Item = usize>) -> Self {
        let counts = |unit: &usize| weights.is_none_or(|weights| weights[*unit] > 0.0);
        let units: Vec<usize> = units.filter(counts).collect();
        let weights: Option<Vec<f64>> =
            weights.map(|weights| units.iter().map(|&unit| weights[unit]).collect());
        let is_even = weights.as_ref().is_none_or(|weights| {
            let first = weights.first().copied().unwrap_or(0.0);
            weights
                .iter()
                .all(|weight| (weight - first).abs() <= 1e-12 * first)
        });
        Self {
            units,
            weights,
            is_even,
        }
    }

    /// Of a covariate, which has a value for every unit there is.
    fn moments(&self, values: &[f64], is_binary: bool) -> Moments {
        let values: Vec<f64> = self.units.iter().map(|&unit| values[unit]).collect();
        // One value is its own mean exactly, where adding it up would leave a variance of rounding.
        let first = values.first().map(|value| value.to_bits());
        if values.len() > 1 && values.iter().all(|value| Some(value.to_bits()) == first) {
            return Moments {
                mean: values[0],
                variance: 0.0,
            };
        }
        let (mean, variance) = match &self.weights {
            None => moments::mean_and_variance(&values),
            Some(weights) => moments::weighted_mean_and_variance(&values, weights),
        };
        let variance = if is_binary {
            mean * (1.0 - mean)
        } else {
            variance
        };
        Moments { mean, variance }
    }
}

/// The difference over the divisor; zero where both are.
fn standardised(difference: f64, divisor: f64, mean: f64) -> Option<f64> {
    if divisor > 0.0 {
        Some(difference / divisor)
    } else {
        (difference.abs() <= EQUAL_MEANS * mean.abs().max(1.0)).then_some(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREATED: [bool; 6] = [true, true, true, false, false, false];

    fn of(values: [f64; 6], weights: [f64; 6]) -> CovariateBalance {
        let covariates = Matrix::from_columns(vec![values.to_vec()]).unwrap();
        balance(&covariates, &TREATED, &weights, SmdDenominator::Treated).unwrap()[0]
    }

    #[test]
    fn the_denominator_is_that_of_all_units_before_matching() {
        let row = of(
            [1.0, 2.0, 3.0, 2.0, 4.0, 9.0],
            [1.0, 1.0, 0.0, 1.0, 1.0, 0.0],
        );
        assert_eq!(row.before.smd, Some(-3.0));
        assert_eq!(row.after.smd, Some(-1.5));
        assert_eq!(row.after.variance_ratio, Some(0.25));
    }

    #[test]
    fn a_constant_covariate_is_balanced_and_has_no_variance_ratio() {
        let row = of([7.1; 6], [1.0, 1.0, 1.0, 0.3, 0.7, 2.0]);
        assert_eq!((row.before.smd, row.after.smd), (Some(0.0), Some(0.0)));
        assert_eq!(row.after.variance_ratio, None);
    }

    #[test]
    fn a_difference_without_a_denominator_is_not_balanced() {
        let row = of([1.0, 1.0, 1.0, 0.0, 1.0, 0.0], [1.0; 6]);
        assert_eq!(row.after.smd, None);
        assert!(!BalanceGate::try_from(10.0).unwrap().passes(&[row]));
    }

    #[test]
    fn input_that_is_none_is_refused() {
        let covariates = Matrix::from_columns(vec![vec![1.0, 2.0, f64::NAN]]).unwrap();
        let of = |treated: [bool; 3], weights: [f64; 3]| {
            balance(&covariates, &treated, &weights, SmdDenominator::Pooled).unwrap_err()
        };
        let arms = [true, false, false];
        assert_eq!(
            of(arms, [1.0; 3]),
            MatchingError::CovariateNotFinite { unit: 2, column: 0 }
        );
        assert_eq!(
            of(arms, [1.0, -1.0, 0.0]),
            MatchingError::Weight { unit: 1 }
        );
        assert_eq!(
            of(arms, [1.0, 0.0, 0.0]),
            MatchingError::NoWeight {
                arm: Arm::Comparator
            }
        );
        assert_eq!(
            of([true; 3], [1.0; 3]),
            MatchingError::EmptyArm {
                arm: Arm::Comparator,
                n_units: 3
            }
        );
    }

    #[test]
    fn a_gate_is_above_zero() {
        assert!(BalanceGate::try_from(0.0).is_err() && BalanceGate::try_from(f64::NAN).is_err());
        assert!(toml::from_str::<BalanceGate>("max-abs-smd = 0.1").is_ok());
        assert!(toml::from_str::<BalanceGate>("max-abs-smd = 0.1\nmax-ks = 0.1").is_err());
    }
}

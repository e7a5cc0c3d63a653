//! Baseline equivalence: effect sizes of differences before an effect, and the classes that the What
//! Works Clearinghouse divides them into.

use serde::{Deserialize, Serialize};
use utfall_stats::elementary;

use crate::balance::{hedges_divisor, small_sample_factor};
use crate::{CovariateBalance, Imbalance};

/// What a difference at baseline asks of an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Equivalence {
    /// At most 0.05: equivalent.
    Equivalent,
    /// Above 0.05 and at most 0.25: equivalent if the estimate adjusts for the covariate.
    EquivalentIfAdjusted,
    /// Above 0.25, or without a size: not equivalent.
    NotEquivalent,
}

/// Hedges' g of a covariate, or the Cox index of one that is 0 or 1.
///
/// `g = ω(x̄₁ - x̄₀) / s` with the standard deviation of both arms before matching pooled by their
/// degrees of freedom; the Cox index is `ω(logit p₁ - logit p₀) / 1.65`. `ω = 1 - 3 / (4N - 9)`.
/// `n` are the units of the two arms, treated first. `None` where a share is 0 or 1 in one arm only,
/// or the covariate has no spread while the means differ.
///
/// # Reference
///
/// What Works Clearinghouse (2022), *Procedures and Standards Handbook, Version 5.0*, appendix E;
/// Hedges (1981), <https://doi.org/10.3102/10769986006002107>.
#[must_use]
pub fn effect_size(balance: &CovariateBalance, compared: &Imbalance, n: [usize; 2]) -> Option<f64> {
    let n = n.map(utfall_stats::moments::count);
    let [one, other] = [compared.mean_treated, compared.mean_comparator];
    let size = if balance.is_binary {
        let logit = |p: f64| elementary::log(p / (1.0 - p));
        small_sample_factor(n) * (logit(one) - logit(other)) / 1.65
    } else {
        let before = &balance.before;
        let variances = [before.sd_treated, before.sd_comparator].map(|sd| sd * sd);
        (one - other) / hedges_divisor(n, variances)
    };
    if (one - other).abs() <= 0.0 {
        Some(0.0)
    } else {
        size.is_finite().then_some(size)
    }
}

impl Equivalence {
    /// The class of an effect size.
    #[must_use]
    pub fn of(effect_size: Option<f64>) -> Self {
        match effect_size.map(f64::abs) {
            Some(size) if size <= 0.05 => Self::Equivalent,
            Some(size) if size <= 0.25 => Self::EquivalentIfAdjusted,
            _ => Self::NotEquivalent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SmdDenominator, balance};
    use utfall_stats::Matrix;

    fn of(values: &[f64], treated: &[bool]) -> Option<f64> {
        let covariates = Matrix::from_columns(vec![values.to_vec()]).unwrap();
        let weights = vec![1.0; treated.len()];
        let row = balance(&covariates, treated, &weights, SmdDenominator::Treated).unwrap()[0];
        let n_treated = treated.iter().filter(|is| **is).count();
        effect_size(&row, &row.after, [n_treated, treated.len() - n_treated])
    }

    #[test]
    fn a_mean_difference_is_divided_by_the_pooled_deviation() {
        let treated = [true, true, true, false, false, false];
        // Means 2 and 3, both variances 1, N = 6: -1 times 1 - 3/15.
        let got = of(&[1.0, 2.0, 3.0, 2.0, 3.0, 4.0], &treated).unwrap();
        assert!((got + 0.8).abs() < 1e-15);
    }

    #[test]
    fn shares_are_compared_by_the_cox_index() {
        let treated = [true, true, true, true, false, false, false, false];
        let got = of(&[1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0], &treated).unwrap();
        let expected = (1.0 - 3.0 / 23.0) * 2.0 * utfall_stats::elementary::log(3.0) / 1.65;
        assert!((got - expected).abs() < 1e-12);
        assert_eq!(
            of(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0], &treated),
            None
        );
        assert_eq!(of(&[0.0; 8], &treated), Some(0.0));
    }

    #[test]
    fn classes_hold_their_upper_ends() {
        for (size, class) in [
            (Some(-0.05), Equivalence::Equivalent),
            (Some(0.0501), Equivalence::EquivalentIfAdjusted),
            (Some(0.25), Equivalence::EquivalentIfAdjusted),
            (Some(-0.26), Equivalence::NotEquivalent),
            (None, Equivalence::NotEquivalent),
        ] {
            assert_eq!(Equivalence::of(size), class);
        }
    }
}

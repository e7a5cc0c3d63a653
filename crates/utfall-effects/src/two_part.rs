//! Outcomes of which many are zero and the rest skewed, such as costs: whether there is any, and how much.
//!
//! One model says how likely an outcome above zero is, another how large it is then. A mean outcome is
//! the product of the two, averaged over rows; its error comes from both models' influences together.
//!
//! Duan, Manning, Morris & Newhouse (1983), <https://doi.org/10.1080/07350015.1983.10509330>; Belotti, Deb,
//! Manning & Norton (2015), <https://doi.org/10.1177/1536867X1501500102>.

use utfall_stats::elementary::log;
use utfall_stats::sums::{sum, sum_of};

use crate::regression::check_finite;
use crate::score_weighted::infer_influences;
use crate::{EffectError, Family, GeneralisedFit, Grouping, Inference, Inferred, fit_generalised};

/// The two parts as fitted.
#[derive(Debug, Clone)]
pub struct TwoPart {
    /// Whether an outcome is above zero; of all rows.
    pub any: GeneralisedFit,
    /// How much it is then; of the rows with an outcome above zero, in their order.
    pub amount: GeneralisedFit,
    /// These rows.
    pub rows_above_zero: Vec<usize>,
    n_rows: usize,
}

/// A number and what each row adds to its error.
#[derive(Debug, Clone, PartialEq)]
pub struct Influenced {
    /// The number.
    pub point: f64,
    /// One value for each row; the sum of squares is the HC0 variance.
    pub influence: Vec<f64>,
}

/// Mean outcomes under two designs, and their comparisons.
#[derive(Debug, Clone, PartialEq)]
pub struct TwoPartMarginal {
    /// The mean outcome with the first design.
    pub mean_treated: Influenced,
    /// The mean outcome with the second.
    pub mean_comparator: Influenced,
    /// The first less the second, in the outcome's unit.
    pub difference: Influenced,
    /// The logarithm of the first over the second.
    pub log_ratio: Influenced,
    /// The difference in the probability of any.
    pub any_difference: Influenced,
    /// The difference in the mean amount if every row had one.
    pub amount_difference: Influenced,
}

/// Fits the two parts, with the same columns in both.
///
/// # Shapes and units
///
/// - `any`: [`Family::Logit`] or [`Family::Probit`]; `amount`: [`Family::Gamma`] or [`Family::Poisson`],
///   both with a log link. Only the mean of the amount need be right, with robust errors, which take
///   the expected information.
/// - `columns`: with a constant if there is to be one; `outcome`: zero or above, one value per row.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
/// - [`EffectError::OutcomeOutsideFamily`] for an outcome below zero, or families other than these.
/// - [`EffectError::NoVariation`] if no outcome is zero, or none is above: one part is enough then.
/// - Those of [`fit_generalised`] for either part.
///
/// # Reference
///
/// Mullahy (1998), *Journal of Health Economics* 17(3), <https://doi.org/10.1016/S0167-6296(98)00030-7>.
pub fn two_part(
    any: Family,
    amount: Family,
    columns: &[&[f64]],
    outcome: &[f64],
) -> Result<TwoPart, EffectError> {
    let outside = |row, expected| EffectError::OutcomeOutsideFamily { row, expected };
    if !matches!(any, Family::Logit | Family::Probit) {
        return Err(outside(0, "logit or probit for whether there is any"));
    }
    if !matches!(amount, Family::Gamma | Family::Poisson) {
        return Err(outside(0, "gamma or poisson for how much there is"));
    }
    check_finite("outcome", outcome, outcome.len())?;
    if let Some(row) = outcome.iter().position(|&value| value < 0.0) {
        return Err(outside(row, "zero or more"));
    }
    for column in columns {
        check_finite("covariate", column, outcome.len())?;
    }
    let above: Vec<usize> = (0..outcome.len())
        .filter(|&row| outcome[row] > 0.0)
        .collect();
    if above.is_empty() || above.len() == outcome.len() {
        return Err(EffectError::NoVariation);
    }
    let indicator: Vec<f64> = outcome
        .iter()
        .map(|&value| f64::from(u8::from(value > 0.0)))
        .collect();
    let take = |values: &&[f64]| -> Vec<f64> { above.iter().map(|&row| values[row]).collect() };
    let of_above: Vec<Vec<f64>> = columns.iter().map(take).collect();
    let of_above: Vec<&[f64]> = of_above.iter().map(Vec::as_slice).collect();
    Ok(TwoPart {
        any: fit_generalised(any, columns, None, &indicator)?,
        amount: fit_generalised(amount, &of_above, None, &take(&outcome))?,
        rows_above_zero: above,
        n_rows: outcome.len(),
    })
}

/// A mean over rows and its slopes in the coefficients of both parts.
struct Average {
    mean: f64,
    any: Vec<f64>,
    amount: Vec<f64>,
}

/// What is averaged.
#[derive(Clone, Copy)]
enum Of {
    Outcome,
    Any,
    Amount,
}

impl TwoPart {
    /// Mean outcomes under two designs, and their comparisons (g-computation, delta method).
    ///
    /// Rows and covariates are taken as given.
    ///
    /// # Shapes
    ///
    /// - `treated`, `comparator`: the columns of the fit with treatment set to each of two values.
    /// - `over`: weight of each row in the averages, zero or above.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices, and
    /// [`EffectError::NoVariation`] if no row is averaged over.
    pub fn marginal(
        &self,
        treated: &[&[f64]],
        comparator: &[&[f64]],
        over: &[f64],
    ) -> Result<TwoPartMarginal, EffectError> {
        let compared = |of: Of| {
            let with = self.average(of, treated, over)?;
            let without = self.average(of, comparator, over)?;
            Ok::<_, EffectError>((with, without))
        };
        let (with, without) = compared(Of::Outcome)?;
        let (any_with, any_without) = compared(Of::Any)?;
        let (amount_with, amount_without) = compared(Of::Amount)?;
        let (one, zero) = (with.mean, without.mean);
        Ok(TwoPartMarginal {
            mean_treated: self.influenced(one, [&with, &without], [1.0, 0.0])?,
            mean_comparator: self.influenced(zero, [&with, &without], [0.0, 1.0])?,
            difference: self.influenced(one - zero, [&with, &without], [1.0, -1.0])?,
            log_ratio: self.influenced(
                log(one / zero),
                [&with, &without],
                [1.0 / one, -1.0 / zero],
            )?,
            any_difference: self.influenced(
                any_with.mean - any_without.mean,
                [&any_with, &any_without],
                [1.0, -1.0],
            )?,
            amount_difference: self.influenced(
                amount_with.mean - amount_without.mean,
                [&amount_with, &amount_without],
                [1.0, -1.0],
            )?,
        })
    }

    fn average(&self, of: Of, columns: &[&[f64]], over: &[f64]) -> Result<Average, EffectError> {
        check_finite("averaging weight", over, self.n_rows)?;
        let n_columns = self.any.coefficients().len();
        if columns.len() != n_columns {
            return Err(EffectError::LengthMismatch {
                what: "columns",
                found: columns.len(),
                expected: n_columns,
            });
        }
        for column in columns {
            check_finite("covariate", column, self.n_rows)?;
        }
        let total = sum(over);
        if total <= 0.0 {
            return Err(EffectError::NoVariation);
        }
        let any = self.any.means_and_slopes(columns);
        let amount = self.amount.means_and_slopes(columns);
        // The mean of a row, and its slopes in either predictor.
        let row = |row: usize| match of {
            Of::Outcome => (
                any[row].0 * amount[row].0,
                any[row].1 * amount[row].0,
                any[row].0 * amount[row].1,
            ),
            Of::Any => (any[row].0, any[row].1, 0.0),
            Of::Amount => (amount[row].0, 0.0, amount[row].1),
        };
        let averaged = |value: &(dyn Fn(usize) -> f64 + Sync)| {
            sum_of(self.n_rows, |row| over[row] * value(row)) / total
        };
        Ok(Average {
            mean: averaged(&|i| row(i).0),
            any: columns
                .iter()
                .map(|column| averaged(&|i| row(i).1 * column[i]))
                .collect(),
            amount: columns
                .iter()
                .map(|column| averaged(&|i| row(i).2 * column[i]))
                .collect(),
        })
    }

    /// A combination of two averages.
    fn influenced(
        &self,
        point: f64,
        averages: [&Average; 2],
        shares: [f64; 2],
    ) -> Result<Influenced, EffectError> {
        let combined = |of: &dyn Fn(&Average) -> &[f64]| -> Vec<f64> {
            let slopes = of(averages[0]).iter().zip(of(averages[1]));
            slopes.map(|(a, b)| shares[0] * a + shares[1] * b).collect()
        };
        let any = combined(&|average| &average.any);
        let amount = combined(&|average| &average.amount);
        let mut influence = self.any.regression().contrast(&any)?.influence;
        let of_amount = self.amount.regression().contrast(&amount)?.influence;
        for (&row, more) in self.rows_above_zero.iter().zip(of_amount) {
            influence[row] += more;
        }
        Ok(Influenced { point, influence })
    }
}

impl Influenced {
    /// The number with its uncertainty, from the rows' influences alone: `hc0`, `hc1` (divisor
    /// `n - 1`) or, with clusters, `cr0` and `cr1`.
    ///
    /// # Errors
    ///
    /// Those of [`crate::infer`].
    pub fn infer(
        &self,
        clusters: &[&Grouping],
        inference: &Inference,
    ) -> Result<Inferred, EffectError> {
        infer_influences(self.point, &self.influence, clusters, inference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_nothing_but_an_indicator_the_means_are_those_of_the_arms() {
        let arm = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let outcome = [0.0, 4.0, 8.0, 3.0, 0.0, 0.0, 2.0, 7.0, 1.0];
        let one = [1.0; 9];
        let columns: [&[f64]; 2] = [&one, &arm];
        let fit = two_part(Family::Logit, Family::Gamma, &columns, &outcome).unwrap();
        let zero = [0.0; 9];
        let found = fit.marginal(&[&one, &one], &[&one, &zero], &one).unwrap();
        assert!((found.mean_treated.point - 3.75).abs() < 1e-9);
        assert!((found.mean_comparator.point - 2.0).abs() < 1e-9);
        // The delta method of a product of two means is the variance of the mean itself.
        let square: f64 = found.difference.influence.iter().map(|v| v * v).sum();
        let spread = |values: &[f64], mean: f64| {
            let n = utfall_stats::moments::count(values.len());
            values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n * n)
        };
        let expected = spread(&outcome[..4], 3.75) + spread(&outcome[4..], 2.0);
        assert!(
            (square / expected - 1.0).abs() < 1e-8,
            "{square} {expected}"
        );
        assert!(two_part(Family::Gamma, Family::Gamma, &columns, &outcome).is_err());
        assert!(two_part(Family::Logit, Family::Gamma, &columns, &one).is_err());
    }
}

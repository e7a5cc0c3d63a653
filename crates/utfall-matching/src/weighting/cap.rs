//! A largest weight: those above it are lowered to it, and counted.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_stats::moments::count;

use crate::weighting::WeightingError;

/// A largest weight, as a quantile of the weights; larger ones are set to it, none is dropped.
///
/// For the att and the atc it is a quantile of the arm that is reweighted, and only that arm is
/// capped; otherwise of both arms together. A cap trades balance for smaller weights, so balance
/// has to be looked at afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "CapText", into = "CapText")]
pub struct WeightCap {
    quantile: f64,
    rule: QuantileRule,
    is_lower_too: bool,
}

/// Which number a quantile of finitely many values is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuantileRule {
    /// A value that occurs: the one nearest to rank `nq`, of two equally near the even one.
    /// R's type 3, which the R package WeightIt trims by.
    NearestEven,
    /// Between two values that occur, at rank `1 + (n - 1)q`: R's type 7, its default.
    Interpolated,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "WeightCap")]
#[serde(rename_all = "kebab-case")]
struct CapText {
    quantile: f64,
    rule: QuantileRule,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lower_too: bool,
}

impl WeightCap {
    /// A cap at this quantile.
    ///
    /// # Errors
    ///
    /// A message unless the quantile lies between 0.5 and 1, both excluded.
    pub fn new(quantile: f64, rule: QuantileRule) -> Result<Self, String> {
        if quantile > 0.5 && quantile < 1.0 {
            Ok(Self {
                quantile,
                rule,
                is_lower_too: false,
            })
        } else {
            Err(format!(
                "a cap at quantile {quantile}, expected one between 0.5 and 1, both excluded"
            ))
        }
    }

    /// The same cap that also raises weights below the quantile at the other end to it.
    #[must_use]
    pub fn lower_too(self) -> Self {
        Self {
            is_lower_too: true,
            ..self
        }
    }

    /// Lowers weights to the cap. Returns the cap and how many were changed. Weights of zero are
    /// those of units left out, and stay.
    ///
    /// # Errors
    ///
    /// [`WeightingError::EmptyArm`] if no weight is to be capped.
    pub fn apply(
        &self,
        weights: &mut [f64],
        treated: &[bool],
        estimand: Estimand,
    ) -> Result<(f64, usize), WeightingError> {
        let capped = |unit: usize| match estimand {
            Estimand::Att | Estimand::MatchedTreated => !treated[unit],
            Estimand::Atc | Estimand::MatchedComparators => treated[unit],
            _ => true,
        };
        let n_units = weights.len().min(treated.len());
        let mut values: Vec<f64> = (0..n_units)
            .filter(|&unit| capped(unit) && weights[unit] > 0.0)
            .map(|unit| weights[unit])
            .collect();
        values.sort_by(f64::total_cmp);
        let cap = self
            .rule
            .of_sorted(&values, self.quantile)
            .ok_or(WeightingError::EmptyArm {
                arm: utfall_core::Arm::Comparator,
                n_units,
            })?;
        let lowest = self.rule.of_sorted(&values, 1.0 - self.quantile);
        let lowest = lowest.filter(|_| self.is_lower_too).unwrap_or(0.0);
        let mut n_capped = 0;
        for unit in (0..n_units).filter(|&unit| capped(unit)) {
            if weights[unit] <= 0.0 {
                continue;
            }
            let within = weights[unit].clamp(lowest, cap);
            n_capped += usize::from(within.to_bits() != weights[unit].to_bits());
            weights[unit] = within;
        }
        Ok((cap, n_capped))
    }
}

impl QuantileRule {
    /// The quantile of values in rising order; `None` of no values.
    fn of_sorted(self, values: &[f64], quantile: f64) -> Option<f64> {
        let last = values.len().checked_sub(1)?;
        let n = count(values.len());
        // Ranks are compared with a slack, as a product such as 0.29 · 100 is not whole in binary.
        let slack = 4.0 * f64::EPSILON;
        let at = |rank: f64| values[whole(rank).min(last)];
        Some(match self {
            Self::NearestEven => {
                let rank = n * quantile - 0.5;
                let below = (rank + slack).floor();
                let even = below % 2.0 <= 0.0;
                if (rank - below).abs() <= slack && even {
                    at((below - 1.0).max(0.0))
                } else {
                    at(below)
                }
            }
            Self::Interpolated => {
                let rank = (n - 1.0) * quantile;
                let below = (rank + slack).floor();
                let share = if (rank - below).abs() <= slack {
                    0.0
                } else {
                    rank - below
                };
                at(below) + share * (at(below + 1.0) - at(below))
            }
        })
    }
}

/// A rank as an index.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are whole, zero or more, and at most the number of units"
)]
fn whole(rank: f64) -> usize {
    rank as usize
}

impl TryFrom<CapText> for WeightCap {
    type Error = String;

    fn try_from(text: CapText) -> Result<Self, Self::Error> {
        let cap = Self::new(text.quantile, text.rule)?;
        Ok(if text.lower_too { cap.lower_too() } else { cap })
    }
}

impl From<WeightCap> for CapText {
    fn from(cap: WeightCap) -> Self {
        Self {
            quantile: cap.quantile,
            rule: cap.rule,
            lower_too: cap.is_lower_too,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_follow_the_two_rules_of_r() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        // quantile(1:10, q, type = 3) and type = 7.
        for (quantile, nearest, interpolated) in
            [(0.75, 8.0, 7.75), (0.65, 6.0, 6.85), (0.99, 10.0, 9.91)]
        {
            let of = |rule: QuantileRule| rule.of_sorted(&values, quantile).unwrap();
            assert!(
                (of(QuantileRule::NearestEven) - nearest).abs() < 1e-12,
                "{quantile}"
            );
            assert!((of(QuantileRule::Interpolated) - interpolated).abs() < 1e-12);
        }
    }

    #[test]
    fn only_the_reweighted_arm_is_capped() {
        let treated = [true, true, false, false, false, false];
        let cap = WeightCap::new(0.75, QuantileRule::NearestEven).unwrap();
        let mut weights = [1.0, 90.0, 1.0, 2.0, 3.0, 40.0];
        let found = cap.apply(&mut weights, &treated, Estimand::Att).unwrap();
        assert_eq!(found, (3.0, 1));
        let expected = [1.0, 90.0, 1.0, 2.0, 3.0, 3.0];
        assert!(
            weights
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() <= 0.0)
        );
    }

    #[test]
    fn the_other_end_is_raised_where_it_is_asked_for() {
        let treated = [true, false, false, false, false, false];
        let cap = WeightCap::new(0.75, QuantileRule::Interpolated).unwrap();
        let mut weights = [1.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let found = cap.lower_too().apply(&mut weights, &treated, Estimand::Att);
        assert_eq!(found.unwrap(), (4.0, 2));
        assert!((weights[1] - 2.0).abs() <= 0.0 && (weights[5] - 4.0).abs() <= 0.0);
    }

    #[test]
    fn a_cap_below_the_middle_is_refused() {
        for quantile in [0.5, 1.0, 0.0, f64::NAN] {
            assert!(WeightCap::new(quantile, QuantileRule::Interpolated).is_err());
        }
    }
}

//! Two arms and a yes-or-no outcome, counted, in one table or one for each stratum.
//!
//! Rothman, Greenland & Lash (2008), *Modern Epidemiology*, 3rd edition, chapters 14 and 15.

use utfall_core::Interval;
use utfall_stats::elementary::{exp, lgamma};
use utfall_stats::moments::count;
use utfall_stats::normal;

use crate::EffectError;

/// Probabilities this much larger than the observed table's still count as equal to it.
const EQUALLY_LIKELY: f64 = 1.0 + 1e-7;

/// Counts of an outcome in two arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RiskTable {
    /// Treated with the outcome.
    pub treated_yes: usize,
    /// Treated without it.
    pub treated_no: usize,
    /// Comparators with the outcome.
    pub comparator_yes: usize,
    /// Comparators without it.
    pub comparator_no: usize,
}

/// A ratio, with the standard error of its logarithm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The ratio.
    pub ratio: f64,
    /// Standard error of its logarithm.
    pub log_standard_error: f64,
}

/// Fisher's exact test of one table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exact {
    /// Two-sided p-value: the probability of all tables that are no more likely.
    pub p_value: f64,
    /// The odds ratio that maximises the conditional likelihood; `None` if it is zero or infinite.
    pub odds_ratio: Option<f64>,
}

/// Mantel and Haenszel's summary of several tables.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stratified {
    /// Odds ratio, with the error of Robins, Breslow & Greenland.
    pub odds_ratio: Ratio,
    /// Risk ratio, with the error of Greenland & Robins.
    pub risk_ratio: Ratio,
    /// Mantel–Haenszel χ² with one degree of freedom, without correction for continuity.
    pub chi_squared: f64,
}

impl Ratio {
    /// The interval of the ratio at a quantile of the normal.
    #[must_use]
    pub fn interval(&self, quantile: f64) -> Interval {
        let reach = exp(quantile * self.log_standard_error);
        Interval {
            lower: self.ratio / reach,
            upper: self.ratio * reach,
        }
    }

    fn defined(ratio: f64, log_variance: f64) -> Option<Self> {
        let is = ratio.is_finite() && ratio > 0.0 && log_variance.is_finite();
        is.then(|| Self {
            ratio,
            log_standard_error: log_variance.sqrt(),
        })
    }
}

impl RiskTable {
    /// Counts a table.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`] if the slices differ in length.
    pub fn of(treated: &[bool], yes: &[bool]) -> Result<Self, EffectError> {
        if yes.len() != treated.len() {
            return Err(EffectError::LengthMismatch {
                what: "outcome",
                found: yes.len(),
                expected: treated.len(),
            });
        }
        let n = |arm: bool, outcome: bool| {
            let rows = treated.iter().zip(yes);
            rows.filter(|(t, y)| **t == arm && **y == outcome).count()
        };
        Ok(Self {
            treated_yes: n(true, true),
            treated_no: n(true, false),
            comparator_yes: n(false, true),
            comparator_no: n(false, false),
        })
    }

    fn cells(&self) -> [f64; 4] {
        [
            count(self.treated_yes),
            count(self.treated_no),
            count(self.comparator_yes),
            count(self.comparator_no),
        ]
    }

    /// Difference of risks and its standard error, unpooled; `None` for an empty arm.
    #[must_use]
    pub fn risk_difference(&self) -> Option<(f64, f64)> {
        let [a, b, c, d] = self.cells();
        let (treated, comparator) = (a + b, c + d);
        let variance = a * b / treated.powi(3) + c * d / comparator.powi(3);
        let difference = a / treated - c / comparator;
        difference
            .is_finite()
            .then(|| (difference, variance.sqrt()))
    }

    /// Newcombe's interval of the risk difference from two Wilson intervals; `None` for an empty
    /// arm. Newcombe (1998), method 10.
    #[must_use]
    pub fn newcombe(&self, quantile: f64) -> Option<Interval> {
        let [a, b, c, d] = self.cells();
        let (difference, _) = self.risk_difference()?;
        let (treated, comparator) = (wilson(a, a + b, quantile), wilson(c, c + d, quantile));
        let reach = |one: f64, other: f64| (one * one + other * other).sqrt();
        let (p, q) = (a / (a + b), c / (c + d));
        Some(Interval {
            lower: difference - reach(p - treated.lower, comparator.upper - q),
            upper: difference + reach(treated.upper - p, q - comparator.lower),
        })
    }

    /// Ratio of risks, with Katz's error; `None` where an arm has no outcome.
    #[must_use]
    pub fn risk_ratio(&self) -> Option<Ratio> {
        let [a, b, c, d] = self.cells();
        let variance = 1.0 / a - 1.0 / (a + b) + 1.0 / c - 1.0 / (c + d);
        Ratio::defined(a / (a + b) / (c / (c + d)), variance)
    }

    /// Ratio of odds, with Woolf's error; `None` where a cell is empty.
    #[must_use]
    pub fn odds_ratio(&self) -> Option<Ratio> {
        let [a, b, c, d] = self.cells();
        Ratio::defined(a * d / (b * c), 1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d)
    }

    /// Pearson's χ² with one degree of freedom, without and with Yates' correction; `None` where
    /// a margin is empty.
    #[must_use]
    pub fn chi_squared(&self) -> Option<(f64, f64)> {
        let [a, b, c, d] = self.cells();
        let n = a + b + c + d;
        let margins = (a + b) * (c + d) * (a + c) * (b + d);
        let of = |cross: f64| n * cross * cross / margins;
        let cross = (a * d - b * c).abs();
        (margins > 0.0).then(|| (of(cross), of((cross - 0.5 * n).max(0.0))))
    }

    /// Fisher's exact test; `None` where a margin is empty.
    #[must_use]
    pub fn exact(&self) -> Option<Exact> {
        let n_yes = self.treated_yes + self.comparator_yes;
        let n_treated = self.treated_yes + self.treated_no;
        let n = n_treated + self.comparator_yes + self.comparator_no;
        if n_yes == 0 || n_yes == n || n_treated == 0 || n_treated == n {
            return None;
        }
        let lowest = (n_yes + n_treated).saturating_sub(n);
        let highest = n_yes.min(n_treated);
        let log_weight: Vec<f64> = (lowest..=highest)
            .map(|k| log_choose(n_treated, k) + log_choose(n - n_treated, n_yes - k))
            .collect();
        let chances = chances(&log_weight, 0.0);
        let observed = chances[self.treated_yes - lowest] * EQUALLY_LIKELY;
        let as_unlikely = chances.iter().filter(|chance| **chance <= observed);
        let inside = lowest < self.treated_yes && self.treated_yes < highest;
        Some(Exact {
            p_value: as_unlikely.sum::<f64>().min(1.0),
            odds_ratio: inside
                .then(|| conditional_odds_ratio(&log_weight, count(self.treated_yes - lowest))),
        })
    }
}

/// Mantel and Haenszel's summary of the tables of strata.
///
/// # Errors
///
/// [`EffectError::NoVariation`] if no stratum holds both arms and both outcomes, so that nothing
/// is to be summarised.
///
/// # Reference
///
/// Robins, Breslow & Greenland (1986), <https://doi.org/10.2307/2531052>; Greenland & Robins
/// (1985), <https://doi.org/10.2307/2530643>.
pub fn mantel_haenszel(tables: &[RiskTable]) -> Result<Stratified, EffectError> {
    let mut s = [0.0_f64; 10];
    for table in tables {
        let [a, b, c, d] = table.cells();
        let (treated, comparator, yes, n) = (a + b, c + d, a + c, a + b + c + d);
        if n < 2.0 {
            continue;
        }
        let (agree, differ) = ((a + d) / n, (b + c) / n);
        let (r, t) = (a * d / n, b * c / n);
        let parts = [
            r,
            t,
            agree * r,
            agree * t + differ * r,
            differ * t,
            a * comparator / n,
            c * treated / n,
            (treated * comparator * yes - a * c * n) / (n * n),
            a - treated * yes / n,
            treated * comparator * yes * (n - yes) / (n * n * (n - 1.0)),
        ];
        s.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    }
    let [
        r,
        t,
        agree_r,
        mixed,
        differ_t,
        with,
        without,
        spread,
        excess,
        variance,
    ] = s;
    let odds = agree_r / (2.0 * r * r) + mixed / (2.0 * r * t) + differ_t / (2.0 * t * t);
    let odds_ratio = Ratio::defined(r / t, odds).ok_or(EffectError::NoVariation)?;
    let risk_ratio = Ratio::defined(with / without, spread / (with * without));
    Ok(Stratified {
        odds_ratio,
        risk_ratio: risk_ratio.ok_or(EffectError::NoVariation)?,
        chi_squared: excess * excess / variance,
    })
}

/// Wilson's interval of a risk.
fn wilson(yes: f64, n: f64, quantile: f64) -> Interval {
    let square = quantile * quantile;
    let middle = yes + 0.5 * square;
    let reach = quantile * (yes * (n - yes) / n + 0.25 * square).sqrt();
    Interval {
        lower: (middle - reach) / (n + square),
        upper: (middle + reach) / (n + square),
    }
}

fn log_choose(n: usize, k: usize) -> f64 {
    lgamma(count(n) + 1.0) - lgamma(count(k) + 1.0) - lgamma(count(n - k) + 1.0)
}

/// Probabilities with weights tilted by `exp(k · log_odds)`.
fn chances(log_weight: &[f64], log_odds: f64) -> Vec<f64> {
    let tilted = log_weight.iter().enumerate();
    let tilted: Vec<f64> = tilted
        .map(|(k, weight)| weight + count(k) * log_odds)
        .collect();
    let most = tilted.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
    let chances: Vec<f64> = tilted.iter().map(|value| exp(value - most)).collect();
    let total: f64 = chances.iter().sum();
    chances.iter().map(|chance| chance / total).collect()
}

/// The odds ratio at which the mean of the conditional distribution is what was observed.
fn conditional_odds_ratio(log_weight: &[f64], observed: f64) -> f64 {
    let mean = |log_odds: f64| -> f64 {
        let chances = chances(log_weight, log_odds);
        chances
            .iter()
            .enumerate()
            .map(|(k, chance)| count(k) * chance)
            .sum()
    };
    let (mut low, mut high) = (-1.0, 1.0);
    while mean(low) > observed && low > -700.0 {
        low *= 2.0;
    }
    while mean(high) < observed && high < 700.0 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if mean(middle) < observed {
            low = middle;
        } else {
            high = middle;
        }
    }
    exp(0.5 * (low + high))
}

/// The two-sided p-value of a statistic with one degree of freedom.
#[must_use]
pub fn p_of_chi_squared(statistic: f64) -> f64 {
    normal::two_sided_p(statistic.max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: RiskTable = RiskTable {
        treated_yes: 3,
        treated_no: 1,
        comparator_yes: 1,
        comparator_no: 3,
    };

    #[test]
    fn the_lady_tasting_tea_has_her_p_value() {
        let exact = TABLE.exact().unwrap();
        assert!((exact.p_value - 34.0 / 70.0).abs() < 1e-12);
    }

    #[test]
    fn one_stratum_has_the_ratios_of_its_table() {
        let summary = mantel_haenszel(&[TABLE]).unwrap();
        assert!((summary.odds_ratio.ratio - 9.0).abs() < 1e-12);
        let woolf = TABLE.odds_ratio().unwrap().log_standard_error;
        assert!((summary.odds_ratio.log_standard_error - woolf).abs() < 1e-12);
        assert!((summary.risk_ratio.ratio - 3.0).abs() < 1e-12);
    }

    #[test]
    fn an_empty_cell_has_no_ratio_and_no_number_that_is_none() {
        let table = RiskTable {
            comparator_yes: 0,
            ..TABLE
        };
        assert!(table.risk_ratio().is_none() && table.odds_ratio().is_none());
        assert!(table.exact().unwrap().odds_ratio.is_none());
        let empty = RiskTable {
            treated_yes: 0,
            treated_no: 0,
            ..TABLE
        };
        assert!(empty.risk_difference().is_none() && empty.chi_squared().is_none());
        assert!(empty.newcombe(1.96).is_none() && empty.exact().is_none());
        assert!(mantel_haenszel(&[empty]).is_err());
    }
}

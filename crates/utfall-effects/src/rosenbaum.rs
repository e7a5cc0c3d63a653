//! Rosenbaum's bounds: how strong hidden bias would have to be to explain a matched result away.
//!
//! Rosenbaum (2002), *Observational Studies*, section 4.3,
//! <https://doi.org/10.1007/978-1-4757-3692-2>.

use utfall_stats::normal;
use utfall_stats::sums::sum;

use crate::EffectError;
use crate::regression::check_finite;

/// Pairs up to which exact probabilities are counted out.
const MOST_EXACT: usize = 1_000;

/// Wilcoxon's signed-rank statistic of matched pairs, and the p-values that hidden bias allows.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedRank {
    /// Ranks of the absolute differences that are not zero, ties sharing their mean rank.
    ranks: Vec<f64>,
    /// The sum of ranks of the pairs whose treated unit has the higher outcome.
    statistic: f64,
}

/// One-sided p-values of no effect against a higher outcome under treatment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RosenbaumBounds {
    /// The largest p-value that the bias allows.
    pub upper: f64,
    /// The smallest.
    pub lower: f64,
}

impl SignedRank {
    /// Ranks the differences within pairs, treated less comparator; zeros are dropped.
    ///
    /// # Errors
    ///
    /// [`EffectError::NotFinite`] at the first that is NaN or infinite,
    /// [`EffectError::NoVariation`] if all are zero.
    pub fn of(differences: &[f64]) -> Result<Self, EffectError> {
        check_finite("difference", differences, differences.len())?;
        let mut kept: Vec<f64> = differences
            .iter()
            .copied()
            .filter(|d| d.abs() > 0.0)
            .collect();
        if kept.is_empty() {
            return Err(EffectError::NoVariation);
        }
        kept.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let mut ranks = Vec::with_capacity(kept.len());
        let mut before = 0.0;
        for tied in kept.chunk_by(|a, b| a.abs().total_cmp(&b.abs()).is_eq()) {
            let n_tied = utfall_stats::moments::count(tied.len());
            let rank = before + 0.5 * (n_tied + 1.0);
            ranks.extend(std::iter::repeat_n(rank, tied.len()));
            before += n_tied;
        }
        let upper = kept.iter().zip(&ranks).filter(|(d, _)| **d > 0.0);
        let upper: Vec<f64> = upper.map(|(_, rank)| *rank).collect();
        Ok(Self {
            statistic: sum(&upper),
            ranks,
        })
    }

    /// Pairs whose difference is not zero.
    #[must_use]
    pub fn n_pairs(&self) -> usize {
        self.ranks.len()
    }

    /// The sum of ranks of the pairs whose treated unit has the higher outcome.
    #[must_use]
    pub fn statistic(&self) -> f64 {
        self.statistic
    }

    /// The p-values allowed if, within a pair, hidden bias multiplies the odds of treatment by up
    /// to `gamma`; one is no bias and gives Wilcoxon's test.
    ///
    /// By the normal approximation, without correction for continuity.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] unless `gamma` is a number of at least one.
    pub fn bounds(&self, gamma: f64) -> Result<RosenbaumBounds, EffectError> {
        if !gamma.is_finite() || gamma < 1.0 {
            return Err(EffectError::OutsideRange {
                what: "gamma",
                value: gamma,
            });
        }
        Ok(RosenbaumBounds {
            upper: self.p_value(gamma / (1.0 + gamma)),
            lower: self.p_value(1.0 / (1.0 + gamma)),
        })
    }

    /// Wilcoxon's exact two-sided p-value: twice the smaller tail, at most one. Tied ranks are
    /// counted as they are. `None` with more pairs than can be counted out.
    #[must_use]
    pub fn p_exact(&self) -> Option<f64> {
        if self.ranks.len() > MOST_EXACT {
            return None;
        }
        // Twice a mean rank is a whole number.
        let steps: Vec<usize> = self.ranks.iter().map(|rank| doubled(*rank)).collect();
        let mut ways = vec![0.0; steps.iter().sum::<usize>() + 1];
        ways[0] = 1.0;
        let mut reached = 0;
        for step in steps {
            reached += step;
            for at in (0..=reached).rev() {
                let with = if at < step { 0.0 } else { ways[at - step] };
                ways[at] = 0.5 * (ways[at] + with);
            }
        }
        let at = doubled(self.statistic);
        let (lower, upper) = (sum(&ways[..=at]), sum(&ways[at..]));
        Some((2.0 * lower.min(upper)).min(1.0))
    }

    /// Wilcoxon's two-sided p-value by the normal approximation.
    #[must_use]
    pub fn p_normal(&self, continuity: bool) -> f64 {
        let squares: Vec<f64> = self.ranks.iter().map(|rank| rank * rank).collect();
        let distance = (self.statistic - 0.5 * sum(&self.ranks)).abs();
        let correction = if continuity { distance.min(0.5) } else { 0.0 };
        normal::two_sided_p((distance - correction) / (0.25 * sum(&squares)).sqrt())
    }

    /// The p-value if a pair's higher outcome is the treated unit's with this probability.
    fn p_value(&self, probability: f64) -> f64 {
        let squares: Vec<f64> = self.ranks.iter().map(|rank| rank * rank).collect();
        let mean = probability * sum(&self.ranks);
        let variance = probability * (1.0 - probability) * sum(&squares);
        normal::upper_tail((self.statistic - mean) / variance.sqrt())
    }
}

/// Twice a rank or a sum of ranks.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number, zero or above"
)]
fn doubled(rank: f64) -> usize {
    (2.0 * rank).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank_and_zeros_have_none() {
        let ranked = SignedRank::of(&[2.0, 0.0, -2.0, 5.0, -1.0]).unwrap();
        assert_eq!(ranked.n_pairs(), 4);
        assert!((ranked.statistic() - 6.5).abs() < 1e-15);
    }

    #[test]
    fn exact_probabilities_of_three_pairs_are_counted_out() {
        let p = |differences: &[f64]| SignedRank::of(differences).unwrap().p_exact().unwrap();
        assert!((p(&[1.0, 2.0, 3.0]) - 0.25).abs() < 1e-15);
        assert!((p(&[-1.0, 2.0, 3.0]) - 0.5).abs() < 1e-15);
        assert!((p(&[1.0, -1.0, 2.0]) - 0.75).abs() < 1e-15);
    }

    #[test]
    fn more_bias_allows_more() {
        let ranked = SignedRank::of(&[2.0, 1.0, -0.5, 3.0, 4.0, -1.5]).unwrap();
        let (none, some) = (ranked.bounds(1.0).unwrap(), ranked.bounds(2.0).unwrap());
        assert!((none.upper - none.lower).abs() < 1e-15);
        assert!(some.lower < none.lower && none.upper < some.upper);
        assert!(ranked.bounds(0.5).is_err() && ranked.bounds(f64::NAN).is_err());
        assert_eq!(SignedRank::of(&[0.0]), Err(EffectError::NoVariation));
    }
}

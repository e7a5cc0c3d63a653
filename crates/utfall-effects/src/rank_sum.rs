//! Wilcoxon's rank-sum test of two arms (Mann–Whitney), and the shift of Hodges and Lehmann.
//!
//! Wilcoxon (1945), <https://doi.org/10.2307/3001968>; Mann & Whitney (1947),
//! <https://doi.org/10.1214/aoms/1177730491>; Hodges & Lehmann (1963),
//! <https://doi.org/10.1214/aoms/1177704172>.

use utfall_core::{ConfidenceLevel, Interval};
use utfall_stats::moments::count;
use utfall_stats::normal;

use crate::EffectError;
use crate::arms::check_arms;
use crate::regression::check_finite;
use crate::resampling::quantile;

/// Rows up to which exact probabilities are counted out.
const MOST_EXACT: usize = 2_000;

/// The rank-sum statistic of two arms.
#[derive(Debug, Clone, PartialEq)]
pub struct RankSum {
    n_treated: usize,
    n_comparator: usize,
    /// Pairs of a treated and a comparator row in which the treated outcome is higher; ties count
    /// one half.
    statistic: f64,
    /// `Σ (t³ - t)` over groups of `t` tied outcomes.
    ties: f64,
    /// Treated less comparator outcome over all pairs, from the smallest up.
    differences: Vec<f64>,
}

impl RankSum {
    /// Ranks the outcomes of both arms together, ties sharing their mean rank.
    ///
    /// Takes memory for one difference for each pair of rows of different arms.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices,
    /// [`EffectError::TooFewInArm`] if an arm is empty, [`EffectError::NoVariation`] if all outcomes
    /// are equal.
    pub fn of(treated: &[bool], outcome: &[f64]) -> Result<Self, EffectError> {
        check_finite("outcome", outcome, treated.len())?;
        let (n_treated, n_comparator) = check_arms(treated, 1)?;
        let (ranks, ties) = ranks(outcome);
        let n = count(outcome.len());
        if ties >= n * n * n - n {
            return Err(EffectError::NoVariation);
        }
        let of_treated = ranks.iter().zip(treated).filter(|(_, is)| **is);
        let total: f64 = of_treated.map(|(rank, _)| rank).sum();
        let arm = |arm: bool| {
            let rows = outcome
                .iter()
                .zip(treated)
                .filter(move |(_, is)| **is == arm);
            rows.map(|(y, _)| *y).collect::<Vec<f64>>()
        };
        let (with, without) = (arm(true), arm(false));
        let pairs = with.iter().flat_map(|y| without.iter().map(move |z| y - z));
        Ok(Self {
            n_treated,
            n_comparator,
            statistic: total - count(n_treated) * (count(n_treated) + 1.0) / 2.0,
            ties,
            differences: quantile::sorted(&pairs.collect::<Vec<f64>>()),
        })
    }

    /// Mann and Whitney's statistic of the treated: pairs in which the treated outcome is higher.
    #[must_use]
    pub fn treated(&self) -> f64 {
        self.statistic
    }

    /// That of the comparators.
    #[must_use]
    pub fn comparator(&self) -> f64 {
        count(self.n_treated) * count(self.n_comparator) - self.statistic
    }

    /// The probability that a treated outcome is higher than a comparator's, ties halved.
    #[must_use]
    pub fn probability_higher(&self) -> f64 {
        self.statistic / (count(self.n_treated) * count(self.n_comparator))
    }

    /// The two-sided p-value by the normal approximation with the variance corrected for ties.
    #[must_use]
    pub fn p_normal(&self, continuity: bool) -> f64 {
        let distance = self.distance();
        let correction = if continuity {
            0.5_f64.min(distance.abs())
        } else {
            0.0
        };
        normal::two_sided_p((distance.abs() - correction) / self.deviation())
    }

    /// The exact two-sided p-value: twice the smaller tail, at most one. `None` with ties, or with
    /// more rows than can be counted out.
    #[must_use]
    pub fn p_exact(&self) -> Option<f64> {
        let small = self.n_treated + self.n_comparator <= MOST_EXACT;
        if self.ties > 0.0 || !small {
            return None;
        }
        let distribution = distribution(self.n_treated, self.n_comparator);
        let at = quantile::rank(self.statistic + 1.0, distribution.len());
        let lower: f64 = distribution[..=at].iter().sum();
        let upper: f64 = distribution[at..].iter().sum();
        Some((2.0 * lower.min(upper)).min(1.0))
    }

    /// Hodges and Lehmann's shift: the median of all differences between a treated and a
    /// comparator outcome.
    #[must_use]
    pub fn shift(&self) -> f64 {
        let n = self.differences.len();
        0.5 * (self.differences[(n - 1) / 2] + self.differences[n / 2])
    }

    /// The shifts that the normal test without correction for continuity does not reject, from
    /// counting differences; with ties in the outcomes it is too wide rather than too narrow.
    #[must_use]
    pub fn shift_interval(&self, level: ConfidenceLevel) -> Interval {
        let reach = normal::quantile(0.5 * (1.0 + level.fraction())) * self.untied_deviation();
        let n = self.differences.len();
        let below = (0.5 * count(n) - reach).floor().max(0.0);
        let at = quantile::rank(below + 1.0, n);
        Interval {
            lower: self.differences[at],
            upper: self.differences[n - 1 - at],
        }
    }

    /// The shifts that the exact test does not reject; `None` with ties or many rows.
    #[must_use]
    pub fn exact_shift_interval(&self, level: ConfidenceLevel) -> Option<Interval> {
        let small = self.n_treated + self.n_comparator <= MOST_EXACT;
        if self.ties > 0.0 || !small {
            return None;
        }
        let tail = 0.5 * (1.0 - level.fraction());
        let mut below = 0.0;
        let distribution = distribution(self.n_treated, self.n_comparator);
        let reaching = distribution.iter().position(|probability| {
            below += probability;
            below >= tail
        });
        let n = self.differences.len();
        let at = reaching.unwrap_or(0).saturating_sub(1).min(n - 1);
        Some(Interval {
            lower: self.differences[at],
            upper: self.differences[n - 1 - at],
        })
    }

    fn distance(&self) -> f64 {
        self.statistic - 0.5 * count(self.n_treated) * count(self.n_comparator)
    }

    fn deviation(&self) -> f64 {
        let (m, n) = (count(self.n_treated), count(self.n_comparator));
        let all = m + n;
        (m * n / 12.0 * (all + 1.0 - self.ties / (all * (all - 1.0)))).sqrt()
    }

    fn untied_deviation(&self) -> f64 {
        let (m, n) = (count(self.n_treated), count(self.n_comparator));
        (m * n / 12.0 * (m + n + 1.0)).sqrt()
    }
}

/// The rank of each value from 1, ties sharing their mean rank, and `Σ (t³ - t)` over ties.
pub(crate) fn ranks(values: &[f64]) -> (Vec<f64>, f64) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let (mut before, mut ties) = (0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| (values[a] - values[b]).abs() <= 0.0) {
        let n_tied = count(tied.len());
        for &row in tied {
            ranks[row] = before + 0.5 * (n_tied + 1.0);
        }
        before += n_tied;
        ties += n_tied * n_tied * n_tied - n_tied;
    }
    (ranks, ties)
}

/// The probability of each value of Mann and Whitney's statistic without ties.
fn distribution(n_treated: usize, n_comparator: usize) -> Vec<f64> {
    // The generating function Π (1 - q^(n+i))/(1 - q^i), multiplied out; probabilities stay in
    // range as each factor is divided by its share of the number of arrangements.
    let most = n_treated * n_comparator;
    let mut ways = vec![0.0; most + 1];
    ways[0] = 1.0;
    for i in 1..=n_treated {
        for at in (n_comparator + i..=most).rev() {
            ways[at] -= ways[at - n_comparator - i];
        }
        for at in i..=most {
            ways[at] += ways[at - i];
        }
        let scale = count(i) / count(n_comparator + i);
        ways.iter_mut().for_each(|way| *way *= scale);
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_three_and_two_are_counted_out() {
        let expected = [1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0].map(|ways: f64| ways / 10.0);
        for (got, expected) in distribution(3, 2).iter().zip(expected) {
            assert!((got - expected).abs() < 1e-15);
        }
        let total: f64 = distribution(20, 30).iter().sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
    }

    #[test]
    fn arms_that_do_not_overlap_have_the_smallest_exact_p_value() {
        let treated = [true, true, true, false, false];
        let ranked = RankSum::of(&treated, &[5.0, 6.0, 7.5, 1.0, 2.0]).unwrap();
        assert!((ranked.treated() - 6.0).abs() < 1e-15 && ranked.comparator().abs() < 1e-15);
        assert!((ranked.p_exact().unwrap() - 0.2).abs() < 1e-15);
        assert!((ranked.shift() - 4.5).abs() < 1e-15);
        assert!((ranked.probability_higher() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn ties_have_no_exact_p_value_and_equal_outcomes_no_test() {
        let treated = [true, true, false, false];
        let ranked = RankSum::of(&treated, &[1.0, 2.0, 2.0, 3.0]).unwrap();
        assert_eq!(ranked.p_exact(), None);
        let equal = RankSum::of(&treated, &[1.0; 4]);
        assert_eq!(equal, Err(EffectError::NoVariation));
    }
}

//! p-values adjusted for being several.

use serde::{Deserialize, Serialize};
use utfall_stats::moments::count;

use crate::EffectError;

/// How p-values are adjusted; each adjusted value is compared with the level as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adjustment {
    /// Times their number; controls the chance of any false rejection, whatever the dependence.
    Bonferroni,
    /// Holm (1979): as Bonferroni, and never weaker. <https://www.jstor.org/stable/4615733>
    Holm,
    /// Hochberg (1988), for p-values that are independent or positively dependent.
    /// <https://doi.org/10.1093/biomet/75.4.800>
    Hochberg,
    /// Hommel (1988), never weaker than Hochberg's, under the same conditions.
    /// <https://doi.org/10.1093/biomet/75.2.383>
    Hommel,
    /// Benjamini & Hochberg (1995): the expected share of false rejections, for independent or
    /// positively dependent p-values. <https://doi.org/10.1111/j.2517-6161.1995.tb02031.x>
    BenjaminiHochberg,
    /// Benjamini & Yekutieli (2001): the same share, whatever the dependence.
    /// <https://doi.org/10.1214/aos/1013699998>
    BenjaminiYekutieli,
}

impl Adjustment {
    /// Every adjustment.
    pub const ALL: [Self; 6] = [
        Self::Bonferroni,
        Self::Holm,
        Self::Hochberg,
        Self::Hommel,
        Self::BenjaminiHochberg,
        Self::BenjaminiYekutieli,
    ];
}

/// Adjusts p-values for being several; the result is in the order given.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] at the first that is not between 0 and 1.
pub fn adjust_p_values(adjustment: Adjustment, p_values: &[f64]) -> Result<Vec<f64>, EffectError> {
    if let Some(&value) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(EffectError::OutsideRange {
            what: "p-value",
            value,
        });
    }
    let n = p_values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]).then(a.cmp(&b)));
    if adjustment == Adjustment::Hommel {
        return Ok(hommel(p_values, &order));
    }
    let harmonic: f64 = (1..=n).map(|rank| 1.0 / count(rank)).sum();
    // Factor of the p-value that has `rank` others before it.
    let factor = |rank: usize| match adjustment {
        Adjustment::Bonferroni => count(n),
        Adjustment::Holm | Adjustment::Hochberg | Adjustment::Hommel => count(n - rank),
        Adjustment::BenjaminiHochberg => count(n) / count(rank + 1),
        Adjustment::BenjaminiYekutieli => harmonic * count(n) / count(rank + 1),
    };
    let mut adjusted = vec![0.0; n];
    let (mut most, mut least) = (0.0_f64, 1.0_f64);
    let upwards = matches!(adjustment, Adjustment::Bonferroni | Adjustment::Holm);
    for step in 0..n {
        let rank = if upwards { step } else { n - 1 - step };
        let scaled = factor(rank) * p_values[order[rank]];
        most = most.max(scaled);
        least = least.min(scaled);
        adjusted[order[rank]] = if upwards { most.min(1.0) } else { least };
    }
    Ok(adjusted)
}

/// Hommel's adjustment by the algorithm of Wright (1992), <https://doi.org/10.2307/2532694>.
fn hommel(p_values: &[f64], order: &[usize]) -> Vec<f64> {
    let n = order.len();
    let sorted: Vec<f64> = order.iter().map(|&row| p_values[row]).collect();
    let scaled = (0..n).map(|rank| count(n) * sorted[rank] / count(rank + 1));
    let least = scaled.fold(1.0, f64::min);
    let mut adjusted = vec![least; n];
    for size in (2..n).rev() {
        let first = n - size;
        let tail = (1..size).map(|k| count(size) * sorted[first + k] / count(k + 1));
        let of_tail = tail.fold(f64::INFINITY, f64::min);
        let mut of_size = vec![of_tail; n];
        for (value, p) in of_size.iter_mut().zip(&sorted).take(first + 1) {
            *value = of_tail.min(count(size) * p);
        }
        let at_end = of_size[first];
        for value in &mut of_size[first + 1..] {
            *value = at_end;
        }
        for (value, new) in adjusted.iter_mut().zip(&of_size) {
            *value = value.max(*new);
        }
    }
    let mut given = vec![0.0; n];
    for (rank, &row) in order.iter().enumerate() {
        given[row] = adjusted[rank].max(sorted[rank]);
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_given_is_kept_and_one_p_value_stays_as_it_is() {
        for adjustment in Adjustment::ALL {
            assert_eq!(adjust_p_values(adjustment, &[0.04]).unwrap(), [0.04]);
            assert_eq!(adjust_p_values(adjustment, &[]).unwrap(), [0.0; 0]);
            let forth = adjust_p_values(adjustment, &[0.3, 0.01, 0.02]).unwrap();
            let back = adjust_p_values(adjustment, &[0.02, 0.01, 0.3]).unwrap();
            assert!((0..3).all(|i| (forth[2 - i] - back[i]).abs() <= 0.0));
            assert!(forth[1] <= forth[2] && forth[2] <= forth[0]);
        }
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        let refused = adjust_p_values(Adjustment::Holm, &[0.1, 1.1]).unwrap_err();
        assert!(matches!(refused, EffectError::OutsideRange { value, .. } if value > 1.0));
        assert!(adjust_p_values(Adjustment::Holm, &[f64::NAN]).is_err());
    }
}

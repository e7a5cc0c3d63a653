//! Romano and Wolf's step-down p-values: several hypotheses tested together, with their dependence.
//!
//! Romano & Wolf (2005), <https://doi.org/10.1198/016214504000000539>; Romano & Wolf (2016) on
//! p-values, <https://doi.org/10.1016/j.spl.2016.02.012>.

use utfall_stats::moments::count;

use crate::EffectError;
use crate::regression::check_finite;

/// p-values adjusted for being several, by replicates of their statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct StepDown {
    /// Stepping down: each statistic is compared with the largest of those not larger than it.
    pub step_down: Vec<f64>,
    /// Each statistic compared with the largest of all.
    pub single_step: Vec<f64>,
    /// Each statistic compared with its own replicates, not adjusted.
    pub unadjusted: Vec<f64>,
    /// As `step_down`, without counting the observed statistics in.
    pub step_down_of_replicates: Vec<f64>,
}

/// Adjusts two-sided p-values for being several.
///
/// They control the probability of any false rejection, and use how the statistics move together,
/// so they are smaller than Holm's where hypotheses resemble each other.
///
/// # Shapes
///
/// - `observed`: one statistic for each hypothesis, such as t.
/// - `replicates`: for each hypothesis one statistic a replicate, drawn under it (centred), in the
///   same order of replicates for all.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
///
/// # Reference
///
/// Romano & Wolf (2016), algorithm 4.2.
pub fn step_down(observed: &[f64], replicates: &[&[f64]]) -> Result<StepDown, EffectError> {
    check_finite("statistic", observed, replicates.len())?;
    let n_replicates = replicates.first().map_or(0, |first| first.len());
    for values in replicates {
        check_finite("replicate", values, n_replicates)?;
    }
    let mut order: Vec<usize> = (0..observed.len()).collect();
    order.sort_by(|&a, &b| {
        observed[b]
            .abs()
            .total_cmp(&observed[a].abs())
            .then(a.cmp(&b))
    });
    let beyond = |hypotheses: &[usize], own: usize| {
        let exceeds = |replicate: usize| {
            let values = hypotheses.iter().map(|&h| replicates[h][replicate].abs());
            values.fold(0.0, f64::max) >= observed[own].abs()
        };
        (0..n_replicates).filter(|&r| exceeds(r)).count()
    };
    let p = |number: usize| (1.0 + count(number)) / (1.0 + count(n_replicates));
    let share = |number: usize| count(number) / count(n_replicates);
    let mut stepped = vec![0; observed.len()];
    let mut most = 0;
    for (step, &hypothesis) in order.iter().enumerate() {
        most = beyond(&order[step..], hypothesis).max(most);
        stepped[hypothesis] = most;
    }
    let all: Vec<usize> = (0..observed.len()).collect();
    Ok(StepDown {
        step_down: stepped.iter().map(|&number| p(number)).collect(),
        single_step: all.iter().map(|&h| p(beyond(&all, h))).collect(),
        unadjusted: all.iter().map(|&h| p(beyond(&[h], h))).collect(),
        step_down_of_replicates: stepped.iter().map(|&number| share(number)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_statistic_is_compared_with_all_and_the_smallest_with_itself() {
        let first = [0.1, 2.5, 0.3, 0.2];
        let second = [3.5, 0.2, 0.1, 0.4];
        let got = step_down(&[3.0, 1.0], &[&first, &second]).unwrap();
        assert_eq!(got.unadjusted, [0.2, 0.4]);
        assert_eq!(got.single_step, [0.4, 0.6]);
        assert_eq!(got.step_down, [0.4, 0.4]);
        assert_eq!(got.step_down_of_replicates, [0.25, 0.25]);
    }
}

//! The weights of a request, and every number that describes them.

use utfall_core::Estimand;
use utfall_matching::design::{self, Weighting};
use utfall_matching::weighting;
use utfall_stats::{moments, sums};

use crate::table::Table;
use crate::{Numbers, RequestError, warning};

/// Weighs the rows and describes the weights; the result has one weight for each row, zero for those
/// that were left out.
pub(crate) fn weigh(
    table: &Table,
    wanted: &Weighting,
    estimand: Estimand,
    treated: &[bool],
    numbers: &mut Numbers,
) -> Result<weighting::Weighting, RequestError> {
    let found = design::weigh(table, wanted, estimand, treated)?;
    let kept: Vec<usize> = (0..treated.len())
        .filter(|&unit| found.weights[unit] > 0.0)
        .collect();
    let of_kept = |values: &[f64]| -> Vec<f64> { kept.iter().map(|&unit| values[unit]).collect() };
    if let Some(score) = &found.score {
        let score = of_kept(score);
        let (smallest, largest) = range(&score);
        numbers.real("score_min", smallest);
        numbers.real("score_max", largest);
        numbers.real("score_mean", moments::mean(&score));
        warning::of_scores(&score, numbers);
    }
    if kept.len() < treated.len() {
        let n_treated = kept.iter().filter(|&&unit| treated[unit]).count();
        numbers.count("n_trimmed", found.n_trimmed);
        numbers.count("n_treated_weighted", n_treated);
        numbers.count("n_comparator_weighted", kept.len() - n_treated);
    }
    if let Some(criterion) = found.criterion {
        numbers.real("gmm_criterion", criterion);
    }
    if let Some(cap) = found.cap {
        numbers.real("weight_cap", cap);
        numbers.count("n_capped", found.n_capped);
    }
    let of_kept_arms: Vec<bool> = kept.iter().map(|&unit| treated[unit]).collect();
    describe(&of_kept(&found.weights), &of_kept_arms, numbers);
    Ok(found)
}

fn describe(weights: &[f64], treated: &[bool], numbers: &mut Numbers) {
    let (smallest, largest) = range(weights);
    numbers.real("weight_min", smallest);
    numbers.real("weight_max", largest);
    numbers.real("weight_mean", moments::mean(weights));
    numbers.real("ess_total", moments::effective_sample_size(weights));
    for (arm, is_treated) in [("treated", true), ("comparator", false)] {
        let of_arm: Vec<f64> = weights
            .iter()
            .zip(treated)
            .filter(|(_, is)| **is == is_treated)
            .map(|(weight, _)| *weight)
            .collect();
        let (mean, variance) = moments::mean_and_variance(&of_arm);
        warning::of_weights(&of_arm, numbers);
        numbers.real(&format!("sum_weights_{arm}"), sums::sum(&of_arm));
        numbers.real(
            &format!("ess_{arm}"),
            moments::effective_sample_size(&of_arm),
        );
        if of_arm.len() > 1 {
            numbers.real(&format!("weight_cv_{arm}"), variance.sqrt() / mean);
        }
    }
}

/// The smallest and the largest value.
fn range(values: &[f64]) -> (f64, f64) {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    values.iter().fold(start, |(smallest, largest), value| {
        (value.min(smallest), value.max(largest))
    })
}

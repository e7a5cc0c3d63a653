//! Finds the comparators of a request, by the method it names.

use utfall_core::Estimand;
use utfall_matching::design::{self, Found, Matching};
use utfall_matching::{Matched, Stratified};
use utfall_stats::{moments, sums};

use crate::table::Table;
use crate::{Numbers, RequestError, warning};

/// Finds comparators and names every number about them.
pub(crate) fn find(
    table: &Table,
    matching: &Matching,
    question: Estimand,
    treated: &[bool],
    numbers: &mut Numbers,
) -> Result<Found, RequestError> {
    let found = design::find(table, matching, question, treated)?;
    if let Some(matched) = found.pairs() {
        describe_pairs(matched, found.distance.as_deref(), numbers);
    }
    if let Some(strata) = found.strata() {
        describe_strata(strata, numbers);
        if let (Some(_), Some(score)) = (&matching.full, &found.distance) {
            describe_distances(strata.pairs(), score, numbers);
        }
    }
    if let Some(score) = &found.distance {
        describe_score(score, treated, numbers);
    }
    let weights = found.comparison().weights();
    describe_weights(&weights, treated, numbers);
    warning::of_matching(&found, matching, treated, numbers);
    if found.strata().is_some() {
        let is_asked_about = |is_treated: &bool| match question {
            Estimand::Att => *is_treated,
            Estimand::Atc => !*is_treated,
            _ => true,
        };
        let asked: Vec<bool> = treated.iter().map(is_asked_about).collect();
        warning::of_strata(&weights, &asked, numbers);
    }
    Ok(found)
}

fn describe_pairs(matched: &Matched, score: Option<&[f64]>, numbers: &mut Numbers) {
    numbers.count("n_treated_matched", matched.n_treated_matched());
    numbers.count("n_comparator_matched", matched.n_comparator_matched());
    numbers.count("n_pairs", matched.n_pairs());
    numbers.count("n_tied", matched.n_tied());
    if let Some(width) = matched.caliper_width() {
        numbers.real("caliper_width", width);
    }
    if let Some(score) = score {
        describe_distances(matched.pairs(), score, numbers);
    }
}

/// How far apart pairs are on the score, all together.
fn describe_distances(
    pairs: impl Iterator<Item = (usize, usize)>,
    score: &[f64],
    numbers: &mut Numbers,
) {
    let apart: Vec<f64> = pairs.map(|(t, c)| (score[t] - score[c]).abs()).collect();
    numbers.real("sum_abs_distance", sums::sum(&apart));
}

fn describe_strata(strata: &Stratified, numbers: &mut Numbers) {
    numbers.count("n_treated_matched", strata.n_treated_matched());
    numbers.count("n_comparator_matched", strata.n_comparator_matched());
    numbers.count("n_strata", strata.n_strata());
}

fn of_arm(wanted: bool, values: &[f64], treated: &[bool]) -> Vec<f64> {
    let rows = values.iter().zip(treated);
    rows.filter(|(_, is)| **is == wanted)
        .map(|(value, _)| *value)
        .collect()
}

const ARMS: [(&str, bool); 2] = [("treated", true), ("comparator", false)];

fn describe_weights(weights: &[f64], treated: &[bool], numbers: &mut Numbers) {
    for (arm, is_treated) in ARMS {
        let weights = of_arm(is_treated, weights, treated);
        let effective = moments::effective_sample_size(&weights);
        numbers.real(&format!("sum_weights_{arm}"), sums::sum(&weights));
        numbers.real(&format!("ess_{arm}"), effective);
    }
}

fn describe_score(score: &[f64], treated: &[bool], numbers: &mut Numbers) {
    let (_, variance) = moments::mean_and_variance(score);
    numbers.real("distance_sd_all", variance.sqrt());
    for (arm, is_treated) in ARMS {
        let mean = moments::mean(&of_arm(is_treated, score, treated));
        numbers.real(&format!("distance_mean_{arm}"), mean);
    }
}

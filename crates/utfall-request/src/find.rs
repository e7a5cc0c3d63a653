//! Finds the comparators of a request, by the method it names.

use std::collections::BTreeMap;

use utfall_core::{Arm, Estimand};
use utfall_matching::{
    Candidates, Comparison, CovariateDistance, Matched, Stratified, coarsened, common_support,
    coordinates, nearest, nearest_on_covariates, propensity, stratified, subclassified,
};
use utfall_stats::{Matrix, moments, sums};

use crate::estimate::matrix;
use crate::table::Table;
use crate::{Distance, Matching, Numbers, RequestError};

/// Units made comparable, and the score they were found by, if any.
pub(crate) struct Found {
    made: Made,
    pub(crate) distance: Option<Vec<f64>>,
}

/// What a method makes.
enum Made {
    Pairs(Matched),
    Strata(Stratified),
}

impl Found {
    /// What every method results in.
    pub(crate) fn comparison(&self) -> &dyn Comparison {
        match &self.made {
            Made::Pairs(matched) => matched,
            Made::Strata(strata) => strata,
        }
    }

    /// The pairs, where the method makes them.
    pub(crate) fn pairs(&self) -> Option<&Matched> {
        match &self.made {
            Made::Pairs(matched) => Some(matched),
            Made::Strata(_) => None,
        }
    }
}

/// Finds comparators and names every number about them.
pub(crate) fn find(
    table: &Table,
    matching: &Matching,
    question: Estimand,
    treated: &[bool],
    numbers: &mut Numbers,
) -> Result<Found, RequestError> {
    let refused = |error| RequestError::matching(&matching.covariates, error);
    let score = score(table, matching, treated)?;
    let strata = strata(table, matching)?;
    let made = if matching.nearest.is_some() {
        let strata = strata.as_deref();
        let matched = pairs(table, matching, question, score.as_deref(), strata, treated)?;
        describe_pairs(&matched, score.as_deref(), numbers);
        Made::Pairs(matched)
    } else if let (Some(n_classes), Some(score)) = (matching.subclasses, &score) {
        let classes = subclassified(score, n_classes, treated, question).map_err(refused)?;
        describe_strata(&classes, numbers);
        Made::Strata(classes)
    } else {
        let strata = strata.unwrap_or_default();
        let whole = stratified(&strata, treated, question).map_err(refused)?;
        describe_strata(&whole, numbers);
        Made::Strata(whole)
    };
    if let Some(score) = &score {
        describe_score(score, treated, numbers);
    }
    let found = Found {
        made,
        distance: score,
    };
    describe_weights(&found.comparison().weights(), treated, numbers);
    Ok(found)
}

/// The propensity score or its logit, where units are near each other on it.
fn score(
    table: &Table,
    matching: &Matching,
    treated: &[bool],
) -> Result<Option<Vec<f64>>, RequestError> {
    let is_logit = match matching.distance {
        Some(Distance::PropensityScore) => false,
        Some(Distance::PropensityLogit) => true,
        _ => return Ok(None),
    };
    let covariates = columns(table, &matching.covariates)?;
    let scores = propensity(&covariates, treated)
        .map_err(|error| RequestError::matching(&matching.covariates, error))?;
    Ok(Some(if is_logit { scores.logit } else { scores.score }))
}

fn columns(table: &Table, names: &[String]) -> Result<Matrix, RequestError> {
    Matrix::from_columns(matrix(table, names)?).map_err(|error| RequestError::matrix(names, &error))
}

fn pairs(
    table: &Table,
    matching: &Matching,
    question: Estimand,
    score: Option<&[f64]>,
    strata: Option<&[u32]>,
    treated: &[bool],
) -> Result<Matched, RequestError> {
    let refused = |error| RequestError::matching(&matching.covariates, error);
    let focal_arm = if question == Estimand::Atc {
        Arm::Comparator
    } else {
        Arm::Treated
    };
    let support = match (matching.discard, score) {
        (Some(discard), Some(score)) => {
            Some(common_support(score, treated, discard).map_err(refused)?)
        }
        _ => None,
    };
    let candidates = Candidates::new(treated, focal_arm, support.as_deref()).map_err(refused)?;
    let rows = rows(table, matching, treated)?;
    let matched = candidates.matched(|part| {
        let strata = strata.map(|strata| part.of(strata));
        let score = score.map(|score| part.of(score));
        let (strata, score) = (strata.as_deref(), score.as_deref());
        match (&matching.nearest, &rows, score) {
            (Some(spec), Some(rows), score) => {
                let rows = part.rows_of(rows);
                nearest_on_covariates(spec, &rows, score, part.focal(), strata)
            }
            (Some(spec), None, score) => {
                nearest(spec, score.unwrap_or_default(), part.focal(), strata)
            }
            (None, ..) => Err(utfall_matching::MatchingError::NoCovariates),
        }
    });
    matched.map_err(refused)
}

/// Coordinates whose plain distance is the one asked for, where units are near on covariates.
fn rows(
    table: &Table,
    matching: &Matching,
    treated: &[bool],
) -> Result<Option<Matrix>, RequestError> {
    let on_covariates = matching.distance.and_then(Distance::on_covariates);
    let (names, distance): (&[String], CovariateDistance) =
        match (&matching.closest_on, on_covariates) {
            (Some(closest_on), _) => (&closest_on.covariates, closest_on.distance),
            (None, Some(distance)) => (&matching.covariates, distance),
            (None, None) => return Ok(None),
        };
    let rows = coordinates(distance, &columns(table, names)?, treated);
    rows.map(Some)
        .map_err(|error| RequestError::matching(names, error))
}

/// A number for each row that rows share if they are equal in every `exact` column and lie in the
/// same bin of every `coarsened` one.
fn strata(table: &Table, matching: &Matching) -> Result<Option<Vec<u32>>, RequestError> {
    if matching.exact.is_empty() && matching.coarsened.is_empty() {
        return Ok(None);
    }
    let cells: Vec<Vec<String>> = matching
        .exact
        .iter()
        .map(|column| table.texts(column))
        .collect::<Result<_, _>>()?;
    let (names, bins): (Vec<String>, Vec<_>) = matching
        .coarsened
        .iter()
        .map(|coarsened| (coarsened.column.clone(), coarsened.bins.clone()))
        .unzip();
    let of_bins = if names.is_empty() {
        vec![0; table.n_rows()]
    } else {
        coarsened(&columns(table, &names)?, &bins)
            .map_err(|error| RequestError::matching(&names, error))?
    };
    let mut known: BTreeMap<(u32, Vec<&str>), u32> = BTreeMap::new();
    let mut next = 0;
    let stratum = |row: usize| {
        let key = cells.iter().map(|column| column[row].as_str()).collect();
        *known.entry((of_bins[row], key)).or_insert_with(|| {
            next += 1;
            next - 1
        })
    };
    Ok(Some((0..table.n_rows()).map(stratum).collect()))
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
        let pairs = matched.pairs();
        let apart: Vec<f64> = pairs.map(|(t, c)| (score[t] - score[c]).abs()).collect();
        numbers.real("sum_abs_distance", sums::sum(&apart));
    }
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

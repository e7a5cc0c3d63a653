//! Answers a request: reads the file, matches, compares, estimates.

use utfall_core::Estimate;
use utfall_matching::design::{Found, Weighting};
use utfall_matching::weighting::{WeightingMethod, balanced_columns};
use utfall_matching::{Comparison, Sampled};
use utfall_stats::Matrix;

use crate::balance::{Compared, compare};
use crate::effect::{Estimated, Sample, average_predictions, estimate_effect};
use crate::files::Files;
use crate::find::find;
use crate::request::Request;
use crate::sensitivity::rosenbaum;
use crate::table::Table;
use crate::weigh::weigh;
use crate::{Answer, Estimator, Numbers, RequestError, warning};

/// Answers a comparison on the data file it names.
pub(crate) fn estimate(request: &Request, files: &Files<'_>) -> Result<Answer, RequestError> {
    let mut table = files.table(&request.data)?;
    let id = request.id.as_deref();
    let n_left_out = table.prepare(
        &request.derive,
        &request.keep,
        &request.drop_rows_without,
        id,
    )?;
    let on = |table: &Table| answer(request, table);
    let mut answered = on(&table)?;
    answered.numbers.count("n_rows_left_out", n_left_out);
    if let Some(bootstrap) = &request.bootstrap {
        bootstrap.put(&table, files, &mut answered.numbers, |table| {
            Ok(on(table)?.numbers)
        })?;
    }
    if let Some(leave_out) = &request.leave_out {
        leave_out.put(
            &table,
            &mut answered.numbers,
            |table| Ok(on(table)?.numbers),
        )?;
    }
    Ok(answered)
}

/// Answers a comparison on some rows.
fn answer(request: &Request, table: &Table) -> Result<Answer, RequestError> {
    let treated = request.treatment.of(table)?;

    let mut numbers = Numbers::default();
    let n_treated = treated.iter().filter(|&&is| is).count();
    numbers.count("n_treated", n_treated);
    numbers.count("n_comparator", treated.len() - n_treated);
    warning::of_arms(&treated, &mut numbers);

    let found = match &request.matching {
        Some(matching) => Some(find(
            table,
            matching,
            request.estimand,
            &treated,
            &mut numbers,
        )?),
        None => None,
    };
    let sampling = sampling_weights(request, table)?;
    let sampled = match (&found, &sampling) {
        (Some(found), Some(sampling_weights)) => Some(Sampled {
            comparison: found.comparison(),
            sampling_weights,
        }),
        _ => None,
    };
    let matched = match &sampled {
        Some(sampled) => Some(sampled as &dyn Comparison),
        None => found.as_ref().map(Found::comparison),
    };
    let weighting = match &request.weighting {
        Some(wanted) => Some(weigh(
            table,
            wanted,
            request.estimand,
            &treated,
            &mut numbers,
        )?),
        None => None,
    };
    let is_fitted_to_balance = request
        .weighting
        .as_ref()
        .is_some_and(|wanted| matches!(wanted.method, WeightingMethod::BalancingScore { .. }));
    let weights = weighting.as_ref().map(|found| found.weights.clone());
    let question = weighting
        .as_ref()
        .map_or(request.estimand, |found| found.estimand);
    let balancing_score = weighting.and_then(|found| found.score.filter(|_| is_fitted_to_balance));
    if let Some(wanted) = &request.balance {
        let compared = Compared {
            table,
            treated: &treated,
            found: found.as_ref(),
            matched,
            weights: weights.as_deref(),
            sampling: sampling.as_deref(),
        };
        compare(&compared, wanted, &mut numbers)?;
    }
    let mut estimand = matched.map_or(question, |matched| matched.estimand());
    if let Some(effect) = &request.effect {
        if let Some(column) = &effect.weight {
            warning::of_weights(&table.numbers(column)?, &mut numbers);
        }
        let weighted_on = match &request.weighting {
            Some(wanted) => weighted_on(table, wanted, effect.estimator)?,
            None => Vec::new(),
        };
        let sample = Sample {
            table,
            treated: &treated,
            matched,
            weights: weights.as_deref(),
            weighted_on: &weighted_on,
            balancing_score: balancing_score.as_deref(),
            estimand: question,
        };
        estimand = match effect.outcome_model {
            Some(model) => average_predictions(&sample, effect, model, &mut numbers)?,
            None => {
                let estimated = estimate_effect(&sample, effect)?;
                describe(&estimated, &mut numbers);
                if let Some(money) = &effect.money {
                    crate::money::put(money, &estimated.estimate, &mut numbers)
                        .map_err(|error| RequestError::effect(&[], None, error))?;
                }
                estimated.estimate.estimand
            }
        };
        let pairs = found.as_ref().and_then(Found::pairs);
        rosenbaum(table, effect, pairs, &mut numbers)?;
    }
    Ok(Answer {
        estimand: Some(estimand),
        numbers,
    })
}

/// The sampling weights that matching or weighting names.
fn sampling_weights(request: &Request, table: &Table) -> Result<Option<Vec<f64>>, RequestError> {
    let of_matching = request
        .matching
        .as_ref()
        .map(|wanted| &wanted.sampling_weight);
    let of_weighting = request
        .weighting
        .as_ref()
        .map(|wanted| &wanted.sampling_weight);
    let column = of_matching.or(of_weighting).and_then(Option::as_ref);
    column.map(|column| table.numbers(column)).transpose()
}

/// The columns behind the weights, for an estimator whose error carries their uncertainty.
fn weighted_on(
    table: &Table,
    wanted: &Weighting,
    estimator: Estimator,
) -> Result<Vec<Vec<f64>>, RequestError> {
    let covariates = || matrix(table, &wanted.covariates);
    match (estimator, wanted.method) {
        (Estimator::ScoreWeightedDifference, _) => covariates(),
        (Estimator::BalancedDifference, WeightingMethod::EntropyBalancing { moments }) => {
            let covariates = Matrix::from_columns(covariates()?)
                .map_err(|error| RequestError::matrix(&wanted.covariates, &error))?;
            let columns = balanced_columns(&covariates, moments)
                .map_err(|error| RequestError::weighting(&wanted.covariates, error))?;
            Ok(columns.columns().map(<[f64]>::to_vec).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// Columns as a matrix.
pub(crate) fn matrix(table: &Table, names: &[String]) -> Result<Vec<Vec<f64>>, RequestError> {
    names.iter().map(|name| table.numbers(name)).collect()
}

fn describe(estimated: &Estimated, numbers: &mut Numbers) {
    describe_estimate(&estimated.estimate, numbers);
    numbers.real("outcome_mean_treated", estimated.mean_treated);
    numbers.real("outcome_mean_comparator", estimated.mean_comparator);
    for (name, error) in &estimated.errors {
        numbers.real(name, *error);
    }
}

/// Names the effect and its uncertainty.
pub(crate) fn describe_estimate(estimate: &Estimate, numbers: &mut Numbers) {
    numbers.real("estimate", estimate.point);
    numbers.real("se", estimate.standard_error);
    numbers.real("t", estimate.point / estimate.standard_error);
    numbers.real("p", estimate.p_value);
    numbers.real("ci_low", estimate.interval.lower);
    numbers.real("ci_high", estimate.interval.upper);
    if let Some(degrees) = estimate.degrees_of_freedom {
        numbers.real("df", degrees);
    }
    if let Some(n_clusters) = estimate.n_clusters {
        numbers.count("n_clusters", n_clusters);
    }
}

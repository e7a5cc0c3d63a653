//! Answers a request: reads the file, matches, compares, estimates.

use utfall_matching::design::Found;
use utfall_matching::{Imbalance, SmdDenominator, balance};
use utfall_stats::Matrix;

use crate::effect::{Estimated, Sample, average_predictions, estimate_effect};
use crate::files::Files;
use crate::find::find;
use crate::request::Request;
use crate::sensitivity::rosenbaum;
use crate::table::Table;
use crate::weigh::weigh;
use crate::{Answer, Balance, Estimator, Numbers, RequestError};

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
    let matched = found.as_ref().map(Found::comparison);
    let weights = match &request.weighting {
        Some(wanted) => Some(weigh(
            table,
            wanted,
            request.estimand,
            &treated,
            &mut numbers,
        )?),
        None => None,
    };
    if let Some(wanted) = &request.balance {
        let weights = weights.as_deref();
        compare(
            table,
            wanted,
            found.as_ref(),
            weights,
            &treated,
            &mut numbers,
        )?;
    }
    let mut estimand = matched.map_or(request.estimand, |matched| matched.estimand());
    if let Some(effect) = &request.effect {
        let by_score = request
            .weighting
            .as_ref()
            .filter(|_| effect.estimator == Estimator::ScoreWeightedDifference);
        let score_covariates = by_score.map_or(Ok(Vec::new()), |weighting| {
            matrix(table, &weighting.covariates)
        })?;
        let sample = Sample {
            table,
            treated: &treated,
            matched,
            weights: weights.as_deref(),
            score_covariates: &score_covariates,
            estimand: request.estimand,
        };
        estimand = match effect.outcome_model {
            Some(model) => average_predictions(&sample, effect, model, &mut numbers)?,
            None => {
                let estimated = estimate_effect(&sample, effect)?;
                describe(&estimated, &mut numbers);
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

/// Columns as a matrix.
pub(crate) fn matrix(table: &Table, names: &[String]) -> Result<Vec<Vec<f64>>, RequestError> {
    names.iter().map(|name| table.numbers(name)).collect()
}

fn compare(
    table: &Table,
    wanted: &Balance,
    found: Option<&Found>,
    weights: Option<&[f64]>,
    treated: &[bool],
    numbers: &mut Numbers,
) -> Result<(), RequestError> {
    let mut names = wanted.covariates.clone();
    let mut columns = matrix(table, &names)?;
    let mut weights = weights.map_or_else(|| vec![1.0; treated.len()], <[f64]>::to_vec);
    if let Some(found) = found {
        if let Some(distance) = &found.distance {
            names.push("distance".to_owned());
            columns.push(distance.clone());
        }
        weights = found.comparison().weights();
    }
    let columns =
        Matrix::from_columns(columns).map_err(|error| RequestError::matrix(&names, &error))?;
    let rows = balance(&columns, treated, &weights, wanted.smd_denominator)
        .map_err(|error| RequestError::matching(&names, error))?;
    let sizes = rows
        .iter()
        .take(wanted.covariates.len())
        .map(|row| row.after.smd.map(f64::abs));
    if let Some(sizes) = sizes.collect::<Option<Vec<f64>>>() {
        numbers.real("max_abs_smd", sizes.into_iter().fold(0.0, f64::max));
    }
    for (column, (name, row)) in names.iter().zip(&rows).enumerate() {
        if let Some(found) = found {
            let apart = found
                .comparison()
                .mean_pair_difference(columns.column(column));
            let divisor = divisor(&row.before, wanted.smd_denominator);
            if divisor > 0.0 {
                numbers.covariate("pair_distance", name, apart / divisor);
            }
        }
        for (suffix, imbalance) in [("", row.after), ("_before", row.before)] {
            let mut put = |number: &str, value: Option<f64>| {
                if let Some(value) = value {
                    numbers.covariate(&format!("{number}{suffix}"), name, value);
                }
            };
            put("mean_treated", Some(imbalance.mean_treated));
            put("mean_comparator", Some(imbalance.mean_comparator));
            put("sd_treated", Some(imbalance.sd_treated));
            put("sd_comparator", Some(imbalance.sd_comparator));
            put("smd", imbalance.smd);
            put("variance_ratio", imbalance.variance_ratio);
            put("ecdf_mean", Some(imbalance.ecdf_mean));
            put("ecdf_max", Some(imbalance.ecdf_max));
        }
    }
    Ok(())
}

/// The standard deviation that divides mean differences.
fn divisor(before: &Imbalance, denominator: SmdDenominator) -> f64 {
    let (treated, comparator) = (before.sd_treated, before.sd_comparator);
    match denominator {
        SmdDenominator::Treated => treated,
        SmdDenominator::Comparator => comparator,
        SmdDenominator::Pooled => (0.5 * (treated * treated + comparator * comparator)).sqrt(),
    }
}

fn describe(estimated: &Estimated, numbers: &mut Numbers) {
    let estimate = &estimated.estimate;
    numbers.real("estimate", estimate.point);
    numbers.real("outcome_mean_treated", estimated.mean_treated);
    numbers.real("outcome_mean_comparator", estimated.mean_comparator);
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
    for (name, error) in &estimated.errors {
        numbers.real(name, *error);
    }
}

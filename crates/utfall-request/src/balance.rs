//! How alike the arms are, before and after: what a request asks for, and every number about it.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utfall_matching::design::Found;
use utfall_matching::{
    Comparison, CovariateBalance, Equivalence, SmdDenominator, balance_sampled, effect_size,
    overlap, prognostic_score, propensity,
};
use utfall_stats::{Matrix, moments};

use crate::estimate::matrix;
use crate::table::Table;
use crate::{Numbers, RequestError, Warning};

/// Which covariates to compare between the arms.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Balance {
    /// Numeric columns, `column=value` for an indicator, `column^2` for a square or `a:b` for a
    /// product. With matching, `distance` is compared too.
    pub covariates: Vec<String>,
    /// The standard deviation that divides mean differences.
    pub smd_denominator: SmdDenominator,
    /// What of the covariates is compared beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<FurtherBalance>,
    /// Covariates of a logistic propensity score that is compared as `distance`; without matching.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub score: Vec<String>,
    /// The prognostic score to compare, as `prognostic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prognostic: Option<Prognostic>,
    /// What becomes of rows where a covariate has no value; an error without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingCovariates>,
    /// Columns within whose values the covariates are compared as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<String>,
    /// Bins in which units are counted along `distance`, before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_bins: Option<NonZeroU32>,
}

/// What becomes of rows where a covariate has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingCovariates {
    /// Each covariate is compared among the rows that have it, and the share of those that do not
    /// is compared too, as `column missing`.
    ByCovariate,
}

/// What of the covariates is compared beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FurtherBalance {
    /// The square of each that is not an indicator, as `column^2`.
    Squares,
    /// The product of each two, as `a:b`; an indicator takes part at both its values.
    Interactions,
}

/// A prognostic score: an outcome and what predicts it among comparators.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Prognostic {
    /// The outcome column.
    pub outcome: String,
    /// The covariates of a linear model.
    pub covariates: Vec<String>,
}

/// What is compared.
pub(crate) struct Compared<'a> {
    pub(crate) table: &'a Table,
    pub(crate) treated: &'a [bool],
    pub(crate) found: Option<&'a Found>,
    pub(crate) matched: Option<&'a dyn Comparison>,
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) sampling: Option<&'a [f64]>,
}

/// Columns by name.
type Named = Vec<(String, Vec<f64>)>;

impl Compared<'_> {
    /// The weights of the comparison.
    fn weights(&self) -> Vec<f64> {
        match (self.matched, self.weights, self.sampling) {
            (Some(matched), ..) => matched.weights(),
            (None, Some(weights), _) => weights.to_vec(),
            (None, None, Some(sampling)) => sampling.to_vec(),
            (None, None, None) => vec![1.0; self.treated.len()],
        }
    }

    /// The score that units were found by, or the one that is asked for.
    fn distance(&self, wanted: &Balance) -> Result<Option<Vec<f64>>, RequestError> {
        if let Some(distance) = self.found.and_then(|found| found.distance.as_ref()) {
            return Ok(Some(distance.clone()));
        }
        if wanted.score.is_empty() {
            return Ok(None);
        }
        let covariates = columns(matrix(self.table, &wanted.score)?, &wanted.score)?;
        let scores = propensity(&covariates, self.treated);
        let scores = scores.map_err(|error| RequestError::matching(&wanted.score, error))?;
        Ok(Some(scores.score))
    }
}

fn columns(values: Vec<Vec<f64>>, names: &[String]) -> Result<Matrix, RequestError> {
    Matrix::from_columns(values).map_err(|error| RequestError::matrix(names, &error))
}

/// Compares the arms and names every number about them.
pub(crate) fn compare(
    compared: &Compared<'_>,
    wanted: &Balance,
    numbers: &mut Numbers,
) -> Result<(), RequestError> {
    let table = compared.table;
    if wanted.missing == Some(MissingCovariates::ByCovariate) {
        return by_covariate(compared, wanted, numbers);
    }
    let values = matrix(table, &wanted.covariates)?;
    let mut named: Named = wanted.covariates.iter().cloned().zip(values).collect();
    further(&mut named, &wanted.also);
    let n_covariates = named.len();
    if let Some(prognostic) = &wanted.prognostic {
        named.push(("prognostic".to_owned(), predicted(compared, prognostic)?));
    }
    let distance = compared.distance(wanted)?;
    if let Some(distance) = &distance {
        named.push(("distance".to_owned(), distance.clone()));
    }
    let weights = compared.weights();
    let all: Vec<usize> = (0..compared.treated.len()).collect();
    let rows = rows_among(compared, wanted, &named, &weights, &all)?;
    if let Some(largest) = largest(&rows[..n_covariates]) {
        numbers.real("max_abs_smd", largest);
    }
    let n_after = [true, false].map(|arm| {
        let mut of_arm = weights
            .iter()
            .zip(compared.treated)
            .map(|(w, is)| *is == arm && *w > 0.0);
        of_arm.by_ref().filter(|is| *is).count()
    });
    let n_before =
        [true, false].map(|arm| compared.treated.iter().filter(|is| **is == arm).count());
    for ((name, values), row) in named.iter().zip(&rows) {
        if let Some(matched) = compared.matched {
            let apart = matched.mean_pair_difference(values);
            if row.denominator > 0.0 {
                numbers.covariate("pair_distance", name, apart / row.denominator);
            }
        }
        if row.after.smd.is_none() {
            let covariate = name.clone();
            numbers.warn(Warning::UndefinedDifference { covariate });
        }
        describe(row, name, [n_before, n_after], numbers);
    }
    for column in &wanted.within {
        within(
            compared,
            wanted,
            column,
            &named[..n_covariates],
            &weights,
            numbers,
        )?;
    }
    match (wanted.overlap_bins, &distance) {
        (Some(n_bins), Some(distance)) => {
            describe_overlap(distance, compared.treated, &weights, n_bins, numbers)
        }
        (Some(_), None) => Err(RequestError::Contradiction {
            what: "`overlap-bins` without a distance along which units lie".to_owned(),
            remedy: "match on a score, or without matching name covariates in `score`",
        }),
        (None, _) => Ok(()),
    }
}

/// Each covariate among the rows that have it.
fn by_covariate(
    compared: &Compared<'_>,
    wanted: &Balance,
    numbers: &mut Numbers,
) -> Result<(), RequestError> {
    let weights = compared.weights();
    let all: Vec<usize> = (0..compared.treated.len()).collect();
    for name in &wanted.covariates {
        let cells = compared.table.numbers_or_never(name, &[])?;
        let has: Vec<usize> = all
            .iter()
            .copied()
            .filter(|&unit| cells[unit].is_some())
            .collect();
        let absent = cells.iter().map(|cell| f64::from(u8::from(cell.is_none())));
        let absent: Named = vec![(format!("{name} missing"), absent.collect())];
        let values: Named = vec![(
            name.clone(),
            cells.iter().map(|cell| cell.unwrap_or(0.0)).collect(),
        )];
        let mut put = |named: &Named, units: &[usize]| {
            let rows = rows_among(compared, wanted, named, &weights, units)?;
            let n = |is_counted: &dyn Fn(usize) -> bool| {
                [true, false].map(|arm| {
                    let of_arm = units.iter().filter(|&&unit| compared.treated[unit] == arm);
                    of_arm.filter(|&&unit| is_counted(unit)).count()
                })
            };
            let counts = [n(&|_| true), n(&|unit| weights[unit] > 0.0)];
            describe(&rows[0], &named[0].0, counts, numbers);
            Ok::<(), RequestError>(())
        };
        put(&values, &has)?;
        if has.len() < all.len() {
            put(&absent, &all)?;
        }
    }
    Ok(())
}

/// Squares and products of the covariates so far.
fn further(named: &mut Named, wanted: &[FurtherBalance]) {
    let is_binary = |values: &[f64]| {
        values
            .iter()
            .all(|&x| x.abs() <= 0.0 || (x - 1.0).abs() <= 0.0)
    };
    let plain = named.clone();
    if wanted.contains(&FurtherBalance::Squares) {
        for (name, values) in plain.iter().filter(|(_, values)| !is_binary(values)) {
            named.push((format!("{name}^2"), values.iter().map(|x| x * x).collect()));
        }
    }
    if !wanted.contains(&FurtherBalance::Interactions) {
        return;
    }
    let levels = |(name, values): &(String, Vec<f64>)| -> Named {
        if is_binary(values) {
            let opposite = values.iter().map(|x| 1.0 - x).collect();
            vec![
                (format!("{name}=0"), opposite),
                (format!("{name}=1"), values.clone()),
            ]
        } else {
            vec![(name.clone(), values.clone())]
        }
    };
    for (place, one) in plain.iter().enumerate() {
        for other in &plain[place + 1..] {
            for (a, x) in &levels(one) {
                for (b, y) in &levels(other) {
                    let product = x.iter().zip(y).map(|(x, y)| x * y).collect();
                    named.push((format!("{a}:{b}"), product));
                }
            }
        }
    }
}

fn predicted(compared: &Compared<'_>, wanted: &Prognostic) -> Result<Vec<f64>, RequestError> {
    let values = matrix(compared.table, &wanted.covariates)?;
    let covariates = columns(values, &wanted.covariates)?;
    let outcome = compared.table.numbers(&wanted.outcome)?;
    prognostic_score(&covariates, &outcome, compared.treated)
        .map_err(|error| RequestError::matching(&wanted.covariates, error))
}

/// The balance of each column among some of the units.
fn rows_among(
    compared: &Compared<'_>,
    wanted: &Balance,
    named: &[(String, Vec<f64>)],
    weights: &[f64],
    units: &[usize],
) -> Result<Vec<CovariateBalance>, RequestError> {
    let of_units =
        |values: &[f64]| -> Vec<f64> { units.iter().map(|&unit| values[unit]).collect() };
    let names: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
    let values = named.iter().map(|(_, values)| of_units(values)).collect();
    let treated: Vec<bool> = units.iter().map(|&unit| compared.treated[unit]).collect();
    let sampling = compared.sampling.map(of_units);
    balance_sampled(
        &columns(values, &names)?,
        &treated,
        sampling.as_deref(),
        &of_units(weights),
        wanted.smd_denominator,
    )
    .map_err(|error| RequestError::matching(&names, error))
}

/// The largest absolute difference; `None` if one is not defined.
fn largest(rows: &[CovariateBalance]) -> Option<f64> {
    let sizes = rows.iter().map(|row| row.after.smd.map(f64::abs));
    let sizes = sizes.collect::<Option<Vec<f64>>>()?;
    Some(sizes.into_iter().fold(0.0, f64::max))
}

fn describe(row: &CovariateBalance, name: &str, n: [[usize; 2]; 2], numbers: &mut Numbers) {
    let sides = [("_before", &row.before, n[0]), ("", &row.after, n[1])];
    for (suffix, imbalance, n) in sides {
        let mut put = |number: &str, value: Option<f64>| {
            if let Some(value) = value {
                numbers.covariate(&format!("{number}{suffix}"), name, value);
            }
        };
        put("mean_treated", Some(imbalance.mean_treated));
        put("mean_comparator", Some(imbalance.mean_comparator));
        put("sd_treated", Some(imbalance.sd_treated));
        put("sd_comparator", Some(imbalance.sd_comparator));
        put(
            "mean_difference",
            Some(imbalance.mean_treated - imbalance.mean_comparator),
        );
        put("smd", imbalance.smd);
        put("variance_ratio", imbalance.variance_ratio);
        put("ecdf_mean", Some(imbalance.ecdf_mean));
        put("ecdf_max", Some(imbalance.ecdf_max));
        put("eqq_mean", imbalance.quantiles_apart.map(|apart| apart.0));
        put("eqq_max", imbalance.quantiles_apart.map(|apart| apart.1));
        let size = effect_size(row, imbalance, n);
        put("effect_size", size);
        put("wwc_class", Some(class_number(Equivalence::of(size))));
    }
}

/// 1 is equivalent, 2 if the estimate adjusts, 3 not.
fn class_number(class: Equivalence) -> f64 {
    match class {
        Equivalence::Equivalent => 1.0,
        Equivalence::EquivalentIfAdjusted => 2.0,
        Equivalence::NotEquivalent => 3.0,
    }
}

/// The covariates within each value of a column that holds both arms, with the denominators of
/// those units alone.
fn within(
    compared: &Compared<'_>,
    wanted: &Balance,
    column: &str,
    named: &[(String, Vec<f64>)],
    weights: &[f64],
    numbers: &mut Numbers,
) -> Result<(), RequestError> {
    let cells = compared.table.texts(column)?;
    let values: BTreeSet<&String> = cells.iter().collect();
    let (mut n_without, mut worst) = (0, Some(0.0_f64));
    for value in values {
        let units: Vec<usize> = (0..cells.len())
            .filter(|&unit| &cells[unit] == value)
            .collect();
        let has = |arm: bool| {
            units
                .iter()
                .any(|&unit| compared.treated[unit] == arm && weights[unit] > 0.0)
        };
        if !has(true) || !has(false) {
            n_without += 1;
            continue;
        }
        let rows = rows_among(compared, wanted, named, weights, &units)?;
        worst = worst
            .zip(largest(&rows))
            .map(|(worst, largest)| worst.max(largest));
        for ((name, _), row) in named.iter().zip(&rows) {
            let name = format!("{name} | {column}={value}");
            for (suffix, imbalance) in [("_before", &row.before), ("", &row.after)] {
                let mut put = |number: &str, value: Option<f64>| {
                    if let Some(value) = value {
                        numbers.covariate(&format!("{number}{suffix}"), &name, value);
                    }
                };
                put("smd", imbalance.smd);
                put("variance_ratio", imbalance.variance_ratio);
                put("ecdf_max", Some(imbalance.ecdf_max));
            }
        }
    }
    numbers.count(&format!("n_without_an_arm_in_{column}"), n_without);
    if let Some(worst) = worst {
        numbers.real(&format!("max_abs_smd_in_{column}"), worst);
    }
    Ok(())
}

fn describe_overlap(
    distance: &[f64],
    treated: &[bool],
    weights: &[f64],
    n_bins: NonZeroU32,
    numbers: &mut Numbers,
) -> Result<(), RequestError> {
    let has_weight: Vec<bool> = weights.iter().map(|weight| *weight > 0.0).collect();
    for (suffix, counts) in [("_before", None), ("", Some(has_weight.as_slice()))] {
        let found = overlap(distance, treated, counts, n_bins)
            .map_err(|error| RequestError::matching(&[], error))?;
        let bins = found
            .n_treated
            .iter()
            .zip(&found.n_comparator)
            .zip(&found.ends);
        for (number, ((n_treated, n_comparator), end)) in bins.enumerate() {
            let bin = (number + 1).to_string();
            let put = [
                ("overlap_treated", *n_treated),
                ("overlap_comparator", *n_comparator),
            ];
            for (name, n) in put {
                numbers.covariate(&format!("{name}{suffix}"), &bin, moments::count(n));
            }
            numbers.covariate("overlap_from", &bin, *end);
        }
    }
    Ok(())
}

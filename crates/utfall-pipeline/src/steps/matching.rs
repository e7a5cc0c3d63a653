//! cohort → matched set

use std::collections::BTreeSet;

use utfall_files::Digest;
use utfall_matching::{CovariateBalance, Matched, balance, nearest, propensity};
use utfall_registry::MatchSeal;
use utfall_stats::Matrix;
use utfall_verify::record::{BalanceDocument, BalanceGate, BalanceRow};

use crate::cohort_file::StoredCohort;
use crate::matched_file::{self, MatchedUnits};
use crate::run::Context;
use crate::step::{FinishedStep, Step, StepKey};
use crate::{BalanceSpec, MatchingSpec, RunError, RunRequest, documents, steps};

const MATCHED: &str = "matched.csv";
const BALANCE: &str = "balance.json";

/// Finds comparators and says how alike the arms became.
pub(crate) fn run(
    context: &mut Context<'_>,
    cohort: &FinishedStep,
) -> Result<FinishedStep, RunError> {
    let plan = &context.request.plan.plan;
    let key = StepKey::of_code(&context.request.code)
        .with("the cohort", cohort.digest())
        .with_plan_part("[matching]", &plan.matching)
        .with_plan_part("[balance]", &plan.balance);
    let folder = context.request.folder("matching");
    let request = context.request;
    let step = Step {
        name: "matching",
        folder: &folder,
        key,
        outputs: &[MATCHED, BALANCE],
    };
    context.run(step, || {
        let cohort = steps::cohort::read(request)?;
        let covariates = matrix(&cohort)?;
        let matched = find(&plan.matching, &cohort, &covariates)?;
        let rows = balance(
            &covariates,
            &cohort.treated,
            &matched.weights(),
            plan.balance.smd_denominator,
        )?;
        documents::write(
            &folder.join(BALANCE),
            &document(&plan.balance, &cohort, &matched, &rows),
        )?;
        matched_file::write(&folder.join(MATCHED), &units(&cohort, &matched))
    })
}

/// The matched sets, as the step left them.
pub(crate) fn read(request: &RunRequest<'_>) -> Result<Vec<MatchedUnits>, RunError> {
    matched_file::read(&request.folder("matching").join(MATCHED))
}

/// The balance, as the step left it.
pub(crate) fn read_balance(request: &RunRequest<'_>) -> Result<BalanceDocument, RunError> {
    documents::read(&request.folder("matching").join(BALANCE))
}

/// The seal that opens outcomes, taken from the file itself.
pub(crate) fn seal(request: &RunRequest<'_>) -> Result<MatchSeal, RunError> {
    Ok(MatchSeal::of_file(
        &request.folder("matching").join(MATCHED),
    )?)
}

/// The same seal as the digest that stands in the evidence.
pub(crate) fn seal_digest(finished: &FinishedStep) -> Result<Digest, RunError> {
    let digest = finished.outputs.get(MATCHED).copied();
    digest.ok_or_else(|| RunError::internal("the seal", "the matched set has no digest"))
}

fn find(
    spec: &MatchingSpec,
    cohort: &StoredCohort,
    covariates: &Matrix,
) -> Result<Matched, RunError> {
    let MatchingSpec::NearestPropensity { nearest: spec } = spec;
    let scores = propensity(covariates, &cohort.treated)?;
    Ok(nearest(
        spec,
        &scores.logit,
        &cohort.treated,
        Some(codes(&cohort.strata).as_slice()),
    )?)
}

/// One column for each covariate; the one division of each tally happens here.
fn matrix(cohort: &StoredCohort) -> Result<Matrix, RunError> {
    let column = |covariate: &utfall_cohort::Covariate| -> Vec<f64> {
        covariate
            .tallies
            .iter()
            .map(|tally| tally.rate().unwrap_or(f64::NAN))
            .collect()
    };
    Matrix::from_columns(cohort.covariates.iter().map(column).collect())
        .map_err(|error| RunError::internal("the matrix of covariates", error))
}

/// Strata numbered in the order of their labels.
fn codes(strata: &[String]) -> Vec<u32> {
    let labels: Vec<&String> = strata.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let code = |stratum: &String| labels.partition_point(|label| *label < stratum);
    strata
        .iter()
        .map(|stratum| u32::try_from(code(stratum)).unwrap_or(u32::MAX))
        .collect()
}

fn units(cohort: &StoredCohort, matched: &Matched) -> Vec<MatchedUnits> {
    matched
        .sets()
        .filter(|(_, comparators)| !comparators.is_empty())
        .map(|(treated, comparators)| MatchedUnits {
            treated: cohort.units[treated].clone(),
            comparators: comparators
                .iter()
                .map(|&unit| cohort.units[unit].clone())
                .collect(),
        })
        .collect()
}

fn document(
    spec: &BalanceSpec,
    cohort: &StoredCohort,
    matched: &Matched,
    rows: &[CovariateBalance],
) -> BalanceDocument {
    let row = |(covariate, row): (&utfall_cohort::Covariate, &CovariateBalance)| BalanceRow {
        covariate: covariate.name.clone(),
        smd_before: row.before.smd,
        smd_after: row.after.smd,
        variance_ratio_before: row.before.variance_ratio,
        variance_ratio_after: row.after.variance_ratio,
    };
    BalanceDocument {
        smd_denominator: documents::word(&spec.smd_denominator),
        gate: BalanceGate {
            max_abs_smd: spec.gate.max_abs_smd(),
            passed: spec.gate.passes(rows),
        },
        rows: cohort.covariates.iter().zip(rows).map(row).collect(),
        n_treated: matched.n_treated() as u64,
        n_treated_matched: matched.n_treated_matched() as u64,
        n_comparator: matched.n_comparator() as u64,
        n_comparator_matched: matched.n_comparator_matched() as u64,
        n_tied: matched.n_tied() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strata_are_numbered_in_the_order_of_their_labels() {
        let strata = ["sex=2", "sex=1", "sex=2"].map(str::to_owned);
        assert_eq!(codes(&strata), [1, 0, 1]);
    }
}

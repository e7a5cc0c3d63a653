//! The evidence grade of an estimate on units that a design made comparable.

use utfall_effects::{ArmLoss, AttritionBoundary, Evidence, EvidenceDesign};
use utfall_request::Request;
use utfall_verify::record::{EffectRecord, GradeRecord};

use crate::study::Study;
use crate::{EstimatorSpec, ModelSpec, RowsSpec, RunError, documents};

/// Grades an effect: how comparators were found, their balance on the plan's covariates, outcomes that
/// are missing among those compared, and whether the estimate adjusts for what is left.
///
/// A plan is taken to be randomised if it states how lots were drawn and compares everyone as they fell;
/// the reasons say that it is the plan that says so.
pub(crate) fn of(
    study: &Study<'_>,
    estimator: &EstimatorSpec,
    record: &EffectRecord,
) -> Result<GradeRecord, RunError> {
    let balance = study.balance;
    let loss = |n_start: u64, n_missing: u64| ArmLoss {
        n_start,
        n_analysed: n_start.saturating_sub(n_missing),
    };
    let baseline: Vec<(&str, Option<f64>)> = balance
        .rows
        .iter()
        .map(|row| (row.covariate.as_str(), row.smd_after))
        .collect();
    let evidence = Evidence {
        design: design(study, estimator),
        adjusted: adjusts(estimator),
        treated: loss(balance.n_treated_matched, record.n_outcome_missing_treated),
        comparator: loss(
            balance.n_comparator_matched,
            record.n_outcome_missing_comparator,
        ),
        boundary: AttritionBoundary::Cautious,
        baseline: &baseline,
        n_unmatched: balance.n_treated.saturating_sub(balance.n_treated_matched),
        events_per_variable: events_per_variable(
            balance.n_treated.min(balance.n_comparator),
            baseline.len(),
        ),
    };
    let grade = utfall_effects::grade(&evidence).map_err(|source| RunError::Effect {
        effect: record.name.clone(),
        source,
    })?;
    let mut reasons = grade.reasons;
    if let Some(assignment) = study.outcomes.assignment().filter(|_| study.is_by_lot()) {
        reasons.push(format!(
            "that lots were drawn is what the plan states: {}",
            assignment.record
        ));
    }
    Ok(GradeRecord {
        design: documents::word(&grade.design),
        wwc: documents::word(&grade.wwc),
        maryland: grade.maryland,
        overall_attrition: grade.overall_attrition,
        differential_attrition: grade.differential_attrition,
        low_attrition: grade.low_attrition,
        largest_difference: grade.largest_difference,
        reasons,
    })
}

fn design(study: &Study<'_>, estimator: &EstimatorSpec) -> EvidenceDesign {
    if study.is_by_lot() {
        return EvidenceDesign::Randomised;
    }
    let is_sets = study.units.iter().any(|unit| unit.set.is_some());
    match estimator {
        EstimatorSpec::UnadjustedDifference => EvidenceDesign::Compared,
        EstimatorSpec::Model(model) => match &model.rows {
            RowsSpec::Period(_) => EvidenceDesign::BeforeAfter,
            RowsSpec::Unit if is_cutoff(model) => EvidenceDesign::AsIfRandomised,
            _ if !is_sets && study.is_unweighted() => EvidenceDesign::Compared,
            _ => EvidenceDesign::Equated,
        },
        _ => EvidenceDesign::Equated,
    }
}

/// Whether what differs at baseline is adjusted for, by regression or by taking the baseline off.
fn adjusts(estimator: &EstimatorSpec) -> bool {
    matches!(
        estimator,
        EstimatorSpec::AdjustedDifference { .. }
            | EstimatorSpec::DoublyRobust { .. }
            | EstimatorSpec::MatchedDifferenceInDifferences { .. }
    ) || matches!(estimator, EstimatorSpec::Model(model) if model.is_panel())
}

/// Whether a threshold moves treatment.
fn is_cutoff(model: &ModelSpec) -> bool {
    matches!(model.request.request(), Request::Model(part) if part.discontinuity.is_some())
}

fn events_per_variable(n_smaller: u64, n_covariates: usize) -> Option<f64> {
    let n_smaller = u32::try_from(n_smaller).map_or(f64::INFINITY, f64::from);
    (n_covariates > 0).then(|| n_smaller / utfall_stats::moments::count(n_covariates))
}

//! Names across the files of a plan: every one used is defined, every one defined is defined once.

use std::collections::BTreeSet;

use utfall_verify::inputs;

use crate::{EstimatorSpec, LoadedPlan, PlanError};

/// Checks names across the plan's files, and windows against the index date.
pub(crate) fn check(loaded: &LoadedPlan) -> Result<(), PlanError> {
    let plan = &loaded.plan;
    let measures = unique(
        "measure",
        plan.measure.iter().map(|measure| measure.name.as_str()),
    )?;
    unique(
        "covariate",
        plan.cohort
            .covariate
            .iter()
            .map(|covariate| covariate.name.as_str()),
    )?;
    let effects = unique(
        "effect",
        plan.effect.iter().map(|effect| effect.name.as_str()),
    )?;
    for effect in &plan.effect {
        known("measure", &effect.measure, &measures)?;
        let follow_up = effect
            .window
            .around(plan.index_date)
            .map_err(PlanError::Window)?;
        if follow_up.start() < plan.index_date {
            return Err(PlanError::FollowUpTooEarly {
                effect: effect.name.clone(),
                starts: follow_up.start(),
                index_date: plan.index_date,
            });
        }
        if let EstimatorSpec::MatchedDifferenceInDifferences { baseline } = &effect.estimator {
            let baseline = baseline
                .around(plan.index_date)
                .map_err(PlanError::Window)?;
            if baseline.end() > plan.index_date {
                return Err(PlanError::BaselineTooLate {
                    effect: effect.name.clone(),
                    ends: baseline.end(),
                    index_date: plan.index_date,
                });
            }
        }
    }
    let extracts: BTreeSet<&str> = loaded.data_contracts.keys().map(String::as_str).collect();
    known("extract", &plan.unit.extract, &extracts)?;
    for measure in &plan.measure {
        known("extract", &measure.extract, &extracts)?;
    }
    let supplied: BTreeSet<String> = effects
        .iter()
        .flat_map(|effect| inputs::names(effect))
        .chain(inputs::run_names())
        .collect();
    let supplied: BTreeSet<&str> = supplied.iter().map(String::as_str).collect();
    for input in loaded.contract.required_inputs().keys() {
        known("payment input", input, &supplied)?;
    }
    Ok(())
}

fn unique<'a>(
    kind: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Result<BTreeSet<&'a str>, PlanError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(PlanError::Repeated {
                kind,
                name: name.to_owned(),
            });
        }
    }
    Ok(seen)
}

fn known(kind: &'static str, name: &str, defined: &BTreeSet<&str>) -> Result<(), PlanError> {
    if defined.contains(name) {
        return Ok(());
    }
    Err(PlanError::Unknown {
        kind,
        name: name.to_owned(),
        defined: defined.iter().map(|name| (*name).to_owned()).collect(),
    })
}

//! Names and windows across the files of a plan, checked before any data is read.
//!
//! Every name used is defined, every name is defined once, what forms the cohort ends by the index
//! date, and what is an outcome starts there.

use std::collections::BTreeSet;

use utfall_core::Window;
use utfall_verify::inputs;
use utfall_verify::record::EffectRole;

use crate::model_spec::EffectScale;
use crate::{
    EffectSpec, EstimatorSpec, LoadedPlan, ModelSpec, Periods, Plan, PlanError, SensitivityCheck,
    documents, measure_check,
};

/// Checks names across the plan's files, and windows against the index date.
pub(crate) fn check(loaded: &LoadedPlan) -> Result<(), PlanError> {
    let plan = &loaded.plan;
    let measures = unique("measure", plan.measure.iter().map(|measure| &*measure.name))?;
    unique(
        "alternative",
        plan.alternative.iter().map(|design| design.name.as_str()),
    )?;
    unique(
        "covariate",
        plan.cohort
            .covariate
            .iter()
            .map(|covariate| &*covariate.name),
    )?;
    unique(
        "attribute",
        plan.cohort
            .attribute
            .iter()
            .map(|attribute| &*attribute.name),
    )?;
    for alternative in &plan.alternative {
        if let EstimatorSpec::MatchedDifferenceInDifferences { baseline } = &alternative.estimator {
            before_index_date(loaded, alternative.name.as_str(), baseline)?;
        }
    }
    for (measure, window) in plan.cohort.measures() {
        known("measure", measure, &measures)?;
        before_index_date(loaded, measure, window)?;
        measure_check::check_window(loaded, measure, window)?;
    }
    for effect in &plan.effect {
        for measure in effect.measures() {
            known("measure", measure, &measures)?;
            measure_check::check_window(loaded, measure, &effect.window)?;
        }
        check_windows(loaded, effect)?;
    }
    check_sensitivity(loaded)?;
    crate::design_check::check(loaded)?;
    measure_check::check(loaded)?;
    for (extract, column) in columns(loaded) {
        check_column(loaded, extract, column)?;
    }
    unique("effect", plan.effect.iter().map(|effect| &*effect.name))?;
    // A contract cannot read a negative control: it has no such input.
    let supplied: BTreeSet<String> = plan
        .effect
        .iter()
        .filter(|effect| effect.role == EffectRole::Outcome)
        .flat_map(|effect| {
            let money = effect.money.iter();
            let money = money.flat_map(|_| inputs::money_names(&effect.name));
            let has_model = matches!(effect.estimator, EstimatorSpec::Model(_));
            let pretrend = has_model.then(|| inputs::pretrend_name(&effect.name));
            inputs::names(&effect.name).chain(money).chain(pretrend)
        })
        .chain(inputs::run_names())
        .collect();
    loaded
        .contract
        .check_supplied(
            &plan.contract.display().to_string(),
            &supplied.iter().map(String::as_str).collect(),
        )
        .map_err(PlanError::contract)
}

/// Every column the plan reads, with its extract.
fn columns(loaded: &LoadedPlan) -> Vec<(&str, &str)> {
    let plan = &loaded.plan;
    let mut columns = plan.cohort.columns();
    columns.push((&plan.unit.extract, &plan.unit.id));
    if let Some(members) = &plan.unit.members {
        let named = members.columns().into_iter();
        columns.extend(named.map(|name| (&*members.extract, name)));
    }
    columns
}

fn check_column(loaded: &LoadedPlan, extract: &str, column: &str) -> Result<(), PlanError> {
    let extracts: BTreeSet<&str> = loaded.data_contracts.keys().map(String::as_str).collect();
    known("extract", extract, &extracts)?;
    let Some(contract) = loaded.data_contracts.get(extract) else {
        return Ok(());
    };
    if contract.column(column).is_some() {
        return Ok(());
    }
    Err(PlanError::UnknownColumn {
        extract: extract.to_owned(),
        column: column.to_owned(),
        defined: contract
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect(),
    })
}

fn check_windows(loaded: &LoadedPlan, effect: &EffectSpec) -> Result<(), PlanError> {
    let index_date = loaded.plan.index_date;
    let follow_up = effect
        .window
        .around(index_date)
        .map_err(PlanError::Window)?;
    if follow_up.start() < index_date {
        return Err(PlanError::FollowUpTooEarly {
            effect: effect.name.clone(),
            starts: follow_up.start(),
            index_date,
        });
    }
    match &effect.estimator {
        EstimatorSpec::MatchedDifferenceInDifferences { baseline } => {
            before_index_date(loaded, &effect.measure, baseline)?;
            measure_check::check_window(loaded, &effect.measure, baseline)
        }
        EstimatorSpec::Model(model) => match model.periods() {
            Some(_) if follow_up.start() != index_date => Err(PlanError::Periods {
                effect: effect.name.clone(),
            }),
            Some(periods) => check_periods(loaded, effect, &effect.window, periods),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Periods fill a window, and every measure can be read in each.
fn check_periods(
    loaded: &LoadedPlan,
    effect: &EffectSpec,
    window: &Window,
    periods: Periods,
) -> Result<(), PlanError> {
    let filled = window.around(loaded.plan.index_date);
    let filled = filled.map_err(PlanError::Window)?;
    let numbers = periods.numbers(filled, loaded.plan.index_date);
    let Some(numbers) = numbers.map_err(PlanError::Window)? else {
        return Err(PlanError::Periods {
            effect: effect.name.clone(),
        });
    };
    for number in numbers {
        let period = periods.window(number).around(filled.start());
        let period = period.map_err(PlanError::Window)?;
        for measure in effect.measures() {
            measure_check::check_period(loaded, measure, period)?;
        }
    }
    Ok(())
}

/// Checks name effects of the plan, and read windows on their own side of the index date.
fn check_sensitivity(loaded: &LoadedPlan) -> Result<(), PlanError> {
    let plan = &loaded.plan;
    for wanted in &plan.sensitivity {
        let effects: BTreeSet<&str> = plan.effect.iter().map(|effect| &*effect.name).collect();
        known("effect", &wanted.effect, &effects)?;
        let effect = plan.effect.iter().find(|one| one.name == wanted.effect);
        let Some(effect) = effect else {
            continue;
        };
        if let EstimatorSpec::Model(model) = &effect.estimator
            && let Some(why) = is_beyond(plan, model, &wanted.check)
        {
            return Err(PlanError::CheckOfModel {
                effect: effect.name.clone(),
                check: documents::kind(&wanted.check),
                why,
            });
        }
        match &wanted.check {
            SensitivityCheck::PlaceboDate { window } => {
                before_index_date(loaded, &effect.measure, window)?;
                measure_check::check_window(loaded, &effect.measure, window)?;
                if let EstimatorSpec::Model(model) = &effect.estimator
                    && let Some(periods) = model.periods()
                {
                    check_periods(loaded, effect, window, periods)?;
                }
            }
            SensitivityCheck::SpecificationCurve { windows, .. } => {
                for window in windows {
                    let moved = EffectSpec {
                        window: *window,
                        ..effect.clone()
                    };
                    check_windows(loaded, &moved)?;
                    measure_check::check_window(loaded, &effect.measure, window)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a check needs that a model does not have, if there is something.
fn is_beyond(plan: &Plan, model: &ModelSpec, check: &SensitivityCheck) -> Option<&'static str> {
    match check {
        SensitivityCheck::Rosenbaum { .. } => Some(
            "is of differences within pairs; state a `matched-difference` as another effect and check that",
        ),
        SensitivityCheck::RobustnessValue { .. } => Some(
            "is of a least-squares regression on the compared units; state an `adjusted-difference` as another effect and check that",
        ),
        SensitivityCheck::EValue { .. } => (model.reads.scale == EffectScale::Own)
            .then_some("needs an effect in the outcome's unit, and this has a `scale` of its own"),
        SensitivityCheck::PlaceboDate { .. } => (model.periods().is_some()
            && plan.cohort.entry.is_some())
        .then_some(
            "would hold periods in which some have entered already; effects before the start are in the model's own answer",
        ),
        SensitivityCheck::LeaveOneOut { .. } | SensitivityCheck::SpecificationCurve { .. } => None,
    }
}

fn before_index_date(loaded: &LoadedPlan, measure: &str, window: &Window) -> Result<(), PlanError> {
    let index_date = loaded.plan.index_date;
    let ends = window.around(index_date).map_err(PlanError::Window)?.end();
    if ends <= index_date {
        return Ok(());
    }
    Err(PlanError::BaselineTooLate {
        measure: measure.to_owned(),
        ends,
        index_date,
    })
}

pub(crate) fn unique<'a>(
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

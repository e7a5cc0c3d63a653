//! cohort → the units of alternative designs, sealed before any outcome is read; then their effects

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utfall_registry::{MatchSeal, Units};
use utfall_verify::record::{
    AlternativeRecord, BalanceDocument, DesignResult, EffectRecord, EffectResult, MadeDesign,
};

use super::matching::MATCHED;
use crate::cohort_file::StoredCohort;
use crate::compare::compare;
use crate::compared_file::{self, ComparedUnit};
use crate::outcomes::OutcomeReader;
use crate::run::Context;
use crate::step::{FinishedStep, Step, StepKey};
use crate::steps::ingest::Ingested;
use crate::study::{Procedure, Study};
use crate::{AlternativeSpec, EffectSpec, Plan, RunError, RunRequest, documents, steps};

const DESIGN: &str = "design.json";
const ALTERNATIVES: &str = "alternatives.json";

/// Whether the units of a design could be made comparable.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum Made {
    Balance(Box<BalanceDocument>),
    Not { reason: String },
}

/// Makes units comparable by each alternative design.
pub(crate) fn run_designs(
    context: &mut Context<'_>,
    cohort: &FinishedStep,
) -> Result<Vec<FinishedStep>, RunError> {
    let alternatives = &context.request.plan.plan.alternative;
    alternatives
        .iter()
        .map(|alternative| run_design(context, cohort, alternative))
        .collect()
}

fn run_design(
    context: &mut Context<'_>,
    cohort: &FinishedStep,
    alternative: &AlternativeSpec,
) -> Result<FinishedStep, RunError> {
    let request = context.request;
    let plan = &request.plan.plan;
    let design = plan.alternative_design(alternative);
    let folder = folder(request, alternative);
    let step = Step {
        name: &format!("alternative {}", alternative.name.as_str()),
        folder: &folder,
        key: StepKey::of_code(&request.code)
            .with("the cohort", cohort.digest())
            .with_plan_part("the design", &design)
            .with_plan_part("[balance]", &plan.balance),
        outputs: &[MATCHED, DESIGN],
    };
    context.run(step, || {
        let cohort = steps::cohort::read(request)?;
        let (units, made) = match compare(&design, &plan.balance, &cohort) {
            Ok(compared) => (compared.units, Made::Balance(Box::new(compared.balance))),
            Err(error @ (RunError::Matching { .. } | RunError::Weighting { .. })) => {
                let reason = error.to_string();
                (Vec::new(), Made::Not { reason })
            }
            Err(error) => return Err(error),
        };
        documents::write(&folder.join(DESIGN), &made)?;
        compared_file::write(&folder.join(MATCHED), &units)
    })
}

/// Estimates every effect of the plan by every alternative.
pub(crate) fn run_effects(
    context: &mut Context<'_>,
    ingested: &Ingested,
    cohort: &FinishedStep,
    matched: &FinishedStep,
    designs: &[FinishedStep],
) -> Result<FinishedStep, RunError> {
    let request = context.request;
    let plan = &request.plan.plan;
    let key = StepKey::of_code(&request.code)
        .with("index-date", plan.index_date)
        .with_plan_part("[unit]", &plan.unit)
        .with_plan_part("[[calendar]]", &plan.calendar)
        .with_plan_part("[[measure]]", &plan.measure)
        .with_plan_part("the measures and windows of [[effect]]", &outcomes(plan))
        .with_plan_part("[[alternative]]", &plan.alternative)
        .with_plan_part("[assignment]", &plan.assignment)
        .with("the cohort", cohort.digest())
        .with("the matched set", matched.digest());
    let key = plan
        .alternative
        .iter()
        .zip(designs)
        .fold(key, |key, (alternative, design)| {
            let name = format!("alternative {}", alternative.name.as_str());
            key.with(&name, design.digest())
        });
    let folder = request.folder("alternatives");
    let step = Step {
        name: "alternatives",
        folder: &folder,
        key: ingested.add_to(key),
        outputs: &[ALTERNATIVES],
    };
    context.run(step, || {
        if plan.alternative.is_empty() {
            return documents::write(&folder.join(ALTERNATIVES), &Vec::<AlternativeRecord>::new());
        }
        let tables = ingested.open(&plan.calendar)?;
        let units = Units::load(&tables, &plan.unit)?;
        let seal = steps::matching::seal(request)?;
        let outcomes = OutcomeReader::open(&tables, &units, plan, &seal);
        let cohort = steps::cohort::read(request)?;
        let records = plan
            .alternative
            .iter()
            .map(|alternative| record(request, alternative, &outcomes, &cohort))
            .collect::<Result<Vec<_>, _>>()?;
        documents::write(&folder.join(ALTERNATIVES), &records)
    })
}

/// What alternatives take of the plan's effects: what is measured and when, not how it is estimated.
fn outcomes(plan: &Plan) -> Vec<impl Serialize> {
    let effects = plan.effect.iter();
    let parts = effects.map(|effect| {
        (
            (&effect.name, &effect.title, effect.role, &effect.unit),
            (&effect.measure, &effect.window),
        )
    });
    parts.collect()
}

/// The alternatives, as the steps left them.
pub(crate) fn read(request: &RunRequest<'_>) -> Result<Vec<AlternativeRecord>, RunError> {
    documents::read(&request.folder("alternatives").join(ALTERNATIVES))
}

/// The units of an alternative, as they were sealed.
pub(crate) struct SealedDesign<'a> {
    pub(crate) alternative: &'a AlternativeSpec,
    pub(crate) units: Vec<ComparedUnit>,
    pub(crate) balance: BalanceDocument,
}

impl SealedDesign<'_> {
    /// How its effects are estimated.
    pub(crate) fn procedure(&self) -> Procedure<'_> {
        Procedure {
            estimator: &self.alternative.estimator,
            clusters: &self.alternative.clusters,
            inference: &self.alternative.inference,
        }
    }
}

/// An alternative as it was sealed, if it could be made.
pub(crate) fn sealed<'a>(
    request: &RunRequest<'_>,
    alternative: &'a AlternativeSpec,
) -> Result<Option<SealedDesign<'a>>, RunError> {
    let folder = folder(request, alternative);
    Ok(match documents::read(&folder.join(DESIGN))? {
        Made::Not { .. } => None,
        Made::Balance(balance) => Some(SealedDesign {
            alternative,
            units: compared_file::read(&folder.join(MATCHED))?,
            balance: *balance,
        }),
    })
}

fn record(
    request: &RunRequest<'_>,
    alternative: &AlternativeSpec,
    outcomes: &OutcomeReader<'_>,
    cohort: &StoredCohort,
) -> Result<AlternativeRecord, RunError> {
    let folder = folder(request, alternative);
    let result = match documents::read(&folder.join(DESIGN))? {
        Made::Not { reason } => DesignResult::NotMade { reason },
        Made::Balance(balance) => {
            let matched = folder.join(MATCHED);
            let study = Study {
                outcomes,
                cohort,
                units: &compared_file::read(&matched)?,
                balance: &balance,
            };
            let by = Procedure {
                estimator: &alternative.estimator,
                clusters: &alternative.clusters,
                inference: &alternative.inference,
            };
            let effects = request.plan.plan.effect.iter();
            let effects = effects
                .map(|effect| estimated(&study, effect, by))
                .collect::<Result<_, _>>()?;
            DesignResult::Made(Box::new(MadeDesign {
                seal: MatchSeal::of_file(&matched)?.digest(),
                balance: *balance,
                effects,
            }))
        }
    };
    Ok(AlternativeRecord {
        name: alternative.name.as_str().to_owned(),
        title: alternative.title.clone(),
        result,
    })
}

/// What stops an alternative stops no payment: its reason stands in its place.
fn estimated(
    study: &Study<'_>,
    effect: &EffectSpec,
    by: Procedure<'_>,
) -> Result<EffectRecord, RunError> {
    match study.record(effect, by) {
        Err(RunError::Effect { source, .. }) => Ok(EffectRecord {
            result: EffectResult::NotMeasurable {
                reason: source.to_string(),
            },
            ..study.empty_record(effect, by)
        }),
        other => other,
    }
}

fn folder(request: &RunRequest<'_>, alternative: &AlternativeSpec) -> PathBuf {
    request
        .folder("alternatives")
        .join(alternative.name.as_str())
}

//! matched set → effect

use std::path::Path;

use utfall_registry::Units;
use utfall_verify::record::EffectsDocument;

use crate::outcomes::OutcomeReader;
use crate::run::Context;
use crate::step::{FinishedStep, Step, StepKey};
use crate::steps::ingest::Ingested;
use crate::study::Study;
use crate::{RunError, RunRequest, documents, steps};

const EFFECTS: &str = "effects.json";

/// Reads outcomes, for the first time, and estimates every effect of the plan.
pub(crate) fn run(
    context: &mut Context<'_>,
    ingested: &Ingested,
    cohort: &FinishedStep,
    matched: &FinishedStep,
) -> Result<FinishedStep, RunError> {
    let request = context.request;
    let plan = &request.plan.plan;
    let key = StepKey::of_code(&request.code)
        .with("index-date", plan.index_date)
        .with_plan_part("[unit]", &plan.unit)
        .with_plan_part("[[calendar]]", &plan.calendar)
        .with_plan_part("[[measure]]", &plan.measure)
        .with_plan_part("[[effect]]", &plan.effect)
        .with_plan_part("[assignment]", &plan.assignment)
        // What a model answered is recorded as far as it may leave.
        .with_plan_part("[disclosure]", &plan.disclosure)
        .with("the cohort", cohort.digest())
        .with("the matched set", matched.digest());
    let folder = request.folder("effects");
    let step = Step {
        name: "effects",
        folder: &folder,
        key: ingested.add_to(key),
        outputs: &[EFFECTS],
    };
    context.run(step, || {
        let tables = ingested.open(&plan.calendar)?;
        let units = Units::load(&tables, &plan.unit)?;
        let seal = steps::matching::seal(request)?;
        let outcomes = OutcomeReader::open(&tables, &units, plan, &seal);
        let study = Study {
            outcomes: &outcomes,
            cohort: &steps::cohort::read(request)?,
            units: &steps::matching::read(request)?,
            balance: &steps::matching::read_balance(request)?,
        };
        let effects = plan
            .effect
            .iter()
            .map(|effect| {
                let record = study.record(effect, effect.procedure())?;
                study.with_range_without_one(effect, record)
            })
            .collect::<Result<_, _>>()?;
        documents::write(&folder.join(EFFECTS), &EffectsDocument { effects })
    })
}

/// The effects, as the step left them.
pub(crate) fn read(request: &RunRequest<'_>) -> Result<EffectsDocument, RunError> {
    read_in(request.workspace.folder())
}

/// The same, of the run in a folder.
pub(crate) fn read_in(workspace: &Path) -> Result<EffectsDocument, RunError> {
    documents::read(&workspace.join("effects").join(EFFECTS))
}

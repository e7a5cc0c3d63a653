//! table → cohort

use utfall_core::Funnel;
use utfall_files::Digest;
use utfall_registry::Units;

use crate::cohort_file::{self, StoredCohort};
use crate::run::Context;
use crate::step::{FinishedStep, Step, StepKey};
use crate::steps::ingest::Ingested;
use crate::{RunError, RunRequest, documents};

const COHORT: &str = "cohort.csv";
const FUNNEL: &str = "funnel.json";

/// Builds the cohort.
pub(crate) fn run(
    context: &mut Context<'_>,
    ingested: &Ingested,
) -> Result<FinishedStep, RunError> {
    let plan = &context.request.plan.plan;
    let key = StepKey::of_code(&context.request.code)
        .with("index-date", plan.index_date)
        .with_plan_part("[unit]", &plan.unit)
        .with_plan_part("[[calendar]]", &plan.calendar)
        .with_plan_part("[[measure]]", &plan.measure)
        .with_plan_part("[cohort]", &plan.cohort);
    let folder = context.request.folder("cohort");
    let step = Step {
        name: "cohort",
        folder: &folder,
        key: ingested.add_to(key),
        outputs: &[COHORT, FUNNEL],
    };
    context.run(step, || {
        let tables = ingested.open(&plan.calendar)?;
        let units = Units::load(&tables, &plan.unit)?;
        let cohort = utfall_cohort::build(
            &tables,
            &units,
            &plan.measure,
            plan.index_date,
            &plan.cohort,
        )?;
        cohort_file::write(&folder.join(COHORT), &cohort, units.ids())?;
        documents::write(&folder.join(FUNNEL), &cohort.funnel)
    })
}

/// The digest of the cohort.
pub(crate) fn seal_digest(finished: &FinishedStep) -> Result<Digest, RunError> {
    let digest = finished.outputs.get(COHORT).copied();
    digest.ok_or_else(|| RunError::internal("the seal", "the cohort has no digest"))
}

/// The cohort, as the step left it.
pub(crate) fn read(request: &RunRequest<'_>) -> Result<StoredCohort, RunError> {
    cohort_file::read(&request.folder("cohort").join(COHORT))
}

/// The exact funnel; restricted until a disclosure policy was applied.
pub(crate) fn read_funnel(request: &RunRequest<'_>) -> Result<Funnel, RunError> {
    documents::read(&request.folder("cohort").join(FUNNEL))
}

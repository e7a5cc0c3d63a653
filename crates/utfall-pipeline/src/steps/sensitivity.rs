//! effect → what it hangs on: every check of the plan, beside the effects

use utfall_registry::Units;
use utfall_verify::record::SensitivityRecord;

use crate::outcomes::OutcomeReader;
use crate::run::Context;
use crate::sensitivity_check::{Checked, answer};
use crate::step::{FinishedStep, Step, StepKey};
use crate::steps::alternatives::SealedDesign;
use crate::steps::ingest::Ingested;
use crate::study::Study;
use crate::{RunError, RunRequest, documents, steps};

const SENSITIVITY: &str = "sensitivity.json";

/// Makes every check of the plan. Each design it reads is sealed by now.
pub(crate) fn run(
    context: &mut Context<'_>,
    ingested: &Ingested,
    effects: &FinishedStep,
    alternatives: &FinishedStep,
) -> Result<FinishedStep, RunError> {
    let request = context.request;
    let plan = &request.plan.plan;
    let key = StepKey::of_code(&request.code)
        .with_plan_part("[[sensitivity]]", &plan.sensitivity)
        .with("the effects", effects.digest())
        .with("the alternatives", alternatives.digest());
    // The effects stand on the outcomes as they were read; checks may read other windows.
    let key = key
        .with("index-date", plan.index_date)
        .with_plan_part("[[measure]]", &plan.measure)
        .with_plan_part("[[effect]]", &plan.effect)
        .with_plan_part("[assignment]", &plan.assignment);
    let folder = request.folder("sensitivity");
    let step = Step {
        name: "sensitivity",
        folder: &folder,
        key: ingested.add_to(key),
        outputs: &[SENSITIVITY],
    };
    context.run(step, || {
        if plan.sensitivity.is_empty() {
            return documents::write(&folder.join(SENSITIVITY), &Vec::<SensitivityRecord>::new());
        }
        let tables = ingested.open(&plan.calendar)?;
        let units = Units::load(&tables, &plan.unit)?;
        let seal = steps::matching::seal(request)?;
        let outcomes = OutcomeReader::open(&tables, &units, plan, &seal);
        let cohort = steps::cohort::read(request)?;
        let balance = steps::matching::read_balance(request)?;
        let compared = steps::matching::read(request)?;
        let designs = plan.alternative.iter();
        let designs: Vec<SealedDesign<'_>> = designs
            .map(|alternative| steps::alternatives::sealed(request, alternative))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect();
        let checked = Checked {
            plan,
            own: &Study {
                outcomes: &outcomes,
                cohort: &cohort,
                units: &compared,
                balance: &balance,
            },
            designs: &designs,
        };
        let records = plan
            .sensitivity
            .iter()
            .map(|wanted| answer(&checked, wanted))
            .collect::<Result<Vec<_>, _>>()?;
        documents::write(&folder.join(SENSITIVITY), &records)
    })
}

/// The checks, as the step left them.
pub(crate) fn read(request: &RunRequest<'_>) -> Result<Vec<SensitivityRecord>, RunError> {
    documents::read(&request.folder("sensitivity").join(SENSITIVITY))
}

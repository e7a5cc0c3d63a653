//! cohort → matched set

use std::path::Path;

use utfall_files::Digest;
use utfall_registry::MatchSeal;
use utfall_verify::record::BalanceDocument;

use crate::compare::compare;
use crate::compared_file::{self, ComparedUnit};
use crate::overlap::{Overlap, overlap};
use crate::run::Context;
use crate::step::{FinishedStep, Step, StepKey};
use crate::{RunError, RunRequest, documents, steps};

/// The file whose digest is the seal.
pub(crate) const MATCHED: &str = "matched.csv";
const BALANCE: &str = "balance.json";
const OVERLAP: &str = "overlap.json";

/// Makes units comparable by the plan's own design and says how alike the arms became.
pub(crate) fn run(
    context: &mut Context<'_>,
    cohort: &FinishedStep,
) -> Result<FinishedStep, RunError> {
    let request = context.request;
    let plan = &request.plan.plan;
    let design = plan.design();
    let key = StepKey::of_code(&request.code)
        .with("the cohort", cohort.digest())
        .with_plan_part("the design", &design)
        .with_plan_part("[balance]", &plan.balance);
    let folder = request.folder("matching");
    let step = Step {
        name: "matching",
        folder: &folder,
        key,
        outputs: &[MATCHED, BALANCE, OVERLAP],
    };
    context.run(step, || {
        let cohort = steps::cohort::read(request)?;
        let compared = compare(&design, &plan.balance, &cohort)?;
        documents::write(&folder.join(OVERLAP), &overlap(&cohort)?)?;
        documents::write(&folder.join(BALANCE), &compared.balance)?;
        compared_file::write(&folder.join(MATCHED), &compared.units)
    })
}

/// The compared units, as the step left them.
pub(crate) fn read(request: &RunRequest<'_>) -> Result<Vec<ComparedUnit>, RunError> {
    compared_file::read(&request.folder("matching").join(MATCHED))
}

/// The balance, as the step left it.
pub(crate) fn read_balance(request: &RunRequest<'_>) -> Result<BalanceDocument, RunError> {
    documents::read(&request.folder("matching").join(BALANCE))
}

/// The exact overlap; restricted until a disclosure policy was applied.
pub(crate) fn read_overlap(request: &RunRequest<'_>) -> Result<Overlap, RunError> {
    documents::read(&request.folder("matching").join(OVERLAP))
}

/// The seal that opens outcomes, taken from the file itself.
pub(crate) fn seal(request: &RunRequest<'_>) -> Result<MatchSeal, RunError> {
    seal_in(request.workspace.folder())
}

/// The same, of the run in a folder.
pub(crate) fn seal_in(workspace: &Path) -> Result<MatchSeal, RunError> {
    Ok(MatchSeal::of_file(
        &workspace.join("matching").join(MATCHED),
    )?)
}

/// The same seal as the digest that stands in the evidence.
pub(crate) fn seal_digest(finished: &FinishedStep) -> Result<Digest, RunError> {
    let digest = finished.outputs.get(MATCHED).copied();
    digest.ok_or_else(|| RunError::internal("the seal", "the matched set has no digest"))
}

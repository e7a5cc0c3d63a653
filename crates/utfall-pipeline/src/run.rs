//! A run: the steps of the data path, in order.

use std::path::PathBuf;

use utfall_core::Watch;
use utfall_disclosure::{Protected, PublicView};
use utfall_files::Digest;
use utfall_verify::record::Documents;

use crate::step::{FinishedStep, Step};
use crate::workspace::Workspace;
use crate::{LoadedPlan, RunError, Site, StepReport, seals, steps};

/// What to run, and where. Nothing here but the plan can change a result.
#[derive(Debug)]
pub struct RunRequest<'a> {
    /// The plan.
    pub plan: &'a LoadedPlan,
    /// Where the deliveries lie.
    pub site: &'a Site,
    /// Folder for tables, steps and results.
    pub workspace: &'a Workspace,
    /// Digest of the running program: any other build of it is other code.
    pub code: Digest,
}

impl RunRequest<'_> {
    /// Folder of a step's outputs.
    pub(crate) fn folder(&self, step: &str) -> PathBuf {
        self.workspace.folder().join(step)
    }
}

/// Watches a run step by step.
pub trait RunWatch: Watch {
    /// A step begins.
    fn step_started(&self, step: &str);
    /// A step ended, or was not needed.
    fn step_finished(&self, report: &StepReport);
}

/// What a run leaves.
#[derive(Debug)]
pub struct RunOutcome {
    /// Every step, in order, and why it ran or not.
    pub steps: Vec<StepReport>,
    /// The documents that may leave the secure environment, for the contract's parties.
    pub documents: Documents,
    /// What everyone may see, not the contract's parties alone.
    pub public: Protected<PublicView>,
    /// Digest over the outputs of every step.
    pub digest: Digest,
}

/// Runs a plan up to its decision.
///
/// Steps whose inputs, part of the plan and code are unchanged are skipped. The cohort and the
/// units of every design are on disk and sealed, and entered in the site's ledger if it names one,
/// before the first outcome is read.
///
/// # Errors
///
/// [`RunError`], with finished steps intact.
pub fn run(request: &RunRequest<'_>, watch: &dyn RunWatch) -> Result<RunOutcome, RunError> {
    let mut context = Context::new(request, watch);
    crate::check_examples(request.plan, watch)?;
    let tables = steps::ingest::run(&mut context)?;
    let cohort = steps::cohort::run(&mut context, &tables)?;
    let matched = steps::matching::run(&mut context, &cohort)?;
    let designs = steps::alternatives::run_designs(&mut context, &cohort)?;
    let key = seals::key(request)?;
    let environment = seals::environment(request, &key, &cohort, &matched)?;
    seals::enter(request, &environment)?;
    let effects = steps::effects::run(&mut context, &tables, &cohort, &matched)?;
    let alternatives =
        steps::alternatives::run_effects(&mut context, &tables, &cohort, &matched, &designs)?;
    let sensitivity = steps::sensitivity::run(&mut context, &tables, &effects, &alternatives)?;
    let decision = steps::decision::run(&mut context, &matched, &effects)?;
    let documents = steps::decision::read(request, &tables, environment, &key)?;
    let public = steps::decision::public(request, &documents)?;
    let made_from = [
        cohort,
        matched,
        effects,
        alternatives,
        sensitivity,
        decision,
    ]
    .map(|step| step.digest())
    .join(" ")
        + &tables.digest()
        + &in_words(&documents.environment)?
        + &in_words(&documents.lock)?;
    // The truth of synthetic data is shown and enters no step.
    let truths = in_words(&documents.designs.truths)?;
    Ok(RunOutcome {
        steps: context.steps,
        documents,
        public,
        digest: Digest::sha256((made_from + &truths).as_bytes()),
    })
}

/// A part of the documents that no step stands for, as text for a digest.
fn in_words(part: &impl serde::Serialize) -> Result<String, RunError> {
    serde_json::to_string(part).map_err(|error| RunError::internal("a document", error))
}

/// What every step needs.
pub(crate) struct Context<'a> {
    pub(crate) request: &'a RunRequest<'a>,
    pub(crate) watch: &'a dyn RunWatch,
    steps: Vec<StepReport>,
}

impl<'a> Context<'a> {
    /// A run that has done nothing yet.
    pub(crate) fn new(request: &'a RunRequest<'a>, watch: &'a dyn RunWatch) -> Self {
        Self {
            request,
            watch,
            steps: Vec::new(),
        }
    }

    /// Runs a step and keeps its report.
    pub(crate) fn run(
        &mut self,
        step: Step<'_>,
        action: impl FnOnce() -> Result<(), RunError>,
    ) -> Result<FinishedStep, RunError> {
        let finished = step.run(self.watch, action)?;
        self.steps.push(finished.report.clone());
        Ok(finished)
    }
}

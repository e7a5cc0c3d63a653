//! effect → decision, and the documents that may leave

use std::path::Path;

use utfall_files::Digest;
use utfall_payment::Decision;
use utfall_registry::{DeliveryQuality, DeliveryStatus, QualityReport};
use utfall_verify::record::{
    DeliveryStatus as RecordedStatus, DesignsDocument, Documents, EnvironmentDocument,
    ExtractRecord, ExtractsDocument, FunnelDocument,
};

use crate::run::Context;
use crate::step::{FinishedStep, Step, StepKey};
use crate::steps::ingest::Ingested;
use crate::{RunError, RunRequest, calibration_log, documents, steps};

const DECISION: &str = "decision.json";

/// Evaluates the contract on the effects and the balance gate.
pub(crate) fn run(
    context: &mut Context<'_>,
    matched: &FinishedStep,
    effects: &FinishedStep,
) -> Result<FinishedStep, RunError> {
    let request = context.request;
    let key = StepKey::of_code(&request.code)
        .with(
            "the contract",
            Digest::sha256(request.plan.contract_text().as_bytes()),
        )
        .with("the effects", effects.digest())
        .with("the balance", matched.digest());
    let folder = request.folder("decision");
    let step = Step {
        name: "decision",
        folder: &folder,
        key,
        outputs: &[DECISION],
    };
    context.run(step, || {
        let effects = steps::effects::read(request)?;
        let balance = steps::matching::read_balance(request)?;
        let decision = utfall_verify::decide(&request.plan.contract, &effects, &balance)
            .map_err(|error| RunError::internal("the decision", error))?;
        documents::write(&folder.join(DECISION), &decision)
    })
}

/// Every document of the run, with the plan's disclosure policy applied.
pub(crate) fn read(
    request: &RunRequest<'_>,
    ingested: &Ingested,
    matched: &FinishedStep,
) -> Result<Documents, RunError> {
    let plan = &request.plan.plan;
    let funnel = steps::cohort::read_funnel(request)?;
    let decision = read_in(request.workspace.folder())?;
    Ok(Documents {
        trial: crate::trial::trial(plan)?,
        funnel: FunnelDocument {
            policy: plan.disclosure.clone(),
            funnel: plan.disclosure.release_funnel(&funnel),
        },
        balance: steps::matching::read_balance(request)?,
        overlap: steps::matching::read_overlap(request)?.release(&plan.disclosure),
        effects: steps::effects::read(request)?,
        designs: DesignsDocument {
            alternatives: steps::alternatives::read(request)?,
            truths: crate::truth::read(plan, request.site)?,
        },
        extracts: ExtractsDocument {
            extracts: ingested.quality()?.iter().flat_map(records).collect(),
        },
        environment: EnvironmentDocument {
            utfall_version: env!("CARGO_PKG_VERSION").to_owned(),
            plan_digest: request.plan.digest,
            matched_set_seal: steps::matching::seal_digest(matched)?,
            calibrations: calibration_log::read(request)?,
        },
        decision,
    })
}

/// The decision of the run in a folder.
pub(crate) fn read_in(workspace: &Path) -> Result<Decision, RunError> {
    documents::read(&workspace.join("decision").join(DECISION))
}

fn records(quality: &QualityReport) -> impl Iterator<Item = ExtractRecord> {
    quality
        .deliveries
        .iter()
        .map(|delivery: &DeliveryQuality| ExtractRecord {
            name: quality.extract.clone(),
            vintage: delivery.vintage,
            status: match delivery.status {
                DeliveryStatus::Preliminary => RecordedStatus::Preliminary,
                DeliveryStatus::Final => RecordedStatus::Final,
            },
            n_rows: delivery.n_rows,
            n_accepted: delivery.n_accepted,
            n_quarantined: delivery.n_quarantined,
            digest: delivery.blake3,
        })
}

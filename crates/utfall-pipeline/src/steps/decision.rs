//! effect → decision, and the documents that may leave

use std::path::Path;

use utfall_disclosure::{Protected, PublicView};
use utfall_evidence::CommitmentKey;
use utfall_files::Digest;
use utfall_payment::Decision;
use utfall_registry::{DeliveryQuality, DeliveryStatus, QualityReport};
use utfall_verify::record::{
    AlternativeRecord, DeliveryStatus as RecordedStatus, DesignResult, DesignsDocument, Documents,
    EnvironmentDocument, ExtractRecord, ExtractsDocument, FunnelDocument, LockDocument,
};
use utfall_verify::{ExactCounts, public_view};

use crate::run::Context;
use crate::step::{FinishedStep, Step, StepKey};
use crate::steps::ingest::Ingested;
use crate::{RunError, RunRequest, documents, seals, steps};

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
    environment: EnvironmentDocument,
    key: &CommitmentKey,
) -> Result<Documents, RunError> {
    let plan = &request.plan.plan;
    let lock = LockDocument {
        units_in_ledger: request.site.ledger.is_some(),
        ..request.plan.compare_with_lock()
    };
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
            alternatives: alternatives(request, key)?,
            truths: crate::truth::read(plan, request.site)?,
            sensitivity: steps::sensitivity::read(request)?,
        },
        extracts: ExtractsDocument {
            extracts: ingested
                .quality()?
                .iter()
                .flat_map(|quality| records(quality, key))
                .collect(),
        },
        environment,
        lock,
        decision,
    })
}

/// What everyone may see of the run.
pub(crate) fn public(
    request: &RunRequest<'_>,
    documents: &Documents,
) -> Result<Protected<PublicView>, RunError> {
    let plan = &request.plan.plan;
    let exact = ExactCounts {
        funnel: steps::cohort::read_funnel(request)?,
        overlap: steps::matching::read_overlap(request)?.bins(),
    };
    let name = plan.name.as_str();
    let contract = &request.plan.contract;
    Ok(public_view(name, &plan.title, documents, &exact, contract)?)
}

/// The decision of the run in a folder.
pub(crate) fn read_in(workspace: &Path) -> Result<Decision, RunError> {
    documents::read(&workspace.join("decision").join(DECISION))
}

/// The alternatives, with commitments in place of the digests of their units.
fn alternatives(
    request: &RunRequest<'_>,
    key: &CommitmentKey,
) -> Result<Vec<AlternativeRecord>, RunError> {
    let mut alternatives = steps::alternatives::read(request)?;
    for alternative in &mut alternatives {
        if let DesignResult::Made(made) = &mut alternative.result {
            made.seal = seals::units(key, &made.seal);
        }
    }
    Ok(alternatives)
}

fn records(quality: &QualityReport, key: &CommitmentKey) -> impl Iterator<Item = ExtractRecord> {
    quality
        .deliveries
        .iter()
        .map(move |delivery: &DeliveryQuality| ExtractRecord {
            name: quality.extract.clone(),
            vintage: delivery.vintage,
            status: match delivery.status {
                DeliveryStatus::Preliminary => RecordedStatus::Preliminary,
                DeliveryStatus::Final => RecordedStatus::Final,
            },
            n_rows: delivery.n_rows,
            n_accepted: delivery.n_accepted,
            n_quarantined: delivery.n_quarantined,
            commitment: seals::extract(key, &delivery.blake3),
        })
}

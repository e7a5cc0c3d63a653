//! The results of a run in its workspace: report, bundle and `run.json`.

use std::path::PathBuf;

use serde::Serialize;
use utfall_disclosure::ReleaseFolder;
use utfall_evidence::Files;
use utfall_files::Digest;
use utfall_payment::Decision;
use utfall_pipeline::{
    RunError, RunOutcome, RunRequest, RunWatch, Step, StepKey, StepReport, Workspace,
};
use utfall_registry::QualityReport;
use utfall_report::{QualityInput, ReportInput};
use utfall_verify::Run;
use utfall_verify::record::{
    BalanceDocument, DesignsDocument, Documents, EffectRecord, LockDocument,
};

use crate::error::CliError;

/// The quality report's name in a workspace.
pub(crate) const QUALITY: &str = "quality.html";
const REPORT: &str = "report.html";
const BUNDLE: &str = "bundle.zip";
/// The folder of what everyone may see.
const RELEASE: &str = "release";
const PUBLIC: &str = "public.json";

/// What a run found, and where its results lie.
pub(crate) struct Results {
    pub(crate) pipeline: String,
    pub(crate) title: String,
    pub(crate) steps: Vec<StepReport>,
    pub(crate) documents: Documents,
    pub(crate) report: PathBuf,
    pub(crate) bundle: PathBuf,
    pub(crate) public: PathBuf,
}

/// `run.json`: the results for programs. Its schema is part of the public interface.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct RunDocument<'a> {
    schema: &'static str,
    pipeline: &'a str,
    title: &'a str,
    plan_digest: Digest,
    decision: &'a Decision,
    effects: &'a [EffectRecord],
    balance: &'a BalanceDocument,
    designs: &'a DesignsDocument,
    lock: &'a LockDocument,
    steps: &'a [StepReport],
    report: &'a str,
    bundle: &'a str,
    public: String,
}

impl Results {
    /// The results as one JSON document.
    pub(crate) fn to_json(&self) -> Result<String, CliError> {
        let document = RunDocument {
            schema: "utfall-run/1",
            pipeline: &self.pipeline,
            title: &self.title,
            plan_digest: self.documents.environment.plan_digest,
            decision: &self.documents.decision,
            effects: &self.documents.effects.effects,
            balance: &self.documents.balance,
            designs: &self.documents.designs,
            lock: &self.documents.lock,
            steps: &self.steps,
            report: REPORT,
            bundle: BUNDLE,
            public: format!("{RELEASE}/{PUBLIC}"),
        };
        serde_json::to_string_pretty(&document)
            .map_err(|error| CliError::Internal(error.to_string()))
    }
}

/// Writes report, bundle and `run.json`, each whole or not at all.
pub(crate) fn write(
    request: &RunRequest<'_>,
    outcome: RunOutcome,
    watch: &dyn RunWatch,
) -> Result<Results, CliError> {
    let folder = request.workspace.folder();
    let plan = &request.plan.plan;
    let mut results = Results {
        pipeline: plan.name.as_str().to_owned(),
        title: plan.title.clone(),
        steps: outcome.steps,
        documents: outcome.documents,
        report: folder.join(REPORT),
        bundle: folder.join(BUNDLE),
        public: folder.join(RELEASE).join(PUBLIC),
    };
    let release = ReleaseFolder::open(&folder.join(RELEASE))?;
    release.write(PUBLIC, &outcome.public)?;
    let key = StepKey::of_code(&request.code)
        .with("what was found", outcome.digest)
        .with("the plan", request.plan.digest);
    let step = write_quality_of_run(request, watch)?;
    results.steps.push(step);
    let report = Step {
        name: "report",
        folder,
        key: key.clone(),
        outputs: &[REPORT],
    };
    let finished = report.run(watch, || render(request, &results))?;
    results.steps.push(finished.report.clone());

    let key = key
        .with("the report", finished.digest())
        .with("the texts of the plan", texts(request)?);
    let bundle = Step {
        name: "bundle",
        folder,
        key,
        outputs: &[BUNDLE],
    };
    let finished = bundle.run(watch, || seal(request, &results))?;
    results.steps.push(finished.report);

    utfall_files::write_whole(
        &folder.join("run.json"),
        (results.to_json()? + "\n").as_bytes(),
    )?;
    Ok(results)
}

/// Writes the quality report of extracts, which hangs on what was found in them alone.
pub(crate) fn write_quality(
    title: &str,
    workspace: &Workspace,
    code: &Digest,
    extracts: &[QualityReport],
    watch: &dyn RunWatch,
) -> Result<StepReport, CliError> {
    let folder = workspace.folder();
    let step = Step {
        name: "quality",
        folder,
        key: StepKey::of_code(code)
            .with("the title", title)
            .with_plan_part("what was found in the extracts", &extracts),
        outputs: &[QUALITY],
    };
    let finished = step.run(watch, || {
        let input = QualityInput {
            title,
            version: env!("CARGO_PKG_VERSION"),
            extracts,
        };
        let html = utfall_report::render_quality(&input)
            .map_err(|error| RunError::internal("the quality report", error))?;
        Ok(utfall_files::write_whole(
            &folder.join(QUALITY),
            html.as_bytes(),
        )?)
    })?;
    Ok(finished.report)
}

/// The same for the extracts of a run.
pub(crate) fn write_quality_of_run(
    request: &RunRequest<'_>,
    watch: &dyn RunWatch,
) -> Result<StepReport, CliError> {
    let extracts = request.plan.data_contracts.keys();
    let extracts = utfall_pipeline::quality(request.workspace, extracts)?;
    let title = &request.plan.plan.title;
    write_quality(title, request.workspace, &request.code, &extracts, watch)
}

fn render(request: &RunRequest<'_>, results: &Results) -> Result<(), RunError> {
    let plan = &request.plan.plan;
    let input = ReportInput {
        pipeline: plan.name.as_str(),
        title: &plan.title,
        description: &plan.description,
        documents: &results.documents,
    };
    let html =
        utfall_report::render(&input).map_err(|error| RunError::internal("the report", error))?;
    Ok(utfall_files::write_whole(&results.report, html.as_bytes())?)
}

/// The files of a bundle, as a run made again in a workspace of its own leaves them.
pub(crate) fn bundle_files(results: &Results) -> Result<Files, CliError> {
    let inspection = utfall_evidence::inspect(&results.bundle)?;
    let files = inspection.files;
    files.ok_or_else(|| CliError::Internal("the bundle of the run cannot be read".to_owned()))
}

fn seal(request: &RunRequest<'_>, results: &Results) -> Result<(), RunError> {
    let run = Run {
        pipeline: results.pipeline.clone(),
        plan: request.plan.plan_text().to_owned(),
        meaning: request.plan.meaning.clone(),
        locked_meaning: request.plan.lock.as_ref().map(|lock| lock.meaning.clone()),
        contract: request.plan.contract_text().to_owned(),
        extracts: request.plan.data_contract_texts(),
        documents: results.documents.clone(),
        report: utfall_files::read_text(&results.report)?,
    };
    let bundle =
        utfall_verify::seal_run(&run).map_err(|error| RunError::internal("the bundle", error))?;
    Ok(bundle.write(&results.bundle)?)
}

/// The plan's files as they are: in the bundle even a comment is a byte.
fn texts(request: &RunRequest<'_>) -> Result<Digest, CliError> {
    let bytes = serde_json::to_vec(&request.plan.texts)
        .map_err(|error| CliError::Internal(error.to_string()))?;
    Ok(Digest::sha256(&bytes))
}

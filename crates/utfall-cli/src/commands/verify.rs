//! `utfall verify`

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;
use utfall_evidence::ledger::Ledger;
use utfall_evidence::{Files, Finding, Inspection, SecretKey, inspect};
use utfall_files::Digest;
use utfall_pipeline::{LoadedPlan, RunRequest, Site, Workspace};
use utfall_verify::record::MEANING;
use utfall_verify::{Question, Verification, reproduction, signed_summary, verification};

use super::key::read_policy;
use super::run;
use crate::args::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;
use crate::results;

/// Check a bundle offline: digests, signatures, ledger, and the payment replayed from the effects
///
/// Level V0 checks that every byte is the one sealed. V1 checks that everyone the trust policy asks
/// for has signed, V2 that the bundle stands in a ledger that the policy trusts, after its plan. V3
/// evaluates the contract in the bundle on the effects in it and compares the decision. None needs
/// any person's data. Without a trust policy V0 and V3 are checked. Who has the data and the key of
/// the commitments can make the run again (V4) and compare every file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall verify runs/hemmasittare/bundle.zip
    utfall verify bundle.zip --trust trust.toml
    utfall verify bundle.zip --trust trust.toml --on 2026-03-01 --ledger copy-of-the-ledger
    utfall verify bundle.zip --rerun pipelines/hemmasittare --workspace again \\
        --commitment-key runs/hemmasittare/commitment.key
    utfall verify bundle.zip --trust trust.toml --sign-summary our.key --summary-to summary.json
    utfall verify bundle.zip --format json
    utfall verify --page verify.html")]
pub(crate) struct VerifyArgs {
    /// Bundle written by `utfall run`, or the folder it was unpacked into
    #[arg(required_unless_present = "page")]
    bundle: Option<PathBuf>,
    /// Write a page that checks bundles in any browser, without install or network, for those without utfall
    #[arg(long, value_name = "HTML", conflicts_with = "bundle")]
    page: Option<PathBuf>,
    /// Whom to trust, and who must have signed: the policy that `utfall key trust` writes
    #[arg(long, value_name = "TOML")]
    trust: Option<PathBuf>,
    /// Day on which keys must count, that on which the bundle was received [default: today]
    #[arg(long, value_name = "DATE", requires = "trust")]
    on: Option<NaiveDate>,
    /// Copy of the ledger, which must continue the state that the bundle was entered in
    #[arg(long, value_name = "FOLDER", requires = "trust")]
    ledger: Option<PathBuf>,
    /// Make the run again from this pipeline and its data, and compare every file (level V4)
    #[arg(long, value_name = "PIPELINE", requires = "workspace")]
    rerun: Option<PathBuf>,
    /// Site file of the run made again [default: site.toml in the pipeline's folder]
    #[arg(long, value_name = "TOML", requires = "rerun")]
    site: Option<PathBuf>,
    /// Key of the bundle's commitments, such as commitment.key in the workspace of its run [default: that of the site file]
    #[arg(long, value_name = "FILE", requires = "rerun")]
    commitment_key: Option<PathBuf>,
    /// Folder of the run made again
    #[arg(long, value_name = "FOLDER", requires = "rerun")]
    workspace: Option<PathBuf>,
    /// Sign the result with this key, as a verification summary
    #[arg(long, value_name = "FILE", requires = "summary_to")]
    sign_summary: Option<PathBuf>,
    /// File to write the summary to
    #[arg(long, value_name = "FILE", requires = "sign_summary")]
    summary_to: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match (&args.page, &args.bundle) {
        (Some(page), _) => write_page(page, out),
        (None, Some(bundle)) => verify_bundle(args, bundle, out),
        (None, None) => Err(CliError::Bundle("none was named".to_owned())),
    }
}

fn write_page(path: &Path, out: &mut dyn Write) -> Result<Code, CliError> {
    let page = utfall_report::render_verifier()?;
    utfall_files::write_whole(path, page.as_bytes())?;
    writeln!(out, "Wrote {}", path.display())?;
    Ok(Code::Done)
}

fn verify_bundle(args: &VerifyArgs, bundle: &Path, out: &mut dyn Write) -> Result<Code, CliError> {
    let trust = args.trust.as_deref().map(read_policy).transpose()?;
    let ledger = args
        .ledger
        .as_deref()
        .map(Ledger::open_unchecked)
        .transpose()?;
    let on = args.on.unwrap_or_else(clock::today);
    let question = Question::all(trust.as_ref(), on, ledger.as_ref());
    let inspection = inspect(bundle).map_err(|error| CliError::Bundle(error.to_string()))?;
    let mut verified = verification(&inspection, &question);
    if let (Some(pipeline), Some(workspace)) = (&args.rerun, &args.workspace) {
        let findings = rerun(args, pipeline, workspace, inspection)?;
        verified = verified.with_reproduction(findings);
    }
    if let (Some(key), Some(to)) = (&args.sign_summary, &args.summary_to) {
        sign(args, &verified, key, to)?;
    }
    match args.format {
        Format::Text => write!(out, "{verified}")?,
        Format::Json => {
            let text = serde_json::to_string_pretty(&verified)
                .map_err(|error| CliError::Internal(error.to_string()))?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(if verified.accepted {
        Code::Done
    } else if verified.is_only_not_reproduced() {
        Code::NotReproducible
    } else {
        Code::Verification
    })
}

/// Makes the run again and says where it comes to something else.
fn rerun(
    args: &VerifyArgs,
    pipeline: &Path,
    workspace: &Path,
    inspection: Inspection,
) -> Result<Vec<Finding>, CliError> {
    let theirs = inspection.files.ok_or_else(|| {
        CliError::Bundle("it cannot be read, so no run can be compared".to_owned())
    })?;
    let plan = LoadedPlan::read(pipeline)?;
    if let Some(finding) = another_plan(&plan, &theirs) {
        return Ok(vec![finding]);
    }
    let mut site = Site::for_plan(pipeline, args.site.as_deref(), &plan.plan, None)?;
    site.commitment_key = args.commitment_key.clone().or(site.commitment_key);
    site.ledger = None; // what was entered once is not entered again
    let request = RunRequest {
        plan: &plan,
        site: &site,
        workspace: &Workspace::open(workspace)?,
        code: run::code()?,
    };
    let progress = Progress::new(args.format == Format::Json);
    let outcome = utfall_pipeline::run(&request, &progress)?;
    let results = results::write(&request, outcome, &progress)?;
    Ok(reproduction(&theirs, &results::bundle_files(&results)?))
}

/// A run by another plan would be another run, and is not made.
fn another_plan(plan: &LoadedPlan, theirs: &Files) -> Option<Finding> {
    let meant = plan.meaning.to_bytes();
    (theirs.get(MEANING) != Some(&meant)).then(|| {
        Finding::new(
            MEANING,
            format!("the plan at hand, {}", plan.digest),
            "another plan",
            "the run was not made again: the plan at hand is not that of the bundle",
        )
    })
}

fn sign(args: &VerifyArgs, verified: &Verification, key: &Path, to: &Path) -> Result<(), CliError> {
    let key = SecretKey::read(key)?;
    let policy = args.trust.as_deref().map(utfall_files::read_whole);
    let policy = policy.transpose()?.map(|bytes| Digest::sha256(&bytes));
    let summary = signed_summary(verified, policy.as_ref(), &clock::moment(), &key)
        .map_err(|error| CliError::Bundle(error.to_string()))?;
    Ok(utfall_files::write_whole(to, &summary)?)
}

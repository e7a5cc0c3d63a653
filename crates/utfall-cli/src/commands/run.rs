//! `utfall run`

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;
use utfall_files::Digest;
use utfall_pipeline::{LoadedPlan, RunError, RunRequest, Site, Workspace};

use crate::args::Format;
use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;
use crate::results::{self, Results};
use crate::summary;

/// Run a pipeline: from extracts to a decision, a report and a bundle others can verify
///
/// Steps whose inputs, part of the plan and program are unchanged are kept from the last run.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall run pipelines/hemmasittare
    utfall run pipelines/hemmasittare --site server.toml --workspace /srv/utfall/hemmasittare
    utfall run pipelines/hemmasittare --as-of 2024-10-01 --workspace runs/october
    utfall run pipelines/hemmasittare --format json | jq .decision.branch")]
pub(crate) struct RunArgs {
    /// Folder that holds plan.toml
    pipeline: PathBuf,
    /// Where the extracts lie [default: site.toml in the pipeline's folder]
    #[arg(long, value_name = "TOML")]
    site: Option<PathBuf>,
    /// Leave deliveries of later vintages aside: the registers as they were known on this day
    #[arg(long, value_name = "DATE")]
    as_of: Option<NaiveDate>,
    /// Folder for tables, steps and results [default: runs/NAME]
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// Wait while another run holds the workspace, in place of ending with exit code 6
    #[arg(long)]
    wait: bool,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// No progress on standard error
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(args: &RunArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let plan = LoadedPlan::read(&args.pipeline)?;
    let site = Site::for_plan(&args.pipeline, args.site.as_deref(), &plan.plan, args.as_of)?;
    let folder = workspace_folder(args.workspace.as_deref(), plan.plan.name.as_str());
    let workspace = if args.wait {
        Workspace::wait(&folder)?
    } else {
        Workspace::open(&folder)?
    };
    let request = RunRequest {
        plan: &plan,
        site: &site,
        workspace: &workspace,
        code: code()?,
    };
    let progress = Progress::new(args.quiet);
    let outcome = match utfall_pipeline::run(&request, &progress) {
        Err(refused @ RunError::ToleranceExceeded(_)) => {
            results::write_quality_of_run(&request, &progress)?;
            return Err(refused.into());
        }
        outcome => outcome?,
    };
    let results = results::write(&request, outcome, &progress)?;
    drop(progress);
    match args.format {
        Format::Text => summary::write(&results, out)?,
        Format::Json => writeln!(out, "{}", results.to_json()?)?,
    }
    Ok(exit_code(&results))
}

/// The balance gate is a check of the plan: a run that fails it is written down, and says so.
fn exit_code(results: &Results) -> Code {
    if results.documents.balance.gate.passed {
        Code::Done
    } else {
        Code::ChecksFailed
    }
}

/// The folder of a pipeline's tables, steps and results.
pub(crate) fn workspace_folder(given: Option<&Path>, name: &str) -> PathBuf {
    given.map_or_else(|| Path::new("runs").join(name), Path::to_owned)
}

/// The digest of the running program.
pub(crate) fn code() -> Result<Digest, CliError> {
    let program = std::env::current_exe()?;
    Ok(Digest::blake3_of_file(&program)?)
}

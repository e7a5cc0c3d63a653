//! `utfall validate`

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use utfall_pipeline::{CheckRequest, LoadedPlan, Site, Workspace};
use utfall_registry::{DataContract, QualityReport, RuleQuality};

use crate::args::Format;
use crate::commands::run::{code, workspace_folder};
use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;
use crate::results;

/// Check a pipeline and its extracts, and compute nothing
///
/// Reads the plan, the data contracts and the outcome contract, then every extract, and reports
/// every violation of every rule with where it first occurs. It never shows a cell. What was read
/// stays in the workspace: severities and tolerances can be changed and judged again without
/// reading, and a run goes on from there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall validate pipelines/hemmasittare
    utfall validate pipelines/hemmasittare --report quality.html
    utfall validate pipelines/hemmasittare --format json | jq '.[].rules[].id'")]
pub(crate) struct ValidateArgs {
    /// Folder that holds plan.toml; or, before there is one, a folder `extracts` of data contracts
    pipeline: PathBuf,
    /// Where the extracts lie [default: site.toml in the pipeline's folder]
    #[arg(long, value_name = "TOML")]
    site: Option<PathBuf>,
    /// Folder for checked tables [default: runs/NAME]
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// Write the quality report here as well, as one HTML page [default: quality.html in the workspace]
    #[arg(long, value_name = "HTML")]
    report: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// No progress on standard error
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn validate(args: &ValidateArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let subject = Subject::read(&args.pipeline)?;
    let site = match &subject.plan {
        Some(plan) => Site::for_plan(&args.pipeline, args.site.as_deref(), &plan.plan, None)?,
        None => Site::of_pipeline(&args.pipeline, args.site.as_deref())?,
    };
    let folder = workspace_folder(args.workspace.as_deref(), &subject.name);
    let workspace = Workspace::open(&folder)?;
    let request = CheckRequest {
        contracts: &subject.contracts,
        site: &site,
        workspace: &workspace,
        code: code()?,
    };
    let progress = Progress::new(args.quiet);
    let n_examples = match &subject.plan {
        Some(plan) => utfall_pipeline::check_examples(plan, &progress)?,
        None => 0,
    };
    let (extracts, _) = utfall_pipeline::check(&request, &progress)?;
    results::write_quality(
        &subject.title,
        &workspace,
        &request.code,
        &extracts,
        &progress,
    )?;
    drop(progress);
    let page = workspace.folder().join(results::QUALITY);
    if let Some(report) = &args.report {
        utfall_files::write_whole(report, &utfall_files::read_whole(&page)?)?;
    }
    match args.format {
        Format::Text => {
            if let Some(plan) = &subject.plan {
                writeln!(out, "plan        ok, digest {}", plan.digest)?;
            }
            if n_examples > 0 {
                writeln!(out, "examples    {n_examples} as expected")?;
            }
            extracts
                .iter()
                .try_for_each(|extract| summarise(extract, out))?;
            writeln!(
                out,
                "report      {}",
                args.report.as_ref().unwrap_or(&page).display()
            )?;
        }
        Format::Json => {
            let json = serde_json::to_string_pretty(&extracts)
                .map_err(|error| CliError::Internal(error.to_string()))?;
            writeln!(out, "{json}")?;
        }
    }
    let is_sound = |extract: &QualityReport| {
        extract.n_quarantined() == 0 && extract.exceeded().next().is_none()
    };
    Ok(if extracts.iter().all(is_sound) {
        Code::Done
    } else {
        Code::ChecksFailed
    })
}

/// What is checked: the extracts of a plan, or of a folder that has none yet.
struct Subject {
    name: String,
    title: String,
    contracts: BTreeMap<String, DataContract>,
    plan: Option<LoadedPlan>,
}

impl Subject {
    fn read(folder: &Path) -> Result<Self, CliError> {
        if folder.join("plan.toml").exists() || !folder.join("extracts").is_dir() {
            let plan = LoadedPlan::read(folder)?;
            return Ok(Self {
                name: plan.plan.name.as_str().to_owned(),
                title: plan.plan.title.clone(),
                contracts: plan.data_contracts.clone(),
                plan: Some(plan),
            });
        }
        let name = folder.canonicalize().ok().and_then(|folder| {
            let name = folder.file_name()?.to_string_lossy().into_owned();
            Some(name)
        });
        let name = name.unwrap_or_else(|| "extracts".to_owned());
        Ok(Self {
            title: format!("Extracts of {name}"),
            name,
            contracts: utfall_pipeline::read_contracts(folder)?,
            plan: None,
        })
    }
}

/// An extract and every rule it breaks.
fn summarise(extract: &QualityReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{:<16}{} rows, {} in quarantine; {} of {} rules broken",
        extract.extract,
        extract.n_rows(),
        extract.n_quarantined(),
        extract.rules.len(),
        extract.rules.len() + extract.held.len(),
    )?;
    extract
        .rules
        .iter()
        .try_for_each(|rule| writeln!(out, "    {}", violation(rule)))
}

/// A broken rule, how often, and where first.
fn violation(rule: &RuleQuality) -> String {
    let first = rule.first_locators.first();
    let first = first.map_or_else(String::new, |place| {
        let line = if place.line > 0 {
            format!(":{}", place.line)
        } else {
            String::new()
        };
        let note = place
            .note
            .as_ref()
            .map_or_else(String::new, |note| format!(": {note}"));
        format!(", first at {}{line}{note}", place.file)
    });
    let refused = match rule.tolerance {
        Some(most) if rule.is_exceeded => format!(" (refused: more than {most})"),
        _ => String::new(),
    };
    let times = match (rule.rule.is_about_extract(), rule.n_rows) {
        (true, 1) => "time",
        (true, _) => "times",
        (false, 1) => "row",
        (false, _) => "rows",
    };
    format!(
        "{} [{}]: {} {times}{first}{refused}",
        rule.id, rule.severity, rule.n_rows
    )
}

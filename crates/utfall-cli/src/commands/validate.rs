//! `utfall validate`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use utfall_pipeline::{LoadedPlan, Site};
use utfall_registry::RuleQuality;

use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;

/// Check a pipeline and its extracts; nothing is written
///
/// Reads the plan, the data contracts and the outcome contract, then every extract, and reports
/// every violation of every rule with where it first occurs. It never shows a cell.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
    utfall validate pipelines/hemmasittare")]
pub(crate) struct ValidateArgs {
    /// Folder that holds plan.toml
    pipeline: PathBuf,
    /// Where the extracts lie [default: site.toml in the pipeline's folder]
    #[arg(long, value_name = "TOML")]
    site: Option<PathBuf>,
    /// No progress on standard error
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn validate(args: &ValidateArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let plan = LoadedPlan::read(&args.pipeline)?;
    writeln!(out, "plan        ok, digest {}", plan.digest)?;
    let site = Site::for_plan(&args.pipeline, args.site.as_deref(), &plan.plan, None)?;
    let progress = Progress::new(args.quiet);
    let n_examples = utfall_pipeline::check_examples(&plan, &progress)?;
    if n_examples > 0 {
        writeln!(out, "examples    {n_examples} as expected")?;
    }
    let mut n_violations = 0;
    for (extract, contract) in &plan.data_contracts {
        progress.begin(&format!("checking {extract}"));
        let report = utfall_pipeline::inspect(extract, contract, &site, &progress)?;
        progress.begin("");
        writeln!(
            out,
            "{extract:<16}{} rows, {} would go to quarantine",
            report.n_rows(),
            report.n_quarantined()
        )?;
        n_violations += report.n_quarantined();
        for rule in &report.rules {
            writeln!(out, "    {}", violation(rule))?;
        }
    }
    Ok(if n_violations == 0 {
        Code::Done
    } else {
        Code::ChecksFailed
    })
}

/// A broken rule, how often, and where first.
fn violation(rule: &RuleQuality) -> String {
    let column = rule
        .column
        .as_deref()
        .map_or_else(String::new, |column| format!(" in {column}"));
    let first = rule.first_locators.first();
    let first = first.map_or_else(String::new, |place| {
        format!(", first at {}:{}", place.file, place.line)
    });
    format!("{}{column}: {} rows{first}", rule.rule, rule.n_rows)
}

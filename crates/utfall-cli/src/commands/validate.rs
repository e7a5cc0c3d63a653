//! `utfall validate`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use utfall_pipeline::{LoadedPlan, Site};

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
    let site = Site::read(&args.site.clone().unwrap_or_else(|| args.pipeline.join("site.toml")))?;
    let progress = Progress::new(args.quiet);
    let mut n_violations = 0;
    for (extract, contract) in &plan.data_contracts {
        progress.begin(&format!("checking {extract}"));
        let report = utfall_pipeline::inspect(extract, contract, &site, &progress)?;
        let n_rows: u64 = report.deliveries.iter().map(|delivery| delivery.n_rows).sum();
        let n_quarantined: u64 = report.deliveries.iter().map(|delivery| delivery.n_quarantined).sum();
        writeln!(out, "{extract:<12}{n_rows} rows, {n_quarantined} would go to quarantine")?;
        for rule in &report.rules {
            n_violations += rule.n_rows;
            let first = rule.first_locators.first().map_or_else(String::new, |place| format!(", first at {place}"));
            writeln!(out, "    {}: {} rows{first}", rule.title(), rule.n_rows)?;
        }
    }
    Ok(if n_violations == 0 { Code::Done } else { Code::ChecksFailed })
}

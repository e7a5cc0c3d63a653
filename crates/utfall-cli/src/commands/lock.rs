//! `utfall lock`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use utfall_evidence::SecretKey;
use utfall_evidence::ledger::Ledger;
use utfall_pipeline::{LoadedPlan, LockEntry, PlanLock, Site, SiteLedger, enter_in};
use utfall_verify::LedgerEntry;

use crate::error::CliError;
use crate::exit::Code;

/// Freeze a plan before outcomes are read
///
/// Writes lock.json beside the plan: what every clause says, and its digest. Comments and layout do
/// not count. Every later run names the clauses in which its plan differs from the locked one. With
/// a ledger (here, or in the site file) the digest is entered there first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall lock pipelines/hemmasittare
    utfall lock pipelines/hemmasittare --ledger ledger --ledger-key ledger.key")]
pub(crate) struct LockArgs {
    /// Folder that holds plan.toml
    pipeline: PathBuf,
    /// Ledger to enter the plan in [default: that of site.toml, if it names one]
    #[arg(long, value_name = "FOLDER", requires = "ledger_key")]
    ledger: Option<PathBuf>,
    /// Secret key of the ledger
    #[arg(long, value_name = "FILE", requires = "ledger")]
    ledger_key: Option<PathBuf>,
    /// Put this plan in the place of one locked before
    #[arg(long)]
    replace: bool,
}

pub(crate) fn lock(args: &LockArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let plan = LoadedPlan::read(&args.pipeline)?;
    if plan.lock.is_some() && !args.replace {
        return Err(CliError::Exists {
            path: PlanLock::path(&args.pipeline),
        });
    }
    let ledger = match (&args.ledger, &args.ledger_key) {
        (Some(folder), Some(key)) => Some(SiteLedger {
            folder: folder.clone(),
            key: key.clone(),
        }),
        _ if args.pipeline.join("site.toml").exists() => {
            Site::of_pipeline(&args.pipeline, None)?.ledger
        }
        _ => None,
    };
    let entry = ledger.map(|ledger| enter(&plan, &ledger)).transpose()?;
    writeln!(out, "Locked {} as {}", plan.plan.name.as_str(), plan.digest)?;
    if let Some(LockEntry { origin, index, .. }) = &entry {
        writeln!(out, "Entry {index} in {origin}")?;
    }
    PlanLock::of(&plan, entry).write(&args.pipeline)?;
    Ok(Code::Done)
}

fn enter(plan: &LoadedPlan, site: &SiteLedger) -> Result<LockEntry, CliError> {
    let entry = LedgerEntry::plan(plan.plan.name.as_str(), plan.digest);
    let index = enter_in(site, &entry)?;
    let ledger = Ledger::open(&site.folder, SecretKey::read(&site.key)?.public())?;
    Ok(LockEntry {
        origin: ledger.signed().checkpoint().origin.clone(),
        index,
        proof: ledger.prove(index)?.to_text(),
    })
}

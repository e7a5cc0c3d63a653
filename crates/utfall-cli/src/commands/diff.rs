//! `utfall diff`

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;
use utfall_disclosure::Cell;
use utfall_payment::Moved;
use utfall_pipeline::{ExtractDifference, KnownOn, LoadedPlan, MeasureDifference, Site, Workspace};

use crate::args::Format;
use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;

/// Tell what changed between two runs, or between the extracts as known on two days
///
/// Of two runs: which effects moved, which amounts of the payment, and the operands that moved
/// them. Of two days: rows added, removed and changed in each extract, by column, and for how
/// many units each effect's measure moved. Counts are shown as the plan's disclosure policy says.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall diff runs/september runs/december
    utfall diff pipelines/hemmasittare --from 2024-10-01 --to 2024-12-31
    utfall diff pipelines/hemmasittare --from 2024-10-01 --to 2024-12-31 --extract absence")]
pub(crate) struct DiffArgs {
    /// Folder of the earlier run, or of the pipeline
    before: PathBuf,
    /// Folder of the later run
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    after: Option<PathBuf>,
    /// The extracts as known on this day …
    #[arg(long, value_name = "DATE", requires = "to")]
    from: Option<NaiveDate>,
    /// … and on this one
    #[arg(long, value_name = "DATE", requires = "from")]
    to: Option<NaiveDate>,
    /// Only this extract
    #[arg(long, value_name = "NAME", requires = "from")]
    extract: Option<String>,
    /// Where the extracts lie [default: site.toml in the pipeline's folder]
    #[arg(long, value_name = "TOML", requires = "from")]
    site: Option<PathBuf>,
    /// Folder of a run, whose matched set opens outcomes [default: runs/NAME]
    #[arg(long, value_name = "FOLDER", requires = "from")]
    workspace: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// No progress on standard error
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn diff(args: &DiffArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match (&args.after, args.from, args.to) {
        (Some(after), ..) => of_runs(args, after, out)?,
        (None, Some(before), Some(after)) => of_days(args, before, after, out)?,
        _ => return Err(CliError::Internal("an argument is absent".to_owned())),
    }
    Ok(Code::Done)
}

fn of_runs(args: &DiffArgs, after: &Path, out: &mut dyn Write) -> Result<(), CliError> {
    let difference = utfall_pipeline::compare_runs(&args.before, after)?;
    if args.format == Format::Json {
        return document("utfall-run-difference/1", &difference, out);
    }
    let decision = difference.decision;
    let sections = [
        ("Effects", difference.effects),
        ("Moved by", decision.causes),
        ("On the way", decision.steps),
        ("Payment", decision.amounts),
    ];
    if sections.iter().all(|(_, moved)| moved.is_empty()) {
        writeln!(out, "nothing differs")?;
    }
    for (title, moved) in sections {
        if !moved.is_empty() {
            writeln!(out, "{title}")?;
        }
        for Moved {
            name,
            before,
            after,
        } in moved
        {
            writeln!(out, "    {name}: {before} -> {after}")?;
        }
    }
    Ok(())
}

fn of_days(
    args: &DiffArgs,
    before: NaiveDate,
    after: NaiveDate,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let plan = LoadedPlan::read(&args.before)?;
    let site = Site::of_pipeline(&args.before, args.site.as_deref())?;
    let folder = args
        .workspace
        .clone()
        .unwrap_or_else(|| Path::new("runs").join(plan.plan.name.as_str()));
    let workspace = Workspace::open(&folder)?;
    let days = KnownOn {
        before,
        after,
        workspace: &workspace,
    };
    let progress = Progress::new(args.quiet);
    progress.begin("comparing");
    let extract = args.extract.as_deref();
    let (extracts, measures) =
        utfall_pipeline::compare_known(&plan, &site, &days, extract, &progress)?;
    drop(progress);
    if args.format == Format::Json {
        let found = Vintages { extracts, measures };
        return document("utfall-vintage-difference/1", &found, out);
    }
    extracts
        .iter()
        .try_for_each(|extract| tell_extract(extract, out))?;
    if measures.is_empty() && extract.is_none() {
        writeln!(
            out,
            "outcomes are compared once {} holds a matched set (`utfall run`)",
            folder.display()
        )?;
    }
    measures
        .iter()
        .try_for_each(|measure| tell_measure(measure, out))?;
    Ok(())
}

/// What changed from one day to another.
#[derive(Serialize)]
struct Vintages {
    extracts: Vec<ExtractDifference>,
    measures: Vec<MeasureDifference>,
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    #[serde(flatten)]
    found: &'a T,
}

fn document<T: Serialize>(
    schema: &'static str,
    found: &T,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let document = Document { schema, found };
    serde_json::to_writer_pretty(&mut *out, &document).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

fn tell_extract(found: &ExtractDifference, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(
        out,
        "{:<16}{} rows -> {}: {} added, {} removed, {} changed",
        found.extract,
        count(found.n_before),
        count(found.n_after),
        count(found.n_added),
        count(found.n_removed),
        count(found.n_changed)
    )?;
    let moved = found.columns.iter();
    for moved in moved.filter(|moved| moved.n_changed.value() != Some(0)) {
        writeln!(out, "    {}: {} rows", moved.column, count(moved.n_changed))?;
    }
    Ok(())
}

fn tell_measure(found: &MeasureDifference, out: &mut dyn Write) -> Result<(), CliError> {
    let MeasureDifference {
        effect, measure, ..
    } = found;
    match (found.n_moved, found.n_appeared_or_gone) {
        (Some(n_moved), Some(n_one)) => writeln!(
            out,
            "effect {effect}: {measure} moved for {} units, {} of which had nothing to measure on one of the days",
            count(n_moved),
            count(n_one)
        )?,
        _ => writeln!(
            out,
            "effect {effect}: the follow-up is not fully reported on one of the days"
        )?,
    }
    Ok(())
}

/// A count as it may be seen.
fn count(cell: Cell) -> String {
    match cell {
        Cell::Exact(count) => count.to_string(),
        Cell::Rounded(count) => format!("≈{count}"),
        Cell::Suppressed => "few".to_owned(),
    }
}

//! `utfall calibrate`

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use utfall_design::Assignment;
use utfall_pipeline::{CalibrationRequest, LoadedPlan, RunRequest, Site, Workspace};

use crate::args::Format;
use crate::calibration_text;
use crate::commands::run::code;
use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;

/// Run a frozen plan on placebo programmes: how often would it pay for nothing?
///
/// As many units as the plan treats are drawn, many times, among units that took part in no
/// programme, and every step from matching to decision is run on each draw. The true effect is
/// zero, so whatever is paid is paid for nothing. Tables are read once; the number of threads
/// changes no result.
///
/// Outcomes of untreated units are read. The workspace is marked for it, and every later run in it
/// says so, and whether the plan was changed since. With --index-date the programmes start so much
/// earlier that nothing after the plan's own index date is read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall calibrate pipelines/nyc-attendance
    utfall calibrate pipelines/nyc-attendance --programmes 5000 --seed 7
    utfall calibrate pipelines/hemmasittare --assignment by-score
    utfall calibrate pipelines/hemmasittare --index-date 2023-09-01
    utfall calibrate pipelines/nyc-attendance --format json | jq .payments.paid

Writes calibration/calibration.json and calibration/report.html in the workspace.")]
pub(crate) struct CalibrateArgs {
    /// Folder that holds plan.toml
    pipeline: PathBuf,
    /// Placebo programmes
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    programmes: u32,
    /// Seed of the draws of who is called treated
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How the units called treated are drawn
    #[arg(long, value_enum, default_value_t = AssignmentArg::WithinStrata)]
    assignment: AssignmentArg,
    /// An earlier day for the programmes to start, such as 2013-09-01
    #[arg(long, value_name = "DATE")]
    index_date: Option<NaiveDate>,
    /// Where the extracts lie [default: site.toml in the pipeline's folder]
    #[arg(long, value_name = "TOML")]
    site: Option<PathBuf>,
    /// Folder for tables, steps and results [default: runs/NAME]
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// No progress on standard error
    #[arg(long, short)]
    quiet: bool,
}

/// How the units of a placebo programme are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AssignmentArg {
    /// Every untreated unit alike
    Uniform,
    /// In each of the plan's exact strata as many as were treated there
    WithinStrata,
    /// In proportion to the odds of the plan's propensity score, so that they differ from the rest
    /// as the treated did
    ByScore,
}

pub(crate) fn calibrate(args: &CalibrateArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let plan = LoadedPlan::read(&args.pipeline)?;
    let site = Site::of_pipeline(&args.pipeline, args.site.as_deref())?;
    let folder = args
        .workspace
        .clone()
        .unwrap_or_else(|| Path::new("runs").join(plan.plan.name.as_str()));
    let workspace = Workspace::open(&folder)?;
    let request = RunRequest {
        plan: &plan,
        site: &site,
        workspace: &workspace,
        code: code()?,
    };
    let wanted = CalibrationRequest {
        n_programmes: args.programmes,
        seed: args.seed,
        assignment: match args.assignment {
            AssignmentArg::Uniform => Assignment::Uniform,
            AssignmentArg::WithinStrata => Assignment::WithinStrata,
            AssignmentArg::ByScore => Assignment::ByScore,
        },
        index_date: args.index_date,
    };
    let progress = Progress::new(args.quiet);
    let document = utfall_pipeline::calibrate(&request, &wanted, &progress)?;
    drop(progress);
    let report = folder.join("calibration").join("report.html");
    let html = utfall_report::render_calibration(&document)
        .map_err(|error| CliError::Internal(error.to_string()))?;
    utfall_files::write_whole(&report, html.as_bytes())?;
    match args.format {
        Format::Text => calibration_text::write(&document, &report, out)?,
        Format::Json => {
            let text = serde_json::to_string_pretty(&document)
                .map_err(|error| CliError::Internal(error.to_string()))?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(Code::Done)
}

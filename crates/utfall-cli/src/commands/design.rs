//! `utfall design`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use utfall_design::{CalibrationDocument, DesignSpec, operating_characteristics};
use utfall_payment::Contract;
use utfall_pipeline::PlanError;

use crate::args::Format;
use crate::design_text;
use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;

/// Before a contract is signed: what can be found, and what will be paid, by the true effect
///
/// Reads a design (hoped effects, sizes, variances, and the contract), states standard error, power
/// and least detectable effect, then draws estimates at many true effects and evaluates the
/// contract on each, exactly: how often it pays when nobody is helped, how often when all is as
/// hoped, and how much.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall design pipelines/hemmasittare            reads design.toml in that folder
    utfall design plans/absence.toml --html absence.html
    utfall design plans/absence.toml --format json | jq '.points[] | select(.role == \"nil\")'

A precision may be stated from sizes and variances, or be `calibrated`: the spread of the
placebo estimates that `utfall calibrate` left in the workspace. The format of the file is
described in crates/utfall-design/README.md.")]
pub(crate) struct DesignArgs {
    /// A design (TOML), or the folder of a pipeline that holds design.toml
    design: PathBuf,
    /// Write a page with pictures to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Workspace with the calibration a precision is taken from [default: runs/NAME of the pipeline's folder]
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// No progress on standard error
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn design(args: &DesignArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let file = if args.design.is_dir() {
        args.design.join("design.toml")
    } else {
        args.design.clone()
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let text = utfall_files::read_text(&file)?;
    let spec = DesignSpec::from_toml(&file.display().to_string(), &text)?;
    let contract_file = folder.join(&spec.contract);
    let contract_text = utfall_files::read_text(&contract_file)?;
    let contract = Contract::from_toml(&contract_file.display().to_string(), &contract_text)
        .map_err(|errors| PlanError::Contract(Box::new(errors)))?;
    let calibration = if spec.needs_calibration() {
        calibration(args, folder)?
    } else {
        None
    };
    let progress = Progress::new(args.quiet);
    progress.begin("drawing estimates");
    let document = operating_characteristics(&spec, &contract, calibration.as_ref(), &progress)?;
    drop(progress);
    if let Some(html) = &args.html {
        let page = utfall_report::render_design(&document)
            .map_err(|error| CliError::Internal(error.to_string()))?;
        utfall_files::write_whole(html, page.as_bytes())?;
    }
    match args.format {
        Format::Text => design_text::write(&document, out)?,
        Format::Json => {
            let text = serde_json::to_string_pretty(&document)
                .map_err(|error| CliError::Internal(error.to_string()))?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(Code::Done)
}

/// The calibration in the workspace, if there is one.
fn calibration(args: &DesignArgs, folder: &Path) -> Result<Option<CalibrationDocument>, CliError> {
    let workspace = args.workspace.clone().unwrap_or_else(|| {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Path::new("runs").join(folder.file_name().unwrap_or_default())
    });
    let file = workspace.join("calibration").join("calibration.json");
    if !file.exists() {
        return Ok(None);
    }
    let text = utfall_files::read_text(&file)?;
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|_| CliError::Run(utfall_pipeline::RunError::Altered { path: file }))
}

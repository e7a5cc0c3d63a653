//! `utfall estimate`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use utfall_request::Request;

use crate::error::CliError;
use crate::exit::Code;

/// Estimate an effect on any CSV file, from a small request file
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
    utfall estimate --request request.toml")]
pub(crate) struct EstimateArgs {
    /// What to estimate (TOML, or JSON by its ending); data files lie relative to it
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
}

pub(crate) fn estimate(args: &EstimateArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let request = Request::read(&args.request)?;
    let folder = args.request.parent().unwrap_or(Path::new(""));
    let answer = utfall_request::estimate(&request, folder)?;
    let text = serde_json::to_string_pretty(&answer)
        .map_err(|error| CliError::Internal(error.to_string()))?;
    writeln!(out, "{text}")?;
    Ok(Code::Done)
}

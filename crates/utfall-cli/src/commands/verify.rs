//! `utfall verify`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use utfall_verify::Level;

use crate::args::Format;
use crate::error::CliError;
use crate::exit::Code;

/// Check a bundle offline: its digests, and the payment replayed from the effects
///
/// Level V0 checks that every byte is the one sealed. Level V3 evaluates the contract in the
/// bundle on the effects in the bundle and compares the decision. Neither needs any person's data.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall verify runs/hemmasittare/bundle.zip
    utfall verify bundle.zip --format json")]
pub(crate) struct VerifyArgs {
    /// Bundle written by `utfall run`, or the folder it was unpacked into
    bundle: PathBuf,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let verification = utfall_verify::verify(&args.bundle, &Level::ALL)
        .map_err(|error| CliError::Bundle(error.to_string()))?;
    match args.format {
        Format::Text => write!(out, "{verification}")?,
        Format::Json => {
            let text = serde_json::to_string_pretty(&verification)
                .map_err(|error| CliError::Internal(error.to_string()))?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(if verification.accepted {
        Code::Done
    } else {
        Code::Verification
    })
}

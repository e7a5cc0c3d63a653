//! `utfall verify`

use std::io::Write;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use utfall_evidence::ledger::Ledger;
use utfall_verify::Question;

use super::key::read_policy;

use crate::args::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit::Code;

/// Check a bundle offline: digests, signatures, ledger, and the payment replayed from the effects
///
/// Level V0 checks that every byte is the one sealed. V1 checks that everyone the trust policy asks
/// for has signed, V2 that the bundle stands in a ledger that the policy trusts, after its plan. V3
/// evaluates the contract in the bundle on the effects in it and compares the decision. None needs
/// any person's data. Without a trust policy V0 and V3 are checked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall verify runs/hemmasittare/bundle.zip
    utfall verify bundle.zip --trust trust.toml
    utfall verify bundle.zip --trust trust.toml --on 2026-03-01 --ledger copy-of-the-ledger
    utfall verify bundle.zip --format json")]
pub(crate) struct VerifyArgs {
    /// Bundle written by `utfall run`, or the folder it was unpacked into
    bundle: PathBuf,
    /// Whom to trust, and who must have signed: the policy that `utfall key trust` writes
    #[arg(long, value_name = "TOML")]
    trust: Option<PathBuf>,
    /// Day on which keys must count, that on which the bundle was received [default: today]
    #[arg(long, value_name = "DATE", requires = "trust")]
    on: Option<NaiveDate>,
    /// Copy of the ledger, which must continue the state that the bundle was entered in
    #[arg(long, value_name = "FOLDER", requires = "trust")]
    ledger: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let trust = args.trust.as_deref().map(read_policy).transpose()?;
    let ledger = args
        .ledger
        .as_deref()
        .map(Ledger::open_unchecked)
        .transpose()?;
    let on = args.on.unwrap_or_else(clock::today);
    let question = Question::all(trust.as_ref(), on, ledger.as_ref());
    let verification = utfall_verify::verify(&args.bundle, &question)
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

//! `utfall sign`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use utfall_evidence::{Bundle, Inspection, SecretKey, inspect};
use utfall_verify::{Question, verification};

use crate::clock;
use crate::error::CliError;
use crate::exit::Code;

/// Sign a bundle, beside those who signed before
///
/// The bundle is verified first (levels V0 and V3): nobody signs what does not hold. The signature
/// is over the manifest, as DSSE; it changes nothing that was sealed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall sign runs/hemmasittare/bundle.zip --key evaluator.key")]
pub(crate) struct SignArgs {
    /// Bundle written by `utfall run`
    bundle: PathBuf,
    /// Secret key to sign with
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(crate) fn sign(args: &SignArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let key = SecretKey::read(&args.key)?;
    let mut bundle = intact(&args.bundle, out)?;
    bundle
        .sign(&key)
        .map_err(|error| CliError::Bundle(error.to_string()))?;
    bundle.write(&args.bundle)?;
    writeln!(out, "Signed {} as {}", bundle.digest(), key.public().name())?;
    Ok(Code::Done)
}

/// A bundle that verifies as far as anyone can tell, to add to; otherwise every finding is shown.
fn intact(path: &Path, out: &mut dyn Write) -> Result<Bundle, CliError> {
    let inspection = read(path)?;
    let verified = verification(&inspection, &Question::all(None, clock::today(), None));
    if !verified.accepted {
        write!(out, "{verified}")?;
        return Err(CliError::Bundle(
            "it does not verify, and was not signed".to_owned(),
        ));
    }
    opened(inspection)
}

/// Reads a bundle that is a zip.
pub(crate) fn read(path: &Path) -> Result<Inspection, CliError> {
    if path.is_dir() {
        let reason = "it is a folder; give the zip that it was unpacked from";
        return Err(CliError::Bundle(reason.to_owned()));
    }
    inspect(path).map_err(|error| CliError::Bundle(error.to_string()))
}

/// A bundle to add to.
pub(crate) fn opened(inspection: Inspection) -> Result<Bundle, CliError> {
    Bundle::of_inspection(inspection).map_err(|error| CliError::Bundle(error.to_string()))
}

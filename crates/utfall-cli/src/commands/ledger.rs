//! `utfall ledger`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use utfall_evidence::SecretKey;
use utfall_evidence::ledger::{Ledger, LedgerWriter, SignedCheckpoint};
use utfall_pipeline::{SiteLedger, enter_in};
use utfall_verify::{LedgerEntry, ledger_entries};

use super::key::read_key;
use super::sign::{opened, read};
use crate::args::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit::Code;

/// Keep a ledger of plans and bundles that nobody can change unnoticed
///
/// A ledger is a folder of plain files (C2SP tlog-tiles). Its checkpoint is signed by the ledger's
/// key and co-signed by the parties; each keeps the last one it saw beside its key, and refuses one
/// that does not continue it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall key new ledger.key --name ledger.example
    utfall ledger new ledger --key ledger.key
    utfall ledger append ledger --key ledger.key runs/hemmasittare/bundle.zip
    utfall ledger cosign ledger --key city.key
    utfall ledger prove ledger runs/hemmasittare/bundle.zip
    utfall ledger check ledger --ledger-key ledger.key.pub --since checkpoint.earlier")]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an empty ledger; its name is that of its key
    New {
        /// Folder of the ledger
        folder: PathBuf,
        /// Secret key of the ledger
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Show the checkpoint and the last entries
    Show {
        /// Folder of the ledger
        folder: PathBuf,
        /// Entries to show, from the last
        #[arg(long, default_value_t = 10)]
        last: u64,
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Enter a bundle, and put the proof into it
    Append {
        /// Folder of the ledger
        folder: PathBuf,
        /// The bundle
        bundle: PathBuf,
        /// Secret key of the ledger
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Put proofs under the ledger's present checkpoint, with its co-signatures, into a bundle
    Prove {
        /// Folder of the ledger
        folder: PathBuf,
        /// The bundle
        bundle: PathBuf,
    },
    /// Co-sign the checkpoint, having checked that it continues the one seen last
    Cosign {
        /// Folder of the ledger
        folder: PathBuf,
        /// Secret key of the one who co-signs; the checkpoint seen last is kept in FILE.seen
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Public key of the ledger: a file, or the line itself
        #[arg(long, value_name = "KEY")]
        ledger_key: String,
    },
    /// Check every entry and hash, and that the ledger continues an earlier checkpoint
    Check {
        /// Folder of the ledger
        folder: PathBuf,
        /// Public key of the ledger: a file, or the line itself
        #[arg(long, value_name = "KEY")]
        ledger_key: String,
        /// A checkpoint kept from earlier
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
    },
}

pub(crate) fn ledger(args: &LedgerArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match &args.action {
        Action::New { folder, key } => {
            let writer = LedgerWriter::create(folder, SecretKey::read(key)?)?;
            writeln!(out, "{}: {} entries", folder.display(), writer.size())?;
        }
        Action::Show {
            folder,
            last,
            format,
        } => show(folder, *last, *format, out)?,
        Action::Append {
            folder,
            bundle,
            key,
        } => {
            let site = SiteLedger {
                folder: folder.clone(),
                key: key.clone(),
            };
            let inspection = read(bundle)?;
            let intact = opened(inspection)?;
            let index = enter_in(&site, &LedgerEntry::bundle(intact.digest()))?;
            prove(folder, bundle)?;
            writeln!(out, "Entry {index}: {}", intact.digest())?;
        }
        Action::Prove { folder, bundle } => {
            prove(folder, bundle)?;
            writeln!(out, "{}: proved", bundle.display())?;
        }
        Action::Cosign {
            folder,
            key,
            ledger_key,
        } => cosign(folder, key, ledger_key, out)?,
        Action::Check {
            folder,
            ledger_key,
            since,
        } => return check(folder, ledger_key, since.as_deref(), out),
    }
    Ok(Code::Done)
}

fn show(folder: &Path, last: u64, format: Format, out: &mut dyn Write) -> Result<(), CliError> {
    let ledger = Ledger::open_unchecked(folder)?;
    let checkpoint = ledger.signed().checkpoint();
    let signers: Vec<&str> = ledger.signed().signers().map(|(name, _)| name).collect();
    let first = checkpoint.size.saturating_sub(last);
    let entries = (first..checkpoint.size)
        .map(|index| Ok((index, ledger.entry(index)?)))
        .collect::<Result<Vec<_>, CliError>>()?;
    if format == Format::Json {
        let entry = |(index, bytes): &(u64, Vec<u8>)| json!({ "index": index, "entry": LedgerEntry::from_bytes(bytes).ok() });
        let document = json!({
            "schema": "utfall-ledger/1",
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root,
            "signers": signers,
            "entries": entries.iter().map(entry).collect::<Vec<_>>(),
        });
        return Ok(writeln!(out, "{document:#}")?);
    }
    writeln!(out, "Ledger   {}", checkpoint.origin)?;
    writeln!(out, "Entries  {}", checkpoint.size)?;
    writeln!(out, "Root     {}", checkpoint.root)?;
    writeln!(out, "Signed   {}", signers.join(", "))?;
    for (index, bytes) in entries {
        let text = utfall_evidence::printable(&String::from_utf8_lossy(&bytes));
        writeln!(out, "{index:>7}  {text}")?;
    }
    Ok(())
}

/// Puts a proof of each entry that a bundle speaks of into it.
fn prove(folder: &Path, path: &Path) -> Result<(), CliError> {
    let ledger = Ledger::open_unchecked(folder)?;
    let inspection = read(path)?;
    let entries = ledger_entries(&inspection);
    let mut bundle = opened(inspection)?;
    for (name, entry) in entries {
        let Some(entry) = entry else { continue };
        let bytes = entry
            .to_bytes()
            .map_err(|error| CliError::Internal(error.to_string()))?;
        let index = ledger.find(&bytes)?.ok_or_else(|| {
            CliError::Bundle(format!(
                "the ledger has no entry for {name}; was the plan locked, or the run made, with another ledger?"
            ))
        })?;
        let proof = ledger.prove(index)?.to_text().into_bytes();
        bundle
            .attach(name, proof)
            .map_err(|error| CliError::Bundle(error.to_string()))?;
    }
    Ok(bundle.write(path)?)
}

fn cosign(
    folder: &Path,
    key: &Path,
    ledger_key: &str,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let secret = SecretKey::read(key)?;
    let ledger = Ledger::open(folder, &read_key(ledger_key)?)?;
    let mut seen = key.to_owned().into_os_string();
    seen.push(".seen");
    let seen = PathBuf::from(seen);
    if seen.exists() {
        let bytes = utfall_files::read_whole(&seen)?;
        let earlier = SignedCheckpoint::parse(&bytes).map_err(|error| {
            CliError::Key(format!("`{}` is no checkpoint: {error}", seen.display()))
        })?;
        ledger.compare(earlier.checkpoint())?;
    } else {
        let faults = ledger.check();
        if let Some(fault) = faults.first() {
            let place = fault.place.display();
            return Err(CliError::Bundle(format!(
                "the ledger's {place}: {}",
                fault.reason
            )));
        }
    }
    let mut signed = ledger.signed().clone();
    // Seen is written first: a co-signature is never older than the memory of it.
    utfall_files::write_whole(&seen, signed.to_text().as_bytes())?;
    signed.cosign(&secret, clock::seconds());
    ledger.publish(&signed)?;
    let size = ledger.size();
    Ok(writeln!(
        out,
        "Co-signed {size} entries as {}",
        secret.public().name()
    )?)
}

fn check(
    folder: &Path,
    ledger_key: &str,
    since: Option<&Path>,
    out: &mut dyn Write,
) -> Result<Code, CliError> {
    let ledger = Ledger::open(folder, &read_key(ledger_key)?)?;
    let faults = ledger.check();
    for fault in &faults {
        writeln!(out, "{}: {}", fault.place.display(), fault.reason)?;
    }
    if let Some(since) = since {
        let bytes = utfall_files::read_whole(since)?;
        let earlier = SignedCheckpoint::parse(&bytes).map_err(|error| {
            CliError::Key(format!("`{}` is no checkpoint: {error}", since.display()))
        })?;
        ledger.compare(earlier.checkpoint())?;
    }
    if faults.is_empty() {
        writeln!(out, "{} entries, every one as entered", ledger.size())?;
        Ok(Code::Done)
    } else {
        Ok(Code::Verification)
    }
}

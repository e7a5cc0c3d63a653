//! `utfall pseudonymise`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use utfall_pipeline::read_data_contract;
use utfall_registry::{BadRows, PseudonymForm, PseudonymKey, PseudonymReport};

use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;

/// Replace ids of an extract by keyed pseudonyms, so that extracts can be linked without them
///
/// A pseudonym is HMAC-SHA256 of the id under a secret key and carries the key's id. Extracts made
/// with one key link; a plan that links extracts of two keys is refused. The key is read from a
/// file that only its owner may read, and is never shown. The new file is written whole or not at
/// all; it is UTF-8 and has no lines before its header or after its last row.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall pseudonymise --new-key /secure/key
    utfall pseudonymise raw/elever.csv --contract extracts/persons.toml \\
        --column personnummer --form compact --key-file /secure/key --to elever.csv")]
pub(crate) struct PseudonymiseArgs {
    /// The extract, delimited text
    #[arg(required_unless_present = "new_key", requires_all = ["contract", "column", "form", "key_file", "to"])]
    extract: Option<PathBuf>,
    /// Data contract of the extract, for its dialect and missing codes
    #[arg(long, value_name = "TOML")]
    contract: Option<PathBuf>,
    /// Column to replace, as the file's header names it; may be given several times
    #[arg(long, value_name = "NAME")]
    column: Vec<String>,
    /// How ids are brought to one form first
    #[arg(long, value_enum)]
    form: Option<Form>,
    /// What becomes of rows that cannot be taken apart, whose ids may stand in any cell
    #[arg(long, value_enum, default_value_t = Bad::Refuse)]
    bad_rows: Bad,
    /// File that holds the key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Make a key from the system's randomness, write it to a new file, and do nothing else
    #[arg(long, value_name = "FILE", exclusive = true)]
    new_key: Option<PathBuf>,
    /// No progress on standard error
    #[arg(long, short)]
    quiet: bool,
}

/// What becomes of rows that cannot be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bad {
    /// The extract is refused
    Refuse,
    /// They are left out, and counted
    Drop,
}

/// How ids are brought to one form before they are keyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// As written, without surrounding blanks
    AsWritten,
    /// Letters in upper case and digits alone: 19570428-9999 and 195704289999 are one
    Compact,
}

pub(crate) fn pseudonymise(args: &PseudonymiseArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    if let Some(path) = &args.new_key {
        PseudonymKey::create(path)?;
        writeln!(
            out,
            "key written to {}; keep it where the extracts are not",
            path.display()
        )?;
        return Ok(Code::Done);
    }
    let (Some(extract), Some(contract), Some(form), Some(key_file), Some(to)) = (
        &args.extract,
        &args.contract,
        args.form,
        &args.key_file,
        &args.to,
    ) else {
        return Err(CliError::Internal("an argument is absent".to_owned()));
    };
    let contract = read_data_contract(contract)?;
    let form = match form {
        Form::AsWritten => PseudonymForm::AsWritten,
        Form::Compact => PseudonymForm::Compact,
    };
    let key = PseudonymKey::read(key_file, form)?;
    let bad_rows = match args.bad_rows {
        Bad::Refuse => BadRows::Refuse,
        Bad::Drop => BadRows::Drop,
    };
    let progress = Progress::new(args.quiet);
    progress.begin("pseudonymising");
    let report = utfall_registry::pseudonymise(
        &contract,
        extract,
        &args.column,
        &key,
        bad_rows,
        to,
        &progress,
    )?;
    drop(progress);
    tell(&report, args, out)?;
    Ok(Code::Done)
}

fn tell(
    report: &PseudonymReport,
    args: &PseudonymiseArgs,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let PseudonymReport {
        n_rows,
        n_dropped,
        n_pseudonyms,
        n_missing,
        key,
    } = report;
    writeln!(
        out,
        "{n_rows} rows written, {n_dropped} left out, {n_pseudonyms} pseudonyms, {n_missing} cells left missing\n"
    )?;
    writeln!(out, "The data contract of the new file says:\n")?;
    writeln!(
        out,
        "[dialect]\nencoding = \"utf-8\"   # without skip-lines and footer-lines\n"
    )?;
    for column in &args.column {
        writeln!(
            out,
            "[[column]]\nname = \"{column}\"\ntype = \"text\"\npseudonym = \"{key}\"\n"
        )?;
    }
    Ok(())
}

//! `utfall release`

use std::io::{self, Write};
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;
use utfall_disclosure::{
    Approval, Audit, HeldRegister, Protection, RegisterEntry, RegisterError, ReleaseRegister,
    ReleasedSet, ReleasedTable, TablesFile,
};

use crate::args::Format;
use crate::error::CliError;
use crate::exit::Code;

/// Protect tables before they leave, attack them as an outsider would, and keep a register of releases
///
/// Tables are released together, and beside everything in the register: what one keeps, no other gives
/// away. `check` writes nothing; `add` writes the tables and enters them, with a justification and two
/// reviewers who are not their author; `show` reads the register and checks every digest in it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall release check tables.toml --register releases
    utfall release add tables.toml --register releases --name absence-2024 --date 2025-03-01 \\
        --justification 'yearly figures for the council' \\
        --author 'Åsa Ek' --reviewer 'Bo Lind' --reviewer 'Cai Holm'
    utfall release show releases")]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show tables as they would be released
    Check {
        /// The tables and their policy
        tables: PathBuf,
        /// Folder of the register, for what was released before
        #[arg(long, value_name = "FOLDER")]
        register: Option<PathBuf>,
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Release tables and enter them in the register
    Add(AddArgs),
    /// Show the register, having checked every digest in it
    Show {
        /// Folder of the register
        register: PathBuf,
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// The tables and their policy
    tables: PathBuf,
    /// Folder of the register, made if it does not exist
    #[arg(long, value_name = "FOLDER")]
    register: PathBuf,
    /// Name of the release: letters, digits and hyphens
    #[arg(long)]
    name: String,
    /// Day of the release
    #[arg(long)]
    date: NaiveDate,
    /// Why it is released
    #[arg(long)]
    justification: String,
    /// Who made it
    #[arg(long)]
    author: String,
    /// Who agreed; given twice
    #[arg(long, required = true)]
    reviewer: Vec<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ProtectionDocument<'a> {
    released: &'a ReleasedSet,
    audit: &'a Audit,
}

pub(crate) fn release(args: &ReleaseArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match &args.action {
        Action::Check {
            tables,
            register,
            format,
        } => {
            let file = TablesFile::read(tables)?;
            let former = match register {
                Some(folder) => ReleaseRegister::open(folder)?,
                None => ReleaseRegister::empty(),
            };
            let protection = former
                .protect(&file.tables, &file.policy)
                .map_err(RegisterError::from)?;
            write_protection(&protection, *format, out)?;
        }
        Action::Add(args) => add(args, out)?,
        Action::Show { register, format } => {
            let register = ReleaseRegister::open(register)?;
            match format {
                Format::Json => write_json(&register.entries(), out)?,
                Format::Text => write_entries(register.entries(), out)?,
            }
        }
    }
    Ok(Code::Done)
}

fn add(args: &AddArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let file = TablesFile::read(&args.tables)?;
    let [first, second] = args.reviewer.as_slice() else {
        let what = format!("{} reviewers, expected two", args.reviewer.len());
        return Err(RegisterError::NotApproved { what }.into());
    };
    let approval = Approval::new(
        &args.name,
        &args.justification,
        &args.author,
        [first, second],
        args.date,
    )?;
    let mut register = HeldRegister::open(&args.register)?;
    let protection = register.add(&file.tables, &file.policy, &approval)?;
    write_protection(&protection, args.format, out)
}

fn write_protection(
    protection: &Protection,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let released = protection.released.get();
    let audit = &protection.audit;
    if format == Format::Json {
        return write_json(&ProtectionDocument { released, audit }, out);
    }
    for table in &released.tables {
        write_table(table, out)?;
    }
    writeln!(out, "{}", audit_words(audit))?;
    Ok(())
}

fn audit_words(audit: &Audit) -> String {
    let mut words = format!(
        "{} of {} cells suppressed; {} counts protected",
        audit.n_suppressed, audit.n_released, audit.n_protected
    );
    if let Some(fewest) = audit.fewest_values {
        words += &format!(": an attacker is left with {fewest} values of each at least");
    }
    if audit.n_known_before > 0 {
        words += &format!(
            "; {} of them were given away by earlier releases",
            audit.n_known_before
        );
    }
    if audit.through_sums_alone {
        words += "\nThe table behind those of one population was not given (behind = true): an attack through it was not made";
    }
    words
}

/// A table with its first dimension downwards and its last across.
fn write_table(table: &ReleasedTable, out: &mut dyn Write) -> io::Result<()> {
    let across = table.dimensions.get(1..).and_then(<[String]>::last);
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    for cell in &table.cells {
        let code = |name: &String| cell.at.get(name).map_or("total", String::as_str);
        let downwards = table.dimensions.iter().filter(|name| Some(*name) != across);
        let row = downwards.map(code).collect::<Vec<_>>().join(", ");
        let column = across.map_or("", code).to_owned();
        if !columns.contains(&column) {
            columns.push(column);
        }
        let shown = cell.cell.to_string();
        match rows.last_mut().filter(|(label, _)| *label == row) {
            Some((_, cells)) => cells.push(shown),
            None => rows.push((row, vec![shown])),
        }
    }
    let measure = table.measure.as_deref().unwrap_or("units");
    writeln!(out, "{} ({}, {measure})", table.name, table.population)?;
    let label_width = rows.iter().map(|(label, _)| label.chars().count()).max();
    let label_width = label_width.unwrap_or(0);
    let cells = rows.iter().flat_map(|(_, cells)| cells);
    let width = columns.iter().chain(cells).map(|text| text.chars().count());
    let width = width.max().unwrap_or(0);
    if across.is_some() {
        write!(out, "  {:label_width$}", "")?;
        for column in &columns {
            write!(out, "  {column:>width$}")?;
        }
        writeln!(out)?;
    }
    for (label, cells) in rows {
        write!(out, "  {label:label_width$}")?;
        for cell in cells {
            write!(out, "  {cell:>width$}")?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

fn write_entries(entries: &[RegisterEntry], out: &mut dyn Write) -> io::Result<()> {
    if entries.is_empty() {
        return writeln!(out, "no releases");
    }
    for entry in entries {
        let [first, second] = &entry.reviewers;
        writeln!(out, "{}  {}", entry.date, entry.name)?;
        writeln!(out, "  {}", entry.justification)?;
        writeln!(
            out,
            "  by {}, reviewed by {first} and {second}",
            entry.author
        )?;
        writeln!(out, "  {}", audit_words(&entry.audit))?;
        writeln!(out, "  SHA-256 {}", entry.released)?;
    }
    writeln!(out, "every file is the one that was entered")
}

fn write_json(document: &impl Serialize, out: &mut dyn Write) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(document)
        .map_err(|error| CliError::Internal(error.to_string()))?;
    writeln!(out, "{text}")?;
    Ok(())
}

//! `utfall contract`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use utfall_registry::{DATA_CONTRACT_SCHEMA, DataContract, ExchangeFormat};

use crate::error::CliError;
use crate::exit::Code;
use crate::output::note;

/// Bring data contracts from and to other formats
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall contract import datapackage.json --from frictionless > extracts/absence.toml
    utfall contract export extracts/absence.toml --to odcs --output absence.odcs.yaml
    utfall contract schema > data-contract.schema.json
    utfall contract schema --outcome > contract.schema.json")]
pub(crate) struct ContractArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write a data contract from a document of another format
    Import {
        /// The document: a Frictionless resource, package of one or Table Schema as JSON, or an ODCS document as YAML or JSON
        file: PathBuf,
        /// Its format
        #[arg(long, value_enum)]
        from: Other,
        /// Where to write the contract [default: standard output]
        #[arg(long, value_name = "TOML")]
        output: Option<PathBuf>,
    },
    /// Write a data contract as a document of another format
    Export {
        /// The data contract
        file: PathBuf,
        /// The other format
        #[arg(long, value_enum)]
        to: Other,
        /// Where to write the document [default: standard output]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write the JSON Schema of data contracts, or of outcome contracts, for editors
    Schema {
        /// Of outcome contracts, which say what is paid
        #[arg(long)]
        outcome: bool,
    },
}

/// A format of data contracts other than ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Other {
    /// Data Package resource with its Table Schema (JSON)
    Frictionless,
    /// Open Data Contract Standard, version 3 (YAML)
    Odcs,
}

impl From<Other> for ExchangeFormat {
    fn from(other: Other) -> Self {
        match other {
            Other::Frictionless => Self::Frictionless,
            Other::Odcs => Self::Odcs,
        }
    }
}

pub(crate) fn contract(args: &ContractArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match &args.action {
        Action::Import { file, from, output } => {
            let text = utfall_files::read_text(file)?;
            let read =
                utfall_registry::import_contract((*from).into(), &text).map_err(|source| {
                    CliError::Import {
                        file: file.clone(),
                        source,
                    }
                })?;
            let contract = toml::to_string(&read.contract)
                .map_err(|error| CliError::Internal(error.to_string()))?;
            let mut text = String::new();
            for lost in &read.lost {
                text += &format!("# Look at this: {lost}\n");
            }
            if !read.lost.is_empty() {
                text.push('\n');
            }
            write(&(text + &contract), output.as_deref(), out)?;
            warn(&read.lost);
        }
        Action::Export { file, to, output } => {
            let text = utfall_files::read_text(file)?;
            let beside = file.parent().unwrap_or(Path::new(""));
            let code_file = |name: &str| {
                utfall_files::read_text(&beside.join(name)).map_err(|error| error.to_string())
            };
            let contract =
                DataContract::from_toml_with(&file.display().to_string(), &text, code_file)
                    .map_err(|error| CliError::DataContract(Box::new(error)))?;
            let written = utfall_registry::export_contract((*to).into(), &contract);
            write(&written.contract, output.as_deref(), out)?;
            warn(&written.lost);
        }
        Action::Schema { outcome: false } => out.write_all(DATA_CONTRACT_SCHEMA.as_bytes())?,
        Action::Schema { outcome: true } => {
            out.write_all(utfall_payment::CONTRACT_SCHEMA.as_bytes())?;
        }
    }
    Ok(Code::Done)
}

fn write(text: &str, output: Option<&Path>, out: &mut dyn Write) -> Result<(), CliError> {
    match output {
        Some(path) => Ok(utfall_files::write_whole(path, text.as_bytes())?),
        None => Ok(out.write_all(text.as_bytes())?),
    }
}

/// Says on standard error what was lost on the way.
fn warn(lost: &[String]) {
    for lost in lost {
        note(&format!("warning: {lost}"));
    }
}

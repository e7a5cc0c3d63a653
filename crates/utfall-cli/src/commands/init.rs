//! `utfall init`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use utfall_registry::draft;

use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;

/// Write a starter pipeline, or draft a data contract from files
///
/// With --from, looks at files of one extract, of any format, and drafts its data contract:
/// dialect, types, keys, code lists, missing codes. The draft holds no cell that could be about a
/// person, and is for somebody who knows the register to correct. Without, writes a commented
/// pipeline to start from.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall init my-pipeline
    utfall init --from deliveries/absence_2024-09.csv.gz deliveries/absence_2024-10.csv.gz
    utfall init --from register.xlsx --to pipelines/absence/extracts/persons.toml")]
pub(crate) struct InitArgs {
    /// Folder of the new pipeline
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    pipeline: Option<PathBuf>,
    /// Files of an extract to draft a data contract from
    #[arg(long, value_name = "FILE", num_args = 1..)]
    from: Vec<PathBuf>,
    /// Where to write the draft [default: standard output]
    #[arg(long, value_name = "TOML", requires = "from")]
    to: Option<PathBuf>,
    /// No progress on standard error
    #[arg(long, short)]
    quiet: bool,
}

/// The files of the starter: the shipped pipeline that explains itself best.
const STARTER: [(&str, &str); 7] = [
    (
        "plan.toml",
        include_str!("../../../../pipelines/hemmasittare/plan.toml"),
    ),
    (
        "contract.toml",
        include_str!("../../../../pipelines/hemmasittare/contract.toml"),
    ),
    (
        "site.toml",
        include_str!("../../../../pipelines/hemmasittare/site.toml"),
    ),
    (
        "extracts/persons.toml",
        include_str!("../../../../pipelines/hemmasittare/extracts/persons.toml"),
    ),
    (
        "extracts/enrolment.toml",
        include_str!("../../../../pipelines/hemmasittare/extracts/enrolment.toml"),
    ),
    (
        "extracts/absence.toml",
        include_str!("../../../../pipelines/hemmasittare/extracts/absence.toml"),
    ),
    (
        "extracts/referrals.toml",
        include_str!("../../../../pipelines/hemmasittare/extracts/referrals.toml"),
    ),
];

pub(crate) fn init(args: &InitArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match &args.pipeline {
        Some(folder) => start(folder, out),
        None => draft_from(args, out),
    }
}

fn draft_from(args: &InitArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let progress = Progress::new(args.quiet);
    progress.begin("looking at the files");
    let name = args
        .from
        .first()
        .map_or_else(String::new, |file| name_of(file));
    let text = draft(&name, &args.from, &progress);
    progress.begin("");
    let text = text?;
    match &args.to {
        None => write!(out, "{text}")?,
        Some(path) => {
            refuse_to_replace(path)?;
            utfall_files::write_whole(path, text.as_bytes())?;
            writeln!(
                out,
                "drafted {}; read it, correct it, and try it with utfall validate",
                path.display()
            )?;
        }
    }
    Ok(Code::Done)
}

/// A file's name up to its first dot, or the first digits after its words: `absence` of
/// `absence_2024-09.csv.gz`.
fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    let words = stem.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_'));
    if words.is_empty() { stem } else { words }.to_owned()
}

fn start(folder: &Path, out: &mut dyn Write) -> Result<Code, CliError> {
    refuse_to_replace(&folder.join("plan.toml"))?;
    utfall_files::create_folder(&folder.join("extracts"))?;
    for (name, text) in STARTER {
        let text = text.replace("data = \"../../sample-data\"", "data = \"data\"");
        utfall_files::write_whole(&folder.join(name), text.as_bytes())?;
    }
    writeln!(
        out,
        "a pipeline to start from is in {0}: change plan.toml, contract.toml and extracts/, put the deliveries in\n\
         {0}/data and name them in site.toml; then: utfall validate {0}",
        folder.display()
    )?;
    Ok(Code::Done)
}

fn refuse_to_replace(path: &Path) -> Result<(), CliError> {
    if path.exists() {
        return Err(CliError::Exists {
            path: path.to_owned(),
        });
    }
    Ok(())
}

//! `utfall simulate`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use utfall_simulate::{CensusSpec, Spec};

use crate::error::CliError;
use crate::exit::Code;
use crate::progress::Progress;

/// Make synthetic registry extracts with a known true effect
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall simulate sample-data/world.toml --to extracts
    utfall simulate sample-data/world.toml --to draw-7 --seed 7
    utfall simulate sample-data/england/census.toml --to sample-data/england")]
pub(crate) struct SimulateArgs {
    /// What to simulate
    #[arg(value_name = "TOML")]
    spec: PathBuf,
    /// Folder for the extracts and the planted truth
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Seed instead of the one in the file
    #[arg(long)]
    seed: Option<u64>,
    /// No progress on standard error
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn simulate(args: &SimulateArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let text = utfall_files::read_text(&args.spec)?;
    if CensusSpec::is_meant(&text) {
        let mut spec = CensusSpec::from_toml(&args.spec.display().to_string(), &text)?;
        if let Some(seed) = args.seed {
            spec = spec.with_seed(seed);
        }
        utfall_simulate::simulate_school_census(&spec, &args.to)?;
        return told(args, out);
    }
    let mut spec = Spec::from_toml(&args.spec.display().to_string(), &text)?;
    if let Some(seed) = args.seed {
        spec = spec.with_seed(seed);
    }
    let progress = Progress::new(args.quiet);
    progress.begin("simulating");
    utfall_simulate::simulate(&spec, &args.to, &progress)?;
    drop(progress);
    told(args, out)
}

fn told(args: &SimulateArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    writeln!(
        out,
        "Extracts and the planted truth (truth.json) lie in {}",
        args.to.display()
    )?;
    Ok(Code::Done)
}

//! Time and growth of what a national programme needs: matching, and ingestion beside Polars alone.
//!
//! - `speed matching`: propensity score, matching by every method, balance and entropy balancing at
//!   growing sizes; with `--peers` beside other tools (Python's numpy, scipy, pandas and statsmodels).
//! - `speed ingest FOLDER`: the absence extract in a folder made by `utfall simulate
//!   crates/utfall-simulate/specs/million.toml --to FOLDER`, ingested under its data contract with every
//!   check, beside Polars' own scan of the same file to Parquet with the same casts and no check
//!   (Python's `polars` package), in turn.
//!
//! Machines differ and are shared: read the ratios and the growth, not the seconds.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use utfall_core::Unwatched;
use utfall_pipeline::{LoadedPlan, Site};

/// Time and growth
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Propensity score, matching, balance and entropy balancing
    Matching {
        /// Also time other tools, for ratios
        #[arg(long)]
        peers: bool,
        /// Largest size, of exact strata with a caliper
        #[arg(long, default_value_t = 10_000_000)]
        most_units: usize,
        /// The project's top folder
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Ingestion beside Polars' own scan
    Ingest {
        /// Folder with the extracts
        folder: PathBuf,
        /// The project's top folder
        #[arg(long, default_value = ".")]
        root: PathBuf,
        /// Times each is run
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
}

fn main() -> Result<(), Box<dyn Error>> {
    match Args::parse().what {
        What::Matching {
            peers,
            most_units,
            root,
        } => utfall_bench::matching_speed::run(&root, peers, most_units),
        What::Ingest { folder, root, runs } => ingest(&folder, &root, runs),
    }
}

fn ingest(folder: &Path, root: &Path, runs: usize) -> Result<(), Box<dyn Error>> {
    let pipeline = root.join("pipelines/hemmasittare");
    let plan = LoadedPlan::read(&pipeline)?;
    let contract = &plan.data_contracts["absence"];
    let mut site = Site::read(&pipeline.join("site.toml"))?;
    site.data = folder.to_owned();
    let deliveries = site.deliveries("absence")?;
    let scratch = tempfile::tempdir()?;
    let script = root.join("crates/utfall-bench/scripts/polars_scan.py");
    let mut ratios = Vec::new();
    for _ in 0..runs {
        let (report, ours) =
            timed(|| utfall_pipeline::ingest(contract, &deliveries, scratch.path(), &Unwatched));
        let n_rows = report?.n_rows();
        let output = Command::new("python3")
            .arg(&script)
            .arg(scratch.path())
            .args(deliveries.iter().map(|delivery| &delivery.path))
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let theirs: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        ratios.push(ours.as_secs_f64() / theirs);
        println!(
            "{n_rows} rows: utfall {:.2} s, Polars {theirs:.2} s, ratio {:.2}",
            ours.as_secs_f64(),
            ours.as_secs_f64() / theirs
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}", ratios[ratios.len() / 2]);
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

//! Time and growth of what a national programme needs: matching, and ingestion beside Polars alone.
//!
//! - `speed matching`: propensity score and 3:1 matching with caliper at growing sizes.
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
use utfall_matching::{NearestSpec, nearest, propensity};
use utfall_pipeline::{LoadedPlan, Site};
use utfall_stats::Matrix;
use utfall_stats::draws::Stream;

/// Time and growth
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Propensity score and 3:1 matching with caliper
    Matching,
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
        What::Matching => matching(),
        What::Ingest { folder, root, runs } => ingest(&folder, &root, runs),
    }
}

/// One treated in a hundred, five covariates; the last size is 10,000 treated and a million others.
fn matching() -> Result<(), Box<dyn Error>> {
    let spec: NearestSpec = toml::from_str(
        "ratio = 3\ncaliper = { width = 0.2, scale = \"sd-of-distance\" }\nreuse = \"forbid\"\norder = \"largest\"\nties = \"lowest-id\"\n",
    )?;
    println!(
        "{:>10} {:>14} {:>12} {:>10}",
        "units", "propensity ms", "matching ms", "pairs"
    );
    for n_units in [10_100, 101_000, 1_010_000] {
        let (covariates, treated) = population(n_units)?;
        let (scores, fitting) = timed(|| propensity(&covariates, &treated));
        let scores = scores?;
        let (matched, matching) = timed(|| nearest(&spec, &scores.logit, &treated, None));
        println!(
            "{n_units:>10} {:>14.1} {:>12.1} {:>10}",
            fitting.as_secs_f64() * 1e3,
            matching.as_secs_f64() * 1e3,
            matched?.n_pairs()
        );
    }
    Ok(())
}

fn population(n_units: usize) -> Result<(Matrix, Vec<bool>), Box<dyn Error>> {
    let mut stream = Stream::new(1, "population", 0);
    let columns: Vec<Vec<f64>> = (0..5)
        .map(|_| (0..n_units).map(|_| stream.normal()).collect())
        .collect();
    let treated = (0..n_units)
        .map(|unit| {
            stream.bernoulli(utfall_stats::logistic::probability(
                -5.0 + 0.8 * columns[0][unit] - 0.5 * columns[1][unit],
            ))
        })
        .collect();
    Ok((Matrix::from_columns(columns)?, treated))
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

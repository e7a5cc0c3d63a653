//! How often each shipped design's interval holds the truth.
//!
//! For each draw the sample world is simulated with another seed and every pipeline on it is run. For
//! `nyc-attendance`, whose records are real, a draw is another placebo programme and the truth is zero.
//! An honest 95 % interval holds the truth in about 95 of 100 draws; over 200 draws anything from 91 to
//! 98 % is what chance explains.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to a terminal"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::Value;
use utfall_bench::coverage::Coverage;
use utfall_core::{Unwatched, Watch};
use utfall_files::Digest;
use utfall_pipeline::{LoadedPlan, RunOutcome, RunRequest, RunWatch, Site, StepReport, Workspace};
use utfall_simulate::Spec;
use utfall_verify::record::EffectResult;

const SIMULATED: [&str; 3] = ["hemmasittare", "norrkoping", "dialog-mod-vold"];
const PLACEBO: &str = "nyc-attendance";

/// Coverage of every shipped design over many draws
#[derive(Debug, Parser)]
struct Args {
    /// Draws of each design
    #[arg(long, default_value_t = 200)]
    draws: u64,
    /// Only the placebo on real records, or only the simulated designs
    #[arg(long)]
    only: Option<String>,
    /// The project's top folder
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let mut tallies: BTreeMap<String, Coverage> = BTreeMap::new();
    let wanted = |name: &str| args.only.as_deref().is_none_or(|only| only == name);
    for draw in 1..=args.draws {
        let folder = tempfile::tempdir()?;
        if SIMULATED.iter().any(|name| wanted(name)) {
            let text = std::fs::read_to_string(args.root.join("sample-data/world.toml"))?;
            let spec = Spec::from_toml("world.toml", &text)?.with_seed(draw);
            let data = folder.path().join("data");
            utfall_simulate::simulate(&spec, &data, &Unwatched)?;
            let truth: Value = serde_json::from_slice(&std::fs::read(data.join("truth.json"))?)?;
            for name in SIMULATED.iter().filter(|name| wanted(name)) {
                let plan = LoadedPlan::read(&args.root.join("pipelines").join(name))?;
                let outcome = run(&args.root, &plan, Some(&data), folder.path())?;
                tally(&mut tallies, name, &outcome, |effect| {
                    planted(&truth, effect)
                });
            }
        }
        if wanted(PLACEBO) {
            let copy = placebo(&args.root, folder.path(), draw)?;
            let outcome = run(&args.root, &LoadedPlan::read(&copy)?, None, folder.path())?;
            tally(&mut tallies, PLACEBO, &outcome, |_| Some(0.0));
        }
        eprint!("\r{draw} of {} draws", args.draws);
    }
    eprintln!();
    for (design, coverage) in &tallies {
        println!("{design:<34} {}", coverage.line());
    }
    Ok(())
}

/// Runs a pipeline in a scratch workspace, on other data than its own if given.
fn run(
    root: &Path,
    plan: &LoadedPlan,
    data: Option<&Path>,
    scratch: &Path,
) -> Result<RunOutcome, Box<dyn Error>> {
    let name = plan.plan.name.as_str();
    let mut site = Site::read(&root.join("pipelines").join(name).join("site.toml"))?;
    if let Some(data) = data {
        site.data = data.to_owned();
    }
    let workspace = Workspace::open(&scratch.join(name))?;
    let request = RunRequest {
        plan,
        site: &site,
        workspace: &workspace,
        code: Digest::sha256(b"coverage"),
    };
    Ok(utfall_pipeline::run(&request, &Silent)?)
}

/// A copy of the placebo pipeline with another salt.
fn placebo(root: &Path, scratch: &Path, draw: u64) -> Result<PathBuf, Box<dyn Error>> {
    let from = root.join("pipelines").join(PLACEBO);
    let to = scratch.join("placebo-plan");
    std::fs::create_dir_all(to.join("extracts"))?;
    for entry in std::fs::read_dir(from.join("extracts"))? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join("extracts").join(entry.file_name()))?;
    }
    std::fs::copy(from.join("contract.toml"), to.join("contract.toml"))?;
    let plan = std::fs::read_to_string(from.join("plan.toml"))?;
    std::fs::write(
        to.join("plan.toml"),
        plan.replace("placebo 1\"", &format!("placebo {draw}\"")),
    )?;
    Ok(to)
}

/// The effect planted for an outcome.
fn planted(truth: &Value, outcome: &str) -> Option<f64> {
    let programmes = truth["programmes"].as_array()?;
    let mut outcomes = programmes
        .iter()
        .filter_map(|programme| programme["effects"].as_array())
        .flatten();
    outcomes.find(|found| found["name"] == outcome)?["effect"].as_f64()
}

fn tally(
    tallies: &mut BTreeMap<String, Coverage>,
    design: &str,
    outcome: &RunOutcome,
    truth: impl Fn(&str) -> Option<f64>,
) {
    let paid = outcome.documents.decision.total.minor_units() > 0;
    for effect in &outcome.documents.effects.effects {
        let (EffectResult::Estimated(found), Some(truth)) = (&effect.result, truth(&effect.name))
        else {
            eprintln!(
                "\n{design}: {} was not estimated, or has no known truth",
                effect.name
            );
            continue;
        };
        let coverage = tallies
            .entry(format!("{design}, {}", effect.name))
            .or_default();
        if let Some(unadjusted) = &found.unadjusted {
            coverage.add(truth, &found.estimate, unadjusted, paid);
        }
    }
}

/// Nobody watches a bench.
struct Silent;

impl Watch for Silent {
    fn advance(&self, _done: u64, _total: u64) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

impl RunWatch for Silent {
    fn step_started(&self, _step: &str) {}
    fn step_finished(&self, _report: &StepReport) {}
}

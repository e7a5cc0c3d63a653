//! Time and growth of effects: least squares with clusters, a doubly robust bootstrap, the wild
//! cluster bootstrap and a permutation test, beside Python peers where they are installed, and
//! beside the time of reading the numbers that the task is about from memory.
//!
//! Machines differ and are shared: read the ratios and the growth, not the seconds. Of several
//! `--repeats` the best is told, ours, the peer's and that of memory. A peer that draws does so
//! fewer times (`--peer-draws`), and its time is multiplied. Where there are two peers
//! (statsmodels and pyfixest) the faster is told.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use utfall_core::Estimand;
use utfall_effects::{
    Assignments, Draws, Grouping, Multiplier, Randomised, RandomisedStatistic, StandardError,
    WeightedRegression, WildDraws, WildResiduals, doubly_robust_bootstrap, randomisation_test,
    wild_cluster_test,
};
use utfall_stats::draws::Stream;

/// Time and growth of effects
#[derive(Debug, Parser)]
struct Args {
    /// Rows
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    rows: Vec<usize>,
    /// Covariates
    #[arg(long, value_delimiter = ',', default_values_t = [20])]
    covariates: Vec<usize>,
    /// Replicates of what draws
    #[arg(long, value_delimiter = ',', default_values_t = [1000])]
    draws: Vec<u32>,
    /// What is timed
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Task::Cluster, Task::Aipw, Task::Wild, Task::Permutation])]
    tasks: Vec<Task>,
    /// Times that each is timed
    #[arg(long, default_value_t = 3)]
    repeats: u32,
    /// Python with statsmodels, to time the peers; without it only ours are timed
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Replicates of peers
    #[arg(long, default_value_t = 5)]
    peer_draws: u32,
    /// The project's top folder
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Task {
    /// Least squares with the covariance of all coefficients by cluster
    Cluster,
    /// The doubly robust bootstrap
    Aipw,
    /// The wild cluster bootstrap
    Wild,
    /// A permutation test
    Permutation,
}

/// Rows with a treatment, covariates and a thousand clusters.
struct Data {
    treated: Vec<bool>,
    columns: Vec<Vec<f64>>,
    outcome: Vec<f64>,
    clusters: Vec<usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    println!(
        "{:<12} {:>9} {:>10} {:>7} {:>10} {:>10} {:>7} {:>10} {:>9}",
        "task", "rows", "covariates", "draws", "seconds", "peer", "ratio", "memory", "of memory"
    );
    for &n_rows in &args.rows {
        for &n_covariates in &args.covariates {
            let data = Data::drawn(n_rows, n_covariates);
            let folder = tempfile::tempdir()?;
            let file = folder.path().join("rows.csv");
            if args.python.is_some() {
                std::fs::write(&file, data.csv()?)?;
            }
            for &task in &args.tasks {
                let draws: &[u32] = if task == Task::Cluster {
                    &[1]
                } else {
                    &args.draws
                };
                for &draws in draws {
                    report(&args, &data, &file, task, draws)?;
                }
            }
        }
    }
    Ok(())
}

fn report(
    args: &Args,
    data: &Data,
    file: &Path,
    task: Task,
    draws: u32,
) -> Result<(), Box<dyn Error>> {
    let (mut ours, mut peer, mut memory) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for _ in 0..args.repeats {
        ours = ours.min(timed(|| data.run(task, draws))?);
        memory = memory.min(timed(|| {
            data.read(task, draws);
            Ok(())
        })?);
        if let Some(python) = &args.python {
            peer = peer.min(peer_seconds(args, python, task, file, draws)?);
        }
    }
    let shown = |value: f64, digits: usize| {
        if value.is_finite() {
            format!("{value:.digits$}")
        } else {
            "-".to_owned()
        }
    };
    println!(
        "{:<12} {:>9} {:>10} {draws:>7} {ours:>10.4} {:>10} {:>7} {memory:>10.4} {:>9.1}",
        task.name(),
        data.treated.len(),
        data.columns.len(),
        shown(peer, 4),
        shown(peer / ours, 1),
        ours / memory,
    );
    Ok(())
}

fn peer_seconds(
    args: &Args,
    python: &Path,
    task: Task,
    file: &Path,
    draws: u32,
) -> Result<f64, Box<dyn Error>> {
    let peer_draws = if matches!(task, Task::Cluster | Task::Wild) {
        draws
    } else {
        draws.min(args.peer_draws)
    };
    let script = args
        .root
        .join("crates/utfall-bench/scripts/effects_peers.py");
    let output = Command::new(python)
        .arg(script)
        .arg(task.name())
        .arg(file)
        .arg(peer_draws.to_string())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(seconds * f64::from(draws) / f64::from(peer_draws))
}

fn timed(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

impl Task {
    /// The name that the script of peers knows.
    fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Aipw => "aipw",
            Self::Wild => "wild",
            Self::Permutation => "permutation",
        }
    }
}

impl Data {
    fn run(&self, task: Task, draws: u32) -> Result<(), Box<dyn Error>> {
        match task {
            Task::Cluster => self.least_squares(),
            Task::Aipw => self.doubly_robust(draws),
            Task::Wild => self.wild(draws),
            Task::Permutation => self.permutation(draws),
        }
    }

    /// Reads what a task is about with every thread: the covariates twice, or once for each draw;
    /// for a permutation test the outcome once for each.
    fn read(&self, task: Task, draws: u32) {
        let (columns, times) = match task {
            Task::Cluster | Task::Wild => (self.slices(), 2),
            Task::Aipw => (self.slices(), draws),
            Task::Permutation => (vec![self.outcome.as_slice()], draws),
        };
        for _ in 0..times {
            for column in &columns {
                black_box(utfall_stats::sums::sum(column));
            }
        }
    }

    fn drawn(n_rows: usize, n_covariates: usize) -> Self {
        let mut stream = Stream::new(1, "rows", 0);
        let columns: Vec<Vec<f64>> = (0..n_covariates)
            .map(|_| (0..n_rows).map(|_| stream.normal()).collect())
            .collect();
        let clusters: Vec<usize> = (0..n_rows).map(|_| stream.index(1000)).collect();
        let own: Vec<f64> = (0..1000).map(|_| stream.normal()).collect();
        let treated: Vec<bool> = (0..n_rows)
            .map(|row| stream.bernoulli(utfall_stats::logistic::probability(0.5 * columns[0][row])))
            .collect();
        let outcome = (0..n_rows)
            .map(|row| {
                let effect = if treated[row] { 0.3 } else { 0.0 };
                effect + columns[0][row] - columns[n_covariates - 1][row]
                    + own[clusters[row]]
                    + 2.0 * stream.normal()
            })
            .collect();
        Self {
            treated,
            columns,
            outcome,
            clusters,
        }
    }

    fn csv(&self) -> Result<String, std::fmt::Error> {
        let mut text = "t,y,g".to_owned();
        for k in 1..=self.columns.len() {
            write!(text, ",x{k}")?;
        }
        for row in 0..self.treated.len() {
            let treated = u8::from(self.treated[row]);
            let (outcome, cluster) = (self.outcome[row], self.clusters[row]);
            write!(text, "\n{treated},{outcome},{cluster}")?;
            for column in &self.columns {
                write!(text, ",{}", column[row])?;
            }
        }
        Ok(text)
    }

    fn slices(&self) -> Vec<&[f64]> {
        self.columns.iter().map(Vec::as_slice).collect()
    }

    fn least_squares(&self) -> Result<(), Box<dyn Error>> {
        let one = vec![1.0; self.treated.len()];
        let arm: Vec<f64> = self
            .treated
            .iter()
            .map(|&is| f64::from(u8::from(is)))
            .collect();
        let columns = [&[one.as_slice(), arm.as_slice()], self.slices().as_slice()].concat();
        let way = Grouping::of(&self.clusters);
        let fit = WeightedRegression::fit(&columns, &one, &self.outcome)?;
        black_box(fit.cluster_covariance(StandardError::Cr1Stata, &way)?);
        Ok(())
    }

    fn doubly_robust(&self, draws: u32) -> Result<(), Box<dyn Error>> {
        black_box(doubly_robust_bootstrap(
            Estimand::Ate,
            &self.treated,
            &self.slices(),
            &self.outcome,
            None,
            plan(draws)?,
        )?);
        Ok(())
    }

    fn wild(&self, draws: u32) -> Result<(), Box<dyn Error>> {
        let one = vec![1.0; self.treated.len()];
        let arm: Vec<f64> = self
            .treated
            .iter()
            .map(|&is| f64::from(u8::from(is)))
            .collect();
        let columns = [&[one.as_slice(), arm.as_slice()], self.slices().as_slice()].concat();
        black_box(wild_cluster_test(
            &columns,
            &one,
            &self.outcome,
            &Grouping::of(&self.clusters),
            (1, 0.0),
            StandardError::Cr1Stata,
            WildResiduals::Restricted,
            WildDraws::Drawn(Multiplier::Rademacher, plan(draws)?),
            None,
        )?);
        Ok(())
    }

    fn permutation(&self, draws: u32) -> Result<(), Box<dyn Error>> {
        black_box(randomisation_test(
            RandomisedStatistic::Difference,
            &self.treated,
            &self.outcome,
            &[],
            0.0,
            &Randomised::default(),
            Assignments::Drawn(plan(draws)?),
        )?);
        Ok(())
    }
}

fn plan(draws: u32) -> Result<Draws, Box<dyn Error>> {
    Ok(Draws {
        seed: 1,
        replicates: NonZeroU32::try_from(draws)?,
    })
}

//! Time and growth of effects: least squares with clusters, a doubly robust bootstrap, the wild
//! cluster bootstrap and a permutation test, beside Python peers where they are installed.
//!
//! Machines differ and are shared: read the ratios and the growth, not the seconds. A peer that
//! draws does so fewer times (`--peer-draws`), and its time is multiplied.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Parser;
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
    /// Replicates of what draws
    #[arg(long, default_value_t = 1000)]
    draws: u32,
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

/// Rows with a treatment, twenty covariates and a thousand clusters.
struct Data {
    treated: Vec<bool>,
    columns: Vec<Vec<f64>>,
    outcome: Vec<f64>,
    clusters: Vec<usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    println!(
        "{:<24} {:>9} {:>7} {:>10} {:>10} {:>7}",
        "task", "rows", "draws", "seconds", "peer", "ratio"
    );
    for &n_rows in &args.rows {
        let data = Data::drawn(n_rows);
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("rows.csv");
        if args.python.is_some() {
            std::fs::write(&file, data.csv()?)?;
        }
        report(
            &args,
            &file,
            "cluster",
            n_rows,
            1,
            timed(|| data.least_squares())?,
        )?;
        report(
            &args,
            &file,
            "aipw",
            n_rows,
            args.draws,
            timed(|| data.doubly_robust(args.draws))?,
        )?;
        report(
            &args,
            &file,
            "wild",
            n_rows,
            args.draws,
            timed(|| data.wild(args.draws))?,
        )?;
        report(
            &args,
            &file,
            "permutation",
            n_rows,
            args.draws,
            timed(|| data.permutation(args.draws))?,
        )?;
    }
    Ok(())
}

fn report(
    args: &Args,
    file: &Path,
    task: &str,
    n_rows: usize,
    draws: u32,
    ours: f64,
) -> Result<(), Box<dyn Error>> {
    let mut peer = None;
    if let Some(python) = &args.python {
        let fast = matches!(task, "cluster" | "wild");
        let peer_draws = if fast {
            draws
        } else {
            draws.min(args.peer_draws)
        };
        let output = Command::new(python)
            .arg(
                args.root
                    .join("crates/utfall-bench/scripts/effects_peers.py"),
            )
            .arg(task)
            .arg(file)
            .arg(peer_draws.to_string())
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        peer = Some(seconds * f64::from(draws) / f64::from(peer_draws));
    }
    let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    println!(
        "{task:<24} {n_rows:>9} {draws:>7} {ours:>10.3} {:>10} {:>7}",
        shown(peer),
        shown(peer.map(|peer| peer / ours))
    );
    Ok(())
}

fn timed(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

impl Data {
    fn drawn(n_rows: usize) -> Self {
        let mut stream = Stream::new(1, "rows", 0);
        let columns: Vec<Vec<f64>> = (0..20)
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
                effect + columns[0][row] - columns[1][row]
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

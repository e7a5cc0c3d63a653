//! Time and growth of effects over time: staggered adoption with a bootstrap, fixed effects with
//! clusters, synthetic control with all placebos, synthetic difference-in-differences,
//! discontinuity, survival curves and proportional hazards, beside Python peers where they are
//! installed (diff-diff, pyfixest, pysyncon, lifelines, rdrobust).
//!
//! Machines differ and are shared: read the ratios and the growth, not the seconds, which are the least
//! of three runs, ours and the peer's, or those of one that takes longer than five. Where a peer takes too
//! long for all, it does a part (`share`), and its time is multiplied.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use std::error::Error;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Parser;
use utfall_core::ConfidenceLevel;
use utfall_effects::discontinuity::{
    JumpData, JumpError, JumpOptions, Kernel, MassPoints, Selector, estimate_jump,
    select_bandwidths,
};
use utfall_effects::panel::{
    AbsorbedCount, ClusterCount, Covariance, Dependence, Design, Distribution, FixedEffect,
    SmallSample, fit_absorbed,
};
use utfall_effects::staggered::{
    Aggregation, Aggregations, BasePeriod, ComparisonGroup, GroupTimeSpec, Method, PanelRows,
    Sampling, SectionErrors, aggregate, group_time,
};
use utfall_effects::survival::{Durations, Ties, fit_cox, kaplan_meier};
use utfall_effects::synthetic::{self, Block, jackknife, placebos, synthetic};
use utfall_effects::{Draws, Grouping, Multiplier, Spread, multiplier_bootstrap};
use utfall_stats::draws::Stream;

/// Time and growth of effects over time
#[derive(Debug, Parser)]
struct Args {
    /// Tasks [default: all]
    #[arg(long, value_delimiter = ',')]
    tasks: Vec<String>,
    /// The larger sizes too: 100,000 units, 10 million rows, 1,000 donors
    #[arg(long)]
    large: bool,
    /// Python with the peers, to time them; without it only ours are timed
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// The project's top folder
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Makes a task of some size.
type Made = fn(usize) -> Task;

/// A task at one size.
struct Task {
    name: &'static str,
    /// Rows, units or donors.
    size: usize,
    /// What is written for the peer.
    columns: Vec<Vec<f64>>,
    draws: u32,
    /// The part of the work the peer does; none where there is no peer at this size.
    share: Option<f64>,
    run: Box<dyn Fn() -> Result<f64>>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    println!(
        "{:<20} {:>9} {:>10} {:>10} {:>7}   estimates",
        "task", "size", "seconds", "peer", "ratio"
    );
    let sizes = |small: usize, medium: usize, large: usize| {
        let mut sizes = vec![small, medium];
        sizes.extend(args.large.then_some(large));
        sizes
    };
    let all: [(&str, Vec<usize>, Made); 9] = [
        ("staggered", sizes(1_000, 10_000, 100_000), staggered),
        (
            "fixed-effects",
            sizes(100_000, 1_000_000, 10_000_000),
            fixed_effects,
        ),
        ("synthetic-control", sizes(50, 200, 1_000), control),
        ("sdid-placebo", sizes(50, 100, 400), sdid_placebo),
        ("sdid-jackknife", sizes(50, 100, 400), sdid_jackknife),
        ("cox", sizes(10_000, 100_000, 1_000_000), cox),
        (
            "cox-clusters",
            sizes(10_000, 100_000, 1_000_000),
            cox_clusters,
        ),
        ("kaplan-meier", sizes(10_000, 100_000, 1_000_000), survival),
        (
            "discontinuity",
            sizes(10_000, 100_000, 1_000_000),
            discontinuity,
        ),
    ];
    for (name, sizes, make) in all {
        if !args.tasks.is_empty() && !args.tasks.iter().any(|task| task == name) {
            continue;
        }
        for size in sizes {
            report(&args, &make(size))?;
        }
    }
    Ok(())
}

fn report(args: &Args, task: &Task) -> Result<()> {
    let (mut found, mut ours) = (f64::NAN, f64::INFINITY);
    for _ in 0..3 {
        let start = Instant::now();
        found = (task.run)()?;
        let took = start.elapsed().as_secs_f64();
        ours = ours.min(took);
        if took > LONG {
            break;
        }
    }
    let peer = match (&args.python, task.share) {
        (Some(python), Some(share)) => Some(peer(args, python, task, share)?),
        _ => None,
    };
    let (seconds, ratio, theirs) = peer.map_or_else(
        || ("-".to_owned(), "-".to_owned(), "-".to_owned()),
        |(seconds, theirs)| {
            (
                format!("{seconds:.3}"),
                format!("{:.1}", seconds / ours),
                format!("{theirs:.6}"),
            )
        },
    );
    println!(
        "{:<20} {:>9} {ours:>10.3} {seconds:>10} {ratio:>7}   {found:.6} {theirs}",
        task.name, task.size
    );
    Ok(())
}

/// A peer's seconds and estimate.
fn peer(args: &Args, python: &Path, task: &Task, share: f64) -> Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("columns");
    let values = task.columns.iter().flatten();
    let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(&file, bytes)?;
    let output = Command::new(python)
        .arg(
            args.root
                .join("crates/utfall-bench/scripts/panels_peers.py"),
        )
        .arg(task.name)
        .arg(&file)
        .arg(task.columns.len().to_string())
        .arg(task.draws.to_string())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(seconds)), Some(Ok(found))) => Ok((seconds / share, found)),
        _ => Err("a peer printed no numbers".into()),
    }
}

fn stream(task: &str) -> Stream {
    Stream::new(7, task, 0)
}

fn number(i: usize) -> f64 {
    utfall_stats::moments::count(i)
}

const DRAWS: u32 = 1000;
/// Seconds from which a task is done once; the least time of three counts below.
const LONG: f64 = 5.0;

/// Units at ten times that start at four, six, eight or never.
fn staggered(n_units: usize) -> Task {
    let mut stream = stream("staggered");
    let mut columns = vec![Vec::new(); 5];
    for unit in 0..n_units {
        let start = [0.0, 0.0, 4.0, 6.0, 8.0][stream.index(5)];
        let x = stream.normal();
        let level = stream.normal() + 0.5 * x;
        for time in 1..=10 {
            let time = f64::from(time);
            let effect = if start > 0.0 && time >= start {
                1.0 + 0.1 * (time - start)
            } else {
                0.0
            };
            let y = level + 0.1 * time * (1.0 + 0.2 * x) + effect + stream.normal();
            for (column, value) in columns.iter_mut().zip([number(unit), time, start, x, y]) {
                column.push(value);
            }
        }
    }
    let data = columns.clone();
    let run = move || {
        let units: Vec<u64> = data[0].iter().map(|&unit| unit.to_bits()).collect();
        let unit = Grouping::of(&units);
        let start: Vec<Option<f64>> = data[2].iter().map(|&s| (s > 0.0).then_some(s)).collect();
        let one = vec![1.0; units.len()];
        let covariates = [one.clone(), data[3].clone()];
        let rows = PanelRows {
            unit: &unit,
            time: &data[1],
            outcome: &data[4],
            start: &start,
            columns: &covariates,
            weight: &one,
        };
        let spec = GroupTimeSpec {
            method: Method::DoublyRobust,
            comparison: ComparisonGroup::NeverTreated,
            base: BasePeriod::Varying,
            anticipation: 0.0,
            sampling: Sampling::Panel,
            largest_score: 0.995,
            section_errors: SectionErrors::Derivative,
        };
        let effects = group_time(&rows, &spec)?;
        let which = Aggregations {
            kind: Aggregation::Dynamic,
            least_exposure: f64::NEG_INFINITY,
            most_exposure: f64::INFINITY,
            balanced_at: None,
        };
        let simple = Aggregations {
            kind: Aggregation::Simple,
            ..which
        };
        let (overall, _) = aggregate(&effects, &simple);
        let (_, by_exposure) = aggregate(&effects, &which);
        // Every cell, every time since the start and the overall effect, as the peer draws.
        let n = number(effects.n_units());
        let scaled: Vec<Vec<f64>> = effects
            .cells
            .iter()
            .map(|cell| &cell.influence)
            .chain(by_exposure.iter().map(|one| &one.influence))
            .chain([&overall.influence])
            .map(|influence| influence.iter().map(|v| v / n).collect())
            .collect();
        let slices: Vec<&[f64]> = scaled.iter().map(Vec::as_slice).collect();
        let draws = Draws {
            seed: 1,
            replicates: NonZeroU32::new(DRAWS).ok_or("no draws")?,
        };
        let drawn = multiplier_bootstrap(&slices, None, Multiplier::Rademacher, draws)?;
        std::hint::black_box(drawn.standard_errors(Spread::Deviation));
        Ok(overall.effect)
    };
    Task {
        name: "staggered",
        size: n_units,
        columns,
        draws: DRAWS,
        share: Some(1.0),
        run: Box::new(run),
    }
}

/// Rows of units and times at random, clusters by unit.
fn fixed_effects(n_rows: usize) -> Task {
    let mut stream = stream("fixed effects");
    let n_units = (n_rows / 20).clamp(10, 50_000);
    let of_unit: Vec<f64> = (0..n_units).map(|_| stream.normal()).collect();
    let of_time: Vec<f64> = (0..200).map(|_| stream.normal()).collect();
    let mut columns = vec![Vec::new(); 5];
    for _ in 0..n_rows {
        let (unit, time) = (stream.index(n_units), stream.index(200));
        let x1 = stream.normal() + 0.01 * number(unit % 100);
        let x2 = stream.normal() + 0.01 * number(time);
        let y = x1 - 0.5 * x2 + of_unit[unit] + of_time[time] + stream.normal();
        for (column, value) in columns
            .iter_mut()
            .zip([number(unit), number(time), x1, x2, y])
        {
            column.push(value);
        }
    }
    let data = columns.clone();
    let run = move || {
        let labels = |column: &[f64]| {
            let codes: Vec<u64> = column.iter().map(|v| v.to_bits()).collect();
            Grouping::of(&codes)
        };
        let (unit, time) = (labels(&data[0]), labels(&data[1]));
        let one = vec![1.0; data[0].len()];
        let absorb = [
            FixedEffect::constants(unit.clone()),
            FixedEffect::constants(time),
        ];
        let design = Design {
            outcome: &data[4],
            columns: &[&data[2], &data[3]],
            endogenous: &[],
            instruments: &[],
            weight: &one,
            absorb: &absorb,
        };
        let fit = fit_absorbed(&design)?;
        let dependence = Dependence::Clusters(vec![unit]);
        let small = SmallSample {
            rows: true,
            absorbed: AbsorbedCount::Nested,
            clusters: ClusterCount::Fewest,
        };
        let covariance = Covariance::new(&fit, &design, &dependence, &small)?;
        let level = ConfidenceLevel::try_from(0.95)?;
        let mut pull = vec![0.0; 2];
        pull[0] = 1.0;
        covariance.infer(&pull, Distribution::Clusters, level)?;
        Ok(fit.coefficients()[0])
    };
    Task {
        name: "fixed-effects",
        size: n_rows,
        columns,
        draws: 0,
        share: Some(1.0),
        run: Box::new(run),
    }
}

/// Outcomes of units at times, with two factors; the first are treated in the last third.
fn block(n_donors: usize, n_treated: usize, n_times: usize) -> (Block, Vec<Vec<f64>>) {
    let mut stream = stream("block");
    let n_before = 2 * n_times / 3;
    let mut factors = vec![[0.0, 0.0]; n_times];
    for time in 1..n_times {
        factors[time] = factors[time - 1].map(|level| level + stream.normal());
    }
    let mut line = |is_treated: bool| -> Vec<f64> {
        let (own, loads) = (stream.normal(), [stream.uniform(), stream.uniform()]);
        (0..n_times)
            .map(|time| {
                let effect = if is_treated && time >= n_before {
                    1.0
                } else {
                    0.0
                };
                let common = loads[0] * factors[time][0] + loads[1] * factors[time][1];
                10.0 + own + common + effect + 0.5 * stream.normal()
            })
            .collect()
    };
    let treated: Vec<Vec<f64>> = (0..n_treated).map(|_| line(true)).collect();
    let donors: Vec<Vec<f64>> = (0..n_donors).map(|_| line(false)).collect();
    let n_rows = (n_treated + n_donors) * n_times;
    let time = (0..n_rows).map(|row| number(row % n_times)).collect();
    let outcome = treated.iter().chain(&donors).flatten().copied().collect();
    let columns = vec![vec![number(n_treated); n_rows], time, outcome];
    let block = Block {
        donors,
        treated,
        n_before,
    };
    (block, columns)
}

/// One treated unit, and every donor in its place: the peer fits the treated unit alone.
fn control(n_donors: usize) -> Task {
    let (block, columns) = block(n_donors, 1, 50);
    let run = move || {
        let method = synthetic::Method::Control { ridge: 0.0 };
        let own = synthetic(&block, method, None)?;
        placebos(&block, method)?;
        Ok(own.donors.loss)
    };
    Task {
        name: "synthetic-control",
        size: n_donors,
        columns,
        draws: 0,
        share: Some(1.0 / number(n_donors + 1)),
        run: Box::new(run),
    }
}

/// A tenth of the units treated; errors from placebos.
fn sdid_placebo(n_donors: usize) -> Task {
    let (block, columns) = block(n_donors, 1, 50);
    let run = move || {
        let drawn = placebos(&block, synthetic::Method::DifferenceInDifferences)?;
        let effects: Vec<f64> = drawn.iter().map(|one| one.effect).collect();
        Ok(utfall_stats::moments::mean_and_variance(&effects).1.sqrt())
    };
    Task {
        name: "sdid-placebo",
        size: n_donors,
        columns,
        draws: u32::try_from(n_donors).unwrap_or(u32::MAX),
        share: Some(1.0),
        run: Box::new(run),
    }
}

fn sdid_jackknife(n_donors: usize) -> Task {
    let (block, columns) = block(n_donors, n_donors / 10, 50);
    let run = move || {
        let own = synthetic(&block, synthetic::Method::DifferenceInDifferences, None)?;
        Ok(jackknife(&block, &own)?)
    };
    Task {
        name: "sdid-jackknife",
        size: n_donors,
        columns,
        draws: 0,
        share: Some(1.0),
        run: Box::new(run),
    }
}

/// Times to an event in thousandths, five covariates, a thousand clusters.
fn lives(n_rows: usize) -> Vec<Vec<f64>> {
    let mut stream = stream("lives");
    let hazards = [0.5, -0.3, 0.2, 0.0, 0.4];
    let mut columns = vec![Vec::new(); 8];
    for _ in 0..n_rows {
        let x = [(); 5].map(|()| stream.normal());
        let eta: f64 = x.iter().zip(hazards).map(|(x, b)| x * b).sum();
        let mut waited = || -utfall_stats::elementary::log(1.0 - stream.uniform());
        let (event, censored) = (
            waited() / utfall_stats::elementary::exp(eta),
            1.5 * waited(),
        );
        let time = (event.min(censored) * 1000.0).ceil();
        let happened = f64::from(u8::from(event <= censored));
        let cluster = number(stream.index(1000));
        let line = [time, happened, cluster].into_iter().chain(x);
        columns
            .iter_mut()
            .zip(line)
            .for_each(|(column, value)| column.push(value));
    }
    columns
}

fn hazards(name: &'static str, n_rows: usize, clustered: bool) -> Task {
    let columns = lives(n_rows);
    let data = columns.clone();
    let run = move || {
        let event: Vec<bool> = data[1].iter().map(|&event| event > 0.0).collect();
        let rows = Durations {
            start: None,
            stop: &data[0],
            event: &event,
        };
        let weight = vec![1.0; event.len()];
        let fit = fit_cox(&rows, &data[3..], &weight, None, Ties::Efron)?;
        if clustered {
            let codes: Vec<u64> = data[2].iter().map(|v| v.to_bits()).collect();
            std::hint::black_box(fit.robust(Some(&Grouping::of(&codes))));
        }
        Ok(fit.coefficients[0])
    };
    Task {
        name,
        size: n_rows,
        columns,
        draws: 0,
        share: Some(1.0),
        run: Box::new(run),
    }
}

fn cox(n_rows: usize) -> Task {
    hazards("cox", n_rows, false)
}

fn cox_clusters(n_rows: usize) -> Task {
    hazards("cox-clusters", n_rows, true)
}

fn survival(n_rows: usize) -> Task {
    let mut columns = lives(n_rows);
    columns.truncate(2);
    let data = columns.clone();
    let run = move || {
        let event: Vec<bool> = data[1].iter().map(|&event| event > 0.0).collect();
        let rows = Durations {
            start: None,
            stop: &data[0],
            event: &event,
        };
        let curve = kaplan_meier(&rows, &(0..event.len()).collect::<Vec<usize>>())?;
        let place = curve.place(500.0).ok_or("no entry")?;
        Ok(curve.survival[place])
    };
    Task {
        name: "kaplan-meier",
        size: n_rows,
        columns,
        draws: 0,
        share: Some(1.0),
        run: Box::new(run),
    }
}

/// A jump of a half at zero.
fn discontinuity(n_rows: usize) -> Task {
    let mut stream = stream("discontinuity");
    let mut columns = vec![Vec::new(); 2];
    for _ in 0..n_rows {
        let x = 2.0 * stream.uniform() * stream.uniform() - 0.6;
        let curve = if x < 0.0 { 7.18 * x * x } else { 0.5 };
        let y = 0.48 + 1.27 * x + curve + 0.1295 * stream.normal();
        columns[0].push(x);
        columns[1].push(y);
    }
    let data = columns.clone();
    let run = move || {
        let rows = JumpData {
            outcome: &data[1],
            score: &data[0],
            cutoff: 0.0,
            take_up: None,
            covariates: &[],
            clusters: None,
            weight: None,
        };
        let options = JumpOptions {
            order: 1,
            bias_order: 2,
            derivative: 0,
            kernel: Kernel::Triangular,
            error: JumpError::NearestNeighbours,
            n_neighbours: 3,
            mass_points: MassPoints::Adjust,
            standardise: false,
            regularisation: 1.0,
            restrict: true,
            least_values: None,
            sharp_bandwidth: false,
        };
        let bandwidths = select_bandwidths(&rows, Selector::Mserd, &options)?;
        Ok(estimate_jump(&rows, &bandwidths, &options)?
            .conventional
            .point)
    };
    Task {
        name: "discontinuity",
        size: n_rows,
        columns,
        draws: 0,
        share: Some(1.0),
        run: Box::new(run),
    }
}

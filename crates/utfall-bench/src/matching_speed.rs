//! Time, growth and memory of matching, weighting and balance, and ratios to other tools.
//!
//! Other tools' seconds were taken on another machine in one run with a yardstick, least squares with
//! clusters by statsmodels, which took 3.6 s there. With `peers` it is run here too, and their seconds
//! are carried over by it; what SciPy does is timed here. Machines are shared: read ratios and growth.
//! Of three runs the least time is told, also of the yardstick.

use std::error::Error;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use utfall_core::Estimand;
use utfall_matching::weighting::{Moments, entropy_balancing};
use utfall_matching::{
    FullSpec, NearestSpec, OptimalSpec, SmdDenominator, balance, full, nearest, optimal, propensity,
};
use utfall_stats::Matrix;
use utfall_stats::draws::Stream;

/// Seconds of the yardstick on the machine where other tools were timed.
const YARDSTICK: f64 = 3.6;

/// One treated in twenty-one; the last size is 47,619 treated of a million.
const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

const FIVE_TO_ONE: &str = "ratio = 5\ncaliper = { width = 0.2, scale = \"sd-of-distance\" }\nreuse = \"forbid\"\norder = \"largest\"\nties = \"lowest-id\"\n";

/// Prints every table; `peers` also runs the scripts of other tools, found below `root`.
///
/// # Errors
///
/// A method refuses the data, or a script cannot be run.
#[allow(clippy::print_stdout, reason = "a bench talks to a terminal")]
pub fn run(root: &Path, peers: bool, most_units: usize) -> Result<(), Box<dyn Error>> {
    let here = if peers {
        let seconds = script(root, &["yardstick"])?;
        println!("yardstick: {seconds:.2} s here, {YARDSTICK} s where other tools were timed\n");
        Some(seconds)
    } else {
        None
    };
    let carried = |theirs: Option<f64>, ours: Duration| {
        let here = here.zip(theirs);
        let ratio = here.map(|(here, theirs)| theirs * here / YARDSTICK / ours.as_secs_f64());
        ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.0}"))
    };
    println!(
        "5:1 with caliper, ten covariates: seconds, and how many times as fast as MatchIt 4.7"
    );
    println!(
        "{:>10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9}",
        "units", "score", "match", "balance", "x match", "x both", "peak MiB"
    );
    // MatchIt 4.7 with the fit and with given scores: processor seconds, and at a million elapsed ones.
    let theirs = [
        (Some(0.23), None),
        (Some(0.86), Some(0.35)),
        (Some(9.6), Some(3.0)),
    ];
    let spec: NearestSpec = toml::from_str(FIVE_TO_ONE)?;
    for (&n_units, (with_fit, given)) in SIZES.iter().zip(theirs) {
        let (covariates, treated) = population(n_units, 10)?;
        let (scores, fitting) = timed(|| propensity(&covariates, &treated));
        let scores = scores?;
        let (matched, matching) = timed(|| nearest(&spec, &scores.logit, &treated, None));
        let weights = matched?.weights();
        let denominator = SmdDenominator::Treated;
        let (rows, comparing) = timed(|| balance(&covariates, &treated, &weights, denominator));
        rows?;
        println!(
            "{n_units:>10} {:>8.3} {:>8.3} {:>8.3} {:>8} {:>8} {:>9}",
            fitting.as_secs_f64(),
            matching.as_secs_f64(),
            comparing.as_secs_f64(),
            carried(given, matching),
            carried(with_fit, fitting + matching),
            peak_mebibytes(),
        );
    }
    strata_and_caliper(most_units)?;
    optimal_pairs(root, peers)?;
    println!("\nfull matching on a score: seconds, sets (optmatch: 82.5 s at 10,000)");
    for n_units in [10_000, 100_000, 1_000_000] {
        let (score, treated) = scored(n_units);
        let (found, took) =
            timed(|| full(&FullSpec::default(), &score, &treated, None, Estimand::Att));
        println!(
            "{n_units:>10} {:>8.3} {:>10}",
            took.as_secs_f64(),
            found?.n_strata()
        );
    }
    println!(
        "\nentropy balancing: units, covariates, seconds, and how many times as fast as WeightIt 1.4 with ten"
    );
    for (n_units, theirs) in [(100_000, 1.3), (1_000_000, 5.1)] {
        for n_covariates in [10, 20] {
            let (covariates, treated) = population(n_units, n_covariates)?;
            let moments = Moments::try_from(1)?;
            let (found, took) =
                timed(|| entropy_balancing(&covariates, &treated, Estimand::Att, moments));
            found?;
            println!(
                "{n_units:>10} {n_covariates:>4} {:>8.3} {:>8}",
                took.as_secs_f64(),
                carried(Some(theirs), took)
            );
        }
    }
    Ok(())
}

/// Exact strata of about two thousand persons and a caliper, up to the most units asked for.
#[allow(clippy::print_stdout, reason = "a bench talks to a terminal")]
fn strata_and_caliper(most_units: usize) -> Result<(), Box<dyn Error>> {
    println!("\nexact strata and caliper, 1:1: seconds, pairs, nanoseconds a unit");
    let mut spec: NearestSpec = toml::from_str(FIVE_TO_ONE)?;
    spec.ratio = NonZeroU32::MIN;
    for n_units in [100_000, 1_000_000, 10_000_000] {
        if n_units > most_units {
            continue;
        }
        let (score, treated) = scored(n_units);
        let mut stream = Stream::new(3, "strata", 0);
        let n_strata = u64::try_from(n_units / 2000)?;
        let strata: Vec<u32> = (0..n_units)
            .map(|_| u32::try_from(stream.below(n_strata)))
            .collect::<Result<_, _>>()?;
        let (matched, took) = timed(|| nearest(&spec, &score, &treated, Some(strata.as_slice())));
        let each = took.as_secs_f64() * 1e9 / utfall_stats::moments::count(n_units);
        println!(
            "{n_units:>10} {:>8.3} {:>10} {each:>8.0}",
            took.as_secs_f64(),
            matched?.n_pairs()
        );
    }
    Ok(())
}

/// Optimal pairs within a caliper, beside SciPy's dense assignment.
#[allow(clippy::print_stdout, reason = "a bench talks to a terminal")]
fn optimal_pairs(root: &Path, peers: bool) -> Result<(), Box<dyn Error>> {
    println!(
        "\noptimal pairs within a caliper: treated, comparators, seconds, times as fast as SciPy"
    );
    for (n_treated, n_comparators) in [(500, 10_000), (2_000, 40_000), (50_000, 500_000)] {
        let mut stream = Stream::new(4, "optimal", 0);
        let score: Vec<f64> = (0..n_treated + n_comparators)
            .map(|unit| stream.normal() + if unit < n_treated { 1.0 } else { 0.0 })
            .collect();
        let treated: Vec<bool> = (0..score.len()).map(|unit| unit < n_treated).collect();
        let spec: OptimalSpec =
            toml::from_str("ratio = 1\ncaliper = { width = 0.2, scale = \"raw\" }")?;
        let (matched, took) = timed(|| optimal(&spec, &score, &treated, None));
        matched?;
        let theirs = if peers && n_treated <= 2_000 {
            let sizes = [n_treated, n_comparators].map(|n| n.to_string());
            let seconds = script(root, &["assignment", &sizes[0], &sizes[1], "0.2"])?;
            format!("{:.0}", seconds / took.as_secs_f64())
        } else {
            "-".to_owned()
        };
        println!(
            "{n_treated:>10} {n_comparators:>10} {:>8.3} {theirs:>8}",
            took.as_secs_f64()
        );
    }
    Ok(())
}

/// Covariates of which two decide, more or less, who is treated: one in twenty-one.
fn population(n_units: usize, n_columns: usize) -> Result<(Matrix, Vec<bool>), Box<dyn Error>> {
    let mut stream = Stream::new(1, "population", 0);
    let columns: Vec<Vec<f64>> = (0..n_columns)
        .map(|_| (0..n_units).map(|_| stream.normal()).collect())
        .collect();
    let treated = (0..n_units)
        .map(|unit| {
            let logit = -3.3 + 0.7 * columns[0][unit] - 0.5 * columns[1][unit];
            stream.bernoulli(utfall_stats::logistic::probability(logit))
        })
        .collect();
    Ok((Matrix::from_columns(columns)?, treated))
}

/// Scores given, one in twenty-one treated.
fn scored(n_units: usize) -> (Vec<f64>, Vec<bool>) {
    let mut stream = Stream::new(2, "scores", 0);
    let treated: Vec<bool> = (0..n_units).map(|unit| unit % 21 == 0).collect();
    let score = treated
        .iter()
        .map(|&is| stream.normal() + if is { 0.7 } else { 0.0 })
        .collect();
    (score, treated)
}

fn script(root: &Path, arguments: &[&str]) -> Result<f64, Box<dyn Error>> {
    let file = root.join("crates/utfall-bench/scripts/matching_peers.py");
    let output = Command::new("python3").arg(file).args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// The most memory this process has held so far; zero where the system does not say.
fn peak_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0) / 1024
}

/// The result and the least time; what takes long is done once, the rest three times.
fn timed<T>(work: impl Fn() -> T) -> (T, Duration) {
    let once = || {
        let start = Instant::now();
        let result = work();
        (result, start.elapsed())
    };
    let (result, mut least) = once();
    if least < Duration::from_secs(5) {
        for _ in 0..2 {
            least = least.min(once().1);
        }
    }
    (result, least)
}

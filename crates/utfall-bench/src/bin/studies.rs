//! Bias, coverage and test size of the estimators, where they are meant to be used and where they fail.
//!
//! `cargo run --release -p utfall-bench --bin studies -- --draws 4000`
//!
//! `bias ± MC` is the mean of estimate less truth and its Monte Carlo error, `spread` the standard
//! deviation of the estimates, `error` the standard errors reported (root mean square), `cover %`
//! how often the 95 % interval held the truth, `size %` how often the 5 % test rejected when there
//! was no effect, `none` draws without an estimate. The same seed gives the same table on any machine.

#![allow(clippy::print_stdout, reason = "a study talks to a terminal")]

use std::process::ExitCode;

use clap::Parser;
use utfall_bench::studies::{Verdict, all, heading};

/// Bias, coverage and size of the estimators over many simulated data sets
#[derive(Debug, Parser)]
struct Args {
    /// Data sets of each study, with an effect and without
    #[arg(long, default_value_t = 4000)]
    draws: u32,
    /// Seed of every stream
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only studies whose estimator contains this text
    #[arg(long)]
    only: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut n_surprises = 0;
    println!("{}", heading());
    for study in all() {
        let is_wanted = |only: &String| study.estimator.contains(only.as_str());
        if !args.only.as_ref().is_none_or(is_wanted) {
            continue;
        }
        let finding = study.run(args.seed, args.draws);
        println!("{}", finding.line());
        n_surprises += u32::from(finding.verdict() == Verdict::Surprise);
    }
    println!("{n_surprises} not as expected");
    if n_surprises == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

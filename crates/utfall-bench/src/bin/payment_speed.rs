//! Time and growth of contracts: one evaluation with its trace, and sweeps of many scenarios.
//!
//! `cargo run --release -p utfall-bench --bin payment_speed`. Exits with 1 if an evaluation takes a
//! millisecond or more, or a sweep of 100,000 scenarios five seconds or more. Machines differ and are
//! shared: read the growth, not the seconds.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use utfall_payment::{Contract, Input, Inputs};

/// Time and growth of contracts
#[derive(Debug, Parser)]
struct Args {
    /// The project's top folder
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

/// A contract that decides on an effect, one that pays on savings, and a rate card of 23 lines.
const CONTRACTS: [&str; 3] = [
    "pipelines/hemmasittare/contract.toml",
    "pipelines/norrkoping/contract.toml",
    "tests/contracts/care-leavers-apollo/contract.toml",
];
const EVALUATIONS: u32 = 2_000;
const SWEEPS: [usize; 3] = [1_000, 10_000, 100_000];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = Args::parse();
    let mut is_fast = true;
    for path in CONTRACTS {
        let text = std::fs::read_to_string(args.root.join(path))?;
        let contract = Contract::from_toml(path, &text)?;
        let inputs = inputs(&contract);
        let start = Instant::now();
        let mut n_steps = 0;
        for _ in 0..EVALUATIONS {
            n_steps = contract.evaluate(&inputs).trace.len();
        }
        let each = start.elapsed() / EVALUATIONS;
        is_fast &= each < Duration::from_millis(1);
        println!("{path}: {each:?} an evaluation, {n_steps} steps of trace");
        let swept = contract
            .effects()
            .next()
            .map_or("metric-1.claims", |effect| effect)
            .to_owned();
        let mut before: Option<Duration> = None;
        for n_points in SWEEPS {
            let start = Instant::now();
            let points = contract.sweep(&inputs, &swept, ("-0.1", "0.1"), n_points)?;
            let took = start.elapsed();
            let growth = before.map_or(String::new(), |before| {
                let times = took.as_secs_f64() / before.as_secs_f64();
                format!(", {times:.1} times the time for ten times the scenarios")
            });
            println!("    {} scenarios in {took:?}{growth}", points.len());
            before = Some(took);
            is_fast &= n_points < 100_000 || took < Duration::from_secs(5);
        }
    }
    Ok(if is_fast {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A usual value for whatever the contract reads, and the figures an effect comes with.
fn inputs(contract: &Contract) -> Inputs {
    use utfall_payment::InputKind;
    let mut inputs: Inputs = contract
        .required_inputs()
        .into_iter()
        .map(|(name, kind)| {
            let input = match kind {
                InputKind::Flag => Input::Flag(true),
                InputKind::Text => Input::Text("att".to_owned()),
                InputKind::Number if name.ends_with("n-treated") => Input::Number("221".to_owned()),
                InputKind::Number => Input::Number("-0.0612345678901234".to_owned()),
            };
            (name, input)
        })
        .collect();
    for effect in contract.effects() {
        for (figure, value) in [
            ("point", "-0.0612345678901234"),
            ("standard-error", "0.0067123456789012"),
            ("n-treated", "221"),
        ] {
            let name = format!("{effect}.{figure}");
            inputs
                .entry(name)
                .or_insert_with(|| Input::Number(value.to_owned()));
        }
    }
    inputs
}

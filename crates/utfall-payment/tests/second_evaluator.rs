//! A second evaluator, in Python and written from the manual, agrees on generated contracts and
//! inputs: how the contract and every line ends, the total and each payer's part to the last minor
//! unit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and tells what it counted"
)]

mod generated;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use generated::Generator;
use serde_json::{Value, json};
use utfall_payment::{Contract, Inputs};

const N_CONTRACTS: usize = 10_000;

#[test]
fn a_second_evaluator_agrees_on_ten_thousand_contracts() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contracts/evaluator.py");
    let python = Command::new("python3")
        .arg(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut python = match python {
        Ok(python) => python,
        Err(error) if std::env::var_os("UTFALL_REQUIRE_PYTHON").is_none() => {
            eprintln!("SKIPPED: the second evaluator needs python3, which did not start: {error}");
            return;
        }
        Err(error) => panic!("python3 is required and did not start: {error}"),
    };
    let cases = cases();
    let mut stdin = python.stdin.take().unwrap();
    let lines: Vec<String> = cases
        .iter()
        .map(|(text, _, inputs)| json!({ "contract": text, "inputs": inputs }).to_string())
        .collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(stdin, "{line}").unwrap();
        }
    });
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "the second evaluator failed");
    let told = String::from_utf8(output.stdout).unwrap();
    let mut n_agreed = 0;
    let mut branches = std::collections::BTreeMap::<String, usize>::new();
    for (line, (text, contract, inputs)) in told.lines().zip(&cases) {
        let decision = contract.evaluate(inputs);
        let ours = json!({
            "branch": decision.branch,
            "total": decision.total.minor_units().to_string(),
            "payers": decision.payers.iter().map(|p| p.amount.minor_units().to_string()).collect::<Vec<_>>(),
            "lines": decision.lines.iter().map(|line| line.branch).collect::<Vec<_>>(),
        });
        let theirs: Value = serde_json::from_str(line).unwrap();
        assert_eq!(ours, theirs, "{text}\n{inputs:#?}");
        let alone = contract.payment(inputs);
        assert_eq!(
            alone,
            (decision.branch, decision.total),
            "{text}\n{inputs:#?}"
        );
        *branches.entry(decision.branch.to_string()).or_default() += 1;
        n_agreed += 1;
    }
    assert_eq!(n_agreed, N_CONTRACTS);
    // The contracts are no use if they all end in one way.
    for (branch, least) in [
        ("paid", N_CONTRACTS / 5),
        ("nothing-due", N_CONTRACTS / 50),
        ("not-measurable", N_CONTRACTS / 50),
        ("deferred", N_CONTRACTS / 200),
        ("repayment-due", N_CONTRACTS / 200),
    ] {
        assert!(
            branches.get(branch).copied().unwrap_or(0) >= least,
            "{branches:?}"
        );
    }
    eprintln!("{n_agreed} contracts agree: {branches:?}");
}

/// Contracts that are accepted, each with inputs.
fn cases() -> Vec<(String, Contract, Inputs)> {
    let mut cases = Vec::new();
    let mut n_refused = 0;
    for seed in 0.. {
        let mut generator = Generator::new(seed);
        let text = generator.contract();
        match Contract::from_toml("generated", &text) {
            Ok(contract) => {
                let inputs = generator.inputs(&contract);
                cases.push((text, contract, inputs));
            }
            // A constant may divide by zero, and a cap lie below a floor: those are refused.
            Err(errors) => {
                n_refused += 1;
                assert!(n_refused < N_CONTRACTS, "{errors}\n{text}");
            }
        }
        if cases.len() == N_CONTRACTS {
            break;
        }
    }
    eprintln!("{n_refused} generated contracts were refused");
    cases
}

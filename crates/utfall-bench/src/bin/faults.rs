//! Plants 200 faults in clean extracts and prints, by kind of rule, how many were planted, at how
//! many places they should be found, and at how many they were: `cargo run --release -p
//! utfall-bench --bin faults`.

#![allow(clippy::print_stdout, reason = "a program that prints a table")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match utfall_bench::faults::plant_and_find() {
        Ok(outcome) => outcome,
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "{:<20}{:>8}{:>8}{:>8}",
        "rule", "planted", "places", "found"
    );
    for (kind, planted) in &outcome.planted {
        let of = |counts: &std::collections::BTreeMap<String, usize>| {
            counts.get(kind).copied().unwrap_or(0)
        };
        println!(
            "{kind:<20}{planted:>8}{:>8}{:>8}",
            of(&outcome.expected),
            of(&outcome.found)
        );
    }
    let sum = |counts: &std::collections::BTreeMap<String, usize>| counts.values().sum::<usize>();
    println!(
        "{:<20}{:>8}{:>8}{:>8}",
        "all",
        sum(&outcome.planted),
        sum(&outcome.expected),
        sum(&outcome.found)
    );
    println!(
        "missed {}, invented {}",
        outcome.missed.len(),
        outcome.invented.len()
    );
    if outcome.missed.is_empty() && outcome.invented.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("{:?}\n{:?}", outcome.missed, outcome.invented);
        ExitCode::FAILURE
    }
}

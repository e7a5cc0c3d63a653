//! Every contract under `tests/contracts` pays what its cases say, to the last minor unit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use utfall_payment::{Branch, Contract, Decision, Input, InputKind, Inputs, Language, explain};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    contract: PathBuf,
    #[serde(default)]
    inputs: Inputs,
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    inputs: Inputs,
    branch: Branch,
    total: String,
    #[serde(default)]
    undecided: Vec<String>,
    /// What some of the lines pay, by name.
    #[serde(default)]
    lines: BTreeMap<String, String>,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folders() -> Vec<PathBuf> {
    let root = repository().join("tests/contracts");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("cases.toml").is_file())
        .collect();
    folders.sort();
    folders
}

fn contract(path: &Path) -> Contract {
    let text = std::fs::read_to_string(path).unwrap();
    Contract::from_toml(&path.display().to_string(), &text)
        .unwrap_or_else(|errors| panic!("{errors}"))
}

/// Calls `check` with every case: its contract, the inputs it comes to, and itself.
fn for_every_case(mut check: impl FnMut(&str, &Contract, &Inputs, &Case)) {
    for folder in folders() {
        let text = std::fs::read_to_string(folder.join("cases.toml")).unwrap();
        let cases: Cases = toml::from_str(&text).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
        let contract = contract(&folder.join(&cases.contract));
        for case in &cases.case {
            let mut inputs = cases.inputs.clone();
            inputs.extend(case.inputs.clone());
            let name = format!("{}: {}", contract.name(), case.name);
            check(&name, &contract, &inputs, case);
        }
    }
}

#[test]
fn every_case_is_paid_to_the_last_minor_unit() {
    let mut n_cases = 0;
    for_every_case(|name, contract, inputs, case| {
        let decision = contract.evaluate(inputs);
        let told = explain(&decision, Language::English).join("\n");
        assert_eq!(decision.total.to_string(), case.total, "{name}\n{told}");
        assert_eq!(decision.branch, case.branch, "{name}\n{told}");
        assert_eq!(decision.undecided, case.undecided, "{name}\n{told}");
        for (line, expected) in &case.lines {
            let found = decision.lines.iter().find(|one| one.name == *line);
            let amount = found.unwrap().amount.unwrap().to_string();
            assert_eq!(amount, *expected, "{name}: {line}");
        }
        n_cases += 1;
    });
    assert!(n_cases > 100, "only {n_cases} cases were found");
}

#[test]
fn every_case_supplies_exactly_what_its_contract_requires() {
    for_every_case(|name, contract, inputs, _| {
        let required = contract.required_inputs();
        let supplied: BTreeSet<&String> = inputs.keys().collect();
        assert_eq!(required.keys().collect::<BTreeSet<_>>(), supplied, "{name}");
        for (input, kind) in required {
            let fits = match &inputs[&input] {
                Input::Number(_) => kind == InputKind::Number,
                Input::Flag(_) => kind == InputKind::Flag,
                Input::Text(_) => kind == InputKind::Text,
                Input::Unavailable { .. } => true,
            };
            assert!(fits, "{name}: {input}");
        }
    });
}

#[test]
fn every_decision_reads_back_as_it_was_written() {
    for_every_case(|name, contract, inputs, _| {
        let decision = contract.evaluate(inputs);
        let json = serde_json::to_string_pretty(&decision).unwrap();
        let read: Decision = serde_json::from_str(&json).unwrap();
        assert_eq!(read, decision, "{name}");
        assert_eq!(serde_json::to_string_pretty(&read).unwrap(), json, "{name}");
    });
}

#[test]
fn payers_bear_the_total_to_the_last_unit() {
    for_every_case(|name, contract, inputs, _| {
        let decision = contract.evaluate(inputs);
        if !decision.payers.is_empty() {
            let borne: i128 = decision.payers.iter().map(|p| p.amount.minor_units()).sum();
            assert_eq!(borne, decision.total.minor_units(), "{name}");
        }
    });
}

#[test]
fn peterborough_is_told_with_its_exact_fraction() {
    let mut told = Vec::new();
    for_every_case(|name, contract, inputs, _| {
        if name.contains("142 against 155") {
            told = explain(&contract.evaluate(inputs), Language::English);
        }
    });
    let told = told.join("\n");
    assert!(
        told.contains("cohort-1-fall (13/155) must be at least 0.1"),
        "{told}"
    );
    assert!(
        told.contains("cohort-1-fall is -1/62 from the threshold 0.1"),
        "{told}"
    );
}

/// The cells of a published rate card: project, then metric, price, claims and what was paid.
fn published(file: &str) -> Vec<BTreeMap<String, String>> {
    let text =
        std::fs::read_to_string(repository().join("tests/contracts/data").join(file)).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines
        .next()
        .unwrap()
        .split(',')
        .map(str::to_owned)
        .collect();
    let row = |line: &str| {
        // No cell that is read here is quoted: the numbers stand at the ends of the row.
        let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        let mut row: BTreeMap<String, String> = BTreeMap::new();
        for (name, cell) in names.iter().zip(&cells).take(3) {
            row.insert(name.clone(), cell.clone());
        }
        for (name, cell) in names.iter().rev().zip(cells.iter().rev()).take(3) {
            row.insert(name.clone(), cell.clone());
        }
        row
    };
    lines.map(row).collect()
}

#[test]
fn every_line_of_the_care_leavers_rate_cards_is_paid_to_the_pound() {
    let rows = published("care-leavers.csv");
    let mut n_lines = 0;
    for_every_case(|name, contract, inputs, _| {
        if !name.starts_with("care-leavers-") || !name.contains("what was paid") {
            return;
        }
        let project = contract.sources()[0].trim_start_matches("GO Lab, ");
        let decision = contract.evaluate(inputs);
        let terms: Vec<_> = contract.claim_terms().collect();
        assert_eq!(terms.len(), decision.lines.len(), "{name}");
        let rows = rows.iter().filter(|row| row["project_id"] == project);
        for (line, row) in decision.lines.iter().zip(rows) {
            let paid: i128 = row["actual_paid"].parse().unwrap();
            let amount = line.amount.unwrap().minor_units();
            assert_eq!(amount, paid * 100, "{name}: {}", line.name);
            n_lines += 1;
        }
    });
    assert_eq!(n_lines, 69);
}

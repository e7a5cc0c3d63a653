//! Every example of the manual is a contract, and pays what its table says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use utfall_payment::{Branch, Contract, Input, InputKind, Inputs, Language, Undecided, explain};

/// An example: the page and line it stands at, its TOML, and its table.
struct Example {
    place: String,
    text: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manual")
}

fn pages() -> BTreeMap<String, String> {
    let pages = std::fs::read_dir(folder()).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    pages.collect()
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner
        .split('|')
        .map(|cell| cell.trim().to_owned())
        .collect()
}

/// The examples of a page: each block of TOML with the table that follows it.
fn examples(page: &str, text: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if line != "```toml" {
            continue;
        }
        let block: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .collect();
        while lines.peek().is_some_and(|(_, line)| line.is_empty()) {
            lines.next();
        }
        let mut table: Vec<Vec<String>> = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with('|')) {
            table.push(cells(line));
        }
        assert!(table.len() > 2, "{page}:{}: no table follows", number + 1);
        examples.push(Example {
            place: format!("{page}:{}", number + 1),
            text: block.join("\n"),
            columns: table.remove(0),
            rows: table.split_off(1),
        });
    }
    examples
}

fn all_examples() -> Vec<Example> {
    let pages = pages();
    let others = pages.iter().filter(|(name, _)| *name != "README.md");
    others
        .flat_map(|(name, text)| examples(name, text))
        .collect()
}

/// The head that stands around every example, as the manual's first page shows it.
fn head(example: &str) -> String {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    let (head, _) = rest.split_once("```").unwrap();
    let own_rounding = example.lines().any(|line| line.starts_with("rounding = {"));
    head.lines()
        .filter(|line| !(own_rounding && line.starts_with("rounding")))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The contract of an example: its head, itself, and an input for each column it does not define.
fn contract(example: &Example) -> Contract {
    let mut text = head(&example.text) + &example.text + "\n";
    for column in &example.columns {
        let quoted = format!("\"{column}\"");
        let is_defined = text.contains(&format!("name = {quoted}"));
        if column.contains('.') || is_defined || !text.contains(&quoted) {
            continue;
        }
        text += &format!(
            "[[quantity]]\nname = {quoted}\nkind = \"input\"\nfrom = {quoted}\nsign = \"keep\"\ndecimals = 2\nrounding = \"half-even\"\n"
        );
    }
    Contract::from_toml(&example.place, &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn inputs(contract: &Contract, example: &Example, row: &[String]) -> Inputs {
    let mut inputs = Inputs::new();
    for (name, kind) in contract.required_inputs() {
        let column = example.columns.iter().position(|column| *column == name);
        let column = column.unwrap_or_else(|| panic!("{}: no column {name}", example.place));
        let cell = row[column].clone();
        let unavailable = |branch| Input::Unavailable {
            reason: "the example says so".to_owned(),
            branch,
        };
        let input = match (cell.as_str(), kind) {
            ("deferred", _) => unavailable(Undecided::Deferred),
            ("not-measurable", _) => unavailable(Undecided::NotMeasurable),
            (_, InputKind::Number) => Input::Number(cell),
            (_, InputKind::Flag) => Input::Flag(cell.parse().unwrap()),
            (_, InputKind::Text) => Input::Text(cell),
        };
        inputs.insert(name, input);
    }
    inputs
}

#[test]
fn every_example_pays_what_its_table_says() {
    let mut n_rows = 0;
    for example in all_examples() {
        let contract = contract(&example);
        for row in &example.rows {
            let decision = contract.evaluate(&inputs(&contract, &example, row));
            let told = explain(&decision, Language::English).join("\n");
            let place = format!("{} {row:?}", example.place);
            for (column, cell) in example.columns.iter().zip(row) {
                if column == "pays" {
                    let found = match decision.branch {
                        Branch::Paid | Branch::RepaymentDue => decision.total.to_string(),
                        other => other.to_string(),
                    };
                    assert_eq!(found, *cell, "{place}\n{told}");
                    n_rows += 1;
                } else if let Some(payer) = decision.payers.iter().find(|p| p.name == *column) {
                    assert_eq!(payer.amount.to_string(), *cell, "{place}\n{told}");
                }
            }
        }
    }
    assert!(n_rows > 90, "{n_rows} rows");
}

#[test]
fn the_first_page_leads_to_every_other_and_each_has_an_example() {
    let pages = pages();
    for (name, text) in pages.iter().filter(|(name, _)| *name != "README.md") {
        assert!(
            pages["README.md"].contains(&format!("({name})")),
            "README.md does not link {name}"
        );
        assert!(!examples(name, text).is_empty(), "{name} has no example");
    }
    for (name, text) in &pages {
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            assert!(folder().join(target).is_file(), "{name} links {target}");
        }
    }
}

#[test]
fn every_word_of_the_language_stands_in_an_example() {
    let all: Vec<String> = all_examples().into_iter().map(|e| e.text).collect();
    let all = all.join("\n");
    let schema: serde_json::Value = serde_json::from_str(utfall_payment::CONTRACT_SCHEMA).unwrap();
    for list in ["line", "quantity"] {
        let kinds = schema["$defs"][list]["oneOf"].as_array().unwrap();
        for kind in kinds {
            let name = kind["properties"]["kind"]["const"].as_str().unwrap();
            let written = format!("kind = \"{name}\"");
            assert!(all.contains(&written), "no example of {list} {name}");
            for key in kind["properties"].as_object().unwrap().keys() {
                if ["name", "kind", "title", "unit"].contains(&key.as_str()) {
                    continue;
                }
                let has = [format!("{key} ="), format!("{key}.")];
                assert!(
                    has.iter().any(|form| all.contains(form)),
                    "no example of {key}"
                );
            }
        }
    }
}

//! Every example of `POLICIES.md` does what the page says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};

use utfall_disclosure::{
    Cell, Dimension, Policy, Protection, Row, Table, TableSet, TablesFile, TablesFileError,
};

const PAGE: &str = include_str!("../POLICIES.md");

/// Fenced blocks of the page with the words after the fence.
fn blocks() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((kind.to_owned(), text.join("\n")));
        }
    }
    found
}

fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace()
        .map(|one| one.parse().unwrap())
        .collect()
}

fn shown(cells: &[Cell]) -> String {
    cells
        .iter()
        .map(Cell::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A table of one dimension with these counts.
fn release(policy: &Policy, counts: &[u64]) -> Protection {
    let codes: Vec<String> = (0..counts.len()).map(|code| format!("c{code}")).collect();
    let rows = codes.iter().zip(counts);
    let rows = rows.map(|(code, n)| Row {
        at: vec![code.clone()],
        n: *n,
        sum: None,
    });
    let set = TableSet {
        tables: vec![Table {
            name: "row".to_owned(),
            population: "persons".to_owned(),
            measure: None,
            dimensions: vec!["code".to_owned()],
            behind: false,
            rows: rows.collect(),
        }],
        dimensions: vec![Dimension::flat("code", codes).unwrap()],
        differences: Vec::new(),
    };
    set.protect(policy, &[]).unwrap()
}

#[test]
fn every_row_of_the_page_is_what_the_policy_above_it_shows() {
    let mut policy: Option<Policy> = None;
    let mut n_rows = 0;
    for (kind, text) in blocks() {
        match kind.as_str() {
            "toml policy" => policy = Some(toml::from_str(&text).unwrap()),
            "text row" => {
                for line in text.lines() {
                    let parts: Vec<&str> = line.split('|').map(str::trim).collect();
                    let protection = release(policy.as_ref().unwrap(), &numbers(parts[0]));
                    let cells: Vec<Cell> = protection.released.get().tables[0]
                        .cells
                        .iter()
                        .map(|cell| cell.cell)
                        .collect();
                    assert_eq!(shown(&cells[1..]), parts[1], "{line}");
                    assert_eq!(shown(&cells[..1]), parts[2], "{line}");
                    n_rows += 1;
                }
            }
            _ => {}
        }
    }
    assert_eq!(n_rows, 8);
}

#[test]
fn the_shipped_policies_are_those_written_on_the_page() {
    let written: Vec<Policy> = blocks()
        .iter()
        .filter(|(kind, _)| kind == "toml policy")
        .map(|(_, text)| toml::from_str(text).unwrap())
        .collect();
    let shipped = [
        Policy::midpoint_6(),
        Policy::acro(),
        Policy::danish_microdata(utfall_disclosure::Population::Selected),
    ];
    assert_eq!(written[1..4], shipped);
}

#[test]
fn the_tables_of_the_page_are_protected() {
    let (_, text) = blocks()
        .into_iter()
        .find(|(kind, _)| kind == "toml tables")
        .unwrap();
    assert_eq!(text.trim(), include_str!("../examples/tables.toml").trim());
    let mut no_csv = |path: &Path| -> Result<(PathBuf, Vec<u8>), TablesFileError> {
        panic!("no file is named, found {}", path.display())
    };
    let file = TablesFile::parse(Path::new("tables.toml"), &text, &mut no_csv).unwrap();
    let protection = file.tables.protect(&file.policy, &[]).unwrap();
    let audit = &protection.audit;
    assert_eq!(audit.fewest_values, Some(10));
    // The 4 girls of the coast, and the 3 inland who are in no programme.
    assert_eq!(audit.n_protected, 2);
    assert!(audit.n_suppressed >= 4);
}

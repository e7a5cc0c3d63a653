//! A crate uses lower rows only, dev-dependencies included.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The rows, lowest first, as `ARCHITECTURE.md` draws them.
const ROWS: &[&[&str]] = &[
    &["utfall-core"],
    &[
        "utfall-stats",
        "utfall-files",
        "utfall-identity",
        "utfall-postgres",
    ],
    &[
        "utfall-registry",
        "utfall-matching",
        "utfall-effects",
        "utfall-payment",
        "utfall-evidence",
        "utfall-disclosure",
    ],
    &[
        "utfall-cohort",
        "utfall-simulate",
        "utfall-request",
        "utfall-verify",
        "utfall-claims",
        "utfall-accounts",
    ],
    &["utfall-design"],
    &["utfall-pipeline", "utfall-report"],
    &["utfall-cli", "utfall-bench"],
];

/// The only crate that may know the dataframe engine.
const HOME_OF_POLARS: &str = "utfall-registry";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every crate's dependencies of all kinds, by crate.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        assert_eq!(
            folder.file_name().unwrap().to_str(),
            Some(name.as_str()),
            "a folder has the name of its crate"
        );
        let mut names = Vec::new();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            if let Some(table) = manifest.get(kind).and_then(toml::Value::as_table) {
                names.extend(table.keys().cloned());
            }
        }
        found.insert(name, names);
    }
    found
}

fn row(name: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&name))
}

#[test]
fn every_crate_has_a_row_and_uses_lower_rows_only() {
    for (name, dependencies) in dependencies() {
        let own = row(&name).unwrap_or_else(|| {
            panic!("{name} has no row; give it one here and in ARCHITECTURE.md")
        });
        for dependency in dependencies
            .iter()
            .filter(|dependency| dependency.starts_with("utfall-"))
        {
            let theirs = row(dependency).unwrap_or_else(|| panic!("{dependency} has no row"));
            assert!(
                theirs < own,
                "{name} (row {own}) uses {dependency} (row {theirs}), expected a lower row"
            );
        }
    }
}

#[test]
fn every_row_names_crates_that_exist() {
    let found = dependencies();
    for name in ROWS.iter().copied().flatten() {
        assert!(found.contains_key(*name), "{name} has a row but no folder");
    }
}

#[test]
fn the_dataframe_engine_has_one_home() {
    for (name, dependencies) in dependencies() {
        let uses = dependencies
            .iter()
            .any(|dependency| dependency.starts_with("polars"));
        assert!(
            !uses || name == HOME_OF_POLARS,
            "{name} uses polars, only {HOME_OF_POLARS} may"
        );
    }
}

#[test]
fn the_architecture_page_shows_every_crate() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for name in dependencies().keys() {
        assert!(
            page.contains(name.as_str()),
            "ARCHITECTURE.md does not mention {name}"
        );
    }
}

//! The dirt is what the truth says it is, and nobody in it exists.

use std::collections::BTreeMap;

use crate::made::{make, rows, spec};

#[test]
fn every_kind_of_dirt_is_counted() {
    let made = make(&spec(&[("broken = 0.0008", "broken = 0.01")]));
    for file in made
        .truth
        .files
        .iter()
        .filter(|file| file.file.ends_with(".csv"))
    {
        let rows = rows(made.folder.path(), &file.file);
        let width = file_width(made.folder.path(), &file.file);
        assert_eq!(rows.len() as u64, file.n_rows, "{}", file.file);
        let mut n_broken = BTreeMap::new();
        for row in &rows {
            if let Some(kind) = breakage(row, width) {
                *n_broken.entry(kind.to_owned()).or_insert(0) += 1;
            }
        }
        assert_eq!(n_broken, file.n_broken, "{}", file.file);
        let n_duplicated = rows.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
        assert_eq!(n_duplicated, file.n_duplicated, "{}", file.file);
        let n_missing = rows.iter().flatten().filter(|cell| *cell == "..").count() as u64;
        assert_eq!(n_missing, file.n_missing, "{}", file.file);
    }
}

#[test]
fn the_shipped_world_holds_every_kind_of_dirt() {
    let made = make(&spec(&[]));
    let sum = |count: fn(&utfall_simulate::FileTruth) -> u64| {
        made.truth.files.iter().map(count).sum::<u64>()
    };
    assert!(sum(|file| file.n_duplicated) > 0);
    assert!(sum(|file| file.n_missing) > 0);
    assert!(sum(|file| file.n_late) > 0);
    assert!(sum(|file| file.n_revised) > 0);
    assert!(sum(|file| file.n_overlapping) > 0);
    for kind in [
        "ragged",
        "letter-in-number",
        "impossible-date",
        "unknown-code",
        "out-of-range",
    ] {
        assert!(
            made.truth
                .files
                .iter()
                .any(|file| file.n_broken.contains_key(kind)),
            "{kind}"
        );
    }
}

#[test]
fn a_second_delivery_repeats_exactly_the_revised_rows() {
    let made = make(&spec(&[]));
    for (first, second, key) in [
        ("franvaro_20240915.csv", "franvaro_20241201.csv", [0, 1]),
        (
            "polisanmalningar_20240915.csv",
            "polisanmalningar_20241201.csv",
            [0, 0],
        ),
    ] {
        let keys = |file| {
            let rows = rows(made.folder.path(), file);
            rows.into_iter()
                .map(|row| key.map(|i| row[i].clone()))
                .collect::<std::collections::BTreeSet<_>>()
        };
        let n_repeated = keys(first).intersection(&keys(second)).count() as u64;
        let truth = made
            .truth
            .files
            .iter()
            .find(|file| file.file == first)
            .unwrap();
        assert_eq!(n_repeated, truth.n_revised, "{first}");
    }
}

#[test]
fn no_cell_is_a_swedish_identity_number() {
    let made = make(&spec(&[]));
    for file in made
        .truth
        .files
        .iter()
        .filter(|file| file.file.ends_with(".csv"))
    {
        for row in rows(made.folder.path(), &file.file) {
            assert!(
                !row.iter().any(|cell| is_personnummer(cell)),
                "{}",
                file.file
            );
        }
    }
    assert!(is_personnummer("090527+1474") && is_personnummer("20000229-2399"));
    assert!(!is_personnummer("20000229-2398"));
}

/// Cells of the header.
fn file_width(folder: &std::path::Path, file: &str) -> usize {
    let bytes = std::fs::read(folder.join(file)).unwrap();
    bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap()
        .split(|&byte| byte == b';')
        .count()
}

/// How a row is broken, by what the values can be.
fn breakage(row: &[String], width: usize) -> Option<&'static str> {
    let has = |value: &str| row.iter().any(|cell| cell == value);
    if row.len() != width {
        Some("ragged")
    } else if has("1O") {
        Some("letter-in-number")
    } else if has("20230231") {
        Some("impossible-date")
    } else if has("?") {
        Some("unknown-code")
    } else if has("999,9") || has("99") || has("19") {
        Some("out-of-range")
    } else {
        None
    }
}

/// Ten or twelve digits, with or without a separator, whose last ten pass the Luhn check.
fn is_personnummer(cell: &str) -> bool {
    let digits: Vec<u32> = cell
        .chars()
        .filter_map(|character| character.to_digit(10))
        .collect();
    let others = cell
        .chars()
        .filter(|character| !character.is_ascii_digit())
        .count();
    let separator = cell
        .chars()
        .rev()
        .nth(4)
        .is_some_and(|character| character == '-' || character == '+');
    if !(digits.len() == 10 || digits.len() == 12) || !(others == 0 || (others == 1 && separator)) {
        return false;
    }
    let sum: u32 = digits[digits.len() - 10..]
        .iter()
        .enumerate()
        .map(|(i, &digit)| {
            if i % 2 == 0 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                digit
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

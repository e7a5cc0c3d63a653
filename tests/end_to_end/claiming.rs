//! Claims, ledgers and funds, from the command line.

use std::path::Path;

use serde_json::Value;

use crate::harness::{root, texts, utfall};

/// Runs a command that must succeed, and gives what it says.
fn said(arguments: &str, paths: &[&Path]) -> String {
    let mut paths = paths.iter();
    let arguments: Vec<String> = arguments
        .split(' ')
        .map(|word| match word {
            "@" => paths.next().unwrap().display().to_string(),
            word => word.to_owned(),
        })
        .collect();
    let output = utfall(&arguments);
    let (errors, said) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    said
}

#[test]
fn claims_are_added_verified_asked_about_reconciled_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("claims.db");
    let example = root().join("crates/utfall-claims/examples/rough-sleepers");
    let file = |name: &str| example.join(name);
    said("claim init @ --card @", &[&store, &file("card.toml")]);
    let added = said(
        "claim add @ --contract rough-sleepers --persons @ --spells @ --claims @",
        &[
            &store,
            &file("persons.csv"),
            &file("spells.csv"),
            &file("claims.csv"),
        ],
    );
    assert_eq!(added, "2 new persons\n3 spells\n9 claims\n");
    let verified = said(
        "claim verify @ --contract rough-sleepers --by payer --on 2018-08-01 --all",
        &[&store],
    );
    assert_eq!(verified, "9 claims verified\n");
    let asked = said(
        "claim ask @ --contract rough-sleepers --as-of 2018-12-31 --group person",
        &[&store],
    );
    let rows: Vec<Vec<&str>> = asked
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[1], ["p1", "6", "5", "1", "19", "000.00", "GBP"]);
    assert_eq!(rows[2], ["p2", "3", "2", "1", "9", "600.00", "GBP"]);
    assert_eq!(rows[3], ["all", "9", "7", "2", "28", "600.00", "GBP"]);
    let reconciled = said(
        "claim reconcile @ --contract rough-sleepers --as-of 2018-12-31 --counts @ --format json",
        &[&store, &file("register.csv")],
    );
    let reconciled: Value = serde_json::from_str(&reconciled).unwrap();
    let directions: Vec<&str> = reconciled
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["direction"].as_str().unwrap())
        .collect();
    assert_eq!(
        directions,
        ["more-claimed", "agrees", "agrees", "fewer-claimed"]
    );
    let exported = said(
        "claim export @ --contract rough-sleepers --to indigo --as-of 2018-12-31",
        &[&store],
    );
    assert!(
        exported.contains("rough-sleepers,Rough sleepers,work,Work,GBP,9200.00,,,1,8600.00"),
        "{exported}"
    );
    // A batch that is wrong is refused with its line and its file, and exit code 3.
    let output = utfall(&[
        "claim",
        "add",
        store.to_str().unwrap(),
        "--contract",
        "rough-sleepers",
        "--claims",
        file("claims.csv").to_str().unwrap(),
    ]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(
        errors.contains("claims.csv:\nline 2: a claim `c01` is there already"),
        "{errors}"
    );
}

#[test]
fn published_rate_cards_are_replayed_and_a_copied_total_is_pointed_out() {
    let data = root().join("crates/utfall-claims/tests/data");
    let care = said("claim published @", &[&data.join("care-leavers.csv")]);
    for total in ["1 871 540.00 GBP", "2 165 460.00 GBP", "848 540.00 GBP"] {
        assert!(care.contains(total), "{care}");
    }
    let fund = said(
        "claim published @ --totals @",
        &[
            &data.join("fair-chance-fund.csv"),
            &data.join("fair-chance-fund-paid.csv"),
        ],
    );
    assert!(
        fund.contains("look at this: the very same total is published for Local Solutions"),
        "{fund}"
    );
}

#[test]
fn denver_is_replayed_into_a_ledger_that_shows_its_return() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("denver.jsonl");
    let example = root().join("crates/utfall-accounts/examples/denver");
    said(
        "accounts init @ --terms @",
        &[&ledger, &example.join("terms.toml")],
    );
    let events = example.join("events.toml");
    assert_eq!(
        said("accounts record @ @", &[&ledger, &events]),
        "23 entries more, 23 in all\n"
    );
    let shown = said("accounts show @", &[&ledger]);
    for part in ["9 638 911.36 USD", "1 038 911.36 USD", "12.08 %"] {
        assert!(shown.contains(part), "{shown}");
    }
    let seen = said("accounts entries @ --as investors", &[&ledger]);
    assert!(!seen.contains("providers  "), "{seen}");
    let again = utfall(&[
        "accounts",
        "record",
        ledger.to_str().unwrap(),
        events.to_str().unwrap(),
    ]);
    let (errors, _) = texts(&again);
    assert_eq!(again.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("events.toml: line 3: 2016-01-15 lies before 2021-07-15"),
        "{errors}"
    );
    let text = std::fs::read_to_string(&ledger).unwrap();
    std::fs::write(&ledger, text.replace("\"510400000\"", "\"510400001\"")).unwrap();
    let altered = utfall(&["accounts", "show", ledger.to_str().unwrap()]);
    assert_eq!(altered.status.code(), Some(5), "{:?}", texts(&altered));
}

#[test]
fn a_fund_is_shown_as_tables_json_and_a_picture() {
    let fund = root().join("crates/utfall-accounts/examples/fund/fund.toml");
    let tables = said("fund @", &[&fund]);
    assert!(
        tables.contains("5 050 000.00 SEK") && tables.contains("social services"),
        "{tables}"
    );
    let json: Value = serde_json::from_str(&said("fund @ --format json", &[&fund])).unwrap();
    assert_eq!(json["days"][5]["balance"]["minor-units"], "505000000");
    assert!(said("fund @ --format svg", &[&fund]).starts_with("<svg "));
}

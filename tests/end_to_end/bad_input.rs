//! Bad input: a clear message, its own exit code, nothing half-written, earlier results intact.

use crate::harness::{Scratch, texts, utfall};

/// Runs a spoilt pipeline and checks its exit code, its message, and that no decision was left.
fn refused(scratch: &Scratch, code: i32, said: &[&str]) {
    let output = scratch.run(&[]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    for text in said {
        assert!(errors.contains(text), "expected {text:?} in:\n{errors}");
    }
    assert!(
        !scratch.workspace().join("run.json").exists(),
        "a refused run leaves no result"
    );
}

#[test]
fn an_unknown_key_in_the_plan_is_placed() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit("plan.toml", "index-date =", "index-day =");
    refused(
        &scratch,
        2,
        &["plan.toml:", "unknown field `index-day`", "index-day = "],
    );
}

#[test]
fn a_contract_that_asks_for_an_effect_nobody_estimates_is_refused() {
    let scratch = Scratch::copy_of("hemmasittare");
    let path = scratch.pipeline().join("plan.toml");
    let plan = std::fs::read_to_string(&path).unwrap();
    let renamed = plan
        .replace("name = \"absence\"\ntitle", "name = \"presence\"\ntitle")
        .replace("effect = \"absence\"", "effect = \"presence\"");
    std::fs::write(&path, renamed).unwrap();
    refused(&scratch, 2, &["absence.", "presence."]);
}

#[test]
fn a_column_that_no_data_contract_has_is_refused_before_any_data_are_read() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "plan.toml",
        "numerator = \"invalid-hours\"",
        "numerator = \"truant-hours\"",
    );
    refused(
        &scratch,
        2,
        &[
            "extract `absence` has no column `truant-hours`",
            "invalid-hours",
        ],
    );
    assert!(!scratch.workspace().exists());
}

#[test]
fn a_covariate_from_after_the_index_date_is_refused() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "plan.toml",
        "window = { start = \"-12 months\", end = \"0 days\" }",
        "window = { start = \"-12 months\", end = \"1 day\" }",
    );
    refused(
        &scratch,
        2,
        &["ends on 2023-09-02", "2023-09-01 (the index date)"],
    );
}

#[test]
fn a_missing_file_is_named() {
    let scratch = Scratch::copy_of("hemmasittare");
    std::fs::remove_file(scratch.data().join("remisser_20241201.csv")).unwrap();
    refused(&scratch, 2, &["remisser_20241201.csv", "does not exist"]);
}

#[test]
fn a_wrong_delimiter_is_recognised() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "extracts/referrals.toml",
        "delimiter = \";\"",
        "delimiter = \",\"",
    );
    refused(&scratch, 3, &["remisser_20241201.csv", "delimiter"]);
}

#[test]
fn a_wrong_encoding_is_placed() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "extracts/persons.toml",
        "encoding = \"windows-1252\"",
        "encoding = \"utf-8\"",
    );
    refused(&scratch, 3, &["personer_20241201.csv", "utf-8"]);
}

#[test]
fn an_absent_column_is_named() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "extracts/referrals.toml",
        "name = \"Program\"",
        "name = \"Insats\"",
    );
    refused(
        &scratch,
        3,
        &["remisser_20241201.csv:1:", "`Insats`", "4 columns"],
    );
}

#[test]
fn a_column_of_another_type_is_named_with_its_first_place() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "extracts/absence.toml",
        "decimal = \",\"",
        "decimal = \".\"",
    );
    refused(
        &scratch,
        3,
        &[
            "extract `absence`",
            "breaks the rule `type:",
            "franvaro_20240915.csv:2",
            "dialect",
        ],
    );
}

#[test]
fn a_real_identity_number_stops_ingestion_and_is_not_shown() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.rewrite("remisser_20241201.csv", |mut lines| {
        let first = lines[1].iter().position(|&byte| byte == b';').unwrap();
        lines[1].splice(..first, *b"19570428-9999");
        lines
    });
    refused(&scratch, 3, &["remisser_20241201.csv", "identity number"]);
    let (errors, results) = texts(&scratch.run(&[]));
    assert!(
        !(errors + &results).contains("9999"),
        "a message shows the number"
    );
    assert!(
        !scratch
            .workspace()
            .join("tables/referrals/table.parquet")
            .exists()
    );
}

#[test]
fn an_empty_cohort_names_the_rule_that_emptied_it() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.without_examples();
    scratch.edit("plan.toml", "minimum = 0.05", "minimum = 0.999");
    refused(&scratch, 2, &["nobody is left after rule `invalid absence"]);
}

#[test]
fn no_overlap_is_no_effect() {
    let scratch = Scratch::copy_of("hemmasittare");
    // Nobody shares a stratum with anyone.
    scratch.edit(
        "plan.toml",
        "column = \"sex\" }\n\n[matching]",
        "column = \"person\" }\n\n[matching]",
    );
    refused(&scratch, 1, &["cannot match", "stratum"]);
}

#[test]
fn a_refused_run_leaves_the_earlier_result_as_it_was() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    let before = std::fs::read(scratch.bundle()).unwrap();
    scratch.edit(
        "extracts/referrals.toml",
        "delimiter = \";\"",
        "delimiter = \",\"",
    );
    assert_eq!(scratch.run(&[]).status.code(), Some(3));
    assert_eq!(std::fs::read(scratch.bundle()).unwrap(), before);
}

#[test]
fn a_workspace_held_by_another_run_is_left_alone() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    let _held = utfall_files::WorkspaceLock::acquire(&scratch.workspace()).unwrap();
    let output = scratch.run(&[]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(6), "{errors}");
    assert!(errors.contains(&std::process::id().to_string()), "{errors}");
}

#[test]
fn wrong_usage_is_code_two() {
    assert_eq!(utfall(&["run"]).status.code(), Some(2));
    assert_eq!(utfall(&["no-such-command"]).status.code(), Some(2));
    assert_eq!(utfall(&["run", "no-such-folder"]).status.code(), Some(2));
    assert_eq!(
        utfall(&["verify", "no-such-bundle.zip"]).status.code(),
        Some(5)
    );
}

#[test]
fn nothing_is_left_half_written() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.rewrite("franvaro_20241201.csv", |mut lines| {
        let last = lines.len() - 1;
        lines[last].splice(..9, *b"19570428-9999");
        lines
    });
    assert_eq!(scratch.run(&[]).status.code(), Some(3));
    let absence = scratch.workspace().join("tables/absence/read");
    let left: Vec<_> = std::fs::read_dir(absence)
        .map(|entries| entries.flatten().collect())
        .unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}

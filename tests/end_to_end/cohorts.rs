//! Who is compared: hand-made units that must come out as expected, comparators of other areas, and
//! outcomes that nothing can be paid on.

use serde_json::Value;

use crate::harness::{Scratch, json, texts, utfall};

/// Runs a spoiled plan, which must be refused before any data are read.
pub(crate) fn refused(scratch: &Scratch, said: &[&str]) {
    let output = scratch.run(&[]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    let flat = errors.replace('│', " ");
    let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in said {
        assert!(flat.contains(words), "{words}: {errors}");
    }
    assert!(!scratch.workspace().join("tables").exists());
}

#[test]
fn a_rule_that_disagrees_with_a_hand_made_unit_is_named_before_data_are_read() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit("plan.toml", "minimum = 0.05", "minimum = 0.051");
    let wrong = "example `referred` is out at rule `invalid absence of 5 % or more in the year before`, and was expected in, treated";
    refused(&scratch, &[wrong, "plan.toml:"]);

    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit("plan.toml", "2007-12-31", "2008-01-01");
    let wrong = "example `born-too-early` is in, a comparator, and was expected out at rule `born 2008 to 2013 (grades 4 to 9)`";
    refused(&scratch, &[wrong]);
    let pipeline = scratch.pipeline().display().to_string();
    let workspace = scratch.workspace().display().to_string();
    let output = utfall(&["validate", &pipeline, "--workspace", &workspace]);
    assert_eq!(output.status.code(), Some(2));
    assert!(texts(&output).0.contains("born-too-early"));
}

#[test]
fn an_example_that_cannot_be_read_is_refused_with_its_line() {
    for (from, to, said) in [
        (
            "birth-date = \"2007-12-31\"",
            "birth-date = \"20071231\"",
            "in column `birth-date`",
        ),
        (
            "birth-date = \"2007-12-31\"",
            "birthdate = \"2007-12-31\"",
            "has no column `birthdate`",
        ),
        (
            "expect = { out = \"enrolled on the index date\" }",
            "expect = { out = \"enrolled\" }",
            "no rule is called `enrolled`",
        ),
        (
            "rows.persons = [{ person = \"left-school\"",
            "rows.persons = [{ person = \"left\"",
            "holds unit `left-school`",
        ),
    ] {
        let scratch = Scratch::copy_of("hemmasittare");
        scratch.edit("plan.toml", from, to);
        refused(&scratch, &[said, "plan.toml:"]);
    }
}

#[test]
fn validation_counts_the_examples_that_came_out_as_expected() {
    let scratch = Scratch::copy_of("hemmasittare");
    let pipeline = scratch.pipeline().display().to_string();
    let workspace = scratch.workspace().display().to_string();
    let (_, said) = texts(&utfall(&["validate", &pipeline, "--workspace", &workspace]));
    assert!(said.contains("examples    6 as expected"), "{said}");
}

/// Lines of the exact funnel.
fn funnel(scratch: &Scratch) -> Vec<Value> {
    let funnel = json(&scratch.workspace().join("cohort/funnel.json"));
    funnel["lines"].as_array().unwrap().clone()
}

#[test]
fn comparators_can_be_those_of_another_area_and_no_treated_unit_is_lost_by_it() {
    let scratch = Scratch::copy_of("hemmasittare");
    let before = scratch.run_well(&[]);
    scratch.edit(
        "plan.toml",
        "# Pupils who do not exist",
        "[[cohort.comparator]]
rule = \"not in the largest municipality\"
[cohort.comparator.require]
kind = \"among\"
attribute = { extract = \"persons\", member = \"person\", column = \"municipality\" }
codes = [\"0580\", \"0582\", \"0562\", \"0583\"]

# Pupils who do not exist",
    );
    // The examples say nothing of where they live, so that none of them is a comparator now.
    scratch.edit(
        "plan.toml",
        "expect = \"comparator\"",
        "expect = { out = \"not in the largest municipality\" }",
    );
    let output = scratch.run(&[]);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        texts(&output).0
    );
    let after = json(&scratch.workspace().join("run.json"));
    assert_eq!(
        before["balance"]["n-treated"],
        after["balance"]["n-treated"]
    );
    let n_lost = before["balance"]["n-comparator"].as_u64().unwrap()
        - after["balance"]["n-comparator"].as_u64().unwrap();
    let line = funnel(&scratch)
        .into_iter()
        .find(|line| line["rule"] == "not in the largest municipality")
        .unwrap();
    // Some of them would have left at a later rule.
    assert!(line["n-lost"].as_u64().unwrap() >= n_lost, "{line}");
    assert!(n_lost > 100, "{n_lost}");
}

#[test]
fn nothing_can_be_paid_on_a_negative_control() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "plan.toml",
        "name = \"absence\"\ntitle",
        "name = \"absence\"\nrole = \"negative-control\"\ntitle",
    );
    refused(&scratch, &["nobody supplies `absence."]);
}

#[test]
fn the_report_spells_out_the_trial_it_stands_for() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    let html = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    for words in [
        "The trial this stands for",
        "referral to the early-return programme in the summer",
        "[2023-06-01, 2023-09-01)",
        "Invalid absence in the year after: [2023-09-01, 2024-09-01)",
        "the average effect over the treated (ATT)",
        "has no outcome and is left out",
    ] {
        assert!(html.contains(words), "{words}");
    }
}

/// `hemmasittare` with several days of entry, and without what would empty the earlier ones: schools
/// enrol pupils in August.
pub(crate) fn with_entry(scratch: &Scratch, entry: &str) {
    scratch.edit(
        "plan.toml",
        "kind = \"covered\"\nextract = \"enrolment\"\nmember = \"person\"\nstart = \"start\"\nstop = \"stop\"",
        "kind = \"observed\"\nmeasure = \"invalid-absence\"\nwindow = { start = \"-6 months\", end = \"0 days\" }",
    );
    scratch.edit(
        "plan.toml",
        "[cohort.treatment]",
        &format!("{entry}\n[cohort.treatment]"),
    );
    let path = scratch.pipeline().join("plan.toml");
    let plan = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = plan.split_once("[[alternative]]").unwrap();
    let (_, disclosure) = rest.split_once("[disclosure]").unwrap();
    std::fs::write(path, format!("{before}[disclosure]{disclosure}")).unwrap();
    scratch.without_examples();
}

/// The rows of a CSV file of the workspace, without its header.
pub(crate) fn rows(scratch: &Scratch, file: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(scratch.workspace().join(file)).unwrap();
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().skip(1).map(cells).collect()
}

#[test]
fn with_staggered_entry_the_treated_are_compared_with_those_at_risk_on_the_same_day() {
    let scratch = Scratch::copy_of("hemmasittare");
    let entry = "[cohort.entry]\nkind = \"staggered\"\nearlier = [\"-2 months\", \"-1 months\"]\n";
    with_entry(&scratch, entry);
    scratch.edit(
        "plan.toml",
        "window = { start = \"-3 months\", end = \"0 days\" }\nwhere",
        "window = { start = \"-1 months\", end = \"0 days\" }\nwhere",
    );
    let output = scratch.run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        texts(&output).0.contains("index-date"),
        "{}",
        texts(&output).0
    );

    scratch.edit(
        "plan.toml",
        "exact = [\"sex\"]",
        "exact = [\"sex\", \"index-date\"]",
    );
    scratch.edit(
        "plan.toml",
        "clusters = [\"matched-set\"]",
        "clusters = [\"matched-set\", \"unit\"]",
    );
    let run = scratch.run_well(&[]);
    let matched = rows(&scratch, "matching/matched.csv");
    let mut days = std::collections::BTreeSet::new();
    for set in matched.chunk_by(|a, b| a[0] == b[0]) {
        assert!(set.iter().all(|row| row[2] == set[0][2]), "{set:?}");
        days.insert(set[0][2].clone());
    }
    assert_eq!(
        days.into_iter().collect::<Vec<_>>(),
        ["2023-07-01", "2023-08-01", "2023-09-01"]
    );
    // Whoever is treated is nobody's comparator from then on, and is treated once.
    let mut treated = std::collections::BTreeMap::new();
    for row in &matched {
        if row[3] == "treated" {
            assert_eq!(treated.insert(row[1].clone(), row[2].clone()), None);
        }
    }
    for row in matched.iter().filter(|row| row[3] == "comparator") {
        if let Some(day) = treated.get(&row[1]) {
            assert!(row[2] < *day, "{row:?} treated on {day}");
        }
    }
    // The same programme, entered month by month: the same truth.
    let estimate = &run["effects"][0]["result"]["estimate"];
    let (lower, upper) = (
        &estimate["interval"]["lower"],
        &estimate["interval"]["upper"],
    );
    let truth = run["designs"]["truths"][0]["value"].as_f64().unwrap();
    assert!(
        lower.as_f64().unwrap() <= truth && truth <= upper.as_f64().unwrap(),
        "{estimate}"
    );
}

#[test]
fn comparators_may_be_from_before_the_programme() {
    let scratch = Scratch::copy_of("hemmasittare");
    let entry = "[cohort.entry]\nkind = \"historical\"\nearlier = \"-2 months\"\n";
    with_entry(&scratch, entry);
    let output = scratch.run(&[]);
    let (errors, _) = texts(&output);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{errors}");
    let mut days = std::collections::BTreeMap::new();
    let mut arms = std::collections::BTreeMap::new();
    for row in rows(&scratch, "cohort/cohort.csv") {
        days.insert(row[2].clone(), row[1].clone());
        assert_eq!(days[&row[2]], row[1], "one day for each arm");
        assert_eq!(
            arms.insert(row[0].clone(), row[2].clone()),
            None,
            "nobody twice"
        );
    }
    assert!(days["comparator"] < days["treated"]);
}

//! Each shipped pipeline, on its shipped data, against the truth planted in them.

use serde_json::Value;

use crate::harness::{Scratch, json, root, texts, utfall};

fn effect<'a>(run: &'a Value, name: &str) -> &'a Value {
    run["effects"]
        .as_array()
        .unwrap()
        .iter()
        .find(|effect| effect["name"] == name)
        .unwrap()
}

/// Whether an interval, stated in an estimate, holds a value.
fn holds(estimate: &Value, value: f64) -> bool {
    let interval = &estimate["interval"];
    interval["lower"].as_f64().unwrap() <= value && value <= interval["upper"].as_f64().unwrap()
}

/// The effect planted in the sample data.
fn truth(outcome: &str) -> f64 {
    let truth = json(&root().join("sample-data/truth.json"));
    let programmes = truth["programmes"].as_array().unwrap();
    let outcomes = programmes
        .iter()
        .flat_map(|programme| programme["effects"].as_array().unwrap());
    outcomes
        .into_iter()
        .find(|found| found["name"] == outcome)
        .unwrap()["effect"]
        .as_f64()
        .unwrap()
}

#[test]
fn matched_estimates_hold_the_planted_truth_and_the_naive_comparison_does_not() {
    for (pipeline, outcome) in [
        ("hemmasittare", "absence"),
        ("norrkoping", "placement-cost"),
        ("dialog-mod-vold", "reported-violence"),
    ] {
        let run = Scratch::copy_of(pipeline).run_well(&[]);
        let effect = effect(&run, outcome);
        assert!(
            holds(&effect["result"]["estimate"], truth(outcome)),
            "{pipeline}: {effect}"
        );
        assert!(
            !holds(&effect["result"]["unadjusted"], truth(outcome)),
            "{pipeline}: {effect}"
        );
    }
}

#[test]
fn a_placebo_on_real_records_is_paid_nothing() {
    let run = Scratch::copy_of("nyc-attendance").run_well(&[]);
    assert!(holds(
        &effect(&run, "attendance")["result"]["estimate"],
        0.0
    ));
    assert_eq!(run["decision"]["total"]["minor-units"], "0");
    assert_eq!(run["decision"]["branch"], "nothing-due");
}

#[test]
fn the_report_stands_alone() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    let html = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    for place in [
        "<script src",
        "src=\"http",
        "href=\"http",
        "url(http",
        "@import",
    ] {
        assert!(!html.contains(place), "the report loads {place}");
    }
}

#[test]
fn an_unreported_follow_up_is_not_measurable_and_not_zero() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "site.toml",
        "path = \"franvaro_20241201.csv\"\nvintage = \"2024-12-01\"",
        "path = \"franvaro_20241201.csv\"\nvintage = \"2024-10-01\"",
    );
    let run = scratch.run_well(&[]);
    assert_eq!(
        effect(&run, "absence")["result"]["status"],
        "not-yet-reported"
    );
    assert_eq!(run["decision"]["branch"], "deferred");
}

#[test]
fn a_contract_may_require_an_evidence_grade() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "contract.toml",
        "\"n-treated\"]",
        "\"n-treated\", \"maryland\"]",
    );
    scratch.edit(
        "contract.toml",
        "[[line]]\nname = \"fall-in-absence\"",
        "[[quantity]]\nname = \"evidence\"\nkind = \"input\"\nfrom = \"absence.maryland\"\nsign = \"keep\"\n\
         decimals = 0\nrounding = \"floor\"\n\n[[line]]\nname = \"fall-in-absence\"",
    );
    scratch.edit(
        "contract.toml",
        "    { quantity = \"pupils\", operator = \">=\", value = 20 },\n",
        "    { quantity = \"pupils\", operator = \">=\", value = 20 },\n\
             { quantity = \"evidence\", operator = \">=\", value = 3 },\n\
             { text = \"absence.wwc\", one-of = [\"meets-with-reservations\"] },\n",
    );
    let run = scratch.run_well(&[]);
    let grade = &effect(&run, "absence")["grade"];
    assert_eq!(
        (&grade["maryland"], &grade["wwc"]),
        (&3.into(), &"meets-with-reservations".into())
    );
    assert_eq!(run["decision"]["branch"], "paid");
    let (_, told) = texts(&utfall(&["explain", scratch.bundle().to_str().unwrap()]));
    assert!(
        told.contains("Maryland 3 of 5") && told.contains("at random"),
        "{told}"
    );
    let verified = utfall(&["verify", scratch.bundle().to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0));
    // A matched comparison is never a trial.
    scratch.edit(
        "contract.toml",
        "\"evidence\", operator = \">=\", value = 3",
        "\"evidence\", operator = \">=\", value = 5",
    );
    let run = scratch.run_well(&[]);
    assert_eq!(run["decision"]["branch"], "not-measurable");
}

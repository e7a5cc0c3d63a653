//! A step runs again if and only if something it depends on changed, and says what.

use serde_json::Value;

use crate::harness::Scratch;

/// The steps that ran, and those that were kept, by the report of a run.
fn ran(run: &Value) -> Vec<String> {
    let steps = run["steps"].as_array().unwrap();
    steps
        .iter()
        .filter(|step| step["ran"] == true)
        .map(|step| step["step"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn nothing_runs_twice_and_every_step_says_why() {
    let scratch = Scratch::copy_of("hemmasittare");
    let first = scratch.run_well(&[]);
    assert!(
        first["steps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| step["reason"] == "first run")
    );
    let second = scratch.run_well(&[]);
    assert_eq!(ran(&second), Vec::<String>::new());
    assert!(
        second["steps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| step["reason"] == "nothing it depends on changed")
    );
}

#[test]
fn a_change_of_the_plan_runs_only_what_depends_on_it() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    scratch.edit(
        "plan.toml",
        "confidence-level = 0.95",
        "confidence-level = 0.90",
    );
    let run = scratch.run_well(&[]);
    assert_eq!(
        ran(&run),
        ["effects", "sensitivity", "decision", "report", "bundle"]
    );
    let effects = run["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["step"] == "effects")
        .unwrap();
    assert_eq!(effects["reason"], "changed: [[effect]]");
}

#[test]
fn a_comment_in_the_plan_runs_nothing_but_the_bundle() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    scratch.edit("plan.toml", "ratio = 3", "ratio = 3   # three comparators");
    assert_eq!(ran(&scratch.run_well(&[])), ["bundle"]);
}

#[test]
fn a_touched_file_is_not_a_changed_one() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    scratch.rewrite("remisser_20241201.csv", |lines| lines);
    assert_eq!(ran(&scratch.run_well(&[])), Vec::<String>::new());
}

#[test]
fn an_altered_result_is_noticed_and_made_again() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    let effects = scratch.workspace().join("effects/effects.json");
    let before = std::fs::read(&effects).unwrap();
    std::fs::write(&effects, "{}").unwrap();
    scratch.run_well(&[]);
    assert_eq!(std::fs::read(&effects).unwrap(), before);
}

//! Extracts checked on their own: every breach is told, nothing is read twice, and a page for people.

use serde_json::Value;

use crate::harness::{Scratch, texts, utfall};

/// Runs `utfall validate` on a scratch pipeline and gives its exit code and output.
fn validate(scratch: &Scratch, further: &[&str]) -> (Option<i32>, String) {
    let (pipeline, workspace) = (scratch.pipeline(), scratch.workspace());
    let mut args = vec![
        "validate",
        pipeline.to_str().unwrap(),
        "--quiet",
        "--workspace",
        workspace.to_str().unwrap(),
    ];
    args.extend(further);
    let output = utfall(&args);
    let (errors, out) = texts(&output);
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{errors}"
    );
    (output.status.code(), out)
}

fn steps(run: &Value, ran: bool) -> Vec<&str> {
    let steps = run["steps"].as_array().unwrap().iter();
    steps
        .filter(|step| step["ran"] == ran)
        .map(|step| step["step"].as_str().unwrap())
        .collect()
}

#[test]
fn a_run_goes_on_from_what_was_validated() {
    let scratch = Scratch::copy_of("hemmasittare");
    let (code, out) = validate(&scratch, &[]);
    assert_eq!(code, Some(1), "the sample has rows beyond use");
    assert!(
        out.contains("absence         ") && out.contains("code:Kön"),
        "{out}"
    );
    let run = scratch.run_well(&[]);
    let kept = steps(&run, false);
    assert_eq!(
        kept.iter().filter(|step| step.starts_with("read ")).count(),
        4
    );
    assert_eq!(
        kept.iter()
            .filter(|step| step.starts_with("judge "))
            .count(),
        4
    );
}

#[test]
fn a_severity_or_tolerance_is_judged_again_without_reading() {
    let scratch = Scratch::copy_of("hemmasittare");
    let (_, before) = validate(&scratch, &["--format", "json"]);
    let file = "extracts/absence.toml";
    let judgement = "[[judgement]]\nrule = \"maximum:ErbjudnaTimmar\"\nseverity = \"warning\"\ntolerance = \"0 rows\"\n\n[reporting]";
    scratch.edit(file, "[reporting]", judgement);
    let (_, after) = validate(&scratch, &["--format", "json"]);
    let absence = |text: &str| -> Value {
        let extracts: Vec<Value> = serde_json::from_str(text).unwrap();
        extracts
            .into_iter()
            .find(|extract| extract["extract"] == "absence")
            .unwrap()
    };
    let quarantined = |extract: &Value| -> u64 {
        let files = extract["deliveries"].as_array().unwrap().iter();
        files
            .map(|file| file["n-quarantined"].as_u64().unwrap())
            .sum()
    };
    let rule = |extract: &Value| -> Value {
        let mut rules = extract["rules"].as_array().unwrap().iter();
        rules
            .find(|rule| rule["id"] == "maximum:ErbjudnaTimmar")
            .unwrap()
            .clone()
    };
    let (before, after) = (absence(&before), absence(&after));
    assert_eq!(rule(&before)["n-rows"], rule(&after)["n-rows"]);
    assert_eq!(rule(&after)["severity"], "warning");
    assert_eq!(rule(&after)["is-exceeded"], true);
    assert_eq!(
        quarantined(&before) - quarantined(&after),
        rule(&before)["n-rows"].as_u64().unwrap()
    );

    let output = scratch.run(&[]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        errors.contains("breaks the rule `maximum:ErbjudnaTimmar`"),
        "{errors}"
    );
    scratch.edit(file, "tolerance = \"0 rows\"", "tolerance = \"5 %\"");
    let run = scratch.run_well(&[]);
    assert!(steps(&run, false).contains(&"read absence"));
    assert!(steps(&run, true).contains(&"judge absence"));
}

#[test]
fn the_quality_page_stands_alone_and_names_every_broken_rule() {
    let scratch = Scratch::copy_of("hemmasittare");
    let page = scratch.data().join("page.html");
    validate(&scratch, &["--report", page.to_str().unwrap()]);
    let html = std::fs::read_to_string(&page).unwrap();
    let (_, json) = validate(&scratch, &["--format", "json"]);
    let extracts: Vec<Value> = serde_json::from_str(&json).unwrap();
    let mut n_rules = 0;
    for rule in extracts
        .iter()
        .flat_map(|extract| extract["rules"].as_array().unwrap())
    {
        assert!(html.contains(rule["id"].as_str().unwrap()), "{rule}");
        n_rules += 1;
    }
    assert!(n_rules > 10, "{n_rules} rules broken in the sample");
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"));
    assert!(!html.contains("P0000"), "the page shows the id of a person");
    assert_eq!(
        html,
        std::fs::read_to_string(scratch.workspace().join("quality.html")).unwrap()
    );
}

#[test]
fn a_contract_goes_to_another_format_and_back() {
    let scratch = Scratch::copy_of("hemmasittare");
    let contract = scratch.pipeline().join("extracts/persons.toml");
    let there = scratch.data().join("persons.json");
    let args = [
        "contract",
        "export",
        contract.to_str().unwrap(),
        "--to",
        "frictionless",
        "--output",
        there.to_str().unwrap(),
    ];
    let (errors, _) = texts(&utfall(&args));
    assert!(
        errors
            .contains("warning: column `LopNr`: its name `person` in the table has no counterpart"),
        "{errors}"
    );
    let output = utfall(&[
        "contract",
        "import",
        there.to_str().unwrap(),
        "--from",
        "frictionless",
    ]);
    let (_, toml) = texts(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        toml.contains("key = [\"LopNr\"]") && toml.contains("encoding = \"windows-1252\""),
        "{toml}"
    );
    let refused = utfall(&[
        "contract",
        "import",
        contract.to_str().unwrap(),
        "--from",
        "frictionless",
    ]);
    assert_eq!(refused.status.code(), Some(2));
}

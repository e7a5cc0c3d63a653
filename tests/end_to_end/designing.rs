//! What a contract pays by the true effect, from a design.

use crate::harness::{Scratch, root, texts, utfall};

fn design(args: &[&str]) -> std::process::Output {
    utfall(&[&["design", "--quiet"], args].concat())
}

#[test]
fn a_shipped_design_states_the_rate_of_false_payment_and_draws_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("design.html");
    let pipeline = root().join("pipelines/hemmasittare");
    let output = design(&[
        pipeline.to_str().unwrap(),
        "--html",
        page.to_str().unwrap(),
        "--format",
        "json",
    ]);
    let (errors, text) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let points = found["points"].as_array().unwrap();
    let paid = |role: &str| {
        let point = points.iter().find(|point| point["role"] == role).unwrap();
        point["payments"]["paid"]["share"].as_f64().unwrap()
    };
    assert!(paid("nil") < 0.025, "{}", paid("nil"));
    assert!(paid("as-hoped") > 0.9, "{}", paid("as-hoped"));
    assert_eq!(
        found["effects"][0]["thresholds"],
        serde_json::json!([-0.06, -0.04, -0.02])
    );
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("Chance of being paid for nothing") && html.contains("<svg"));
}

#[test]
fn a_design_that_rests_on_a_calibration_says_that_there_is_none() {
    let scratch = Scratch::copy_of("nyc-attendance");
    let pipeline = scratch.pipeline().display().to_string();
    let workspace = scratch.workspace().display().to_string();
    let output = design(&[&pipeline, "--workspace", &workspace]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("run `utfall calibrate` first"), "{errors}");
}

#[test]
fn a_fault_in_a_design_is_named_with_its_line() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit("design.toml", "hoped = -0.04", "hopped = -0.04");
    let output = design(&[&scratch.pipeline().display().to_string()]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("line 14") && errors.contains("hopped"),
        "{errors}"
    );
}

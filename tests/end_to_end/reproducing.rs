//! Level V4: someone with the data makes the run again; exit code 7 where it comes to something else.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Scratch, texts, utfall};

/// Verifies a bundle by a run made again, and returns the exit code and the result.
fn rerun(scratch: &Scratch, bundle: &Path) -> (Option<i32>, Value) {
    let again = tempfile::tempdir().unwrap();
    let output = utfall(&[
        "verify".as_ref(),
        bundle.as_os_str(),
        "--rerun".as_ref(),
        scratch.pipeline().as_os_str(),
        "--workspace".as_ref(),
        again.path().as_os_str(),
        "--format".as_ref(),
        "json".as_ref(),
    ]);
    let (errors, results) = texts(&output);
    let verification = serde_json::from_str(&results).unwrap_or_else(|_| panic!("{errors}"));
    (output.status.code(), verification)
}

#[test]
fn a_run_made_again_from_the_data_gives_the_same_files() {
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    let (code, verification) = rerun(&scratch, &scratch.bundle());
    assert_eq!(code, Some(0), "{verification:#}");
    assert_eq!(verification["levels"][2]["level"], "V4");
    assert_eq!(verification["not-covered"].as_array().unwrap().len(), 2);
}

#[test]
fn other_data_are_not_reproducible_and_the_place_is_named() {
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    let bundle = scratch.bundle().with_file_name("kept.zip");
    std::fs::copy(scratch.bundle(), &bundle).unwrap();
    scratch.rewrite("remisser_20241201.csv", |mut lines| {
        lines.pop();
        lines
    });
    let (code, verification) = rerun(&scratch, &bundle);
    assert_eq!(code, Some(7), "{verification:#}");
    let findings = verification["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["level"] == "V4"));
    let places: Vec<&str> = findings
        .iter()
        .map(|finding| finding["place"].as_str().unwrap())
        .collect();
    assert!(
        places
            .iter()
            .any(|place| place.starts_with("record/inputs.json#/extracts/")),
        "{places:?}"
    );
}

#[test]
fn another_plan_is_told_without_a_run() {
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    scratch.edit(
        "plan.toml",
        "confidence-level = 0.95",
        "confidence-level = 0.9",
    );
    let (code, verification) = rerun(&scratch, &scratch.bundle());
    assert_eq!(code, Some(7));
    assert_eq!(verification["findings"][0]["place"], "record/plan.json");
}

#[test]
fn a_verifier_signs_what_it_found() {
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    let path = |name: &str| scratch.workspace().join(name).display().to_string();
    let (key, summary) = (path("city.key"), path("summary.json"));
    assert_eq!(
        utfall(&["key", "new", &key, "--name", "city"])
            .status
            .code(),
        Some(0)
    );
    let bundle = scratch.bundle().display().to_string();
    let output = utfall(&[
        "verify",
        &bundle,
        "--sign-summary",
        &key,
        "--summary-to",
        &summary,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", texts(&output).0);
    let envelope =
        utfall_evidence::Envelope::from_bytes(&std::fs::read(&summary).unwrap()).unwrap();
    assert!(envelope.is_valid(&envelope.signatures()[0]));
    let statement: Value = serde_json::from_slice(envelope.payload()).unwrap();
    assert_eq!(
        statement["predicateType"],
        "https://slsa.dev/verification_summary/v1"
    );
    assert_eq!(statement["predicate"]["verificationResult"], "PASSED");
    assert_eq!(
        statement["predicate"]["verifiedLevels"],
        serde_json::json!(["UTFALL_V0", "UTFALL_V3"])
    );
}

//! Placebo programmes: what a plan pays for nothing, and the mark that looking leaves.

use std::process::Output;

use serde_json::Value;

use crate::harness::{Scratch, json, texts, utfall};

pub(crate) fn calibrate(scratch: &Scratch, further: &[&str]) -> Output {
    let mut args = vec![
        "calibrate".to_owned(),
        scratch.pipeline().display().to_string(),
        "--workspace".to_owned(),
        scratch.workspace().display().to_string(),
    ];
    args.extend(further.iter().map(|&arg| arg.to_owned()));
    utfall(&args)
}

pub(crate) fn document(output: &Output) -> Value {
    let (errors, text) = texts(output);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn schools_that_took_part_in_nothing_are_seldom_paid_for_and_threads_change_nothing() {
    let scratch = Scratch::copy_of("nyc-attendance");
    let asked = ["--programmes", "60", "--format", "json", "--quiet"];
    let one = document(&calibrate(
        &scratch,
        &[&asked[..], &["--threads", "1"]].concat(),
    ));
    let three = document(&calibrate(
        &scratch,
        &[&asked[..], &["--threads", "3"]].concat(),
    ));
    assert_eq!(one, three);
    assert_eq!(one["payments"]["paid"]["of"], 60);
    assert!(one["payments"]["paid"]["n"].as_u64().unwrap() <= 4);
    let covered = one["effects"][0]["covered-zero"]["n"].as_u64().unwrap();
    assert!((51..=60).contains(&covered), "{covered} of 60");
    let spread = one["effects"][0]["spread"].as_f64().unwrap();
    let reported = one["effects"][0]["reported-error"].as_f64().unwrap();
    assert!(
        (0.7..1.4).contains(&(spread / reported)),
        "{spread} {reported}"
    );
    let other = document(&calibrate(
        &scratch,
        &[&asked[..], &["--seed", "2"]].concat(),
    ));
    assert_ne!(one["effects"][0]["mean"], other["effects"][0]["mean"]);
}

#[test]
fn a_calibration_marks_its_workspace_and_the_next_report_says_so() {
    let scratch = Scratch::copy_of("nyc-attendance");
    let output = calibrate(&scratch, &["--programmes", "5", "--assignment", "uniform"]);
    let (_, text) = texts(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(text.contains("marked as calibrated on outcomes"), "{text}");
    let log = json(&scratch.workspace().join("calibration/log.json"));
    assert_eq!(log.as_array().unwrap().len(), 1);
    scratch.run_well(&[]);
    let report = |words: &str| {
        let text = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
        assert!(text.contains(words), "{words}");
    };
    report("The plan was calibrated on outcomes");
    scratch.edit("plan.toml", "width = 0.2", "width = 0.1");
    scratch.run_well(&[]);
    report("The plan was changed after it was calibrated on outcomes");
}

#[test]
fn programmes_that_start_before_the_data_or_are_judged_with_the_plan_are_refused() {
    let scratch = Scratch::copy_of("nyc-attendance");
    let starting = |day| {
        let asked = ["--programmes", "5", "--quiet", "--index-date", day];
        let output = calibrate(&scratch, &asked);
        let (errors, _) = texts(&output);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        errors
    };
    let errors = starting("2013-09-01");
    assert!(errors.contains("autumn before is known"), "{errors}");
    let errors = starting("2014-03-01");
    assert!(errors.contains("start them earlier"), "{errors}");
}

#[test]
fn treated_units_are_never_called_placebos() {
    let scratch = Scratch::copy_of("hemmasittare");
    let run = scratch.run_well(&[]);
    let n_comparator = run["balance"]["n-comparator"].as_f64().unwrap();
    let asked = [
        "--programmes",
        "4",
        "--format",
        "json",
        "--quiet",
        "--assignment",
    ];
    for assignment in ["by-score", "within-strata"] {
        let found = document(&calibrate(&scratch, &[&asked[..], &[assignment]].concat()));
        let n_pool = found["source"]["n-pool"]["value"].as_f64().unwrap();
        assert!(
            (n_pool - n_comparator).abs() <= 5.0,
            "{n_pool} {n_comparator}"
        );
        assert_eq!(found["payments"]["paid"]["of"], 4);
    }
}

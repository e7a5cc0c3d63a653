//! Checks and placebo programmes of effects that a model estimates.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::calibrating::{calibrate, document};
use crate::harness::{Scratch, root, texts};
use crate::models::{SYNTHETIC, laws_of_2006};
use crate::over_time::assert_near;

/// Log homicide by state and year, of the laws of 2006 and of no law; and who has a law.
fn outcomes() -> (BTreeMap<(String, i32), f64>, BTreeMap<String, bool>) {
    let lines = |file: &str| {
        let path = root().join("sample-data/castle-doctrine").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().skip(1).map(str::to_owned);
        lines.collect::<Vec<String>>()
    };
    let mut has_law = BTreeMap::new();
    for line in lines("states.csv") {
        let cells: Vec<&str> = line.split(',').collect();
        if ["2006", "never"].contains(&cells[2]) {
            has_law.insert(cells[0].to_owned(), cells[2] == "2006");
        }
    }
    let mut outcome = BTreeMap::new();
    for line in lines("homicide.csv") {
        let cells: Vec<&str> = line.split(',').collect();
        let year = cells[1][..4].parse().unwrap();
        outcome.insert((cells[0].to_owned(), year), cells[3].parse().unwrap());
    }
    (outcome, has_law)
}

/// The difference-in-differences of two spans of years, without some state.
fn by_hand(before: [i32; 2], after: [i32; 2], without: Option<&str>) -> f64 {
    let (outcome, has_law) = outcomes();
    let mean = |state: &str, [first, last]: [i32; 2]| {
        let years = first..=last;
        let n = f64::from(last - first + 1);
        let values = years.map(|year| outcome[&(state.to_owned(), year)]);
        values.sum::<f64>() / n
    };
    let change = |law: bool| {
        let states = has_law.iter().filter(|(state, has)| {
            **has == law && without.is_none_or(|without| without != state.as_str())
        });
        let changes: Vec<f64> = states
            .map(|(state, _)| mean(state, after) - mean(state, before))
            .collect();
        changes.iter().sum::<f64>() / f64::from(u32::try_from(changes.len()).unwrap())
    };
    change(true) - change(false)
}

fn with_checks(checks: &str) -> Scratch {
    let plain = SYNTHETIC.replace("\"difference-in-differences\"", "\"uniform\"");
    let scratch = laws_of_2006(&format!("{plain}\n\n{checks}"));
    let attribute = "[[cohort.attribute]]\nname = \"name\"\nfrom = { extract = \"states\", member = \"state\", column = \"state\" }\n\n[balance]";
    scratch.edit("plan.toml", "[balance]", attribute);
    scratch
}

fn rows(run: &Value, check: usize) -> &Vec<Value> {
    let result = &run["designs"]["sensitivity"][check]["result"];
    assert_eq!(result["status"], "found", "{result}");
    result["rows"].as_array().unwrap()
}

#[test]
fn a_model_is_checked_at_another_date_without_each_group_and_over_other_windows() {
    let run = with_checks(
        r#"[[sensitivity]]
effect = "homicide"
check = { kind = "placebo-date", window = { start = "-24 months", end = "0 days" } }

[[sensitivity]]
effect = "homicide"
check = { kind = "leave-one-out", attribute = "name" }

[[sensitivity]]
effect = "homicide"
check = { kind = "specification-curve", windows = [{ start = "0 days", end = "24 months" }] }

[[sensitivity]]
effect = "homicide"
check = { kind = "e-value", scale = "risk-ratio" }"#,
    )
    .run_beyond_its_gate(&[]);
    let figures = |check: usize, row: usize| rows(&run, check)[row]["figures"].clone();
    // Two years that had no law yet, against the years before them.
    let placebo = by_hand([2000, 2003], [2004, 2005], None);
    assert_near("placebo", &figures(0, 0)["point"], placebo, 1e-8);
    let (_, has_law) = outcomes();
    let without: Vec<f64> = has_law
        .keys()
        .map(|state| by_hand([2000, 2005], [2006, 2010], Some(state)))
        .collect();
    let left_out = figures(1, 0);
    let smallest = without.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = without.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert_near("smallest", &left_out["smallest"], smallest, 1e-8);
    assert_near("largest", &left_out["largest"], largest, 1e-8);
    assert_eq!(left_out["n-groups"], 42.0);
    let curve = rows(&run, 2);
    let two_years = by_hand([2000, 2005], [2006, 2007], None);
    assert_eq!(curve.len(), 2);
    assert_eq!(
        curve[1]["label"],
        "The plan\u{2019}s design; 0 days to 24 months; synthetic"
    );
    assert_near("curve", &curve[1]["figures"]["point"], two_years, 1e-8);
    // Logarithms: the ratio is the exponential of the effect.
    let whole = by_hand([2000, 2005], [2006, 2010], None);
    assert_near("ratio", &figures(3, 0)["on-scale"], libm::exp(whole), 1e-8);
}

#[test]
fn checks_that_a_model_does_not_answer_are_refused_by_name() {
    for (check, says) in [
        (
            "{ kind = \"rosenbaum\", factors = [2.0] }",
            "check `rosenbaum`",
        ),
        (
            "{ kind = \"robustness-value\", alpha = 0.05 }",
            "check `robustness-value`",
        ),
        (
            "{ kind = \"placebo-date\", window = { start = \"-24 months\", end = \"-5 months\" } }",
            "a whole number of lengths",
        ),
    ] {
        let scratch = with_checks(&format!(
            "[[sensitivity]]\neffect = \"homicide\"\ncheck = {check}"
        ));
        let output = scratch.run(&[]);
        let (errors, _) = texts(&output);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(says), "{errors}");
    }
    let scratch = Scratch::copy_of("castle-doctrine");
    let check = "[[sensitivity]]\neffect = \"homicide\"\ncheck = { kind = \"placebo-date\", window = { start = \"-24 months\", end = \"0 days\" } }\n\n[disclosure]";
    scratch.edit("plan.toml", "[disclosure]", check);
    let output = scratch.run(&[]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("some have entered already"), "{errors}");
}

#[test]
fn a_model_is_calibrated_on_states_that_had_no_law() {
    let scratch = laws_of_2006(SYNTHETIC);
    let asked = [
        "--programmes",
        "60",
        "--format",
        "json",
        "--quiet",
        "--assignment",
        "uniform",
    ];
    let with = |threads: &str| {
        let further = [&asked[..], &["--threads", threads]].concat();
        document(&calibrate(&scratch, &further))
    };
    let found = with("1");
    assert_eq!(found, with("3"));
    assert_eq!(found["source"]["n-pool"]["value"], 29);
    assert_eq!(found["payments"]["paid"]["of"], 60);
    let effect = &found["effects"][0];
    assert_eq!(effect["covered-zero"]["of"], 60);
    let covered = effect["covered-zero"]["n"].as_u64().unwrap();
    assert!((51..=60).contains(&covered), "{covered} of 60");
    let number = |name: &str| effect[name].as_f64().unwrap();
    let (mean, spread) = (number("mean"), number("spread"));
    assert!(mean.abs() < 3.0 * spread / 60_f64.sqrt(), "{mean} {spread}");
    let ratio = spread / number("reported-error");
    assert!((0.7..1.4).contains(&ratio), "{ratio}");
}

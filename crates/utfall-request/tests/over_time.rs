//! What designs over time refuse, and in which words.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;

use utfall_request::{Request, estimate};

/// Answers a request on a small file, or says why not.
fn answer(csv: &str, part: &str) -> Result<utfall_request::Answer, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.csv"), csv).unwrap();
    let text = format!("schema = \"utfall-request/1\"\ndata = \"rows.csv\"\n{part}");
    let request = Request::from_toml("request", &text).map_err(|error| error.to_string())?;
    estimate(&request, folder.path()).map_err(|error| error.to_string())
}

fn refusal(csv: &str, part: &str) -> String {
    answer(csv, part).map(|_| ()).unwrap_err()
}

const STAGGERED: &str = r#"
[staggered]
unit = "unit"
time = "year"
outcome = "y"
start = "start"
method = "outcome-regression"
comparison = "never-treated"
base-period = "varying"
anticipation = 0.0
sampling = "panel"
confidence-level = 0.95
"#;

/// Four units in three years; two start in the second, and two never.
fn panel() -> String {
    let mut csv = "unit,year,start,y\n".to_owned();
    for (unit, start) in [("a", "2"), ("b", "2"), ("c", ""), ("d", "")] {
        for year in 1..=3 {
            let y = year * year + i32::from(unit == "b") * year + i32::from(unit == "d") * 3 * year;
            writeln!(csv, "{unit},{year},{start},{y}").unwrap();
        }
    }
    csv
}

#[test]
fn a_whole_panel_has_effects_for_each_group_and_time() {
    let found = answer(&panel(), STAGGERED).unwrap();
    assert_eq!(found.numbers.get("n_units"), Some(4.0));
    assert!(found.numbers.get("att.2, 3").is_some());
}

#[test]
fn treatment_that_switches_off_is_named_with_its_line() {
    let said = refusal(&panel().replace("a,3,2,", "a,3,,"), STAGGERED);
    assert!(
        said.contains("may not switch off") && said.contains("line 4"),
        "{said}"
    );
}

#[test]
fn gaps_and_duplicates_in_a_panel_are_named() {
    let gap = panel().replace("c,2,,4\n", "");
    let said = refusal(&gap, STAGGERED);
    assert!(said.contains("lacks a time"), "{said}");
    let complete = STAGGERED.replace("\"panel\"", "\"complete-units\"");
    assert_eq!(
        answer(&gap, &complete)
            .unwrap()
            .numbers
            .get("n_units_left_out"),
        Some(1.0)
    );
    let twice = panel().replace("c,2,,4\n", "c,2,,4\nc,2,,4\n");
    assert!(refusal(&twice, STAGGERED).contains("second of its unit and time"));
}

#[test]
fn without_never_treated_units_the_not_yet_treated_are_the_remedy() {
    let all = panel()
        .replace("c,1,,", "c,1,3,")
        .replace("c,2,,", "c,2,3,")
        .replace("c,3,,", "c,3,3,");
    let all = all
        .replace("d,1,,", "d,1,3,")
        .replace("d,2,,", "d,2,3,")
        .replace("d,3,,", "d,3,3,");
    let said = refusal(&all, STAGGERED);
    assert!(said.contains("not yet treated"), "{said}");
    let other = STAGGERED.replace("never-treated", "not-yet-treated");
    assert!(answer(&all, &other).is_ok());
}

#[test]
fn a_group_without_enough_rows_is_named_with_its_time() {
    let part = STAGGERED.replace("anticipation", "covariates = [\"x\"]\nanticipation");
    let csv: String = panel()
        .lines()
        .enumerate()
        .map(|(line, text)| format!("{text},{}\n", if line == 0 { "x" } else { "1" }))
        .collect();
    let said = refusal(&csv, &part);
    assert!(
        said.contains("group 2 at time 2") && said.contains("collinear"),
        "{said}"
    );
}

#[test]
fn a_trend_that_fixed_effects_hold_is_collinear() {
    let said = refusal(
        &panel(),
        r#"
[fixed-effects]
family = "linear"
outcome = "y"
terms = ["year"]
absorb = ["unit", "year"]
confidence-level = 0.95
errors = [{ name = "iid", kind = "iid", degrees-of-freedom = "residual", small-sample = { rows = true, absorbed = "full", clusters = "none" } }]
"#,
    );
    assert!(
        said.contains("linear combination") && said.contains("year"),
        "{said}"
    );
}

const COX: &str = r#"
[proportional-hazards]
start = "start"
time = "stop"
event = "event"
terms = ["x"]
ties = "efron"
standard-error = "model"
confidence-level = 0.95
"#;

#[test]
fn times_that_run_backwards_and_samples_without_events_are_named() {
    let rows = "start,stop,event,x\n0,2,1,0\n0,3,0,1\n1,4,1,1\n0,5,1,0\n";
    assert!(answer(rows, COX).is_ok());
    let said = refusal(&rows.replace("1,4,1,1", "4,4,1,1"), COX);
    assert!(
        said.contains("not after the row's start") && said.contains("line 4"),
        "{said}"
    );
    let none = rows
        .replace(",1,0\n", ",0,0\n")
        .replace("1,4,1,1", "1,4,0,1");
    assert!(refusal(&none, COX).contains("no row ends with the event"));
}

#[test]
fn a_covariate_that_separates_events_is_not_given_a_number() {
    let rows = "start,stop,event,x\n0,1,1,1\n0,2,1,1\n0,3,1,1\n0,4,0,0\n0,5,0,0\n0,6,0,0\n";
    let said = refusal(rows, COX);
    assert!(
        said.contains("grows without bound") || said.contains("no convergence"),
        "{said}"
    );
}

#[test]
fn exact_ties_have_neither_a_baseline_nor_a_test_of_proportionality() {
    let rows = "start,stop,event,x\n0,2,1,0\n0,3,0,1\n1,4,1,1\n0,5,1,0\n";
    let exact = COX.replace("efron", "exact");
    assert!(answer(rows, &exact).is_ok());
    for more in ["baseline = [3.0]", "proportionality = [\"identity\"]"] {
        let said = refusal(rows, &format!("{exact}{more}\n"));
        assert!(
            said.contains("exact ties") && said.contains("efron"),
            "{said}"
        );
    }
}

#[test]
fn a_discontinuity_needs_rows_on_both_sides() {
    let mut csv = "y,x\n".to_owned();
    for i in 0..60 {
        writeln!(csv, "{},{i}", i % 7).unwrap();
    }
    let said = refusal(
        &csv,
        r#"
[discontinuity]
outcome = "y"
score = "x"
cutoff = 0.0
order = 1
bias-order = 2
derivative = 0
kernel = "triangular"
bandwidth = { select = "mserd", regularisation = 1.0 }
standard-error = "hc1"
mass-points = "adjust"
confidence-level = 0.95
"#,
    );
    assert!(said.contains("0 rows"), "{said}");
}

#[test]
fn two_rows_of_one_time_are_no_series() {
    let part = r#"
[series]
outcome = "y"
terms = ["t"]
time = "t"
confidence-level = 0.95
errors = [{ name = "iid", kind = "iid", degrees-of-freedom = "residual", small-sample = { rows = true, absorbed = "full", clusters = "none" } }]
"#;
    let said = refusal("t,y\n1,2\n2,3\n2,5\n3,4\n", part);
    assert!(said.contains("second of its unit and time"), "{said}");
}

#[test]
fn a_formula_that_is_wrong_is_named() {
    let part = "derive = [{ name = \"z\", formula = \"log(y\" }]\n".to_owned() + STAGGERED;
    let said = refusal(&panel(), &part);
    assert!(
        said.contains("`z`") && said.contains("parenthesis"),
        "{said}"
    );
}

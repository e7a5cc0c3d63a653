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

const SYNTHETIC: &str = r#"
[synthetic]
unit = "unit"
time = "year"
outcome = "y"
treated = ["a"]
from = 5.0
method = { control = { ridge = 0.0 } }
"#;

/// Seven units in eight years, one of which is treated in the fifth; the last starts in the sixth.
fn units() -> String {
    let mut csv = "unit,year,start,y\n".to_owned();
    for (at, unit) in ["a", "b", "c", "d", "e", "f", "g"].iter().enumerate() {
        let start = ["5", "", "", "", "", "", "6"][at];
        for year in 1..=8_usize {
            let y = 3 * at + year * (at * 5 % 4) + (at * year * 7) % 5;
            let effect = 10 * usize::from(start.parse().is_ok_and(|start: usize| year >= start));
            writeln!(csv, "{unit},{year},{start},{}", y + effect).unwrap();
        }
    }
    csv
}

#[test]
fn a_donor_pool_that_is_too_small_is_counted() {
    let few: String = units()
        .lines()
        .filter(|line| line.starts_with(['u', 'a', 'b']))
        .map(|line| format!("{line}\n"))
        .collect();
    let said = refusal(&few, SYNTHETIC);
    assert!(said.contains("donor") && said.contains('1'), "{said}");
    let drawn =
        "confidence-level = 0.95\ndraws = [{ kind = \"placebo\", seed = 1, replicates = 10 }]\n";
    let two: String = units()
        .lines()
        .filter(|line| line.starts_with(['u', 'a', 'b', 'c']))
        .map(|line| format!("{line}\n"))
        .collect();
    let said = refusal(&two, &format!("{SYNTHETIC}{drawn}"));
    assert!(said.contains("donor"), "{said}");
}

#[test]
fn gaps_duplicates_and_unknown_units_of_a_synthetic_control_are_named() {
    let gap = units().replace("c,3,,", "c,4,,");
    assert!(refusal(&gap, SYNTHETIC).contains("second of its unit and time"));
    let short: String = units()
        .lines()
        .filter(|line| !line.starts_with("d,2,"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(refusal(&short, SYNTHETIC).contains("lacks a time"));
    let said = refusal(&units(), &SYNTHETIC.replace("[\"a\"]", "[\"z\"]"));
    assert!(said.contains("not in the file"), "{said}");
}

#[test]
fn options_of_a_synthetic_control_that_do_not_go_together_are_named() {
    let conformal = "conformal = { from = -5.0, to = 20.0, points = 11, confidence-level = 0.5, constant = false }\n";
    for (method, more, said) in [
        ("\"difference-in-differences\"", conformal, "`conformal`"),
        (
            "{ augmented = { lambda = 1.0 } }",
            "leave-out = true\n",
            "`leave-out`",
        ),
        (
            "\"uniform\"",
            "draws = [{ kind = \"bootstrap\", seed = 1, replicates = 10 }]\n",
            "`confidence-level`",
        ),
    ] {
        let part = SYNTHETIC.replace("{ control = { ridge = 0.0 } }", method) + more;
        let found = refusal(&units(), &part);
        assert!(found.contains(said), "{found}");
    }
    let high = format!("{SYNTHETIC}{}", conformal.replace("0.5", "0.99"));
    let found = refusal(&units(), &high);
    assert!(found.contains("confidence level"), "{found}");
}

#[test]
fn donors_with_a_weight_are_left_out_and_conformal_p_values_count_turns_of_time() {
    let more = "leave-out = true\nconformal = { from = -40.0, to = 60.0, points = 201, confidence-level = 0.6, constant = false }\n";
    let found = answer(&units(), &format!("{SYNTHETIC}{more}"))
        .unwrap()
        .numbers;
    let (low, high) = (
        found.get("left_out_low").unwrap(),
        found.get("left_out_high").unwrap(),
    );
    for (_, effect) in found.each("left_out") {
        assert!((low..=high).contains(&effect));
    }
    let weighted = found.each("weight").filter(|(_, weight)| *weight > 0.0);
    let weighted: Vec<&str> = weighted.map(|(donor, _)| donor).collect();
    let left_out: Vec<&str> = found.each("left_out").map(|(donor, _)| donor).collect();
    assert!(!weighted.is_empty());
    assert_eq!(left_out, weighted);
    for (time, p) in found.each("conformal_p") {
        // Five times take turns.
        assert!((p * 5.0 - (p * 5.0).round()).abs() < 1e-9, "{time}: {p}");
    }
    assert_eq!(found.each("conformal_p").count(), 4);
}

const STAGGERED_SYNTHETIC: &str = r#"
[staggered-synthetic]
unit = "unit"
time = "year"
outcome = "y"
start = "start"
method = "difference-in-differences"
confidence-level = 0.95
"#;

#[test]
fn synthetic_comparisons_of_several_starts_do_not_depend_on_the_order_of_rows() {
    let part = format!(
        "{STAGGERED_SYNTHETIC}draws = [{{ kind = \"placebo\", seed = 1, replicates = 50 }}, {{ kind = \"bootstrap\", seed = 1, replicates = 50 }}]\n"
    );
    let csv = units();
    let found = answer(&csv, &part).unwrap();
    let mut lines: Vec<&str> = csv.lines().skip(1).collect();
    lines.reverse();
    lines.rotate_left(17);
    let turned = format!("unit,year,start,y\n{}\n", lines.join("\n"));
    assert_eq!(answer(&turned, &part).unwrap(), found);
    let numbers = found.numbers;
    // Four times after for one unit, three for the other.
    assert!((numbers.get("share.5").unwrap() - 4.0 / 7.0).abs() < 1e-15);
    let mean =
        4.0 / 7.0 * numbers.get("cohort.5").unwrap() + 3.0 / 7.0 * numbers.get("cohort.6").unwrap();
    assert!((numbers.get("estimate").unwrap() - mean).abs() < 1e-12);
    assert!(numbers.get("drawn_se.placebo").unwrap() > 0.0);
    assert!(numbers.get("drawn_se.bootstrap").unwrap() > 0.0);
}

#[test]
fn groups_of_one_have_no_jackknife_and_treatment_may_not_switch_off() {
    let said = refusal(
        &units(),
        &format!("{STAGGERED_SYNTHETIC}jackknife = true\n"),
    );
    assert!(said.contains("1 treated rows"), "{said}");
    let off = units().replace("a,8,5,", "a,8,,");
    let said = refusal(&off, STAGGERED_SYNTHETIC);
    assert!(said.contains("may not switch off"), "{said}");
    let none = units().replace(",5,", ",,").replace(",6,", ",,");
    assert!(answer(&none, STAGGERED_SYNTHETIC).is_err());
}

const STRUCTURAL: &str = r#"
[structural-series]
outcome = "y"
time = "t"
from = 31.0
trend = "level"
confidence-level = 0.95
"#;

fn series() -> String {
    let mut csv = "t,y,x\n".to_owned();
    for t in 1..=40_u32 {
        let y = 20 + t * 7 % 5 + t / 4 + if t > 30 { 6 } else { 0 };
        writeln!(csv, "{t},{y},{}", t * t % 11).unwrap();
    }
    csv
}

#[test]
fn a_series_is_continued_in_order_of_time_whatever_the_order_of_rows() {
    let found = answer(&series(), STRUCTURAL).unwrap();
    let mut lines: Vec<String> = series().lines().skip(1).map(str::to_owned).collect();
    lines.reverse();
    let turned = format!("t,y,x\n{}\n", lines.join("\n"));
    assert_eq!(answer(&turned, STRUCTURAL).unwrap(), found);
    let numbers = found.numbers;
    assert_eq!(numbers.get("n_after"), Some(10.0));
    let total: f64 = numbers.each("effect").map(|(_, effect)| effect).sum();
    assert!((numbers.get("overall.total").unwrap() - total).abs() < 1e-9);
}

#[test]
fn what_no_series_can_be_continued_from_is_named() {
    let gap = series().replace("\n12,", "\n12.5,");
    assert!(refusal(&gap, STRUCTURAL).contains("lacks a time"));
    let twice = series().replace("\n12,", "\n11,");
    assert!(refusal(&twice, STRUCTURAL).contains("second of its unit and time"));
    let late = refusal(&series(), &STRUCTURAL.replace("31.0", "50.0"));
    assert!(late.contains("times after"), "{late}");
    let early = refusal(&series(), &STRUCTURAL.replace("31.0", "3.0"));
    assert!(early.contains("2 rows"), "{early}");
    let part = format!(
        "derive = [{{ name = \"one\", formula = \"x * 0 + 1\" }}]\n{STRUCTURAL}regressors = [\"one\"]\n"
    );
    let said = refusal(&series(), &part);
    assert!(said.contains("linear combination"), "{said}");
}

#[test]
fn clusters_that_a_unit_leaves_are_named() {
    let part = r#"
[switching]
unit = "unit"
time = "year"
outcome = "y"
dose = "d"
effects = 1
placebos = 0
cohorts = "comparison"
cluster-by = "area"
confidence-level = 0.95
"#;
    let mut csv = "unit,year,d,area,y\n".to_owned();
    for unit in 0..8 {
        for year in 1..=3 {
            let dose = u8::from(unit < 4 && year > 1);
            let y = unit * unit % 5 + year * (unit % 3);
            writeln!(csv, "u{unit},{year},{dose},{},{y}", unit / 2).unwrap();
        }
    }
    let found = answer(&csv, part).unwrap().numbers;
    assert_eq!(found.get("n_clusters"), Some(4.0));
    let alone = answer(&csv, &part.replace("area", "unit")).unwrap().numbers;
    let plain = answer(&csv, &part.replace("cluster-by = \"area\"\n", ""));
    let plain = plain.unwrap().numbers;
    assert_eq!(alone.get("dynamic_se.1"), plain.get("dynamic_se.1"));
    let moved = csv.replace("u3,3,1,1,", "u3,3,1,0,");
    let said = refusal(&moved, part);
    assert!(said.contains("several clusters"), "{said}");
}

#[test]
fn two_errors_of_one_name_are_refused() {
    let error = "{ name = \"hac\", kernel = \"parzen\", bandwidth = \"andrews\", prewhiten = false, adjust = true }";
    let part = format!(
        "[series]\noutcome = \"y\"\nterms = [\"t\"]\ntime = \"t\"\nconfidence-level = 0.95\nlong-run = [{error}, {error}]\nerrors = []\n"
    );
    let said = refusal(&series(), &part);
    assert!(said.contains("one name"), "{said}");
    let zero = part
        .replace(&format!(", {error}"), "")
        .replace("\"andrews\"", "{ fixed = 0.0 }");
    let said = refusal(&series(), &zero);
    assert!(said.contains("bandwidth"), "{said}");
}

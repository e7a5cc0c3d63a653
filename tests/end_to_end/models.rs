//! Effects of a plan that a model of a request estimates.

use serde_json::Value;

use crate::harness::{Scratch, json, texts, utfall};
use crate::over_time::{assert_near, estimate, expected, number};

/// The states of 2006 against those without a law, as one group, with another effect.
pub(crate) fn laws_of_2006(estimator: &str) -> Scratch {
    let scratch = Scratch::copy_of("castle-doctrine");
    let path = scratch.pipeline().join("plan.toml");
    let plan = std::fs::read_to_string(&path).unwrap();
    let cut = |text: &str, from: &str, to: &str| {
        let (before, rest) = text.split_once(from).unwrap();
        let (_, after) = rest.split_once(to).unwrap();
        (before.to_owned(), format!("{to}{after}"))
    };
    let (before, after) = cut(&plan, "# Each state enters", "[[cohort.covariate]]");
    let among = r#"[[cohort.eligibility]]
rule = "a law of 2006, or none until 2010"
[cohort.eligibility.require]
kind = "among"
attribute = { extract = "states", member = "state", column = "law" }
codes = ["2006", "never"]

"#;
    let plan = format!("{before}{among}{after}").replace("2009-01-01", "2006-01-01");
    let (before, after) = cut(&plan, "# Five years after", "[disclosure]");
    let effect = r#"[[effect]]
name = "homicide"
title = "Log homicide after the laws of 2006"
unit = "log points"
measure = "log-homicide"
window = { start = "0 days", end = "60 months" }

"#;
    std::fs::write(path, format!("{before}{effect}{estimator}\n\n{after}")).unwrap();
    scratch
}

/// What stands of the effect's model in the bundle.
fn model(scratch: &Scratch) -> Value {
    let effects = json(&scratch.workspace().join("effects/effects.json"));
    effects["effects"][0]["model"].clone()
}

pub(crate) const SYNTHETIC: &str = r#"[effect.estimator]
kind = "model"
rows = { each = "unit-and-period", length = "12 months", before = 6 }
confidence-level = 0.95
reads = { scale = "outcome", point = "estimate", standard-error = "se_jackknife" }

[effect.estimator.request.synthetic]
unit = "unit"
time = "period"
outcome = "log-homicide"
treated = ["S01", "S02", "S03", "S11", "S15", "S17", "S18", "S19", "S23", "S25", "S37", "S41", "S42"]
from = 0.0
method = "difference-in-differences"
jackknife = true"#;

#[test]
fn synthetic_difference_in_differences_in_a_plan_is_that_of_independent_software() {
    let scratch = laws_of_2006(SYNTHETIC);
    let run = scratch.run_beyond_its_gate(&[]);
    let expected = expected("panels-B02-sdid-castle2006-sdid.toml");
    let found = estimate(&run, "homicide");
    let point = expected["estimate"].as_float().unwrap();
    let error = expected["se_jackknife"].as_float().unwrap();
    assert_near("point", &found["point"], point, 1e-6);
    assert_near("error", &found["standard-error"], error, 1e-6);
    let reach = 1.959_963_984_540_054 * error;
    assert_near("upper", &found["interval"]["upper"], point + reach, 1e-5);
    assert!(found["p-value"].as_f64().unwrap() > 0.05);
    let numbers = &model(&scratch)["numbers"];
    assert_near(
        "gap",
        &numbers["gap.4"],
        number(&expected, "gap", "2010"),
        1e-6,
    );
    let page = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    assert!(page.contains(": Paths.</b>"));
    let bundle = scratch.bundle().display().to_string();
    assert_eq!(utfall(&["verify", &bundle]).status.code(), Some(0));
}

#[test]
fn placebos_are_of_donors_without_names_and_those_of_poor_fit_are_not_drawn() {
    let control = SYNTHETIC
        .replace(
            "\"difference-in-differences\"",
            "{ control = { ridge = 1e-6 } }",
        )
        .replace("jackknife = true", "placebos = true")
        .replace("se_jackknife", "se_placebo");
    let scratch = laws_of_2006(&control);
    let run = scratch.run_beyond_its_gate(&[]);
    let expected = expected("panels-B02-sdid-castle2006-sc.toml");
    let point = expected["estimate"].as_float().unwrap();
    assert_near("point", &estimate(&run, "homicide")["point"], point, 1e-7);
    let model = model(&scratch);
    let numbers = model["numbers"].as_object().unwrap();
    assert!(numbers.contains_key("placebo_gap.donor 29, 4"));
    // 29 states never had a law; S04 is one of them.
    assert!(numbers.keys().all(|name| !name.contains("S04")));
    let page = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    assert!(page.contains(": Gap and placebos.</b>"));
    assert!(page.contains("is more than 5 times that of the treated are not drawn"));
}

#[test]
fn a_synthetic_control_of_other_units_than_the_treated_is_refused() {
    let scratch = laws_of_2006(&SYNTHETIC.replacen("\"S01\", ", "", 1));
    let output = scratch.run(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = texts(&output).0;
    assert!(
        said.contains("12 treated units, expected the 13 of the design"),
        "{said}"
    );
}

#[test]
fn paths_of_units_do_not_leave_under_a_policy_that_protects_counts() {
    let scratch = laws_of_2006(SYNTHETIC);
    scratch.run_beyond_its_gate(&[]);
    assert!(model(&scratch)["numbers"].get("gap.4").is_some());
    scratch.edit(
        "plan.toml",
        "kind = \"none\"\nreason = \"published figures about states; no person is in them\"",
        "kind = \"midpoint\"\nbase = 6",
    );
    scratch.run_beyond_its_gate(&[]);
    let model = model(&scratch);
    let kept: Vec<&String> = model["numbers"].as_object().unwrap().keys().collect();
    assert_eq!(kept, ["estimate", "se_jackknife"]);
}

#[test]
fn an_interrupted_series_of_the_treated_in_a_plan_is_that_of_their_means() {
    let scratch = laws_of_2006(
        r#"[effect.estimator]
kind = "model"
rows = { each = "period", length = "12 months", before = 6 }
confidence-level = 0.95
reads = { scale = "outcome", point = "coef.after", standard-error = "coef_se_nw.after" }

[effect.estimator.request]
derive = [
    { name = "gap", formula = '"log-homicide treated" - "log-homicide comparator"' },
    { name = "after", formula = "period >= 0" },
]

[effect.estimator.request.series]
outcome = "gap"
time = "period"
terms = ["after"]
intervention = ["after"]
confidence-level = 0.95
errors = [{ name = "nw", kind = "hc2", degrees-of-freedom = "normal" }]"#,
    );
    let run = scratch.run_beyond_its_gate(&[]);
    let effects = run["effects"].as_array().unwrap();
    let found = &effects[0]["result"]["estimate"];
    // Without a trend the step is the difference of means before and after: plain difference-in-differences.
    let expected = expected("panels-B02-sdid-castle2006-did.toml");
    let point = expected["estimate"].as_float().unwrap();
    assert_near("point", &found["point"], point, 1e-6);
    assert_eq!(effects[0]["grade"]["design"], "before-after");
}

#[test]
fn a_model_that_the_data_refuse_is_not_measurable_and_the_contract_says_so() {
    let scratch = Scratch::copy_of("castle-doctrine");
    scratch.edit(
        "plan.toml",
        "[[cohort.covariate]]",
        r#"[[cohort.eligibility]]
rule = "a law by 2009"
[cohort.eligibility.require]
kind = "among"
attribute = { extract = "states", member = "state", column = "law" }
codes = ["2005", "2006", "2007", "2008", "2009"]

[[cohort.covariate]]"#,
    );
    let output = scratch.run(&[]);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        texts(&output).0
    );
    let run = json(&scratch.workspace().join("run.json"));
    // Nobody is left who never had a law.
    assert_eq!(run["effects"][0]["result"]["status"], "not-measurable");
    assert_eq!(run["decision"]["branch"], "not-measurable");
}

#[test]
fn a_report_draws_what_a_model_found_with_its_numbers_below() {
    for (pipeline, title, row, shape) in [
        (
            "castle-doctrine",
            "Event study",
            "\u{2212}5",
            "<polygon class=\"band\"",
        ),
        (
            "recidivism",
            "Survival",
            "treated, 182",
            "<polyline class=\"dashes\"",
        ),
    ] {
        let scratch = Scratch::copy_of(pipeline);
        match pipeline {
            "castle-doctrine" => scratch.run_beyond_its_gate(&[]),
            _ => scratch.run_well(&[]),
        };
        let page = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
        assert!(page.contains(&format!(": {title}.</b>")), "{pipeline}");
        assert!(
            page.contains(&format!("<th scope=\"row\">{row}</th>")),
            "{pipeline}"
        );
        assert!(page.contains(shape), "{pipeline}");
    }
}

#[test]
fn times_of_a_curve_that_rest_on_few_persons_are_withheld_and_counted() {
    let scratch = Scratch::copy_of("recidivism");
    scratch.edit(
        "plan.toml",
        "kind = \"none\"\nreason = \"a published research file without dates or identities\"",
        "kind = \"round\"\nredact-at-most = 12\nbase = 5",
    );
    scratch.run_well(&[]);
    let effects = json(&scratch.workspace().join("effects/effects.json"));
    let model = &effects["effects"][1]["model"];
    // 9 of the 216 treated were arrested by day 91.
    let numbers = model["numbers"].as_object().unwrap();
    assert!(!numbers.contains_key("survival.treated, 91"));
    assert_eq!(numbers["n_risk.treated, 182"], 195.0);
    let warnings = model["warnings"].to_string();
    assert!(
        warnings.contains("withheld under the disclosure policy"),
        "{warnings}"
    );
}

/// What a run says of the plan of a pipeline with a text in place of another.
fn refusal(pipeline: &str, from: &str, to: &str) -> String {
    let scratch = Scratch::copy_of(pipeline);
    scratch.edit("plan.toml", from, to);
    let output = scratch.run(&[]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    errors
}

#[test]
fn a_model_that_its_plan_does_not_fit_is_refused() {
    for (from, to, says) in [
        (
            "length = \"12 months\"",
            "length = \"7 months\"",
            "do not fill its window",
        ),
        (
            "overall.dynamic",
            "overal.dynamic",
            "has no number `overal.dynamic`",
        ),
        (
            "comparison = \"never-treated\"",
            "comparison = \"all\"",
            "unknown variant `all`",
        ),
        (
            "kind = \"model\"",
            "kind = \"model\"\ndata = \"x\"",
            "unknown field `data`",
        ),
        (
            "window = { start = \"0 days\", end = \"24 months\" }",
            "window = { start = \"0 days\", end = \"24 months\" }\nclusters = []",
            "beside a model",
        ),
    ] {
        let said = refusal("castle-doctrine", from, to);
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_difference_of_logarithms_is_told_in_percent_and_relative_to_nothing() {
    let scratch = Scratch::copy_of("castle-doctrine");
    let run = scratch.run_beyond_its_gate(&[]);
    let result = &run["effects"][0]["result"];
    assert!(result["mean-comparator"].is_number());
    assert!(result["relative"].is_null());
    let page = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    assert!(!page.contains("Effect relative to comparators"));
    let point = result["estimate"]["point"].as_f64().unwrap();
    let change = format!("{:.1}\u{a0}%", 100.0 * libm::expm1(point));
    let (_, row) = page.split_once("exp(effect) \u{2212} 1").unwrap();
    assert!(row[..200].contains(&change), "{change}");
    let other = Scratch::copy_of("hemmasittare");
    other.run_well(&[]);
    let page = std::fs::read_to_string(other.workspace().join("report.html")).unwrap();
    assert!(page.contains("Effect relative to comparators"));
}

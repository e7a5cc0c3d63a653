//! Plans with other designs than nearest neighbours, and designs beside the plan's own.

use serde_json::Value;

use crate::harness::{Scratch, texts, utfall};

/// The plan's own design of `hemmasittare`, as it is written.
const NEAREST: &str = "[matching]
distance = \"propensity-logit\"
exact = [\"sex\"]
[matching.nearest]
ratio = 3
caliper = { width = 0.2, scale = \"sd-of-distance\" }
reuse = \"forbid\"
order = \"largest\"
ties = \"lowest-id\"
";

/// Its estimator.
const MATCHED: &str = "estimator = { kind = \"matched-difference\" }
clusters = [\"matched-set\"]
inference = { standard-error = \"cr1\", degrees-of-freedom = \"clusters\", confidence-level = 0.95 }
";

fn estimator(kind: &str) -> String {
    format!(
        "estimator = {{ kind = \"{kind}\" }}\nclusters = []\ninference = {{ standard-error = \"hc2\", degrees-of-freedom = \"normal\", confidence-level = 0.95 }}\n"
    )
}

/// Ends the plan before its alternatives, which come last but for the disclosure policy.
fn without_alternatives(scratch: &Scratch) {
    let path = scratch.pipeline().join("plan.toml");
    let plan = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = plan.split_once("[[alternative]]").unwrap();
    let (_, disclosure) = rest.split_once("[disclosure]").unwrap();
    std::fs::write(path, format!("{before}[disclosure]{disclosure}")).unwrap();
}

fn absence(run: &Value) -> &Value {
    &run["effects"][0]["result"]["estimate"]
}

#[test]
fn a_plan_may_be_paid_on_any_method() {
    let ways = [
        (
            "[matching]\ndistance = \"mahalanobis\"\nnearest = { ratio = 1, reuse = \"allow\", order = \"data\", ties = \"lowest-id\" }\n",
            MATCHED.replace("\"matched-set\"", "\"matched-set\", \"unit\""),
            "att",
        ),
        (
            "[matching]\ndistance = \"propensity-logit\"\noptimal = { ratio = 2 }\n",
            MATCHED.to_owned(),
            "att",
        ),
        (
            "[matching]\ndistance = \"propensity-logit\"\nfull = {}\n",
            MATCHED.to_owned(),
            "att",
        ),
        (
            "[matching]\ndistance = \"propensity-score\"\nsubclasses = 8\n",
            estimator("matched-difference"),
            "att",
        ),
        (
            "[matching]\nexact = [\"sex\", \"year of birth\"]\ncoarsened = [{ column = \"invalid absence, year before\", bins = { quantiles = 12 } }]\n",
            estimator("adjusted-difference"),
            "att",
        ),
        (
            "[weighting]\nmethod = { kind = \"entropy-balancing\", moments = 1 }\n",
            estimator("weighted-difference"),
            "att",
        ),
        (
            "[weighting]\nmethod = { kind = \"balancing-score\", identification = \"just\" }\n",
            estimator("weighted-difference"),
            "att",
        ),
    ];
    for (design, estimator, estimand) in ways {
        let scratch = Scratch::copy_of("hemmasittare");
        without_alternatives(&scratch);
        scratch.edit("plan.toml", NEAREST, design);
        scratch.edit("plan.toml", MATCHED, &estimator);
        let run = scratch.run_well(&[]);
        assert_eq!(absence(&run)["estimand"], estimand, "{design}");
        assert!(absence(&run)["point"].as_f64().unwrap() < -0.04, "{design}");
        assert_eq!(run["decision"]["branch"], "paid", "{design}");
        let bundle = scratch.bundle().display().to_string();
        assert_eq!(
            utfall(&["verify", &bundle]).status.code(),
            Some(0),
            "{design}"
        );
    }
}

#[test]
fn alternatives_stand_beside_the_decision_and_move_nothing_in_it() {
    let scratch = Scratch::copy_of("hemmasittare");
    let with = scratch.run_well(&[]);
    let alternatives = with["designs"]["alternatives"].as_array().unwrap();
    assert_eq!(alternatives.len(), 8);
    for alternative in alternatives {
        let effect = &alternative["result"]["effects"][0]["result"];
        assert_eq!(effect["status"], "estimated", "{alternative}");
    }
    without_alternatives(&scratch);
    let without = scratch.run_well(&[]);
    assert_eq!(without["designs"]["alternatives"], serde_json::json!([]));
    for part in ["decision", "effects", "balance"] {
        assert_eq!(with[part], without[part], "{part}");
    }
}

#[test]
fn an_alternative_that_cannot_be_made_says_why_and_stops_no_payment() {
    let scratch = Scratch::copy_of("hemmasittare");
    // The square of an indicator is the indicator.
    let weighting = "weighting = { method = { kind = \"entropy-balancing\"";
    let collinear = "weighting = { covariates = [\"girl\", \"girl^2\"], method = { kind = \"entropy-balancing\"";
    scratch.edit("plan.toml", weighting, collinear);
    let run = scratch.run_well(&[]);
    let alternative = &run["designs"]["alternatives"][4];
    assert_eq!(alternative["name"], "entropy-balancing");
    assert_eq!(alternative["result"]["status"], "not-made");
    let reason = alternative["result"]["reason"].as_str().unwrap();
    assert!(reason.contains("linear combination"), "{reason}");
    assert_eq!(run["decision"]["branch"], "paid");
    let html = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    assert!(html.contains("Entropy balancing: not made."));
}

#[test]
fn the_truth_of_synthetic_data_is_shown_and_enters_nothing() {
    let scratch = Scratch::copy_of("hemmasittare");
    let with = scratch.run_well(&[]);
    let truth = &with["designs"]["truths"][0];
    assert_eq!(truth["effect"], "absence");
    let html = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    assert!(html.contains("These data are synthetic"));
    scratch.edit(
        "site.toml",
        "[truth]\nfile = \"truth.json\"\nprogramme = \"NARVARO\"\n",
        "",
    );
    let without = scratch.run_well(&[]);
    assert_eq!(without["designs"]["truths"], serde_json::json!([]));
    for part in ["decision", "effects", "balance"] {
        assert_eq!(with[part], without[part], "{part}");
    }
    let html = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    assert!(!html.contains("These data are synthetic"));
}

/// Runs a spoiled plan, which must be refused with what is wrong and the line of it.
fn refused(from: &str, to: &str, line_of: &str, said: &str) {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit("plan.toml", from, to);
    let plan = std::fs::read_to_string(scratch.pipeline().join("plan.toml")).unwrap();
    let place = plan.find(line_of).unwrap();
    let line = plan[..place].matches('\n').count() + 1;
    let output = scratch.run(&[]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    let flat = errors.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains(&format!("plan.toml:{line}:")),
        "line {line}: {errors}"
    );
    assert!(flat.contains(said), "{said}: {errors}");
}

#[test]
fn a_design_that_does_not_hang_together_is_refused_with_its_line() {
    refused(
        "exact = [\"sex\"]\n[matching.nearest]",
        "exact = [\"gender\"]\n[matching.nearest]",
        "exact = [\"gender\"]",
        "no covariate or attribute `gender`",
    );
    refused(
        "weighting = { method = { kind = \"entropy-balancing\", moments = 2 } }\nestimator = { kind = \"weighted-difference\" }",
        "weighting = { method = { kind = \"entropy-balancing\", moments = 2 } }\nestimator = { kind = \"matched-difference\" }",
        "estimator = { kind = \"matched-difference\" }\nclusters = []\ninference = { standard-error = \"hc2\", degrees-of-freedom = \"normal\", confidence-level = 0.95 }\n\n[[alternative]]\nname = \"inverse",
        "`matched-difference` needs a matching",
    );
    refused(
        "estimand = \"overlap\"\nweighting",
        "estimand = \"matched-treated\"\nweighting",
        "estimand = \"matched-treated\"",
        "not a question",
    );
    refused(
        "distance = \"propensity-score\", subclasses = 5",
        "distance = \"propensity-score\"",
        "matching = { distance = \"propensity-score\" }",
        "a matching without a method",
    );
    refused(
        "name = \"regression\"\ntitle = \"Regression on the matched pupils\"\nestimand = \"att\"\nunits = \"as-primary\"",
        "name = \"regression\"\ntitle = \"Regression on the matched pupils\"\nestimand = \"att\"",
        "estimand = \"att\"\nestimator = { kind = \"adjusted-difference\" }",
        "one of them",
    );
    refused(
        "clusters = [\"matched-set\", \"unit\"]",
        "clusters = [\"matched-set\"]",
        "clusters = [\"matched-set\"]\ninference = { standard-error = \"cr1\", degrees-of-freedom = \"clusters\", confidence-level = 0.95 }\n\n[[alternative]]\nname = \"subclasses\"",
        "cluster by `unit` too",
    );
}

fn check<'a>(run: &'a Value, kind: &str) -> &'a Value {
    let checks = run["designs"]["sensitivity"].as_array().unwrap();
    let mut checks = checks.iter();
    &checks.find(|check| check["check"] == kind).unwrap()["result"]["rows"]
}

#[test]
fn checks_stand_beside_an_effect_and_move_no_payment() {
    let scratch = Scratch::copy_of("hemmasittare");
    let with = scratch.run_well(&[]);
    // Something hidden would have to explain much; the interval of the placebo holds zero.
    let robust = &check(&with, "robustness-value")[0]["figures"];
    assert!(
        robust["robustness-value"].as_f64().unwrap() > 0.1,
        "{robust}"
    );
    let placebo = &check(&with, "placebo-date")[0]["figures"];
    assert!(placebo["lower"].as_f64().unwrap() < 0.0, "{placebo}");
    assert!(placebo["upper"].as_f64().unwrap() > 0.0, "{placebo}");
    // The first specification is the plan's own estimate, and so is the effect with every group.
    let own = absence(&with)["point"].as_f64().unwrap();
    let same = |found: &Value| (found["point"].as_f64().unwrap() - own).abs() < 1e-15;
    let curve = check(&with, "specification-curve").as_array().unwrap();
    assert!(same(&curve[0]["figures"]));
    assert!(curve.len() > 20);
    let left_out = &check(&with, "leave-one-out")[0]["figures"];
    assert!(same(left_out));
    assert!(left_out["smallest"].as_f64().unwrap() <= left_out["largest"].as_f64().unwrap());
    let html = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    assert!(html.contains("What the effect hangs on"));

    let path = scratch.pipeline().join("plan.toml");
    let plan = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = plan.split_once("[[sensitivity]]").unwrap();
    let (_, disclosure) = rest.split_once("[disclosure]").unwrap();
    std::fs::write(path, format!("{before}[disclosure]{disclosure}")).unwrap();
    let without = scratch.run_well(&[]);
    assert_eq!(with["decision"], without["decision"]);
    assert_eq!(with["effects"], without["effects"]);
}

#[test]
fn a_check_that_cannot_be_is_told_with_its_line() {
    for (from, to, message) in [
        (
            "benchmarks = [\"year of birth\"]",
            "benchmarks = [\"height\"]",
            "height",
        ),
        ("alpha = 0.05", "alpha = 1.5", "between 0 and 1"),
        (
            "attribute = \"sex\" }",
            "attribute = \"school\" }",
            "school",
        ),
        (
            "window = { start = \"-12 months\", end = \"-6 months\" }",
            "window = { start = \"-12 months\", end = \"6 months\" }",
            "index date",
        ),
        (
            "[[sensitivity]]\neffect = \"absence\"\ncheck = { kind = \"e-value\"",
            "[[sensitivity]]\neffect = \"presence\"\ncheck = { kind = \"e-value\"",
            "presence",
        ),
        (
            "check = { kind = \"e-value\", scale = \"standardised-difference\" }",
            "check = { kind = \"rosenbaum\", factors = [0.5] }",
            "1 or more",
        ),
        (
            "[balance]",
            "[assignment]\nby-lot = \"units\"\nrecord = \"drawn by the municipality\"\n\n[balance]",
            "everyone",
        ),
    ] {
        let scratch = Scratch::copy_of("hemmasittare");
        scratch.edit("plan.toml", from, to);
        let output = scratch.run(&[]);
        let (errors, _) = texts(&output);
        assert!(!output.status.success(), "{to}");
        assert!(errors.contains(message), "{to}: {errors}");
    }
}

#[test]
fn bounds_for_pairs_need_pairs_and_say_so() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.edit(
        "plan.toml",
        "check = { kind = \"e-value\", scale = \"standardised-difference\" }",
        "check = { kind = \"rosenbaum\", factors = [1.0, 1.5] }",
    );
    let run = scratch.run_well(&[]);
    let checks = run["designs"]["sensitivity"].as_array().unwrap();
    assert_eq!(checks[1]["result"]["status"], "not-found");
    scratch.edit("plan.toml", "ratio = 3", "ratio = 1");
    let run = scratch.run_well(&[]);
    let bounds = check(&run, "rosenbaum");
    let upper = |row: usize| bounds[row]["figures"]["p-upper"].as_f64().unwrap();
    assert!(upper(0) < upper(1), "{bounds}");
}

#[test]
fn a_programme_given_by_lot_is_graded_as_such_and_its_reasons_say_who_says_so() {
    let scratch = Scratch::copy_of("hemmasittare");
    without_alternatives(&scratch);
    scratch.edit("plan.toml", NEAREST, "");
    // Lots are not given up for a chance imbalance of these data.
    scratch.edit("plan.toml", "max-abs-smd = 0.1", "max-abs-smd = 5.0");
    scratch.edit(
        "plan.toml",
        "estimand = \"att\"\n",
        "estimand = \"att\"\nunits = \"everyone\"\n",
    );
    scratch.edit("plan.toml", MATCHED, &estimator("adjusted-difference"));
    let graded = |scratch: &Scratch| scratch.run_well(&[])["effects"][0]["grade"].clone();
    assert_ne!(graded(&scratch)["design"], "randomised");
    scratch.edit(
        "plan.toml",
        "[balance]",
        "[assignment]\nby-lot = \"units\"\nrecord = \"drawn by the municipality on 1 June\"\n\n[balance]",
    );
    let grade = graded(&scratch);
    assert_eq!(grade["design"], "randomised");
    let reasons = grade["reasons"].to_string();
    assert!(
        reasons.contains("drawn by the municipality on 1 June"),
        "{reasons}"
    );
}

#[test]
fn savings_are_a_proper_estimate_and_what_a_contract_pays_on() {
    let scratch = Scratch::copy_of("norrkoping");
    let run = scratch.run_well(&[]);
    let effect = &run["effects"][0];
    let (found, money) = (&effect["result"], &effect["money"]);
    let number = |value: &Value| value.as_f64().unwrap();
    let savings = number(&money["savings"]["point"]);
    assert!((savings + number(&found["total"])).abs() < 1e-6);
    let n_treated = number(&found["estimate"]["n-treated"]);
    let lower = -n_treated * number(&found["estimate"]["interval"]["upper"]);
    assert!((number(&money["savings"]["interval"]["lower"]) / lower - 1.0).abs() < 1e-9);
    let net = number(&money["net-benefit"]["point"]);
    assert!((net - (savings - 1e7)).abs() < 1e-6);
    let steps = run["decision"]["trace"].to_string();
    assert!(steps.contains("placement-cost.savings"), "{steps}");
}

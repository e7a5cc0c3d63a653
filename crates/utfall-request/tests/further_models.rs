//! Requests beside trials and regressions: what they answer on data worked by hand, and what they
//! refuse by name.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use serde_json::{Value, json};
use utfall_request::{Answer, Request, RequestError, estimate};

/// Sixteen rows in eight classes, two of each pair of classes; the last outcomes of each arm missing.
fn data() -> String {
    let mut text = "id,arm,school,class,x,y,seen\n".to_owned();
    for i in 0..16 {
        let (arm, class) = (i / 2 % 2, i / 2);
        let y = 10 + 3 * arm + i * 7 % 5;
        let seen = if i == 13 {
            String::new()
        } else {
            y.to_string()
        };
        text.push_str(&format!(
            "{i},{arm},{},{class},{},{y},{seen}\n",
            i / 4,
            i * 3 % 7
        ));
    }
    text
}

fn answer(part: &str, asked: Value) -> Result<Answer, RequestError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("units.csv"), data()).unwrap();
    let mut request = json!({ "schema": "utfall-request/1", "data": "units.csv" });
    request[part] = asked;
    let request = Request::from_json("request.json", &request.to_string())?;
    estimate(&request, folder.path())
}

fn get(answer: &Answer, name: &str) -> f64 {
    answer.numbers.get(name).expect(name)
}

fn arms() -> Value {
    json!({ "column": "arm", "treated": "1", "comparator": "0" })
}

fn inference(kind: &str) -> Value {
    json!({ "standard-error": kind, "degrees-of-freedom": "normal", "confidence-level": 0.95 })
}

fn close(got: f64, expected: f64) -> bool {
    (got - expected).abs() <= 1e-9 * expected.abs().max(1.0)
}

#[test]
fn a_confounder_of_the_robustness_value_would_take_the_effect_away() {
    let asked = json!({
        "outcome": "y", "treatment": "arm", "covariates": ["x"], "null": 0.0, "alpha": 0.05,
        "r-squared-max": 1.0,
        "benchmarks": [{ "covariate": "x", "treatment-times": 1.0, "outcome-times": 1.0 }],
    });
    let found = answer("confounding", asked.clone()).unwrap();
    let (t, df) = (get(&found, "t"), get(&found, "df"));
    assert!(close(
        get(&found, "partial_r_squared"),
        t * t / (t * t + df)
    ));
    let whole = get(&found, "robustness_value");
    assert!(0.0 < get(&found, "robustness_value_significance") && whole < 1.0);
    assert!(get(&found, "benchmark_estimate.x") < get(&found, "estimate"));
    assert!(get(&found, "oster_delta").is_finite());
    let mut other = asked;
    other["benchmarks"][0]["covariate"] = json!("school");
    let refused = answer("confounding", other).unwrap_err().to_string();
    assert!(refused.contains("`school` in `benchmarks`"), "{refused}");
}

#[test]
fn pairs_of_classes_are_compared_pair_by_pair() {
    let asked = json!({
        "treatment": arms(), "estimand": "ate", "outcome": "y",
        "design": { "paired-clusters": { "pair": "school" } }, "inference": inference("classical"),
    });
    let found = answer("trial", asked).unwrap();
    // Pairs of equal size: the plain difference of means.
    let plain = json!({
        "treatment": arms(), "estimand": "ate", "outcome": "y",
        "design": { "interacted": { "covariates": [] } }, "inference": inference("hc2"),
    });
    let plain = answer("trial", plain).unwrap();
    assert!(close(get(&found, "estimate"), get(&plain, "estimate")));
    assert!(close(get(&found, "n_pairs"), 4.0));
}

#[test]
fn a_cross_fit_needs_folds_and_a_targeted_estimate_is_near_the_weighted_one() {
    let asked = |design: &str, models: Value| {
        json!({
            "treatment": arms(), "estimand": "ate", "outcome": "y",
            "design": { design: models }, "inference": inference("hc0"),
        })
    };
    let models = json!({ "covariates": ["x"] });
    let weighted = answer("trial", asked("doubly-robust", models.clone())).unwrap();
    let targeted = answer("trial", asked("targeted", models)).unwrap();
    let error = get(&weighted, "se");
    assert!((get(&weighted, "estimate") - get(&targeted, "estimate")).abs() < 0.5 * error);
    let folds = json!({ "covariates": ["x"], "folds": { "in-turn": 1 } });
    let refused = answer("trial", asked("doubly-robust", folds))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("1 fold, expected at least 2"), "{refused}");
    let drawn = json!({ "covariates": ["x"], "folds": { "drawn": { "n-folds": 2, "seed": 3 } } });
    let (one, other) = (
        answer("trial", asked("doubly-robust", drawn.clone())).unwrap(),
        answer("trial", asked("doubly-robust", drawn)).unwrap(),
    );
    assert_eq!(one, other);
}

#[test]
fn clipping_changes_an_estimate_only_where_it_is_asked_for() {
    let asked = |models: Value| {
        json!({
            "treatment": arms(), "estimand": "ate", "outcome": "y",
            "design": { "doubly-robust": models }, "inference": inference("hc0"),
        })
    };
    let plain = answer("trial", asked(json!({ "covariates": ["x"] }))).unwrap();
    let wide = asked(json!({ "covariates": ["x"], "clip": 0.001 }));
    assert_eq!(plain, answer("trial", wide).unwrap());
    let narrow = asked(json!({ "covariates": ["x"], "clip": 0.49 }));
    assert_ne!(plain, answer("trial", narrow).unwrap());
    assert!(answer("trial", asked(json!({ "covariates": ["x"], "clip": 0.6 }))).is_err());
}

#[test]
fn leaving_out_schools_gives_the_range_and_the_jackknife_of_any_number() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("units.csv"), data()).unwrap();
    let request = json!({
        "schema": "utfall-request/1", "data": "units.csv",
        "regression": {
            "family": "linear", "outcome": "y", "terms": ["arm"], "inference": inference("hc1"),
        },
        "leave-out": { "column": "school", "numbers": ["coef.arm"] },
        "bootstrap": {
            "numbers": ["coef.arm"], "cluster": "school", "rows": { "drawn": { "seed": 1, "replicates": 50 } },
            "intervals": ["percentile"], "confidence-level": 0.9,
        },
    });
    let request = Request::from_json("request.json", &request.to_string()).unwrap();
    let found = estimate(&request, folder.path()).unwrap();
    let effect = get(&found, "coef.arm");
    assert!(get(&found, "leave_out_min.coef.arm") <= effect);
    assert!(effect <= get(&found, "leave_out_max.coef.arm"));
    assert!(
        get(&found, "leave_out_se.coef.arm") > 0.0 && get(&found, "bootstrap_se.coef.arm") > 0.0
    );
    let (low, high) = (
        "bootstrap_ci_low_percentile.coef.arm",
        "bootstrap_ci_high_percentile.coef.arm",
    );
    assert!(get(&found, low) < get(&found, high));
}

#[test]
fn a_random_wild_bootstrap_inverts_to_an_interval_around_the_estimate() {
    let asked = |multiplier: &str| {
        json!({
            "outcome": "y", "terms": ["arm"], "coefficient": "arm", "null": 0.0, "cluster-by": "class",
            "standard-error": "cr1", "residuals": "restricted", "confidence-level": 0.8,
            "draws": { "drawn": { "multiplier": multiplier, "seed": 4, "replicates": 199 } },
        })
    };
    for multiplier in ["rademacher", "webb", "mammen", "normal"] {
        let found = answer("wild-bootstrap", asked(multiplier)).unwrap();
        let point = get(&found, "estimate");
        assert!(
            get(&found, "ci_low") < point && point < get(&found, "ci_high"),
            "{multiplier}"
        );
        assert!(get(&found, "p_symmetric_strict") <= get(&found, "p_symmetric"));
    }
}

#[test]
fn probit_and_logit_tell_the_same_story_and_gamma_fits_amounts() {
    let asked = |family: &str, outcome: &str| {
        json!({
            "family": family, "outcome": outcome, "terms": ["arm", "x"],
            "marginal": { "term": "arm", "estimand": "ate" }, "inference": inference("hc0"),
        })
    };
    let probit = answer("regression", asked("probit", "y>13")).unwrap();
    let logit = answer("regression", asked("logit", "y>13")).unwrap();
    assert!((get(&probit, "difference") - get(&logit, "difference")).abs() < 0.05);
    let gamma = answer("regression", asked("gamma", "y")).unwrap();
    assert!(get(&gamma, "log_ratio") > 0.1 && get(&gamma, "log_ratio") < 0.4);
}

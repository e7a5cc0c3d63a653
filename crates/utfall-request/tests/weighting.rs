//! What a request for weights may say and may not, and which effect it makes of them.

use serde_json::{Value, json};
use utfall_request::{Answer, Request, RequestError, estimate};

const UNITS: &str = "id,arm,age,score
1,new,30,3.5
2,new,41,4.25
3,new,29,6
4,new,52,5.5
5,old,31,3
6,old,40,2.75
7,old,28,4
8,old,55,5
9,old,30,1
10,old,35,2
";

fn request() -> Value {
    json!({
        "schema": "utfall-request/1",
        "data": "units.csv",
        "id": "id",
        "estimand": "att",
        "treatment": { "column": "arm", "treated": "new", "comparator": "old" },
        "weighting": {
            "covariates": ["age"],
            "method": { "kind": "entropy-balancing", "moments": 1 },
        },
        "balance": { "covariates": ["age"], "smd-denominator": "treated" },
        "effect": {
            "estimator": "weighted-difference",
            "outcome": "score",
            "standard-error": "hc0",
            "degrees-of-freedom": "normal",
            "confidence-level": 0.95,
        },
    })
}

fn answer(request: &Value) -> Result<Answer, RequestError> {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    std::fs::write(folder.path().join("units.csv"), UNITS)
        .expect("the temporary folder is writable");
    let request = Request::from_json("request.json", &request.to_string())?;
    estimate(&request, folder.path())
}

fn refusal(change: impl Fn(&mut Value)) -> String {
    let mut request = request();
    change(&mut request);
    answer(&request)
        .expect_err("the request is refused")
        .to_string()
}

#[test]
fn weighted_arms_are_balanced_and_compared() {
    let found = answer(&request()).expect("the request is answered").numbers;
    let number = |name: &str| found.get(name).expect("the answer holds the number");
    assert!(number("max_abs_smd") < 1e-12);
    assert!((number("sum_weights_comparator") - 6.0).abs() < 1e-10);
    let difference = number("outcome_mean_treated") - number("outcome_mean_comparator");
    assert!((number("estimate") - difference).abs() < 1e-12);
    assert!(number("ess_comparator") < 6.0);
}

#[test]
fn the_unadjusted_difference_leaves_weights_aside() {
    let mut request = request();
    request["effect"]["estimator"] = json!("unadjusted-difference");
    let found = answer(&request).expect("the request is answered").numbers;
    let mean = found.get("outcome_mean_comparator").expect("a mean");
    assert!((mean - 17.75 / 6.0).abs() < 1e-14);
}

#[test]
fn weights_go_with_what_they_can_answer() {
    let message = refusal(|r| {
        r["matching"] = json!({
            "covariates": ["age"],
            "distance": "propensity-score",
            "nearest": { "ratio": 1, "reuse": "forbid", "order": "largest", "ties": "lowest-id" },
        });
    });
    assert!(
        message.contains("`[matching]` and `[weighting]`"),
        "{message}"
    );
    let message = refusal(|r| r["weighting"] = json!(null));
    assert!(
        message.contains("weighted-difference without `[weighting]`"),
        "{message}"
    );
    let message = refusal(|r| r["estimand"] = json!("overlap"));
    assert!(
        message.contains("entropy balancing does not estimate the overlap"),
        "{message}"
    );
}

#[test]
fn a_target_out_of_reach_names_its_covariate() {
    // The treated that are left are older on average than every comparator.
    let message = refusal(|r| {
        r["keep"] = json!([{ "column": "id", "equals": ["2", "4", "5", "7", "9", "10"] }]);
    });
    assert!(message.contains("cannot weigh"), "{message}");
    assert!(
        message.contains("covariate 0 (counted from 0: age)"),
        "{message}"
    );
}

#[test]
fn an_error_with_the_uncertainty_of_the_weights_is_of_the_same_estimate() {
    let mut request = request();
    let fixed = answer(&request).expect("the request is answered").numbers;
    request["effect"]["estimator"] = json!("balanced-difference");
    request["effect"]["target-means"] = json!("sampled");
    let sampled = answer(&request).expect("the request is answered").numbers;
    let estimates = [fixed.get("estimate"), sampled.get("estimate")].map(Option::unwrap_or_default);
    assert!((estimates[0] - estimates[1]).abs() < 1e-12);
    assert_ne!(fixed.get("se"), sampled.get("se"));
    let message = refusal(|r| r["effect"]["estimator"] = json!("balanced-difference"));
    assert!(message.contains("`target-means`"), "{message}");
    let message = refusal(|r| {
        r["effect"]["estimator"] = json!("balanced-difference");
        r["effect"]["target-means"] = json!("fixed");
        r["weighting"]["cap"] = json!({ "quantile": 0.99, "rule": "interpolated" });
    });
    assert!(
        message.contains("entropy balancing, without a cap"),
        "{message}"
    );
}

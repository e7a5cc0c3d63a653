//! What requests for models and calculations may say, and what they refuse by name.

use serde_json::{Value, json};
use utfall_request::{Answer, Request, RequestError, estimate};

const DATA: &str = "id,arm,block,days,ill,years\n\
    1,new,a,3,1,2\n2,old,a,5,0,1\n3,new,a,4,1,2\n4,old,a,6,0,3\n\
    5,new,b,1,0,1\n6,old,b,7,1,2\n7,new,b,2,0,4\n8,old,b,9,1,1\n";

fn answer(data: &str, request: &Value) -> Result<Answer, RequestError> {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    std::fs::write(folder.path().join("units.csv"), data).expect("the folder is writable");
    let request = Request::from_json("request.json", &request.to_string())?;
    estimate(&request, folder.path())
}

fn refusal(data: &str, request: &Value) -> String {
    answer(data, request)
        .expect_err("the request is refused")
        .to_string()
}

fn inference(kind: &str) -> Value {
    json!({ "standard-error": kind, "degrees-of-freedom": "residual", "confidence-level": 0.95 })
}

fn trial() -> Value {
    json!({
        "schema": "utfall-request/1",
        "data": "units.csv",
        "trial": {
            "treatment": { "column": "arm", "treated": "new", "comparator": "old" },
            "estimand": "ate",
            "outcome": "days",
            "design": { "blocked": { "block": "block" } },
            "inference": inference("hc2"),
        },
    })
}

fn regression(family: &str) -> Value {
    json!({
        "schema": "utfall-request/1",
        "data": "units.csv",
        "regression": {
            "family": family,
            "outcome": "days",
            "terms": ["arm=new"],
            "inference": inference("hc1"),
        },
    })
}

#[test]
fn a_blocked_trial_is_worked_by_hand() {
    let answer = answer(DATA, &trial()).expect("the request is sound");
    // Block a: 3.5 - 5.5; block b: 1.5 - 8. Variances of the means 0.25, 0.25, 0.25 and 1.
    let get = |name| answer.numbers.get(name).expect("the answer has it");
    assert!((get("estimate") + 4.25).abs() < 1e-12);
    assert!((get("se") - (1.75_f64 / 4.0).sqrt()).abs() < 1e-12);
    assert!((get("df") - 4.0).abs() < 1e-12);
    assert!((get("n_blocks") - 2.0).abs() < 1e-12);
}

#[test]
fn a_poisson_regression_has_the_ratio_of_rates_and_no_estimand() {
    let mut request = regression("poisson");
    request["regression"]["exposure"] = json!("years");
    request["regression"]["marginal"] = json!({ "term": "arm=new", "estimand": "ate" });
    let answer = answer(DATA, &request).expect("the request is sound");
    let ratio = answer.numbers.get("coef.arm=new").expect("it is there");
    assert!(
        (ratio - ((10.0 / 9.0) / (27.0 / 7.0_f64)).log2() / std::f64::consts::LOG2_E).abs() < 1e-12
    );
    let value = serde_json::to_value(&answer).expect("an answer is JSON");
    assert_eq!(value.get("estimand"), None);
    assert!(value["difference"].is_number());
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    let mut two = trial();
    two["regression"] = regression("linear")["regression"].clone();
    assert!(refusal(DATA, &two).contains("several models"));
    let mut exposed = regression("logit");
    exposed["regression"]["exposure"] = json!("years");
    assert!(refusal(DATA, &exposed).contains("`exposure` without poisson"));
    let mut marginal = regression("linear");
    marginal["regression"]["marginal"] = json!({ "term": "arm=new", "estimand": "ate" });
    assert!(refusal(DATA, &marginal).contains("`marginal` with linear"));
    let mut unknown = regression("poisson");
    unknown["regression"]["marginal"] = json!({ "term": "years", "estimand": "ate" });
    assert!(refusal(DATA, &unknown).contains("of zeros and ones"));
    let mut clusters = trial();
    clusters["trial"]["inference"]["standard-error"] = json!("cr2");
    assert!(refusal(DATA, &clusters).contains("cr2 with 0 columns in `cluster-by`"));
    let mut key = trial();
    key["trial"]["design"]["strata"] = json!("block");
    assert!(refusal(DATA, &key).contains("not a request"));
}

#[test]
fn what_is_wrong_with_the_data_names_the_line() {
    let wrong = regression("logit");
    assert!(refusal(DATA, &wrong).contains("(line 2 of the data file)"));
    let exposed = DATA.replace("3,new,a,4,1,2", "3,new,a,4,1,0");
    let mut poisson = regression("poisson");
    poisson["regression"]["exposure"] = json!("years");
    assert!(refusal(&exposed, &poisson).contains("(line 4 of the data file)"));
    let thin = DATA.replace(",new,b,", ",old,b,");
    assert!(refusal(&thin, &trial()).contains("has no treated row"));
}

#[test]
fn three_of_size_effect_and_power_leave_nothing_to_answer() {
    let mut request = json!({
        "schema": "utfall-request/1",
        "power": [{ "name": "pilot", "test": "paired", "alpha": 0.05, "size": 30.0, "effect": 0.5 }],
    });
    assert!(
        answer("", &request)
            .expect("it is sound")
            .numbers
            .get("power.pilot")
            .is_some()
    );
    request["power"][0]["power"] = json!(0.8);
    assert!(refusal("", &request).contains("size, effect and power of `pilot`"));
}

#[test]
fn a_design_says_what_it_will_find_and_what_is_wrong_with_it() {
    let asked = |sd: f64| {
        json!({
            "schema": "utfall-request/1",
            "design": [{
                "name": "schools",
                "design": { "kind": "matched-sets", "n-treated": 100, "ratio": 1.0, "sd": sd, "set-correlation": 0.5 },
                "alpha": 0.05,
                "effect": 1.0,
                "power": 0.8,
            }],
        })
    };
    let found = answer(DATA, &asked(4.0)).expect("the request is answered");
    let number = |name: &str| found.numbers.get(name).expect("the number is there");
    assert!((number("design_se.schools") - 0.4).abs() < 1e-15);
    assert!((number("design_df.schools") - 99.0).abs() < 1e-15);
    // SciPy 1.17.1: nct.sf(c, 99, 2.5) + nct.cdf(-c, 99, 2.5), c = t.ppf(0.975, 99)
    assert!((number("power.schools") - 0.696_980_274_054_786).abs() < 1e-9);
    assert!(refusal(DATA, &asked(-1.0)).contains("sd"));
}

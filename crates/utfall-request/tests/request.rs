//! What a request may say, what it may not, and that the order of rows is nothing.

use serde_json::{Value, json};
use utfall_request::{Answer, Request, RequestError, estimate};

/// Twelve units: `arm`, `age`, `town`, `score`.
const ROWS: [&str; 12] = [
    "1,new,30,north,3.5",
    "2,new,41,south,4.25",
    "3,new,29,north,6",
    "4,new,52,south,5.5",
    "5,old,31,north,3",
    "6,old,40,south,2.75",
    "7,old,28,north,4",
    "8,old,55,south,5",
    "9,old,30,south,1",
    "10,old,35,north,2",
    "11,old,22,south,7",
    "12,old,60,north,1.5",
];

fn request() -> Value {
    json!({
        "schema": "utfall-request/1",
        "data": "units.csv",
        "id": "id",
        "estimand": "att",
        "treatment": { "column": "arm", "treated": "new", "comparator": "old" },
        "matching": {
            "covariates": ["age", "town=north"],
            "distance": "propensity-score",
            "exact": ["town"],
            "nearest": { "ratio": 1, "reuse": "forbid", "order": "largest", "ties": "lowest-id" },
        },
        "balance": { "covariates": ["age"], "smd-denominator": "treated" },
        "effect": {
            "estimator": "matched-difference",
            "outcome": "score",
            "standard-error": "hc1",
            "degrees-of-freedom": "normal",
            "confidence-level": 0.9,
        },
    })
}

fn csv(rows: &[&str]) -> String {
    format!("id,arm,age,town,score\n{}\n", rows.join("\n"))
}

fn answer(text: &str, request: &Value) -> Result<Answer, RequestError> {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    std::fs::write(folder.path().join("units.csv"), text)
        .expect("the temporary folder is writable");
    let request = Request::from_json("request.json", &request.to_string())?;
    estimate(&request, folder.path())
}

fn refusal(text: &str, request: &Value) -> String {
    answer(text, request)
        .expect_err("the request is refused")
        .to_string()
}

#[test]
fn the_order_of_rows_changes_no_byte_of_the_answer() {
    let text = |rows: &[&str]| {
        let answer = answer(&csv(rows), &request()).expect("the request is sound");
        serde_json::to_string(&answer).expect("an answer is JSON")
    };
    let mut rows = ROWS;
    let first = text(&rows);
    rows.reverse();
    assert_eq!(text(&rows), first);
    rows.rotate_left(5);
    assert_eq!(text(&rows), first);
}

#[test]
fn an_answer_is_one_object_with_whole_counts() {
    let answer = answer(&csv(&ROWS), &request()).expect("the request is sound");
    let value = serde_json::to_value(&answer).expect("an answer is JSON");
    assert_eq!(value["estimand"], "att");
    assert_eq!(value["n_treated"], json!(4));
    assert_eq!(value["smd"]["age"].as_f64(), answer.numbers.get("smd.age"));
    assert_eq!(value["se"], value["se_hc1"]);
    assert_eq!(value.get("df"), None);
}

#[test]
fn a_missing_value_names_line_and_column_and_what_to_do() {
    let mut rows = ROWS;
    rows[2] = "3,new,,north,6";
    let message = refusal(&csv(&rows), &request());
    assert!(message.starts_with("line 4 of"), "{message}");
    assert!(
        message.contains("`age`") && message.contains("drop-rows-without"),
        "{message}"
    );
    rows[2] = "3,new,NA,north,6";
    assert!(refusal(&csv(&rows), &request()).starts_with("line 4 of"));

    let mut dropping = request();
    dropping["drop-rows-without"] = json!(["age"]);
    let answer = answer(&csv(&rows), &dropping).expect("the row is left out");
    assert_eq!(answer.numbers.get("n_rows_left_out"), Some(1.0));
    assert_eq!(answer.numbers.get("n_treated"), Some(3.0));
}

#[test]
fn a_missing_value_in_a_column_that_is_not_used_is_nobodys_business() {
    let mut without = request();
    without["matching"] = json!(null);
    without["balance"] = json!(null);
    without["effect"]["estimator"] = json!("unadjusted-difference");
    let rows = ROWS.map(|row| row.replace("north", ""));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert!(answer(&csv(&rows), &without).is_ok());
}

#[test]
fn what_is_wrong_with_the_data_is_named_without_showing_a_cell() {
    let with = |row: &'static str| {
        let mut rows = ROWS;
        rows[4] = row;
        let message = refusal(&csv(&rows), &request());
        assert!(
            message.contains("line 6 of") && !message.contains("secret"),
            "{message}"
        );
        message
    };
    assert!(with("5,old,secret,north,3").contains("no finite number in column `age`"));
    assert!(with("5,old,inf,north,3").contains("no finite number in column `age`"));
    assert!(with("5,secret,31,north,3").contains("neither of the two arms"));
    assert!(with("5,old,31,north,3,secret").contains("6 cells under a header of 5"));
    let mut twice = ROWS;
    twice[4] = ROWS[0];
    assert!(refusal(&csv(&twice), &request()).contains("lines 2 and 6"));
    let latin = refusal(&csv(&ROWS).replace("score", "poäng"), &request());
    assert!(latin.contains("no column `score`"), "{latin}");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_header() {
    let text = format!("\u{feff}{}", csv(&ROWS));
    assert!(answer(&text, &request()).is_ok());
}

#[test]
fn an_unknown_key_is_refused_with_its_place() {
    let text = "schema = \"utfall-request/1\"\ndata = \"units.csv\"\nestimate = \"att\"\n";
    let message = Request::from_toml("mine.toml", text)
        .expect_err("`estimate` is no key")
        .to_string();
    assert!(
        message.contains("mine.toml") && message.contains("line 3, column 1"),
        "{message}"
    );
    let mut unknown = request();
    unknown["matching"]["radius"] = json!({});
    assert!(refusal(&csv(&ROWS), &unknown).contains("unknown field `radius`"));
}

#[test]
fn options_without_an_effect_are_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 8] = [
        ("asks for nothing", |r| {
            r["balance"] = json!(null);
            r["effect"] = json!(null);
        }),
        ("estimates the att or the atc", |r| {
            r["estimand"] = json!("ate")
        }),
        ("without `[matching]`", |r| r["matching"] = json!(null)),
        ("`baseline` belongs", |r| {
            r["effect"]["baseline"] = json!("age")
        }),
        ("`adjust-for` belongs", |r| {
            r["effect"]["adjust-for"] = json!(["age"])
        }),
        ("`weight` belongs", |r| r["effect"]["weight"] = json!("age")),
        ("needs `cluster-by`", |r| {
            r["effect"]["standard-error"] = json!("cr1")
        }),
        ("needs `cluster-by`", |r| {
            r["effect"]["cluster-by"] = json!(["matched-set"])
        }),
    ];
    for (expected, change) in changes {
        let mut changed = request();
        change(&mut changed);
        let message = refusal(&csv(&ROWS), &changed);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_covariate_that_cannot_be_used_is_found_by_its_number() {
    let mut collinear = request();
    collinear["matching"]["covariates"] = json!(["age", "town=north", "town=south"]);
    let message = refusal(&csv(&ROWS), &collinear);
    assert!(
        message.contains("(counted from 0: age, town=north, town=south)"),
        "{message}"
    );
}

//! Data on which an effect cannot be estimated, or hardly: an error names what is wrong and where, or a
//! warning travels with the answer. One test for each kind.
#![allow(missing_docs, clippy::unwrap_used)]

use serde_json::{Value, json};
use utfall_request::{Answer, Request, RequestError, Warning, estimate};

/// Sixty rows of `arm,x,z,w,y,yes,n,g`.
const N: usize = 60;

struct Row {
    arm: String,
    x: String,
    z: String,
    w: String,
    y: String,
    yes: String,
    n: String,
    g: String,
}

/// Arms that alternate in threes, scattered covariates, eight clusters.
fn plain(row: usize) -> Row {
    let (x, z) = (row * 37 % 101, row * 53 % 97);
    Row {
        arm: if row.is_multiple_of(3) { "new" } else { "old" }.to_owned(),
        x: x.to_string(),
        z: z.to_string(),
        w: (1 + row % 4).to_string(),
        y: (x + z + row * row % 13).to_string(),
        yes: u8::from(row * 29 % 61 > 30).to_string(),
        n: (row * 31 % 7).to_string(),
        g: (row % 8).to_string(),
    }
}

/// The plain rows with some cells changed.
fn with(change: impl Fn(usize, &mut Row)) -> String {
    let lines = (0..N).map(|number| {
        let mut row = plain(number);
        change(number, &mut row);
        let Row {
            arm,
            x,
            z,
            w,
            y,
            yes,
            n,
            g,
        } = row;
        format!("{number},{arm},{x},{z},{w},{y},{yes},{n},{g}\n")
    });
    format!("id,arm,x,z,w,y,yes,n,g\n{}", lines.collect::<String>())
}

fn ask(data: &str, parts: &Value) -> Result<Answer, RequestError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data.csv"), data).unwrap();
    let mut request = json!({ "schema": "utfall-request/1", "data": "data.csv", "id": "id" });
    for (key, part) in parts.as_object().unwrap() {
        request[key] = part.clone();
    }
    estimate(
        &Request::from_json("request.json", &request.to_string())?,
        folder.path(),
    )
}

#[track_caller]
fn refused(data: &str, parts: &Value, says: &[&str]) {
    let said = ask(data, parts).unwrap_err().to_string();
    for part in says {
        assert!(said.contains(part), "{said:?} does not say {part:?}");
    }
}

fn inference(kind: &str) -> Value {
    let degrees = if kind.starts_with("cr") {
        "clusters"
    } else {
        "normal"
    };
    let mut inference =
        json!({ "standard-error": kind, "degrees-of-freedom": degrees, "confidence-level": 0.95 });
    if kind.starts_with("cr") {
        inference["cluster-by"] = json!(["g"]);
    }
    inference
}

fn treatment() -> Value {
    json!({ "column": "arm", "treated": "new", "comparator": "old" })
}

fn trial(design: Value, outcome: &str, kind: &str) -> Value {
    json!({ "trial": {
        "treatment": treatment(), "estimand": "ate", "outcome": outcome,
        "design": design, "inference": inference(kind),
    } })
}

fn doubly_robust() -> Value {
    json!({ "doubly-robust": { "covariates": ["x", "z"] } })
}

fn regression(family: &str, outcome: &str, terms: &[&str], kind: &str) -> Value {
    json!({ "regression": {
        "family": family, "outcome": outcome, "terms": terms, "inference": inference(kind),
    } })
}

fn wild(terms: &[&str]) -> Value {
    json!({ "wild-bootstrap": {
        "outcome": "y", "terms": terms, "coefficient": "arm=new", "null": 0.0, "cluster-by": "g",
        "standard-error": "cr1", "residuals": "restricted",
        "draws": { "drawn": { "multiplier": "webb", "seed": 1, "replicates": 99 } },
    } })
}

fn adjusted(kind: &str) -> Value {
    let mut effect = inference(kind);
    effect["estimator"] = json!("adjusted-difference");
    effect["outcome"] = json!("y");
    effect["adjust-for"] = json!(["x", "z"]);
    effect["weight"] = json!("w");
    if kind.starts_with("cr") {
        effect["cluster-by"] = json!([{ "column": "g" }]);
    }
    json!({ "treatment": treatment(), "estimand": "ate", "effect": effect })
}

#[test]
fn plain_rows_are_refused_by_none_of_these_requests() {
    let data = with(|_, _| {});
    for parts in [
        trial(doubly_robust(), "y", "cr1"),
        trial(json!({ "interacted": { "covariates": ["x"] } }), "y", "hc2"),
        regression("linear", "y", &["arm=new", "x", "z"], "cr1"),
        regression("logit", "yes", &["arm=new", "x"], "hc1"),
        regression("poisson", "n", &["arm=new", "x"], "hc1"),
        wild(&["arm=new", "x"]),
        adjusted("cr1"),
    ] {
        let answer = ask(&data, &parts).unwrap();
        assert!(answer.numbers.warnings().is_empty(), "{parts}");
    }
}

#[test]
fn a_covariate_that_others_make_up_is_named() {
    let data = with(|_, row| row.z = (3 * row.x.parse::<i64>().unwrap() - 7).to_string());
    for parts in [
        regression("linear", "y", &["arm=new", "x", "z"], "hc1"),
        regression("logit", "yes", &["arm=new", "x", "z"], "hc1"),
        trial(doubly_robust(), "y", "hc1"),
        trial(
            json!({ "interacted": { "covariates": ["x", "z"] } }),
            "y",
            "hc1",
        ),
        wild(&["arm=new", "x", "z"]),
        adjusted("hc1"),
    ] {
        refused(&data, &parts, &["z", "linear combination"]);
    }
}

#[test]
fn one_cluster_is_refused_by_whatever_needs_several() {
    let data = with(|_, row| row.g = "only".to_owned());
    for parts in [
        regression("linear", "y", &["arm=new", "x"], "cr1"),
        regression("poisson", "n", &["arm=new", "x"], "cr1"),
        trial(doubly_robust(), "y", "cr1"),
        wild(&["arm=new", "x"]),
        adjusted("cr1"),
    ] {
        refused(&data, &parts, &["1 cluster"]);
    }
}

#[test]
fn an_empty_arm_is_named() {
    let data = with(|_, row| row.arm = "old".to_owned());
    for parts in [
        trial(doubly_robust(), "y", "hc1"),
        trial(json!({ "blocked": { "block": "g" } }), "y", "hc1"),
        trial(json!({ "targeted": { "covariates": ["x"] } }), "y", "hc1"),
        adjusted("hc1"),
    ] {
        refused(&data, &parts, &["treated"]);
    }
}

#[test]
fn an_outcome_that_does_not_vary_has_no_error() {
    let data = with(|_, row| (row.y, row.yes) = ("5".to_owned(), "1".to_owned()));
    for parts in [
        regression("linear", "y", &["arm=new", "x"], "hc1"),
        regression("logit", "yes", &["arm=new", "x"], "hc1"),
        trial(doubly_robust(), "y", "hc1"),
        trial(json!({ "blocked": { "block": "g" } }), "y", "hc1"),
        wild(&["arm=new", "x"]),
        adjusted("hc1"),
    ] {
        refused(&data, &parts, &["var"]);
    }
}

#[test]
fn a_covariate_that_separates_outcomes_or_arms_is_named() {
    let outcomes = with(|number, row| row.yes = u8::from(number * 37 % 101 > 50).to_string());
    refused(
        &outcomes,
        &regression("logit", "yes", &["arm=new", "x"], "hc1"),
        &["separate", "x"],
    );
    let arms = with(|number, row| {
        row.x = if number.is_multiple_of(3) {
            number
        } else {
            200 + number
        }
        .to_string();
    });
    refused(
        &arms,
        &trial(doubly_robust(), "y", "hc1"),
        &["separate", "x"],
    );
}

#[test]
fn a_rate_of_nothing_is_named_by_its_arm() {
    // Every count of the new arm is zero: its rate has no finite logarithm.
    let data = with(|number, row| {
        if number.is_multiple_of(3) {
            row.n = "0".to_owned();
        }
    });
    refused(
        &data,
        &regression("poisson", "n", &["arm=new", "x"], "hc1"),
        &["separate", "column 1", "arm=new"],
    );
}

#[test]
fn a_search_without_an_end_says_after_how_many_steps() {
    // The arms lie apart, and the penalty is too small to keep the score's coefficient finite.
    let data = with(|number, row| {
        row.x = if number.is_multiple_of(3) {
            number
        } else {
            200 + number
        }
        .to_string();
    });
    let learned = json!({ "doubly-robust": {
        "covariates": ["x"], "folds": { "in-turn": 5 },
        "score-learner": { "lasso": { "penalty": 1e-7 } },
    } });
    refused(
        &data,
        &trial(learned, "y", "hc1"),
        &["no convergence after 100 steps"],
    );
}

#[test]
fn infinite_and_missing_values_are_named_by_line_and_column() {
    for cell in ["", "NA", "NaN", "inf", "-Infinity", "1e999"] {
        let data = with(|number, row| {
            if number == 7 {
                row.y = cell.to_owned();
            }
        });
        for parts in [
            regression("linear", "y", &["arm=new", "x"], "hc1"),
            trial(doubly_robust(), "y", "hc1"),
            wild(&["arm=new", "x"]),
            adjusted("hc1"),
        ] {
            refused(&data, &parts, &["line 9", "`y`"]);
        }
    }
}

#[test]
fn weights_that_are_zero_negative_or_infinite_are_named_with_their_line() {
    for cell in ["0", "-2", "inf"] {
        let data = with(|number, row| {
            if number == 7 {
                row.w = cell.to_owned();
            }
        });
        if cell != "0" {
            // There it leaves out an unmatched row.
            refused(&data, &adjusted("hc1"), &["line 9"]);
        }
        let mut weighted = regression("linear", "y", &["arm=new", "x"], "hc1");
        weighted["regression"]["weight"] = json!("w");
        refused(&data, &weighted, &["line 9"]);
    }
}

#[test]
fn a_weight_that_outweighs_all_others_is_a_warning() {
    let data = with(|number, row| {
        if number == 7 {
            row.w = "100000".to_owned();
        }
    });
    let is_told = |warning: &Warning| matches!(warning, Warning::FewEffectiveUnits { effective, of: N } if *effective < 1.1);
    let mut weighted = regression("linear", "y", &["arm=new", "x"], "hc1");
    weighted["regression"]["weight"] = json!("w");
    for parts in [adjusted("hc1"), weighted] {
        let answer = ask(&data, &parts).unwrap();
        let warnings = answer.numbers.warnings();
        assert!(warnings.iter().any(is_told), "{warnings:?} of {parts}");
    }
}

#[test]
fn weights_beyond_the_range_of_numbers_are_refused() {
    let data = with(|_, row| row.w = "1e308".to_owned());
    refused(&data, &adjusted("hc1"), &["too large"]);
}

#[test]
fn arms_of_few_units_are_a_warning_in_every_trial() {
    let data = with(|number, row| {
        row.arm = if number < 4 { "new" } else { "old" }.to_owned();
    });
    for parts in [
        trial(
            json!({ "doubly-robust": { "covariates": ["x"] } }),
            "y",
            "hc1",
        ),
        trial(json!({ "interacted": { "covariates": ["x"] } }), "y", "hc1"),
        adjusted("hc1"),
    ] {
        let answer = ask(&data, &parts).unwrap();
        let few = Warning::FewUnits { units: 4 };
        let warnings = answer.numbers.warnings();
        assert!(warnings.contains(&few), "{warnings:?} of {parts}");
    }
}

#[test]
fn scores_near_zero_and_one_are_a_warning_where_they_weigh() {
    let data = with(|number, row| {
        // One of the new lies far among the old, so that nothing is separated and little overlaps.
        row.x = match number {
            0 => 230,
            2 => 3000,
            _ if number.is_multiple_of(3) => number,
            1 => 30,
            _ => 200 + number,
        }
        .to_string();
    });
    let answer = ask(
        &data,
        &trial(
            json!({ "doubly-robust": { "covariates": ["x"] } }),
            "y",
            "hc1",
        ),
    );
    let answer = answer.unwrap();
    let is_told = |warning: &Warning| matches!(warning, Warning::ExtremeScores { .. });
    let warnings = answer.numbers.warnings();
    assert!(warnings.iter().any(is_told), "{warnings:?}");
}

//! A key that would change no number is refused by name: nothing that is asked is left aside in silence.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::PathBuf;

use serde_json::{Value, json};
use utfall_request::{Request, estimate};

/// The request of a golden case, with its changes; it is answered without them.
fn refusal(case: &str, change: impl Fn(&mut Value)) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/requests");
    let text = std::fs::read_to_string(folder.join(case)).unwrap();
    let case: toml::Table = toml::from_str(&text).unwrap();
    let mut request = serde_json::to_value(&case["request"]).unwrap();
    let ask = |request: &Value| {
        Request::from_json("request.json", &request.to_string())
            .and_then(|request| estimate(&request, &folder))
    };
    assert!(ask(&request).is_ok());
    change(&mut request);
    ask(&request).unwrap_err().to_string()
}

fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn further_errors_of_a_model_of_the_outcome() {
    let said = refusal("A01-nn-lalonde-default-adjusted.toml", |request| {
        request["effect"]["also"] = json!([{ "standard-error": "hc3" }]);
    });
    says(&said, &["`also`", "g-computation"]);
}

#[test]
fn bins_of_overlap_without_anything_to_lie_along() {
    let said = refusal("C01-balance-raw-lalonde.toml", |request| {
        request["balance"]["overlap-bins"] = json!(7);
    });
    says(&said, &["`overlap-bins`", "`score`"]);
}

#[test]
fn limits_of_a_ratio_that_leave_it_no_room() {
    let said = refusal("A01-nn-lalonde-default.toml", |request| {
        request["matching"]["nearest"]["variable"] = json!({ "fewest": 1, "most": 3 });
    });
    says(&said, &["ratio of 1", "between 1 and 3"]);
}

#[test]
fn blocks_and_clusters_of_assignments_that_a_file_gives() {
    for key in ["block", "cluster"] {
        let said = refusal("D46-ri-given-permutations-alo.toml", |request| {
            request["randomisation"][key] = json!("sfsp");
        });
        says(&said, &[&format!("`{key}`"), "given"]);
    }
}

#[test]
fn ways_to_choose_bandwidths_that_are_given() {
    for (key, value) in [
        ("standardise", json!(true)),
        ("unrestricted", json!(true)),
        ("sharp", json!(true)),
        ("least-values", json!(30)),
    ] {
        let said = refusal("events-C08-rd-senate-manual.toml", |request| {
            request["discontinuity"]["bandwidth"][key] = value.clone();
        });
        says(&said, &[&format!("`{key}`"), "`select`"]);
    }
    let said = refusal("events-C01-rd-senate-default.toml", |request| {
        request["discontinuity"]["bandwidth"]["sharp"] = json!(true);
    });
    says(&said, &["`sharp`", "`take-up`"]);
}

#[test]
fn groups_and_persons_compared_at_no_time() {
    for (key, value) in [
        ("compare", json!({ "treated": "yes", "comparator": "no" })),
        ("cluster-by", json!("arrest")),
    ] {
        let said = refusal("panels-E03-logrank-rossi-fin.toml", |request| {
            request["survival"][key] = value.clone();
        });
        says(&said, &[&format!("`{key}`"), "`times`"]);
    }
}

#[test]
fn bounds_of_exposure_where_effects_are_not_by_exposure() {
    for (kind, key) in [
        ("simple", "least-exposure"),
        ("group", "balanced-at"),
        ("calendar", "most-exposure"),
    ] {
        let said = refusal("panels-A28-cs-mpdta-weights.toml", |request| {
            let mut aggregate = json!({ "kind": kind });
            aggregate[key] = json!(1.0);
            request["staggered"]["aggregate"] = json!([aggregate]);
        });
        says(&said, &[&format!("`{key}`")]);
    }
    let said = refusal("panels-A28-cs-mpdta-weights.toml", |request| {
        request["staggered"]["aggregate"] =
            json!([{ "kind": "dynamic" }, { "kind": "dynamic", "least-exposure": 0.0 }]);
    });
    says(&said, &["`aggregate`", "one kind"]);
}

#[test]
fn clusters_of_an_error_between_pairs() {
    let said = refusal("options-trial-paired-clusters.toml", |request| {
        let inference = &mut request["trial"]["inference"];
        inference["standard-error"] = json!("cr1");
        inference["cluster-by"] = json!(["pair"]);
    });
    says(&said, &["`classical`", "pairs"]);
}

#[test]
fn an_acceleration_that_so_few_replicates_cannot_give() {
    let said = refusal("D01-dim-welch-alo.toml", |request| {
        request["bootstrap"] = json!({
            "numbers": ["estimate"], "rows": { "drawn": { "seed": 1, "replicates": 20 } },
            "intervals": ["bca"], "acceleration": "regression", "confidence-level": 0.95,
        });
    });
    says(&said, &["`acceleration`", "20 replicates", "`jackknife`"]);
}

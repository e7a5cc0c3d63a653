//! What is wrong with the data is an error that names it, or a warning that travels with the answer.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use utfall_request::{Answer, Request, RequestError, Warning, estimate};

/// Forty rows: the header, then one line for each.
fn table(line: impl Fn(usize) -> String) -> String {
    let lines: Vec<String> = (0..40).map(|row| format!("{row},{}", line(row))).collect();
    format!("id,t,x,z,s,y\n{}\n", lines.join("\n"))
}

/// Ten treated, scattered covariates, strata of four.
fn plain(row: usize) -> [String; 5] {
    let x = row * 37 % 101;
    let z = row * 53 % 97;
    [
        u8::from(row.is_multiple_of(4)).to_string(),
        x.to_string(),
        z.to_string(),
        (row / 4 % 2).to_string(),
        (x + z).to_string(),
    ]
}

/// The plain rows with some cells changed.
fn with(change: impl Fn(usize, &mut [String; 5])) -> String {
    table(|row| {
        let mut cells = plain(row);
        change(row, &mut cells);
        cells.join(",")
    })
}

const NEAREST: &str = r#"
[matching]
covariates = ["x", "z"]
distance = "propensity-logit"
nearest = { ratio = 1, reuse = "forbid", order = "largest", ties = "lowest-id" }
"#;

const REST: &str = r#"
[balance]
covariates = ["x", "z"]
smd-denominator = "treated"
"#;

fn ask(data: &str, parts: &str) -> Result<Answer, RequestError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data.csv"), data).unwrap();
    ask_in(folder.path(), parts)
}

fn ask_in(folder: &Path, parts: &str) -> Result<Answer, RequestError> {
    let text = format!(
        "schema = \"utfall-request/1\"\ndata = \"data.csv\"\nid = \"id\"\nestimand = \"att\"\ntreatment = {{ column = \"t\", treated = \"1\", comparator = \"0\" }}\n{parts}"
    );
    let request = Request::from_toml("request.toml", &text)?;
    estimate(&request, folder)
}

fn refusal(data: &str, parts: &str) -> String {
    ask(data, parts).unwrap_err().to_string()
}

#[test]
fn covariates_that_tell_the_arms_apart_are_named() {
    let data =
        with(|row, cells| cells[1] = if row.is_multiple_of(4) { "9" } else { "1" }.to_owned());
    let said = refusal(&data, &format!("{NEAREST}{REST}"));
    assert!(
        said.contains("separate") && said.contains("covariate 0") && said.contains('x'),
        "{said}"
    );
}

#[test]
fn no_weights_come_of_covariates_that_tell_the_arms_apart() {
    let data =
        with(|row, cells| cells[1] = if row.is_multiple_of(4) { "9" } else { "1" }.to_owned());
    for method in [
        "{ kind = \"propensity-score\", scale = \"plain\" }",
        "{ kind = \"balancing-score\", identification = \"just\" }",
        "{ kind = \"entropy-balancing\", moments = 1 }",
    ] {
        let weighed = format!("[weighting]\ncovariates = [\"x\", \"z\"]\nmethod = {method}\n");
        let said = refusal(&data, &format!("{weighed}{REST}"));
        assert!(
            said.contains("covariate 0") && said.contains('x'),
            "{method}: {said}"
        );
    }
}

#[test]
fn arms_without_common_support_leave_nobody_and_are_refused() {
    let data = with(|row, cells| {
        let far = if row.is_multiple_of(4) { 1000 } else { 0 };
        cells[1] = (far + row).to_string();
    });
    let parts = NEAREST
        .replace("covariates = [\"x\", \"z\"]\n", "discard = \"both\"\n")
        .replace("\"propensity-logit\"", "{ column = \"x\" }");
    let said = refusal(&data, &format!("{parts}{REST}"));
    assert!(said.contains("0 units, none of them treated"), "{said}");
}

#[test]
fn constant_and_collinear_covariates_are_named() {
    let constant = with(|_, cells| cells[2] = "5".to_owned());
    let said = refusal(&constant, &format!("{NEAREST}{REST}"));
    assert!(said.contains("covariate 1 is constant"), "{said}");
    let twice = with(|_, cells| cells[2] = (2 * cells[1].parse::<i64>().unwrap()).to_string());
    let said = refusal(&twice, &format!("{NEAREST}{REST}"));
    assert!(
        said.contains("covariate 1 is a linear combination"),
        "{said}"
    );
    let weighed = "[weighting]\ncovariates = [\"x\", \"z\"]\nmethod = { kind = \"entropy-balancing\", moments = 1 }\n";
    let said = refusal(&twice, &format!("{weighed}{REST}"));
    assert!(said.contains("covariate 1"), "{said}");
}

#[test]
fn a_missing_value_or_nan_is_named_by_line_and_column() {
    for cell in ["", "NA", "NaN"] {
        let data = with(|row, cells| {
            if row == 7 {
                cells[1] = cell.to_owned();
            }
        });
        let said = refusal(&data, &format!("{NEAREST}{REST}"));
        assert!(said.contains("line 9") && said.contains("`x`"), "{said}");
    }
}

#[test]
fn balance_can_leave_rows_without_a_value_out_covariate_by_covariate() {
    let data = with(|row, cells| {
        if row < 8 {
            cells[1] = "NA".to_owned();
        }
    });
    let asked = REST.replace(
        "smd-denominator",
        "missing = \"by-covariate\"\nsmd-denominator",
    );
    let answer = ask(&data, &asked).unwrap();
    let whole = ask(&with(|_, _| {}), REST).unwrap();
    let number = |answer: &Answer, name: &str| answer.numbers.get(name).unwrap();
    assert!((number(&answer, "smd.z") - number(&whole, "smd.z")).abs() < 1e-12);
    assert!((number(&answer, "smd.x") - number(&whole, "smd.x")).abs() > 1e-6);
    // Two of ten treated and six of thirty comparators have no value.
    assert!(number(&answer, "mean_difference.x missing").abs() < 1e-12);
    assert!((number(&answer, "mean_treated.x missing") - 0.2).abs() < 1e-12);
    let said = refusal(
        &data,
        &asked.replace("missing =", "within = [\"s\"]\nmissing ="),
    );
    assert!(said.contains("`missing`"), "{said}");
}

#[test]
fn a_caliper_that_nobody_is_within_is_an_error() {
    let data = with(|row, cells| {
        let far = if row.is_multiple_of(4) { 1000 } else { 0 };
        cells[1] = (far + row).to_string();
    });
    let parts = NEAREST
        .replace("covariates = [\"x\", \"z\"]\n", "")
        .replace("\"propensity-logit\"", "{ column = \"x\" }")
        .replace(
            "ratio = 1,",
            "ratio = 1, caliper = { width = 5, scale = \"raw\" },",
        );
    let said = refusal(&data, &format!("{parts}{REST}"));
    assert!(said.contains("within the caliper of 5"), "{said}");
    let rule = format!("{NEAREST}calipers = [{{ column = \"x\", width = 5, scale = \"raw\" }}]\n")
        .replace("covariates = [\"x\", \"z\"]\n", "")
        .replace("\"propensity-logit\"", "{ column = \"z\" }");
    let said = refusal(&data, &format!("{rule}{REST}"));
    assert!(said.contains("calipers and rules allow"), "{said}");
}

#[test]
fn fewer_comparators_than_treated_units_is_a_warning_and_another_estimand() {
    let data = with(|row, cells| cells[0] = u8::from(row % 4 != 0).to_string());
    let answer = ask(&data, &format!("{NEAREST}{REST}")).unwrap();
    assert_eq!(answer.estimand.unwrap().to_string(), "matched-treated");
    let fewer = Warning::FewerThanSought {
        seeking: 30,
        to_find: 10,
    };
    assert!(answer.numbers.warnings().contains(&fewer));
    let left_out = Warning::LeftOut {
        left_out: 20,
        of: 30,
    };
    assert!(answer.numbers.warnings().contains(&left_out));
    let said = serde_json::to_value(&answer).unwrap();
    assert_eq!(said["warnings"][0]["kind"], "fewer-than-sought");
    assert!(
        said["warnings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("30 units")
    );
}

#[test]
fn one_treated_person_is_a_warning() {
    let data = with(|row, cells| cells[0] = u8::from(row == 11).to_string());
    let parts = NEAREST
        .replace("covariates = [\"x\", \"z\"]\n", "")
        .replace("\"propensity-logit\"", "{ column = \"x\" }");
    let answer = ask(&data, &format!("{parts}{REST}")).unwrap();
    assert!(
        answer
            .numbers
            .warnings()
            .contains(&Warning::FewUnits { units: 1 })
    );
    assert_eq!(answer.numbers.get("n_pairs"), Some(1.0));
}

#[test]
fn one_treated_person_has_no_error_of_an_effect() {
    let data = with(|row, cells| cells[0] = u8::from(row == 11).to_string());
    let parts = NEAREST
        .replace("covariates = [\"x\", \"z\"]\n", "")
        .replace("\"propensity-logit\"", "{ column = \"x\" }");
    let effect = "[effect]\nestimator = \"matched-difference\"\noutcome = \"y\"\nstandard-error = \"hc2\"\ndegrees-of-freedom = \"normal\"\nconfidence-level = 0.95\n";
    let said = refusal(&data, &format!("{parts}{effect}"));
    assert!(
        said.contains("1 treated rows with a weight above zero"),
        "{said}"
    );
}

#[test]
fn risk_sets_of_units_that_enter_once_are_refused_with_where_they_belong() {
    let parts = NEAREST.replace(
        "nearest = { ratio = 1, reuse = \"forbid\", order = \"largest\", ties = \"lowest-id\" }",
        "risk-set = { ratio = 1, reuse = \"once\", later-treated = \"eligible\" }",
    );
    let said = refusal(&with(|_, _| {}), &format!("{parts}{REST}"));
    assert!(said.contains("`[risk-sets]`"), "{said}");
}

#[test]
fn a_stratum_without_comparators_is_a_warning_and_all_of_them_an_error() {
    let data = with(|row, cells| {
        if row == 0 {
            cells[3] = "alone".to_owned();
        }
    });
    let answer = ask(&data, &format!("[matching]\nexact = [\"s\"]\n{REST}")).unwrap();
    let left_out = Warning::LeftOut {
        left_out: 1,
        of: 10,
    };
    assert!(answer.numbers.warnings().contains(&left_out));
    assert_eq!(answer.estimand.unwrap().to_string(), "matched-treated");
    let apart = with(|_, cells| cells[3] = cells[0].clone());
    let said = refusal(&apart, &format!("[matching]\nexact = [\"s\"]\n{REST}"));
    assert!(said.contains("no exact stratum holds both"), "{said}");
}

#[test]
fn ties_everywhere_are_a_warning() {
    let data = with(|_, cells| cells[1] = (cells[1].len() % 2).to_string());
    let parts = NEAREST
        .replace("covariates = [\"x\", \"z\"]\n", "")
        .replace("\"propensity-logit\"", "{ column = \"x\" }");
    let answer = ask(&data, &format!("{parts}{REST}")).unwrap();
    let is_tied = |warning: &Warning| matches!(warning, Warning::ManyTies { tied: 8.., of: 10 });
    assert!(
        answer.numbers.warnings().iter().any(is_tied),
        "{:?}",
        answer.numbers.warnings()
    );
}

#[test]
fn extreme_scores_and_weights_that_few_carry_are_warnings() {
    let data = with(|row, cells| {
        if row.is_multiple_of(4) && row != 8 {
            cells[1] = (150 + row).to_string();
        }
    });
    let weighed = "[weighting]\ncovariates = [\"x\"]\nmethod = { kind = \"propensity-score\", scale = \"plain\" }\n";
    let answer = ask(&data, &format!("{weighed}{REST}")).unwrap();
    let warnings = answer.numbers.warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| matches!(warning, Warning::FewEffectiveUnits { of: 30, .. })),
        "{warnings:?}"
    );
    assert!(answer.numbers.get("score_max").unwrap() > 0.9);
}

#[test]
fn a_difference_without_a_scale_is_a_warning() {
    let data = with(|row, cells| {
        cells[2] = if row.is_multiple_of(4) {
            "3".to_owned()
        } else {
            (row % 3).to_string()
        }
    });
    let answer = ask(&data, REST).unwrap();
    let undefined = Warning::UndefinedDifference {
        covariate: "z".to_owned(),
    };
    assert!(answer.numbers.warnings().contains(&undefined));
    assert_eq!(answer.numbers.get("max_abs_smd"), None);
}

#[test]
fn limits_that_units_cannot_keep_are_an_error_with_a_remedy() {
    let data = with(|row, cells| cells[0] = u8::from(row % 4 != 0).to_string());
    let full = NEAREST.replace(
        "nearest = { ratio = 1, reuse = \"forbid\", order = \"largest\", ties = \"lowest-id\" }",
        "full = { max-treated = 2 }",
    );
    let said = refusal(&data, &format!("{full}{REST}"));
    assert!(
        said.contains("within the limits") && said.contains("widen"),
        "{said}"
    );
}

#[test]
fn a_clean_request_has_no_warning() {
    let answer = ask(&with(|_, _| {}), &format!("{NEAREST}{REST}")).unwrap();
    assert!(
        answer.numbers.warnings().is_empty(),
        "{:?}",
        answer.numbers.warnings()
    );
    assert!(
        serde_json::to_value(&answer)
            .unwrap()
            .get("warnings")
            .is_none()
    );
}

#[test]
fn persons_who_start_at_different_times_are_compared_at_their_index_dates() {
    let data = table(|row| {
        let start = if row.is_multiple_of(4) {
            (row / 8).to_string()
        } else {
            String::new()
        };
        let [_, x, z, s, y] = plain(row);
        format!("{start},{x},{z},{s},{y}")
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data.csv"), data).unwrap();
    let text = r#"
schema = "utfall-request/1"
data = "data.csv"
id = "id"

[risk-sets]
start = "t"
covariates = ["x"]
distance = "propensity-logit"
matching = { ratio = 2, reuse = "once-per-index-date", later-treated = "eligible" }
balance = ["x"]

[risk-sets.effect]
outcomes = { "1" = "y", "2" = "y", "3" = "y", "4" = "y", "5" = "y" }
horizon = 1
standard-error = "cr1"
cluster-by = ["unit"]
degrees-of-freedom = "clusters"
confidence-level = 0.95
"#;
    let of = |text: &str| estimate(&Request::from_toml("request.toml", text)?, folder.path());
    let answer = of(text).unwrap();
    let number = |name: &str| answer.numbers.get(name).unwrap();
    assert!((number("n_treated") - 10.0).abs() < 1e-12 && (number("n_pairs") - 20.0).abs() < 1e-12);
    assert!(number("smd.x").abs() < 0.5 && number("se") > 0.0);
    let missing = of(&text.replace("\"5\" = \"y\"", "\"6\" = \"y\""))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("no outcome at time 5"), "{missing}");
    let alone = of(&text.replace("\"unit\"", "").replace("cr1", "hc1"))
        .unwrap_err()
        .to_string();
    assert!(alone.contains("without clusters"), "{alone}");
}

//! Regressions on published data against R: every coefficient, error kind and degree of freedom in
//! `regression.toml`.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use utfall_core::ConfidenceLevel;
use utfall_effects::{
    DegreesOfFreedom, Grouping, Inference, StandardError, WeightedRegression, infer,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "source")]
    _source: String,
    data: String,
    outcome: String,
    /// A column, `(Intercept)`, or `column=value` for an indicator.
    columns: Vec<String>,
    weight: Option<String>,
    cluster: Option<String>,
    #[serde(default)]
    keep: BTreeMap<String, Vec<String>>,
    tolerance: f64,
    coefficient: Vec<Coefficient>,
}

#[derive(Deserialize)]
struct Coefficient {
    column: String,
    point: f64,
    #[serde(flatten)]
    errors: BTreeMap<StandardError, Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    se: f64,
    satterthwaite: Option<f64>,
}

type Row = BTreeMap<String, String>;

fn rows(case: &Case) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/cases/data")
        .join(&case.data);
    let mut reader = csv::Reader::from_path(path).unwrap();
    let used = |row: &Row| {
        let complete = |name: &String| !row[name.split('=').next().unwrap()].is_empty();
        complete(&case.outcome)
            && case
                .columns
                .iter()
                .filter(|name| *name != "(Intercept)")
                .all(complete)
            && case
                .keep
                .iter()
                .all(|(column, values)| values.contains(&row[column]))
    };
    reader
        .deserialize()
        .map(Result::unwrap)
        .filter(used)
        .collect()
}

fn column(rows: &[Row], name: &str) -> Vec<f64> {
    let value = |row: &Row| match name.split_once('=') {
        Some((column, value)) => f64::from(u8::from(row[column] == value)),
        None if name == "(Intercept)" => 1.0,
        None => row[name].parse().unwrap(),
    };
    rows.iter().map(value).collect()
}

fn assert_close(what: &str, got: f64, expected: f64, tolerance: f64) {
    let difference = ((got - expected) / expected).abs();
    assert!(
        difference <= tolerance,
        "{what}: {got}, expected {expected} ({difference:e})"
    );
}

#[test]
fn coefficients_and_their_errors_agree_with_r() {
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regression.toml"),
    );
    let cases: Cases = toml::from_str(&text.unwrap()).unwrap();
    for case in cases.case {
        let rows = rows(&case);
        let columns: Vec<Vec<f64>> = case
            .columns
            .iter()
            .map(|name| column(&rows, name))
            .collect();
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let weight = case
            .weight
            .as_ref()
            .map_or(vec![1.0; rows.len()], |name| column(&rows, name));
        let outcome = column(&rows, &case.outcome);
        let fit = WeightedRegression::fit(&columns, &weight, &outcome).unwrap();
        let labels = case.cluster.as_ref();
        let clusters =
            labels.map(|name| Grouping::of(&rows.iter().map(|row| &row[name]).collect::<Vec<_>>()));
        for coefficient in &case.coefficient {
            let at = case
                .columns
                .iter()
                .position(|name| *name == coefficient.column)
                .unwrap();
            let mut per_column = vec![0.0; columns.len()];
            per_column[at] = 1.0;
            let contrast = fit.contrast(&per_column).unwrap();
            let name = format!("{}, {}", case.name, coefficient.column);
            assert_close(&name, contrast.point, coefficient.point, case.tolerance);
            for (&standard_error, expected) in &coefficient.errors {
                let inference = Inference {
                    standard_error,
                    degrees_of_freedom: if expected.satterthwaite.is_some() {
                        DegreesOfFreedom::Satterthwaite
                    } else {
                        DegreesOfFreedom::Residual
                    },
                    confidence_level: ConfidenceLevel::try_from(0.95).unwrap(),
                };
                let ways: Vec<&Grouping> = clusters.iter().collect();
                let got = infer(&fit, &contrast, &ways, &inference).unwrap();
                let name = format!("{name}, {standard_error}");
                assert_close(&name, got.standard_error, expected.se, case.tolerance);
                if let Some(degrees) = expected.satterthwaite {
                    assert_close(
                        &name,
                        got.degrees_of_freedom.unwrap(),
                        degrees,
                        case.tolerance,
                    );
                }
            }
        }
    }
}

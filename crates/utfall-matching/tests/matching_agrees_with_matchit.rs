//! The published cases: same pairs, weights and balance as MatchIt 4.7.2 and cobalt 4.5.6.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde_json::Value;
use utfall_matching::{
    Caliper, CaliperScale, CovariateBalance, Imbalance, Matched, NearestSpec, Order, Propensity,
    Reuse, SmdDenominator, Ties, balance, nearest, propensity,
};
use utfall_stats::{Matrix, moments};

mod support;

/// A file the cases refer to: data of the whole workspace, or this crate's reference answers.
fn file(path: &str) -> PathBuf {
    let crate_folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    match path.strip_prefix("data/") {
        Some(name) => crate_folder.join("../../tests/cases/data").join(name),
        None => crate_folder.join("tests").join(path),
    }
}

/// A CSV file of numbers, by column; a cell that is no number is NaN.
struct Columns(BTreeMap<String, Vec<f64>>);

impl Columns {
    fn read(path: &str) -> Self {
        let text =
            std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut lines = text.lines();
        let names: Vec<String> = lines
            .next()
            .unwrap()
            .split(',')
            .map(|name| name.trim_matches('"').to_owned())
            .collect();
        let mut columns = vec![Vec::new(); names.len()];
        for line in lines {
            for (column, cell) in columns.iter_mut().zip(line.split(',')) {
                column.push(cell.parse().unwrap_or(f64::NAN));
            }
        }
        Self(names.into_iter().zip(columns).collect())
    }

    fn get(&self, name: &str) -> &[f64] {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("no column {name}"))
    }
}

/// A case, its data and its propensity score.
struct Case {
    id: String,
    json: Value,
    names: Vec<String>,
    covariates: Matrix,
    treated: Vec<bool>,
    data: Columns,
}

impl Case {
    fn read(id: &str) -> Self {
        let text = std::fs::read_to_string(file(&format!("reference/{id}.json"))).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        let data = Columns::read(json["data"].as_str().unwrap());
        let formula = json["inputs"]["formula"]
            .as_str()
            .map(str::to_owned)
            .unwrap_or_default();
        let (treatment, right) = formula.split_once(" ~ ").unwrap_or(("", ""));
        let names: Vec<String> = right
            .split(" + ")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let columns = names.iter().map(|name| data.get(name).to_vec()).collect();
        let treated = if treatment.is_empty() {
            Vec::new()
        } else {
            data.get(treatment).iter().map(|&t| t > 0.5).collect()
        };
        Self {
            id: id.to_owned(),
            covariates: Matrix::from_columns(columns).unwrap(),
            json,
            names,
            treated,
            data,
        }
    }

    fn spec(&self) -> NearestSpec {
        let inputs = &self.json["inputs"];
        let whole = |value: &Value| {
            NonZeroU32::new(u32::try_from(value.as_u64().unwrap()).unwrap()).unwrap()
        };
        let order = inputs["order"].as_str().unwrap();
        NearestSpec {
            variable: None,
            ratio: whole(&inputs["ratio"]),
            caliper: inputs["caliper"]
                .as_f64()
                .map(|width| Caliper::new(width, CaliperScale::SdOfDistance).unwrap()),
            reuse: match (inputs["replace"].as_bool().unwrap(), &inputs["reuse_max"]) {
                (true, _) => Reuse::Allow,
                (false, Value::Null) => Reuse::Forbid,
                (false, most) => Reuse::AtMost(whole(most)),
            },
            order: match order {
                _ if order.starts_with("smallest") => Order::Smallest,
                _ if order.starts_with("closest") => Order::Closest,
                _ => Order::Largest,
            },
            ties: Ties::OutwardWalk,
        }
    }

    fn distance(&self, scores: &Propensity) -> Vec<f64> {
        let named = self.json["inputs"]["distance"].as_str().unwrap();
        if named.starts_with("logit") {
            scores.logit.clone()
        } else {
            scores.score.clone()
        }
    }

    /// Cells of the `exact` columns, numbered.
    fn strata(&self) -> Option<Vec<u32>> {
        let names: Vec<&str> = self.json["inputs"]["exact"].as_str()?.split(',').collect();
        let columns: Vec<&[f64]> = names.iter().map(|name| self.data.get(name)).collect();
        let cell = |row: usize| {
            columns
                .iter()
                .map(|column| column[row].to_bits())
                .collect::<Vec<_>>()
        };
        let mut cells: Vec<_> = (0..self.treated.len()).map(cell).collect();
        let by_row = cells.clone();
        cells.sort();
        cells.dedup();
        let number = |cell| u32::try_from(cells.binary_search(cell).unwrap()).unwrap();
        Some(by_row.iter().map(number).collect())
    }

    fn tolerance(&self, key: &str) -> f64 {
        let tolerance = &self.json["tolerance"];
        tolerance[key]
            .as_f64()
            .unwrap_or_else(|| tolerance["default"].as_f64().unwrap())
    }

    /// Compares at the case's tolerance: relative, but absolute where the expected value is near zero.
    fn close(&self, key: &str, got: f64, expected: &Value) {
        let expected = expected
            .as_f64()
            .unwrap_or_else(|| panic!("{} {key}: no expected value", self.id));
        let near_zero = if key.starts_with("smd") || key.starts_with("raw") {
            1e-8
        } else {
            1e-9
        };
        let allowed = if expected.abs() < 1e-6 {
            near_zero
        } else {
            (self.tolerance(key.split('.').next().unwrap()) * expected.abs()).max(0.0)
        };
        assert!(
            (got - expected).abs() <= allowed,
            "{} {key}: {got:e}, expected {expected:e}",
            self.id
        );
    }

    fn expect(&self, key: &str, got: f64) {
        self.close(key, got, &self.json["expected"][key]);
    }

    /// Compares one number for each covariate; a name absent from the case must have none.
    fn expect_each(&self, block: &str, got: impl Fn(usize) -> Option<f64>, names: &[String]) {
        let expected = self.json["expected"][block].as_object().unwrap();
        for (column, name) in names.iter().enumerate() {
            match (got(column), expected.get(name)) {
                (Some(got), Some(expected)) => {
                    self.close(&format!("{block}.{name}"), got, expected)
                }
                (None, None) => {}
                (got, expected) => {
                    panic!("{} {block}.{name}: {got:?}, expected {expected:?}", self.id)
                }
            }
        }
        assert_eq!(
            expected.len(),
            (0..names.len())
                .filter(|&column| got(column).is_some())
                .count()
        );
    }

    /// The covariates with the distance before them, as MatchIt's summary has it.
    fn with_distance(&self, distance: &[f64]) -> (Vec<String>, Matrix) {
        let names = std::iter::once("distance".to_owned())
            .chain(self.names.iter().cloned())
            .collect();
        let columns = std::iter::once(distance.to_vec())
            .chain(self.covariates.columns().map(<[f64]>::to_vec));
        (names, Matrix::from_columns(columns.collect()).unwrap())
    }
}

fn expect_pairs(case: &Case, matched: &Matched) {
    let file = Columns::read(&format!("reference/{}.pairs.csv", case.id));
    let expected: Vec<(f64, f64)> = file
        .get("focal_id")
        .iter()
        .zip(file.get("match_id"))
        .map(|(&a, &b)| (a, b))
        .collect();
    let mut got: Vec<(f64, f64)> = matched
        .pairs()
        .map(|(treated, comparator)| ((treated + 1) as f64, (comparator + 1) as f64))
        .collect();
    let mut sorted = expected;
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    got.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n_differ = got.iter().zip(&sorted).filter(|(a, b)| a != b).count();
    let first = got.iter().zip(&sorted).find(|(a, b)| a != b);
    assert_eq!(
        (n_differ, got.len()),
        (0, sorted.len()),
        "{}: first {first:?}",
        case.id
    );
}

fn expect_weights(case: &Case, distance: &[f64], matched: &Matched) {
    let file = Columns::read(&format!("reference/{}.weights.csv", case.id));
    for (unit, weight) in matched.weights().iter().enumerate() {
        let expected = file.get("weight")[unit];
        assert!(
            (weight - expected).abs() <= 1e-12 * expected.max(1.0),
            "{}: weight of {}",
            case.id,
            unit + 1
        );
        let expected = file.get("distance")[unit];
        assert!(
            (distance[unit] - expected).abs() <= 1e-9 * expected.abs(),
            "{}: distance of {}",
            case.id,
            unit + 1
        );
    }
}

fn expect_counts(case: &Case, distance: &[f64], matched: &Matched) {
    let weights = matched.weights();
    let arm = |is: bool| -> Vec<f64> {
        weights
            .iter()
            .zip(&case.treated)
            .filter(|(_, treated)| **treated == is)
            .map(|(w, _)| *w)
            .collect()
    };
    case.expect("n_treated", matched.n_treated() as f64);
    case.expect("n_control", matched.n_comparator() as f64);
    case.expect("n_treated_matched", matched.n_treated_matched() as f64);
    case.expect("n_control_matched", matched.n_comparator_matched() as f64);
    case.expect("n_pairs", matched.n_pairs() as f64);
    case.expect("ess_treated", moments::effective_sample_size(&arm(true)));
    case.expect("ess_control", moments::effective_sample_size(&arm(false)));
    case.expect("ess_control", matched.effective_n_comparator());
    case.expect("sum_weights_treated", arm(true).iter().sum());
    case.expect("sum_weights_control", arm(false).iter().sum());
    case.expect(
        "distance_sd_all",
        moments::mean_and_variance(distance).1.sqrt(),
    );
    let apart = matched
        .pairs()
        .map(|(a, b)| (distance[a] - distance[b]).abs());
    case.expect("sum_abs_distance", apart.sum());
    match (
        matched.caliper_width(),
        &case.json["expected"]["caliper_width"]["distance"],
    ) {
        (None, Value::Null) => {}
        (width, expected) => case.close("caliper_width", width.unwrap(), expected),
    }
    if let Some(n_sets) = case.json["expected"]["n_subclasses"].as_u64() {
        let sets = matched.set_of_unit().unwrap();
        let n = sets.iter().flatten().max().unwrap() + 1;
        assert_eq!(n as u64, n_sets);
    }
}

fn expect_balance(
    case: &Case,
    names: &[String],
    rows: &[CovariateBalance],
    side: impl Fn(&CovariateBalance) -> Imbalance,
) {
    case.expect_each("smd", |column| side(&rows[column]).smd, names);
    case.expect_each(
        "var_ratio",
        |column| side(&rows[column]).variance_ratio,
        names,
    );
    case.expect_each(
        "ecdf_mean",
        |column| Some(side(&rows[column]).ecdf_mean),
        names,
    );
    case.expect_each(
        "ecdf_max",
        |column| Some(side(&rows[column]).ecdf_max),
        names,
    );
}

fn agrees(id: &str) {
    let case = Case::read(id);
    let scores = propensity(&case.covariates, &case.treated).unwrap();
    let distance = case.distance(&scores);
    let (spec, strata) = (case.spec(), case.strata());
    let matched = nearest(&spec, &distance, &case.treated, strata.as_deref()).unwrap();
    support::check_invariants(&spec, &distance, &case.treated, strata.as_deref(), &matched);
    expect_pairs(&case, &matched);
    expect_weights(&case, &distance, &matched);
    expect_counts(&case, &distance, &matched);
    let (names, covariates) = case.with_distance(&distance);
    let rows = balance(
        &covariates,
        &case.treated,
        &matched.weights(),
        SmdDenominator::Treated,
    )
    .unwrap();
    expect_balance(&case, &names, &rows, |row| row.after);
}

macro_rules! agrees {
    ($($name:ident: $id:literal,)*) => { $(#[test] fn $name() { agrees($id); })* };
}

agrees! {
    pairs_without_replacement_on_the_score: "A01-nn-lalonde-default",
    a_caliper_on_the_logit: "A02-nn-lalonde-logit-cal02",
    pairs_with_replacement: "A03-nn-lalonde-replace",
    pairs_without_ties: "A04-nn-nhefs-1to1",
    three_comparators_within_a_narrow_caliper: "A05-nn-nhefs-r3-cal01",
    five_comparators_with_replacement_within_a_caliper: "A06-nn-nhefs-r5-replace-cal02",
    ten_comparators_with_replacement: "A07-nn-nhefs-r10-replace",
    two_comparators_within_exact_strata: "A08-nn-nhefs-exact-sex-race-r2",
    smallest_score_first: "A10-nn-nhefs-smallest",
    closest_pair_first: "A12-nn-nhefs-closest",
    discrete_covariates_with_hundreds_of_ties: "A22-nn-catholic-r1",
    each_comparator_at_most_twice: "A23-nn-nhefs-reusemax2",
}

#[test]
fn balance_before_matching_agrees_with_the_summary_of_matchit() {
    let matching = Case::read("A01-nn-lalonde-default");
    let scores = propensity(&matching.covariates, &matching.treated).unwrap();
    let (names, covariates) = matching.with_distance(&scores.score);
    let ones = vec![1.0; matching.treated.len()];
    let rows = balance(
        &covariates,
        &matching.treated,
        &ones,
        SmdDenominator::Treated,
    )
    .unwrap();
    let case = Case::read("C09-matchit-summary-lalonde");
    expect_balance(&case, &names, &rows, |row| row.before);
    expect_balance(&case, &names, &rows, |row| row.after);
}

#[test]
fn balance_agrees_with_cobalt_before_and_after_matching() {
    for (id, matching) in [
        ("C01-balance-raw-lalonde", "A01-nn-lalonde-default"),
        ("C05-balance-matched-nhefs", "A05-nn-nhefs-r3-cal01"),
    ] {
        let case = Case::read(id);
        let units = Case::read(matching);
        let scores = propensity(&units.covariates, &units.treated).unwrap();
        let matched = nearest(
            &units.spec(),
            &units.distance(&scores),
            &units.treated,
            None,
        )
        .unwrap();
        let rows = balance(
            &units.covariates,
            &units.treated,
            &matched.weights(),
            SmdDenominator::Treated,
        )
        .unwrap();
        let is_before = id.starts_with("C01");
        let side = |column: usize| {
            if is_before {
                rows[column].before
            } else {
                rows[column].after
            }
        };
        case.expect_each("mean_treated", |j| Some(side(j).mean_treated), &units.names);
        case.expect_each(
            "mean_control",
            |j| Some(side(j).mean_comparator),
            &units.names,
        );
        case.expect_each("sd_treated", |j| Some(side(j).sd_treated), &units.names);
        case.expect_each("sd_control", |j| Some(side(j).sd_comparator), &units.names);
        case.expect_each(
            "raw_diff",
            |j| Some(side(j).mean_treated - side(j).mean_comparator),
            &units.names,
        );
        case.expect_each("smd", |j| side(j).smd, &units.names);
        case.expect_each("var_ratio", |j| side(j).variance_ratio, &units.names);
        case.expect_each("ks", |j| Some(side(j).ecdf_max), &units.names);
    }
}

#[test]
fn every_denominator_agrees_with_cobalt() {
    let case = Case::read("C02-smd-denominators-lalonde");
    let units = Case::read("A01-nn-lalonde-default");
    let ones = vec![1.0; units.treated.len()];
    for (key, denominator) in [
        ("treated", SmdDenominator::Treated),
        ("control", SmdDenominator::Comparator),
        ("pooled", SmdDenominator::Pooled),
    ] {
        let rows = balance(&units.covariates, &units.treated, &ones, denominator).unwrap();
        case.expect_each(key, |column| rows[column].before.smd, &units.names);
    }
}

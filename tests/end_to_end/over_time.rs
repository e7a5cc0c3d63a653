//! The pipelines on published research files give the numbers of independent software on them.

use serde_json::Value;

use crate::harness::{Scratch, root, texts, utfall};

/// The numbers that a golden case expects.
pub(crate) fn expected(case: &str) -> toml::Table {
    let path = root().join("tests/cases/requests").join(case);
    let case: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    case["expected"].as_table().unwrap().clone()
}

pub(crate) fn number(expected: &toml::Table, name: &str, key: &str) -> f64 {
    expected[name][key].as_float().unwrap()
}

pub(crate) fn estimate<'a>(run: &'a Value, name: &str) -> &'a Value {
    let effects = run["effects"].as_array().unwrap();
    let found = effects.iter().find(|effect| effect["name"] == name);
    &found.unwrap()["result"]["estimate"]
}

pub(crate) fn assert_near(what: &str, found: &Value, expected: f64, most: f64) {
    let found = found.as_f64().unwrap();
    assert!(
        (found - expected).abs() <= most,
        "{what} is {found}, expected {expected}"
    );
}

fn published(file: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let plain = |cell: &str| cell.trim_matches('"').to_owned();
    let cells = |line: &str| line.split(',').map(plain).collect();
    text.lines().map(cells).collect()
}

fn column(rows: &[Vec<String>], name: &str) -> Vec<String> {
    let place = rows[0].iter().position(|cell| cell == name).unwrap();
    rows[1..].iter().map(|row| row[place].clone()).collect()
}

#[test]
fn effects_of_the_laws_pooled_over_groups_are_those_of_callaway_and_santanna() {
    let run = Scratch::copy_of("castle-doctrine").run_beyond_its_gate(&[]);
    let expected = expected("panels-A32-cs-castle-never.toml");
    for (effect, pooled) in [("homicide", "dynamic"), ("homicide-by-year", "simple")] {
        let found = estimate(&run, effect);
        // The extract holds nine decimals of the published fourteen.
        let point = number(&expected, "overall", pooled);
        assert_near(pooled, &found["point"], point, 1e-9);
        let error = number(&expected, "overall_se", pooled);
        assert_near(pooled, &found["standard-error"], error, 1e-9);
        assert_eq!(found["n-treated"], 21);
        let z = point / error;
        assert!(found["p-value"].as_f64().unwrap() < 0.01 && z > 2.5);
    }
    assert_eq!(run["decision"]["branch"], "nothing-due");
}

#[test]
fn the_hazard_of_arrest_is_that_of_coxs_model() {
    let run = Scratch::copy_of("recidivism").run_well(&[]);
    let expected = expected("events-E10-cox-rossi-efron.toml");
    let found = estimate(&run, "hazard");
    for (here, there) in [("point", "coef"), ("standard-error", "coef_se")] {
        assert_near(
            here,
            &found[here],
            number(&expected, there, "fin=yes"),
            1e-7,
        );
    }
    let effects = run["effects"].as_array().unwrap();
    let hazard = effects.iter().find(|effect| effect["name"] == "hazard");
    let result = &hazard.unwrap()["result"];
    assert!(result.get("unadjusted").is_none() && result["mean-treated"].is_null());
}

#[test]
fn days_without_an_arrest_are_the_restricted_means_of_the_survival_curves() {
    let run = Scratch::copy_of("recidivism").run_well(&[]);
    for (effect, weeks) in [("days-free-26", "26"), ("days-free", "52")] {
        let case = format!("panels-E08-rmst-rossi-tau{weeks}.toml");
        let expected = expected(&case);
        let found = estimate(&run, effect);
        for (here, there, scale) in [
            ("point", "restricted_mean_difference", 7.0),
            ("standard-error", "restricted_mean_difference_se", 7.0),
            ("p-value", "restricted_mean_difference_p", 1.0),
        ] {
            let expected = scale * number(&expected, there, weeks);
            assert_near(&format!("{effect} {here}"), &found[here], expected, 1e-10);
        }
        for (here, there) in [("lower", "ci_low"), ("upper", "ci_high")] {
            let name = format!("restricted_mean_difference_{there}");
            let expected = 7.0 * number(&expected, &name, weeks);
            assert_near(here, &found["interval"][here], expected, 1e-10);
        }
    }
    assert_eq!(run["decision"]["branch"], "nothing-due");
}

#[test]
fn bundles_of_effects_over_time_are_accepted() {
    for pipeline in ["castle-doctrine", "recidivism"] {
        let scratch = Scratch::copy_of(pipeline);
        match pipeline {
            "castle-doctrine" => scratch.run_beyond_its_gate(&[]),
            _ => scratch.run_well(&[]),
        };
        let output = utfall(&["verify", &scratch.bundle().display().to_string()]);
        let (errors, said) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        assert!(said.contains("Accepted."), "{said}");
    }
}

#[test]
fn the_recidivism_extracts_are_the_published_file() {
    let rossi = published("tests/cases/data/rossi.csv");
    let releases = published("sample-data/recidivism/releases.csv");
    let code = |name: &str, one: &str| -> Vec<String> {
        let cells = column(&rossi, name);
        let cell = |cell: String| u8::from(cell == one).to_string();
        cells.into_iter().map(cell).collect()
    };
    assert_eq!(column(&releases, "aid"), code("fin", "yes"));
    assert_eq!(column(&releases, "work"), code("wexp", "yes"));
    assert_eq!(column(&releases, "married"), code("mar", "married"));
    assert_eq!(column(&releases, "parole"), code("paro", "yes"));
    for (here, there) in [("age", "age"), ("convictions", "prio"), ("race", "race")] {
        assert_eq!(column(&releases, here), column(&rossi, there));
    }
    let person = column(&releases, "person");
    let weeks = column(&rossi, "week");
    let arrest = column(&rossi, "arrest");
    let release = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
    let rows = person.iter().zip(&weeks).zip(&arrest);
    let expected: Vec<Vec<String>> = rows
        .filter(|(_, arrest)| arrest.as_str() == "1")
        .map(|((person, week), _)| {
            let days = 7 * week.parse::<u64>().unwrap();
            let day = release + chrono::Days::new(days);
            vec![person.clone(), day.to_string()]
        })
        .collect();
    let arrests = published("sample-data/recidivism/arrests.csv");
    assert_eq!(arrests[1..], expected);
}

#[test]
fn the_castle_doctrine_extracts_are_the_published_file() {
    let castle = published("tests/cases/data/castle.csv");
    let homicide = published("sample-data/castle-doctrine/homicide.csv");
    assert_eq!(column(&homicide, "homicide"), column(&castle, "homicide_c"));
    let day = |year: String| format!("{year}-01-01");
    let years = column(&castle, "year").into_iter().map(day);
    assert_eq!(column(&homicide, "year"), years.collect::<Vec<_>>());
    let logs = column(&homicide, "log_homicide");
    for (here, there) in logs.iter().zip(column(&castle, "l_homicide")) {
        let there: f64 = there.parse().unwrap();
        assert!((here.parse::<f64>().unwrap() - there).abs() <= 0.5000001e-9);
    }
    let mut laws: Vec<(String, String)> = column(&castle, "sid")
        .into_iter()
        .map(|sid| format!("S{sid:0>2}"))
        .zip(column(&castle, "effyear"))
        .collect();
    laws.dedup();
    let states = published("sample-data/castle-doctrine/states.csv");
    let stated = column(&states, "sid")
        .into_iter()
        .zip(column(&states, "law"));
    let never = |law: String| if law == "never" { String::new() } else { law };
    let stated: Vec<(String, String)> = stated.map(|(sid, law)| (sid, never(law))).collect();
    assert_eq!(stated, laws);
}

//! Pictures of answers over time: well-formed, the same every time, and silent about small counts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use utfall_disclosure::Policy;
use utfall_report::{EstimatePicture, ReportError, render_estimate};
use utfall_request::{Answer, Request, estimate};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../utfall-request/examples")
}

fn answered(text: &str) -> (Request, Answer) {
    let request = Request::from_toml("request", text).unwrap();
    let answer = estimate(&request, &folder()).unwrap();
    (request, answer)
}

fn example(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap()
}

fn public() -> Policy {
    let reason = "the data are public".to_owned().try_into().unwrap();
    Policy::None { reason }
}

fn drawn(name: &str, policy: &Policy) -> (Answer, EstimatePicture) {
    let (request, answer) = answered(&example(name));
    let picture = render_estimate(&request, &answer, policy).unwrap();
    (answer, picture)
}

/// The text of each cell of the page's table, row by row.
fn cells(page: &str) -> Vec<Vec<String>> {
    let table = &page[page.find("<tbody>").unwrap()..page.find("</tbody>").unwrap()];
    let text = |cell: &str| cell.split('<').next().unwrap_or_default().to_owned();
    table
        .split("<tr>")
        .skip(1)
        .map(|row| {
            row.split("<t")
                .skip(1)
                .filter_map(|cell| Some(text(cell.split_once('>')?.1)))
                .collect()
        })
        .collect()
}

fn number(text: &str) -> f64 {
    text.replace('\u{2212}', "-").parse().unwrap()
}

#[test]
fn every_example_is_drawn_well_formed_and_the_same_every_time() {
    for name in ["castle", "rossi", "prop99", "senate", "seatbelts"] {
        let (_, picture) = drawn(name, &public());
        let (_, again) = drawn(name, &public());
        assert_eq!(picture, again, "{name}");
        roxmltree::Document::parse(&picture.svg).unwrap();
        assert!(picture.page.contains("<figure>"), "{name}");
        for bad in [
            "NaN",
            ">inf",
            "1\u{202f}9",
            "http-equiv=\"refresh",
            "<script",
        ] {
            assert!(!picture.page.contains(bad), "{name}: {bad}");
        }
    }
}

#[test]
fn an_event_study_tells_the_effects_of_the_answer_and_draws_its_band() {
    let (answer, picture) = drawn("castle", &public());
    let rows = cells(&picture.page);
    assert_eq!(rows.len(), answer.numbers.each("dynamic").count());
    for row in &rows {
        let key = row[0].replace('\u{2212}', "-");
        let effect = answer.numbers.get(&format!("dynamic.{key}")).unwrap();
        assert!((number(&row[1]) - effect).abs() <= 0.5e-4, "{row:?}");
    }
    assert_eq!(picture.svg.matches("<polygon").count(), 1);
}

#[test]
fn survival_is_withheld_where_few_persons_had_the_event() {
    let (answer, open) = drawn("rossi", &public());
    let (_, picture) = drawn("rossi", &Policy::acro());
    let (all, rows) = (cells(&open.page), cells(&picture.page));
    assert_eq!(all.len(), 14);
    assert!(all.iter().flatten().all(|cell| cell != "withheld"));
    // Four arrests among those with aid by week 8, eight among those without.
    assert_eq!(answer.numbers.get("n_events_by.yes, 8"), Some(4.0));
    for row in rows.iter().filter(|row| row[0].ends_with(", 8")) {
        assert_eq!(row[1..], ["withheld", "withheld", "withheld"]);
    }
    let told = rows.iter().filter(|row| row[1] != "withheld").count();
    assert!(0 < told && told < 14);
    let dots = |picture: &EstimatePicture| picture.svg.matches("<circle").count();
    assert_eq!(dots(&open) - dots(&picture), 14 - told);
}

#[test]
fn bins_of_few_rows_are_neither_drawn_nor_told() {
    let (answer, open) = drawn("senate", &public());
    let (_, picture) = drawn("senate", &Policy::acro());
    let few = answer.numbers.each("bin_n").filter(|(_, n)| *n < 10.0);
    let few = few.count();
    assert!(few > 0);
    let dots = |picture: &EstimatePicture| picture.svg.matches("<circle").count();
    assert_eq!(dots(&open) - dots(&picture), few);
    let withheld = cells(&picture.page);
    let withheld = withheld
        .iter()
        .filter(|row| row[1..] == ["withheld", "withheld"]);
    assert_eq!(withheld.count(), few);
}

#[test]
fn the_lines_of_a_discontinuity_end_in_its_jump() {
    let (answer, _) = drawn("senate", &public());
    let of = |name: &str| answer.numbers.get(name).unwrap();
    let jump = of("coef_right.0") - of("coef_left.0");
    assert!((jump - of("estimate.conventional")).abs() < 1e-9);
}

#[test]
fn a_counterfactual_is_the_treated_path_less_the_gap_and_donors_of_good_fit_are_in_the_fan() {
    let (answer, picture) = drawn("prop99", &public());
    for (time, gap) in answer.numbers.each("gap") {
        let of = |name: &str| answer.numbers.get(&format!("{name}.{time}")).unwrap();
        let difference = of("treated_path") - of("counterfactual_path");
        assert!((difference - gap).abs() < 1e-9, "{time}");
    }
    let lines = picture.svg.matches("<polyline class=\"hair\"").count();
    let own = answer.numbers.get("rmse_before").unwrap();
    let fits = answer.numbers.each("placebo_rmse_before");
    let good = fits.filter(|(_, fit)| fit * fit <= 5.0 * own * own).count();
    assert!(0 < good && good < 38);
    assert_eq!(lines, good);
    let said = format!(
        "more than 5 times that of the treated are not drawn ({})",
        38 - good
    );
    assert!(picture.page.contains(&said), "{said}");
}

#[test]
fn a_series_without_its_intervention_differs_by_the_coefficient_from_the_law_on() {
    let (answer, _) = drawn("seatbelts", &public());
    let law = answer.numbers.get("coef.law").unwrap();
    for (time, fitted) in answer.numbers.each("fitted_path") {
        let without = answer.numbers.get(&format!("counterfactual_path.{time}"));
        let is_after = time.parse::<f64>().unwrap() >= 170.0;
        let expected = if is_after { law } else { 0.0 };
        assert!(
            (fitted - without.unwrap() - expected).abs() < 1e-9,
            "{time}"
        );
    }
}

#[test]
fn what_cannot_be_drawn_says_what_to_ask_for() {
    for (name, part, asks) in [
        ("senate", "bins = 20\n", "bins"),
        ("seatbelts", "intervention = [\"law\"]\n", "intervention"),
        (
            "rossi",
            "times = [8.0, 16.0, 24.0, 32.0, 40.0, 48.0, 52.0]\n",
            "times",
        ),
        (
            "castle",
            "aggregate = [{ kind = \"dynamic\", least-exposure = -5.0, most-exposure = 4.0 }]\n",
            "aggregate",
        ),
    ] {
        let text = example(name);
        assert!(text.contains(part), "{name}");
        // Groups are compared at the times, and are refused without any.
        let compare = "compare = { treated = \"yes\", comparator = \"no\" }\n";
        let (request, answer) = answered(&text.replace(part, "").replace(compare, ""));
        let said = render_estimate(&request, &answer, &public());
        let Err(ReportError::NoPicture { remedy }) = said else {
            panic!("{name} is drawn");
        };
        assert!(remedy.contains(asks), "{name}: {remedy}");
    }
}

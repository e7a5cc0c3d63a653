//! Pages of a calibration and of a design.

use roxmltree::Document;
use utfall_core::{Estimand, Estimate, Interval, Unwatched};
use utfall_design::{
    Assignment, CalibrationDocument, CalibrationSource, DesignSpec, Placebo,
    operating_characteristics,
};
use utfall_disclosure::Cell;
use utfall_payment::{Branch, Contract, Currency};

fn placebo(draw: i32) -> Placebo {
    let point = f64::from(draw * 37 % 100 - 50) / 1000.0;
    let standard_error = 0.03;
    let estimate = Estimate {
        estimand: Estimand::Att,
        point,
        standard_error,
        degrees_of_freedom: Some(80.0),
        confidence_level: 0.95.try_into().expect("it is a level"),
        interval: Interval {
            lower: point - 0.06,
            upper: point + 0.06,
        },
        p_value: 0.5,
        n_treated: 40,
        n_comparator: 120,
        n_clusters: None,
    };
    Placebo::Decided {
        estimates: vec![Some(estimate)],
        balanced: draw % 9 > 0,
        branch: if draw % 20 == 0 {
            Branch::Paid
        } else {
            Branch::NothingDue
        },
        paid: if draw % 20 == 0 { 12_345_600 } else { 0 },
    }
}

fn calibration() -> CalibrationDocument {
    let source = CalibrationSource {
        pipeline: "absence".to_owned(),
        title: "Absence <after> the programme".to_owned(),
        contract: "A contract".to_owned(),
        plan_digest: "77e1b0a94c3d2f68"
            .repeat(4)
            .parse()
            .expect("it is a digest"),
        unit: "pupil".to_owned(),
        index_date: "2024-08-19".parse().expect("it is a date"),
        before_index_date: false,
        assignment: Assignment::ByScore,
        seed: 3,
        n_pool: Cell::Rounded(2370),
        n_treated: Cell::Suppressed,
    };
    let names = [(
        "absence".to_owned(),
        "Invalid absence".to_owned(),
        "rate".to_owned(),
    )];
    let programmes: Vec<Placebo> = (0..200).map(placebo).collect();
    let sek = Currency::from_code("SEK").expect("it is a currency");
    CalibrationDocument::of(source, sek, &names, &programmes)
}

fn words(page: &str) -> String {
    let document = Document::parse_with_options(
        page,
        roxmltree::ParsingOptions {
            allow_dtd: true,
            ..Default::default()
        },
    )
    .expect("the page is well-formed");
    let mut all = document.descendants();
    let body = all
        .find(|node| node.has_tag_name("body"))
        .expect("it has a body");
    let texts = body.descendants().filter(|node| node.is_text());
    texts
        .filter_map(|node| node.text())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_calibration_is_told_with_its_rate_its_interval_and_what_was_read() {
    let page = utfall_report::render_calibration(&calibration()).expect("it is written");
    let words = words(&page);
    for told in [
        "5.0\u{a0}%",
        "10 of 200",
        "Clopper–Pearson",
        "123\u{202f}456.00\u{a0}SEK",
        "in proportion to the odds",
        "marked as calibrated on outcomes",
        "Absence <after> the programme",
    ] {
        assert!(words.contains(told), "{told}");
    }
    assert!(page.contains("class=\"bar\""));
    assert!(!page.contains("<script") && !page.contains("src="));
}

#[test]
fn a_design_is_drawn_with_the_thresholds_of_its_contract() {
    let contract = Contract::from_toml("contract.toml", include_str!("cases/design-contract.toml"));
    let spec = DesignSpec::from_toml("design.toml", include_str!("cases/design.toml"));
    let (contract, spec) = (
        contract.expect("it is a contract"),
        spec.expect("it is a design"),
    );
    let document = operating_characteristics(&spec, &contract, None, &Unwatched);
    let page =
        utfall_report::render_design(&document.expect("it is found")).expect("it is written");
    let words = words(&page);
    for told in [
        "Chance of being paid for nothing",
        "as hoped",
        "no effect",
        "Power",
        "percentage points",
    ] {
        assert!(words.contains(told), "{told}");
    }
    // Two thresholds, in two pictures of payment and one of power, each at two widths.
    assert_eq!(page.matches("<line class=\"gate\"").count(), 12);
}

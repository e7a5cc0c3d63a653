//! Claim terms, nearby evidence, sweeps, amendments on a day, and the rule in one sentence.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::Path;

use utfall_payment::{
    Away, Branch, Break, Contract, Count, Input, Inputs, Language, SweepError, explain,
};

fn shipped(path: &str) -> Contract {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    let text = std::fs::read_to_string(path).unwrap();
    Contract::from_toml("contract.toml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn number(text: &str) -> Input {
    Input::Number(text.to_owned())
}

/// Inputs of the illustrative contract on school absence.
fn absence(point: &str, upper: &str, pupils: &str) -> Inputs {
    Inputs::from([
        ("absence.estimand".to_owned(), Input::Text("att".to_owned())),
        ("absence.point".to_owned(), number(point)),
        ("absence.upper".to_owned(), number(upper)),
        ("absence.standard-error".to_owned(), number("0.01")),
        ("absence.n-treated".to_owned(), number(pupils)),
        ("balance.passed".to_owned(), Input::Flag(true)),
    ])
}

fn norrkoping(savings: &str) -> Inputs {
    let att = || Input::Text("att".to_owned());
    Inputs::from([
        ("balance.passed".to_owned(), Input::Flag(true)),
        ("placement-cost.estimand".to_owned(), att()),
        ("merit.estimand".to_owned(), att()),
        ("placement-cost.savings".to_owned(), number(savings)),
        (
            "placement-cost.point".to_owned(),
            number(&format!("-{savings}")),
        ),
        ("placement-cost.n-treated".to_owned(), number("1")),
        ("merit.point".to_owned(), number("1")),
    ])
}

#[test]
fn one_standard_error_and_one_unit_are_told_with_the_decision() {
    let contract = shipped("pipelines/hemmasittare/contract.toml");
    let decision = contract.evaluate(&absence("-0.045", "-0.005", "20"));
    assert_eq!(decision.total.to_string(), "1 050 000.00 SEK");
    let [error, unit] = decision.nearby.as_slice() else {
        panic!("{:?}", decision.nearby)
    };
    assert_eq!(error.of, "absence");
    assert_eq!(error.away, Away::StandardError("0.01".to_owned()));
    // −0.055 stays on the second step; at −0.035 the upper end is above zero.
    assert_eq!(error.lower.total.to_string(), "1 050 000.00 SEK");
    assert_eq!(error.higher.total.to_string(), "0.00 SEK");
    assert!(error.turns);
    // One pupil fewer is too few to measure.
    assert_eq!(unit.of, "absence.n-treated");
    assert_eq!(unit.away, Away::OneUnit);
    assert_eq!(unit.lower.branch, Branch::NotMeasurable);
    assert_eq!(unit.higher.total.to_string(), "1 052 500.00 SEK");
    assert!(unit.turns);

    let far = contract.evaluate(&absence("-0.05", "-0.03", "200"));
    assert!(!far.nearby[1].turns, "{:?}", far.nearby);
    let told = explain(&decision, Language::English).join("\n");
    assert!(
        told.contains("If absence were one standard error (0.01) lower, 1 050 000.00 SEK would be paid; one higher, 0.00 SEK."),
        "{told}"
    );
    let without = contract.payment(&absence("-0.045", "-0.005", "20"));
    assert_eq!(without, (decision.branch, decision.total));
}

#[test]
fn whether_any_one_unit_flips_the_payment_is_told_both_ways() {
    let contract = shipped("pipelines/hemmasittare/contract.toml");
    let at = |lowest: &str, highest: &str| {
        let mut inputs = absence("-0.045", "-0.005", "200");
        inputs.insert(
            "absence.standard-error".to_owned(),
            number("0.0069588365788893465"),
        );
        inputs.insert("absence.without-one-lowest".to_owned(), number(lowest));
        inputs.insert("absence.without-one-highest".to_owned(), number(highest));
        contract.evaluate(&inputs)
    };
    // The steps are falls of 0.02, 0.04 and 0.06; the upper end moves along and stays below zero.
    let flipped = at("-0.0461234567", "-0.0399");
    let [error, left_out, unit] = flipped.nearby.as_slice() else {
        panic!("{:?}", flipped.nearby)
    };
    assert_eq!(
        (error.of.as_str(), unit.of.as_str()),
        ("absence", "absence.n-treated")
    );
    assert!(matches!(left_out.away, Away::OneLeftOut { .. }));
    assert_eq!(left_out.lower.total, flipped.total);
    assert!(left_out.higher.total.minor_units() < flipped.total.minor_units());
    assert!(left_out.turns);
    let told = explain(&flipped, Language::English).join("\n");
    assert!(
        told.contains("one standard error (0.00696) lower"),
        "{told}"
    );
    assert!(
        told.contains("Whichever one unit is left out, absence is between -0.04612 and -0.0399; at the lower end"),
        "{told}"
    );

    let held = at("-0.046", "-0.044");
    assert!(!held.nearby[1].turns);
    for (language, words) in [
        (Language::English, "No threshold turns."),
        (
            Language::Swedish,
            "Vilken enhet som än utelämnas ligger absence mellan -0,046 och -0,044;",
        ),
        (Language::Danish, "Ingen tærskel ændres."),
    ] {
        let told = explain(&held, language).join("\n");
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn a_sweep_pays_what_each_point_pays() {
    let contract = shipped("pipelines/norrkoping/contract.toml");
    let inputs = norrkoping("5000000");
    // 0.4·C + 0.6·min(S, C) + min(S − C, 0.2·C), at S from −5 M to 15 M.
    let points = contract
        .sweep(&inputs, "placement-cost", ("-15000000", "5000000"), 5)
        .unwrap();
    let paid: Vec<(&str, String)> = points
        .iter()
        .map(|point| (point.at.as_str(), point.total.to_string()))
        .collect();
    assert_eq!(
        paid,
        [
            ("-15000000", "12 000 000.00 SEK".to_owned()),
            ("-10000000", "10 000 000.00 SEK".to_owned()),
            ("-5000000", "7 000 000.00 SEK".to_owned()),
            ("0", "4 000 000.00 SEK".to_owned()),
            ("5000000", "4 000 000.00 SEK".to_owned()),
        ]
    );
    // The capital is a constant of the contract: the guarantee is 0.4 of it.
    let by_capital = contract
        .sweep(&inputs, "capital", ("1000000", "3000000"), 3)
        .unwrap();
    let totals: Vec<i128> = by_capital.iter().map(|p| p.total.minor_units()).collect();
    // S = 5 M: at C = 1 M and 2 M everything is reached, at 3 M too: 1.2·C.
    assert_eq!(totals, [120_000_000, 240_000_000, 360_000_000]);

    let capped = shipped("tests/contracts/chicago/contract.toml");
    let ready = Inputs::from([("kindergarten-ready.children".to_owned(), number("188"))]);
    let by_cap = capped
        .sweep(&ready, "kindergarten-ready.cap", ("500000", "600000"), 3)
        .unwrap();
    let totals: Vec<String> = by_cap.iter().map(|p| p.total.to_string()).collect();
    assert_eq!(
        totals,
        ["500 000.00 USD", "545 200.00 USD", "545 200.00 USD"]
    );

    for (what, range, n) in [
        ("placement-costs", ("0", "1"), 5),
        ("capital", ("0", "x"), 5),
        ("capital", ("1", "0"), 5),
        ("capital", ("0", "1"), 1),
    ] {
        let error = contract.sweep(&inputs, what, range, n).unwrap_err();
        assert!(!error.to_string().is_empty());
    }
    let amended = shipped("tests/contracts/troubled-families-result-share/contract.toml");
    let refused = amended.sweep(&Inputs::new(), "whole", ("0", "1"), 2);
    assert_eq!(refused, Err(SweepError::Amended));
    let day = "2013-05-01".parse().unwrap();
    let turned = Inputs::from([("family.turned-round".to_owned(), Input::Flag(true))]);
    let points = amended
        .on(day)
        .sweep(&turned, "whole", ("0", "4000"), 2)
        .unwrap();
    assert_eq!(points[1].total.to_string(), "1 600.00 GBP");
}

#[test]
fn claim_terms_say_what_counts() {
    let contract = shipped("tests/contracts/rough-sleepers/contract.toml");
    assert_eq!(
        contract.cap_per_person().unwrap().to_string(),
        "19 000.00 GBP"
    );
    let terms: BTreeMap<_, _> = contract
        .claim_terms()
        .map(|t| (t.line.as_str(), t))
        .collect();
    assert_eq!(terms["wellbeing"].count, Count::Every);
    let kept = terms["three-months"];
    assert_eq!(kept.count, Count::First);
    assert_eq!(kept.input, "three-months.claims");
    assert_eq!(kept.price.to_string(), "3 500.00 GBP");
    let sustained = kept.sustained.as_ref().unwrap();
    assert_eq!((sustained.days, sustained.on_break), (91, Break::Restart));
}

#[test]
fn the_rule_is_one_sentence_in_each_language() {
    let contract = shipped("pipelines/norrkoping/contract.toml");
    let english = contract.rule(Language::English);
    assert!(
        english.contains("for “Guaranteed for delivered activity” guarantee"),
        "{english}"
    );
    assert!(
        english.contains("0.6 of savings between 0 and 10000000"),
        "{english}"
    );
    let swedish = contract.rule(Language::Swedish);
    assert!(
        swedish.contains("0,6 av savings mellan 0 och 10000000"),
        "{swedish}"
    );
    let danish = contract.rule(Language::Danish);
    assert!(
        danish.contains("0,6 af savings mellem 0 og 10000000"),
        "{danish}"
    );
    for rule in [english, swedish, danish] {
        assert!(rule.ends_with('.') && !rule.contains("{"), "{rule}");
    }
}

#[test]
fn norrkoping_is_told_in_swedish_and_danish() {
    let contract = shipped("pipelines/norrkoping/contract.toml");
    let decision = contract.evaluate(&norrkoping("11000000"));
    let swedish = explain(&decision, Language::Swedish).join("\n");
    assert!(
        swedish.contains("den del av savings (11000000) som ligger mellan 0 och 10000000, gånger 0,6: ger 6000000 SEK"),
        "{swedish}"
    );
    assert!(swedish.contains("11 000 000,00 SEK betalas"), "{swedish}");
    let danish = explain(&decision, Language::Danish).join("\n");
    assert!(danish.contains("11 000 000,00 SEK betales"), "{danish}");
    for told in [swedish, danish] {
        assert!(
            !told.contains("Quantity") && !told.contains(" gives "),
            "{told}"
        );
    }
}

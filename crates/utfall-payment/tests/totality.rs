//! Any text is read or refused, any inputs are decided, and the same inputs decide the same bytes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use proptest::prelude::*;
use utfall_payment::{Branch, Contract, Decision, Input, Inputs, Language, Undecided, explain};

/// Every contract file of the repository.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    for folder in ["tests/contracts", "pipelines"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            paths.push(entry.unwrap().path().join("contract.toml"));
        }
    }
    paths.sort();
    let files = paths.iter().filter(|path| path.is_file());
    files
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        (-1_000_000_i64..1_000_000, 0_u32..9).prop_map(|(units, e)| format!("{units}e-{e}")),
        any::<i64>().prop_map(|units| units.to_string()),
        (any::<i64>(), -450_i32..450).prop_map(|(units, e)| format!("{units}e{e}")),
        Just("0".to_owned()),
        Just("-0.0".to_owned()),
        prop_oneof![
            Just("NaN"),
            Just("inf"),
            Just("-inf"),
            Just(""),
            Just("1,5"),
            Just("9e9999")
        ]
        .prop_map(str::to_owned),
        "[0-9.eE+-]{0,12}",
        any::<String>(),
    ]
}

fn input() -> impl Strategy<Value = Option<Input>> {
    let branch = prop_oneof![Just(Undecided::Deferred), Just(Undecided::NotMeasurable)];
    prop_oneof![
        6 => number().prop_map(|text| Some(Input::Number(text))),
        2 => any::<bool>().prop_map(|flag| Some(Input::Flag(flag))),
        2 => prop_oneof![Just("att"), Just("ate"), Just("x")].prop_map(|t| Some(Input::Text(t.into()))),
        1 => (any::<String>(), branch).prop_map(|(reason, branch)| Some(Input::Unavailable { reason, branch })),
        1 => Just(None),
    ]
}

/// What holds for every decision, whatever the contract and the inputs.
fn check(contract: &Contract, inputs: &Inputs) -> Result<Decision, TestCaseError> {
    let decision = contract.evaluate(inputs);
    let bytes = serde_json::to_vec(&decision).unwrap();
    let again = serde_json::to_vec(&contract.evaluate(inputs)).unwrap();
    prop_assert_eq!(&bytes, &again);
    let read: Decision = serde_json::from_slice(&bytes).unwrap();
    prop_assert_eq!(&read, &decision);

    let total = decision.total.minor_units();
    let by_sign = match decision.branch {
        Branch::Paid => total > 0,
        Branch::RepaymentDue => total < 0,
        Branch::NothingDue | Branch::NotMeasurable | Branch::Deferred => total == 0,
    };
    prop_assert!(by_sign, "{} {total}", decision.branch);
    if !decision.payers.is_empty() {
        let borne: i128 = decision.payers.iter().map(|p| p.amount.minor_units()).sum();
        prop_assert_eq!(borne, total);
    }
    if contract.name() != "hmp-doncaster" {
        prop_assert!(total >= 0, "money back without a clawback");
    }
    prop_assert!(explain(&decision, Language::English).len() > decision.trace.len());
    Ok(decision)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_inputs_end_in_an_amount_or_a_named_branch(
        given in proptest::collection::vec(input(), 12),
        usual_words in any::<bool>(),
    ) {
        for text in texts() {
            let contract = Contract::from_toml("contract.toml", &text).unwrap();
            let mut inputs = Inputs::new();
            for (name, input) in contract.required_inputs().into_keys().zip(given.iter().cycle()) {
                inputs.extend(input.clone().map(|input| (name, input)));
            }
            if usual_words {
                // Lets the numbers decide, rather than a missing estimand.
                for (name, input) in &mut inputs {
                    if name.ends_with(".estimand") {
                        *input = Input::Text("att".into());
                    } else if name == "balance.passed" {
                        *input = Input::Flag(true);
                    }
                }
            }
            check(&contract, &inputs)?;
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Contract::from_toml("any", &text);
    }

    #[test]
    fn a_mutated_contract_is_read_and_decided_or_refused_with_its_place(
        which in any::<prop::sample::Index>(),
        cuts in proptest::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..40, any::<prop::sample::Index>(), 0_usize..40, any::<bool>()),
            1..4,
        ),
        given in proptest::collection::vec(input(), 8),
    ) {
        let texts = texts();
        let mut text: Vec<char> = which.get(&texts).chars().collect();
        for (at, length, from, copied, replace) in cuts {
            let piece: Vec<char> = text.iter().copied().skip(from.index(text.len())).take(copied).collect();
            let at = at.index(text.len());
            let end = if replace { (at + length).min(text.len()) } else { at };
            text.splice(at..end, piece);
            if text.is_empty() {
                text.push('=');
            }
        }
        let text: String = text.into_iter().collect();
        match Contract::from_toml("mutated", &text) {
            Ok(contract) => {
                let names = contract.required_inputs().into_keys();
                let inputs: Inputs = names
                    .zip(given.into_iter().cycle())
                    .filter_map(|(name, input)| Some((name, input?)))
                    .collect();
                let bytes = |decision: &Decision| serde_json::to_vec(decision).unwrap();
                let decision = contract.evaluate(&inputs);
                prop_assert_eq!(bytes(&decision), bytes(&contract.evaluate(&inputs)));
            }
            Err(errors) => {
                prop_assert!(!errors.problems().is_empty());
                let n_lines = text.split('\n').count();
                for problem in errors.problems() {
                    prop_assert!(problem.line <= n_lines && problem.column >= 1);
                }
            }
        }
    }

    #[test]
    fn more_savings_never_pay_less(a in -30_000_000_i64..30_000_000, b in -30_000_000_i64..30_000_000) {
        let text = texts().into_iter().find(|text| text.contains("name = \"norrkoping\"")).unwrap();
        let contract = Contract::from_toml("norrkoping", &text).unwrap();
        let paid = |savings: i64| {
            let number = |value: i64| Input::Number(value.to_string());
            let inputs = Inputs::from([
                ("balance.passed".to_owned(), Input::Flag(true)),
                ("placement-cost.estimand".to_owned(), Input::Text("att".into())),
                ("merit.estimand".to_owned(), Input::Text("att".into())),
                ("merit.point".to_owned(), number(1)),
                ("placement-cost.savings".to_owned(), number(savings)),
            ]);
            contract.evaluate(&inputs).total.minor_units()
        };
        prop_assert!(paid(a.min(b)) <= paid(a.max(b)));
        // The published formula, in whole kronor: 0.4·C + 0.6·min(S⁺, C) + min(S − C, 0.2·C) above C.
        let capital = 10_000_000_i128;
        let s = i128::from(a).max(0);
        let expected = 40 * capital + 60 * s.min(capital) + 100 * (s - capital).clamp(0, capital / 5);
        prop_assert_eq!(paid(a), expected);
    }
}

//! The public view of a run: nothing in it gives a small count back, and the payment least of all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[expect(dead_code, reason = "each test uses its part")]
mod sample;

use utfall_core::Funnel;
use utfall_disclosure::{Arms, Bin, Cell, Policy, Protected, PublicLine, PublicView};
use utfall_payment::Contract;
use utfall_verify::record::EffectResult;
use utfall_verify::{ExactCounts, Run, decide, public_view};

/// The sample's contract with a price for each treated unit.
fn priced() -> Contract {
    let text = sample::CONTRACT_TEXT.replace("[\"point\"]", "[\"point\", \"n-treated\"]")
        + r#"
[[quantity]]
name = "treated"
kind = "input"
from = "absence.n-treated"
sign = "keep"
decimals = 0
rounding = "toward-zero"

[[line]]
name = "each"
kind = "per-unit"
units = "treated"
price = 2500
"#;
    Contract::from_toml("contract.toml", &text).unwrap()
}

fn view(run: &Run, contract: &Contract, policy: &str) -> Protected<PublicView> {
    let policy: Policy = serde_json::from_str(policy).unwrap();
    let mut documents = run.documents.clone();
    documents.funnel.policy = policy;
    documents.decision = decide(contract, &documents.effects, &documents.balance).unwrap();
    let mut funnel = Funnel::new("person", 100_000);
    funnel.apply("enrolled at the index date", 48_631);
    let bin = |from, below, treated, comparator| Bin {
        from,
        below,
        units: Arms {
            treated,
            comparator,
        },
    };
    let exact = ExactCounts {
        funnel,
        overlap: vec![bin(0.0, 0.1, 3, 40_210), bin(0.1, 0.2, 417, 8_001)],
    };
    public_view("absence", "Absence", &documents, &exact, contract).unwrap()
}

const MIDPOINT: &str = r#"{"kind":"midpoint","base":6}"#;
const ACRO: &str = r#"{"kind":"suppress","at-least":10,"zeros":"disclosive","dominance":{"largest":2,"share":0.9},"p-ratio":0.1,"residual-degrees-of-freedom":10}"#;

#[test]
fn a_payment_for_each_unit_is_that_for_the_units_shown() {
    let contract = priced();
    let view = view(&sample::run(), &contract, MIDPOINT);
    let view = view.get();
    assert_eq!(view.compared.treated, Cell::Rounded(411));
    let payment = view.payment.as_ref().unwrap();
    let amounts: Vec<String> = payment.lines.iter().map(minor_units).collect();
    // 411 × 2 500, where 412 were matched.
    assert_eq!(amounts, ["100000000", "102750000"]);
    let text = serde_json::to_string(view).unwrap();
    assert!(!text.contains("412"), "{text}");
}

/// The digits of a line's amount.
fn minor_units(line: &PublicLine) -> String {
    let amount = line.amount.as_ref().unwrap().chars();
    amount.filter(char::is_ascii_digit).collect()
}

#[test]
fn under_acro_the_few_who_were_not_matched_cannot_be_found() {
    let contract = priced();
    let view = view(&sample::run(), &contract, ACRO);
    let view = view.get();
    // 420 treated, of whom 412 were matched: 8 is small.
    assert!([view.arms.treated, view.compared.treated].contains(&Cell::Suppressed));
    assert_eq!(view.fewest_values, Some(10));
    assert_eq!(view.overlap[0].units.treated, Cell::Suppressed);
    let payment = view.payment.as_ref().unwrap();
    if view.compared.treated == Cell::Suppressed {
        assert_eq!(payment.lines[1].amount, None);
        assert_eq!(payment.total, None);
    }
}

#[test]
fn an_amount_that_the_figures_shown_would_decide_otherwise_is_left_out() {
    let contract = priced();
    let mut run = sample::run();
    // Two digits of its error make 0.03996 a fall of 0.04, which the next step would pay for.
    if let EffectResult::Estimated(found) = &mut run.documents.effects.effects[0].result {
        found.estimate.point = -0.039_96;
    }
    let view = view(&run, &contract, MIDPOINT);
    let payment = view.get().payment.as_ref().unwrap();
    assert_eq!(
        (payment.lines[0].branch.as_str(), &payment.lines[0].amount),
        ("paid", &None)
    );
    assert_eq!(payment.total, None);
}

#[test]
fn a_public_view_reads_back() {
    let view = view(&sample::run(), &priced(), ACRO);
    let text = serde_json::to_string(&view).unwrap();
    let back: PublicView = serde_json::from_str(&text).unwrap();
    assert_eq!(&back, view.get());
}

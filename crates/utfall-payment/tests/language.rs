//! What each part of the language does, on contracts of a few lines.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use utfall_payment::{
    Branch, Contract, Decision, Input, Inputs, Language, StepResult, Undecided, explain,
};

const NUMBER: &str = "sign = \"keep\"\ndecimals = 6\nrounding = \"half-even\"\n";

/// A contract in SEK that reads `x` and `y`, with more header keys and lines.
fn contract(header: &str, lines: &str) -> Contract {
    let mut text = format!(
        "schema = \"utfall-contract/1\"\nname = \"small\"\ntitle = \"Small\"\ncurrency = \"SEK\"\n{header}\n"
    );
    for name in ["x", "y"] {
        text += &format!(
            "[[quantity]]\nname = \"{name}\"\nkind = \"input\"\nfrom = \"{name}\"\n{NUMBER}"
        );
    }
    // A line that never pays keeps both quantities in use.
    text += lines;
    text += "\n[[line]]\nname = \"idle\"\nkind = \"fixed\"\namount = 0\n";
    text += "when = { quantity = \"x\", operator = \"<\", value = \"y\" }\n";
    Contract::from_toml("small.toml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn numbers(x: &str, y: &str) -> Inputs {
    let number = |text: &str| Input::Number(text.to_owned());
    Inputs::from([("x".to_owned(), number(x)), ("y".to_owned(), number(y))])
}

fn deferred() -> Input {
    Input::Unavailable {
        reason: "not reported yet".to_owned(),
        branch: Undecided::Deferred,
    }
}

fn total(decision: &Decision) -> (i128, Branch) {
    (decision.total.minor_units(), decision.branch)
}

const AT_LINE: &str = "rounding = { mode = \"half-up\", at = \"line\" }";
const AT_TOTAL: &str = "rounding = { mode = \"half-up\", at = \"total\" }";
const TWO_THIRDS: &str = r#"
[[line]]
name = "a"
kind = "per-unit"
units = "x"
price = "1/3"
[[line]]
name = "b"
kind = "per-unit"
units = "y"
price = "1/3"
"#;

#[test]
fn rounding_happens_at_the_stated_point_alone() {
    let inputs = numbers("0.05", "0.05");
    // 0.01666… twice: 0.02 + 0.02 by line, 0.0333… in all.
    let by_line = contract(AT_LINE, TWO_THIRDS).evaluate(&inputs);
    assert_eq!(total(&by_line), (4, Branch::Paid));
    let in_all = contract(AT_TOTAL, TWO_THIRDS).evaluate(&inputs);
    assert_eq!(total(&in_all), (3, Branch::Paid));
    assert_eq!(in_all.lines[0].exact, "1/60");
    assert_eq!(in_all.lines[0].amount, None);
}

#[test]
fn a_number_crosses_over_at_the_stated_decimals_once() {
    let decision = contract(AT_LINE, TWO_THIRDS).evaluate(&numbers("3.0000005", "2.9999994999"));
    // Half to even at six decimals: 3.000000 and 2.999999.
    let results: Vec<&StepResult> = decision
        .trace
        .iter()
        .take(2)
        .map(|step| &step.result)
        .collect();
    assert_eq!(results[0], &StepResult::Value("3".into()));
    assert_eq!(results[1], &StepResult::Value("2.999999".into()));
}

#[test]
fn marginal_bands_pay_each_part_at_its_own_share() {
    let lines = r#"
[[line]]
name = "bands"
kind = "share"
of = "x"
bands = [{ from = 100, to = 200, share = 0.5 }, { from = 200, to = 300, share = 0 }, { from = 300, share = 2 }]
"#;
    let contract = contract(AT_LINE, lines);
    for (x, expected) in [
        ("-50", 0),
        ("0", 0),
        ("100", 0),
        ("150", 2_500),
        ("200", 5_000),
        ("250", 5_000),
        ("300", 5_000),
        ("301", 5_200),
    ] {
        assert_eq!(
            total(&contract.evaluate(&numbers(x, "0"))).0,
            expected,
            "{x}"
        );
    }
}

#[test]
fn steps_are_reached_by_the_operator_written() {
    let steps = |operator: &str| {
        contract(
            AT_LINE,
            &format!(
                "\n[[line]]\nname = \"s\"\nkind = \"steps\"\nof = \"x\"\noperator = \"{operator}\"\n\
                 steps = [{{ threshold = 1, amount = 10 }}, {{ threshold = 2, amount = 30 }}]\n"
            ),
        )
    };
    for (x, at_least, more_than) in [("0.999999", 0, 0), ("1", 1_000, 0), ("2", 3_000, 1_000)] {
        let inputs = numbers(x, "0");
        assert_eq!(total(&steps(">=").evaluate(&inputs)).0, at_least, "{x}");
        assert_eq!(total(&steps(">").evaluate(&inputs)).0, more_than, "{x}");
    }
    let decision = steps(">=").evaluate(&numbers("1.5", "0"));
    let distances: Vec<_> = decision
        .thresholds
        .iter()
        .take(2)
        .map(|t| t.distance.as_deref())
        .collect();
    assert_eq!(distances, [Some("0.5"), Some("-0.5")]);
}

#[test]
fn a_negative_amount_is_due_back_only_by_a_declared_clawback() {
    let line = |clawback: bool| {
        contract(
            AT_LINE,
            &format!(
                "\n[[line]]\nname = \"p\"\nkind = \"per-unit\"\nunits = \"x\"\nprice = 7\nclawback = {clawback}\n"
            ),
        )
    };
    let inputs = numbers("-3", "0");
    assert_eq!(
        total(&line(false).evaluate(&inputs)),
        (0, Branch::NothingDue)
    );
    assert_eq!(
        total(&line(true).evaluate(&inputs)),
        (-2_100, Branch::RepaymentDue)
    );
}

#[test]
fn a_cap_that_is_a_quantity_never_lets_a_negative_amount_through() {
    let lines = "\n[[line]]\nname = \"c\"\nkind = \"fixed\"\namount = 100\ncap = \"x\"\n";
    let contract = contract(AT_LINE, lines);
    assert_eq!(
        total(&contract.evaluate(&numbers("-5", "0"))),
        (0, Branch::NothingDue)
    );
    // A cap finer than a minor unit is cut, so that rounding cannot overstep it.
    assert_eq!(
        total(&contract.evaluate(&numbers("0.019", "0"))),
        (1, Branch::Paid)
    );
    let decision = contract.evaluate(&numbers("NaN", "0"));
    assert_eq!(total(&decision), (0, Branch::NotMeasurable));
}

#[test]
fn the_contract_cap_prevails_over_the_sum_and_the_floor_lifts_it() {
    let bounded = contract(&format!("{AT_LINE}\ncap = 1\nfloor = 0.5"), TWO_THIRDS);
    assert_eq!(total(&bounded.evaluate(&numbers("9", "9"))).0, 100);
    assert_eq!(total(&bounded.evaluate(&numbers("0", "0"))).0, 50);
    assert_eq!(total(&bounded.evaluate(&numbers("1.2", "1.2"))).0, 80);
}

#[test]
fn a_gate_is_settled_by_what_is_known() {
    let gated = |form: &str| {
        contract(
            AT_LINE,
            &format!(
                "\n[[line]]\nname = \"g\"\nkind = \"fixed\"\namount = 5\nwhen.{form} = [\n\
                 {{ quantity = \"x\", operator = \">\", value = 0 }},\n\
                 {{ quantity = \"y\", operator = \">\", value = 0 }},\n]\n"
            ),
        )
    };
    let half_known = |x: &str| {
        let mut inputs = numbers(x, "0");
        inputs.insert("y".to_owned(), deferred());
        inputs
    };
    let branch = |form: &str, x: &str| gated(form).evaluate(&half_known(x)).lines[0].branch;
    assert_eq!(branch("all", "1"), Branch::Deferred);
    assert_eq!(branch("all", "-1"), Branch::NothingDue);
    assert_eq!(branch("any", "1"), Branch::Paid);
    assert_eq!(branch("any", "-1"), Branch::Deferred);
}

#[test]
fn what_can_never_be_measured_prevails_over_what_is_awaited() {
    let contract = contract(AT_LINE, TWO_THIRDS);
    let mut inputs = numbers("1", "1");
    inputs.insert("x".to_owned(), deferred());
    inputs.insert("y".to_owned(), deferred());
    assert_eq!(contract.evaluate(&inputs).branch, Branch::Deferred);
    inputs.insert("y".to_owned(), Input::Flag(true));
    assert_eq!(contract.evaluate(&inputs).branch, Branch::NotMeasurable);
    inputs.remove("y");
    assert_eq!(contract.evaluate(&inputs).branch, Branch::NotMeasurable);
    inputs.insert("y".to_owned(), Input::Number("3".into()));
    let decision = contract.evaluate(&inputs);
    assert_eq!(total(&decision), (100, Branch::Paid));
    assert_eq!(decision.undecided, ["a", "idle"]);
}

#[test]
fn what_is_left_over_goes_where_the_contract_says() {
    let split = |rule: &str| {
        let parties: String = ["A", "B", "C"]
            .iter()
            .map(|name| {
                format!("[[party]]\nname = \"{name}\"\nrole = \"payer\"\nshare = \"1/3\"\n")
            })
            .collect();
        let header = format!("{AT_LINE}\nremainder = \"{rule}\"\n{parties}");
        let decision = contract(&header, TWO_THIRDS).evaluate(&numbers("3", "0.06"));
        let parts = decision
            .payers
            .iter()
            .map(|payer| payer.amount.minor_units());
        (decision.total.minor_units(), parts.collect::<Vec<_>>())
    };
    assert_eq!(split("first-payer"), (102, vec![34, 34, 34]));
    let split_of_101 = |rule: &str| {
        let parties: String = [("A", "1/6"), ("B", "1/2"), ("C", "1/3")]
            .iter()
            .map(|(name, share)| {
                format!("[[party]]\nname = \"{name}\"\nrole = \"payer\"\nshare = \"{share}\"\n")
            })
            .collect();
        let header = format!("{AT_LINE}\nremainder = \"{rule}\"\n{parties}");
        let decision = contract(&header, TWO_THIRDS).evaluate(&numbers("3", "0.03"));
        let parts = decision
            .payers
            .iter()
            .map(|payer| payer.amount.minor_units());
        parts.collect::<Vec<_>>()
    };
    // 101 in 1/6, 1/2, 1/3: 16.83, 50.5, 33.67; cut to 16, 50, 33 with two left over.
    assert_eq!(split_of_101("first-payer"), [18, 50, 33]);
    assert_eq!(split_of_101("last-payer"), [16, 50, 35]);
    assert_eq!(split_of_101("largest-remainder"), [17, 50, 34]);
}

#[test]
fn a_shared_repayment_adds_up_as_well() {
    let header = format!(
        "{AT_LINE}\nremainder = \"largest-remainder\"\n\
         [[party]]\nname = \"A\"\nrole = \"payer\"\nshare = \"1/3\"\n\
         [[party]]\nname = \"B\"\nrole = \"payer\"\nshare = \"2/3\"\n"
    );
    let lines = "\n[[line]]\nname = \"p\"\nkind = \"per-unit\"\nunits = \"x\"\nprice = 1\nclawback = true\n";
    let decision = contract(&header, lines).evaluate(&numbers("-1", "0"));
    let parts: Vec<i128> = decision
        .payers
        .iter()
        .map(|p| p.amount.minor_units())
        .collect();
    assert_eq!(parts, [-33, -67]);
}

#[test]
fn an_amount_beyond_whole_minor_units_is_not_measurable() {
    let contract = contract(AT_LINE, TWO_THIRDS);
    let decision = contract.evaluate(&numbers("1e300", "3"));
    assert_eq!(decision.lines[0].branch, Branch::NotMeasurable);
    assert_eq!(total(&decision), (100, Branch::Paid));
    let told = explain(&decision, Language::English).join("\n");
    assert!(
        told.contains("not measurable, because the amount is too large"),
        "{told}"
    );
}

#[test]
fn quantities_are_derived_exactly_whatever_their_order_in_the_file() {
    let lines = r#"
[[quantity]]
name = "all"
kind = "sum"
of = ["difference", "product", "ratio", "reduction", "part", "least", "most", "cut", 1]
[[quantity]]
name = "difference"
kind = "difference"
of = "x"
less = "y"
[[quantity]]
name = "product"
kind = "product"
of = ["x", "y", 2]
[[quantity]]
name = "ratio"
kind = "ratio"
of = "x"
to = "y"
[[quantity]]
name = "reduction"
kind = "relative-reduction"
from = "x"
to = "y"
[[quantity]]
name = "part"
kind = "share-of"
of = "x"
share = "1/6"
[[quantity]]
name = "least"
kind = "minimum"
of = ["x", "y", "base"]
[[quantity]]
name = "most"
kind = "maximum"
of = ["x", "y", "base"]
[[quantity]]
name = "cut"
kind = "rounded"
of = "ratio"
decimals = 1
rounding = "ceiling"
[[quantity]]
name = "base"
kind = "constant"
value = 5
[[line]]
name = "l"
kind = "fixed"
amount = "all"
"#;
    // x = 7, y = 3: 4 + 42 + 7/3 + 4/7 + 7/6 + 3 + 7 + 2.4 + 1 = 63.471428…
    let decision = contract(AT_TOTAL, lines).evaluate(&numbers("7", "3"));
    assert_eq!(decision.lines[0].exact, "4443/70");
    assert_eq!(total(&decision), (6_347, Branch::Paid));
    let by_zero = contract(AT_TOTAL, lines).evaluate(&numbers("7", "0"));
    assert_eq!(by_zero.branch, Branch::NotMeasurable);
    assert!(
        explain(&by_zero, Language::English)
            .join("\n")
            .contains("division by zero")
    );
}

//! Money: what is paid, set off, clawed back, reversed; and what holds in every history.

use proptest::prelude::*;
use utfall_accounts::{Account, Action, Book, Journal};
use utfall_payment::{Contract, Input, Inputs, Remainder, share_out};

use super::{TERMS, approve, book, claimed, due, event, pay, try_do};

fn paid(book: &Book, payer: &str) -> i128 {
    -book.balance(&Account::Payer(payer.to_owned()))
}

#[test]
fn payers_share_each_payment_to_the_last_unit_and_caps_bind() {
    let mut book = book(TERMS);
    pay(&mut book, "a", due("outcomes", "100"));
    // 2 : 1 of 10,000 minor units, what is left over by the last.
    assert_eq!(
        (paid(&book, "municipality"), paid(&book, "region")),
        (6_666, 3_334)
    );
    pay(&mut book, "b", due("work", "400"));
    assert_eq!(book.paid(), 40_000, "work pays at most 300");
    pay(&mut book, "c", due("outcomes", "5000"));
    assert_eq!(book.paid(), 100_000, "the contract pays at most 1,000");
}

#[test]
fn what_was_paid_too_much_is_set_off_or_clawed_back() {
    let mut kept = book(TERMS);
    pay(&mut kept, "a", due("outcomes", "500"));
    pay(&mut kept, "b", due("outcomes", "300"));
    assert_eq!(kept.paid(), 50_000, "no clawback");
    pay(&mut kept, "c", due("outcomes", "450"));
    assert_eq!(kept.paid(), 50_000, "set off");
    pay(&mut kept, "d", due("outcomes", "600"));
    assert_eq!(kept.paid(), 60_000);
    let mut back = book(&TERMS.replace("clawback = false", "clawback = true"));
    pay(&mut back, "a", due("outcomes", "500"));
    pay(&mut back, "b", due("outcomes", "300"));
    assert_eq!((back.paid(), paid(&back, "municipality")), (30_000, 20_000));
    try_do(
        &mut back,
        "office",
        Action::Spend {
            provider: "charity".to_owned(),
            amount: "300".to_owned(),
        },
    )
    .unwrap();
    approve(&mut back, "c", due("outcomes", "100"));
    let refused = try_do(
        &mut back,
        "region",
        Action::Pay {
            request: "c".to_owned(),
        },
    )
    .unwrap_err();
    assert_eq!(refused, "200.00 SEK asked for, but only 0.00 SEK is held");
}

#[test]
fn each_claim_is_paid_once_and_again_only_after_reversal() {
    let mut book = book(TERMS);
    pay(
        &mut book,
        "a",
        claimed("outcomes", &[("c1", "100"), ("c2", "50")]),
    );
    let again = Action::Draft {
        request: "b".to_owned(),
        body: claimed("outcomes", &[("c2", "50")]),
    };
    assert_eq!(
        try_do(&mut book, "charity", again).unwrap_err(),
        "the claim `c2` stands in the request `a` already"
    );
    let twice = Action::Draft {
        request: "b".to_owned(),
        body: claimed("outcomes", &[("c3", "1"), ("c3", "1")]),
    };
    assert!(try_do(&mut book, "charity", twice).is_err());
    pay(&mut book, "b", claimed("outcomes", &[("c3", "25")]));
    assert_eq!(book.paid(), 17_500);
    let payments: Vec<u64> = book
        .entries()
        .iter()
        .filter(|entry| matches!(entry.event.action, Action::Pay { .. }))
        .map(|entry| entry.number)
        .collect();
    let [payment, newest] = payments[..] else {
        panic!("{payments:?}")
    };
    let reverse = |book: &mut Book, entry| try_do(book, "office", Action::Reverse { entry });
    assert!(
        reverse(&mut book, payment)
            .unwrap_err()
            .contains("reverse those first")
    );
    reverse(&mut book, newest).unwrap();
    assert_eq!(book.paid(), 15_000);
    reverse(&mut book, payment).unwrap();
    assert_eq!(book.paid(), 0);
    assert!(
        reverse(&mut book, payment)
            .unwrap_err()
            .contains("reversed already")
    );
    assert!(reverse(&mut book, 1).unwrap_err().contains("no money"));
    assert!(
        reverse(&mut book, 99)
            .unwrap_err()
            .contains("there is none")
    );
    // The request stands among those handed in, is corrected, and is paid.
    let correct = Action::Correct {
        request: "a".to_owned(),
        body: claimed("outcomes", &[("c1", "100")]),
    };
    try_do(&mut book, "charity", correct).unwrap();
    for (by, action) in [
        (
            "university",
            Action::Review {
                request: "a".to_owned(),
            },
        ),
        (
            "university",
            Action::Approve {
                request: "a".to_owned(),
            },
        ),
        (
            "region",
            Action::Approve {
                request: "a".to_owned(),
            },
        ),
        (
            "region",
            Action::Pay {
                request: "a".to_owned(),
            },
        ),
    ] {
        try_do(&mut book, by, action).unwrap();
    }
    assert_eq!(book.paid(), 10_000);
}

#[test]
fn a_payment_that_later_ones_build_on_is_not_reversed() {
    let mut book = book(&TERMS.replace("clawback = false", "clawback = true"));
    pay(&mut book, "a", due("outcomes", "1000"));
    pay(&mut book, "b", due("outcomes", "500"));
    pay(&mut book, "c", due("outcomes", "1000"));
    let payments: Vec<u64> = book
        .entries()
        .iter()
        .filter(|entry| matches!(entry.event.action, Action::Pay { .. }))
        .map(|entry| entry.number)
        .collect();
    // Without the 500 that came back, 1,500 would be paid under a cap of 1,000.
    let entry = payments[1];
    let refused = try_do(&mut book, "office", Action::Reverse { entry }).unwrap_err();
    assert!(refused.contains("reverse those first"), "{refused}");
    let entry = payments[2];
    try_do(&mut book, "office", Action::Reverse { entry }).unwrap();
    assert_eq!(book.paid(), 50_000);
}

#[test]
fn nothing_follows_a_final_payment() {
    let mut book = book(TERMS);
    let mut last = due("outcomes", "100");
    last.stage = utfall_accounts::Stage::Final;
    pay(&mut book, "a", last);
    let more = Action::Draft {
        request: "b".to_owned(),
        body: due("outcomes", "200"),
    };
    assert_eq!(
        try_do(&mut book, "charity", more).unwrap_err(),
        "the final payment for `outcomes` was made"
    );
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let mut book = book(TERMS);
    for (by, action, expected) in [
        (
            "bank",
            Action::Invest {
                amount: "-1".to_owned(),
            },
            "an amount of -1.00 SEK",
        ),
        (
            "bank",
            Action::Invest {
                amount: "1e30".to_owned(),
            },
            "within reason",
        ),
        (
            "bank",
            Action::Invest {
                amount: "1.001".to_owned(),
            },
            "is no amount of SEK",
        ),
        (
            "charity",
            Action::Invest {
                amount: "1".to_owned(),
            },
            "it is a provider, expected investor",
        ),
        (
            "nobody",
            Action::Invest {
                amount: "1".to_owned(),
            },
            "`nobody` is no party",
        ),
        (
            "office",
            Action::Spend {
                provider: "charity".to_owned(),
                amount: "1".to_owned(),
            },
            "only 0.00 SEK is held",
        ),
        (
            "office",
            Action::Spend {
                provider: "bank".to_owned(),
                amount: "0".to_owned(),
            },
            "`bank` is no provider",
        ),
        (
            "charity",
            Action::Submit {
                request: "z".to_owned(),
            },
            "no request is called `z`",
        ),
        (
            "charity",
            Action::Draft {
                request: "z".to_owned(),
                body: due("rest", "1"),
            },
            "nothing called `rest`",
        ),
        (
            "charity",
            Action::Draft {
                request: "z".to_owned(),
                body: claimed("outcomes", &[]),
            },
            "expected either",
        ),
    ] {
        let error = try_do(&mut book, by, action).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    assert_eq!(book, super::book(TERMS));
}

/// What a ledger splits by weights, a contract splits by fractions.
#[test]
fn shares_agree_with_those_of_contract_decisions() {
    for (word, rule) in [
        ("first-payer", Remainder::FirstPayer),
        ("last-payer", Remainder::LastPayer),
        ("largest-remainder", Remainder::LargestRemainder),
    ] {
        let contract = format!(
            r#"
schema = "utfall-contract/1"
name = "split"
title = "Split"
currency = "SEK"
rounding = {{ at = "total", mode = "half-even" }}
remainder = "{word}"
[[party]]
name = "a"
role = "payer"
share = "3/11"
[[party]]
name = "b"
role = "payer"
share = "7/11"
[[party]]
name = "c"
role = "payer"
share = "1/11"
[[quantity]]
name = "amount"
kind = "input"
from = "amount"
sign = "keep"
decimals = 2
rounding = "half-even"
[[line]]
name = "all"
kind = "fixed"
amount = "amount"
"#
        );
        let contract = Contract::from_toml("split.toml", &contract)
            .unwrap_or_else(|errors| panic!("{errors}"));
        for minor_units in (0..2_000).step_by(7) {
            let text = format!("{}.{:02}", minor_units / 100, minor_units % 100);
            let inputs = Inputs::from([("amount".to_owned(), Input::Number(text))]);
            let decision = contract.evaluate(&inputs);
            let expected: Vec<i128> = decision
                .payers
                .iter()
                .map(|payer| payer.amount.minor_units())
                .collect();
            assert_eq!(
                share_out(minor_units, &[3, 7, 1], rule),
                expected,
                "{word} {minor_units}"
            );
        }
    }
}

#[test]
fn a_journal_reads_back_and_a_changed_line_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contract.jsonl");
    Journal::create(&path, TERMS).unwrap();
    assert!(
        Journal::create(&path, TERMS)
            .unwrap_err()
            .to_string()
            .contains("there already")
    );
    let mut book = book(TERMS);
    pay(&mut book, "a", due("outcomes", "100"));
    let events: Vec<_> = (1..)
        .zip(book.entries().iter().map(|entry| entry.event.clone()))
        .collect();
    Journal::record(&path, events).unwrap();
    assert_eq!(*Journal::open(&path).unwrap().book(), book);
    let wrong = vec![
        (
            7,
            event(
                "bank",
                Action::Invest {
                    amount: "1".to_owned(),
                },
            ),
        ),
        (9, event("x", Action::Distribute { last: false })),
    ];
    assert_eq!(
        Journal::record(&path, wrong).unwrap_err().to_string(),
        "line 9: `x` is no party of the contract"
    );
    assert_eq!(
        *Journal::open(&path).unwrap().book(),
        book,
        "none of them was kept"
    );
    let text = std::fs::read_to_string(&path).unwrap();
    let altered = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        Journal::open(&path).unwrap_err().to_string()
    };
    assert!(
        altered("\"-6666\"", "\"-6667\"").contains("line 7 of the journal posts other amounts")
    );
    assert!(
        altered("\"due-in-all\":\"100\"", "\"due-in-all\":\"101\"")
            .contains("line 3 of the journal does not carry")
    );
    assert!(
        altered("\"cap\":\"1000\"", "\"cap\":\"2000\"")
            .contains("line 2 of the journal does not carry")
    );
}

/// Something a history may hold; what is not allowed is refused and changes nothing.
#[derive(Debug, Clone)]
enum Step {
    Invest(u32),
    Spend(u32),
    Request {
        work: bool,
        claims: bool,
        amount: u32,
        is_final: bool,
    },
    Reverse(usize),
    Distribute(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..50_000u32).prop_map(Step::Invest),
        (0..50_000u32).prop_map(Step::Spend),
        (
            any::<bool>(),
            any::<bool>(),
            0..80_000u32,
            prop::bool::weighted(0.1)
        )
            .prop_map(|(work, claims, amount, is_final)| Step::Request {
                work,
                claims,
                amount,
                is_final
            }),
        (0..60usize).prop_map(Step::Reverse),
        any::<bool>().prop_map(Step::Distribute),
    ]
}

fn decimal(minor_units: u32) -> String {
    format!("{}.{:02}", minor_units / 100, minor_units % 100)
}

fn take(book: &mut Book, number: usize, step: &Step) {
    let request = format!("r{number}");
    // A step that is refused leaves the book as it was, which `holds` relies on.
    let _refused = match step {
        Step::Invest(amount) => try_do(
            book,
            "bank",
            Action::Invest {
                amount: decimal(*amount),
            },
        ),
        Step::Spend(amount) => {
            let provider = "charity".to_owned();
            try_do(
                book,
                "office",
                Action::Spend {
                    provider,
                    amount: decimal(*amount),
                },
            )
        }
        Step::Reverse(entry) => try_do(
            book,
            "office",
            Action::Reverse {
                entry: *entry as u64,
            },
        ),
        Step::Distribute(last) => try_do(book, "office", Action::Distribute { last: *last }),
        Step::Request {
            work,
            claims,
            amount,
            is_final,
        } => {
            let component = if *work { "work" } else { "outcomes" };
            let amount = decimal(*amount);
            let mut body = if *claims {
                claimed(component, &[(&request, &amount)])
            } else {
                due(component, &amount)
            };
            if *is_final {
                body.stage = utfall_accounts::Stage::Final;
            }
            let name = || request.clone();
            let steps = [
                (
                    "charity",
                    Action::Draft {
                        request: name(),
                        body,
                    },
                ),
                ("charity", Action::Submit { request: name() }),
                ("university", Action::Review { request: name() }),
                ("university", Action::Approve { request: name() }),
                ("region", Action::Approve { request: name() }),
                ("region", Action::Pay { request: name() }),
            ];
            steps
                .into_iter()
                .try_for_each(|(by, action)| try_do(book, by, action))
        }
    };
}

fn holds(book: &Book) {
    assert_eq!(
        book.balances().values().sum::<i128>(),
        0,
        "money is conserved"
    );
    for entry in book.entries() {
        assert_eq!(
            entry
                .postings
                .iter()
                .map(|posting| posting.minor_units)
                .sum::<i128>(),
            0
        );
    }
    assert!((0..=100_000).contains(&book.paid()), "the cap holds");
    assert!(
        book.balance(&Account::Held) >= 0,
        "nothing is spent that is not held"
    );
}

proptest! {
    #[test]
    fn in_any_history_money_is_conserved_and_no_cap_exceeded(
        steps in prop::collection::vec(step(), 0..25),
        clawback in any::<bool>(),
    ) {
        let terms = TERMS.replace("clawback = false", &format!("clawback = {clawback}"));
        let mut book = book(&terms);
        for (number, step) in steps.iter().enumerate() {
            take(&mut book, number, step);
            holds(&book);
        }
        let mut again = super::book(&terms);
        for entry in book.entries() {
            again.record(entry.event.clone()).unwrap();
        }
        prop_assert_eq!(again, book, "played again, the same");
    }

    #[test]
    fn cutting_a_period_in_parts_changes_nothing(amounts in prop::collection::vec(0..40_000u32, 1..8)) {
        let (mut whole, mut parts) = (book(TERMS), book(TERMS));
        let mut sum = 0;
        for (number, amount) in amounts.iter().enumerate() {
            sum += amount;
            pay(&mut parts, &format!("r{number}"), due("outcomes", &decimal(sum)));
        }
        pay(&mut whole, "r", due("outcomes", &decimal(sum)));
        prop_assert_eq!(parts.balances(), whole.balances());
        let mut claims = book(TERMS);
        for (number, amount) in amounts.iter().enumerate() {
            pay(&mut claims, &format!("r{number}"), claimed("outcomes", &[(&format!("c{number}"), &decimal(*amount))]));
        }
        prop_assert_eq!(claims.balances(), whole.balances());
    }
}

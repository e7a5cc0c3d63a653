//! Ledgers, approvals, investors and funds, through the public interface.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod approvals;
mod funds;
mod histories;
mod investors;
mod ledgers;

use utfall_accounts::{Action, Body, Book, ClaimAmount, Event, Stage, Terms};

const TERMS: &str = r#"
schema = "utfall.accounts/1"
name = "contract"
title = "A contract"
currency = "SEK"
cap = "1000"
clawback = false
remainder = "last-payer"
approvals = ["commissioner", "evaluator"]
expires-after-days = 30
[[party]]
name = "municipality"
role = "commissioner"
share = 2
[[party]]
name = "region"
role = "commissioner"
share = 1
[[party]]
name = "university"
role = "evaluator"
[[party]]
name = "office"
role = "intermediary"
[[party]]
name = "charity"
role = "provider"
[[party]]
name = "bank"
role = "investor"
[[component]]
name = "outcomes"
[[component]]
name = "work"
cap = "300"
"#;

fn book(terms: &str) -> Book {
    Book::new(Terms::from_toml(terms).unwrap_or_else(|error| panic!("{error}")))
}

fn event(by: &str, action: Action) -> Event {
    Event {
        day: "2024-01-01".parse().unwrap(),
        by: by.to_owned(),
        action,
    }
}

fn due(component: &str, amount: &str) -> Body {
    Body {
        component: component.to_owned(),
        stage: Stage::Interim,
        due_in_all: Some(amount.to_owned()),
        claims: Vec::new(),
    }
}

fn claimed(component: &str, claims: &[(&str, &str)]) -> Body {
    let claims = claims.iter().map(|(claim, amount)| ClaimAmount {
        claim: (*claim).to_owned(),
        amount: (*amount).to_owned(),
    });
    Body {
        component: component.to_owned(),
        stage: Stage::Interim,
        due_in_all: None,
        claims: claims.collect(),
    }
}

fn try_do(book: &mut Book, by: &str, action: Action) -> Result<(), String> {
    book.record(event(by, action))
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// Takes a request to approval.
fn approve(book: &mut Book, request: &str, body: Body) {
    let request = || request.to_owned();
    let steps = [
        (
            "charity",
            Action::Draft {
                request: request(),
                body,
            },
        ),
        ("charity", Action::Submit { request: request() }),
        ("university", Action::Review { request: request() }),
        ("university", Action::Approve { request: request() }),
        ("municipality", Action::Approve { request: request() }),
    ];
    for (by, action) in steps {
        try_do(book, by, action).unwrap();
    }
}

/// Takes a request all the way.
fn pay(book: &mut Book, request: &str, body: Body) {
    approve(book, request, body);
    try_do(
        book,
        "municipality",
        Action::Pay {
            request: request.to_owned(),
        },
    )
    .unwrap();
}

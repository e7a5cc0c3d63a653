//! Who may do what, and in which order.

use utfall_accounts::{Action, PartyView, State, Terms, seen_by};

use super::{TERMS, approve, book, claimed, due, event, pay, try_do};

fn request() -> String {
    "a".to_owned()
}

#[test]
fn two_parties_of_stated_roles_approve_and_never_the_author() {
    let mut book = book(TERMS);
    // The evaluator drafts, and so may not approve.
    let body = due("outcomes", "100");
    try_do(
        &mut book,
        "university",
        Action::Draft {
            request: request(),
            body,
        },
    )
    .unwrap();
    try_do(
        &mut book,
        "university",
        Action::Submit { request: request() },
    )
    .unwrap();
    let refused = try_do(
        &mut book,
        "university",
        Action::Review { request: request() },
    )
    .unwrap_err();
    assert_eq!(
        refused,
        "`university` may not do this: it is the author of the request"
    );
    try_do(&mut book, "office", Action::Review { request: request() }).unwrap();
    let approve = |book: &mut _, by| try_do(book, by, Action::Approve { request: request() });
    assert!(
        approve(&mut book, "university")
            .unwrap_err()
            .contains("author")
    );
    assert!(
        approve(&mut book, "charity")
            .unwrap_err()
            .contains("it is a provider, expected commissioner or evaluator")
    );
    assert!(
        approve(&mut book, "office")
            .unwrap_err()
            .contains("it is a intermediary")
    );
    approve(&mut book, "municipality").unwrap();
    assert!(
        approve(&mut book, "region")
            .unwrap_err()
            .contains("a commissioner has approved already")
    );
    assert_eq!(book.requests()["a"].state, State::Reviewed);
    let pay = try_do(
        &mut book,
        "municipality",
        Action::Pay { request: request() },
    )
    .unwrap_err();
    assert_eq!(pay, "the request `a` is reviewed, expected approved");
}

#[test]
fn any_change_resets_the_votes() {
    for (by, action) in [
        (
            "charity",
            Action::Correct {
                request: request(),
                body: due("outcomes", "90"),
            },
        ),
        (
            "region",
            Action::Dispute {
                request: request(),
                reason: "days counted twice".to_owned(),
            },
        ),
    ] {
        let mut book = book(TERMS);
        approve(&mut book, "a", due("outcomes", "100"));
        assert_eq!(
            (book.requests()["a"].state, book.requests()["a"].votes.len()),
            (State::Approved, 2)
        );
        try_do(&mut book, by, action).unwrap();
        assert!(book.requests()["a"].votes.is_empty());
        assert!(
            try_do(
                &mut book,
                "municipality",
                Action::Pay { request: request() }
            )
            .is_err()
        );
    }
}

#[test]
fn a_dispute_is_upheld_by_another_or_corrected_by_the_author() {
    let mut book = book(TERMS);
    approve(&mut book, "a", due("outcomes", "100"));
    let dispute = || Action::Dispute {
        request: request(),
        reason: "r".to_owned(),
    };
    assert!(
        try_do(&mut book, "charity", dispute()).is_err(),
        "the author does not dispute"
    );
    try_do(&mut book, "university", dispute()).unwrap();
    let uphold = || Action::Uphold { request: request() };
    assert!(
        try_do(&mut book, "university", uphold())
            .unwrap_err()
            .contains("disputes the request itself")
    );
    try_do(&mut book, "office", uphold()).unwrap();
    assert_eq!(book.requests()["a"].state, State::Submitted);
    try_do(&mut book, "region", dispute()).unwrap();
    try_do(
        &mut book,
        "charity",
        Action::Correct {
            request: request(),
            body: due("outcomes", "80"),
        },
    )
    .unwrap();
    assert_eq!(book.requests()["a"].state, State::Submitted);
}

#[test]
fn a_request_is_withdrawn_or_expires_and_frees_its_claims() {
    let mut book = book(TERMS);
    let draft = |name: &str| Action::Draft {
        request: name.to_owned(),
        body: claimed("outcomes", &[("c1", "10")]),
    };
    try_do(&mut book, "charity", draft("a")).unwrap();
    let taken = try_do(&mut book, "charity", draft("b")).unwrap_err();
    assert_eq!(taken, "the claim `c1` stands in the request `a` already");
    try_do(
        &mut book,
        "charity",
        Action::Withdraw { request: request() },
    )
    .unwrap();
    try_do(&mut book, "charity", draft("b")).unwrap();
    try_do(
        &mut book,
        "charity",
        Action::Submit {
            request: "b".to_owned(),
        },
    )
    .unwrap();
    let expire = |day: &str| {
        let mut expire = event(
            "office",
            Action::Expire {
                request: "b".to_owned(),
            },
        );
        expire.day = day.parse().unwrap();
        expire
    };
    assert!(
        book.record(expire("2024-01-31"))
            .unwrap_err()
            .to_string()
            .contains("good until 2024-01-31")
    );
    book.record(expire("2024-02-01")).unwrap();
    assert_eq!(book.requests()["b"].state, State::Expired);
    let early = book
        .record(event("charity", draft("c")))
        .unwrap_err()
        .to_string();
    assert_eq!(
        early,
        "2024-01-01 lies before 2024-02-01, the day of the last entry"
    );
}

#[test]
fn each_role_sees_what_is_its_own() {
    let mut book = book(TERMS);
    try_do(
        &mut book,
        "bank",
        Action::Invest {
            amount: "500".to_owned(),
        },
    )
    .unwrap();
    try_do(
        &mut book,
        "office",
        Action::Spend {
            provider: "charity".to_owned(),
            amount: "400".to_owned(),
        },
    )
    .unwrap();
    pay(&mut book, "a", due("outcomes", "600"));
    try_do(&mut book, "office", Action::Distribute { last: false }).unwrap();
    let accounts = |party: &str| -> Vec<String> {
        let mut accounts: Vec<String> = seen_by(&book, party)
            .unwrap()
            .iter()
            .flat_map(|seen| {
                seen.postings
                    .iter()
                    .map(|posting| posting.account.to_string())
            })
            .collect();
        accounts.sort();
        accounts.dedup();
        accounts
    };
    assert_eq!(accounts("office").len(), 6);
    assert_eq!(
        accounts("region"),
        ["held", "payer municipality", "payer region"]
    );
    assert_eq!(accounts("charity"), ["held", "provider charity"]);
    assert_eq!(
        accounts("bank"),
        ["capital of bank", "held", "return of bank"]
    );
    assert_eq!(accounts("university"), ["held"]);
    assert_eq!(
        seen_by(&book, "bank").unwrap().len(),
        8,
        "capital, six steps of the request, the distribution"
    );
    assert!(seen_by(&book, "stranger").is_err());

    // A file for one party names no account of another, and its sums are those of the ledger.
    let view = PartyView::of(&book, "bank").unwrap();
    for balance in view
        .balances
        .iter()
        .filter(|one| one.account.party().is_some())
    {
        assert_eq!(balance.sum.minor_units(), book.balance(&balance.account));
    }
    let text = serde_json::to_string(&view).unwrap();
    assert!(text.contains("\"party\":\"bank\"") && text.contains("\"role\":\"investor\""));
    for hidden in ["provider", "{\"payer\""] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    assert!(PartyView::of(&book, "stranger").is_err());
}

#[test]
fn terms_that_do_not_fit_together_are_refused() {
    for (from, to, expected) in [
        ("\"SEK\"", "\"XYZ\"", "unknown currency `XYZ`"),
        (
            "cap = \"1000\"",
            "cap = \"1000.001\"",
            "is no amount of SEK",
        ),
        (
            "share = 1",
            "share = 0",
            "`region`: commissioners have a `share` above 0",
        ),
        (
            "[\"commissioner\", \"evaluator\"]",
            "[\"commissioner\"]",
            "fewer than two roles approve",
        ),
        (
            "[\"commissioner\", \"evaluator\"]",
            "[\"commissioner\", \"provider\"]",
            "a provider does not approve",
        ),
        (
            "name = \"bank\"",
            "name = \"office\"",
            "a second party called `office`",
        ),
        (
            "role = \"investor\"",
            "role = \"investor\"\nguarantor = \"office\"",
            "is no guarantor",
        ),
        (
            "clawback = false",
            "clawback = false\nresidual = \"x\"",
            "`residual` names `x`",
        ),
        (
            "clawback = false",
            "clawback = false\ncolour = 1",
            "unknown field `colour`",
        ),
    ] {
        let error = Terms::from_toml(&TERMS.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

//! One behaviour on SQLite and PostgreSQL: each test runs on both.

use utfall_claims::{Claim, ClaimStore, Event, EventKind, GroupBy, Question, Spell, StoreError};

use super::server::Server;
use super::{claim, day};

const CARD: &str = r#"
schema = "utfall.rate-card/1"
name = "work"
title = "Work"
currency = "SEK"
verified = true
period = { start = "2024-01-01", end = "2026-01-01" }
[[line]]
id = "job"
title = "A job"
price = "1000"
repeats = "first"
[[line]]
id = "days"
title = "Days in work"
price = "10.50"
repeats = "every"
most-per-claim = 31
"#;

/// Runs a test on a new store of each kind, opened as often as it likes.
fn on_both(test: impl Fn(&dyn Fn() -> ClaimStore)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("claims.db").display().to_string();
    test(&|| ClaimStore::open(&path).unwrap());
    if let Some(server) = Server::start() {
        let place = server.place();
        test(&|| ClaimStore::open(&place).unwrap());
    }
}

fn numbered<T>(rows: impl IntoIterator<Item = T>) -> Vec<(u64, T)> {
    (2..).zip(rows).collect()
}

fn persons(store: &mut ClaimStore, n: usize) {
    let persons = (0..n).map(|person| format!("p{person}"));
    store.add_contract(CARD).unwrap();
    store.add_persons("work", &numbered(persons)).unwrap();
}

fn event(claim: &str, kind: EventKind, by: &str) -> Event {
    Event {
        claim: claim.to_owned(),
        kind,
        by: by.to_owned(),
        on: day("2025-01-01"),
        note: None,
    }
}

fn refused(result: Result<impl std::fmt::Debug, StoreError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn claims_are_kept_as_they_were_added() {
    on_both(|open| {
        let mut store = open();
        persons(&mut store, 2);
        let mut added = vec![
            claim("å-1", "p0", "job", "2024-05-01"),
            claim("b", "p1", "days", "2024-05-02"),
        ];
        for claim in &mut added {
            claim.verified = None;
        }
        added[1].quantity = 31;
        added[1].evidence = Some("ab".repeat(32).parse().unwrap());
        assert_eq!(
            store.add_claims("work", &numbered(added.clone())).unwrap(),
            2
        );
        added.reverse(); // in the order of their ids
        assert_eq!(open().claims("work").unwrap(), added);
        assert_eq!(open().contracts().unwrap(), ["work"]);
        store.add_contract(CARD).unwrap();
        let other = CARD.replace("10.50", "10.51");
        assert!(refused(store.add_contract(&other)).contains("another rate card"));
        assert!(
            refused(store.claims("walk"))
                .contains("no contract called `walk` in the store, expected one of work")
        );
    });
}

#[test]
fn a_batch_with_a_wrong_claim_is_refused_whole_with_its_line() {
    on_both(|open| {
        let mut store = open();
        persons(&mut store, 2);
        store
            .add_claims("work", &numbered([claim("a", "p0", "job", "2024-05-01")]))
            .unwrap();
        let with = |change: &dyn Fn(&mut Claim)| {
            let mut wrong = claim("b", "p0", "job", "2024-05-01");
            change(&mut wrong);
            numbered([claim("good", "p1", "job", "2024-05-01"), wrong])
        };
        for (change, expected) in [
            (
                &(|c: &mut Claim| c.person = "nobody".to_owned()) as &dyn Fn(&mut Claim),
                "the person is not known",
            ),
            (
                &|c| c.line = "tennis".to_owned(),
                "the rate card has no line `tennis`",
            ),
            (
                &|c| c.quantity = 4_000_000_000,
                "4000000000 units, expected at most 1",
            ),
            (&|c| c.id = "a".to_owned(), "a claim `a` is there already"),
            (
                &|c| c.id = "good".to_owned(),
                "a claim `good` is there already",
            ),
            (&|c| c.submitted_on = day("2024-04-30"), "submitted before"),
            (
                &|c| c.supersedes = Some("z".to_owned()),
                "no claim `z` to supersede",
            ),
            (
                &|c| c.supersedes = Some("good".to_owned()),
                "another person's",
            ),
        ] {
            let error = refused(store.add_claims("work", &with(change)));
            assert!(
                error.starts_with("line 3: ") && error.contains(expected),
                "{expected}: {error}"
            );
        }
        assert_eq!(store.claims("work").unwrap().len(), 1);
    });
}

#[test]
fn identity_numbers_are_refused_before_anything_is_written() {
    on_both(|open| {
        let mut store = open();
        store.add_contract(CARD).unwrap();
        let numbers = ["19570428-9999", "20000229-2399"].map(str::to_owned);
        let error = refused(store.add_persons("work", &numbered(numbers)));
        assert!(
            error.contains("Swedish personal identity numbers in 2 rows, the first on line 2"),
            "{error}"
        );
        assert!(!error.contains("1957"));
    });
}

#[test]
fn a_correction_supersedes_once_and_nothing_is_edited() {
    on_both(|open| {
        let mut store = open();
        persons(&mut store, 1);
        store
            .add_claims("work", &numbered([claim("a", "p0", "days", "2024-05-01")]))
            .unwrap();
        let mut corrected = claim("a2", "p0", "days", "2024-05-01");
        corrected.quantity = 20;
        corrected.supersedes = Some("a".to_owned());
        store
            .add_claims("work", &numbered([corrected.clone()]))
            .unwrap();
        corrected.id = "a3".to_owned();
        assert!(
            refused(store.add_claims("work", &numbered([corrected])))
                .contains("superseded already")
        );
        store
            .record(
                "work",
                &[
                    event("a", EventKind::Verified, "payer"),
                    event("a2", EventKind::Verified, "payer"),
                ],
            )
            .unwrap();
        let (_, claims, evaluation) = store.evaluate("work", day("2025-12-31")).unwrap();
        assert_eq!(claims.len(), 2);
        assert_eq!(evaluation.total.to_string(), "210.00 SEK");
    });
}

#[test]
fn the_author_of_a_claim_does_not_verify_it_and_events_happen_once() {
    on_both(|open| {
        let mut store = open();
        persons(&mut store, 1);
        store
            .add_claims("work", &numbered([claim("a", "p0", "job", "2024-05-01")]))
            .unwrap();
        let mut verify =
            |claim: &str, by: &str| store.record("work", &[event(claim, EventKind::Verified, by)]);
        assert!(
            refused(verify("a", "provider"))
                .contains("cannot be verified by the one who submitted it")
        );
        assert!(refused(verify("b", "payer")).contains("is not in the store"));
        verify("a", "payer").unwrap();
        assert!(refused(verify("a", "payer")).contains("is verified already"));
        store
            .record("work", &[event("a", EventKind::Withdrawn, "provider")])
            .unwrap();
        let again = store.record("work", &[event("a", EventKind::Withdrawn, "provider")]);
        assert!(refused(again).contains("was withdrawn"));
        let (_, _, before) = store.evaluate("work", day("2024-12-31")).unwrap();
        assert_eq!(before.total.minor_units(), 0, "verified later");
    });
}

#[test]
fn an_open_spell_is_closed_by_one_with_the_same_first_day() {
    on_both(|open| {
        let mut store = open();
        persons(&mut store, 1);
        let spell = |end: Option<&str>| Spell {
            person: "p0".to_owned(),
            state: "tenancy".to_owned(),
            start: day("2024-01-01"),
            end: end.map(day),
        };
        store.add_spells("work", &numbered([spell(None)])).unwrap();
        assert_eq!(store.spells("work").unwrap(), [spell(None)]);
        store
            .add_spells("work", &numbered([spell(Some("2024-03-01"))]))
            .unwrap();
        assert_eq!(store.spells("work").unwrap(), [spell(Some("2024-03-01"))]);
        let mut unknown = spell(None);
        unknown.person = "nobody".to_owned();
        assert!(
            refused(store.add_spells("work", &numbered([unknown])))
                .starts_with("line 2: the person")
        );
    });
}

#[test]
fn writers_at_the_same_time_lose_nothing_and_one_of_two_with_the_same_claim_is_refused() {
    on_both(|open| {
        persons(&mut open(), 50);
        let (n_writers, n_batches, n_each) = (4, 5, 20);
        let kept: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..n_writers)
                .map(|writer| {
                    let mut store = open();
                    scope.spawn(move || {
                        let mut n_shared = 0;
                        for batch in 0..n_batches {
                            let rows = (0..n_each).map(|i| {
                                claim(
                                    &format!("w{writer}-{batch}-{i}"),
                                    &format!("p{i}"),
                                    "days",
                                    "2024-05-01",
                                )
                            });
                            store.add_claims("work", &numbered(rows)).unwrap();
                            let shared =
                                claim(&format!("shared-{batch}"), "p0", "days", "2024-05-01");
                            n_shared +=
                                usize::from(store.add_claims("work", &numbered([shared])).is_ok());
                        }
                        n_shared
                    })
                })
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .sum()
        });
        assert_eq!(kept, n_batches, "each shared claim was taken once");
        assert_eq!(
            open().claims("work").unwrap().len(),
            n_writers * n_batches * n_each + n_batches
        );
    });
}

/// One council would have needed 114 hours for one question about its 1,370 claims.
#[test]
fn one_question_about_1_370_claims_takes_one_call() {
    on_both(|open| {
        let mut store = open();
        persons(&mut store, 300);
        let claims = (0..1_370).map(|i| {
            let day = day("2024-01-01") + chrono::Days::new(i % 365);
            let mut claim = claim(
                &format!("c{i:04}"),
                &format!("p{}", i % 300),
                "days",
                "2024-01-01",
            );
            (claim.achieved, claim.submitted_on) = (day, day);
            claim.quantity = u32::try_from(i % 31 + 1).unwrap();
            claim
        });
        store.add_claims("work", &numbered(claims)).unwrap();
        let events: Vec<Event> = (0..1_370)
            .filter(|i| i % 2 == 0)
            .map(|i| event(&format!("c{i:04}"), EventKind::Verified, "payer"))
            .collect();
        store.record("work", &events).unwrap();
        let (card, claims, evaluation) = store.evaluate("work", day("2025-12-31")).unwrap();
        let question = Question {
            from: Some(day("2024-04-01")),
            to: Some(day("2024-07-01")),
            by: vec![GroupBy::Month, GroupBy::Reason],
            ..Question::default()
        };
        let answer = question.answer(&card, &claims, &evaluation);
        // By hand: the days from 91 to 181 of the year, of each of the years that 1,370 days reach over.
        let asked = |i: &u64| (91..182).contains(&(i % 365));
        let n_claims = (0..1_370u64).filter(asked).count() as u64;
        let units: u64 = (0..1_370u64)
            .filter(asked)
            .filter(|i| i % 2 == 0)
            .map(|i| i % 31 + 1)
            .sum();
        assert_eq!(answer.total.n_claims, n_claims);
        assert_eq!(answer.total.due.minor_units(), i128::from(units) * 1_050);
        let groups: Vec<String> = answer.rows.iter().map(|row| row.group.join(" ")).collect();
        assert_eq!(
            groups[..3],
            [
                "2024-04 due in full",
                "2024-04 not verified",
                "2024-05 due in full"
            ]
        );
    });
}

#[test]
fn a_place_that_is_no_store_is_named_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.db");
    std::fs::write(
        &text,
        "no database at all, but long enough to be taken for one".repeat(20),
    )
    .unwrap();
    let refused = |place: &str| ClaimStore::open(place).map(|_| ()).unwrap_err().to_string();
    assert!(refused(&text.display().to_string()).contains("is no SQLite database"));
    assert!(refused("sqlite:/nowhere/claims.db").contains("cannot be opened"));
    let secret = refused("postgresql://me:hemligt@localhost/claims");
    assert!(secret.contains("holds a password") && !secret.contains("hemligt"));
    assert!(refused("postgresql://me@db.example/claims").contains("TLS is not built in"));
    assert!(refused("postgresql://me@localhost:1/claims").contains("cannot be reached"));
}

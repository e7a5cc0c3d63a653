//! Claims and ledgers at the size of a national programme: time, growth, and what holds in a million histories.
//!
//! - `speed_claims evaluate`: claims against a card of 25 lines with caps for each person and for the contract. Time is
//!   expected to grow with claims.
//! - `speed_claims insert`: claims added to an embedded store in batches.
//! - `speed_claims histories`: ledgers of random events; after each event money is conserved, no cap is exceeded and nothing is
//!   spent that is not held; each claim is paid once; playing a ledger again gives the same.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::time::Instant;

use chrono::{Days, NaiveDate};
use clap::{Parser, Subcommand};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use utfall_accounts::{Account, Action, Body, Book, ClaimAmount, Event, Stage, Terms};
use utfall_claims::{Claim, ClaimStore, RateCard, Verification, evaluate};
use utfall_stats::draws::Stream;

/// Time, growth and invariants of claims and ledgers
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Price claims against a rate card
    Evaluate {
        /// Most claims
        #[arg(long, default_value_t = 1_000_000)]
        most: u64,
    },
    /// Add claims to an embedded store
    Insert {
        /// Claims
        #[arg(long, default_value_t = 100_000)]
        claims: u64,
        /// Claims in each batch
        #[arg(long, default_value_t = 1_000)]
        batch: usize,
    },
    /// Ledgers of random events
    Histories {
        /// Ledgers
        #[arg(long, default_value_t = 1_000_000)]
        histories: u64,
    },
}

fn main() -> Result<(), Box<dyn Error>> {
    match Args::parse().what {
        What::Evaluate { most } => price(most),
        What::Insert { claims, batch } => insert(claims, batch),
        What::Histories { histories } => play(histories),
    }
}

fn price(most: u64) -> Result<(), Box<dyn Error>> {
    let card = RateCard::from_toml(&card())?;
    println!("{:>10}  {:>8}  {:>12}  due", "claims", "ms", "ns a claim");
    for n_claims in [most / 16, most / 8, most / 4, most / 2, most] {
        let claims: Vec<Claim> = (0..n_claims)
            .map(|number| claim(number, n_claims))
            .collect();
        let begun = Instant::now();
        let evaluation = evaluate(&card, &claims, &[], card.period.end());
        let elapsed = begun.elapsed();
        let each = elapsed.as_nanos() / u128::from(n_claims.max(1));
        println!(
            "{n_claims:>10}  {:>8}  {each:>12}  {}",
            elapsed.as_millis(),
            evaluation.total
        );
    }
    Ok(())
}

fn insert(n_claims: u64, batch: usize) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut store = ClaimStore::open(&folder.path().join("claims.db").display().to_string())?;
    store.add_contract(&card())?;
    let claims: Vec<(u64, Claim)> = (0..n_claims)
        .map(|number| (number + 2, claim(number, n_claims)))
        .collect();
    let persons: BTreeSet<&str> = claims
        .iter()
        .map(|(_, claim)| claim.person.as_str())
        .collect();
    let persons: Vec<(u64, String)> = (2..).zip(persons.into_iter().map(str::to_owned)).collect();
    store.add_persons("bench", &persons)?;
    let begun = Instant::now();
    for some in claims.chunks(batch.max(1)) {
        store.add_claims("bench", some)?;
    }
    let elapsed = begun.elapsed();
    let rate = u128::from(n_claims) * 1_000_000 / elapsed.as_micros().max(1);
    println!(
        "{n_claims} claims in batches of {batch}: {} ms, {rate} a second",
        elapsed.as_millis()
    );
    Ok(())
}

/// 25 lines, each capped for a person, and all of them for a person and for the contract.
fn card() -> String {
    let mut card = "schema = \"utfall.rate-card/1\"\nname = \"bench\"\ntitle = \"Bench\"\ncurrency = \"GBP\"\nverified = true\n\
                    period = { start = \"2015-01-01\", end = \"2019-01-01\" }\n"
        .to_owned();
    for line in 0..25 {
        let repeats = ["first", "every"][line % 2];
        // Writing to a string does not fail.
        let _ = write!(
            card,
            "[[line]]\nid = \"line-{line}\"\ntitle = \"Line {line}\"\nprice = \"{}\"\nrepeats = \"{repeats}\"\n\
             [[cap]]\nid = \"person-{line}\"\nper = \"person\"\namount = \"3000\"\nlines = [\"line-{line}\"]\n",
            100 * (line + 1)
        );
    }
    card + "[[cap]]\nid = \"person\"\nper = \"person\"\namount = \"19000\"\n[[cap]]\nid = \"contract\"\nper = \"contract\"\namount = \"100000000000\"\n"
}

/// A claim for one of an eighth as many persons.
fn claim(number: u64, n_claims: u64) -> Claim {
    let mut draws = Stream::new(7, "claims", number);
    let start = NaiveDate::from_ymd_opt(2015, 1, 1).unwrap_or_default();
    let achieved = start
        .checked_add_days(Days::new(draws.below(1_461)))
        .unwrap_or(start);
    Claim {
        id: format!("c{number:08}"),
        person: format!("p{:07}", draws.below(n_claims / 8 + 1)),
        line: format!("line-{}", draws.below(25)),
        achieved,
        quantity: 1,
        evidence: None,
        submitted_by: "provider".to_owned(),
        submitted_on: achieved,
        supersedes: None,
        verified: Some(Verification {
            by: "payer".to_owned(),
            on: achieved,
        }),
        withdrawn: false,
    }
}

const TERMS: &str = r#"
schema = "utfall.accounts/1"
name = "bench"
title = "Bench"
currency = "SEK"
cap = "1000"
clawback = CLAWBACK
remainder = "largest-remainder"
approvals = ["commissioner", "evaluator"]
party = [
    { name = "municipality", role = "commissioner", share = 5 },
    { name = "region", role = "commissioner", share = 3 },
    { name = "state", role = "commissioner", share = 3 },
    { name = "university", role = "evaluator" },
    { name = "office", role = "intermediary" },
    { name = "charity", role = "provider" },
    { name = "bank", role = "investor" },
    { name = "friends", role = "investor", rank = 1, guarantor = "foundation", guaranteed-basis-points = 2500 },
    { name = "foundation", role = "guarantor" },
]
component = [{ name = "outcomes" }, { name = "work", cap = "300" }]
"#;

/// What was seen in histories.
#[derive(Default)]
struct Seen {
    n_events: u64,
    n_refused: u64,
    n_paid: u64,
    n_capped: u64,
}

fn play(n_histories: u64) -> Result<(), Box<dyn Error>> {
    let terms = ["true", "false"].map(|word| Terms::from_toml(&TERMS.replace("CLAWBACK", word)));
    let [back, kept] = terms;
    let terms = [back?, kept?];
    let begun = Instant::now();
    let seen = (0..n_histories)
        .into_par_iter()
        .map(|number| history(&terms[usize::from(number % 2 == 1)], number))
        .try_reduce(Seen::default, |a, b| {
            Ok(Seen {
                n_events: a.n_events + b.n_events,
                n_refused: a.n_refused + b.n_refused,
                n_paid: a.n_paid + b.n_paid,
                n_capped: a.n_capped + b.n_capped,
            })
        })?;
    println!(
        "{n_histories} histories, {} entries, {} events refused, {} payments, {} histories paid to the cap: \
         money conserved, no cap exceeded, each claim paid once, the same when played again ({} s)",
        seen.n_events,
        seen.n_refused,
        seen.n_paid,
        seen.n_capped,
        begun.elapsed().as_secs()
    );
    Ok(())
}

fn history(terms: &Terms, number: u64) -> Result<Seen, String> {
    let mut book = Book::new(terms.clone());
    let mut draws = Stream::new(7, "claims", number);
    let mut seen = Seen::default();
    for step in 0..2 + draws.below(8) {
        for (by, action) in steps(step, &mut draws) {
            let day = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default();
            let by = by.to_owned();
            seen.n_refused += u64::from(book.record(Event { day, by, action }).is_err());
            holds(&book).map_err(|what| format!("history {number}: {what}"))?;
        }
    }
    let mut again = Book::new(terms.clone());
    for entry in book.entries() {
        again
            .record(entry.event.clone())
            .map_err(|error| error.to_string())?;
        seen.n_paid += u64::from(matches!(entry.event.action, Action::Pay { .. }));
    }
    if again != book {
        return Err(format!("history {number} is another when played again"));
    }
    once(&book).map_err(|what| format!("history {number}: {what}"))?;
    seen.n_events = book.entries().len() as u64;
    seen.n_capped = u64::from(book.paid() == 100_000);
    Ok(seen)
}

/// Some events that belong together; some of them are refused.
fn steps(step: u64, draws: &mut Stream) -> Vec<(&'static str, Action)> {
    let amount = |draws: &mut Stream, most| {
        let minor_units = draws.below(most);
        format!("{}.{:02}", minor_units / 100, minor_units % 100)
    };
    let provider = || "charity".to_owned();
    match draws.below(8) {
        0 => vec![(
            ["bank", "friends"][(step % 2) as usize],
            Action::Invest {
                amount: amount(draws, 50_000),
            },
        )],
        1 => vec![(
            "office",
            Action::Spend {
                provider: provider(),
                amount: amount(draws, 50_000),
            },
        )],
        2 => vec![(
            "office",
            Action::Reverse {
                entry: draws.below(40),
            },
        )],
        3 => vec![(
            "office",
            Action::Distribute {
                last: draws.below(8) == 0,
            },
        )],
        kind => {
            let request = || format!("r{step}");
            let body = Body {
                component: ["outcomes", "work"][draws.below(2) as usize].to_owned(),
                stage: if draws.below(12) == 0 {
                    Stage::Final
                } else {
                    Stage::Interim
                },
                due_in_all: (kind < 6).then(|| amount(draws, 80_000)),
                claims: if kind < 6 { Vec::new() } else { claims(draws) },
            };
            vec![
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
                ("region", Action::Approve { request: request() }),
                ("state", Action::Pay { request: request() }),
            ]
        }
    }
}

/// One to three claims out of twelve, so that some were claimed before.
fn claims(draws: &mut Stream) -> Vec<ClaimAmount> {
    (0..1 + draws.below(3))
        .map(|_| ClaimAmount {
            claim: format!("c{}", draws.below(12)),
            amount: (draws.below(30) * 10).to_string(),
        })
        .collect()
}

fn holds(book: &Book) -> Result<(), &'static str> {
    if book.balances().values().sum::<i128>() != 0 {
        return Err("money is not conserved");
    }
    if !(0..=100_000).contains(&book.paid()) {
        return Err("the cap is exceeded");
    }
    if book.balance(&Account::Held) < 0 {
        return Err("more is spent than is held");
    }
    Ok(())
}

/// Whether each claim stands in at most one request that was paid.
fn once(book: &Book) -> Result<(), &'static str> {
    let mut paid = BTreeSet::new();
    let requests = book
        .requests()
        .values()
        .filter(|request| request.paid_in.is_some());
    for claim in requests.flat_map(|request| &request.body.claims) {
        if !paid.insert(&claim.claim) {
            return Err("a claim is paid twice");
        }
    }
    Ok(())
}

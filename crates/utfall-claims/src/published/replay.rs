//! A published contract as a rate card and claims, and back.

use std::fmt::Write as _;

use chrono::{Days, NaiveDate};
use utfall_core::Period;
use utfall_payment::Money;

use super::Metric;
use crate::card::{CardErrors, RateCard};
use crate::claim::{Claim, Verification};
use crate::evaluate::{Evaluation, evaluate};

/// A published contract, replayed claim by claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its rate card.
    pub card: RateCard,
    /// One claim for each unit that was paid, or counted where no payment is published.
    pub claims: Vec<Claim>,
    /// What they are worth.
    pub evaluation: Evaluation,
}

/// The rate card, as TOML, of the metrics of one project: each paid every time, with a cap on the whole if given.
#[must_use]
pub fn rate_card(metrics: &[Metric], period: Period, cap: Option<Money>) -> String {
    let first = metrics.first();
    let name = first.map_or("contract".to_owned(), |metric| {
        metric.project_id.to_lowercase()
    });
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "schema = \"utfall.rate-card/1\"\nname = {}\ntitle = {}\ncurrency = {}\nverified = true\n\
         period = {{ start = \"{}\", end = \"{}\" }}\n",
        quoted(&name),
        quoted(first.map_or("", |metric| &metric.project)),
        quoted(first.map_or("", |metric| metric.unit_price.currency().code())),
        period.start(),
        period.end(),
    );
    for metric in metrics {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n[[line]]\nid = {}\ntitle = {}\nprice = \"{}\"\nrepeats = \"every\"\n",
            quoted(&metric.metric),
            quoted(metric.definition.as_deref().unwrap_or(&metric.metric)),
            metric.unit_price.plain(),
        );
    }
    if let Some(cap) = cap {
        let amount = cap.plain();
        let _ = write!(
            text,
            "\n[[cap]]\nid = \"contract\"\nper = \"contract\"\namount = \"{amount}\"\n"
        );
    }
    text
}

/// Replays the metrics of one project: as many claims as were paid, for as many persons as were counted.
///
/// Where more units were paid than persons counted, persons are claimed for again in turn. Days of achievement are
/// spread over the period in the order of the units; nothing about them is published.
///
/// # Errors
///
/// [`CardErrors`] if the metrics make no card, as with two currencies or a name that is none.
pub fn replay(
    metrics: &[Metric],
    period: Period,
    cap: Option<Money>,
) -> Result<Replay, CardErrors> {
    let card = RateCard::from_toml(&rate_card(metrics, period, cap))?;
    let mut claims = Vec::new();
    let last = period.end().pred_opt().unwrap_or(period.start());
    for metric in metrics {
        let n_units = units(metric);
        let n_persons = metric.results_count.unwrap_or(n_units).max(1);
        for unit in 0..n_units {
            let day = unit * period.days().unsigned_abs() / n_units;
            let achieved = period
                .start()
                .checked_add_days(Days::new(day))
                .unwrap_or(last);
            claims.push(claim(metric, unit, n_persons, achieved, last));
        }
    }
    let evaluation = evaluate(&card, &claims, &[], last);
    Ok(Replay {
        card,
        claims,
        evaluation,
    })
}

/// Units paid, where a payment of whole units is published; else units counted.
fn units(metric: &Metric) -> u64 {
    let price = metric.unit_price.minor_units();
    let paid = metric.actual_payment.map(Money::minor_units);
    let whole = paid
        .filter(|paid| price > 0 && paid % price == 0)
        .map(|paid| paid / price);
    whole
        .and_then(|units| u64::try_from(units).ok())
        .or(metric.results_count)
        .unwrap_or(0)
}

fn claim(
    metric: &Metric,
    unit: u64,
    n_persons: u64,
    achieved: NaiveDate,
    last: NaiveDate,
) -> Claim {
    Claim {
        id: format!("{}-{:06}", metric.metric, unit + 1),
        person: format!("p{:05}", unit % n_persons + 1),
        line: metric.metric.clone(),
        achieved,
        quantity: 1,
        evidence: None,
        submitted_by: "provider".to_owned(),
        submitted_on: achieved,
        supersedes: None,
        verified: Some(Verification {
            by: "payer".to_owned(),
            on: last,
        }),
        withdrawn: false,
    }
}

/// What a store has of a contract, as metrics that can be published: persons as results, and what is due as payment.
///
/// `planned` are the metrics as planned; their planned counts and payments are carried over by name.
#[must_use]
pub fn metrics_of(
    project_id: &str,
    card: &RateCard,
    evaluation: &Evaluation,
    planned: &[Metric],
) -> Vec<Metric> {
    let metrics = card
        .lines
        .iter()
        .zip(&evaluation.lines)
        .map(|(line, total)| {
            let plan = planned.iter().find(|metric| metric.metric == line.id);
            let last = card.period.end().pred_opt().unwrap_or(card.period.start());
            Metric {
                project_id: project_id.to_owned(),
                project: card.title.clone(),
                metric: line.id.clone(),
                definition: Some(line.title.clone()),
                unit_price: card.money(line.price(last).unwrap_or_default()),
                planned_count: plan.and_then(|plan| plan.planned_count),
                planned_payment: plan.and_then(|plan| plan.planned_payment),
                results_count: Some(total.n_persons),
                actual_payment: Some(total.due),
            }
        });
    metrics.collect()
}

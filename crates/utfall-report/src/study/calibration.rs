//! The page of a calibration.

use utfall_design::{Assignment, CalibrationDocument, EffectCalibration, Rate};
use utfall_payment::Money;

use super::{Banner, Fact, Figure, Page, Section, Table, counted, ends, interval, percent};
use crate::number::{amount, count};
use crate::page::outcome::Outcome;
use crate::picture::{Bars, histogram};

pub(super) fn page(document: &CalibrationDocument) -> Page {
    let source = &document.source;
    let mut sections = vec![payments(document)];
    sections.extend(document.effects.iter().enumerate().map(effect));
    sections.push(method(document));
    Page {
        kicker: "Calibration on placebo programmes",
        title: source.title.clone(),
        lede: format!(
            "{} programmes that do nothing were run through the whole plan, from matching to decision, to see what “{}” pays for nothing.",
            count(document.payments.paid.of.into()),
            source.contract
        ),
        banner: banner(document),
        sections,
        footer: format!(
            "Plan {}, seed {}.",
            &source.plan_digest.to_string()[..16],
            source.seed
        ),
    }
}

fn money(money: Money) -> String {
    let currency = money.currency();
    let text = amount(money.minor_units(), currency.exponent());
    format!("{text}\u{a0}{}", currency.code())
}

fn banner(document: &CalibrationDocument) -> Banner {
    let paid = &document.payments.paid;
    let often = paid.interval.is_some_and(|interval| interval.lower > 0.05);
    Banner {
        tone: if often { "alert" } else { "paid" },
        headline: "Paid for nothing",
        amount: percent(paid.share),
        reason: format!(
            "{} placebo programmes would have been paid; the true rate lies between {} (Clopper–Pearson, 95\u{a0}%).",
            counted(paid),
            ends(paid, "and")
        ),
        facts: vec![
            Fact {
                term: "Paid on average",
                value: money(document.payments.mean),
                note: document
                    .payments
                    .mean_when_paid
                    .map(|mean| format!("{} where anything is paid", money(mean))),
            },
            Fact {
                term: "Balance gate passed",
                value: percent(document.balanced.share),
                note: Some(counted(&document.balanced)),
            },
            Fact {
                term: "Not decided",
                value: percent(document.undecided.share),
                note: Some(counted(&document.undecided)),
            },
        ],
    }
}

fn payments(document: &CalibrationDocument) -> Section {
    let payments = &document.payments;
    let [half, twentieth, hundredth] = payments.quantiles;
    let row = |term: &str, value| vec![term.to_owned(), value];
    let rate = |term: &str, rate: &Rate| {
        vec![
            term.to_owned(),
            counted(rate),
            percent(rate.share),
            interval(rate),
        ]
    };
    let mut tables = vec![
        Table {
            caption: "How often".to_owned(),
            note: "with the interval that chance in the draws leaves".to_owned(),
            head: ["", "Programmes", "Share", "95 % interval"]
                .map(str::to_owned)
                .to_vec(),
            rows: vec![
                rate("Paid something", &payments.paid),
                rate("Money due back", &payments.repaid),
                rate("Not decided", &document.undecided),
                rate("Balance gate passed", &document.balanced),
            ],
        },
        Table {
            caption: "How much".to_owned(),
            note: "for a programme without any effect".to_owned(),
            head: ["", "Amount"].map(str::to_owned).to_vec(),
            rows: vec![
                row("Mean over all programmes", money(payments.mean)),
                row("Reached by half of them", money(half)),
                row("Reached by one in twenty", money(twentieth)),
                row("Reached by one in a hundred", money(hundredth)),
                row("Most", money(payments.largest)),
            ],
        },
    ];
    if !document.failures.is_empty() {
        tables.push(Table {
            caption: "Programmes without a decision".to_owned(),
            note: "they count as paid nothing".to_owned(),
            head: ["Reason", "Programmes"].map(str::to_owned).to_vec(),
            rows: document
                .failures
                .iter()
                .map(|failure| vec![failure.reason.clone(), count(failure.n.into())])
                .collect(),
        });
    }
    Section {
        title: "What the contract pays for nothing".to_owned(),
        paragraphs: vec![
            "Nobody in these programmes received anything, so every payment is a false one. A contract that looks only at the point estimate pays often; one that asks for an interval clear of zero pays about as often as the interval errs on the paying side.".to_owned(),
        ],
        figures: Vec::new(),
        tables,
    }
}

fn effect((index, effect): (usize, &EffectCalibration)) -> Section {
    let width = effect.reported_error.unwrap_or(0.0) * 4.0;
    let outcome = Outcome::of_width(&effect.unit, width);
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| outcome.finer(v));
    let level = crate::number::shortest(100.0 * effect.confidence_level, 1);
    let row = |term: &str, value: String| vec![term.to_owned(), value];
    let mut rows = vec![
        row("Estimates", count(effect.covered_zero.of.into())),
        row("Interval covered zero", {
            let covered = &effect.covered_zero;
            format!("{} ({})", percent(covered.share), interval(covered))
        }),
        row("Interval wholly above zero", counted(&effect.above_zero)),
        row("Interval wholly below zero", counted(&effect.below_zero)),
        row("Mean estimate", shown(effect.mean)),
        row("Monte Carlo error of the mean", shown(effect.mean_error)),
        row("Spread of the estimates", shown(effect.spread)),
        row("Standard error reported", shown(effect.reported_error)),
    ];
    if let Some([low, _, middle, _, high]) = effect.quantiles {
        let ends = format!("{} to {}", outcome.finer(low), outcome.finer(high));
        rows.push(row("Median estimate", outcome.finer(middle)));
        rows.push(row("Middle 95 % of estimates", ends));
    }
    let bars = effect.histogram.as_ref().map(|found| Bars {
        label: format!("estimate, {}", outcome.difference_unit()),
        from: outcome.scaled(found.from),
        width: outcome.scaled(found.width),
        counts: found.counts.clone(),
    });
    Section {
        title: effect.title.clone(),
        paragraphs: vec![format!(
            "The true effect is zero. An honest {level}\u{a0}% interval covers it in {level}\u{a0}% of programmes; an honest standard error is as large as the spread of the estimates."
        )],
        figures: bars
            .map(|bars| Figure {
                title: "Estimates of nothing.".to_owned(),
                caption: "Each bar counts placebo programmes by their estimate.".to_owned(),
                picture: histogram(&format!("effect-{index}"), &bars),
            })
            .into_iter()
            .collect(),
        tables: vec![Table {
            caption: "Estimates".to_owned(),
            note: outcome.difference_unit().to_owned(),
            head: ["", "Value"].map(str::to_owned).to_vec(),
            rows,
        }],
    }
}

fn method(document: &CalibrationDocument) -> Section {
    let source = &document.source;
    let how = match source.assignment {
        Assignment::Uniform => "Every unit of the pool was as likely as any other.",
        Assignment::WithinStrata => {
            "In each of the plan’s exact strata as many were drawn as were treated there, every unit as likely as any other."
        }
        Assignment::ByScore => {
            "They were drawn one after the other in proportion to the odds of the plan’s fitted propensity score, so that they differ from the rest as the treated did."
        }
    };
    let looked = if source.before_index_date {
        "All outcomes read lie before the plan’s own index date: nothing that the plan will be judged on was seen."
    } else {
        "Outcomes that lie after the plan’s index date were read, of units that were not treated. The workspace is marked as calibrated on outcomes, and the report of every later run there says so."
    };
    Section {
        title: "How it was done".to_owned(),
        paragraphs: vec![
            format!(
                "For each programme {} of {} units ({}) that took part in no programme were called treated, from {}. {how}",
                source.n_treated, source.n_pool, source.unit, source.index_date
            ),
            "Matching, balance, effects and contract were then run as the plan says; the tables were read once. Each programme draws from a stream of its own, so the same seed gives the same programmes on any machine.".to_owned(),
            looked.to_owned(),
        ],
        figures: Vec::new(),
        tables: Vec::new(),
    }
}

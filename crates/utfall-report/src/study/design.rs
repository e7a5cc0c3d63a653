//! The page of a design.

use utfall_design::{DesignDocument, DesignedEffect, PayingPoint, Role};
use utfall_payment::Money;

use super::{Banner, Fact, Figure, Page, Section, Table, counted, ends, interval, percent};
use crate::number::{amount, count, fixed};
use crate::page::outcome::Outcome;
use crate::picture::{Curve, CurveMark, curve};

pub(super) fn page(document: &DesignDocument) -> Page {
    let mut sections = vec![paying(document)];
    sections.extend(
        document
            .effects
            .iter()
            .enumerate()
            .map(|(index, effect)| power(document, index, effect)),
    );
    Page {
        kicker: "Design before contract",
        title: document.title.clone(),
        lede: format!(
            "What “{}” would pay, by how large the effect truly is, if it is estimated as precisely as planned.",
            document.contract
        ),
        banner: banner(document),
        sections,
        footer: format!(
            "{} draws of each true effect, seed {}.",
            count(document.n_draws.into()),
            document.seed
        ),
    }
}

fn money(money: Money) -> String {
    let currency = money.currency();
    let text = amount(money.minor_units(), currency.exponent());
    format!("{text}\u{a0}{}", currency.code())
}

fn outcome(effect: &DesignedEffect) -> Outcome {
    Outcome::of_width(&effect.unit, 4.0 * effect.standard_error)
}

fn banner(document: &DesignDocument) -> Banner {
    let (nil, hoped) = (document.point(Role::Nil), document.point(Role::AsHoped));
    let paid = |point: Option<&PayingPoint>| {
        point.map_or_else(
            || "–".to_owned(),
            |point| percent(point.payments.paid.share),
        )
    };
    let mean = |point: Option<&PayingPoint>| {
        point.map(|point| format!("{} on average", money(point.payments.mean)))
    };
    let often = nil.is_some_and(|point| {
        let interval = point.payments.paid.interval;
        interval.is_some_and(|interval| interval.lower > 0.05)
    });
    let mut facts = vec![
        Fact {
            term: "Paid if nobody is helped",
            value: paid(nil),
            note: mean(nil),
        },
        Fact {
            term: "Paid if all is as hoped",
            value: paid(hoped),
            note: mean(hoped),
        },
    ];
    facts.extend(document.effects.first().map(|effect| Fact {
        term: "Least effect found",
        value: format!(
            "{} {}",
            outcome(effect).finer(effect.least_detectable),
            outcome(effect).difference_unit()
        ),
        note: Some(format!(
            "{}, with a power of {}",
            effect.name,
            percent(Some(document.power))
        )),
    }));
    Banner {
        tone: if often { "alert" } else { "paid" },
        headline: "Chance of being paid for nothing",
        amount: paid(nil),
        reason: nil.map_or_else(String::new, |point| {
            format!(
                "{} draws without any effect were paid; the true rate lies between {} (Clopper–Pearson, 95\u{a0}%).",
                counted(&point.payments.paid),
                ends(&point.payments.paid, "and")
            )
        }),
        facts,
    }
}

/// What the pictures of payments run along: the first effect, which the others follow.
struct Along<'a> {
    effect: &'a DesignedEffect,
    outcome: Outcome,
}

impl Along<'_> {
    fn name(&self) -> String {
        format!("true effect, {}", self.outcome.difference_unit())
    }

    fn marks(&self) -> Vec<CurveMark> {
        let mark = |at, word| CurveMark {
            at: self.outcome.scaled(at),
            word,
        };
        let thresholds = self.effect.thresholds.iter();
        let mut marks: Vec<CurveMark> = thresholds.map(|at| mark(*at, None)).collect();
        marks.push(mark(0.0, Some("no effect")));
        marks.push(mark(self.effect.hoped, Some("as hoped")));
        marks
    }

    fn points(&self, values: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = values
            .map(|(effect, value)| (self.outcome.scaled(effect), value))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    }
}

fn paying(document: &DesignDocument) -> Section {
    let figures = document.effects.first().map_or_else(Vec::new, |effect| {
        let along = Along {
            effect,
            outcome: outcome(effect),
        };
        let of = |value: fn(&PayingPoint) -> f64| {
            let points = document.points.iter();
            along.points(points.map(|point| (point.effects[0], value(point))))
        };
        let currency = document
            .points
            .first()
            .map_or("", |point| point.payments.mean.currency().code());
        let drawn = |name, title: &str, upwards: String, line, shown| {
            let of = Curve {
                title: title.to_owned(),
                across: along.name(),
                upwards,
                lines: vec![line],
                marks: along.marks(),
                shown,
            };
            curve(name, &of)
        };
        vec![
            Figure {
                title: "How often anything is paid.".to_owned(),
                caption: "Dashed lines are the thresholds of the contract.".to_owned(),
                picture: drawn(
                    "often",
                    "Probability of a payment by true effect",
                    "probability of a payment, %".to_owned(),
                    of(|point| 100.0 * point.payments.paid.share.unwrap_or(0.0)),
                    vec![0.0, 100.0],
                ),
            },
            Figure {
                title: "What is paid on average.".to_owned(),
                caption: "Over all draws, those that are paid nothing too.".to_owned(),
                picture: drawn(
                    "payment",
                    "Expected payment by true effect",
                    format!("expected payment, {currency}"),
                    of(|point| major(point.payments.mean)),
                    vec![0.0],
                ),
            },
        ]
    });
    let together = if document.effects.len() > 1 {
        " Effects move together, in proportion to what is hoped of each, and their errors are drawn independently of each other."
    } else {
        ""
    };
    Section {
        title: "What the contract pays".to_owned(),
        paragraphs: vec![format!(
            "For each true effect {} estimates were drawn with the precision of the design, and the contract was evaluated on each, exactly, as a run evaluates it. The groups are taken to be balanced.{together}",
            count(document.n_draws.into())
        )],
        figures,
        tables: vec![table(document)],
    }
}

fn table(document: &DesignDocument) -> Table {
    let mut head: Vec<String> = vec!["Of what is hoped".to_owned()];
    head.extend(document.effects.iter().map(|effect| effect.name.clone()));
    let saving = document
        .points
        .first()
        .map_or(&[][..], |point| point.savings.as_slice());
    let of_money = document.effects.iter().zip(saving);
    let of_money = of_money.filter(|(_, saving)| saving.is_some());
    head.extend(of_money.map(|(effect, _)| format!("Savings by {}", effect.name)));
    head.extend(["Paid", "95 % interval", "Mean payment"].map(str::to_owned));
    let row = |point: &PayingPoint| {
        let mut row = vec![match point.role {
            Role::Nil => "nothing".to_owned(),
            Role::AsHoped => "all".to_owned(),
            Role::Other => format!("{}\u{a0}%", fixed(100.0 * point.share_of_hoped, 0)),
        }];
        let effects = document.effects.iter().zip(&point.effects);
        row.extend(effects.map(|(effect, value)| outcome(effect).finer(*value)));
        row.extend(point.savings.iter().flatten().map(|value| fixed(*value, 0)));
        row.push(percent(point.payments.paid.share));
        row.push(interval(&point.payments.paid));
        row.push(money(point.payments.mean));
        row
    };
    Table {
        caption: "Payment by true effect".to_owned(),
        note: "effects in the unit of each".to_owned(),
        head,
        rows: document.points.iter().map(row).collect(),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a height in a picture; the table has the amount"
)]
fn major(money: Money) -> f64 {
    let exponent = i32::try_from(money.currency().exponent()).unwrap_or(0);
    money.minor_units() as f64 / 10_f64.powi(exponent)
}

fn power(document: &DesignDocument, index: usize, effect: &DesignedEffect) -> Section {
    let along = Along {
        effect,
        outcome: outcome(effect),
    };
    let outcome = &along.outcome;
    let row = |term: &str, value: String| vec![term.to_owned(), value];
    let degrees = effect.degrees_of_freedom;
    let points = effect.curve.iter();
    let line = along.points(points.map(|point| (point.effect, 100.0 * point.power)));
    Section {
        title: format!("Finding {}", effect.name),
        paragraphs: vec![format!(
            "The chance that a two-sided test at the {} level finds the effect, by how large it truly is.",
            percent(Some(document.alpha))
        )],
        figures: vec![Figure {
            title: "Power.".to_owned(),
            caption: "Without any effect it is the level of the test.".to_owned(),
            picture: curve(
                &format!("power-{index}"),
                &Curve {
                    title: "Power by true effect".to_owned(),
                    across: along.name(),
                    upwards: "power, %".to_owned(),
                    lines: vec![line],
                    marks: along.marks(),
                    shown: vec![0.0, 100.0],
                },
            ),
        }],
        tables: vec![Table {
            caption: "Precision".to_owned(),
            note: outcome.difference_unit().to_owned(),
            head: ["", "Value"].map(str::to_owned).to_vec(),
            rows: vec![
                row("Hoped for", outcome.finer(effect.hoped)),
                row("Standard error", outcome.finer(effect.standard_error)),
                row(
                    "Degrees of freedom",
                    degrees.map_or_else(|| "normal".to_owned(), |v| fixed(v, 0)),
                ),
                row("Power if as hoped", percent(Some(effect.power_if_as_hoped))),
                row(
                    &format!(
                        "Least effect found with power {}",
                        percent(Some(document.power))
                    ),
                    outcome.finer(effect.least_detectable),
                ),
            ],
        }],
    }
}

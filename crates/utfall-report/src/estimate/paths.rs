//! What happened, and what would have happened: synthetic control and a segmented series.

use utfall_request::{Numbers, Series, SyntheticControl};

use super::{Drawn, by_label, by_number, digits, optional, time};
use crate::ReportError;
use crate::number::p_value;
use crate::picture::{Ink, Layer, Plot, Point};
use crate::study::{Fact, Table};

/// Draws the treated mean and its counterfactual; with placebos, gaps among those of all donors.
pub(super) fn synthetic(part: &SyntheticControl, numbers: &Numbers) -> Result<Drawn, ReportError> {
    let (placebos, n_poor) = drawn_placebos(numbers);
    let gap = by_number(numbers, "gap");
    let treated = by_number(numbers, "treated_path");
    let counterfactual = by_number(numbers, "counterfactual_path");
    let has_fan = !placebos.is_empty();
    let mut layers = Vec::new();
    for (index, (_, path)) in placebos.iter().enumerate() {
        layers.push(Layer {
            word: (index == 0).then(|| "each donor as if treated".to_owned()),
            ink: Ink::Faint,
            points: points(path.iter().map(|(at, _, value)| (*at, *value))),
        });
    }
    if has_fan {
        layers.push(line("treated less synthetic", Ink::Line, &gap));
    } else {
        layers.push(line("without treatment", Ink::Dashed, &counterfactual));
        layers.push(line("treated", Ink::Line, &treated));
    }
    let rows = gap
        .iter()
        .zip(treated.iter().zip(&counterfactual))
        .map(|(gap, (treated, without))| {
            vec![
                time(gap.0),
                digits(treated.1),
                digits(without.1),
                digits(gap.1),
                fan(&placebos, gap.0),
            ]
        })
        .collect();
    let mut facts = vec![Fact {
        term: "Fit before treatment",
        value: optional(numbers.get("rmse_before")),
        note: Some("root mean square of the gap".to_owned()),
    }];
    if let Some(p) = numbers.get("p_placebo") {
        facts.push(Fact {
            term: "Placebo p-value",
            value: p_value(p),
            note: Some("share of effects as far from zero".to_owned()),
        });
    }
    Ok(Drawn {
        title: format!("{} with and without treatment", part.outcome),
        lede: "Other units, weighted to follow the treated before, say what would have been."
            .to_owned(),
        amount: optional(numbers.get("estimate")),
        reason: format!("The mean effect on {} from {} on.", part.outcome, part.from),
        facts,
        caption: if has_fan {
            format!(
                "An effect stands out if its line leaves the lines of the donors. {}",
                match n_poor {
                    0 => "Every donor is drawn.".to_owned(),
                    n => format!(
                        "Donors whose mean squared gap before treatment is more than {POOR_FIT} times that of the treated are not drawn ({n}): no control was found for them, and their later gaps say nothing."
                    ),
                }
            )
        } else {
            "The effect is the distance between the lines after treatment began.".to_owned()
        },
        plot: Plot {
            title: if has_fan { "Gap and placebos" } else { "Paths" }.to_owned(),
            description: "The table below has every number.".to_owned(),
            across: part.time.clone(),
            upwards: if has_fan {
                format!("{}, treated less synthetic", part.outcome)
            } else {
                part.outcome.clone()
            },
            layers,
            change: Some((part.from, "treatment")),
            shown: if has_fan { vec![0.0] } else { Vec::new() },
            rows: Vec::new(),
        },
        table: Table {
            caption: "Paths".to_owned(),
            note: "Placebos: least and greatest gap among the donors drawn.".to_owned(),
            head: ["time", "treated", "without treatment", "gap", "placebos"]
                .map(str::to_owned)
                .to_vec(),
            rows,
        },
    })
}

/// Donors that their controls follow worse than this many times as badly as the treated, by mean squared
/// gap before treatment, are not drawn (Abadie, Diamond and Hainmueller 2010, figures 5 to 7: 20, 5 and 2).
const POOR_FIT: u32 = 5;

/// The placebo gaps to draw, and how many donors are left out for their poor fit.
fn drawn_placebos(numbers: &Numbers) -> (Vec<super::Labelled>, usize) {
    let all = by_label(numbers, "placebo_gap");
    let n_all = all.len();
    let limit = numbers
        .get("rmse_before")
        .map(|own| f64::from(POOR_FIT) * own * own);
    let is_poor = |donor: &str| {
        let own = numbers.get(&format!("placebo_rmse_before.{donor}"));
        matches!((own, limit), (Some(own), Some(limit)) if own * own > limit)
    };
    let drawn: Vec<_> = all
        .into_iter()
        .filter(|(donor, _)| !is_poor(donor))
        .collect();
    let n_poor = n_all - drawn.len();
    (drawn, n_poor)
}

/// Draws a series, its model and the model without the intervention.
pub(super) fn series(part: &Series, numbers: &Numbers) -> Result<Drawn, ReportError> {
    let observed = by_number(numbers, "observed_path");
    let fitted = by_number(numbers, "fitted_path");
    let without = by_number(numbers, "counterfactual_path");
    if observed.is_empty() {
        return Err(ReportError::NoPicture {
            remedy: "name the terms of the `intervention`, so that what would have been can be told",
        });
    }
    let gaps: Vec<(f64, f64)> = fitted
        .iter()
        .zip(&without)
        .map(|(one, other)| (one.0, one.1 - other.1))
        .collect();
    let first = gaps.iter().position(|gap| gap.1.abs() > 0.0);
    let last = gaps.last().map(|gap| gap.1);
    let after = &without[first.unwrap_or(0)..];
    let rows = observed
        .iter()
        .zip(fitted.iter().zip(&without))
        .zip(&gaps)
        .map(|((seen, (model, without)), gap)| {
            vec![
                time(seen.0),
                digits(seen.1),
                digits(model.1),
                digits(without.1),
                digits(gap.1),
            ]
        })
        .collect();
    let level = super::percent(part.confidence_level.fraction());
    let facts = part.intervention.iter().take(3).filter_map(|term| {
        Some(Fact {
            term: "Coefficient",
            value: digits(numbers.get(&format!("coef.{term}"))?),
            note: Some(term.clone()),
        })
    });
    Ok(Drawn {
        title: format!("{} with and without the intervention", part.outcome),
        lede: "A regression on time before and after; without its intervention it says what would have been.".to_owned(),
        amount: optional(last),
        reason: "Model with less model without the intervention, at the last time.".to_owned(),
        facts: facts.collect(),
        caption: format!("Intervals of the coefficients, at {level}, are in the answer."),
        plot: Plot {
            title: "Interrupted series".to_owned(),
            description: "The table below has every number.".to_owned(),
            across: part.time.clone(),
            upwards: part.outcome.clone(),
            layers: vec![
                line("observed", Ink::OpenDots, &observed),
                line("model", Ink::Line, &fitted),
                line("without the intervention", Ink::Dashed, after),
            ],
            change: first.map(|at| (gaps[at].0, "intervention")),
            shown: Vec::new(),
            rows: Vec::new(),
        },
        table: Table {
            caption: "The series and its model".to_owned(),
            note: "Difference: model less model without the intervention.".to_owned(),
            head: ["time", "observed", "model", "without", "difference"]
                .map(str::to_owned)
                .to_vec(),
            rows,
        },
    })
}

fn points(path: impl Iterator<Item = (f64, f64)>) -> Vec<Point> {
    let point = |(at, value)| Point {
        at,
        value,
        limits: None,
    };
    path.map(point).collect()
}

fn line(word: &str, ink: Ink, path: &[(f64, f64)]) -> Layer {
    Layer {
        word: Some(word.to_owned()),
        ink,
        points: points(path.iter().copied()),
    }
}

/// The least and greatest placebo gap at a time.
fn fan(placebos: &[super::Labelled], at: f64) -> String {
    let here = placebos
        .iter()
        .flat_map(|(_, path)| path)
        .filter(|(time, ..)| time.total_cmp(&at).is_eq())
        .map(|(_, _, value)| *value);
    let (least, most) = here.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), value| {
        (a.min(value), b.max(value))
    });
    super::range((least <= most).then_some((least, most)))
}

//! Survival at the times that were asked for, with the number at risk.

use utfall_disclosure::{Cell, Policy};
use utfall_request::{Numbers, Survival};

use super::{Drawn, by_label, digits, limits, range, shown, time, whole};
use crate::ReportError;
use crate::number::p_value;
use crate::picture::{Ink, Layer, Plot, Point};
use crate::study::{Fact, Table};

/// How groups are told apart, in their order.
const INKS: [Ink; 2] = [Ink::Dots, Ink::OpenDots];

/// Everyone is without the event at first.
const BEGINNING: Point = Point {
    at: 0.0,
    value: 1.0,
    limits: None,
};

/// Draws each group at the times of the request.
///
/// A step at every event would tell when single persons had it. So a time is told only if the policy
/// allows the persons at risk there, the events since the time told before, and those who left since.
pub(super) fn draw(
    part: &Survival,
    numbers: &Numbers,
    policy: &Policy,
) -> Result<Drawn, ReportError> {
    let groups = by_label(numbers, "survival");
    if groups.is_empty() {
        return Err(ReportError::NoPicture {
            remedy: "give `times` to `[survival]`: the picture is of these alone, since a step at each event would tell of single persons",
        });
    }
    let level = super::percent(part.confidence_level.fraction());
    let (mut layers, mut rows, mut at_risk) = (Vec::new(), Vec::new(), Vec::new());
    let (mut last, mut until) = (Vec::new(), Vec::new());
    for (index, (group, times)) in groups.iter().enumerate() {
        let mut points = Vec::new();
        let mut counts = Vec::new();
        let mut told = None;
        for (at, key, value) in times {
            let of = |name: &str| whole(numbers.get(&format!("{name}.{key}")).unwrap_or(0.0));
            let here = (of("n_risk"), of("n_events_by"));
            let cell = if policy.tells_step(told, here) {
                policy.release(here.0)
            } else {
                Cell::Suppressed
            };
            let interval = limits(numbers, "survival_ci_low", "survival_ci_high", key);
            let is_told = cell.value().is_some();
            if is_told {
                told = Some(here);
                points.push(Point {
                    at: *at,
                    value: *value,
                    limits: interval,
                });
                counts.push((*at, shown(cell)));
            }
            let withheld = || "withheld".to_owned();
            rows.push(vec![
                format!("{group}, {}", time(*at)),
                if is_told { digits(*value) } else { withheld() },
                if is_told { range(interval) } else { withheld() },
                shown(cell),
            ]);
        }
        if let Some(point) = points.last() {
            last.push(digits(point.value));
            until.push(format!("{group} at {}", time(point.at)));
        }
        let ink = INKS[index.min(INKS.len() - 1)];
        layers.push(Layer {
            word: None,
            ink: if index == 0 { Ink::Line } else { Ink::Second },
            points: std::iter::once(&BEGINNING)
                .chain(&points)
                .map(|point| Point {
                    limits: None,
                    ..*point
                })
                .collect(),
        });
        layers.push(Layer {
            word: Some(format!("{group}, {level} intervals")),
            ink,
            points,
        });
        at_risk.push((format!("at risk: {group}"), counts));
    }
    let mut facts = Vec::new();
    if let Some(p) = numbers.get("chi_squared_p") {
        facts.push(Fact {
            term: "Equal curves, p",
            value: p_value(p),
            note: Some("weighted log-rank test".to_owned()),
        });
    }
    Ok(Drawn {
        title: format!("Share without {} by {}", part.event, part.group),
        lede: "Kaplan and Meier's estimate at the times of the request.".to_owned(),
        amount: if last.is_empty() {
            "withheld".to_owned()
        } else {
            last.join(" and ")
        },
        reason: format!("Share without {}: {}.", part.event, until.join(" and ")),
        facts,
        caption: "Read at the times shown; the lines between them only guide the eye.".to_owned(),
        plot: Plot {
            title: "Survival".to_owned(),
            description: "The table below has every number.".to_owned(),
            across: part.time.clone(),
            upwards: format!("share without {}", part.event),
            layers,
            change: None,
            shown: vec![1.0],
            rows: at_risk,
        },
        table: Table {
            caption: "Survival and persons at risk".to_owned(),
            note: "What rests on too few persons is withheld under the disclosure policy."
                .to_owned(),
            head: ["group, time", "survival", "interval", "at risk"]
                .map(str::to_owned)
                .to_vec(),
            rows,
        },
    })
}

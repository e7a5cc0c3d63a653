//! Effects by time since the start, with intervals and a uniform band.

use utfall_request::Numbers;

use super::{Drawn, by_number, digits, limits, percent, range};
use crate::ReportError;
use crate::number::p_value;
use crate::picture::{Ink, Layer, Plot, Point};
use crate::study::{Fact, Table};

/// Draws the block `dynamic` of an answer.
pub(super) fn draw(
    outcome: &str,
    time: &str,
    level: f64,
    numbers: &Numbers,
) -> Result<Drawn, ReportError> {
    let effects = by_number(numbers, "dynamic");
    if effects.is_empty() {
        return Err(ReportError::NoPicture {
            remedy: "effects by time since the start are wanted: `aggregate = [{ kind = \"dynamic\" }]`, or a `method` of `adoption` that has them",
        });
    }
    let level = percent(level);
    let mut points = Vec::new();
    let mut band = Vec::new();
    let mut rows = Vec::new();
    for &(at, value) in &effects {
        let key = at.to_string();
        let pointwise = pointwise(numbers, &key);
        let uniform = limits(numbers, "dynamic_band_low", "dynamic_band_high", &key);
        let point = |limits| Point { at, value, limits };
        points.push(point(pointwise));
        band.extend(uniform.map(|uniform| point(Some(uniform))));
        let error = numbers
            .get(&format!("dynamic_se.{key}"))
            .or_else(|| by_first_error(numbers, "se", &key));
        rows.push(vec![
            super::time(at),
            digits(value),
            super::optional(error),
            range(pointwise),
            range(uniform),
        ]);
    }
    let (before, after): (Vec<Point>, Vec<Point>) =
        points.into_iter().partition(|point| point.at < 0.0);
    let mut layers = Vec::new();
    let has_band = !band.is_empty();
    if has_band {
        layers.push(Layer {
            word: Some(format!("uniform {level} band")),
            ink: Ink::Band,
            points: band,
        });
    }
    for (word, ink, points) in [
        ("before the start", Ink::OpenDots, before),
        ("from the start on", Ink::Dots, after),
    ] {
        if !points.is_empty() {
            layers.push(Layer {
                word: Some(format!("{word}, {level} intervals")),
                ink,
                points,
            });
        }
    }
    let (key, what) = if numbers.get("overall.dynamic").is_some() {
        ("dynamic", "mean over the times from the start on")
    } else {
        ("static", "mean over treated rows")
    };
    let overall = numbers.get(&format!("overall.{key}"));
    let interval = limits(numbers, "overall_ci_low", "overall_ci_high", key);
    let mut facts = vec![Fact {
        term: "Interval of the mean",
        value: range(interval),
        note: Some(format!("at {level}")),
    }];
    if let Some(p) = numbers.get("pretest_p") {
        facts.push(Fact {
            term: "Effects before the start, p",
            value: p_value(p),
            note: Some("Wald test that all are zero".to_owned()),
        });
    }
    Ok(Drawn {
        title: format!("Effects on {outcome} by time since the start"),
        lede: "Units start at different times. Each point is the mean effect on those that started so long ago.".to_owned(),
        amount: super::optional(overall),
        reason: format!("The effect on the treated, {what}."),
        facts,
        caption: if has_band {
            "Points before the start should lie near zero. The band holds all effects at once.".to_owned()
        } else {
            "Points before the start should lie near zero. Intervals are pointwise.".to_owned()
        },
        plot: Plot {
            title: "Event study".to_owned(),
            description: "The table below has every number.".to_owned(),
            across: format!("time since the start, in units of {time}"),
            upwards: format!("effect on {outcome}"),
            layers,
            change: Some((-0.5, "start")),
            shown: vec![0.0],
            rows: Vec::new(),
        },
        table: Table {
            caption: "Effects by time since the start".to_owned(),
            note: format!("Intervals and band at {level}."),
            head: ["time", "effect", "standard error", "interval", "uniform band"]
                .map(str::to_owned)
                .to_vec(),
            rows,
        },
    })
}

/// The pointwise interval, in closed form where there is one; of the first named error else.
fn pointwise(numbers: &Numbers, key: &str) -> Option<(f64, f64)> {
    limits(numbers, "dynamic_ci_low", "dynamic_ci_high", key).or_else(|| {
        Some((
            by_first_error(numbers, "ci_low", key)?,
            by_first_error(numbers, "ci_high", key)?,
        ))
    })
}

/// `dynamic_<what>_<error>` of the first error by name.
fn by_first_error(numbers: &Numbers, what: &str, key: &str) -> Option<f64> {
    let prefix = format!("dynamic_{what}_");
    let name = numbers.names().find(|name| name.starts_with(&prefix))?;
    numbers.get(&format!("{name}.{key}"))
}

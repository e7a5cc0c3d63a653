//! The answer to a request over time as a picture, with its numbers in a table.

mod discontinuity;
mod event_study;
mod paths;
mod survival;

use serde::Serialize;
use utfall_disclosure::{Cell, Policy, Reason};
use utfall_request::{Answer, Numbers, Request};
use utfall_verify::record::ModelRecord;

use crate::ReportError;
use crate::number::{count, fixed};
use crate::picture::{Picture, Plot, place, plot};
use crate::render::fill;
use crate::study::{Banner, Fact, Figure, Page, Section, Table};
use crate::svg::STYLE_ALONE;

/// A picture of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimatePicture {
    /// One HTML page, complete in itself: the estimate, the picture and its numbers.
    pub page: String,
    /// The picture alone, as an SVG file.
    pub svg: String,
}

/// What is drawn of one answer.
struct Drawn {
    title: String,
    lede: String,
    /// The estimate, and what it is.
    amount: String,
    reason: String,
    facts: Vec<Fact>,
    caption: String,
    plot: Plot,
    table: Table,
}

/// Draws the answer to a request: an event study (`staggered`, `adoption`, `stacked`), a path and what
/// it would have been (`synthetic`, `series` with its `intervention`), the means on both sides of a
/// cutoff (`discontinuity` with `bins`) or survival curves (`survival` with `times`).
///
/// Persons at risk and rows in a bin are released under `policy`; what rests on a count that may not
/// be told is left out of the picture and withheld in the table.
///
/// # Errors
///
/// [`ReportError::NoPicture`] if the answer has nothing of these, with what the request lacks;
/// [`ReportError::Template`] if the template refuses the page, which is a fault in this crate.
pub fn render_estimate(
    request: &Request,
    answer: &Answer,
    policy: &Policy,
) -> Result<EstimatePicture, ReportError> {
    let drawn = drawn(request, &answer.numbers, policy)?;
    let picture = plot("estimate", &drawn.plot);
    let svg = picture
        .wide
        .replacen("</desc>", &format!("</desc>{STYLE_ALONE}"), 1);
    let warnings = answer.numbers.warnings().iter().map(ToString::to_string);
    let page = Page {
        kicker: "Estimate",
        title: drawn.title,
        lede: drawn.lede,
        banner: Banner {
            tone: "paid",
            headline: "Estimate",
            amount: drawn.amount,
            reason: drawn.reason,
            facts: drawn.facts,
        },
        sections: vec![Section {
            title: "Picture and numbers".to_owned(),
            paragraphs: warnings.map(|text| format!("Warning: {text}.")).collect(),
            figures: vec![Figure {
                title: drawn.plot.title,
                caption: drawn.caption,
                picture,
            }],
            tables: vec![drawn.table],
        }],
        footer: "Drawn by utfall estimate.".to_owned(),
    };
    let page = fill("study.html", &page)?;
    Ok(EstimatePicture { page, svg })
}

/// The picture of an effect that a model estimated, its numbers, and what to know of them.
#[derive(Debug, Serialize)]
pub(crate) struct ModelPicture {
    pub(crate) title: String,
    pub(crate) caption: String,
    pub(crate) picture: Picture,
    pub(crate) table: Table,
    pub(crate) warnings: Vec<String>,
}

/// Draws what a run recorded of a model, if there is a picture of such; `name` is unique in the page.
///
/// What may not be told was left out when it was recorded.
pub(crate) fn of_record(name: &str, effect: &str, model: &ModelRecord) -> Option<ModelPicture> {
    let parts = serde_json::from_str(&model.request).ok()?;
    let request = Request::on_rows(parts).ok()?;
    let kept = model.numbers.iter();
    let numbers = Numbers::of_flat(kept.map(|(name, value)| (name.as_str(), *value)));
    let reason = Reason::try_from("left out when it was recorded".to_owned()).ok()?;
    let drawn = drawn(&request, &numbers, &Policy::None { reason }).ok()?;
    Some(ModelPicture {
        title: format!("{effect}: {}.", drawn.plot.title),
        caption: drawn.caption,
        picture: plot(name, &drawn.plot),
        table: drawn.table,
        warnings: model.warnings.clone(),
    })
}

fn drawn(request: &Request, numbers: &Numbers, policy: &Policy) -> Result<Drawn, ReportError> {
    let Request::Model(model) = request else {
        return Err(NOTHING_OVER_TIME);
    };
    if let Some(part) = &model.discontinuity {
        discontinuity::draw(part, numbers, policy)
    } else if let Some(part) = &model.survival {
        survival::draw(part, numbers, policy)
    } else if let Some(part) = &model.synthetic {
        paths::synthetic(part, numbers)
    } else if let Some(part) = &model.series {
        paths::series(part, numbers)
    } else if let Some(part) = &model.staggered {
        let level = part.confidence_level.fraction();
        event_study::draw(&part.outcome, &part.time, level, numbers)
    } else if let Some(part) = &model.adoption {
        let level = part.confidence_level.fraction();
        event_study::draw(&part.outcome, &part.time, level, numbers)
    } else if let Some(part) = &model.stacked {
        let level = part.confidence_level.fraction();
        event_study::draw(&part.outcome, &part.time, level, numbers)
    } else {
        Err(NOTHING_OVER_TIME)
    }
}

const NOTHING_OVER_TIME: ReportError = ReportError::NoPicture {
    remedy: "pictures are of `[staggered]`, `[adoption]`, `[stacked]`, `[synthetic]`, `[series]`, `[discontinuity]` and `[survival]`",
};

/// Numbers of one name whose keys are numbers, in their order.
fn by_number(numbers: &Numbers, name: &str) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = numbers
        .each(name)
        .filter_map(|(key, value)| Some((key.parse().ok()?, value)))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

/// A label with its numbers: where each stands, the key it came under, and the number.
type Labelled = (String, Vec<(f64, String, f64)>);

/// Numbers of one name whose keys are a label, a comma and a number, by label in the order of text and
/// then by number; each with the key they came under.
fn by_label(numbers: &Numbers, name: &str) -> Vec<Labelled> {
    let mut all: Vec<(&str, f64, &str, f64)> = numbers
        .each(name)
        .filter_map(|(key, value)| {
            let (label, at) = key.rsplit_once(", ")?;
            Some((label, at.parse().ok()?, key, value))
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(b.0).then(a.1.total_cmp(&b.1)));
    let mut found: Vec<Labelled> = Vec::new();
    for (label, at, key, value) in all {
        let one = (at, key.to_owned(), value);
        match found.last_mut() {
            Some((last, values)) if last == label => values.push(one),
            _ => found.push((label.to_owned(), vec![one])),
        }
    }
    found
}

/// A number with four significant digits.
fn digits(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        size if size > 0.0 => 4,
        _ => 0,
    };
    fixed(value, decimals)
}

/// A time or a score: no more decimals than it has, digits in one piece.
fn time(at: f64) -> String {
    let text = place(at, 4);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number that may be missing.
fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), digits)
}

/// `0.0123 to 0.0456`.
fn range(limits: Option<(f64, f64)>) -> String {
    limits.map_or_else(
        || "–".to_owned(),
        |(lower, upper)| format!("{} to {}", digits(lower), digits(upper)),
    )
}

/// `<name>_<low>` and `<name>_<high>` under a key.
fn limits(numbers: &Numbers, low: &str, high: &str, key: &str) -> Option<(f64, f64)> {
    let of = |name: &str| numbers.get(&format!("{name}.{key}"));
    Some((of(low)?, of(high)?))
}

/// A confidence level in percent, `95 %`.
fn percent(level: f64) -> String {
    let text = crate::number::shortest(100.0 * level, 2);
    format!("{text}\u{a0}%")
}

/// A count as people read it.
fn shown(cell: Cell) -> String {
    cell.value().map_or_else(|| "withheld".to_owned(), count)
}

/// A count that a number holds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of rows are whole, and far below 2^53"
)]
fn whole(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

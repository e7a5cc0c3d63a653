//! Pages about simulated programmes: what a contract does before anyone has been helped.

mod calibration;
mod design;

use serde::Serialize;
use utfall_design::{CalibrationDocument, DesignDocument, Rate};

use crate::ReportError;
use crate::number::{count, fixed};
use crate::picture::Picture;
use crate::render::fill;

/// Writes the page of a calibration: one HTML page, UTF-8, complete in itself.
///
/// # Errors
///
/// [`ReportError::Template`] if the template refuses the page, which is a fault in this crate.
pub fn render_calibration(document: &CalibrationDocument) -> Result<String, ReportError> {
    fill("study.html", &calibration::page(document))
}

/// Writes the page of a design: one HTML page, UTF-8, complete in itself.
///
/// # Errors
///
/// [`ReportError::Template`] if the template refuses the page, which is a fault in this crate.
pub fn render_design(document: &DesignDocument) -> Result<String, ReportError> {
    fill("study.html", &design::page(document))
}

/// Everything on such a page.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) kicker: &'static str,
    pub(crate) title: String,
    pub(crate) lede: String,
    pub(crate) banner: Banner,
    pub(crate) sections: Vec<Section>,
    pub(crate) footer: String,
}

/// The finding in ten seconds.
#[derive(Debug, Serialize)]
pub(crate) struct Banner {
    /// Style-sheet class: `paid`, `shut` or `alert`.
    pub(crate) tone: &'static str,
    pub(crate) headline: &'static str,
    pub(crate) amount: String,
    pub(crate) reason: String,
    pub(crate) facts: Vec<Fact>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Fact {
    pub(crate) term: &'static str,
    pub(crate) value: String,
    pub(crate) note: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) paragraphs: Vec<String>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) tables: Vec<Table>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) title: String,
    pub(crate) caption: String,
    pub(crate) picture: Picture,
}

#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) note: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A share in percent, `–` without one.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(
        || "–".to_owned(),
        |share| format!("{}\u{a0}%", fixed(100.0 * share, 1)),
    )
}

/// The Monte Carlo interval of a rate, `0.1 to 1.0 %`.
fn interval(rate: &Rate) -> String {
    ends(rate, "to")
}

/// The ends of the Monte Carlo interval of a rate, with a word between them.
fn ends(rate: &Rate, between: &str) -> String {
    rate.interval.map_or_else(
        || "–".to_owned(),
        |interval| {
            format!(
                "{} {between} {}",
                fixed(100.0 * interval.lower, 1),
                percent(Some(interval.upper))
            )
        },
    )
}

/// How often, of how many.
fn counted(rate: &Rate) -> String {
    format!("{} of {}", count(rate.n.into()), count(rate.of.into()))
}

//! One self-contained HTML report of a run.
//!
//! [`render`] turns the documents of a run into a single page for three readers: an official who
//! wants the decision in ten seconds, an intermediary who checks it, a statistician who judges it.
//! The page loads nothing, has a table beside every picture, and suits a screen, a phone, the dark
//! and A4 paper. Its one script checks the bundle it came in, when asked to; all else is there
//! without it. The same documents give the same bytes.
//!
//! - [`ReportInput`]: the documents, and how people call the pipeline.
//! - [`render_quality`]: what was found in the extracts, rule by rule, as a page of its own.
//! - `page`: every section as finished text, built from the documents.
//! - `study`: pages of a calibration ([`render_calibration`]) and a design ([`render_design`]).
//! - [`render_whatif`]: payment against what moves, as one drawing.
//! - [`render_estimate`]: the answer to a request over time, drawn from what may be released.
//! - [`render_verifier`]: a page that checks a bundle in a browser; the report holds the same.
//! - `picture`: funnel, balance, effects and payment as drawings at two widths.
//! - `svg`: shapes, labels and axes, and how wide a label may be in a font nobody knows.
//! - `templates/`: the words around the figures, and the style sheet.

mod error;
mod estimate;
mod input;
mod number;
mod page;
mod picture;
mod plain_text;
mod quality;
mod render;
mod study;
mod svg;
mod verifier;
mod whatif;

pub use error::ReportError;
pub use estimate::{EstimatePicture, render_estimate};
pub use input::ReportInput;
pub use quality::{QualityInput, render_quality};
pub use render::render;
pub use study::{render_calibration, render_design};
pub use verifier::render_verifier;
pub use whatif::render_whatif;

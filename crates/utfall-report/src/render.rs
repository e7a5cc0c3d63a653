//! The page as text: every string is escaped by the template engine, drawings by their own module.

use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, escape_formatter,
};
use serde::Serialize;

use crate::page::Page;
use crate::plain_text;
use crate::{ReportError, ReportInput};

const REPORT: &str = include_str!("../templates/report.html");
const QUALITY: &str = include_str!("../templates/quality.html");
const STUDY: &str = include_str!("../templates/study.html");
const VERIFY: &str = include_str!("../templates/verify.html");
const VERIFIER: &str = include_str!("../templates/verifier.html");
const STYLE: &str = include_str!("../templates/style.css");

/// Writes the report of a run: one HTML page, UTF-8, complete in itself.
///
/// The same input gives the same bytes. Every string of the documents is escaped; a count that was
/// suppressed appears as such and never as a number.
///
/// # Errors
///
/// [`ReportError::Template`] if the page template refuses the page, which is a fault in this crate.
pub fn render(input: &ReportInput<'_>) -> Result<String, ReportError> {
    fill("report.html", &Page::of(input))
}

/// Fills a template.
pub(crate) fn fill(template: &str, page: &impl Serialize) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(visible_and_escaped);
    environment.add_template("style.css", STYLE)?;
    environment.add_template("report.html", REPORT)?;
    environment.add_template("quality.html", QUALITY)?;
    environment.add_template("study.html", STUDY)?;
    environment.add_template("verify.html", VERIFY)?;
    environment.add_template("verifier.html", VERIFIER)?;
    Ok(environment.get_template(template)?.render(page)?)
}

/// Writes a value as the page holds it. Drawings are marked safe: their own module has escaped them.
fn visible_and_escaped(
    out: &mut Output<'_>,
    state: &State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() => {
            escape_formatter(out, state, &Value::from(plain_text::visible(text)))
        }
        _ => escape_formatter(out, state, value),
    }
}

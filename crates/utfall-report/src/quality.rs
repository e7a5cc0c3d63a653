//! The quality report of a pipeline's extracts as one HTML page.

use serde::Serialize;
use utfall_registry::{DeliveryStatus, Locator, QualityReport, RuleQuality, Severity};

use crate::ReportError;
use crate::number::count;
use crate::render::fill;

/// The extracts of a pipeline as they were found, and how people call it.
#[derive(Debug, Clone, Copy)]
pub struct QualityInput<'a> {
    /// Title of the pipeline, for people.
    pub title: &'a str,
    /// Version of the program.
    pub version: &'a str,
    /// One report for each extract.
    pub extracts: &'a [QualityReport],
}

/// Width of the bar of a rule that every row breaks, in pixels.
const BAR: u64 = 96;

#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    version: &'a str,
    verdict: &'static str,
    tone: &'static str,
    facts: Vec<Fact>,
    extracts: Vec<Extract>,
}

#[derive(Serialize)]
struct Fact {
    term: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Extract {
    id: String,
    title: String,
    name: String,
    verdict: String,
    deliveries: Vec<Delivery>,
    rules: Vec<Rule>,
    held: Vec<Held>,
    missing: Vec<Missing>,
    ignored: String,
}

#[derive(Serialize)]
struct Delivery {
    file: String,
    vintage: String,
    status: &'static str,
    n_rows: String,
    n_accepted: String,
    n_superseded: String,
    n_quarantined: String,
    digest: String,
}

#[derive(Serialize)]
struct Rule {
    name: String,
    id: String,
    severity: String,
    n_rows: String,
    share: String,
    bar: u64,
    tolerance: String,
    is_exceeded: bool,
    places: Vec<String>,
    by_delivery: String,
}

#[derive(Serialize)]
struct Held {
    name: String,
    id: String,
}

#[derive(Serialize)]
struct Missing {
    column: String,
    code: String,
    means: String,
    n_rows: String,
}

/// Writes the quality report: one HTML page, UTF-8, complete in itself. It holds exact counts and
/// places and no cell, and is for those who may see the extracts.
///
/// The same input gives the same bytes; every string is escaped.
///
/// # Errors
///
/// [`ReportError::Template`] if the page template refuses the page, which is a fault in this
/// crate.
pub fn render_quality(input: &QualityInput<'_>) -> Result<String, ReportError> {
    fill("quality.html", &Page::of(input))
}

impl<'a> Page<'a> {
    fn of(input: &QualityInput<'a>) -> Self {
        let extracts = input.extracts;
        let refused = extracts
            .iter()
            .any(|extract| extract.exceeded().next().is_some());
        let sum = |of: fn(&QualityReport) -> u64| count(extracts.iter().map(of).sum());
        let n_rules: usize = extracts
            .iter()
            .map(|extract| extract.rules.len() + extract.held.len())
            .sum();
        let n_broken: usize = extracts.iter().map(|extract| extract.rules.len()).sum();
        let fact = |term, value| Fact { term, value };
        Self {
            title: input.title,
            version: input.version,
            verdict: if refused {
                "An extract breaks a rule more often than its contract bears"
            } else {
                "Every extract is within the tolerances of its contract"
            },
            tone: if refused { "alert" } else { "paid" },
            facts: vec![
                fact("Rows delivered", sum(QualityReport::n_rows)),
                fact("Rows accepted", sum(QualityReport::n_accepted)),
                fact("Rows in quarantine", sum(QualityReport::n_quarantined)),
                fact("Rules checked", count(n_rules as u64)),
                fact("Rules broken somewhere", count(n_broken as u64)),
            ],
            extracts: extracts.iter().map(extract).collect(),
        }
    }
}

fn extract(report: &QualityReport) -> Extract {
    let n_rows = report.n_rows();
    let n_exceeded = report.exceeded().count();
    Extract {
        id: format!("extract-{}", report.extract),
        title: report.title.clone(),
        name: report.extract.clone(),
        verdict: if n_exceeded > 0 {
            format!(
                "{n_exceeded} of its rules broken more often than is borne: a run refuses the extract"
            )
        } else if report.rules.is_empty() {
            "every rule held".to_owned()
        } else {
            format!(
                "{} of {} rules broken, within what is borne",
                report.rules.len(),
                report.rules.len() + report.held.len()
            )
        },
        deliveries: report
            .deliveries
            .iter()
            .map(|delivery| Delivery {
                file: delivery.file.clone(),
                vintage: delivery.vintage.to_string(),
                status: match delivery.status {
                    DeliveryStatus::Preliminary => "preliminary",
                    DeliveryStatus::Final => "final",
                },
                n_rows: count(delivery.n_rows),
                n_accepted: count(delivery.n_accepted),
                n_superseded: count(delivery.n_superseded + delivery.n_deleted),
                n_quarantined: count(delivery.n_quarantined),
                digest: delivery.blake3.to_string(),
            })
            .collect(),
        rules: report
            .rules
            .iter()
            .map(|broken| rule(broken, n_rows))
            .collect(),
        held: report
            .held
            .iter()
            .map(|held| Held {
                name: held.name.clone(),
                id: held.id.clone(),
            })
            .collect(),
        missing: report
            .missing
            .iter()
            .map(|missing| Missing {
                column: missing.column.clone(),
                code: missing.code.clone(),
                means: missing.means.words().to_owned(),
                n_rows: count(missing.n_rows),
            })
            .collect(),
        ignored: report.ignored_columns.join(", "),
    }
}

fn rule(rule: &RuleQuality, n_rows: u64) -> Rule {
    let tolerance = rule.tolerance.map(|most| most.to_string());
    let by_delivery: Vec<String> = rule.by_delivery.iter().map(|&n| count(n)).collect();
    Rule {
        name: rule.name.clone(),
        id: rule.id.clone(),
        severity: match rule.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
        .to_owned(),
        n_rows: count(rule.n_rows),
        share: share(rule.n_rows, n_rows),
        bar: (rule.n_rows * BAR).div_ceil(n_rows.max(1)),
        tolerance: tolerance.unwrap_or_else(|| "any number".to_owned()),
        is_exceeded: rule.is_exceeded,
        places: places(&rule.first_locators),
        by_delivery: if by_delivery.len() > 1 {
            by_delivery.join(", ")
        } else {
            String::new()
        },
    }
}

/// A share of rows in per cent, to a hundredth; what is there never shows as nothing.
fn share(n: u64, total: u64) -> String {
    if total == 0 {
        return "–".to_owned();
    }
    let hundredths = u128::from(n) * 10_000 / u128::from(total);
    if hundredths == 0 && n > 0 {
        return "< 0.01 %".to_owned();
    }
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// Places in order, a file named once for the lines that follow each other in it.
fn places(locators: &[Locator]) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut open = None;
    for place in locators {
        let line = place.line;
        match (open == Some(&place.file), texts.last_mut()) {
            (true, Some(text)) if line > 0 => *text += &format!(", {line}"),
            _ if line > 0 => texts.push(format!("{}:{line}", place.file)),
            _ => texts.push(place.file.clone()),
        }
        open = (line > 0 && place.note.is_none()).then_some(&place.file);
        if let (Some(note), Some(text)) = (&place.note, texts.last_mut()) {
            *text += &format!(": {note}");
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_file_follow_its_name() {
        let at = |file: &str, line, note: Option<&str>| Locator {
            file: file.to_owned(),
            line,
            column: None,
            note: note.map(str::to_owned),
        };
        let found = places(&[
            at("a.csv", 3, None),
            at("a.csv", 9, Some("sheet 2")),
            at("a.csv", 12, None),
            at("b.csv", 12, None),
            at("b.csv", 0, None),
        ]);
        assert_eq!(
            found,
            ["a.csv:3, 9: sheet 2", "a.csv:12", "b.csv:12", "b.csv"]
        );
    }

    #[test]
    fn a_share_of_rows_never_shows_as_nothing() {
        assert_eq!(share(1, 1_000_000), "< 0.01 %");
        assert_eq!(share(0, 10), "0.00 %");
        assert_eq!(share(1, 3), "33.33 %");
        assert_eq!(share(0, 0), "–");
    }
}

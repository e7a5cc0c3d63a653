//! Checks of the effects in words: what each asks, what it found, and how to read it.

use utfall_core::Estimate;
use utfall_verify::record::{Documents, SensitivityRecord, SensitivityResult, SensitivityRow};

use super::effect::{estimated, shown_title};
use super::outcome::Outcome;
use super::{CheckRow, CheckTable};
use crate::number::{fixed, p_value, shortest, with_minus};
use crate::picture::{Picture, Specification, specifications};

/// The tables of each check, in the plan's order.
pub(crate) fn tables(documents: &Documents) -> Vec<CheckTable> {
    let checks = documents.designs.sensitivity.iter();
    let numbered = checks.zip(1..);
    numbered
        .flat_map(|(check, number)| tables_of(documents, check, number))
        .collect()
}

fn tables_of(documents: &Documents, check: &SensitivityRecord, number: u32) -> Vec<CheckTable> {
    let mut effects = documents.effects.effects.iter();
    let Some(effect) = effects.find(|effect| effect.name == check.effect) else {
        return Vec::new();
    };
    let found = estimated(effect).map(|(_, found)| found.estimate);
    let outcome = found
        .as_ref()
        .map(|estimate| Outcome::new(&effect.unit, estimate));
    let title = shown_title(effect);
    let rows = match &check.result {
        SensitivityResult::NotFound { reason } => {
            return vec![CheckTable {
                title: format!("{title}: {}", Words::of(&check.check).title),
                reading: format!("Not computed: {reason}."),
                picture: None,
                head: Vec::new(),
                rows: Vec::new(),
            }];
        }
        SensitivityResult::Found { rows } => rows,
    };
    let picture = (check.check == "specification-curve")
        .then(|| curve(rows, outcome.as_ref()?, number))
        .flatten();
    // What would undo the effect, and what covariates are as strong as, have no figure in common.
    let (own, compared): (Vec<&SensitivityRow>, Vec<&SensitivityRow>) = rows
        .iter()
        .partition(|row| !row.figures.contains_key("partial-r2-with-treatment"));
    let shown = Shown { title, outcome };
    let tables = [
        (own, Words::of(&check.check)),
        (compared, Words::of(BENCHMARK)),
    ];
    let mut tables: Vec<CheckTable> = tables
        .iter()
        .filter(|(rows, _)| !rows.is_empty())
        .map(|(rows, words)| shown.table(rows, words, found.as_ref()))
        .collect();
    if let Some(first) = tables.first_mut() {
        first.picture = picture;
    }
    tables
}

/// The estimates of a specification curve in order; the first is the plan's own.
fn curve(rows: &[SensitivityRow], outcome: &Outcome, number: u32) -> Option<Picture> {
    let found = rows.iter().enumerate().filter_map(|(place, row)| {
        let figure = |name: &str| row.figures.get(name).map(|&value| outcome.scaled(value));
        Some(Specification {
            point: figure("point")?,
            lower: figure("lower")?,
            upper: figure("upper")?,
            is_own: place == 0,
        })
    });
    let found: Vec<Specification> = found.collect();
    let name = format!("specifications-{number}");
    (found.len() > 1).then(|| specifications(&name, outcome.difference_unit(), &found))
}

/// How figures of a check are shown.
struct Shown {
    title: String,
    outcome: Option<Outcome>,
}

impl Shown {
    fn table(
        &self,
        rows: &[&SensitivityRow],
        words: &Words,
        found: Option<&Estimate>,
    ) -> CheckTable {
        let names = words.figures(rows);
        let row = |row: &&SensitivityRow| CheckRow {
            // The table's title names the effect already.
            label: if row.label == self.title {
                "The effect".to_owned()
            } else {
                with_minus(&row.label)
            },
            cells: names.iter().map(|name| self.cell(row, name)).collect(),
        };
        CheckTable {
            title: format!("{}: {}", self.title, words.title),
            reading: words.reading(rows, found),
            picture: None,
            head: names.iter().map(|name| heading(name).to_owned()).collect(),
            rows: rows.iter().map(row).collect(),
        }
    }

    fn cell(&self, row: &SensitivityRow, name: &str) -> String {
        let Some(&value) = row.figures.get(name) else {
            return "\u{2013}".to_owned();
        };
        match name {
            "point" | "lower" | "upper" | "smallest" | "largest" => match &self.outcome {
                Some(outcome) => outcome.difference(value),
                None => shortest(value, 4),
            },
            "jackknife-standard-error" => match &self.outcome {
                Some(outcome) => outcome.finer(value),
                None => shortest(value, 4),
            },
            "p-value" | "p-upper" | "p-lower" => p_value(value),
            "n-groups" => fixed(value, 0),
            "on-scale" | "e-value" | "e-value-of-interval" => fixed(value, 2),
            _ => format!("{}\u{a0}%", fixed(100.0 * value, 1)),
        }
    }
}

fn heading(name: &str) -> &str {
    match name {
        "point" => "Effect",
        "lower" => "From",
        "upper" => "To",
        "p-value" => "p-value",
        "p-upper" => "Largest p-value",
        "p-lower" => "Smallest p-value",
        "on-scale" => "Effect on its scale",
        "e-value" => "E-value",
        "e-value-of-interval" => "E-value of the interval",
        "partial-r2" => "Treatment\u{2019}s share",
        "robustness-value" => "Robustness value",
        "robustness-value-of-test" => "\u{2026} of the test",
        "partial-r2-with-treatment" => "Share of treatment",
        "partial-r2-with-outcome" => "Share of outcome",
        "smallest" => "Smallest without one",
        "largest" => "Largest without one",
        "jackknife-standard-error" => "Jackknife error",
        "n-groups" => "Groups",
        other => other,
    }
}

/// The rows of a robustness value that take a covariate as the measure.
const BENCHMARK: &str = "benchmark";

/// What a check is called and asks.
struct Words {
    title: &'static str,
    asks: &'static str,
    order: &'static [&'static str],
}

impl Words {
    fn of(check: &str) -> Self {
        let (title, asks, order): (_, _, &[&str]) = match check {
            "rosenbaum" => (
                "something hidden within pairs (Rosenbaum)",
                "If something that was not measured multiplied the odds of treatment by the factor, the one-sided p-value of no effect could be as large as this.",
                &["p-upper", "p-lower"],
            ),
            "e-value" => (
                "something hidden, as a ratio (E-value)",
                "To explain the effect away, something that was not measured would have to make both treatment and outcome this many times as likely, beyond what was adjusted for.",
                &["on-scale", "e-value", "e-value-of-interval"],
            ),
            "robustness-value" => (
                "something hidden, as a share (robustness value)",
                "To take the effect to zero, something that was not measured would have to explain this share of what the covariates leave of both treatment and outcome; the last value is what would make the test undecided.",
                &[
                    "point",
                    "partial-r2",
                    "robustness-value",
                    "robustness-value-of-test",
                ],
            ),
            BENCHMARK => (
                "something hidden as strong as what was measured",
                "The effect if something that was not measured explained as much of treatment and of outcome as a covariate that was.",
                &[
                    "point",
                    "partial-r2-with-treatment",
                    "partial-r2-with-outcome",
                ],
            ),
            "placebo-date" => (
                "an effect before the programme",
                "Over this window before the index date the programme cannot have had an effect. What is found there is the design\u{2019}s own bias, and chance.",
                &["point", "lower", "upper", "p-value"],
            ),
            "leave-one-out" => (
                "without each group in turn",
                "The effect was estimated again without each group of units. If one group carried it, the smallest and the largest would lie far apart.",
                &[
                    "point",
                    "smallest",
                    "largest",
                    "jackknife-standard-error",
                    "n-groups",
                ],
            ),
            _ => (
                "every specification",
                "The effect by every combination of designs, windows and covariates that the plan names; a hollow point is one of them, the filled one the plan\u{2019}s own.",
                &["point", "lower", "upper", "p-value"],
            ),
        };
        Self { title, asks, order }
    }

    /// The figures that any row has, in order.
    fn figures(&self, rows: &[&SensitivityRow]) -> Vec<&'static str> {
        let has = |name: &&&str| rows.iter().any(|row| row.figures.contains_key(**name));
        self.order.iter().filter(has).copied().collect()
    }

    fn reading(&self, rows: &[&SensitivityRow], found: Option<&Estimate>) -> String {
        let points = rows.iter().filter_map(|row| row.figures.get("point"));
        let points: Vec<f64> = points.copied().collect();
        if self.title != "every specification" || points.is_empty() {
            return self.asks.to_owned();
        }
        let sign = found.map_or(1.0, |estimate| estimate.point.signum());
        let n_same = points.iter().filter(|point| sign * **point > 0.0).count();
        format!(
            "{} {n_same} of {} have the sign of the plan\u{2019}s estimate.",
            self.asks,
            points.len()
        )
    }
}

//! The effect section: each estimate with its interval, beside the unadjusted comparison.

use utfall_core::Estimate;
use utfall_verify::record::{Documents, EffectRecord, EffectResult, Estimated};

use super::outcome::{Outcome, confidence};
use super::released::Released;
use super::thresholds::{self, OnEffect};
use super::{EffectSection, EffectTable, EffectTableRow, Gap};
use crate::number::{fixed, p_value};
use crate::picture::{EffectPanel, EffectRow, Mark, effects as picture};

/// Builds the section from the effects and the thresholds of the decision.
pub(crate) fn section(documents: &Documents) -> EffectSection {
    let estimated: Vec<(&EffectRecord, &Estimated)> = documents
        .effects
        .effects
        .iter()
        .filter_map(estimated)
        .collect();
    let panels: Vec<EffectPanel> = estimated
        .iter()
        .map(|(effect, estimated)| panel(documents, effect, estimated))
        .collect();
    EffectSection {
        introduction: introduction(),
        has_marks: panels.iter().any(|panel| !panel.marks.is_empty()),
        picture: (!panels.is_empty()).then(|| picture(&panels)),
        tables: estimated
            .iter()
            .map(|(effect, estimated)| table(effect, estimated, Released(&documents.funnel.policy)))
            .collect(),
        gaps: documents.effects.effects.iter().filter_map(gap).collect(),
    }
}

/// An effect and what was estimated, if anything was.
pub(crate) fn estimated(effect: &EffectRecord) -> Option<(&EffectRecord, &Estimated)> {
    match &effect.result {
        EffectResult::Estimated(estimated) => Some((effect, estimated)),
        EffectResult::NotMeasurable { .. } | EffectResult::NotYetReported { .. } => None,
    }
}

/// Why there is no estimate of an effect: in a word, and in the reason recorded.
pub(crate) fn missing(effect: &EffectRecord) -> Option<(&'static str, &str)> {
    match &effect.result {
        EffectResult::Estimated(_) => None,
        EffectResult::NotMeasurable { reason } => Some(("not measurable", reason)),
        EffectResult::NotYetReported { reason } => Some(("not yet reported", reason)),
    }
}

/// An interval as words: `−8.0 to −4.0`.
pub(crate) fn interval_words(outcome: &Outcome, estimate: &Estimate) -> String {
    format!(
        "{} to {}",
        outcome.difference(estimate.interval.lower),
        outcome.difference(estimate.interval.upper)
    )
}

/// The thresholds of the contract that lie on an effect's axis.
pub(crate) fn thresholds_of(
    documents: &Documents,
    effect: &EffectRecord,
    estimated: &Estimated,
) -> Vec<OnEffect> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "units in a register stay far below 2^53"
    )]
    let n_treated = estimated.estimate.n_treated as f64;
    thresholds::on_effect(
        &documents.decision,
        thresholds::EffectFigures {
            name: &effect.name,
            mean_comparator: estimated.mean_comparator,
            n_treated,
        },
    )
}

fn introduction() -> String {
    "An effect is the difference between what happened to the treated and what happened to comparators who were like them before the programme began. It is treated minus comparators: below zero, the treated had less of the outcome.".to_owned()
}

fn panel(documents: &Documents, effect: &EffectRecord, estimated: &Estimated) -> EffectPanel {
    let outcome = Outcome::new(&effect.unit, &estimated.estimate);
    let mark = |threshold: OnEffect| Mark {
        value: outcome.scaled(threshold.value),
        label: format!("{} {}", threshold.words(), outcome.stated(threshold.value)),
    };
    EffectPanel {
        title: effect.title.clone(),
        unit: outcome.difference_unit().to_owned(),
        rows: vec![
            row("matched", &outcome, &estimated.estimate, true),
            row("unadjusted", &outcome, &estimated.unadjusted, false),
        ],
        marks: thresholds_of(documents, effect, estimated)
            .into_iter()
            .map(mark)
            .collect(),
    }
}

fn row(label: &str, outcome: &Outcome, estimate: &Estimate, is_main: bool) -> EffectRow {
    let (lower, upper) = (estimate.interval.lower, estimate.interval.upper);
    EffectRow {
        label: label.to_owned(),
        point: outcome.scaled(estimate.point),
        lower: outcome.scaled(lower),
        upper: outcome.scaled(upper),
        point_text: outcome.difference(estimate.point),
        interval_text: format!(
            "[{}, {}]",
            outcome.difference(lower),
            outcome.difference(upper)
        ),
        is_main,
    }
}

fn table(effect: &EffectRecord, estimated: &Estimated, released: Released<'_>) -> EffectTable {
    let outcome = Outcome::new(&effect.unit, &estimated.estimate);
    let (matched, unadjusted) = (&estimated.estimate, &estimated.unadjusted);
    let both = |term: &str, show: &dyn Fn(&Estimate) -> String| EffectTableRow {
        term: term.to_owned(),
        matched: show(matched),
        unadjusted: show(unadjusted),
    };
    let matched_only = |term: &str, shown: String| EffectTableRow {
        term: term.to_owned(),
        matched: shown,
        unadjusted: String::new(),
    };
    let mut rows = vec![
        both("Effect", &|estimate| outcome.difference(estimate.point)),
        both(&format!("{} interval", confidence(matched)), &|estimate| {
            interval_words(&outcome, estimate)
        }),
        both("Standard error", &|estimate| {
            outcome.finer(estimate.standard_error)
        }),
        both("p-value (no effect)", &|estimate| p_value(estimate.p_value)),
        both("Degrees of freedom", &|estimate| {
            released.degrees_of_freedom(estimate.degrees_of_freedom)
        }),
        both("Treated", &|estimate| {
            released.figure(estimate.n_treated as u64)
        }),
        both("Comparators", &|estimate| {
            released.figure(estimate.n_comparator as u64)
        }),
        both("Clusters", &|estimate| {
            estimate
                .n_clusters
                .map_or_else(|| "–".to_owned(), |n| released.figure(n as u64))
        }),
        matched_only("Mean of the treated", outcome.level(estimated.mean_treated)),
        matched_only(
            "Mean of the comparators",
            outcome.level(estimated.mean_comparator),
        ),
    ];
    if let Some(relative) = estimated.relative {
        rows.push(matched_only(
            "Effect relative to comparators",
            format!("{}\u{a0}%", fixed(relative * 100.0, 1)),
        ));
    }
    EffectTable {
        title: effect.title.clone(),
        note: outcome.difference_unit().to_owned(),
        rows,
        source: format!(
            "Estimator: {}. Standard error: {}. Estimand: {}. Unadjusted: all treated against all others, no matching.",
            estimator_words(&effect.estimator),
            effect.standard_error_kind,
            matched.estimand
        ),
    }
}

fn estimator_words(estimator: &str) -> String {
    match estimator {
        "matched-difference" => "difference in means between the treated and their matched comparators".to_owned(),
        "matched-difference-in-differences" => {
            "difference in change since the baseline window between the treated and their matched comparators".to_owned()
        }
        other => other.to_owned(),
    }
}

fn gap(effect: &EffectRecord) -> Option<Gap> {
    let (word, reason) = missing(effect)?;
    Some(Gap {
        title: effect.title.clone(),
        word,
        reason: reason.to_owned(),
    })
}

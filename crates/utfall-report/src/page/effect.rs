//! The effect section: each estimate with its interval, beside the unadjusted comparison.

use utfall_core::{Estimate, Interval};
use utfall_verify::record::{
    AmountRecord, Documents, EffectRecord, EffectResult, EffectRole, Estimated, MoneyRecord,
    is_of_logs,
};

use super::outcome::{Outcome, confidence};
use super::payment::capitalised;
use super::released::Released;
use super::thresholds::{self, OnEffect};
use super::{EffectSection, EffectTable, EffectTableRow, Gap};
use crate::estimate::of_record;
use crate::number::{fixed, p_value, shortest};
use crate::picture::{EffectPanel, EffectRow, Mark, MarkKind, effects as picture};

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
        models: estimated
            .iter()
            .enumerate()
            .filter_map(|(number, (effect, _))| {
                let name = format!("model-{}", number + 1);
                of_record(&name, &effect.title, effect.model.as_ref()?)
            })
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
            saved_per_unit: effect.money.as_ref().map(|money| {
                let sign = if money.saves == "fall" { -1.0 } else { 1.0 };
                sign * n_treated * money.unit_cost.amount
            }),
        },
    )
}

/// What the plan's own estimate is called beside the unadjusted one.
fn own_label(effect: &EffectRecord) -> &'static str {
    match effect.estimator.as_str() {
        "matched-difference" | "matched-difference-in-differences" => "matched",
        "weighted-difference" => "weighted",
        _ => "estimate",
    }
}

/// The title, which says so where nothing can be paid on it.
pub(crate) fn shown_title(effect: &EffectRecord) -> String {
    match effect.role {
        EffectRole::Outcome => effect.title.clone(),
        EffectRole::NegativeControl => format!("Negative control: {}", effect.title),
    }
}

fn introduction() -> String {
    "An effect is the difference between what happened to the treated and what happened to comparators who were like them before the programme began. It is treated minus comparators: below zero, the treated had less of the outcome.".to_owned()
}

fn panel(documents: &Documents, effect: &EffectRecord, estimated: &Estimated) -> EffectPanel {
    let outcome = Outcome::new(&effect.unit, &estimated.estimate);
    let mark = |threshold: OnEffect| Mark {
        value: outcome.scaled(threshold.value),
        label: format!("{} {}", threshold.words(), outcome.stated(threshold.value)),
        kind: MarkKind::Threshold,
    };
    EffectPanel {
        title: shown_title(effect),
        unit: outcome.difference_unit().to_owned(),
        rows: std::iter::once(row(own_label(effect), &outcome, &estimated.estimate, true))
            .chain(
                estimated
                    .unadjusted
                    .iter()
                    .map(|estimate| row("unadjusted", &outcome, estimate, false)),
            )
            .collect(),
        marks: thresholds_of(documents, effect, estimated)
            .into_iter()
            .map(mark)
            .collect(),
    }
}

pub(crate) fn row(label: &str, outcome: &Outcome, estimate: &Estimate, is_main: bool) -> EffectRow {
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

/// What the effect is worth, in whole units of money.
fn money_rows(money: &MoneyRecord) -> Vec<(String, String)> {
    let shown = |amount: &AmountRecord| {
        let Interval { lower, upper } = amount.interval;
        format!(
            "{} ({} to {})",
            fixed(amount.point, 0),
            fixed(lower, 0),
            fixed(upper, 0)
        )
    };
    let mut rows: Vec<(String, String)> = Vec::new();
    rows.extend(
        money
            .savings
            .as_ref()
            .map(|savings| ("Saved".to_owned(), shown(savings))),
    );
    for payer in &money.payers {
        let amount = payer.amount.as_ref();
        rows.extend(amount.map(|amount| (format!("Saved by {}", payer.name), shown(amount))));
    }
    let net = money.net_benefit.as_ref();
    rows.extend(net.map(|net| {
        (
            "Saved less the programme\u{2019}s cost".to_owned(),
            shown(net),
        )
    }));
    rows.extend(money.cost_per_outcome.map(|ratio| {
        let interval = ratio.interval.map_or_else(
            || "no interval: the effect may be nil".to_owned(),
            |Interval { lower, upper }| format!("{} to {}", shortest(lower, 2), shortest(upper, 2)),
        );
        (
            "Cost of one unit of outcome".to_owned(),
            format!("{} ({interval})", shortest(ratio.point, 2)),
        )
    }));
    rows
}

fn table(effect: &EffectRecord, estimated: &Estimated, released: Released<'_>) -> EffectTable {
    let outcome = Outcome::new(&effect.unit, &estimated.estimate);
    let (matched, unadjusted) = (&estimated.estimate, estimated.unadjusted.as_ref());
    let both = |term: &str, show: &dyn Fn(&Estimate) -> String| EffectTableRow {
        term: term.to_owned(),
        matched: show(matched),
        unadjusted: unadjusted.map_or_else(|| "–".to_owned(), show),
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
    ];
    let means = [
        ("Mean of the treated", estimated.mean_treated),
        ("Mean of the comparators", estimated.mean_comparator),
    ];
    rows.extend(
        means
            .into_iter()
            .filter_map(|(term, mean)| Some(matched_only(term, outcome.level(mean?)))),
    );
    rows.push(matched_only(
        "Without an outcome",
        attrition(effect, estimated, released),
    ));
    if let Some(relative) = estimated.relative {
        rows.push(matched_only(
            "Effect relative to comparators",
            format!("{}\u{a0}%", fixed(relative * 100.0, 1)),
        ));
    }
    if is_of_logs(&effect.unit) {
        let change = utfall_stats::elementary::expm1(matched.point);
        rows.push(matched_only(
            "Effect in percent, exp(effect) \u{2212} 1",
            format!("{}\u{a0}%", fixed(change * 100.0, 1)),
        ));
    }
    if let Some(money) = &effect.money {
        rows.extend(
            money_rows(money)
                .into_iter()
                .map(|(term, shown)| matched_only(&term, shown)),
        );
    }
    if let Some(grade) = &effect.grade {
        let of_five = format!("{} of 5", grade.maryland);
        rows.push(matched_only("Evidence, Maryland scale", of_five));
        let rating = capitalised(&grade.wwc.replace('-', " "));
        rows.push(matched_only("Evidence, What Works style", rating));
    }
    EffectTable {
        own: capitalised(own_label(effect)),
        title: shown_title(effect),
        note: outcome.difference_unit().to_owned(),
        rows,
        source: format!(
            "Estimator: {}. Standard error: {}. Estimand: {}. Unadjusted: all treated against all others, no matching.",
            estimator_words(&effect.estimator),
            effect.standard_error_kind,
            matched.estimand
        ) + &reasons(effect),
    }
}

/// Why the evidence is graded as it is.
fn reasons(effect: &EffectRecord) -> String {
    let sentence = |reason: &String| format!(" {}.", capitalised(reason));
    effect.grade.as_ref().map_or_else(String::new, |grade| {
        let reasons: String = grade.reasons.iter().map(sentence).collect();
        format!(" Evidence:{reasons}")
    })
}

/// Units of the compared groups without an outcome: overall, and treated less comparators.
///
/// Shares are whole percents of counts that may be seen; where one of them is withheld there is none.
fn attrition(effect: &EffectRecord, estimated: &Estimated, released: Released<'_>) -> String {
    let arms = [
        (
            effect.n_outcome_missing_treated,
            estimated.estimate.n_treated,
        ),
        (
            effect.n_outcome_missing_comparator,
            estimated.estimate.n_comparator,
        ),
    ];
    let shown = arms.map(|(missing, with)| {
        let missing = released.size(missing)?;
        Some((missing, missing + released.size(with as u64)?))
    });
    let [Some(treated), Some(comparator)] = shown else {
        return format!(
            "treated: {}; comparators: {}",
            released.figure(arms[0].0),
            released.figure(arms[1].0)
        );
    };
    let overall = (treated.0 + comparator.0) / (treated.1 + comparator.1);
    let differential = treated.0 / treated.1 - comparator.0 / comparator.1;
    format!(
        "{}\u{a0}%; treated less comparators {} points",
        fixed(overall * 100.0, 0),
        fixed(differential * 100.0, 0)
    )
}

/// What an estimator does, in words; a word that is not known stands as it is.
pub(crate) fn estimator_words(estimator: &str) -> String {
    let words = match estimator {
        "matched-difference" => {
            "difference in means between the treated and their matched comparators"
        }
        "weighted-difference" => "difference in weighted means",
        "unadjusted-difference" => "difference in means of everyone",
        "adjusted-difference" => {
            "regression on treatment and covariates, with the weights of the design"
        }
        "doubly-robust" => "augmented inverse-probability weighting (doubly robust)",
        "matched-difference-in-differences" => {
            "difference in change since the baseline window between the treated and their matched comparators"
        }
        "staggered" => {
            "effects by group and time, each against units without the programme, pooled (Callaway and Sant\u{2019}Anna)"
        }
        "survival" => "survival curves of the arms (Kaplan and Meier)",
        "proportional-hazards" => "proportional hazards (Cox)",
        "synthetic" => "other units weighted to follow the treated before the programme",
        "series" => "segmented regression of one series over time",
        "discontinuity" => "jump of the outcome where a score crosses its cutoff",
        other => other,
    };
    words.to_owned()
}

fn gap(effect: &EffectRecord) -> Option<Gap> {
    let (word, reason) = missing(effect)?;
    Some(Gap {
        title: effect.title.clone(),
        word,
        reason: reason.to_owned(),
    })
}

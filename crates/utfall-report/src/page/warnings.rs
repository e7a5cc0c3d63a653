//! What a reader must know before relying on the figures.

use utfall_core::Estimate;
use utfall_verify::record::{
    ClauseDifference, DeliveryStatus, Documents, EffectRecord, EffectRole, Estimated,
};

use super::Warning;
use super::effect::{estimated, interval_words, missing, thresholds_of};
use super::outcome::{Outcome, confidence, plural};
use super::payment::capitalised;
use super::released::Released;
use super::trace::line_title;
use crate::number::count;

/// Every warning the documents give rise to, the gravest first.
pub(crate) fn of(documents: &Documents) -> Vec<Warning> {
    let mut warnings = Vec::new();
    undecided_lines(documents, &mut warnings);
    balance(documents, &mut warnings);
    for effect in &documents.effects.effects {
        without_estimate(effect, &mut warnings);
    }
    for (effect, estimated) in documents.effects.effects.iter().filter_map(estimated) {
        uncertain(documents, effect, estimated, &mut warnings);
    }
    matching(documents, &mut warnings);
    calibrations(documents, &mut warnings);
    changed_plan(documents, &mut warnings);
    for effect in &documents.effects.effects {
        missing_outcomes(documents, effect, &mut warnings);
    }
    data(documents, &mut warnings);
    warnings
}

fn warn(warnings: &mut Vec<Warning>, title: String, text: impl Into<String>) {
    warnings.push(Warning {
        title,
        text: text.into(),
    });
}

/// Outcomes of untreated units were looked at before the run, perhaps under another plan.
fn calibrations(documents: &Documents, warnings: &mut Vec<Warning>) {
    let environment = &documents.environment;
    let looked = || {
        let marks = environment.calibrations.iter();
        marks.filter(|mark| !mark.before_index_date)
    };
    if looked().any(|mark| mark.plan_digest != environment.plan_digest) {
        warn(
            warnings,
            "The plan was changed after it was calibrated on outcomes".to_owned(),
            "Before this run, outcomes of units that were not treated were looked at, to see how often placebo programmes would be paid; the plan that was tried then is not the plan of this run.",
        );
    } else if looked().next().is_some() {
        warn(
            warnings,
            "The plan was calibrated on outcomes".to_owned(),
            "Before this run, outcomes of units that were not treated were looked at, to see how often placebo programmes would be paid. The plan is the same since.",
        );
    }
}

/// The plan is not the one that was locked, clause by clause.
fn changed_plan(documents: &Documents, warnings: &mut Vec<Warning>) {
    let clauses: Vec<String> = documents.lock.differences.iter().map(clause).collect();
    if clauses.is_empty() {
        return;
    }
    let title = format!(
        "{} of the plan {} changed after it was locked",
        capitalised(&count_of(clauses.len(), "clause")),
        if clauses.len() == 1 { "was" } else { "were" }
    );
    warn(warnings, title, clauses.join("; ") + ".");
}

fn count_of(n: usize, noun: &str) -> String {
    match n {
        1 => format!("one {noun}"),
        n => format!("{n} {noun}s"),
    }
}

fn clause(difference: &ClauseDifference) -> String {
    let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    format!(
        "{} {}: locked as {}, now {}",
        difference.file,
        difference.clause,
        said(&difference.locked),
        said(&difference.run)
    )
}

fn undecided_lines(documents: &Documents, warnings: &mut Vec<Warning>) {
    let decision = &documents.decision;
    if decision.undecided.is_empty() {
        return;
    }
    let titles: Vec<String> = decision
        .undecided
        .iter()
        .map(|name| line_title(decision, name))
        .collect();
    let title = format!("Left undecided: {}", titles.join("; "));
    warn(
        warnings,
        title,
        "What could not be decided pays nothing in this decision. The reasons stand in the payment section.",
    );
}

/// Estimators of changes, in which a difference of level drops out.
const OF_CHANGES: [&str; 5] = [
    "matched-difference-in-differences",
    "staggered",
    "adoption",
    "stacked",
    "two-period",
];

fn balance(documents: &Documents, warnings: &mut Vec<Warning>) {
    if !documents.balance.gate.passed {
        let mut text = "The treated and those they are compared with differed at the start by more than the plan allows, so a difference afterwards may not be due to the programme.".to_owned();
        let of_changes = |effect: &EffectRecord| OF_CHANGES.contains(&effect.estimator.as_str());
        if documents.effects.effects.iter().any(of_changes) {
            text.push_str(" An effect on changes takes lasting differences of level off; it rests on the groups having gone on alike without the programme, which this gate does not test.");
        }
        warn(warnings, "The balance gate is not passed".to_owned(), text);
    }
}

fn without_estimate(effect: &EffectRecord, warnings: &mut Vec<Warning>) {
    if let Some((word, reason)) = missing(effect) {
        warn(
            warnings,
            format!("{}: {word}", effect.title),
            format!("{reason}."),
        );
    }
}

/// Chance alone could have made it nothing, or moved it across a threshold.
fn uncertain(
    documents: &Documents,
    effect: &EffectRecord,
    estimated: &Estimated,
    warnings: &mut Vec<Warning>,
) {
    let estimate = &estimated.estimate;
    let outcome = Outcome::new(&effect.unit, estimate);
    if effect.role == EffectRole::NegativeControl {
        return control(effect, &outcome, estimate, warnings);
    }
    if estimate.interval.contains(0.0) {
        let text = format!(
            "The {} interval, {} {}, holds zero: the data do not tell this effect from none.",
            confidence(estimate),
            interval_words(&outcome, estimate),
            outcome.difference_unit()
        );
        warn(
            warnings,
            format!("{}: the interval includes no effect", effect.title),
            text,
        );
    }
    let spanned: Vec<String> = thresholds_of(documents, effect, estimated)
        .into_iter()
        .filter(|threshold| estimate.interval.contains(threshold.value))
        .map(|threshold| outcome.stated(threshold.value))
        .collect();
    if !spanned.is_empty() {
        let text = format!(
            "The interval spans what the contract compares with ({} {}). By chance alone the estimate could have fallen on the other side, and the amount been another.",
            spanned.join("; "),
            outcome.difference_unit()
        );
        warn(
            warnings,
            format!("{}: near a payment threshold", effect.title),
            text,
        );
    }
}

/// A negative control that moved: the groups differ by more than the programme.
fn control(
    effect: &EffectRecord,
    outcome: &Outcome,
    estimate: &Estimate,
    warnings: &mut Vec<Warning>,
) {
    if estimate.interval.contains(0.0) {
        return;
    }
    let text = format!(
        "The programme cannot have changed it, yet the {} interval, {} {}, does not hold zero. The design may be biased by as much in the effects it is paid on.",
        confidence(estimate),
        interval_words(outcome, estimate),
        outcome.difference_unit()
    );
    let title = format!("{}: a negative control differs", effect.title);
    warn(warnings, title, text);
}

fn matching(documents: &Documents, warnings: &mut Vec<Warning>) {
    let (balance, unit) = (&documents.balance, &documents.funnel.funnel.unit);
    let released = Released(&documents.funnel.policy);
    let n_dropped = balance.n_treated.saturating_sub(balance.n_treated_matched);
    if n_dropped > 0 {
        let title = format!(
            "{} of {} treated {} found no comparator",
            capitalised(&released.words(n_dropped, "a few")),
            released.words(balance.n_treated, "the"),
            plural(unit)
        );
        let text = "They are not in the estimate. It is the effect on the treated who were matched, not on all treated.";
        warn(warnings, title, text);
    }
    if balance.n_tied > 0 {
        let title = format!(
            "{} treated {} had equally near comparators",
            capitalised(&released.words(balance.n_tied, "a few")),
            plural(unit)
        );
        let text = "The plan’s tie rule chose among them. Another rule would have chosen others, and given a somewhat different estimate.";
        warn(warnings, title, text);
    }
    if balance.n_later_treated > 0 {
        let title = format!(
            "{} of the comparator {} were treated later themselves",
            capitalised(&released.words(balance.n_later_treated, "a few")),
            plural(unit)
        );
        let text = "They were at risk on the day they were compared, and are followed as they were then. The effect is of starting on that day against starting later or never.";
        warn(warnings, title, text);
    }
}

fn missing_outcomes(documents: &Documents, effect: &EffectRecord, warnings: &mut Vec<Warning>) {
    let released = Released(&documents.funnel.policy);
    let (treated, comparator) = (
        effect.n_outcome_missing_treated,
        effect.n_outcome_missing_comparator,
    );
    if treated + comparator > 0 {
        let text = format!(
            "For {} treated and {} comparator {} the outcome could not be measured. They are not in the estimate.",
            released.words(treated, "few or no"),
            released.words(comparator, "few or no"),
            plural(&documents.funnel.funnel.unit)
        );
        warn(
            warnings,
            format!("{}: outcomes missing", effect.title),
            text,
        );
    }
}

fn data(documents: &Documents, warnings: &mut Vec<Warning>) {
    let extracts = &documents.extracts.extracts;
    let n_quarantined: u64 = extracts.iter().map(|extract| extract.n_quarantined).sum();
    if n_quarantined > 0 {
        let title = format!("{} rows set aside", count(n_quarantined));
        warn(
            warnings,
            title,
            "They broke a rule of their data contract and are not in any figure. The data section tells of which delivery.",
        );
    }
    let newest = |name: &str| {
        extracts
            .iter()
            .filter(|other| other.name == name)
            .map(|other| other.vintage)
            .max()
    };
    let preliminary: Vec<&str> = extracts
        .iter()
        .filter(|extract| {
            extract.status == DeliveryStatus::Preliminary
                && newest(&extract.name) == Some(extract.vintage)
        })
        .map(|extract| extract.name.as_str())
        .collect();
    if !preliminary.is_empty() {
        let title = format!("Preliminary data: {}", preliminary.join(", "));
        warn(
            warnings,
            title,
            "The newest delivery may still change, and the figures with it.",
        );
    }
}

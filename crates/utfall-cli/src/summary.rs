//! The one-screen summary of a run.

use std::io::{self, Write};

use utfall_core::Estimate;
use utfall_payment::{Language, Threshold};
use utfall_verify::record::{
    AlternativeRecord, ClauseDifference, DesignResult, DesignsDocument, EffectRecord, EffectResult,
    GradeRecord, LockDocument,
};

use crate::results::Results;

/// Writes the summary.
pub(crate) fn write(results: &Results, out: &mut dyn Write) -> io::Result<()> {
    let documents = &results.documents;
    writeln!(out, "\n{}\n", results.title)?;
    line(out, "Cohort", &cohort(results))?;
    line(out, "Balance", &balance(results))?;
    for effect in &documents.effects.effects {
        line(out, "Effect", &effect.title)?;
        let others = beside(&documents.designs, effect);
        for detail in details(effect).into_iter().chain(others) {
            line(out, "", &detail)?;
        }
        if let Some(grade) = &effect.grade {
            line(out, "", &evidence(grade))?;
        }
    }
    line(out, "Data", &data(results))?;
    for (label, text) in plan(&documents.lock) {
        line(out, label, &text)?;
    }
    line(out, "Decision", &decision(results))?;
    for reason in reasons(results) {
        line(out, "", &reason)?;
    }
    writeln!(out)?;
    line(out, "Report", &results.report.display().to_string())?;
    line(out, "Bundle", &results.bundle.display().to_string())?;
    line(
        out,
        "",
        &format!("check it with: utfall verify {}", results.bundle.display()),
    )?;
    line(out, "Public", &results.public.display().to_string())
}

pub(crate) fn line(out: &mut dyn Write, label: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {label:<10}{text}")
}

fn cohort(results: &Results) -> String {
    let funnel = &results.documents.funnel.funnel;
    let balance = &results.documents.balance;
    format!(
        "by {}: {} on record, {} eligible; {} of {} treated compared with {} of {} comparators",
        funnel.unit,
        funnel.start,
        funnel
            .lines
            .last()
            .map_or(funnel.start, |line| line.remaining),
        balance.n_treated_matched,
        balance.n_treated,
        balance.n_comparator_matched,
        balance.n_comparator,
    )
}

fn balance(results: &Results) -> String {
    let balance = &results.documents.balance;
    let largest = |smd: fn(&utfall_verify::record::BalanceRow) -> Option<f64>| {
        balance
            .rows
            .iter()
            .filter_map(smd)
            .map(f64::abs)
            .fold(0.0, f64::max)
    };
    format!(
        "largest standardised difference {:.2} before, {:.2} after; gate {}: {}",
        largest(|row| row.smd_before),
        largest(|row| row.smd_after),
        balance.gate.max_abs_smd,
        if balance.gate.passed {
            "passed"
        } else {
            "FAILED"
        },
    )
}

fn details(effect: &EffectRecord) -> Vec<String> {
    match &effect.result {
        EffectResult::Estimated(found) => {
            let own = format!("estimate    {}", figures(&found.estimate, &effect.unit));
            let unadjusted = found.unadjusted.iter();
            let unadjusted =
                unadjusted.map(|one| format!("unadjusted  {}", figures(one, &effect.unit)));
            std::iter::once(own).chain(unadjusted).collect()
        }
        EffectResult::NotMeasurable { reason } => vec![format!("not measurable: {reason}")],
        EffectResult::NotYetReported { reason } => vec![format!("not yet: {reason}")],
    }
}

/// What other designs found, and what was planted in synthetic data.
fn beside(designs: &DesignsDocument, effect: &EffectRecord) -> Vec<String> {
    let of_effect = |alternative: &AlternativeRecord| match &alternative.result {
        DesignResult::Made(made) => {
            let mut effects = made.effects.iter();
            let found = effects.find(|one| one.name == effect.name)?;
            match &found.result {
                EffectResult::Estimated(found) => Some(found.estimate.point),
                _ => None,
            }
        }
        DesignResult::NotMade { .. } => None,
    };
    let points: Vec<f64> = designs.alternatives.iter().filter_map(of_effect).collect();
    let mut lines = Vec::new();
    if let Some(lowest) = points.iter().copied().reduce(f64::min) {
        let highest = points.iter().copied().fold(lowest, f64::max);
        let (from, _) = in_unit(lowest, &effect.unit);
        let (to, unit) = in_unit(highest, &effect.unit);
        let n_all = designs.alternatives.len();
        lines.push(format!(
            "beside it   {from} to {to} {unit} by {} of {n_all} other designs",
            points.len()
        ));
    }
    if let Some(truth) = designs.truths.iter().find(|one| one.effect == effect.name) {
        let (value, unit) = in_unit(truth.value, &effect.unit);
        lines.push(format!(
            "planted     {value} {unit} (these data are synthetic)"
        ));
    }
    lines
}

/// A difference in the unit people read, and that unit.
fn in_unit(value: f64, unit: &str) -> (String, &str) {
    if unit == "rate" {
        return (format!("{:+.1}", value * 100.0), "percentage points");
    }
    let decimals = if value.abs() >= 100.0 { 0 } else { 2 };
    (format!("{value:+.decimals$}"), unit)
}

/// The grade of an estimate in a line.
fn evidence(grade: &GradeRecord) -> String {
    format!(
        "evidence    Maryland {} of 5; What Works Clearinghouse style: {}",
        grade.maryland,
        grade.wwc.replace('-', " ")
    )
}

fn figures(estimate: &Estimate, unit: &str) -> String {
    let (point, lower, upper) = (
        estimate.point,
        estimate.interval.lower,
        estimate.interval.upper,
    );
    let level = estimate.confidence_level.fraction() * 100.0;
    let p_value = if estimate.p_value < 0.001 {
        "p < 0.001".to_owned()
    } else {
        format!("p = {:.3}", estimate.p_value)
    };
    if unit == "rate" {
        let points = |rate: f64| rate * 100.0;
        return format!(
            "{:+.1} percentage points ({level} % interval {:+.1} to {:+.1}), {p_value}",
            points(point),
            points(lower),
            points(upper)
        );
    }
    let decimals = if point.abs() >= 100.0 { 0 } else { 2 };
    format!(
        "{point:+.decimals$} {unit} ({level} % interval {lower:+.decimals$} to {upper:+.decimals$}), {p_value}"
    )
}

fn data(results: &Results) -> String {
    let extracts = &results.documents.extracts.extracts;
    let n_rows: u64 = extracts.iter().map(|extract| extract.n_rows).sum();
    let n_quarantined: u64 = extracts.iter().map(|extract| extract.n_quarantined).sum();
    format!(
        "{} deliveries, {n_rows} rows, {n_quarantined} in quarantine",
        extracts.len()
    )
}

/// Whether the plan was locked, and every clause changed since.
fn plan(lock: &LockDocument) -> Vec<(&'static str, String)> {
    let Some(locked) = &lock.locked else {
        return vec![("Plan", "not locked".to_owned())];
    };
    let ledger = if locked.in_ledger {
        ", in a ledger"
    } else {
        ""
    };
    if lock.is_kept() {
        return vec![("Plan", format!("as it was locked{ledger}"))];
    }
    let first = format!("locked{ledger}, and CHANGED since:");
    let clauses = lock.differences.iter().map(|difference| {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (locked, run) = (said(&difference.locked), said(&difference.run));
        let ClauseDifference { file, clause, .. } = difference;
        (
            "",
            format!("{file} {clause}: locked as {locked}, now {run}"),
        )
    });
    [("Plan", first)].into_iter().chain(clauses).collect()
}

fn decision(results: &Results) -> String {
    let decision = &results.documents.decision;
    format!("{} ({})", decision.total, decision.branch)
}

/// The last sentences of the explanation: the distance to each threshold, what nearby evidence would
/// pay, what each line came to, and the total.
fn reasons(results: &Results) -> Vec<String> {
    let decision = &results.documents.decision;
    let sentences = utfall_payment::explain(decision, Language::English);
    let with_distance = |threshold: &&Threshold| threshold.distance.is_some();
    let n_distances = decision.thresholds.iter().filter(with_distance).count();
    let n_last = n_distances + decision.nearby.len() + decision.lines.len() + 1;
    sentences[sentences.len().saturating_sub(n_last)..].to_vec()
}

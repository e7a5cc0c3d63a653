//! The cohort section: every unit accounted for, in counts that may be seen.

use utfall_disclosure::{Cell, Policy, ReleasedFunnel};

use super::{CohortSection, FunnelRow};
use crate::number;
use crate::picture::{FunnelStep, Shown, funnel as picture};

/// Builds the section from released counts. No other count of the funnel reaches the page.
pub(crate) fn section(funnel: &ReleasedFunnel, policy: &Policy) -> CohortSection {
    let steps = steps(funnel);
    let last = funnel
        .lines
        .last()
        .map_or(funnel.start, |line| line.remaining);
    CohortSection {
        introduction: format!(
            "Everyone in the extracts is accounted for: {} at the start, {} in the cohort. Whoever drops out does so at the first rule not met, before any outcome is read.",
            in_words(funnel.start),
            in_words(last)
        ),
        policy: policy_words(policy),
        rows: steps.iter().map(row).collect(),
        picture: picture(&funnel.unit, &steps),
    }
}

/// A count as it may be seen, with the reason where it may not.
pub(crate) fn cell(cell: Cell) -> Shown {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the length of a bar needs no more than 53 bits"
    )]
    let size = cell.value().map(|value| value as f64);
    let text = match cell {
        Cell::Exact(value) => number::count(value),
        Cell::Rounded(value) => format!("≈\u{a0}{}", number::count(value)),
        Cell::Suppressed => "suppressed".to_owned(),
    };
    Shown { text, size }
}

fn in_words(count: Cell) -> String {
    match count {
        Cell::Suppressed => "a suppressed number".to_owned(),
        shown => cell(shown).text,
    }
}

fn steps(funnel: &ReleasedFunnel) -> Vec<FunnelStep> {
    let start = FunnelStep {
        rule: "In the extracts".to_owned(),
        lost: None,
        remaining: cell(funnel.start),
    };
    let lines = funnel.lines.iter().map(|line| FunnelStep {
        rule: line.rule.clone(),
        lost: Some(cell(line.lost)),
        remaining: cell(line.remaining),
    });
    std::iter::once(start).chain(lines).collect()
}

fn row(step: &FunnelStep) -> FunnelRow {
    FunnelRow {
        rule: step.rule.clone(),
        lost: step
            .lost
            .as_ref()
            .map_or_else(String::new, |lost| lost.text.clone()),
        remaining: step.remaining.text.clone(),
    }
}

fn policy_words(policy: &Policy) -> String {
    match policy {
        Policy::None { reason } => format!("exact counts: {}", reason.as_str()),
        Policy::Round {
            redact_at_most,
            base,
        } => {
            format!(
                "counts up to {redact_at_most} are suppressed, all others rounded to the nearest {base}; losses are differences of the counts shown"
            )
        }
        _ => "counts under the plan’s disclosure policy".to_owned(),
    }
}

//! The cohort section: every unit accounted for, in counts that may be seen.

use utfall_disclosure::{Cell, ReleasedFunnel};
use utfall_verify::record::{Documents, TrialPart};

use super::released::{cell, policy_words};
use super::{CohortSection, FunnelRow, TrialRow};
use crate::number;
use crate::picture::{FunnelStep, funnel as picture};

/// Builds the section from released counts. No other count of the funnel reaches the page.
pub(crate) fn section(documents: &Documents) -> CohortSection {
    let (funnel, policy) = (&documents.funnel.funnel, &documents.funnel.policy);
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
        trial: documents.trial.parts.iter().map(trial_row).collect(),
        policy: policy_words(policy),
        rows: steps.iter().map(row).collect(),
        picture: picture(&funnel.unit, &steps),
    }
}

fn trial_row(part: &TrialPart) -> TrialRow {
    TrialRow {
        name: part.name.clone(),
        lines: part.lines.clone(),
    }
}

fn in_words(count: Cell) -> String {
    match count {
        Cell::Suppressed => "a suppressed number".to_owned(),
        Cell::Rounded(value) => format!("about {}", number::count(value)),
        Cell::Exact(value) => number::count(value),
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

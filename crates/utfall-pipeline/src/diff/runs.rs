//! Two runs side by side: what they were made of, what they estimated, and what they decided.

use std::path::Path;

use serde::Serialize;
use utfall_core::Interval;
use utfall_payment::{DecisionDifference, Moved, compare};
use utfall_verify::record::{EffectRecord, EffectResult};

use crate::{RunError, steps};

/// What differs between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunDifference {
    /// Effects whose point, interval or number of treated differs.
    pub effects: Vec<Moved>,
    /// What it did to the payment.
    #[serde(flatten)]
    pub decision: DecisionDifference,
}

/// Compares the folders of two finished runs.
///
/// # Errors
///
/// [`RunError`] if a folder holds no effects or no decision.
pub fn compare_runs(before: &Path, after: &Path) -> Result<RunDifference, RunError> {
    let (effects, decision) = (steps::effects::read_in, steps::decision::read_in);
    Ok(RunDifference {
        effects: moved_effects(&effects(before)?.effects, &effects(after)?.effects),
        decision: compare(&decision(before)?, &decision(after)?),
    })
}

fn moved_effects(before: &[EffectRecord], after: &[EffectRecord]) -> Vec<Moved> {
    let words = |effects: &[EffectRecord], name: &str| {
        let found = effects.iter().find(|effect| effect.name == name);
        found.map_or_else(|| "absent".to_owned(), in_words)
    };
    let mut names: Vec<&str> = after.iter().map(|effect| &*effect.name).collect();
    let gone = before.iter().map(|effect| &*effect.name);
    names.extend(gone.filter(|name| after.iter().all(|effect| effect.name != *name)));
    let moved = names.into_iter().map(|name| Moved {
        name: format!("effect {name}"),
        before: words(before, name),
        after: words(after, name),
    });
    moved.filter(|moved| moved.before != moved.after).collect()
}

fn in_words(effect: &EffectRecord) -> String {
    match &effect.result {
        EffectResult::Estimated(estimated) => {
            let estimate = &estimated.estimate;
            let Interval { lower, upper } = estimate.interval;
            format!(
                "{} ({lower} to {upper}), {} treated",
                estimate.point, estimate.n_treated
            )
        }
        EffectResult::NotMeasurable { reason } => format!("not measurable: {reason}"),
        EffectResult::NotYetReported { reason } => format!("not yet reported: {reason}"),
    }
}

//! The trial that a plan stands for: what the plan says, in the parts of a protocol.

use serde::{Deserialize, Serialize};
use utfall_cohort::{EligibilityRule, Entry, Treatment};
use utfall_core::Estimand;
use utfall_verify::record::{TrialDocument, TrialPart};

use crate::{Plan, PlanError};

/// What a protocol has and no other part of a plan says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TargetTrial {
    /// What the treated are offered.
    pub treated: String,
    /// What comparators are offered.
    pub comparator: String,
    /// Who is lost to follow-up, and what becomes of them.
    pub censoring: String,
}

/// The parts of the trial, in the order of a protocol.
///
/// # Errors
///
/// [`PlanError::Window`] for a window that is none.
pub(crate) fn trial(plan: &Plan) -> Result<TrialDocument, PlanError> {
    let rules = |rules: &[EligibilityRule]| rules.iter().map(|rule| rule.rule.clone()).collect();
    let mut parts = vec![part("Eligible", rules(&plan.cohort.eligibility))];
    if !plan.cohort.comparator.is_empty() {
        parts.push(part("Comparators besides", rules(&plan.cohort.comparator)));
    }
    if let Some(trial) = &plan.target_trial {
        parts.push(part(
            "Strategies",
            vec![
                format!("Treated: {}", trial.treated),
                format!("Comparators: {}", trial.comparator),
            ],
        ));
    }
    parts.push(part("Treated are", vec![treated(plan)?]));
    parts.push(part("Time zero", vec![time_zero(plan)]));
    let mut follow_up = Vec::new();
    let mut estimators = Vec::new();
    for effect in &plan.effect {
        let period = effect
            .window
            .around(plan.index_date)
            .map_err(PlanError::Window)?;
        follow_up.push(format!("{}: {period}", effect.title));
        let word = effect.estimator.word();
        estimators.push(format!("{}: {word}", effect.title));
    }
    parts.push(part("Follow-up", follow_up));
    if let Some(trial) = &plan.target_trial {
        parts.push(part("Lost to follow-up", vec![trial.censoring.clone()]));
    }
    parts.push(part("Estimand", vec![estimand(plan.estimand).to_owned()]));
    parts.push(part("Made comparable by", vec![plan.design().words()]));
    parts.push(part("Estimated by", estimators));
    Ok(TrialDocument { parts })
}

fn part(name: &str, lines: Vec<String>) -> TrialPart {
    TrialPart {
        name: name.to_owned(),
        lines,
    }
}

fn time_zero(plan: &Plan) -> String {
    let index_date = plan.index_date;
    match &plan.cohort.entry {
        None => index_date.to_string(),
        Some(Entry::Staggered { earlier }) => {
            let earlier: Vec<String> = earlier.iter().map(ToString::to_string).collect();
            format!(
                "{index_date} and, judged anew, {} from it: each treated at the first on which it is, comparators at each before they are. The other dates here are those of {index_date}",
                earlier.join(", ")
            )
        }
        Some(Entry::AtReferral { since }) => format!(
            "from {since} from {index_date} until then: each treated on the day after its referral, comparators, judged anew, on every such day before they are referred. The other dates here are those of {index_date}"
        ),
        Some(Entry::Historical { earlier }) => format!(
            "{index_date} for the treated, {earlier} from it for comparators. The other dates here are those of {index_date}"
        ),
    }
}

fn treated(plan: &Plan) -> Result<String, PlanError> {
    Ok(match &plan.cohort.treatment {
        Treatment::Referral {
            extract, window, ..
        } => {
            let period = window.around(plan.index_date).map_err(PlanError::Window)?;
            format!("those with a record in {extract} dated in {period}, whatever follows it")
        }
        Treatment::Placebo { one_in, .. } => {
            format!("one in {one_in}, by a hash of the id: a programme that does nothing")
        }
    })
}

fn estimand(estimand: Estimand) -> &'static str {
    match estimand {
        Estimand::Ate => "the average effect over everyone eligible (ATE)",
        Estimand::Att => "the average effect over the treated (ATT)",
        Estimand::Atc => "the average effect over the comparators (ATC)",
        Estimand::MatchedTreated => "the average effect over the treated who are matched",
        Estimand::MatchedComparators => "the average effect over the comparators who are matched",
        Estimand::MatchedUnits => "the average effect over everyone who is matched",
        Estimand::Overlap | Estimand::EvenlyMatchable | Estimand::EntropyOverlap => {
            "the average effect over those who may well have been in either group"
        }
        Estimand::Compliers => "the average effect over those whose treatment an instrument moves",
        Estimand::AtCutoff => "the effect on those at the cutoff",
    }
}

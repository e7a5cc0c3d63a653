//! The public view of a run: its counts released together, and the payment that follows from them.

use utfall_core::{ConfidenceLevel, Estimand, Estimate, Funnel, Interval};
use utfall_disclosure::{
    Arms, Bin, Cell, ClaimFigures, DisclosureError, EffectFigures, Policy, Protected,
    PublicEstimate, PublicLine, PublicPayment, PublicResult, PublicView,
};
use utfall_payment::{Branch, Contract, Decision, LineDecision};

use crate::record::{
    BalanceDocument, Documents, EffectRecord, EffectResult, EffectsDocument, Estimated, GradeRecord,
};
use crate::seal::decide;

/// What a public view needs beside the documents of a run: exact counts, which are in none of them.
#[derive(Debug, Clone)]
pub struct ExactCounts {
    /// The exact funnel.
    pub funnel: Funnel,
    /// Exact counts of units by their propensity score.
    pub overlap: Vec<Bin<u64>>,
}

/// What everyone may see of a run.
///
/// The payment is evaluated anew on the figures shown. A line is shown with its branch; its amount is
/// left out where those figures would decide it otherwise than the contract's parties did on the
/// exact ones, or are not shown.
///
/// # Errors
///
/// [`DisclosureError`] if the counts cannot be protected.
pub fn public_view(
    pipeline: &str,
    title: &str,
    documents: &Documents,
    exact: &ExactCounts,
    contract: &Contract,
) -> Result<Protected<PublicView>, DisclosureError> {
    let policy: &Policy = &documents.funnel.policy;
    let balance = &documents.balance;
    let figures = ClaimFigures {
        funnel: &exact.funnel,
        arms: Arms {
            treated: balance.n_treated,
            comparator: balance.n_comparator,
        },
        compared: Arms {
            treated: balance.n_treated_matched,
            comparator: balance.n_comparator_matched,
        },
        overlap: exact.overlap.clone(),
        effects: documents.effects.effects.iter().map(exactly).collect(),
    };
    let terms = Terms {
        contract,
        documents,
    };
    let view = PublicView::of(pipeline, title, policy, &figures)?;
    Ok(view.with_payment(&terms, pay))
}

fn exactly(effect: &EffectRecord) -> EffectFigures<'_> {
    let (estimate, relative) = match &effect.result {
        EffectResult::Estimated(found) => (Ok(&found.estimate), found.relative),
        EffectResult::NotMeasurable { reason } | EffectResult::NotYetReported { reason } => {
            (Err(reason.as_str()), None)
        }
    };
    EffectFigures {
        name: &effect.name,
        title: &effect.title,
        unit: &effect.unit,
        estimate,
        relative,
    }
}

/// The contract, what was decided by it, and what no count can be computed from: whether the balance
/// gate was passed, estimands, grades.
struct Terms<'a> {
    contract: &'a Contract,
    documents: &'a Documents,
}

fn pay(view: &PublicView, terms: &Terms<'_>) -> Option<PublicPayment> {
    let documents = terms.documents;
    let effects = documents.effects.effects.iter().zip(&view.effects);
    let effects = EffectsDocument {
        effects: effects
            .map(|(record, seen)| as_seen(record, &seen.result))
            .collect(),
    };
    let seen = decide(terms.contract, &effects, &as_passed(&documents.balance)).ok()?;
    let decided = &documents.decision;
    let lines: Vec<PublicLine> = decided
        .lines
        .iter()
        .zip(&seen.lines)
        .map(|(line, seen_line)| PublicLine {
            name: line.name.clone(),
            title: line.title.clone(),
            branch: word(line.branch).to_owned(),
            amount: (line.branch == seen_line.branch
                && line.conditions == seen_line.conditions
                && met(decided, &line.name) == met(&seen, &line.name))
            .then(|| amount(seen_line)),
        })
        .collect();
    let is_whole = lines.iter().all(|line| line.amount.is_some());
    let groups = |decision: &Decision| -> Vec<Branch> {
        decision.groups.iter().map(|group| group.branch).collect()
    };
    let is_alike = decided.branch == seen.branch && groups(decided) == groups(&seen);
    Some(PublicPayment {
        total: (is_whole && is_alike).then(|| seen.total.to_string()),
        lines,
    })
}

/// Which thresholds of a line were met.
fn met<'a>(decision: &'a Decision, line: &'a str) -> Vec<(&'a str, Option<bool>)> {
    let thresholds = decision.thresholds.iter();
    thresholds
        .filter(|threshold| threshold.line == line)
        .map(|threshold| (threshold.quantity.as_str(), threshold.met))
        .collect()
}

/// The amount of a line; a finer one where the contract rounds at the total.
fn amount(line: &LineDecision) -> String {
    line.amount
        .map_or_else(|| line.exact.clone(), |amount| amount.to_string())
}

fn word(branch: Branch) -> &'static str {
    match branch {
        Branch::Paid => "paid",
        Branch::RepaymentDue => "repayment-due",
        Branch::NothingDue => "nothing-due",
        Branch::NotMeasurable => "not-measurable",
        Branch::Deferred => "deferred",
    }
}

/// A record of an effect that holds what is shown of it and nothing else.
fn as_seen(record: &EffectRecord, seen: &PublicResult) -> EffectRecord {
    let result = match (seen, &record.result) {
        (PublicResult::Released(shown), EffectResult::Estimated(found)) => {
            let estimand = found.estimate.estimand;
            match estimated(shown, estimand) {
                Some(estimated) => EffectResult::Estimated(Box::new(estimated)),
                None => not_shown("the units it rests on are too few to be shown"),
            }
        }
        (PublicResult::None { .. }, result) => result.clone(),
        (PublicResult::Suppressed { reason }, _) => not_shown(reason),
        (PublicResult::Released(_), _) => not_shown("it is not shown"),
    };
    EffectRecord {
        money: record.money.as_ref().map(|money| money.as_seen(&result)),
        result,
        n_outcome_missing_treated: 0,
        n_outcome_missing_comparator: 0,
        grade: record.grade.as_ref().map(|grade| GradeRecord {
            overall_attrition: 0.0,
            differential_attrition: 0.0,
            largest_difference: None,
            reasons: Vec::new(),
            ..grade.clone()
        }),
        ..record.clone()
    }
}

fn not_shown(reason: &str) -> EffectResult {
    EffectResult::NotMeasurable {
        reason: reason.to_owned(),
    }
}

/// `None` if a count it needs is suppressed.
fn estimated(shown: &PublicEstimate, estimand: Estimand) -> Option<Estimated> {
    let count = |cell: Cell| usize::try_from(cell.value()?).ok();
    let estimate = Estimate {
        estimand,
        point: shown.point,
        standard_error: shown.standard_error,
        degrees_of_freedom: None,
        confidence_level: ConfidenceLevel::try_from(shown.confidence_level).ok()?,
        interval: Interval {
            lower: shown.lower,
            upper: shown.upper,
        },
        p_value: shown.p_value,
        n_treated: count(shown.units.treated)?,
        n_comparator: count(shown.units.comparator)?,
        n_clusters: None,
    };
    let made = Estimated::new(estimate, None, None, None);
    Some(Estimated {
        relative: shown.relative,
        ..made
    })
}

/// A balance document that says whether the gate was passed and nothing else.
fn as_passed(balance: &BalanceDocument) -> BalanceDocument {
    BalanceDocument {
        rows: Vec::new(),
        n_treated: 0,
        n_treated_matched: 0,
        n_comparator: 0,
        n_comparator_matched: 0,
        effective_n_treated: 0.0,
        effective_n_comparator: 0.0,
        n_tied: 0,
        n_later_treated: 0,
        ..balance.clone()
    }
}

//! The decision in ten seconds: amount, branch, one sentence why, what was estimated.

use utfall_core::Estimand;
use utfall_payment::{Branch, Decision, LineDecision, Operation, StepResult, Subject, Threshold};
use utfall_verify::record::{Documents, EffectRecord};

use super::effect::{estimated, interval_words, missing};
use super::outcome::{Outcome, confidence, plural};
use super::payment::{capitalised, condition_words, money, short_amount, short_money};
use super::released::Released;
use super::trace::{branch_words, line_title, operator_sign};
use super::{Banner, Fact};
use crate::number;

/// Builds the banner.
pub(crate) fn banner(documents: &Documents) -> Banner {
    let decision = &documents.decision;
    let total = decision.total;
    let is_open = decision.branch.is_undecided() && total.minor_units() == 0;
    let (headline, tone) = headline(decision.branch);
    Banner {
        tone,
        headline,
        amount: if is_open {
            "No amount".to_owned()
        } else {
            short_amount(total)
        },
        currency: if is_open {
            String::new()
        } else {
            total.currency().code().to_owned()
        },
        amount_text: money(total),
        reason: reason(decision),
        facts: facts(documents),
    }
}

fn headline(branch: Branch) -> (&'static str, &'static str) {
    match branch {
        Branch::Paid => ("Payment due", "paid"),
        Branch::RepaymentDue => ("Repayment due", "alert"),
        Branch::NothingDue => ("No payment due", "shut"),
        Branch::NotMeasurable => ("Not measurable", "alert"),
        Branch::Deferred => ("Deferred", "alert"),
    }
}

fn reason(decision: &Decision) -> String {
    match decision.branch {
        Branch::Paid | Branch::RepaymentDue => what_pays(decision),
        Branch::NothingDue => {
            let why = |line| format!("{} {}", quoted(decision, line), why_nothing(decision, line));
            let reasons: Vec<String> = decision.lines.iter().map(why).collect();
            format!("Nothing is due: {}.", reasons.join("; "))
        }
        Branch::NotMeasurable => format!("The payment cannot be decided: {}.", gaps(decision)),
        Branch::Deferred => format!("The payment cannot be decided yet: {}.", gaps(decision)),
    }
}

fn quoted(decision: &Decision, line: &LineDecision) -> String {
    format!("“{}”", line_title(decision, &line.name))
}

/// Each line that pays, with the highest threshold it met, and what a cap or floor made of the sum.
fn what_pays(decision: &Decision) -> String {
    let pays = |line: &&LineDecision| matches!(line.branch, Branch::Paid | Branch::RepaymentDue);
    let paying = decision.lines.iter().filter(pays);
    let parts: Vec<String> = paying.map(|line| what_line_pays(decision, line)).collect();
    let mut sentence = listed(&parts);
    if let Some((operation, limited)) = limit(decision) {
        let does = if *operation == Operation::Cap {
            "cap lowers"
        } else {
            "floor raises"
        };
        sentence.push_str(&format!("; the contract’s {does} the sum to {limited}"));
    }
    sentence.push('.');
    sentence
}

fn what_line_pays(decision: &Decision, line: &LineDecision) -> String {
    let amount = line
        .amount
        .map_or_else(|| number::written(&line.exact), short_money);
    let is_met =
        |threshold: &&Threshold| threshold.line == line.name && threshold.met == Some(true);
    let met = decision.thresholds.iter().rfind(is_met);
    let because = met.and_then(|threshold| {
        let (value, asked) = (threshold.value.as_deref()?, threshold.threshold.as_deref()?);
        let (value, asked) = (number::written(value), number::written(asked));
        let (quantity, sign) = (&threshold.quantity, operator_sign(threshold.operator));
        Some(format!(
            " ({quantity}\u{a0}{value}\u{a0}{sign}\u{a0}{asked})"
        ))
    });
    format!(
        "{} pays {amount}{}",
        quoted(decision, line),
        because.unwrap_or_default()
    )
}

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => "no line pays".to_owned(),
        [one] => one.clone(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}

/// The contract's cap or floor, if it changed the sum of the lines.
fn limit(decision: &Decision) -> Option<(&Operation, String)> {
    let step = decision.trace.iter().rfind(|step| {
        let StepResult::Value(after) = &step.result else {
            return false;
        };
        let is_limit = matches!(step.operation, Operation::Cap | Operation::Floor);
        let changed = step
            .operands
            .first()
            .is_some_and(|before| before.value != *after);
        step.subject == Subject::Total && is_limit && changed
    })?;
    let StepResult::Value(after) = &step.result else {
        return None;
    };
    let currency = decision.total.currency().code();
    Some((
        &step.operation,
        format!("{}\u{a0}{currency}", number::written(after)),
    ))
}

fn why_nothing(decision: &Decision, line: &LineDecision) -> String {
    let mut thresholds = decision
        .thresholds
        .iter()
        .filter(|threshold| threshold.line == line.name);
    let mut conditions = line.conditions.iter();
    if let Some(unmet) = conditions.find(|condition| condition.result == StepResult::NotMet) {
        let is_it =
            |threshold: &&Threshold| unmet.text.starts_with(&format!("{} ", threshold.quantity));
        let value = thresholds
            .find(is_it)
            .and_then(|threshold| threshold.value.as_deref());
        let condition = condition_words(decision, &unmet.text);
        return match value {
            Some(value) => format!("asks for {condition}, and it is {}", number::written(value)),
            None => format!("asks that {condition}, and that is not so"),
        };
    }
    let lowest = thresholds.next().and_then(|threshold| {
        let (value, asked) = (threshold.value.as_deref()?, threshold.threshold.as_deref()?);
        let (value, asked) = (number::written(value), number::written(asked));
        let (quantity, sign) = (&threshold.quantity, operator_sign(threshold.operator));
        Some(format!(
            "asks for {quantity} {sign}\u{a0}{asked}, and it is {value}"
        ))
    });
    lowest.unwrap_or_else(|| "comes to 0".to_owned())
}

/// Why lines were left undecided, each reason once.
fn gaps(decision: &Decision) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    for gap in decision.lines.iter().filter_map(|line| line.gap.as_ref()) {
        if !reasons.contains(&gap.reason.as_str()) {
            reasons.push(&gap.reason);
        }
    }
    let reasons: Vec<String> = reasons
        .iter()
        .map(|reason| reason.replace("balance.passed = true", "the balance gate is passed"))
        .collect();
    if reasons.is_empty() {
        "no line could be decided".to_owned()
    } else {
        reasons.join("; ")
    }
}

fn facts(documents: &Documents) -> Vec<Fact> {
    let mut facts: Vec<Fact> = documents.effects.effects.iter().map(effect_fact).collect();
    facts.extend(estimand_fact(documents));
    let decision = &documents.decision;
    facts.push(Fact {
        term: "Contract".to_owned(),
        value: decision.contract.title.clone(),
        note: Some(format!("ended: {}", branch_words(decision.branch))),
    });
    facts
}

fn effect_fact(effect: &EffectRecord) -> Fact {
    let (value, note) = match estimated(effect) {
        None => missing(effect)
            .map(|(word, reason)| (word.to_owned(), reason.to_owned()))
            .unwrap_or_default(),
        Some((_, estimated)) => {
            let estimate = &estimated.estimate;
            let outcome = Outcome::new(&effect.unit, estimate);
            (
                format!(
                    "{} {}",
                    outcome.difference(estimate.point),
                    outcome.difference_unit()
                ),
                format!(
                    "{} interval {}",
                    confidence(estimate),
                    interval_words(&outcome, estimate)
                ),
            )
        }
    };
    Fact {
        term: format!("Effect on: {}", effect.title),
        value,
        note: Some(note),
    }
}

fn estimand_fact(documents: &Documents) -> Option<Fact> {
    let (_, first) = documents.effects.effects.iter().find_map(estimated)?;
    let released = Released(&documents.funnel.policy);
    let units = plural(&documents.funnel.funnel.unit);
    let value = match first.estimate.estimand {
        Estimand::Ate => format!("all {units} in the cohort"),
        Estimand::Att => format!("all treated {units}"),
        Estimand::Atc => format!("{units} like the comparators"),
        Estimand::MatchedTreated => format!("treated {units} that found a comparator"),
        Estimand::MatchedComparators => {
            format!("comparators that found one of the treated {units}")
        }
        Estimand::MatchedUnits => format!("{units} with both arms in their stratum"),
        Estimand::Overlap | Estimand::EvenlyMatchable | Estimand::EntropyOverlap => {
            format!("{units} who may well have been in either arm")
        }
        Estimand::Compliers => format!("{units} whose treatment hung on the instrument"),
        Estimand::AtCutoff => format!("{units} at the cutoff"),
    };
    let (n_treated, n_comparator) = (
        first.estimate.n_treated as u64,
        first.estimate.n_comparator as u64,
    );
    let note = format!(
        "{} treated, {} comparators",
        released.figure(n_treated),
        released.figure(n_comparator)
    );
    Some(Fact {
        term: "Estimated for".to_owned(),
        value: capitalised(&value),
        note: Some(note),
    })
}

//! The designs section: each effect by every design of the plan, in one picture and one table.

use utfall_core::Estimand;
use utfall_verify::record::{
    AlternativeRecord, BalanceDocument, DesignResult, Documents, EffectRecord, TruthRecord,
};

use super::effect::{estimated, estimator_words, interval_words, missing, row, shown_title};
use super::outcome::Outcome;
use super::released::Released;
use super::{DesignRow, DesignTable, DesignsSection, Gap};
use crate::number::fixed;
use crate::picture::{EffectPanel, EffectRow, Mark, MarkKind, designs as picture};

/// What the plan's own design is called beside the others.
const OWN: &str = "The plan’s design";

/// Builds the section.
pub(crate) fn section(documents: &Documents) -> DesignsSection {
    let mut panels = Vec::new();
    let mut tables = Vec::new();
    for effect in &documents.effects.effects {
        let entries = entries(documents, effect);
        if let Some(panel) = panel(documents, effect, &entries) {
            panels.push(panel);
            tables.push(table(documents, effect, &entries));
        }
    }
    let alternatives = &documents.designs.alternatives;
    let is_alone = alternatives.is_empty() && documents.designs.truths.is_empty();
    DesignsSection {
        introduction: introduction(alternatives.len()),
        truth: truth_words(&documents.designs.truths),
        picture: (!panels.is_empty() && !is_alone).then(|| picture(&panels)),
        tables: if is_alone { Vec::new() } else { tables },
        gaps: gaps(documents),
        checks: super::sensitivity::tables(documents),
    }
}

/// One effect by one design.
struct Entry<'a> {
    title: &'a str,
    balance: &'a BalanceDocument,
    effect: &'a EffectRecord,
    is_own: bool,
}

fn entries<'a>(documents: &'a Documents, effect: &'a EffectRecord) -> Vec<Entry<'a>> {
    let own = Entry {
        title: OWN,
        balance: &documents.balance,
        effect,
        is_own: true,
    };
    let others = documents.designs.alternatives.iter();
    let others = others.filter_map(|alternative| {
        let DesignResult::Made(made) = &alternative.result else {
            return None;
        };
        let found = made.effects.iter().find(|one| one.name == effect.name)?;
        Some(Entry {
            title: &alternative.title,
            balance: &made.balance,
            effect: found,
            is_own: false,
        })
    });
    std::iter::once(own).chain(others).collect()
}

fn introduction(n_alternatives: usize) -> String {
    if n_alternatives == 0 {
        return "The plan names no other design. Nobody can say from this report how far the answer depends on the way it was asked.".to_owned();
    }
    "The plan names other ways to make the groups comparable and to estimate the effect, and named them before any outcome was read. If they agree, the answer does not hang on one choice. No payment rests on them: the contract reads the plan’s own design alone.".to_owned()
}

fn truth_words(truths: &[TruthRecord]) -> Option<String> {
    let first = truths.first()?;
    let definitions: Vec<String> = truths
        .iter()
        .map(|truth| format!("{}: {}", truth.effect, truth.definition))
        .collect();
    Some(format!(
        "These data are synthetic. The true effect was planted, is known from {}, and is marked in the picture; on real data nobody knows it, and no estimate used it. It is the effect over all referred, so a design with another estimand answers a somewhat different question. ({}.)",
        first.file,
        definitions.join("; ")
    ))
}

fn truth<'a>(documents: &'a Documents, effect: &EffectRecord) -> Option<&'a TruthRecord> {
    let truths = &documents.designs.truths;
    truths.iter().find(|truth| truth.effect == effect.name)
}

fn panel(
    documents: &Documents,
    effect: &EffectRecord,
    entries: &[Entry<'_>],
) -> Option<EffectPanel> {
    let outcome = outcome(effect, entries)?;
    let found = entries.iter().filter_map(|entry| {
        let (_, found) = estimated(entry.effect)?;
        Some((entry, found))
    });
    let rows: Vec<EffectRow> = found
        .map(|(entry, found)| row(entry.title, &outcome, &found.estimate, entry.is_own))
        .collect();
    let mark = truth(documents, effect).map(|truth| Mark {
        value: outcome.scaled(truth.value),
        label: format!("planted: {} (synthetic)", outcome.stated(truth.value)),
        kind: MarkKind::Truth,
    });
    Some(EffectPanel {
        title: shown_title(effect),
        unit: outcome.difference_unit().to_owned(),
        rows,
        marks: mark.into_iter().collect(),
    })
}

/// How numbers of an effect are shown: as the plan's own design needs, or the first that has one.
fn outcome(effect: &EffectRecord, entries: &[Entry<'_>]) -> Option<Outcome> {
    let (_, found) = entries.iter().find_map(|entry| estimated(entry.effect))?;
    Some(Outcome::new(&effect.unit, &found.estimate))
}

fn table(documents: &Documents, effect: &EffectRecord, entries: &[Entry<'_>]) -> DesignTable {
    let outcome = outcome(effect, entries);
    let truth = truth(documents, effect);
    let released = Released(&documents.funnel.policy);
    let rows = entries.iter().filter_map(|entry| {
        let (_, found) = estimated(entry.effect)?;
        let outcome = outcome.as_ref()?;
        let (estimate, balance) = (&found.estimate, entry.balance);
        let largest = balance.max_abs_smd();
        let answers = matches!(estimate.estimand, Estimand::Att | Estimand::MatchedTreated);
        Some(DesignRow {
            title: entry.title.to_owned(),
            method: format!(
                "{}; {}",
                balance.method,
                estimator_words(&entry.effect.estimator)
            ),
            effect: outcome.difference(estimate.point),
            interval: interval_words(outcome, estimate),
            estimand: estimate.estimand.to_string(),
            treated: released.figure(estimate.n_treated as u64),
            comparators: released.figure(estimate.n_comparator as u64),
            effective: released.effective(balance.effective_n_comparator),
            largest: largest.map_or_else(|| "–".to_owned(), |size| fixed(size, 3)),
            is_outside: !balance.gate.passed,
            holds_truth: match truth {
                Some(truth) if answers && estimate.interval.contains(truth.value) => "yes",
                Some(_) if answers => "no",
                _ => "–",
            },
        })
    });
    DesignTable {
        title: shown_title(effect),
        note: outcome
            .as_ref()
            .map_or_else(String::new, |outcome| outcome.difference_unit().to_owned()),
        has_truth: truth.is_some(),
        rows: rows.collect(),
    }
}

/// Alternatives that could not be made, and effects they could not estimate.
fn gaps(documents: &Documents) -> Vec<Gap> {
    let of_alternative = |alternative: &AlternativeRecord| match &alternative.result {
        DesignResult::NotMade { reason } => vec![Gap {
            title: alternative.title.clone(),
            word: "not made",
            reason: reason.clone(),
        }],
        DesignResult::Made(made) => made
            .effects
            .iter()
            .filter_map(|effect| {
                let (word, reason) = missing(effect)?;
                Some(Gap {
                    title: format!("{}, {}", alternative.title, effect.title),
                    word,
                    reason: reason.to_owned(),
                })
            })
            .collect(),
    };
    let alternatives = documents.designs.alternatives.iter();
    alternatives.flat_map(of_alternative).collect()
}

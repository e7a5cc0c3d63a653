//! What the page shows, as finished text: the template adds words around it and nothing else.

mod balance;
mod banner;
mod cohort;
mod data;
mod designs;
mod effect;
pub(crate) mod outcome;
mod overlap;
mod payment;
mod released;
mod sensitivity;
mod thresholds;
mod trace;
mod warnings;
mod words;

use released::Released;
use serde::Serialize;

use crate::ReportInput;
use crate::estimate::ModelPicture;
use crate::picture::Picture;
use crate::verifier::Verifier;

/// Everything on the page.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) pipeline: String,
    pub(crate) description: String,
    pub(crate) version: String,
    pub(crate) unit: String,
    pub(crate) contents: Vec<Section>,
    pub(crate) decision: Banner,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) effect: EffectSection,
    pub(crate) designs: DesignsSection,
    pub(crate) payment: PaymentSection,
    pub(crate) cohort: CohortSection,
    pub(crate) balance: BalanceSection,
    pub(crate) overlap: OverlapSection,
    pub(crate) data: DataSection,
    pub(crate) provenance: Vec<Provenance>,
    pub(crate) words: Vec<Word>,
    #[serde(flatten)]
    pub(crate) verifier: Verifier,
}

/// The sections, in order: what was decided, how, on what grounds, and how to check it.
const SECTIONS: [(&str, &str); 9] = [
    ("warnings", "Read with care"),
    ("effect", "The effect"),
    ("designs", "The same question, asked in other ways"),
    ("payment", "From effect to payment"),
    ("cohort", "Who was followed"),
    ("balance", "Were the groups alike?"),
    ("data", "Data used"),
    ("verify", "Check it yourself"),
    ("words", "Words used"),
];

impl Page {
    /// The page of a run.
    pub(crate) fn of(input: &ReportInput<'_>) -> Self {
        let documents = input.documents;
        let numbered = SECTIONS.into_iter().zip(1..);
        Self {
            title: input.title.to_owned(),
            pipeline: input.pipeline.to_owned(),
            description: input.description.to_owned(),
            version: documents.environment.utfall_version.clone(),
            unit: documents.funnel.funnel.unit.clone(),
            contents: numbered
                .map(|((id, title), number)| Section { id, number, title })
                .collect(),
            decision: banner::banner(documents),
            warnings: warnings::of(documents),
            effect: effect::section(documents),
            designs: designs::section(documents),
            payment: payment::section(&documents.decision),
            cohort: cohort::section(documents),
            balance: balance::section(&documents.balance, Released(&documents.funnel.policy)),
            overlap: overlap::section(&documents.overlap),
            data: data::section(&documents.extracts),
            provenance: data::provenance(
                &documents.environment,
                &documents.extracts,
                input.pipeline,
            ),
            words: words::glossary(),
            verifier: Verifier::new(),
        }
    }
}

/// A numbered section.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) number: usize,
    pub(crate) title: &'static str,
}

/// The decision in ten seconds.
#[derive(Debug, Serialize)]
pub(crate) struct Banner {
    /// Style-sheet class: `paid`, `shut` or `alert`.
    pub(crate) tone: &'static str,
    pub(crate) headline: &'static str,
    pub(crate) amount: String,
    pub(crate) currency: String,
    pub(crate) amount_text: String,
    pub(crate) reason: String,
    pub(crate) facts: Vec<Fact>,
}

/// A term, its value, and a word about it.
#[derive(Debug, Serialize)]
pub(crate) struct Fact {
    pub(crate) term: String,
    pub(crate) value: String,
    pub(crate) note: Option<String>,
}

/// Something a reader must know before relying on the figures.
#[derive(Debug, Serialize)]
pub(crate) struct Warning {
    pub(crate) title: String,
    pub(crate) text: String,
}

/// The estimates.
#[derive(Debug, Serialize)]
pub(crate) struct EffectSection {
    pub(crate) introduction: String,
    pub(crate) has_marks: bool,
    pub(crate) picture: Option<Picture>,
    pub(crate) tables: Vec<EffectTable>,
    /// What a model found over time, or around a cutoff.
    pub(crate) models: Vec<ModelPicture>,
    pub(crate) gaps: Vec<Gap>,
}

/// An effect without an estimate.
#[derive(Debug, Serialize)]
pub(crate) struct Gap {
    pub(crate) title: String,
    pub(crate) word: &'static str,
    pub(crate) reason: String,
}

/// One effect in numbers.
#[derive(Debug, Serialize)]
pub(crate) struct EffectTable {
    pub(crate) own: String,
    pub(crate) title: String,
    pub(crate) note: String,
    pub(crate) rows: Vec<EffectTableRow>,
    pub(crate) source: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct EffectTableRow {
    pub(crate) term: String,
    pub(crate) matched: String,
    pub(crate) unadjusted: String,
}

/// Each effect by every design of the plan.
#[derive(Debug, Serialize)]
pub(crate) struct DesignsSection {
    pub(crate) introduction: String,
    pub(crate) truth: Option<String>,
    pub(crate) picture: Option<Picture>,
    pub(crate) tables: Vec<DesignTable>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) checks: Vec<CheckTable>,
}

/// What one check of an effect found.
#[derive(Debug, Serialize)]
pub(crate) struct CheckTable {
    pub(crate) title: String,
    pub(crate) reading: String,
    /// For a table that is long: drawn above it, and the table folded.
    pub(crate) picture: Option<Picture>,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<CheckRow>,
}

/// One finding of a check.
#[derive(Debug, Serialize)]
pub(crate) struct CheckRow {
    pub(crate) label: String,
    pub(crate) cells: Vec<String>,
}

/// One effect by every design.
#[derive(Debug, Serialize)]
pub(crate) struct DesignTable {
    pub(crate) title: String,
    pub(crate) note: String,
    pub(crate) has_truth: bool,
    pub(crate) rows: Vec<DesignRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DesignRow {
    pub(crate) title: String,
    pub(crate) method: String,
    pub(crate) effect: String,
    pub(crate) interval: String,
    pub(crate) estimand: String,
    pub(crate) treated: String,
    pub(crate) comparators: String,
    pub(crate) effective: String,
    pub(crate) largest: String,
    pub(crate) is_outside: bool,
    pub(crate) holds_truth: &'static str,
}

/// The evaluation of the contract.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentSection {
    pub(crate) introduction: String,
    pub(crate) picture: Picture,
    pub(crate) thresholds: Vec<ThresholdGroup>,
    pub(crate) nearby: Vec<NearbyRow>,
    pub(crate) steps: Vec<TraceGroup>,
    pub(crate) payers: Vec<Payer>,
}

/// What would be paid for a figure one step away.
#[derive(Debug, Serialize)]
pub(crate) struct NearbyRow {
    pub(crate) of: String,
    pub(crate) away: String,
    pub(crate) lower: String,
    pub(crate) higher: String,
    pub(crate) turns: &'static str,
}

/// The thresholds of one line.
#[derive(Debug, Serialize)]
pub(crate) struct ThresholdGroup {
    pub(crate) line: String,
    pub(crate) rows: Vec<ThresholdRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ThresholdRow {
    pub(crate) quantity: String,
    pub(crate) value: String,
    pub(crate) needed: String,
    pub(crate) distance: String,
    pub(crate) outcome: &'static str,
}

/// The steps about one thing.
#[derive(Debug, Serialize)]
pub(crate) struct TraceGroup {
    pub(crate) heading: String,
    pub(crate) rows: Vec<TraceRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct TraceRow {
    pub(crate) operation: String,
    pub(crate) result: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Payer {
    pub(crate) name: String,
    pub(crate) share: String,
    pub(crate) amount: String,
}

/// The funnel.
#[derive(Debug, Serialize)]
pub(crate) struct CohortSection {
    pub(crate) introduction: String,
    pub(crate) trial: Vec<TrialRow>,
    pub(crate) policy: String,
    pub(crate) picture: Picture,
    pub(crate) rows: Vec<FunnelRow>,
}

/// One part of the trial's protocol.
#[derive(Debug, Serialize)]
pub(crate) struct TrialRow {
    pub(crate) name: String,
    pub(crate) lines: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FunnelRow {
    pub(crate) rule: String,
    pub(crate) lost: String,
    pub(crate) remaining: String,
}

/// How far the arms overlap before matching.
#[derive(Debug, Serialize)]
pub(crate) struct OverlapSection {
    pub(crate) text: String,
    pub(crate) picture: Option<Picture>,
    pub(crate) rows: Vec<OverlapRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct OverlapRow {
    pub(crate) score: String,
    pub(crate) treated: String,
    pub(crate) comparators: String,
}

/// Balance before and after matching.
#[derive(Debug, Serialize)]
pub(crate) struct BalanceSection {
    pub(crate) introduction: String,
    pub(crate) method: String,
    pub(crate) denominator: String,
    pub(crate) picture: Picture,
    pub(crate) rows: Vec<BalanceRow>,
    pub(crate) counts: Vec<ArmCounts>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BalanceRow {
    pub(crate) covariate: String,
    pub(crate) smd_before: String,
    pub(crate) smd_after: String,
    pub(crate) ratio_before: String,
    pub(crate) ratio_after: String,
    pub(crate) is_outside: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct ArmCounts {
    pub(crate) arm: &'static str,
    pub(crate) n: String,
    pub(crate) n_matched: String,
    pub(crate) effective: String,
}

/// The extracts the run read.
#[derive(Debug, Serialize)]
pub(crate) struct DataSection {
    pub(crate) introduction: String,
    pub(crate) extracts: Vec<Extract>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Extract {
    pub(crate) name: String,
    pub(crate) rows: Vec<Delivery>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Delivery {
    pub(crate) vintage: String,
    pub(crate) status: &'static str,
    pub(crate) n_rows: String,
    pub(crate) n_accepted: String,
    pub(crate) n_quarantined: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Provenance {
    pub(crate) term: String,
    pub(crate) value: String,
    pub(crate) is_digest: bool,
}

/// A word of the field, for readers who do not use it every day.
#[derive(Debug, Serialize)]
pub(crate) struct Word {
    pub(crate) term: &'static str,
    pub(crate) meaning: &'static str,
}

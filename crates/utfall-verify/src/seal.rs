//! A run as a bundle.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_evidence::json::{Json, JsonError, write_document};
use utfall_evidence::{Bundle, BundleError, Files, Finding, NameError};
use utfall_files::Digest;
use utfall_payment::{Contract, Decision};

use crate::inputs::{figures, inputs};
use crate::metadata::metadata;
use crate::record::{
    BALANCE, BalanceDocument, CONTRACT, DECISION, DESIGNS, Documents, EFFECTS, ENVIRONMENT,
    EXTRACTS, EffectsDocument, FIGURES, FUNNEL, FiguresDocument, LOCK, LOCKED_MEANING, MEANING,
    OVERLAP, PLAN, REPORT, RO_CRATE, TRIAL, extract_contract,
};
use crate::replay;

/// Everything that goes into the bundle of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Text of the plan, as it was read.
    pub plan: String,
    /// What the plan's files mean, by file.
    pub meaning: Json,
    /// The same of the locked plan, if one was locked.
    pub locked_meaning: Option<Json>,
    /// Text of the contract, as it was read.
    pub contract: String,
    /// Text of each data contract, by the name of its extract.
    pub extracts: BTreeMap<String, String>,
    /// What was found.
    pub documents: Documents,
    /// The report, as HTML.
    pub report: String,
}

/// What a manifest says of the files of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunPredicate {
    /// What led to the decision.
    pub kind: RunKind,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Version of utfall that wrote it.
    pub utfall_version: String,
}

/// What led to a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RunKind {
    /// Estimated effects.
    Effects,
}

impl RunPredicate {
    /// URI of this predicate's type.
    pub const TYPE: &str = "urn:utfall:run:1";
}

/// Why a run could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A document cannot be written.
    #[error("`{document}` cannot be written: {source}")]
    Document {
        /// Its name in the bundle.
        document: &'static str,
        /// Why.
        source: JsonError,
    },
    /// A name cannot stand in a bundle.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The bundle cannot be made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The decision is not the one that follows from the contract and the effects.
    #[error("the run would not verify: {0}")]
    DoesNotReplay(Box<Finding>),
}

/// What a contract decides on recorded effects and balance.
///
/// # Errors
///
/// [`SealError::Document`] if a figure is not finite or two effects share a name.
pub fn decide(
    contract: &Contract,
    effects: &EffectsDocument,
    balance: &BalanceDocument,
) -> Result<Decision, SealError> {
    let figures = figures(&written(EFFECTS, effects)?, &written(BALANCE, balance)?)
        .map_err(|(document, source)| SealError::Document { document, source })?;
    Ok(contract.evaluate(&inputs(&figures)))
}

/// Seals a run, having replayed it.
///
/// # Errors
///
/// [`SealError`] if a document cannot be written, the name of an extract cannot stand in a
/// bundle, or the decision does not follow from the contract and the effects.
pub fn seal_run(run: &Run) -> Result<Bundle, SealError> {
    let files = files(run)?;
    if let Some(finding) = replay(&files).into_iter().next() {
        return Err(SealError::DoesNotReplay(Box::new(finding)));
    }
    let predicate = RunPredicate {
        kind: RunKind::Effects,
        pipeline: run.pipeline.clone(),
        utfall_version: run.documents.environment.utfall_version.clone(),
    };
    let predicate = Json::of(&predicate).map_err(BundleError::from)?;
    Ok(Bundle::seal(files, RunPredicate::TYPE, predicate)?)
}

fn files(run: &Run) -> Result<Files, SealError> {
    let documents = &run.documents;
    let contract = run.contract.as_bytes();
    let balance = written(BALANCE, &documents.balance)?;
    let effects = written(EFFECTS, &documents.effects)?;
    let figures = written(FIGURES, &figures_document(contract, &effects, &balance)?)?;

    let mut files = Files::new();
    files.insert(PLAN, run.plan.as_bytes().to_vec())?;
    files.insert(CONTRACT, contract.to_vec())?;
    for (extract, text) in &run.extracts {
        files.insert(extract_contract(extract), text.as_bytes().to_vec())?;
    }
    files.insert(TRIAL, written(TRIAL, &documents.trial)?)?;
    files.insert(FUNNEL, written(FUNNEL, &documents.funnel)?)?;
    files.insert(BALANCE, balance)?;
    files.insert(OVERLAP, written(OVERLAP, &documents.overlap)?)?;
    files.insert(EFFECTS, effects)?;
    files.insert(DESIGNS, written(DESIGNS, &documents.designs)?)?;
    files.insert(EXTRACTS, written(EXTRACTS, &documents.extracts)?)?;
    files.insert(ENVIRONMENT, written(ENVIRONMENT, &documents.environment)?)?;
    files.insert(FIGURES, figures)?;
    files.insert(MEANING, run.meaning.to_bytes())?;
    files.insert(LOCK, written(LOCK, &documents.lock)?)?;
    if let Some(locked) = &run.locked_meaning {
        files.insert(LOCKED_MEANING, locked.to_bytes())?;
    }
    files.insert(DECISION, written(DECISION, &documents.decision)?)?;
    files.insert(REPORT, run.report.as_bytes().to_vec())?;
    let metadata = metadata(&files).map_err(|source| SealError::Document {
        document: RO_CRATE,
        source,
    })?;
    for (name, bytes) in metadata.into_iter().flatten() {
        files.insert(name, bytes)?;
    }
    Ok(files)
}

fn figures_document(
    contract: &[u8],
    effects: &[u8],
    balance: &[u8],
) -> Result<FiguresDocument, SealError> {
    let figures = figures(effects, balance)
        .map_err(|(document, source)| SealError::Document { document, source })?;
    let sources = [(CONTRACT, contract), (EFFECTS, effects), (BALANCE, balance)];
    let made_from = sources.map(|(name, bytes)| (name.to_owned(), Digest::sha256(bytes)));
    Ok(FiguresDocument {
        made_from: made_from.into(),
        inputs: inputs(&figures),
    })
}

fn written<T>(document: &'static str, content: &T) -> Result<Vec<u8>, SealError>
where
    T: Serialize + serde::de::DeserializeOwned + PartialEq,
{
    write_document(content).map_err(|source| SealError::Document { document, source })
}

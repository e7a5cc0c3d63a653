//! Why a run ended without a decision.

use std::path::PathBuf;

use chrono::NaiveDate;
use miette::Diagnostic;
use utfall_cohort::CohortError;
use utfall_design::PoolError;
use utfall_disclosure::DisclosureError;
use utfall_effects::EffectError;
use utfall_files::FileError;
use utfall_matching::MatchingError;
use utfall_matching::design::{DesignError, Named};
use utfall_matching::weighting::WeightingError;
use utfall_registry::{IngestError, TableError};

use crate::PlanError;
use crate::cohort_file::StoredCohort;

/// Why a run ended without a decision.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum RunError {
    /// The plan or site file cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),

    /// An extract does not keep its data contract.
    #[error("cannot ingest extract `{extract}`: {source}")]
    Ingest {
        /// The extract.
        extract: String,
        /// Why.
        source: Box<IngestError>,
    },

    /// A checked table cannot be read.
    #[error("cannot read a checked table: {0}")]
    Table(#[from] TableError),

    /// No cohort.
    #[error("cannot build the cohort: {0}")]
    Cohort(#[from] CohortError),

    /// A key or a ledger of the site cannot be used.
    #[error("cannot use {what}: {message}")]
    Evidence {
        /// Which.
        what: &'static str,
        /// Why.
        message: String,
    },

    /// No comparators.
    #[error("cannot match: {source}{covariates}")]
    Matching {
        /// The covariates, counted from 0.
        covariates: Named,
        /// Why.
        source: MatchingError,
    },

    /// No weights.
    #[error("cannot weigh: {source}{covariates}")]
    Weighting {
        /// The covariates, counted from 0.
        covariates: Named,
        /// Why.
        source: WeightingError,
    },

    /// No effect.
    #[error("cannot estimate the effect `{effect}`: {source}")]
    Effect {
        /// The effect.
        effect: String,
        /// Why.
        source: EffectError,
    },

    /// A model that its rows do not fit, or that has no such number.
    #[error("cannot estimate the effect `{effect}`: {message}")]
    Model {
        /// The effect.
        effect: String,
        /// Why.
        message: String,
    },

    /// A file of the workspace cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),

    /// Another run holds the workspace.
    #[error(transparent)]
    Locked(#[from] utfall_files::LockError),

    /// A rule that is broken more often than the contract bears.
    #[error(transparent)]
    ToleranceExceeded(Box<ToleranceExceeded>),

    /// A delivery that was written to after its digest was taken.
    #[error(
        "a file of extract `{extract}` changed while it was read; wait until its delivery is complete"
    )]
    ChangedSinceDigest {
        /// The extract.
        extract: String,
    },

    /// A file of the workspace is not as the run wrote it.
    #[error("`{}` is not as utfall wrote it; remove the workspace and run again", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
    },

    /// The truth of synthetic data cannot be read.
    #[error("`{}` is no truth file of this programme: {what}; check [truth] in the site file", path.display())]
    Truth {
        /// The file.
        path: PathBuf,
        /// Why.
        what: String,
    },

    /// A calibration meant to look at nothing after the index date would.
    #[error(
        "with programmes that start earlier, the follow-up of effect `{effect}` still ends on {ends}, expected {index_date} (the plan's index date) or earlier; start them earlier"
    )]
    CalibrationReachesOutcomes {
        /// The effect.
        effect: String,
        /// Where its follow-up would end.
        ends: NaiveDate,
        /// The plan's index date.
        index_date: NaiveDate,
    },

    /// No placebo programme can be drawn.
    #[error("cannot draw placebo programmes: {0}")]
    Placebo(#[from] PoolError),

    /// Counts cannot be released under the plan's disclosure policy.
    #[error("cannot release the counts of the run: {0}")]
    Disclosure(#[from] DisclosureError),

    /// The person running this asked to stop.
    #[error("stopped; finished steps are kept and the next run goes on from them")]
    Cancelled,

    /// The program is at fault.
    #[error(
        "{what} could not be written down: {message}; this is a fault of utfall, please report it"
    )]
    Internal {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        message: String,
    },
}

impl From<DesignError<Self>> for RunError {
    fn from(error: DesignError<Self>) -> Self {
        match error {
            DesignError::Column(error) => error,
            DesignError::Matrix { source, .. } => Self::internal("the covariates", source),
            DesignError::Matching { covariates, source } => Self::Matching { covariates, source },
            DesignError::Weighting { covariates, source } => Self::Weighting { covariates, source },
        }
    }
}

/// A rule that is broken more often than the data contract bears.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "extract `{extract}` breaks the rule `{rule}` ({name}) {n_broken} times in {n_rows} rows, more than the {tolerance} that are borne, first at {first}; correct the data, or the dialect, the rule or its tolerance in the data contract"
)]
pub struct ToleranceExceeded {
    /// The extract.
    pub extract: String,
    /// The rule's id.
    pub rule: String,
    /// What it asks.
    pub name: String,
    /// How often it is broken.
    pub n_broken: u64,
    /// Rows of all deliveries.
    pub n_rows: u64,
    /// How often it may be.
    pub tolerance: String,
    /// File and line where it is broken first.
    pub first: String,
}

impl RunError {
    /// A key that cannot be used, or a ledger that cannot be appended to.
    pub(crate) fn evidence(what: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Evidence {
            what,
            message: error.to_string(),
        }
    }

    /// Arms that cannot be compared on the covariates of a cohort.
    pub(crate) fn balance(cohort: &StoredCohort, source: MatchingError) -> Self {
        let names = cohort.covariates.iter().map(|one| one.name.clone());
        Self::Matching {
            covariates: Named(names.collect()),
            source,
        }
    }

    /// A failed ingestion; a cancelled one is the run's own.
    pub(crate) fn ingest(extract: &str, source: IngestError) -> Self {
        match source {
            IngestError::Cancelled => Self::Cancelled,
            source => Self::Ingest {
                extract: extract.to_owned(),
                source: Box::new(source),
            },
        }
    }

    /// A fault of the program itself while doing `what`.
    pub fn internal(what: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Internal {
            what,
            message: error.to_string(),
        }
    }
}

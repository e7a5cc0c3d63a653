//! Why a plan or site file cannot be used.

use std::path::PathBuf;

use chrono::NaiveDate;
use miette::Diagnostic;
use utfall_core::WindowError;

use crate::toml_text::SyntaxError;

/// Why a plan or site file cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum PlanError {
    /// A file cannot be read.
    #[error("{}: {source}; give the folder that holds plan.toml and every file it names", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A file is no TOML, or has unknown keys or values of the wrong type.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Syntax(Box<SyntaxError>),

    /// What stands at a place in the plan does not go with the rest of it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Contradiction(Box<SyntaxError>),

    /// A data contract is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    DataContract(Box<utfall_registry::DataContractError>),

    /// The outcome contract is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Contract(Box<utfall_payment::ContractErrors>),

    /// A name is used that nothing defines.
    #[error("no {kind} is called `{name}`, defined are {}", defined.join(", "))]
    Unknown {
        /// What kind of name.
        kind: &'static str,
        /// The name used.
        name: String,
        /// The names defined.
        defined: Vec<String>,
    },

    /// A name is defined twice.
    #[error("two {kind}s are called `{name}`, expected one of that name")]
    Repeated {
        /// What kind of name.
        kind: &'static str,
        /// The name.
        name: String,
    },

    /// A window is none.
    #[error(transparent)]
    Window(WindowError),

    /// An outcome would be measured before the index date.
    #[error(
        "the follow-up of effect `{effect}` starts on {starts}, expected {index_date} (the index date) or later"
    )]
    FollowUpTooEarly {
        /// The effect.
        effect: String,
        /// Where its follow-up starts.
        starts: NaiveDate,
        /// The index date.
        index_date: NaiveDate,
    },

    /// The periods of a model do not fill the follow-up.
    #[error(
        "the periods of effect `{effect}` do not fill its window, expected a whole number of lengths, and for a follow-up from `0 days`"
    )]
    Periods {
        /// The effect.
        effect: String,
    },

    /// A check that a model does not answer.
    #[error("check `{check}` of effect `{effect}`, which a model estimates, {why}")]
    CheckOfModel {
        /// The effect.
        effect: String,
        /// The check.
        check: String,
        /// What it would need.
        why: &'static str,
    },

    /// A baseline would be measured after the index date.
    #[error(
        "a baseline window of measure `{measure}` ends on {ends}, expected {index_date} (the index date) or earlier"
    )]
    BaselineTooLate {
        /// The measure.
        measure: String,
        /// Where the window ends.
        ends: NaiveDate,
        /// The index date.
        index_date: NaiveDate,
    },

    /// A column is used that the data contract does not have.
    #[error("extract `{extract}` has no column `{column}`, it has {}", defined.join(", "))]
    UnknownColumn {
        /// The extract.
        extract: String,
        /// The name used.
        column: String,
        /// The columns of its data contract.
        defined: Vec<String>,
    },

    /// The site file names no file for an extract.
    #[error(
        "no delivery of extract `{extract}`; add one to the site file:\n[[delivery]]\nextract = \"{extract}\"\npath = \"...\"\nvintage = \"2024-12-31\"\nstatus = \"final\""
    )]
    NoDelivery {
        /// The extract.
        extract: String,
    },

    /// A delivery without a place, or with two.
    #[error(
        "a delivery of extract `{extract}` has not one of `path` and `database`, expected exactly one"
    )]
    Place {
        /// The extract.
        extract: String,
    },

    /// The files of a delivery cannot be found.
    #[error("cannot find the delivery: {0}")]
    DeliveredFiles(#[from] utfall_registry::DeliveredFilesError),

    /// An extract that had not been delivered by a day.
    #[error("no delivery of extract `{extract}` is of {day} or earlier; choose a later day")]
    NotYetDelivered {
        /// The extract.
        extract: String,
        /// The day.
        day: NaiveDate,
    },

    /// Two days as of which the extracts would be read.
    #[error("the plan is as of {plan}, but {asked} was asked for; change one of them")]
    TwoDays {
        /// The plan's.
        plan: NaiveDate,
        /// The other.
        asked: NaiveDate,
    },

    /// The lock of the plan was altered.
    #[error("`{}` is not as `utfall lock` wrote it ({message}); restore it, or remove it and lock the plan anew", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// In what way.
        message: String,
    },

    /// A file beside the plan cannot be used.
    #[error(transparent)]
    File(#[from] utfall_files::FileError),

    /// The plan has no canonical form.
    #[error("the plan has no digest: {message}")]
    Digest {
        /// Why.
        message: String,
    },
}

impl PlanError {
    pub(crate) fn data_contract(error: utfall_registry::DataContractError) -> Self {
        Self::DataContract(Box::new(error))
    }

    pub(crate) fn contract(errors: utfall_payment::ContractErrors) -> Self {
        Self::Contract(Box::new(errors))
    }

    pub(crate) fn digest(error: impl std::fmt::Display) -> Self {
        Self::Digest {
            message: error.to_string(),
        }
    }
}

//! Everything a command can fail with, and the exit code of each.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use utfall_evidence::SecretKeyError;
use utfall_evidence::ledger::LedgerError;
use utfall_files::{FileError, LockError, SecretFileError};
use utfall_pipeline::{PlanError, RunError};
use utfall_registry::IngestError;

use crate::exit::Code;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Request(#[from] utfall_request::RequestError),
    #[error(transparent)]
    Design(#[from] utfall_design::DesignError),
    #[error("{0}")]
    Spec(#[from] utfall_simulate::SpecError),
    #[error(transparent)]
    Simulate(#[from] utfall_simulate::SimulateError),
    #[error("cannot pseudonymise: {0}")]
    Pseudonym(#[from] utfall_registry::PseudonymError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("cannot draft a contract: {0}")]
    Draft(#[from] utfall_registry::DraftError),
    #[error("`{}` is there already; choose another place, or remove it first", path.display())]
    Exists { path: std::path::PathBuf },
    #[error("cannot use the data contract: {0}")]
    DataContract(Box<utfall_registry::DataContractError>),
    #[error("{}: cannot import the contract: {source}", file.display())]
    Import {
        file: std::path::PathBuf,
        source: utfall_registry::ExchangeError,
    },
    #[error("cannot use the inputs, {what}: {message}")]
    Inputs { what: String, message: String },
    #[error("cannot sweep: {0}")]
    Sweep(#[from] utfall_payment::SweepError),
    #[error("cannot use the bundle: {0}")]
    Bundle(String),
    #[error("cannot use the key or policy: {0}")]
    Key(String),
    #[error(transparent)]
    SecretKey(#[from] SecretKeyError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("cannot release: {0}")]
    Register(#[from] utfall_disclosure::RegisterError),
    #[error("cannot use the tables: {0}")]
    Tables(#[from] utfall_disclosure::TablesFileError),
    #[error("{0}")]
    Claims(#[from] utfall_claims::StoreError),
    #[error("{}:\n{source}", file.display())]
    ClaimRows {
        file: std::path::PathBuf,
        source: utfall_claims::StoreError,
    },
    #[error("{}: {source}", file.display())]
    Accounts {
        file: std::path::PathBuf,
        source: utfall_accounts::JournalError,
    },
    #[error("{}: {source}", file.display())]
    Events {
        file: std::path::PathBuf,
        source: utfall_accounts::AccountError,
    },
    #[error("{}: {source}", file.display())]
    Fund {
        file: std::path::PathBuf,
        source: utfall_accounts::FundError,
    },
    #[error("cannot draw the answer: {0}")]
    Picture(#[from] utfall_report::ReportError),
    #[error("cannot write the result: {0}")]
    Output(#[from] std::io::Error),
    #[error("internal fault: {0}; please report it")]
    Internal(String),
}

impl CliError {
    /// The exit code of this cause.
    pub(crate) fn exit_code(&self) -> Code {
        match self {
            Self::Plan(_)
            | Self::Request(_)
            | Self::Spec(_)
            | Self::Exists { .. }
            | Self::DataContract(_)
            | Self::Inputs { .. }
            | Self::Sweep(_)
            | Self::Claims(_)
            | Self::Events { .. }
            | Self::Fund { .. }
            | Self::Import { .. } => Code::Plan,
            Self::ClaimRows { .. } => Code::DataContract,
            Self::Accounts { source, .. } => of_journal(source),
            Self::Design(utfall_design::DesignError::Cancelled) => Code::Interrupted,
            Self::Design(_) => Code::Plan,
            Self::Run(error) => of_run(error),
            Self::Draft(utfall_registry::DraftError::Ingest(error)) => of_ingest(error),
            Self::Draft(_) => Code::DataContract,
            Self::Simulate(error) => of_simulation(error),
            Self::Pseudonym(error) => of_pseudonyms(error),
            Self::Bundle(_) => Code::Verification,
            Self::Register(error) => of_register(error),
            Self::Tables(utfall_disclosure::TablesFileError::File(error)) => of_file(error),
            Self::Tables(_) => Code::Plan,
            Self::File(error) => of_file(error),
            Self::Key(_) => Code::Plan,
            Self::SecretKey(error) => of_key(error),
            Self::Ledger(error) => of_ledger(error),
            Self::Picture(utfall_report::ReportError::NoPicture { .. }) => Code::Plan,
            Self::Output(_) | Self::Internal(_) | Self::Picture(_) => Code::Internal,
        }
    }

    /// Whether whoever read the result has seen enough, as in `utfall explain … | head`.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// The place in a plan or contract, drawn with its line.
    pub(crate) fn excerpt(&self) -> Option<String> {
        let diagnostic: &dyn Diagnostic = match self {
            Self::Plan(error) | Self::Run(RunError::Plan(error)) => error,
            Self::DataContract(error) => error.as_ref(),
            _ => return None,
        };
        diagnostic.source_code()?;
        let mut text = String::new();
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .render_report(&mut text, diagnostic)
            .ok()?;
        Some(text)
    }
}

fn of_run(error: &RunError) -> Code {
    match error {
        RunError::Plan(_) => Code::Plan,
        RunError::Ingest { source, .. } => of_ingest(source),
        RunError::File(error) => of_file(error),
        RunError::ChangedSinceDigest { .. } | RunError::ToleranceExceeded(_) => Code::DataContract,
        RunError::Table(_)
        | RunError::Cohort(_)
        | RunError::Truth { .. }
        | RunError::CalibrationReachesOutcomes { .. }
        | RunError::Placebo(_)
        | RunError::Model { .. } => Code::Plan,
        RunError::Matching { .. } | RunError::Weighting { .. } | RunError::Effect { .. } => {
            Code::ChecksFailed
        }
        RunError::Locked(_) => Code::Locked,
        RunError::Evidence { .. } => Code::Plan,
        RunError::Disclosure(error) => of_disclosure(error),
        RunError::Cancelled => Code::Interrupted,
        _ => Code::Internal,
    }
}

fn of_ingest(error: &IngestError) -> Code {
    match error {
        IngestError::Cancelled => Code::Interrupted,
        IngestError::Disk(error) | IngestError::Unreadable(error) => of_file(error),
        IngestError::NoSuchExtract { .. } | IngestError::NoSuchColumn { .. } => Code::Plan,
        _ => Code::DataContract,
    }
}

fn of_journal(error: &utfall_accounts::JournalError) -> Code {
    use utfall_accounts::JournalError;
    match error {
        JournalError::File(error) => of_file(error),
        JournalError::Locked(_) => Code::Locked,
        JournalError::Altered { .. } => Code::Verification,
        JournalError::Json(_) => Code::Internal,
        _ => Code::Plan,
    }
}

/// A file that is not there or forbidden was named wrongly; any other failure is the machine's.
fn of_file(error: &FileError) -> Code {
    match error {
        FileError::NotFound { .. }
        | FileError::PermissionDenied { .. }
        | FileError::NotText { .. } => Code::Plan,
        _ => Code::Internal,
    }
}

fn of_key(error: &SecretKeyError) -> Code {
    match error {
        SecretKeyError::File(SecretFileError::File(error)) => of_file(error),
        _ => Code::Plan,
    }
}

fn of_ledger(error: &LedgerError) -> Code {
    match error {
        LedgerError::File(error) | LedgerError::Locked(LockError::File(error)) => of_file(error),
        LedgerError::Locked(_) => Code::Locked,
        LedgerError::Exists { .. }
        | LedgerError::NoSuchEntry { .. }
        | LedgerError::TooLong { .. } => Code::Plan,
        _ => Code::Verification,
    }
}

fn of_pseudonyms(error: &utfall_registry::PseudonymError) -> Code {
    use utfall_registry::PseudonymError;
    match error {
        PseudonymError::Extract(error) => of_ingest(error),
        PseudonymError::BadRow { .. } | PseudonymError::NoValue { .. } => Code::DataContract,
        PseudonymError::File(error) | PseudonymError::KeyFile(SecretFileError::File(error)) => {
            of_file(error)
        }
        _ => Code::Plan,
    }
}

fn of_register(error: &utfall_disclosure::RegisterError) -> Code {
    use utfall_disclosure::RegisterError;
    match error {
        RegisterError::Disclosure(error) => of_disclosure(error),
        RegisterError::NotApproved { .. } => Code::Disclosure,
        RegisterError::NameTaken { .. } => Code::Plan,
        RegisterError::Altered { .. } => Code::Verification,
        RegisterError::Locked(_) => Code::Locked,
        RegisterError::File(error) => of_file(error),
        _ => Code::Internal,
    }
}

/// A release that is refused; anything else is wrong in the tables themselves.
fn of_disclosure(error: &utfall_disclosure::DisclosureError) -> Code {
    if error.is_refusal() {
        Code::Disclosure
    } else {
        Code::Plan
    }
}

fn of_simulation(error: &utfall_simulate::SimulateError) -> Code {
    match error {
        utfall_simulate::SimulateError::Cancelled => Code::Interrupted,
        _ => Code::Internal,
    }
}

//! Everything a command can fail with, and the exit code of each.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use utfall_files::FileError;
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
    Simulate(#[from] utfall_simulate::SimulateError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("cannot read the bundle: {0}")]
    Bundle(String),
    #[error("cannot write the result: {0}")]
    Output(#[from] std::io::Error),
    #[error("internal fault: {0}; please report it")]
    Internal(String),
}

impl CliError {
    /// The exit code of this cause.
    pub(crate) fn exit_code(&self) -> Code {
        match self {
            Self::Plan(_) | Self::Request(_) => Code::Plan,
            Self::Run(error) => of_run(error),
            Self::Simulate(error) => of_simulation(error),
            Self::Bundle(_) => Code::Verification,
            Self::File(FileError::NotFound { .. }) => Code::Plan,
            Self::File(_) | Self::Output(_) | Self::Internal(_) => Code::Internal,
        }
    }

    /// The place in a plan or contract, drawn with its line.
    pub(crate) fn excerpt(&self) -> Option<String> {
        let diagnostic: &dyn Diagnostic = match self {
            Self::Plan(error) | Self::Run(RunError::Plan(error)) => error,
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
        RunError::Ingest { source, .. } => match source.as_ref() {
            IngestError::Cancelled => Code::Interrupted,
            IngestError::Disk(_) => Code::Internal,
            _ => Code::DataContract,
        },
        RunError::Table(_) | RunError::Cohort(_) => Code::Plan,
        RunError::Matching(_) | RunError::Effect { .. } => Code::ChecksFailed,
        RunError::Locked(_) => Code::Locked,
        RunError::Cancelled => Code::Interrupted,
        _ => Code::Internal,
    }
}

fn of_simulation(error: &utfall_simulate::SimulateError) -> Code {
    match error {
        utfall_simulate::SimulateError::Spec(_) => Code::Plan,
        utfall_simulate::SimulateError::Cancelled => Code::Interrupted,
        _ => Code::Internal,
    }
}

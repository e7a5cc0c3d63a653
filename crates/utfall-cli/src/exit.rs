//! Exit codes, one for each cause.

use std::process::ExitCode;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Done; deciding to pay nothing is a result.
    Done = 0,
    /// A check that the plan asks for failed.
    ChecksFailed = 1,
    /// Wrong usage, plan or contract; also what the argument parser exits with.
    Plan = 2,
    /// An extract does not keep its data contract.
    DataContract = 3,
    /// A release would disclose something, or is not approved.
    Disclosure = 4,
    /// A bundle or document does not verify.
    Verification = 5,
    /// Another run holds the workspace.
    Locked = 6,
    /// A run made again from the data came to something else.
    NotReproducible = 7,
    /// The program, or the machine it runs on, is at fault.
    Internal = 70,
    /// The person running it asked to stop.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Replaces the default panic message, which could show a cell of restricted data.
pub(crate) fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| {
            format!(" at {}:{}", place.file(), place.line())
        });
        crate::output::note(&format!(
            "internal fault{place}; nothing half-written was kept. Please report it with this line."
        ));
    }));
}

//! Ctrl-C: asked once, work stops at its next safe point; asked again, at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::CliError;
use crate::exit::Code;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Starts listening for Ctrl-C and termination.
pub(crate) fn listen() -> Result<(), CliError> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(Code::Interrupted as i32);
        }
        crate::output::note("stopping at the next safe point; once more to stop at once");
    })
    .map_err(|error| CliError::Internal(error.to_string()))
}

/// Whether the person running this asked to stop.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

//! What a run leaves behind, and its verification by a stranger, offline.
//!
//! - [`record`]: the documents of a run, typed, and their names in the bundle.
//! - [`inputs`]: from effects to the named figures a contract reads, without a float on the way.
//! - [`seal_run`]: a run as a bundle, refused if it would not verify.
//! - [`metadata()`]: what a run was, for tools of others.
//! - [`replay()`]: level V3, the payment computed again from the recorded effects.
//! - [`LedgerEntry`]: what of a run stands in a ledger, byte by byte.
//! - [`reproduction`]: level V4, a run made again by someone with the data.
//! - [`signed_summary`]: the result of a verification, signed by the verifier.
//! - [`payments_by_specification`]: what would be paid on other windows and specifications of an effect.
//! - [`public_view()`]: what everyone may see of a run.
//! - [`verify()`]: all levels asked for, with the place of every deviation.
//!
//! A verifier needs this crate and the few it stands on: no table engine and no statistics.

mod entry;
mod frozen;
pub mod inputs;
mod meaning;
mod metadata;
mod public;
pub mod record;
mod replay;
mod rerun;
mod seal;
mod signatures;
mod specifications;
mod standing;
mod summary;
mod verification;
mod verify;

pub use entry::LedgerEntry;
pub use meaning::meaning;
pub use metadata::{Named, metadata};
pub use public::{ExactCounts, public_view};
pub use replay::replay;
pub use rerun::reproduction;
pub use seal::{Run, RunKind, RunPredicate, SealError, decide, seal_run};
pub use specifications::{SpecificationPayment, payments_by_specification};
pub use standing::ledger_entries;
pub use summary::{SummaryError, signed_summary};
pub use verification::{
    Cosigner, LedgerStanding, LevelFinding, LevelResult, Outcome, Signer, Verification,
};
pub use verify::{Level, Question, verification, verify};

//! A ledger: an append-only list of entries that nobody can change unnoticed.
//!
//! A ledger is a folder of plain files in the layout of C2SP
//! [tlog-tiles](https://c2sp.org/tlog-tiles), which any web server or USB stick carries:
//!
//! ```text
//! checkpoint              origin, number of entries and root hash, signed: a note
//! tile/0/x001/234         256 hashes each, level by level (RFC 6962 trees)
//! tile/entries/x001/234   the entries themselves
//! ```
//!
//! A checkpoint stands for everything before it. [`InclusionProof`] shows that an entry is under
//! a checkpoint, a consistency proof that one checkpoint's list begins with another's. Whoever
//! keeps an earlier checkpoint notices a ledger that was rolled back or exists in two versions
//! ([`Ledger::compare`]); co-signatures show that others keep one.

mod append;
mod check;
mod checkpoint;
mod entries;
mod note;
mod proof;
mod proof_file;
mod store;
mod tiles;
mod tree;

pub use append::LedgerWriter;
pub use check::LedgerFault;
pub use checkpoint::{Checkpoint, CheckpointError, Cosignature, SignedCheckpoint};
pub use note::NoteError;
pub use proof::{leaf_hash, verify_consistency, verify_inclusion};
pub use proof_file::{InclusionProof, ProofError};
pub use store::{Ledger, LedgerError};

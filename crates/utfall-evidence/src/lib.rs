//! Evidence as bytes: canonical JSON, a statement over files, and a bundle anyone can check.
//!
//! A bundle is a zip, or the folder it unpacks to:
//!
//! ```text
//! manifest.json    in-toto Statement v1: the SHA-256 of every other file, and what they are
//! seal.txt         the SHA-256 of manifest.json, in the form `sha256sum --check` reads
//! ...              the files themselves
//! ```
//!
//! The seal is one line that covers everything: whoever has it from elsewhere (a letter, a
//! ledger) knows whether a bundle is the one meant. [`inspect`] checks structure and digests and
//! names the place of every deviation. Nothing here knows what the files mean, so this crate can
//! be read and audited alone and does not change when the science does.

mod bundle;
mod container;
mod files;
mod finding;
mod folder;
mod inspection;
pub mod json;
mod locate;
mod statement;

pub use bundle::{Bundle, BundleError, MANIFEST, SEAL, seal_line};
pub use files::{Files, NameError};
pub use finding::{Finding, printable};
pub use inspection::{Inspection, inspect, inspect_zip};
pub use statement::{Statement, Subject, SubjectDigest};

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
//! Two things are added after sealing and change nothing that was sealed: signatures over the
//! manifest ([`Envelope`]) and proofs that it stands in a ledger ([`ledger`]). Whose signatures
//! count is for a verifier's [`TrustPolicy`] to say.
//!
//! The seal is one line that covers everything: whoever has it from elsewhere (a letter, a
//! ledger) knows whether a bundle is the one meant. [`inspect`] checks structure and digests and
//! names the place of every deviation. Nothing here knows what the files mean, so this crate can
//! be read and audited alone and does not change when the science does.

mod bundle;
mod commitment;
mod container;
mod endorsement;
mod envelope;
mod files;
mod finding;
mod folder;
mod inspection;
pub mod json;
mod key;
pub mod ledger;
mod locate;
mod statement;
mod trust;

pub use bundle::{Bundle, BundleError, ENVELOPE, MANIFEST, PROOFS, SEAL, seal_line};
pub use commitment::{CommitmentKey, CommitmentKeyError};
pub use endorsement::{Endorsement, EndorsementError};
pub use envelope::{Envelope, EnvelopeError, EnvelopeSignature, PAYLOAD_TYPE};
pub use files::{Files, NameError};
pub use finding::{Finding, printable};
pub use inspection::{Inspection, inspect, inspect_zip};
pub use key::{PublicKey, PublicKeyError, SecretKey, SecretKeyError};
pub use statement::{Statement, Subject, SubjectDigest};
pub use trust::{
    COSIGNER, Fulfilment, Requirement, Revocation, Standing, TrustError, TrustPolicy, TrustedKey,
    TrustedLedger,
};

//! Keys for ordinary people: one line each, in the text form of signed notes.
//!
//! A public key is `NAME+HASH+KEY`, a secret one `PRIVATE+KEY+NAME+HASH+KEY`, both of C2SP
//! [signed-note](https://c2sp.org/signed-note), so that other tools for notes read them. The name
//! is part of the hash: a key cannot be passed on under another name. The same key signs
//! statements (DSSE) and the checkpoints of a ledger; what is signed begins differently in each,
//! so that a signature of one is never one of the other.

mod public;
mod secret;

pub use public::{PublicKey, PublicKeyError};
pub use secret::{SecretKey, SecretKeyError};

/// Marks an Ed25519 key that signs the text of a note as it stands.
pub(crate) const ED25519: u8 = 0x01;

/// Marks an Ed25519 key that signs a time with a checkpoint, C2SP
/// [tlog-cosignature](https://c2sp.org/tlog-cosignature).
pub(crate) const COSIGNATURE: u8 = 0x04;

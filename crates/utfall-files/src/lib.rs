//! Files on disk: written whole or not at all, named by their content, and held by one run at a time.
//!
//! - [`PendingFile`] and [`write_whole`] give a file its name only once all of it is on disk.
//! - [`Digest`] names content: BLAKE3 for large inputs, SHA-256 for what others must check.
//! - [`WorkspaceLock`] lets one run at a time into a folder, and survives a run that is killed.
//! - [`create_secret`] and [`read_secret`] keep keys in files that only their owner may read.
//! - [`FileError`] tells a missing file from a forbidden one and from a full disk, and what to do.

mod digest;
mod error;
mod lock;
mod pending;
mod read;
mod secret;

pub use digest::{Digest, DigestError};
pub use error::FileError;
pub use lock::{LockError, WorkspaceLock};
pub use pending::{PendingFile, create_folder, remove_unfinished, write_whole};
pub use read::{read_text, read_whole};
pub use secret::{SecretFileError, create_secret, random_bytes, read_secret};

//! Commitments to restricted data: digests under a key that stays where the data are.
//!
//! The digest of a small or guessable file tells whoever guesses right that they did. Under a
//! secret key it tells nothing, and still the holder of key and data can show that these were the
//! data, and no others.

use std::fmt;
use std::path::{Path, PathBuf};

use utfall_files::{Digest, SecretFileError, create_secret, random_bytes, read_secret};

/// A secret key of commitments. It is never shown, and never leaves with a bundle.
pub struct CommitmentKey([u8; 32]);

/// Why a commitment key cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitmentKeyError {
    /// The file cannot be made, read or trusted to be secret.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The file holds something else.
    #[error("`{}` is no commitment key; expected one line of 64 hexadecimal digits", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
}

impl CommitmentKey {
    /// Reads the key in a file that only its owner may read; if there is none, makes one from the
    /// system's randomness.
    ///
    /// # Errors
    ///
    /// [`CommitmentKeyError`] if there is a file that is no such key, or none can be made.
    pub fn read_or_create(path: &Path) -> Result<Self, CommitmentKeyError> {
        if !path.exists() {
            let bytes = random_bytes().map_err(SecretFileError::from)?;
            create_secret(path, format!("{}\n", hex::encode(bytes)).as_bytes())?;
        }
        Self::read(path)
    }

    /// Reads the key in a file that only its owner may read.
    ///
    /// # Errors
    ///
    /// [`CommitmentKeyError`] if it is missing, open to others, or no such key.
    pub fn read(path: &Path) -> Result<Self, CommitmentKeyError> {
        let text = read_secret(path)?;
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text.trim_ascii_end(), &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(CommitmentKeyError::NotAKey {
                path: path.to_owned(),
            }),
        }
    }

    /// The commitment to content of some kind: BLAKE3 under the key, over the kind, a newline and
    /// the content's digest.
    #[must_use]
    pub fn commit(&self, kind: &str, content: &Digest) -> Digest {
        let message = [kind.as_bytes(), b"\n", content.as_bytes()].concat();
        Digest::blake3_keyed(&self.0, &message)
    }

    /// What is said of the key, so that its holder knows which one to take.
    #[must_use]
    pub fn id(&self) -> Digest {
        Digest::blake3_keyed(&self.0, b"utfall-commitment-key/1\n")
    }
}

impl fmt::Debug for CommitmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitmentKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_commits_alike_ever_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("commitment.key");
        let made = CommitmentKey::read_or_create(&path).unwrap();
        let read = CommitmentKey::read_or_create(&path).unwrap();
        let content = Digest::blake3(b"rows");
        assert_eq!(
            made.commit("extract", &content),
            read.commit("extract", &content)
        );
        assert_eq!(made.id(), read.id());
        let other = CommitmentKey::read_or_create(&folder.path().join("other.key")).unwrap();
        assert_ne!(
            made.commit("extract", &content),
            other.commit("extract", &content)
        );
        assert_ne!(
            made.commit("extract", &content),
            made.commit("cohort", &content)
        );
        assert!(!format!("{made:?}").contains(&hex::encode(made.0)));
    }

    #[test]
    fn another_file_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("commitment.key");
        create_secret(&path, b"abc").unwrap();
        assert!(matches!(
            CommitmentKey::read(&path),
            Err(CommitmentKeyError::NotAKey { .. })
        ));
    }
}

//! The half of a key that its owner alone may have.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer, SigningKey};
use utfall_files::{FileError, SecretFileError, create_secret, random_bytes, read_secret};

use super::public::{hash, is_name, parts};
use super::{ED25519, PublicKey, PublicKeyError};

/// What the text of a secret key begins with.
const PREFIX: &str = "PRIVATE+KEY+";

/// A secret Ed25519 key and the name it goes by. It is never shown: not by `Debug`, not in a
/// message.
pub struct SecretKey {
    key: SigningKey,
    public: PublicKey,
}

/// Why a secret key cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretKeyError {
    /// The name cannot be that of a key.
    #[error(transparent)]
    Name(PublicKeyError),
    /// The file cannot be made, read or trusted to be secret.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The file holds something else.
    #[error("`{}` is no secret key; expected the file that `utfall key new` made", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
}

impl SecretKey {
    /// Makes a key from the system's randomness in a new file that only its owner may read.
    ///
    /// # Errors
    ///
    /// [`SecretKeyError::Name`], or [`SecretKeyError::File`] if there is such a file or none can
    /// be made.
    pub fn create(path: &Path, name: &str) -> Result<Self, SecretKeyError> {
        let seed = random_bytes().map_err(SecretFileError::from)?;
        let key = Self::from_seed(name, &seed).map_err(SecretKeyError::Name)?;
        let marked = [&[ED25519], seed.as_slice()].concat();
        let hash = hex::encode(key.public.hash(ED25519));
        let line = format!("{PREFIX}{name}+{hash}+{}\n", BASE64.encode(marked));
        create_secret(path, line.as_bytes())?;
        Ok(key)
    }

    /// Reads a key file that only its owner may read.
    ///
    /// # Errors
    ///
    /// [`SecretKeyError`] if it is missing, open to others, or no key.
    pub fn read(path: &Path) -> Result<Self, SecretKeyError> {
        let not_a_key = || SecretKeyError::NotAKey {
            path: path.to_owned(),
        };
        let bytes = read_secret(path)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| not_a_key())?;
        let text = text.trim_end().strip_prefix(PREFIX).ok_or_else(not_a_key)?;
        let (name, stated, seed) = parts(text).map_err(|_| not_a_key())?;
        let key = Self::from_seed(name, &seed).map_err(|_| not_a_key())?;
        if hash(name, ED25519, key.public.as_bytes()) == stated {
            Ok(key)
        } else {
            Err(not_a_key())
        }
    }

    /// The key of a seed of 32 random bytes.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError::Name`] if the name cannot be that of a key.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, PublicKeyError> {
        if !is_name(name) {
            return Err(PublicKeyError::Name);
        }
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey::of(name, key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// The half that everyone may have.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message. The same key and message give the same signature (RFC 8032).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

#[cfg(test)]
impl SecretKey {
    /// The key that tests know by this name.
    pub(crate) fn named(name: &str) -> Self {
        let mut seed = [0; 32];
        seed[..name.len()].copy_from_slice(name.as_bytes());
        Self::from_seed(name, &seed).unwrap()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public)
    }
}

impl From<FileError> for SecretKeyError {
    fn from(error: FileError) -> Self {
        Self::File(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_its_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evaluator.key");
        let made = SecretKey::create(&path, "evaluator.example").unwrap();
        let read = SecretKey::read(&path).unwrap();
        assert_eq!(made.public(), read.public());
        assert!(made.public().verifies(b"m", &read.sign(b"m")));
        assert!(SecretKey::create(&path, "other").is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            let error = SecretKey::read(&path).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_published_secret_key_has_its_published_public_key() {
        // The example of `golang.org/x/mod/sumdb/note`.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peter.key");
        let text = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        create_secret(&path, text.as_bytes()).unwrap();
        let key = SecretKey::read(&path).unwrap();
        assert_eq!(
            key.public().to_string(),
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        );
        assert!(!format!("{key:?}").contains("AYEK"));
    }

    #[test]
    fn a_name_that_no_note_could_carry_is_refused() {
        for name in ["", "a b", "a+b", "å", "a\n"] {
            assert!(SecretKey::from_seed(name, &[7; 32]).is_err(), "{name:?}");
        }
    }
}

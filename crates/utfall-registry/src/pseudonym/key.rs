//! The key of pseudonyms, and what is said of it: its id.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utfall_files::{SecretFileError, create_secret, random_bytes, read_secret};

use super::PseudonymError;
use super::hmac::hmac_sha256;

/// A secret key and how values are brought to one form before they are keyed.
///
/// It is never shown: not by `Debug`, not in a message.
#[derive(Clone)]
pub struct PseudonymKey {
    bytes: [u8; 32],
    form: PseudonymForm,
}

/// How values are brought to one form, so that one person has one pseudonym.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PseudonymForm {
    /// As written, without surrounding blanks.
    AsWritten,
    /// Letters in upper case and digits alone: `19570428-9999` and `195704289999` are one.
    Compact,
}

/// What is said of a key: a commitment to it and to the form, from which neither key nor
/// pseudonym follows. Ten hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PseudonymKeyId(String);

/// Length of an id.
const ID_DIGITS: usize = 10;

/// Length of a pseudonym after its key's id and a full stop: 128 bits.
const N_DIGITS: usize = 32;

impl PseudonymKey {
    /// Reads a key file: one line of 64 hexadecimal digits that only its owner may read.
    ///
    /// # Errors
    ///
    /// [`PseudonymError::KeyFile`] or [`PseudonymError::NotAKey`].
    pub fn read(path: &Path, form: PseudonymForm) -> Result<Self, PseudonymError> {
        let text = read_secret(path)?;
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text.trim_ascii(), &mut bytes) {
            Ok(()) => Ok(Self { bytes, form }),
            Err(_) => Err(PseudonymError::NotAKey {
                path: path.display().to_string(),
            }),
        }
    }

    /// Makes a key from the system's randomness and writes it to a new file that only its owner
    /// may read.
    ///
    /// # Errors
    ///
    /// [`PseudonymError::KeyFile`] if there is such a file, none can be written, or the system has
    /// no randomness.
    pub fn create(path: &Path) -> Result<(), PseudonymError> {
        let bytes = random_bytes().map_err(SecretFileError::from)?;
        Ok(create_secret(
            path,
            format!("{}\n", hex::encode(bytes)).as_bytes(),
        )?)
    }

    /// What is said of the key.
    #[must_use]
    pub fn id(&self) -> PseudonymKeyId {
        let mut hasher = Sha256::new();
        hasher.update(b"utfall-pseudonym-key/1\n");
        hasher.update(self.form.name());
        hasher.update(b"\n");
        hasher.update(self.bytes);
        let mut id = hex::encode(hasher.finalize());
        id.truncate(ID_DIGITS);
        PseudonymKeyId(id)
    }

    /// The pseudonym of a value: the key's id, a full stop, and 128 bits of HMAC-SHA256. `None` of
    /// a value without a letter or digit, where the form keeps nothing else.
    #[must_use]
    pub fn pseudonym(&self, value: &str) -> Option<String> {
        let value = self.form.of(value);
        if value.is_empty() {
            return None;
        }
        let mut digits = hex::encode(hmac_sha256(&self.bytes, value.as_bytes()));
        digits.truncate(N_DIGITS);
        Some(format!("{}.{digits}", self.id()))
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PseudonymKey({})", self.id())
    }
}

impl PseudonymForm {
    fn name(self) -> &'static str {
        match self {
            Self::AsWritten => "as-written",
            Self::Compact => "compact",
        }
    }

    fn of(self, value: &str) -> String {
        match self {
            Self::AsWritten => value.trim().to_owned(),
            Self::Compact => {
                let kept = value
                    .chars()
                    .filter(|character| character.is_alphanumeric());
                kept.flat_map(char::to_uppercase).collect()
            }
        }
    }
}

impl PseudonymKeyId {
    /// Whether a cell is a pseudonym under this key.
    #[must_use]
    pub fn made(&self, cell: &[u8]) -> bool {
        let digits = cell
            .strip_prefix(self.0.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"."));
        digits.is_some_and(|digits| {
            digits.len() == N_DIGITS && digits.iter().all(u8::is_ascii_hexdigit)
        })
    }
}

impl fmt::Display for PseudonymKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PseudonymKeyId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == ID_DIGITS && text.bytes().all(lower_hex) {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{text}` is no key id, expected the {ID_DIGITS} hexadecimal digits that `utfall pseudonymise` prints"
            ))
        }
    }
}

impl From<PseudonymKeyId> for String {
    fn from(id: PseudonymKeyId) -> Self {
        id.0
    }
}

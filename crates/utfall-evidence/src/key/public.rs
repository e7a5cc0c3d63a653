//! The half of a key that everyone may have.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use utfall_files::Digest;

use super::ED25519;

/// Longest name of a key.
const LONGEST_NAME: usize = 100;

/// A public Ed25519 key and the name it goes by.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    name: String,
    key: Box<VerifyingKey>, // large once unpacked
}

/// Why a text is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// It is not of three parts.
    #[error("no public key, expected `NAME+HASH+KEY` as `utfall key show` prints it")]
    Form,
    /// The name has characters it may not have.
    #[error(
        "the name of a key has 1 to {LONGEST_NAME} of the letters a-z, A-Z, digits, `.`, `_`, `-`, `@` and `/`"
    )]
    Name,
    /// The parts are not of one key: a character was lost or changed.
    #[error("the parts of the public key do not fit together; copy the whole line again")]
    Hash,
    /// The bytes are no Ed25519 key, or one under which anything verifies.
    #[error("the public key is no usable Ed25519 key; ask its owner for another")]
    Key,
}

impl PublicKey {
    pub(super) fn of(name: &str, key: VerifyingKey) -> Result<Self, PublicKeyError> {
        if !is_name(name) {
            return Err(PublicKeyError::Name);
        }
        if key.is_weak() {
            return Err(PublicKeyError::Key);
        }
        Ok(Self {
            name: name.to_owned(),
            key: Box::new(key),
        })
    }

    /// The name it goes by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether a signature over a message was made with this key's secret half.
    ///
    /// Strict: a signature or a key of more than one reading is refused, so nobody can turn one
    /// valid signature into another.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }

    /// The four bytes by which a note names this key when used in some way.
    pub(crate) fn hash(&self, way: u8) -> [u8; 4] {
        hash(&self.name, way, self.as_bytes())
    }
}

pub(super) fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-@/".contains(&byte))
}

/// The first four bytes of the SHA-256 of name, newline, way and key.
pub(super) fn hash(name: &str, way: u8, key: &[u8; 32]) -> [u8; 4] {
    let text = [name.as_bytes(), b"\n", &[way], key].concat();
    let digest = Digest::sha256(&text);
    let [a, b, c, d, ..] = *digest.as_bytes();
    [a, b, c, d]
}

/// A name, its hash and the 32 bytes after the marker, from `NAME+HASH+KEY`.
pub(super) fn parts(text: &str) -> Result<(&str, [u8; 4], [u8; 32]), PublicKeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(PublicKeyError::Form);
    };
    if !is_name(name) {
        return Err(PublicKeyError::Name);
    }
    let mut hash_bytes = [0; 4];
    let lowercase = !hash.bytes().any(|byte| byte.is_ascii_uppercase());
    if !lowercase || hex::decode_to_slice(hash, &mut hash_bytes).is_err() {
        return Err(PublicKeyError::Form);
    }
    let key = BASE64.decode(key).map_err(|_| PublicKeyError::Form)?;
    let Some((&ED25519, key)) = key.split_first() else {
        return Err(PublicKeyError::Key);
    };
    let key = key.try_into().map_err(|_| PublicKeyError::Key)?;
    Ok((name, hash_bytes, key))
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, stated, key) = parts(text)?;
        if stated != hash(name, ED25519, &key) {
            return Err(PublicKeyError::Hash);
        }
        Self::of(
            name,
            VerifyingKey::from_bytes(&key).map_err(|_| PublicKeyError::Key)?,
        )
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.as_bytes().as_slice()].concat();
        let hash = hex::encode(self.hash(ED25519));
        write!(f, "{}+{hash}+{}", self.name, BASE64.encode(key))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// By name, then by bytes.
impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.name, self.as_bytes()).cmp(&(&other.name, other.as_bytes()))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = PublicKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of `golang.org/x/mod/sumdb/note`, whose form this is.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_published_key_reads_and_writes_as_it_stands() {
        let key: PublicKey = PETER.parse().unwrap();
        assert_eq!(
            (key.name(), key.to_string().as_str()),
            ("PeterNeumann", PETER)
        );
    }

    #[test]
    fn a_changed_key_or_name_is_refused() {
        for offset in 0..PETER.len() {
            let mut changed = PETER.as_bytes().to_vec();
            changed[offset] ^= 1;
            let changed = String::from_utf8_lossy(&changed).into_owned();
            assert!(changed.parse::<PublicKey>().is_err(), "{changed}");
        }
    }

    #[test]
    fn the_first_signature_of_rfc_8032_verifies_and_no_other_reading_of_it() {
        // RFC 8032, 7.1, TEST 1: the empty message.
        let bytes = hex::decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let bytes: [u8; 32] = bytes.unwrap().try_into().unwrap();
        let key = PublicKey::of("rfc8032", VerifyingKey::from_bytes(&bytes).unwrap()).unwrap();
        let signature = hex::decode(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        )
        .unwrap();
        assert!(key.verifies(b"", &signature));
        assert!(!key.verifies(b"x", &signature));
        for offset in 0..64 {
            let mut changed = signature.clone();
            changed[offset] ^= 1;
            assert!(!key.verifies(b"", &changed), "{offset}");
        }
    }

    #[test]
    fn a_key_under_which_anything_verifies_is_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let text = format!(
            "weak+{}+{}",
            hex::encode(hash("weak", ED25519, &identity)),
            BASE64.encode([&[ED25519], identity.as_slice()].concat())
        );
        assert_eq!(text.parse::<PublicKey>(), Err(PublicKeyError::Key));
    }
}

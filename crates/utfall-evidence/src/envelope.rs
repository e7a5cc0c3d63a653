//! Signatures over a statement: a DSSE envelope.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::json::{Json, JsonError};
use crate::{PublicKey, SecretKey};

/// The type of what is signed: an in-toto Statement in JSON.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Most signatures in an envelope.
const MOST_SIGNATURES: usize = 100;

/// A payload and signatures over it, each by another key.
///
/// Dead Simple Signing Envelope 1.0.2,
/// <https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md>. The type is signed with
/// the payload. A signature's `keyid` is the whole public key, so that a changed envelope is
/// noticed even by someone who trusts none of its keys; whether a key is trusted never rests on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload: Vec<u8>,
    signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// The key it claims to be made with.
    pub key: PublicKey,
    /// Its bytes.
    pub signature: Vec<u8>,
}

/// Why bytes are no envelope, or a signature cannot be added to one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The bytes are not JSON in canonical form, or of another shape.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Something else than a statement is signed.
    #[error("a payload of type {found:?}, expected {PAYLOAD_TYPE:?}")]
    PayloadType {
        /// The type stated.
        found: String,
    },
    /// Base64 that is not written the one way it can be.
    #[error("the `{member}` is no canonical base64")]
    Base64 {
        /// Of the payload or of a signature.
        member: &'static str,
    },
    /// No signature, or too many.
    #[error("{found} signatures, expected 1 to {MOST_SIGNATURES}")]
    Count {
        /// How many.
        found: usize,
    },
    /// A key twice, or keys out of order.
    #[error("the signatures are not in the order of distinct keys")]
    Order,
    /// This key has signed already.
    #[error("the key {key} has signed already; one key counts once")]
    Signed {
        /// The key.
        key: PublicKey,
    },
}

/// The envelope as it is written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WrittenSignature>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenSignature {
    keyid: PublicKey,
    sig: String,
}

impl Envelope {
    /// A payload signed by one key.
    #[must_use]
    pub fn sign(payload: Vec<u8>, key: &SecretKey) -> Self {
        let signatures = vec![signature(&payload, key)];
        Self {
            payload,
            signatures,
        }
    }

    /// Adds the signature of another key.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Signed`] if it has signed already.
    pub fn add(&mut self, key: &SecretKey) -> Result<(), EnvelopeError> {
        let public = key.public();
        match self
            .signatures
            .binary_search_by(|signature| signature.key.cmp(public))
        {
            Ok(_) => Err(EnvelopeError::Signed {
                key: public.clone(),
            }),
            Err(at) => {
                self.signatures.insert(at, signature(&self.payload, key));
                Ok(())
            }
        }
    }

    /// What is signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signatures, in the order of their keys; whether they are valid is [`Self::is_valid`].
    #[must_use]
    pub fn signatures(&self) -> &[EnvelopeSignature] {
        &self.signatures
    }

    /// Whether a signature of this envelope was made with the key it names.
    #[must_use]
    pub fn is_valid(&self, signature: &EnvelopeSignature) -> bool {
        signature
            .key
            .verifies(&pre_authentication(&self.payload), &signature.signature)
    }

    /// The canonical form.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Json`] never in practice: every part is plain text.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EnvelopeError> {
        let signatures = self.signatures.iter().map(|signature| WrittenSignature {
            keyid: signature.key.clone(),
            sig: BASE64.encode(&signature.signature),
        });
        let written = Written {
            payload: BASE64.encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: signatures.collect(),
        };
        Ok(Json::of(&written)?.to_bytes())
    }

    /// Reads an envelope from its canonical form. Signatures are not checked here.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError`] if it is anything but the one way to write such an envelope.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let written: Written = Json::parse_canonical(bytes)?.to_typed()?;
        if written.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType {
                found: written.payload_type,
            });
        }
        if !(1..=MOST_SIGNATURES).contains(&written.signatures.len()) {
            return Err(EnvelopeError::Count {
                found: written.signatures.len(),
            });
        }
        let signatures = written
            .signatures
            .into_iter()
            .map(|written| {
                Ok(EnvelopeSignature {
                    key: written.keyid,
                    signature: base64(&written.sig, "sig")?,
                })
            })
            .collect::<Result<Vec<_>, EnvelopeError>>()?;
        if !signatures.is_sorted_by(|a, b| a.key < b.key) {
            return Err(EnvelopeError::Order);
        }
        Ok(Self {
            payload: base64(&written.payload, "payload")?,
            signatures,
        })
    }
}

fn signature(payload: &[u8], key: &SecretKey) -> EnvelopeSignature {
    EnvelopeSignature {
        key: key.public().clone(),
        signature: key.sign(&pre_authentication(payload)).to_vec(),
    }
}

/// What is signed: type and payload, each with its length before it.
fn pre_authentication(payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {PAYLOAD_TYPE} {} ",
        PAYLOAD_TYPE.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}

fn base64(text: &str, member: &'static str) -> Result<Vec<u8>, EnvelopeError> {
    BASE64
        .decode(text)
        .map_err(|_| EnvelopeError::Base64 { member })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> SecretKey {
        SecretKey::from_seed(&format!("key-{n}"), &[n; 32]).unwrap()
    }

    fn envelope() -> Envelope {
        let mut envelope = Envelope::sign(b"{\"a\":1}".to_vec(), &key(2));
        envelope.add(&key(1)).unwrap();
        envelope
    }

    #[test]
    fn what_is_signed_is_written_as_the_specification_writes_it() {
        assert_eq!(
            pre_authentication(b"hello world"),
            b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"
        );
    }

    #[test]
    fn an_envelope_reads_back_and_every_signature_is_valid() {
        let bytes = envelope().to_bytes().unwrap();
        let read = Envelope::from_bytes(&bytes).unwrap();
        assert_eq!(read, envelope());
        assert!(read.signatures().iter().all(|one| read.is_valid(one)));
        let names: Vec<_> = read.signatures().iter().map(|one| one.key.name()).collect();
        assert_eq!(names, ["key-1", "key-2"]);
    }

    #[test]
    fn a_key_signs_once() {
        let again = envelope().add(&key(1));
        assert!(matches!(again, Err(EnvelopeError::Signed { .. })));
        let text = String::from_utf8(envelope().to_bytes().unwrap()).unwrap();
        let start = text.find("{\"keyid\"").unwrap();
        let end = start + text[start..].find('}').unwrap() + 1;
        let twice = format!("{},{}", &text[..end], &text[start..]);
        assert_eq!(
            Envelope::from_bytes(twice.as_bytes()),
            Err(EnvelopeError::Order)
        );
    }

    #[test]
    fn every_changed_byte_breaks_the_form_or_a_signature() {
        let bytes = envelope().to_bytes().unwrap();
        for offset in 0..bytes.len() {
            for pattern in [0x01, 0x02, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[offset] ^= pattern;
                let intact = Envelope::from_bytes(&changed)
                    .is_ok_and(|read| read.signatures().iter().all(|one| read.is_valid(one)));
                assert!(!intact, "offset {offset} pattern {pattern:02x}");
            }
        }
    }

    #[test]
    fn another_payload_type_is_refused_and_its_signature_would_not_serve() {
        let text = String::from_utf8(envelope().to_bytes().unwrap()).unwrap();
        let other = text.replace(PAYLOAD_TYPE, "application/json");
        assert!(matches!(
            Envelope::from_bytes(other.as_bytes()),
            Err(EnvelopeError::PayloadType { .. })
        ));
        let signature = key(1).sign(b"DSSEv1 16 application/json 7 {\"a\":1}");
        let swapped = EnvelopeSignature {
            key: key(1).public().clone(),
            signature: signature.to_vec(),
        };
        assert!(!envelope().is_valid(&swapped));
    }
}

//! Checkpoints: the whole of a ledger in three signed lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use utfall_files::Digest;

use super::note::{Note, NoteError, NoteSignature};
use crate::key::{COSIGNATURE, ED25519};
use crate::{PublicKey, SecretKey};

/// A ledger at some size.
///
/// C2SP [tlog-checkpoint](https://c2sp.org/tlog-checkpoint), without extension lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The ledger's name: that of the key it signs with.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root hash of the tree over them, RFC 6962.
    pub root: Digest,
}

/// A checkpoint with the signature of its ledger and those of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

/// That somebody saw a checkpoint, consistent with all they saw before, at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Whose key.
    pub key: PublicKey,
    /// When, in seconds since 1970 by the clock of the one who signed.
    pub time: u64,
}

/// Why bytes are no checkpoint, or not one of this ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// They are no signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not that of a checkpoint.
    #[error("line {line} is not that of a checkpoint, expected {expected}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What stands there in a checkpoint.
        expected: &'static str,
    },
    /// It is another ledger's.
    #[error("a checkpoint of the ledger {found:?}, expected {expected:?}")]
    Origin {
        /// The ledger named.
        found: String,
        /// The ledger asked for.
        expected: String,
    },
    /// The ledger's signature is missing or wrong.
    #[error("the ledger {origin:?} has not signed this checkpoint")]
    NotSigned {
        /// The ledger.
        origin: String,
    },
    /// A key's line stands there but does not verify, or stands twice.
    #[error("the co-signature of {name:?} is not valid, or there twice")]
    Cosignature {
        /// Name of the key.
        name: String,
    },
}

impl Checkpoint {
    /// The text that is signed.
    fn to_text(&self) -> String {
        let root = BASE64.encode(self.root.as_bytes());
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    fn parse(text: &str) -> Result<Self, CheckpointError> {
        let error = |line, expected| CheckpointError::Line { line, expected };
        let mut lines = text.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty());
        let origin = origin.ok_or(error(1, "the ledger's name"))?.to_owned();
        let number = lines.next().unwrap_or_default();
        let size = number.parse().ok();
        let size = size
            .filter(|size: &u64| size.to_string() == number)
            .ok_or(error(2, "a number of entries"))?;
        let root: Option<[u8; 32]> = lines
            .next()
            .and_then(|line| BASE64.decode(line).ok()?.try_into().ok());
        let root = root.ok_or(error(3, "a root hash in base64"))?.into();
        if lines.next() != Some("") || lines.next().is_some() {
            return Err(error(4, "nothing more"));
        }
        Ok(Self { origin, size, root })
    }

    /// Signs a checkpoint with the ledger's own key, whose name is its origin.
    #[must_use]
    pub fn sign(self, key: &SecretKey) -> SignedCheckpoint {
        let text = self.to_text();
        let signatures = vec![NoteSignature {
            name: key.public().name().to_owned(),
            hash: key.public().hash(ED25519),
            signature: key.sign(text.as_bytes()).to_vec(),
        }];
        SignedCheckpoint {
            checkpoint: self,
            note: Note { text, signatures },
        }
    }
}

impl SignedCheckpoint {
    /// Reads a checkpoint without asking who signed it; [`Self::check`] asks.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] if it is anything but the one way to write such a checkpoint.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Checkpoint::parse(&note.text)?;
        Ok(Self { checkpoint, note })
    }

    /// Reads a checkpoint of the ledger that has this key.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] if it is none, another ledger's, or not signed with the key.
    pub fn open(bytes: &[u8], ledger: &PublicKey) -> Result<Self, CheckpointError> {
        let signed = Self::parse(bytes)?;
        signed.check(ledger)?;
        Ok(signed)
    }

    /// Whether it is one of the ledger that has this key, signed by it.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Origin`] or [`CheckpointError::NotSigned`].
    pub fn check(&self, ledger: &PublicKey) -> Result<(), CheckpointError> {
        let origin = &self.checkpoint.origin;
        if origin != ledger.name() {
            return Err(CheckpointError::Origin {
                found: origin.clone(),
                expected: ledger.name().to_owned(),
            });
        }
        let mut of_ledger = self.note.signatures.iter().filter(|one| {
            one.name == ledger.name()
                && one.hash == ledger.hash(ED25519)
                && ledger.verifies(self.note.text.as_bytes(), &one.signature)
        });
        match of_ledger.next() {
            Some(_) => Ok(()),
            None => Err(CheckpointError::NotSigned {
                origin: origin.clone(),
            }),
        }
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note as it is written.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.note.to_text()
    }

    /// Adds somebody's signature that they saw this checkpoint at a time (seconds since 1970). It
    /// takes the place of an earlier one by the same key.
    ///
    /// The caller has made sure that the checkpoint is consistent with all they co-signed before.
    pub fn cosign(&mut self, key: &SecretKey, time: u64) {
        let signature = key.sign(cosigned(time, &self.note.text).as_bytes());
        let public = key.public();
        let hash = public.hash(COSIGNATURE);
        let is_of_key = |one: &NoteSignature| one.name == public.name() && one.hash == hash;
        self.note.signatures.retain(|one| !is_of_key(one));
        self.note.signatures.push(NoteSignature {
            name: public.name().to_owned(),
            hash,
            signature: [&time.to_be_bytes(), signature.as_slice()].concat(),
        });
        self.note.signatures[1..].sort_by(|a, b| (&a.name, a.hash).cmp(&(&b.name, b.hash)));
    }

    /// The co-signature of a key; `None` without one.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Cosignature`] if it is there twice or not valid.
    pub fn cosignature(&self, key: &PublicKey) -> Result<Option<Cosignature>, CheckpointError> {
        let hash = key.hash(COSIGNATURE);
        let mut of_key = self
            .note
            .signatures
            .iter()
            .filter(|one| one.name == key.name() && one.hash == hash);
        let Some(found) = of_key.next() else {
            return Ok(None);
        };
        let valid = found
            .signature
            .split_first_chunk::<8>()
            .map(|(time, signature)| (u64::from_be_bytes(*time), signature))
            .filter(|(time, signature)| {
                key.verifies(cosigned(*time, &self.note.text).as_bytes(), signature)
            });
        match (valid, of_key.next()) {
            (Some((time, _)), None) => Ok(Some(Cosignature {
                key: key.clone(),
                time,
            })),
            _ => Err(CheckpointError::Cosignature {
                name: key.name().to_owned(),
            }),
        }
    }

    /// Names and hashes of all signatures, that of the ledger among them.
    pub fn signers(&self) -> impl Iterator<Item = (&str, [u8; 4])> {
        self.note
            .signatures
            .iter()
            .map(|one| (one.name.as_str(), one.hash))
    }
}

/// What a co-signer signs.
fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> SecretKey {
        SecretKey::from_seed(name, &[9; 32]).unwrap()
    }

    fn signed() -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            origin: "ledger.example".to_owned(),
            size: 7,
            root: Digest::sha256(b"root"),
        };
        checkpoint.sign(&key("ledger.example"))
    }

    #[test]
    fn a_checkpoint_reads_back_with_its_signatures() {
        let mut signed = signed();
        signed.cosign(&key("b.example"), 1_700_000_000);
        signed.cosign(&key("a.example"), 1_700_000_001);
        signed.cosign(&key("b.example"), 1_700_000_002);
        let text = signed.to_text();
        let ledger = key("ledger.example");
        let read = SignedCheckpoint::open(text.as_bytes(), ledger.public()).unwrap();
        assert_eq!(read, signed);
        let names: Vec<_> = read.signers().map(|(name, _)| name).collect();
        assert_eq!(names, ["ledger.example", "a.example", "b.example"]);
        let found = read
            .cosignature(key("b.example").public())
            .unwrap()
            .unwrap();
        assert_eq!(found.time, 1_700_000_002);
        assert_eq!(read.cosignature(key("c.example").public()), Ok(None));
    }

    #[test]
    fn another_ledgers_key_or_a_changed_number_is_refused() {
        let text = signed().to_text();
        let other = SecretKey::from_seed("ledger.example", &[8; 32]).unwrap();
        assert!(SignedCheckpoint::open(text.as_bytes(), other.public()).is_err());
        assert!(SignedCheckpoint::open(text.as_bytes(), key("other").public()).is_err());
        for (from, to) in [("\n7\n", "\n8\n"), ("\n7\n", "\n07\n"), ("\n7\n", "\n+7\n")] {
            let changed = text.replace(from, to);
            let opened = SignedCheckpoint::open(changed.as_bytes(), key("ledger.example").public());
            assert!(opened.is_err(), "{changed}");
        }
    }

    #[test]
    fn a_cosignature_at_another_time_or_under_another_text_is_refused() {
        let mut one = signed();
        one.cosign(&key("a.example"), 5);
        let mut other = one.clone();
        other.note.signatures[1].signature[7] ^= 1;
        assert!(other.cosignature(key("a.example").public()).is_err());
        let mut moved = signed();
        moved.note.text = moved.note.text.replace("\n7\n", "\n8\n");
        moved.note.signatures = one.note.signatures;
        assert!(moved.cosignature(key("a.example").public()).is_err());
    }
}

//! A proof of inclusion as a file that travels with what it is about.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use utfall_files::Digest;

use super::{CheckpointError, SignedCheckpoint, leaf_hash, verify_inclusion};

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Most hashes on a way to the root.
const LONGEST_PATH: usize = 64;

/// That an entry stands at a place under a signed checkpoint.
///
/// C2SP [tlog-proof](https://c2sp.org/tlog-proof): a header, the place, the hashes beside the way
/// to the root, and the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    index: u64,
    path: Vec<Digest>,
    checkpoint: SignedCheckpoint,
}

/// Why bytes are no proof of inclusion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// A line is not that of a proof.
    #[error("line {line} is not that of a proof, expected {expected}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What stands there in a proof.
        expected: &'static str,
    },
    /// The checkpoint is none.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl InclusionProof {
    pub(crate) fn new(index: u64, path: Vec<Digest>, checkpoint: SignedCheckpoint) -> Self {
        Self {
            index,
            path,
            checkpoint,
        }
    }

    /// The place of the entry, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint, whose signatures are the caller's to check.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Whether it is this entry that stands there.
    #[must_use]
    pub fn shows(&self, entry: &[u8]) -> bool {
        self.leads_from(&leaf_hash(entry))
    }

    pub(crate) fn leads_from(&self, leaf: &Digest) -> bool {
        let checkpoint = self.checkpoint.checkpoint();
        verify_inclusion(
            leaf,
            self.index,
            checkpoint.size,
            &self.path,
            &checkpoint.root,
        )
    }

    /// The proof as it is written.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\nindex {}\n", self.index);
        for hash in &self.path {
            text.push_str(&BASE64.encode(hash.as_bytes()));
            text.push('\n');
        }
        text.push('\n');
        text + &self.checkpoint.to_text()
    }

    /// Reads a proof that is written in the one way it can be.
    ///
    /// # Errors
    ///
    /// [`ProofError`] at the first line that is not.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let error = |line, expected| ProofError::Line { line, expected };
        let text = std::str::from_utf8(bytes).map_err(|_| error(1, "text"))?;
        let (head, note) = text
            .split_once("\n\n")
            .ok_or(error(1, "a blank line before the checkpoint"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(error(1, HEADER));
        }
        let number = lines.next().and_then(|line| line.strip_prefix("index "));
        let index: Option<u64> = number.and_then(|number| number.parse().ok());
        let index = index
            .filter(|index| Some(index.to_string().as_str()) == number)
            .ok_or(error(2, "`index` and a number"))?;
        let path = lines
            .zip(3..)
            .map(|(line, number)| {
                let bytes: Option<[u8; 32]> = BASE64
                    .decode(line)
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok());
                let hash = bytes.filter(|_| number < 3 + LONGEST_PATH);
                Ok(hash.ok_or(error(number, "a hash in base64"))?.into())
            })
            .collect::<Result<_, ProofError>>()?;
        Ok(Self {
            index,
            path,
            checkpoint: SignedCheckpoint::parse(note.as_bytes())?,
        })
    }
}

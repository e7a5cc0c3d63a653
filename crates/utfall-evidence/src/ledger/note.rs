//! Signed notes, C2SP [signed-note](https://c2sp.org/signed-note).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Longest note.
const LONGEST: usize = 1 << 20;

/// Most signatures on a note.
const MOST_SIGNATURES: usize = 100;

/// What every signature line begins with.
const DASH: &str = "— ";

/// A text and signatures under it, as lines of names, hashes and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// The text, with the newline at its end.
    pub(crate) text: String,
    /// The signatures, in the order of the note.
    pub(crate) signatures: Vec<NoteSignature>,
}

/// A signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoteSignature {
    /// Name of the key.
    pub(crate) name: String,
    /// First bytes of the key's hash.
    pub(crate) hash: [u8; 4],
    /// The signature itself.
    pub(crate) signature: Vec<u8>,
}

/// Why bytes are no signed note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Not UTF-8, with control characters, or longer than any note.
    #[error("no text of a note")]
    Text,
    /// No blank line and signatures at the end.
    #[error("no signatures under a blank line")]
    Unsigned,
    /// A signature line that is not written as one.
    #[error("signature {number} is not written as `— NAME SIGNATURE`")]
    Signature {
        /// Which, from 1.
        number: usize,
    },
}

impl Note {
    /// Reads a note that is written in the one way it can be.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Text)?;
        let is_control = |c: char| c.is_control() && c != '\n';
        if whole.len() > LONGEST || whole.contains(is_control) {
            return Err(NoteError::Text);
        }
        let at = whole.rfind("\n\n").ok_or(NoteError::Unsigned)?;
        let (text, signatures) = (&whole[..=at], &whole[at + 2..]);
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Unsigned)?;
        let signatures = lines
            .split('\n')
            .zip(1..)
            .take(MOST_SIGNATURES + 1)
            .map(|(line, number)| NoteSignature::parse(line).ok_or(NoteError::Signature { number }))
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MOST_SIGNATURES {
            return Err(NoteError::Text);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The note as it is written.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.text);
        for NoteSignature {
            name,
            hash,
            signature,
        } in &self.signatures
        {
            let bytes = [hash.as_slice(), signature].concat();
            text.push_str(&format!("{DASH}{name} {}\n", BASE64.encode(bytes)));
        }
        text
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Option<Self> {
        let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = BASE64.decode(bytes).ok()?;
        let (hash, signature) = bytes.split_first_chunk::<4>()?;
        let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+');
        (is_name && !signature.is_empty()).then(|| Self {
            name: name.to_owned(),
            hash: *hash,
            signature: signature.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PublicKey;
    use crate::key::ED25519;

    /// The example of `golang.org/x/mod/sumdb/note`.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_published_note_reads_verifies_and_writes_as_it_stands() {
        let note = Note::parse(NOTE.as_bytes()).unwrap();
        let key: PublicKey = PETER.parse().unwrap();
        let signature = &note.signatures[0];
        assert_eq!(signature.hash, key.hash(ED25519));
        assert!(key.verifies(note.text.as_bytes(), &signature.signature));
        assert_eq!(note.to_text(), NOTE);
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for (text, error) in [
            ("", NoteError::Unsigned),
            ("text\n", NoteError::Unsigned),
            ("text\n\n", NoteError::Unsigned),
            ("text\n\n— a AAAAAAA=", NoteError::Unsigned),
            ("text\n\n- a AAAAAAA=\n", NoteError::Signature { number: 1 }),
            ("text\n\n— a AAAAAA==\n", NoteError::Signature { number: 1 }),
            ("text\n\n— a AAAAAAB=\n", NoteError::Signature { number: 1 }),
            ("te\rxt\n\n— a AAAAAAA=\n", NoteError::Text),
        ] {
            assert_eq!(Note::parse(text.as_bytes()), Err(error), "{text:?}");
        }
    }
}

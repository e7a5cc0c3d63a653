//! Names for content.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::FileError;

/// Bytes read at a time: enough for all threads to hash, small beside any memory.
const BLOCK: u64 = 8 << 20;

/// A 256-bit digest, written as 64 lowercase hexadecimal characters.
///
/// The function that made it is part of the place where it stands, never of the text: subjects
/// of a statement are SHA-256, inputs and steps BLAKE3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{n_characters} characters that are no digest, expected 64 lowercase hexadecimal characters"
)]
pub struct DigestError {
    n_characters: usize,
}

impl Digest {
    /// The SHA-256 of some bytes.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The BLAKE3 of some bytes.
    #[must_use]
    pub fn blake3(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }

    /// The BLAKE3 of some bytes under a secret key: without it nobody can tell what they were.
    #[must_use]
    pub fn blake3_keyed(key: &[u8; 32], bytes: &[u8]) -> Self {
        Self(blake3::keyed_hash(key, bytes).into())
    }

    /// The BLAKE3 of a file, on all of rayon's threads.
    ///
    /// The file is read in blocks rather than mapped: another process that shortens a mapped
    /// file ends this one without a word, while a short read is an ordinary end of file. The
    /// number of threads changes the speed and never the digest.
    ///
    /// # Errors
    ///
    /// [`FileError`] if the file is missing, forbidden or unreadable.
    pub fn blake3_of_file(path: &Path) -> Result<Self, FileError> {
        let at = |source| FileError::at(path, source);
        let mut file = File::open(path).map_err(at)?;
        Self::blake3_of_reader(&mut file).map_err(at)
    }

    /// The BLAKE3 of an open file, from its start, whatever has been read of it.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be read or rewound.
    pub fn blake3_of_open_file(file: &mut File) -> std::io::Result<Self> {
        file.rewind()?;
        Self::blake3_of_reader(file)
    }

    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// One block is read while the one before it is hashed.
    fn blake3_of_reader(reader: &mut (impl Read + Send)) -> std::io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        let (mut hashing, mut reading) = (Vec::new(), Vec::new());
        loop {
            let (n_read, _) = rayon::join(
                || reader.by_ref().take(BLOCK).read_to_end(&mut reading),
                || hasher.update_rayon(&hashing).count(),
            );
            if n_read? == 0 {
                return Ok(Self(hasher.finalize().into()));
            }
            std::mem::swap(&mut hashing, &mut reading);
            reading.clear();
        }
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        let lowercase = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lowercase => Ok(Self(bytes)),
            _ => Err(DigestError {
                n_characters: text.chars().count(),
            }),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 and the BLAKE3 test vectors, empty input.
    const SHA256_EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const BLAKE3_EMPTY: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    #[test]
    fn known_digests_come_out() {
        assert_eq!(Digest::sha256(b"").to_string(), SHA256_EMPTY);
        assert_eq!(Digest::blake3(b"").to_string(), BLAKE3_EMPTY);
    }

    #[test]
    fn a_keyed_digest_is_that_of_the_published_vectors() {
        // https://github.com/BLAKE3-team/BLAKE3/blob/master/test_vectors/test_vectors.json
        let key = *b"whats the Elvish word for friend";
        assert_eq!(
            Digest::blake3_keyed(&key, b"").to_string(),
            "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"
        );
        assert_eq!(
            Digest::blake3_keyed(&key, &[0]).to_string(),
            "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b"
        );
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes_across_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("extract.csv");
        let block = usize::try_from(BLOCK).unwrap();
        for n_bytes in [0, 1, block - 1, block, block + 1] {
            let bytes: Vec<u8> = (0..n_bytes).map(|i| (i % 251) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(
                Digest::blake3_of_file(&path).unwrap(),
                Digest::blake3(&bytes)
            );
        }
    }

    #[test]
    fn text_and_digest_are_the_same_thing() {
        let digest = Digest::sha256(b"abc");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in [
            "",
            "ab",
            &SHA256_EMPTY.to_uppercase(),
            &SHA256_EMPTY.replace('e', "g"),
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}

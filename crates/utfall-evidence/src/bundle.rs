//! Sealing files into a bundle.

use std::io::Write;
use std::path::Path;

use utfall_files::{Digest, FileError, PendingFile};

use crate::json::{Json, JsonError};
use crate::{Files, NameError, Statement, container};

/// Name of the statement in a bundle.
pub const MANIFEST: &str = "manifest.json";

/// Name of the seal in a bundle.
pub const SEAL: &str = "seal.txt";

/// Files with the statement over them and its seal.
///
/// The same files and predicate give the same bytes, on any machine and on any day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    files: Files,
    seal: Digest,
}

/// Why files could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A name is taken by the bundle itself.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The statement cannot be written.
    #[error("no statement can be made of the files: {0}")]
    Statement(#[from] JsonError),
}

impl Bundle {
    /// Seals files under what is said of them.
    ///
    /// # Errors
    ///
    /// [`BundleError::Name`] if one of them is called `manifest.json` or `seal.txt`.
    pub fn seal(files: Files, predicate_type: &str, predicate: Json) -> Result<Self, BundleError> {
        let manifest = Statement::over(&files, predicate_type, predicate).to_bytes()?;
        let seal = Digest::sha256(&manifest);
        let mut files = files;
        files.insert(MANIFEST, manifest)?;
        files.insert(SEAL, seal_line(&seal).into_bytes())?;
        Ok(Self { files, seal })
    }

    /// The digest over everything: the SHA-256 of the manifest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.seal
    }

    /// All files, manifest and seal among them.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Writes the zip, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`FileError`] if the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let mut file = PendingFile::create(path)?;
        self.write_to(&mut file)
            .map_err(|source| FileError::at(path, source))?;
        file.commit()
    }

    /// Writes the zip's bytes.
    ///
    /// # Errors
    ///
    /// Whatever the writer says.
    pub fn write_to(&self, out: &mut impl Write) -> std::io::Result<()> {
        container::write(&self.files, out)
    }
}

/// The content of the seal: a line that `sha256sum --check` reads in an unpacked bundle.
#[must_use]
pub fn seal_line(manifest: &Digest) -> String {
    format!("{manifest}  {MANIFEST}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cannot_take_the_place_of_the_manifest() {
        let mut files = Files::new();
        files.insert("Manifest.json", Vec::new()).unwrap();
        assert!(matches!(
            Bundle::seal(files, "urn:example", Json::Null),
            Err(BundleError::Name(_))
        ));
    }
}

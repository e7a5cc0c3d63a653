//! Sealing files into a bundle.

use std::io::Write;
use std::path::Path;

use utfall_files::{Digest, FileError, PendingFile};

use crate::json::{Json, JsonError};
use crate::{
    Envelope, EnvelopeError, Files, Finding, Inspection, NameError, SecretKey, Statement, container,
};

/// Name of the statement in a bundle.
pub const MANIFEST: &str = "manifest.json";

/// Name of the seal in a bundle.
pub const SEAL: &str = "seal.txt";

/// Name of the signatures over the statement.
pub const ENVELOPE: &str = "manifest.dsse.json";

/// Names of proofs that something of the bundle stands in a ledger: its seal, its plan, its units.
pub const PROOFS: [&str; 3] = [
    "ledger/bundle.tlog-proof",
    "ledger/plan.tlog-proof",
    "ledger/units.tlog-proof",
];

/// Names of files that are added after sealing, and that the statement does not speak of.
pub(crate) fn is_attachment(name: &str) -> bool {
    name == ENVELOPE || PROOFS.contains(&name)
}

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
    /// A file has the name of something that is added after sealing.
    #[error("the name `{name}` is kept for what is added to a bundle after sealing")]
    Reserved {
        /// The name.
        name: String,
    },
    /// The signatures cannot be added to.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Something is wrong with a bundle that is to be added to.
    #[error("nothing is added to a bundle that is not as it was sealed: {0}")]
    NotIntact(Box<Finding>),
}

impl Bundle {
    /// Seals files under what is said of them.
    ///
    /// # Errors
    ///
    /// [`BundleError::Name`] if one of them is called `manifest.json` or `seal.txt`,
    /// [`BundleError::Reserved`] if one has the name of signatures or proofs.
    pub fn seal(files: Files, predicate_type: &str, predicate: Json) -> Result<Self, BundleError> {
        if let Some((name, _)) = files.iter().find(|(name, _)| is_attachment(name)) {
            return Err(BundleError::Reserved {
                name: name.to_owned(),
            });
        }
        let manifest = Statement::over(&files, predicate_type, predicate).to_bytes()?;
        let seal = Digest::sha256(&manifest);
        let mut files = files;
        files.insert(MANIFEST, manifest)?;
        files.insert(SEAL, seal_line(&seal).into_bytes())?;
        Ok(Self { files, seal })
    }

    /// A bundle that was read and found intact, to add signatures or proofs to.
    ///
    /// # Errors
    ///
    /// [`BundleError::NotIntact`] with the first finding.
    pub fn of_inspection(inspection: Inspection) -> Result<Self, BundleError> {
        let mut findings = inspection.findings.into_iter();
        match (findings.next(), inspection.files, inspection.seal) {
            (None, Some(files), Some(seal)) => Ok(Self { files, seal }),
            (first, ..) => Err(BundleError::NotIntact(Box::new(first.unwrap_or_else(
                || Finding::new(MANIFEST, "a file", "nothing", "there is no manifest"),
            )))),
        }
    }

    /// Adds signatures or a proof, in place of earlier ones. The seal stays what it was.
    ///
    /// # Errors
    ///
    /// [`BundleError::Reserved`] if the name is none of [`ENVELOPE`] and [`PROOFS`],
    /// [`BundleError::Name`] if the bundle is full.
    pub fn attach(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), BundleError> {
        if !is_attachment(name) {
            return Err(BundleError::Reserved {
                name: name.to_owned(),
            });
        }
        Ok(self.files.replace(name, bytes)?)
    }

    /// Adds a signature over the manifest. The seal stays what it was.
    ///
    /// # Errors
    ///
    /// [`BundleError::Envelope`] if the key has signed already.
    pub fn sign(&mut self, key: &SecretKey) -> Result<(), BundleError> {
        let manifest = self.files.get(MANIFEST).unwrap_or_default();
        let envelope = match self.files.get(ENVELOPE) {
            None => Envelope::sign(manifest.to_vec(), key),
            Some(bytes) => {
                let mut envelope = Envelope::from_bytes(bytes)?;
                envelope.add(key)?;
                envelope
            }
        };
        self.attach(ENVELOPE, envelope.to_bytes()?)
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

//! The folder that is read outside.

use std::path::{Path, PathBuf};

use serde::Serialize;
use utfall_files::{Digest, FileError};

use crate::Protected;
use crate::register::RegisterError;

/// The folder that is read outside. Only what is [`Protected`] can be written there.
#[derive(Debug)]
pub struct ReleaseFolder {
    path: PathBuf,
}

impl ReleaseFolder {
    /// A folder, made if it does not exist.
    ///
    /// # Errors
    ///
    /// [`FileError`] if it cannot be made.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        utfall_files::create_folder(path)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Writes a document, whole or not at all, and tells the SHA-256 of its bytes.
    ///
    /// # Errors
    ///
    /// [`RegisterError::File`] if it cannot be written.
    pub fn write<T: Serialize>(
        &self,
        name: &str,
        document: &Protected<T>,
    ) -> Result<Digest, RegisterError> {
        let bytes = json(document).map_err(RegisterError::Unwritable)?;
        utfall_files::write_whole(&self.path.join(name), &bytes)?;
        Ok(Digest::sha256(&bytes))
    }
}

/// A document as it is written: indented, with a line end.
pub(crate) fn json(document: &impl Serialize) -> Result<Vec<u8>, String> {
    let mut bytes = serde_json::to_vec_pretty(document).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    Ok(bytes)
}

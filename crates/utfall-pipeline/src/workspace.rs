//! The folder a run works in, held by one run at a time.

use std::path::{Path, PathBuf};

use utfall_files::WorkspaceLock;

use crate::RunError;

/// A folder held by this run until the value is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
    _lock: WorkspaceLock,
}

impl Workspace {
    /// Takes hold of a folder, made if it does not exist.
    ///
    /// # Errors
    ///
    /// [`RunError::Locked`] if another run holds it, [`RunError::File`] if it cannot be used.
    pub fn open(folder: &Path) -> Result<Self, RunError> {
        utfall_files::create_folder(folder)?;
        Self::held(folder, WorkspaceLock::acquire(folder)?)
    }

    /// The same, as soon as the run that holds the folder ends.
    ///
    /// # Errors
    ///
    /// [`RunError::File`] if it cannot be used.
    pub fn wait(folder: &Path) -> Result<Self, RunError> {
        utfall_files::create_folder(folder)?;
        Self::held(folder, WorkspaceLock::wait(folder)?)
    }

    fn held(folder: &Path, lock: WorkspaceLock) -> Result<Self, RunError> {
        utfall_files::remove_unfinished(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

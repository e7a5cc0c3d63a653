//! A delivered file, digested while it is read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use utfall_files::{Digest, FileError};

use super::error::IngestError;
use super::file_name::FileName;

/// Bytes passed at a time on the way to a file's end.
const DRAIN_BYTES: usize = 1 << 16;

/// A file that is read once from its start to its end, shared by whatever reads it and whoever
/// asks what was read.
#[derive(Clone)]
pub(crate) struct DeliveredFile {
    path: PathBuf,
    meter: Arc<Mutex<Meter>>,
}

struct Meter {
    file: File,
    hasher: blake3::Hasher,
    n_bytes: u64,
    stamp: Stamp,
}

/// What the file system says about a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    n_bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            n_bytes: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

impl DeliveredFile {
    pub(crate) fn open(path: &Path) -> Result<Self, IngestError> {
        let at = |source| IngestError::Unreadable(FileError::at(path, source));
        let file = File::open(path).map_err(at)?;
        let stamp = Stamp::of(&file).map_err(at)?;
        let meter = Meter {
            file,
            hasher: blake3::Hasher::new(),
            n_bytes: 0,
            stamp,
        };
        Ok(Self {
            path: path.to_owned(),
            meter: Arc::new(Mutex::new(meter)),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn name(&self) -> FileName {
        FileName::of(&self.path)
    }

    /// Bytes read so far.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.meter().n_bytes
    }

    /// BLAKE3 of the whole file, of which a reader may have left the end unread.
    ///
    /// # Errors
    ///
    /// [`IngestError::ChangedWhileRead`] if it is no longer what it was when opened.
    pub(crate) fn finish(&self) -> Result<Digest, IngestError> {
        let at = |source| IngestError::Unreadable(FileError::at(&self.path, source));
        let mut rest = self.clone();
        let mut buffer = vec![0; DRAIN_BYTES];
        while rest.read(&mut buffer).map_err(at)? > 0 {}
        let meter = self.meter();
        let now = Stamp::of(&meter.file).map_err(at)?;
        if now != meter.stamp || meter.n_bytes != now.n_bytes {
            return Err(IngestError::ChangedWhileRead { file: self.name() });
        }
        Ok(Digest::from(*meter.hasher.finalize().as_bytes()))
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for DeliveredFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut meter = self.meter();
        let n_read = meter.file.read(buffer)?;
        meter.n_bytes += n_read as u64;
        meter.hasher.update(&buffer[..n_read]);
        Ok(n_read)
    }
}

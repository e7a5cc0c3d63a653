//! Writing a file whole or not at all.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::FileError;

/// What every unfinished file's name ends with.
const UNFINISHED: &str = ".utfall-unfinished";

/// A file that gets its name only when all of it is on disk.
///
/// It is written under a temporary name in the same folder, so that the final rename never
/// crosses file systems. [`commit`](Self::commit) syncs the content, renames, and syncs the
/// folder; a reader sees the earlier file or the new one, never half of it. Dropping an
/// uncommitted file removes it. Only a killed process leaves one behind, under a name that
/// [`remove_unfinished`] recognises.
#[derive(Debug)]
pub struct PendingFile {
    writer: BufWriter<NamedTempFile>,
    folder: PathBuf,
    path: PathBuf,
    is_synced: bool,
}

impl PendingFile {
    /// Starts a file that is to be named `path`. Its folder exists already.
    ///
    /// # Errors
    ///
    /// [`FileError`] naming the folder if nothing can be created in it, or naming `path` if it
    /// ends in no file name.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let name = path.file_name().ok_or_else(|| {
            FileError::at(
                path,
                io::Error::new(io::ErrorKind::InvalidInput, "the path ends in no file name"),
            )
        })?;
        let folder = folder_of(path);
        let mut prefix = OsStr::new(".").to_owned();
        prefix.push(name);
        prefix.push(".");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(UNFINISHED);
        ordinary_permissions(&mut builder);
        let file = builder
            .tempfile_in(&folder)
            .map_err(|source| FileError::at(&folder, source))?;
        Ok(Self {
            writer: BufWriter::with_capacity(1 << 16, file),
            folder,
            path: path.to_owned(),
            is_synced: false,
        })
    }

    /// The name the file is to have.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts what is written so far on disk, without its name: [`commit`](Self::commit) has then
    /// only the name to care for.
    ///
    /// # Errors
    ///
    /// [`FileError`] if a write or the sync fails.
    pub fn sync(&mut self) -> Result<(), FileError> {
        let written = self.writer.flush();
        let synced = written.and_then(|()| self.writer.get_ref().as_file().sync_all());
        self.is_synced = synced.is_ok();
        synced.map_err(|source| FileError::at(&self.path, source))
    }

    /// Puts the whole file on disk and gives it its name, in place of any earlier file.
    ///
    /// # Errors
    ///
    /// [`FileError`] if a write, sync or rename fails. An earlier file of that name is intact,
    /// except if only the last sync of the folder fails: then the new file is already in place.
    pub fn commit(mut self) -> Result<(), FileError> {
        if !self.is_synced {
            self.sync()?;
        }
        let Self {
            writer,
            folder,
            path,
            ..
        } = self;
        let at = |source| FileError::at(&path, source);
        let file = writer
            .into_inner()
            .map_err(|error| at(error.into_error()))?;
        file.persist(&path).map_err(|error| at(error.error))?;
        sync_folder(&folder)
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_synced = false;
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Seek for PendingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.is_synced = false; // seeking writes what is still held back
        self.writer.seek(to)
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
///
/// As [`PendingFile::create`] and [`PendingFile::commit`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = PendingFile::create(path)?;
    file.write_all(bytes)
        .map_err(|source| FileError::at(path, source))?;
    file.commit()
}

/// Creates a folder and those above it, so that they last; one that exists is left alone.
///
/// # Errors
///
/// [`FileError`] if it cannot be created, or if a file has that name.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = folder_of(path);
    if above != path {
        create_folder(&above)?;
    }
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => {
            made.map_err(|source| FileError::at(path, source))?;
            sync_folder(&above)
        }
    }
}

/// Removes what a killed run left unfinished directly in a folder, and says how many files.
///
/// Call it only while holding the [`WorkspaceLock`](crate::WorkspaceLock) over that folder: a
/// file another run is still writing looks the same.
///
/// # Errors
///
/// [`FileError`] if the folder cannot be listed or a file cannot be removed.
pub fn remove_unfinished(folder: &Path) -> Result<usize, FileError> {
    let at_folder = |source| FileError::at(folder, source);
    let mut n_removed = 0;
    for entry in std::fs::read_dir(folder).map_err(at_folder)? {
        let entry = entry.map_err(at_folder)?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .ends_with(UNFINISHED.as_bytes())
        {
            std::fs::remove_file(entry.path())
                .map_err(|source| FileError::at(&entry.path(), source))?;
            n_removed += 1;
        }
    }
    Ok(n_removed)
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A finished file is as readable as any other the user writes; a temporary one would be private.
#[cfg(unix)]
fn ordinary_permissions(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666)); // less the user's umask
}

#[cfg(not(unix))]
fn ordinary_permissions(_builder: &mut tempfile::Builder<'_, '_>) {}

/// Makes a rename last: on Unix the name is content of the folder, and is synced like any other.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|source| FileError::at(folder, source))
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), FileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_committed_file_replaces_the_earlier_one_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decision.json");
        write_whole(&path, b"first").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["decision.json"]);
    }

    #[test]
    fn an_uncommitted_file_leaves_nothing_and_the_earlier_one_intact() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decision.json");
        write_whole(&path, b"first").unwrap();
        let mut pending = PendingFile::create(&path).unwrap();
        pending.write_all(b"half of it").unwrap();
        drop(pending);
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["decision.json"]);
    }

    #[test]
    fn a_file_can_be_sought_in_while_pending() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut pending = PendingFile::create(&path).unwrap();
        pending.write_all(b"0000 body").unwrap();
        pending.rewind().unwrap();
        pending.write_all(b"head").unwrap();
        pending.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"head body");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_whole(&folder.path().join("nowhere/a"), b"").unwrap_err();
        assert!(matches!(&error, FileError::NotFound { path, .. } if path.ends_with("nowhere")));
    }

    #[test]
    fn a_path_without_a_name_is_an_error() {
        assert!(PendingFile::create(Path::new("/")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let mut full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let error = FileError::at(Path::new("/dev/full"), full.write_all(b"x").unwrap_err());
        assert!(matches!(error, FileError::DiskFull { .. }));
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        write_whole(&folder.path().join("kept.json"), b"{}").unwrap();
        std::mem::forget(PendingFile::create(&folder.path().join("lost.json")).unwrap());
        assert_eq!(remove_unfinished(folder.path()).unwrap(), 1);
        assert_eq!(names(folder.path()), ["kept.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_finished_file_has_the_permissions_of_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ordinary"), b"").unwrap();
        write_whole(&folder.path().join("ours"), b"").unwrap();
        let mode = |name: &str| {
            std::fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("ours"), mode("ordinary"));
    }
}

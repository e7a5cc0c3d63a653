//! One run at a time in a workspace.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::FileError;

/// Name of the lock file in a workspace.
const LOCK_FILE: &str = ".utfall.lock";

/// Longest process id that is read from a lock file.
const LONGEST_ID: u64 = 20;

/// The right to change a workspace, held until dropped.
///
/// The operating system holds the lock and gives it back when its holder ends, in whatever way,
/// so a lock left by a killed run is never in the way. The file that carries it stays; its
/// content, the holder's process id, is for the message to others and decides nothing.
#[derive(Debug)]
pub struct WorkspaceLock {
    file: File,
    left_by: Option<u32>,
}

/// Why a workspace could not be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another run is at work there.
    #[error("`{}` is in use by {}; wait until it ends, or use another workspace", folder.display(), holder_in_words(*holder))]
    Held {
        /// The workspace.
        folder: PathBuf,
        /// Process id of the holder, if it has written it already.
        holder: Option<u32>,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
}

impl WorkspaceLock {
    /// Takes the lock of a workspace, at once or not at all. The folder exists already.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] if another run has it, [`LockError::File`] if the folder is missing,
    /// forbidden or on a file system without locks.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(LOCK_FILE);
        let at = |source| FileError::at(&path, source);
        let mut file = open(&path).map_err(at)?;
        match file.try_lock() {
            Ok(()) => {
                let left_by = process_id(&mut file);
                write_process_id(&mut file).map_err(at)?;
                Ok(Self { file, left_by })
            }
            Err(TryLockError::WouldBlock) => Err(LockError::Held {
                folder: folder.to_owned(),
                holder: process_id(&mut file),
            }),
            Err(TryLockError::Error(source)) => Err(at(source).into()),
        }
    }

    /// Takes the lock of a workspace, as soon as the run that has it ends.
    ///
    /// # Errors
    ///
    /// [`LockError::File`] as for [`Self::acquire`].
    pub fn wait(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(LOCK_FILE);
        let at = |source| FileError::at(&path, source);
        let mut file = open(&path).map_err(at)?;
        file.lock().map_err(at)?;
        let left_by = process_id(&mut file);
        write_process_id(&mut file).map_err(at)?;
        Ok(Self { file, left_by })
    }

    /// The run that ended without giving the lock back, if the last one did: it was killed, and
    /// may have left unfinished files.
    #[must_use]
    pub fn left_by(&self) -> Option<u32> {
        self.left_by
    }
}

impl Drop for WorkspaceLock {
    /// Empties the file, so that the next run sees an orderly end. The system unlocks on close.
    fn drop(&mut self) {
        let _ = self.file.set_len(0); // without it the next run merely looks for unfinished files
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

/// The process id in a lock file; absent if the file is empty or cannot be read.
fn process_id(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(LONGEST_ID).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_process_id(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn holder_in_words(holder: Option<u32>) -> String {
    holder.map_or_else(
        || "another run".to_owned(),
        |id| format!("the run with process id {id}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_refused_and_told_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let held = WorkspaceLock::acquire(folder.path()).unwrap();
        let error = WorkspaceLock::acquire(folder.path()).unwrap_err();
        assert!(
            matches!(error, LockError::Held { holder, .. } if holder == Some(std::process::id()))
        );
        assert!(error.to_string().contains(&std::process::id().to_string()));
        drop(held);
        assert_eq!(
            WorkspaceLock::acquire(folder.path()).unwrap().left_by(),
            None
        );
    }

    #[test]
    fn a_lock_left_by_a_killed_run_is_recovered() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(LOCK_FILE), "4194305\n").unwrap(); // as a killed holder leaves it
        assert_eq!(
            WorkspaceLock::acquire(folder.path()).unwrap().left_by(),
            Some(4_194_305)
        );
    }

    #[test]
    fn eight_that_wait_get_in_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let counter = folder.path().join("counter");
        std::fs::write(&counter, "0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _held = WorkspaceLock::wait(folder.path()).unwrap();
                    let before: u32 = std::fs::read_to_string(&counter).unwrap().parse().unwrap();
                    std::thread::yield_now();
                    std::fs::write(&counter, (before + 1).to_string()).unwrap();
                });
            }
        });
        assert_eq!(std::fs::read_to_string(&counter).unwrap(), "8");
    }

    #[test]
    fn of_eight_runs_at_once_one_gets_in() {
        let folder = tempfile::tempdir().unwrap();
        let start = std::sync::Barrier::new(8);
        let attempts: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        WorkspaceLock::acquire(folder.path())
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(attempts.iter().filter(|attempt| attempt.is_ok()).count(), 1);
    }

    #[test]
    fn a_missing_workspace_is_an_error_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let error = WorkspaceLock::acquire(&folder.path().join("nowhere")).unwrap_err();
        assert!(matches!(error, LockError::File(FileError::NotFound { .. })));
    }
}

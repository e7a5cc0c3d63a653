//! What goes wrong with a file, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file could not be read or written.
///
/// Every message names the path and a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// No such file or folder.
    #[error("`{}` does not exist; check the path, or create the folder it should lie in", path.display())]
    NotFound {
        /// The file or folder asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system refuses access.
    #[error("no permission to use `{}` ({source}); ask its owner, or choose another folder", path.display())]
    PermissionDenied {
        /// The file or folder asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk, or the user's share of it, is full.
    #[error("the disk is full while writing `{}`; free some space and run again, earlier results are intact", path.display())]
    DiskFull {
        /// The file being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is not UTF-8 text.
    #[error("`{}` is no UTF-8 text, the first foreign byte is at offset {offset}; save it as UTF-8", path.display())]
    NotText {
        /// The file read.
        path: PathBuf,
        /// Offset of the first byte that is not UTF-8.
        offset: usize,
    },
    /// Anything else.
    #[error("cannot use `{}` ({source}); check the disk it lies on", path.display())]
    Other {
        /// The file or folder in question.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FileError {
    /// Sorts a system error by its cause and names the path it concerns.
    #[must_use]
    pub fn at(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path, source },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::PermissionDenied { path, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, source }
            }
            _ => Self::Other { path, source },
        }
    }

    /// The file or folder in question.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::NotFound { path, .. }
            | Self::PermissionDenied { path, .. }
            | Self::DiskFull { path, .. }
            | Self::NotText { path, .. }
            | Self::Other { path, .. } => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_apart() {
        let error = |kind: io::ErrorKind| FileError::at(Path::new("out/a.json"), kind.into());
        assert!(matches!(
            error(io::ErrorKind::NotFound),
            FileError::NotFound { .. }
        ));
        assert!(matches!(
            error(io::ErrorKind::PermissionDenied),
            FileError::PermissionDenied { .. }
        ));
        assert!(matches!(
            error(io::ErrorKind::StorageFull),
            FileError::DiskFull { .. }
        ));
        assert!(matches!(
            error(io::ErrorKind::TimedOut),
            FileError::Other { .. }
        ));
    }

    #[test]
    fn a_message_names_the_path_and_a_remedy() {
        let message =
            FileError::at(Path::new("out/a.json"), io::ErrorKind::StorageFull.into()).to_string();
        assert!(message.contains("`out/a.json`") && message.contains("free some space"));
    }
}

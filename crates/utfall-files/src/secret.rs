//! Files that only their owner may read: keys.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::FileError;

/// Longest secret.
const LONGEST: u64 = 4096;

/// Where the system's randomness is read.
const RANDOMNESS: &str = "/dev/urandom";

/// Why a secret cannot be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is one already, which may be the only copy.
    #[error("`{}` is there already and is left alone; choose another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others may read it.
    #[error("`{}` can be read by others than its owner; run `chmod 600` on it, and make a new key if others may have read it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It is longer than any secret.
    #[error("`{}` is longer than any key; check the path", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

/// Writes a secret to a new file that only its owner may read, and syncs it.
///
/// # Errors
///
/// [`SecretFileError::Exists`] if there is such a file, [`SecretFileError::File`] if none can be
/// made.
pub fn create_secret(path: &Path, content: &[u8]) -> Result<(), SecretFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    for_its_owner(&mut options);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => SecretFileError::Exists {
            path: path.to_owned(),
        },
        _ => FileError::at(path, source).into(),
    })
}

/// Reads a secret from a file that only its owner may read.
///
/// # Errors
///
/// [`SecretFileError`] if it is missing, open to others, or too long.
pub fn read_secret(path: &Path) -> Result<Vec<u8>, SecretFileError> {
    let at = |source| FileError::at(path, source);
    let file = File::open(path).map_err(at)?;
    if is_exposed(&file).map_err(at)? {
        return Err(SecretFileError::Exposed {
            path: path.to_owned(),
        });
    }
    let mut content = Vec::new();
    file.take(LONGEST + 1)
        .read_to_end(&mut content)
        .map_err(at)?;
    if content.len() as u64 > LONGEST {
        return Err(SecretFileError::TooLong {
            path: path.to_owned(),
        });
    }
    Ok(content)
}

/// 32 bytes of the system's randomness.
///
/// # Errors
///
/// [`FileError`] if the system has none to give.
pub fn random_bytes() -> Result<[u8; 32], FileError> {
    let source = Path::new(RANDOMNESS);
    let mut bytes = [0; 32];
    File::open(source)
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(|error| FileError::at(source, error))?;
    Ok(bytes)
}

#[cfg(unix)]
fn is_exposed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(unix)]
fn for_its_owner(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn for_its_owner(_options: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_once_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create_secret(&path, b"secret").unwrap();
        assert_eq!(read_secret(&path).unwrap(), b"secret");
        assert!(matches!(
            create_secret(&path, b"other"),
            Err(SecretFileError::Exists { .. })
        ));
        assert_eq!(read_secret(&path).unwrap(), b"secret");
    }

    #[test]
    fn what_is_too_long_for_a_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create_secret(&path, &[0; 5000]).unwrap();
        assert!(matches!(
            read_secret(&path),
            Err(SecretFileError::TooLong { .. })
        ));
    }

    #[test]
    fn randomness_differs_from_call_to_call() {
        assert_ne!(random_bytes().unwrap(), random_bytes().unwrap());
    }
}

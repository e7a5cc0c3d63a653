//! Reading small files into memory.

use std::path::Path;

use crate::FileError;

/// The bytes of a file.
///
/// # Errors
///
/// [`FileError`] if the file is missing, forbidden or unreadable.
pub fn read_whole(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|source| FileError::at(path, source))
}

/// The text of a UTF-8 file.
///
/// # Errors
///
/// As [`read_whole`], and [`FileError::NotText`] at the first byte that is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read_whole(path)?).map_err(|error| FileError::NotText {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_byte_is_placed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.toml");
        std::fs::write(&path, b"name = \"\xe5\"").unwrap();
        assert!(matches!(
            read_text(&path),
            Err(FileError::NotText { offset: 8, .. })
        ));
    }
}

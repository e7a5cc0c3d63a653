//! The files of a delivery: one, those of a folder, or those that a pattern names.

use std::path::{Path, PathBuf};

use utfall_files::FileError;

/// Characters that make a path a pattern.
const PATTERN: [char; 3] = ['*', '?', '['];

/// Why the files of a delivery cannot be named.
///
/// Every message reads on from "cannot find the delivery:".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveredFilesError {
    /// A folder without files, or a pattern that names none.
    #[error("`{}` names no file; files whose names begin with `.` or `_` are no deliveries", path.display())]
    NoFile {
        /// The folder or pattern.
        path: PathBuf,
    },
    /// A folder in a delivered folder that says nothing of a column.
    #[error("`{}` is a folder in a delivered folder, expected files, or folders named `column=value`; name its files by a pattern such as `2024/*.csv`", path.display())]
    OddFolder {
        /// The folder within.
        path: PathBuf,
    },
    /// A pattern that cannot be read.
    #[error("`{}` is no pattern of file names: {reason}", path.display())]
    Pattern {
        /// What is written.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file system refuses.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The files that a path names, sorted: the file itself; those of a folder, in its folders named
/// `column=value` too; or, where it holds `*`, `?` or `[`, those that match it as a pattern, in
/// which `**` stands for any folders.
///
/// # Errors
///
/// [`DeliveredFilesError`] if there is no file.
pub fn delivered_files(path: &Path) -> Result<Vec<PathBuf>, DeliveredFilesError> {
    let mut files = Vec::new();
    if path.is_dir() {
        add_folder(path, &mut files)?;
    } else if is_pattern(path) {
        add_matching(path, &mut files)?;
    } else {
        return Ok(vec![path.to_owned()]);
    }
    files.sort();
    if files.is_empty() {
        let path = path.to_owned();
        return Err(DeliveredFilesError::NoFile { path });
    }
    Ok(files)
}

/// A file may itself have a `[` in its name.
fn is_pattern(path: &Path) -> bool {
    !path.exists() && path.to_string_lossy().contains(PATTERN)
}

fn add_folder(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), DeliveredFilesError> {
    let at = |source| FileError::at(folder, source);
    for entry in std::fs::read_dir(folder).map_err(at)? {
        let path = entry.map_err(at)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_hidden(&path) {
            continue;
        }
        if !path.is_dir() {
            files.push(path);
        } else if name.contains('=') {
            add_folder(&path, files)?;
        } else {
            return Err(DeliveredFilesError::OddFolder { path });
        }
    }
    Ok(())
}

fn add_matching(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), DeliveredFilesError> {
    let bad = |reason| DeliveredFilesError::Pattern {
        path: path.to_owned(),
        reason,
    };
    let pattern = path.to_str().ok_or_else(|| bad("it is no UTF-8 text"))?;
    let matching = glob::glob(pattern).map_err(|error| bad(error.msg))?;
    for found in matching {
        let found = found.map_err(|error| {
            let path = error.path().to_owned();
            FileError::at(&path, error.into())
        })?;
        if !found.is_dir() && !is_hidden(&found) {
            files.push(found);
        }
    }
    Ok(())
}

/// What a program leaves beside the files it delivers, such as `_SUCCESS`.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(['.', '_'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path, root: &Path) -> Vec<String> {
        let files = delivered_files(path).unwrap();
        let name = |file: &PathBuf| file.strip_prefix(root).unwrap().display().to_string();
        files.iter().map(name).collect()
    }

    #[test]
    fn a_folder_a_pattern_and_a_file_name_their_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "b.csv",
            "a.csv",
            ".hidden",
            "_SUCCESS",
            "year=2024/month=09/a.csv",
        ] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let tree = ["a.csv", "b.csv", "year=2024/month=09/a.csv"];
        assert_eq!(names(root, root), tree);
        assert_eq!(names(&root.join("**/*.csv"), root), tree);
        assert_eq!(names(&root.join("[ab].csv"), root), ["a.csv", "b.csv"]);
        assert_eq!(names(&root.join("b.csv"), root), ["b.csv"]);
        std::fs::write(root.join("[c].csv"), "").unwrap();
        assert_eq!(names(&root.join("[c].csv"), root), ["[c].csv"]);
        std::fs::create_dir(root.join("old")).unwrap();
        assert!(matches!(
            delivered_files(root),
            Err(DeliveredFilesError::OddFolder { .. })
        ));
        assert!(matches!(
            delivered_files(&root.join("*.txt")),
            Err(DeliveredFilesError::NoFile { .. })
        ));
        assert!(matches!(
            delivered_files(&root.join("***")),
            Err(DeliveredFilesError::Pattern { .. })
        ));
    }
}

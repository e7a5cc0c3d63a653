//! Reading an unpacked bundle.

use std::fs::{self, DirEntry};
use std::io::Read;
use std::path::Path;

use utfall_files::FileError;

use crate::files::MOST_BYTES;
use crate::{Files, Finding, NameError};

/// Deepest folder in a folder.
const DEEPEST: usize = 16;

/// Reads all files of a folder; what is no plain file under a safe name becomes a finding.
pub(crate) fn read(folder: &Path) -> Result<(Files, Vec<Finding>), FileError> {
    let mut found = Found::default();
    walk(folder, "", 0, &mut found)?;
    Ok((found.files, found.findings))
}

#[derive(Default)]
struct Found {
    files: Files,
    findings: Vec<Finding>,
    is_full: bool,
}

fn walk(folder: &Path, prefix: &str, depth: usize, found: &mut Found) -> Result<(), FileError> {
    let at = |source| FileError::at(folder, source);
    let mut entries = fs::read_dir(folder)
        .map_err(at)?
        .collect::<Result<Vec<DirEntry>, _>>()
        .map_err(at)?;
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(at)?;
        if kind.is_file() {
            read_file(&entry.path(), name, found)?;
        } else if kind.is_dir() && depth < DEEPEST {
            walk(&entry.path(), &format!("{name}/"), depth + 1, found)?;
        } else {
            let message =
                "a bundle holds plain files in folders, no links, devices or endless nesting";
            found.findings.push(Finding::new(
                name,
                "a plain file",
                "something else",
                message,
            ));
        }
    }
    Ok(())
}

/// Reads one file, unless there was one too many already.
fn read_file(path: &Path, name: String, found: &mut Found) -> Result<(), FileError> {
    if found.is_full {
        return Ok(());
    }
    let at = |source| FileError::at(path, source);
    let mut bytes = Vec::new();
    fs::File::open(path)
        .map_err(at)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(at)?;
    if let Err(error) = found.files.insert(name.clone(), bytes) {
        found.is_full = matches!(error, NameError::TooLarge { .. });
        let expected = "a safe name of its own, and no more than a bundle holds";
        found
            .findings
            .push(Finding::new(name, expected, "another", error.to_string()));
    }
    Ok(())
}

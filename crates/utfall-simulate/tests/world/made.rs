//! Worlds made in a temporary folder, and their files read plainly.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;
use utfall_core::Unwatched;
use utfall_simulate::{Spec, Truth, simulate};

/// The shipped specification.
pub(crate) const WORLD: &str = include_str!("../../../../sample-data/world.toml");

/// A world in a folder that goes away with it.
pub(crate) struct Made {
    pub(crate) folder: TempDir,
    pub(crate) truth: Truth,
}

/// The shipped specification with some lines replaced.
pub(crate) fn spec(replacements: &[(&str, &str)]) -> Spec {
    let mut text = WORLD.to_owned();
    for (from, to) in replacements {
        assert!(
            text.contains(from),
            "`{from}` is not in the shipped specification"
        );
        text = text.replace(from, to);
    }
    Spec::from_toml("world.toml", &text).unwrap()
}

/// Makes a world.
pub(crate) fn make(spec: &Spec) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let truth = simulate(spec, folder.path(), &Unwatched).unwrap();
    Made { folder, truth }
}

/// The bytes of every file in a folder, by name; folders in it are left out.
pub(crate) fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// The lines of a CSV file without its header, each split into cells.
pub(crate) fn rows(folder: &Path, file: &str) -> Vec<Vec<String>> {
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let (text, _, had_errors) = encoding_rs::WINDOWS_1252.decode(&bytes);
    assert!(!had_errors);
    text.lines()
        .skip(1)
        .map(|line| line.split(';').map(str::to_owned).collect())
        .collect()
}

/// A number with a decimal comma.
pub(crate) fn number(cell: &str) -> Option<f64> {
    cell.replace(',', ".").parse().ok()
}

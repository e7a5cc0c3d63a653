//! The files of a bundle, under names that mean the same everywhere.

use std::collections::BTreeMap;

/// Most files in a bundle.
pub(crate) const MOST_FILES: usize = 10_000;

/// Most bytes in all files of a bundle together.
pub(crate) const MOST_BYTES: u64 = 1 << 30;

/// Longest name.
const LONGEST_NAME: usize = 200;

/// Names that Windows gives to devices, whatever follows a full stop.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Named bytes, in the order of their names.
///
/// Every name is safe to unpack on any system: ASCII letters, digits, `.`, `_` and `-` in parts
/// divided by `/`; no part empty or with a full stop at either end, so no way upwards and nothing
/// hidden; no device; no two names alike but for case, and no name that is also a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    contents: BTreeMap<String, Vec<u8>>,
    folded: BTreeMap<String, String>,
    n_bytes: u64,
}

/// Why a file cannot be in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name is not safe on every system.
    #[error(
        "the name {name:?} is not safe everywhere, expected letters a-z, digits, `.`, `_` and `-` in parts divided by `/`"
    )]
    Unsafe {
        /// The name.
        name: String,
    },
    /// The name is that of another file, perhaps but for case, or of its folder.
    #[error("the name `{name}` collides with `{other}`")]
    Collision {
        /// The name.
        name: String,
        /// The one that was there first.
        other: String,
    },
    /// More or larger files than a bundle holds.
    #[error(
        "`{name}` would make the bundle larger than {MOST_FILES} files of {MOST_BYTES} bytes together"
    )]
    TooLarge {
        /// The file that would be too much.
        name: String,
    },
}

impl Files {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
    ///
    /// # Errors
    ///
    /// [`NameError`] if its name is unsafe or taken, or if it is too much.
    pub fn insert(&mut self, name: impl Into<String>, bytes: Vec<u8>) -> Result<(), NameError> {
        let name = name.into();
        let folded = name.to_ascii_lowercase();
        if !is_safe(&folded) {
            return Err(NameError::Unsafe { name });
        }
        if let Some(other) = self.colliding(&folded) {
            return Err(NameError::Collision { name, other });
        }
        let n_bytes = self.n_bytes.saturating_add(bytes.len() as u64);
        if self.contents.len() == MOST_FILES || n_bytes > MOST_BYTES {
            return Err(NameError::TooLarge { name });
        }
        self.n_bytes = n_bytes;
        self.folded.insert(folded, name.clone());
        self.contents.insert(name, bytes);
        Ok(())
    }

    /// Adds a file, in place of one of the very same name.
    ///
    /// # Errors
    ///
    /// As [`Self::insert`]; the earlier file is then gone.
    pub fn replace(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), NameError> {
        if let Some(earlier) = self.contents.remove(name) {
            self.n_bytes -= earlier.len() as u64;
            self.folded.remove(&name.to_ascii_lowercase());
        }
        self.insert(name, bytes)
    }

    /// The bytes of a file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.contents.get(name).map(Vec::as_slice)
    }

    /// Names and bytes, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.contents
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contents.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// A name already there that a file system could take for `folded`, for its folder or for a
    /// file in it.
    fn colliding(&self, folded: &str) -> Option<String> {
        let folders = folded.match_indices('/').map(|(end, _)| &folded[..end]);
        let itself_or_folder = folders
            .chain([folded])
            .find_map(|name| self.folded.get(name));
        let inside = format!("{folded}/");
        let beneath = || {
            self.folded
                .range(inside.clone()..)
                .next()
                .filter(|(name, _)| name.starts_with(&inside))
        };
        itself_or_folder
            .or_else(|| beneath().map(|(_, name)| name))
            .cloned()
    }
}

/// Whether a name in lower case means the same file on every system.
fn is_safe(folded: &str) -> bool {
    folded.len() <= LONGEST_NAME && folded.split('/').all(is_safe_part)
}

fn is_safe_part(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default();
    let numbered_device = |device| {
        stem.len() == 4 && stem.starts_with(device) && stem.ends_with(|c: char| c.is_ascii_digit())
    };
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        && !part.starts_with('.')
        && !part.ends_with('.')
        && !DEVICES.contains(&stem)
        && !numbered_device("com")
        && !numbered_device("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_or_change_on_the_way_are_refused() {
        for name in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a//b",
            "a/",
            ".hidden",
            "a/.git",
            "a.",
            "a\\b",
            "C:a",
            "a b",
            "å",
            "a\0",
            "con",
            "Aux.txt",
            "com1.json",
            "a/LPT9",
            &"a".repeat(201),
        ] {
            assert!(
                matches!(
                    Files::new().insert(name, Vec::new()),
                    Err(NameError::Unsafe { .. })
                ),
                "{name:?}"
            );
        }
    }

    #[test]
    fn names_that_collide_on_some_system_are_refused() {
        for (first, second) in [
            ("a/b", "a/b"),
            ("a/b", "A/B"),
            ("a", "a/b"),
            ("A/b", "a"),
            ("a/b/c", "A"),
        ] {
            let mut files = Files::new();
            files.insert(first, Vec::new()).unwrap();
            assert!(
                matches!(
                    files.insert(second, Vec::new()),
                    Err(NameError::Collision { .. })
                ),
                "{first} {second}"
            );
        }
    }

    #[test]
    fn ordinary_names_are_kept_in_order() {
        let mut files = Files::new();
        for name in [
            "record/effects.json",
            "plan/contract.toml",
            "plan-b",
            "plan/extracts/absence_2.toml",
            "report.html",
        ] {
            files.insert(name, Vec::new()).unwrap();
        }
        let names: Vec<_> = files.iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "plan-b",
                "plan/contract.toml",
                "plan/extracts/absence_2.toml",
                "record/effects.json",
                "report.html"
            ]
        );
    }
}

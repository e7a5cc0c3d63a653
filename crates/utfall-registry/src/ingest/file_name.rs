//! What files are called in reports and messages.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path};

/// A file's name without the folders it lies in, which are nobody's business; folders that are
/// named `column=value` are part of what it holds, and of its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    pub(crate) fn of(path: &Path) -> Self {
        let steps = steps(path);
        let folders = steps.iter().rev().skip(1);
        let n_named = folders.take_while(|name| name.contains('=')).count();
        Self::of_last(&steps, n_named + 1)
    }

    /// Names for some files, each as short as tells it from the others.
    #[must_use]
    pub fn distinct<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Vec<Self> {
        let paths: Vec<&Path> = paths.into_iter().collect();
        let steps: Vec<Vec<String>> = paths.iter().map(|path| steps(path)).collect();
        let mut names: Vec<Self> = paths.iter().map(|path| Self::of(path)).collect();
        let most = steps.iter().map(Vec::len).max().unwrap_or(0);
        for n_steps in 2..=most {
            let mut n_called: BTreeMap<Self, usize> = BTreeMap::new();
            for name in &names {
                *n_called.entry(name.clone()).or_default() += 1;
            }
            let shared = |name: &Self| n_called.get(name).is_some_and(|n_files| *n_files > 1);
            for (name, steps) in names.iter_mut().zip(&steps) {
                if shared(name) {
                    *name = Self::of_last(steps, n_steps);
                }
            }
        }
        names
    }

    /// A relation of a database.
    pub(crate) fn of_database(database: &str, relation: &str) -> Self {
        Self(format!("{database}:{relation}"))
    }

    /// The last steps of a path, or all.
    fn of_last(steps: &[String], n_steps: usize) -> Self {
        Self(steps[steps.len().saturating_sub(n_steps)..].join("/"))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn steps(path: &Path) -> Vec<String> {
    let normal = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(shown(&name.to_string_lossy())),
        _ => None,
    });
    normal.collect()
}

/// A step as it may be shown: a folder's value may itself be an identity number.
fn shown(step: &str) -> String {
    match step.split_once('=') {
        Some((column, value)) if utfall_identity::is_number(value.as_bytes()) => {
            format!("{column}=…")
        }
        _ => step.to_owned(),
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_no_more_than_it_must() {
        let names = |paths: &[&str]| -> Vec<String> {
            let names = FileName::distinct(paths.iter().map(Path::new));
            names.iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(&["/data/a.csv", "/data/b.csv"]), ["a.csv", "b.csv"]);
        assert_eq!(
            names(&["/data/2024/a.csv", "/data/2025/a.csv", "/data/2025/b.csv"]),
            ["2024/a.csv", "2025/a.csv", "b.csv"]
        );
        assert_eq!(
            names(&["/x/1/in/a.csv", "/x/2/in/a.csv", "/x/2/out/a.csv"]),
            ["1/in/a.csv", "2/in/a.csv", "out/a.csv"]
        );
        assert_eq!(
            names(&["/x/year=2024/month=9/a.csv"]),
            ["year=2024/month=9/a.csv"]
        );
        assert_eq!(
            names(&["/x/person=19570428-9999/a.csv"]),
            ["person=…/a.csv"]
        );
        assert_eq!(
            names(&["a.csv", "a.csv"]),
            ["a.csv", "a.csv"],
            "the same file twice"
        );
    }
}

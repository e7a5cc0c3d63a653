//! Columns that lie in the names of folders: `year=2024/month=09/part.csv`.

use std::path::{Component, Path};

use super::rules::encode;
use crate::contract::{DataContract, Encoding};

/// What writers put in the place of a missing value.
const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// A byte that is no character of any encoding read here.
const NO_CHARACTER: u8 = 0x81;

/// What the folders of a file say of columns.
pub(crate) struct Partitions(Vec<(String, Vec<u8>)>);

impl Partitions {
    /// The folders of a file that are named `column=value`, the value as a cell of the extract.
    pub(crate) fn of(path: &Path, contract: &DataContract) -> Self {
        let encoding = contract.encoding_of_cells();
        let folders = path.parent().into_iter().flat_map(Path::components);
        let named = folders.filter_map(|component| match component {
            Component::Normal(name) => name.to_str()?.split_once('='),
            _ => None,
        });
        let cell = |value: &str| match value {
            MISSING => Vec::new(),
            value => cell(&unescaped(value), encoding),
        };
        Self(
            named
                .map(|(name, value)| (unescaped(name), cell(value)))
                .collect(),
        )
    }

    /// The value of a column, from the folder nearest to the file.
    pub(crate) fn value(&self, column: &str) -> Option<&[u8]> {
        let mut named = self.0.iter().rev();
        named
            .find(|(name, _)| name == column)
            .map(|(_, value)| value.as_slice())
    }
}

/// A value in the extract's encoding, or what breaks it.
fn cell(value: &str, encoding: Encoding) -> Vec<u8> {
    encode(value, encoding).unwrap_or_else(|| vec![NO_CHARACTER])
}

/// Text in which `%` and two hexadecimal digits stand for a byte.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &rest[3..];
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn hexadecimal(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_bytes_are_read_and_others_kept() {
        assert_eq!(unescaped("a%3Db%C3%A5"), "a=bå");
        assert_eq!(unescaped("100%"), "100%");
        assert_eq!(unescaped("%ff"), "%ff", "no text, so as it stands");
    }
}

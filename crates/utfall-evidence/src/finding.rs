//! One deviation, and where it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a bundle that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Finding {
    /// Where: a file of the bundle, an offset in the zip, or a pointer into a document.
    pub place: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// What that means.
    pub message: String,
}

impl Finding {
    /// A finding from its four parts.
    pub fn new(
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            expected: expected.into(),
            found: found.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            expected,
            found,
            message,
        } = self;
        let line = format!("{place}: {message}; expected {expected}, found {found}");
        f.write_str(&printable(&line))
    }
}

/// A text from a stranger's file, with the characters that steer a terminal written out.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, character| {
            if character.is_control() {
                out.extend(character.escape_unicode())
            } else {
                out.push(character)
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_cannot_steer_the_terminal() {
        let finding = Finding::new("a\u{1b}[2J", "å", "b\n", "changed");
        assert_eq!(
            finding.to_string(),
            "a\\u{1b}[2J: changed; expected å, found b\\u{a}"
        );
    }
}

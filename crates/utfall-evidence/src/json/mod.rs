//! Canonical JSON: one document, one sequence of bytes.
//!
//! The form is that of RFC 8785 (JSON Canonicalization Scheme): keys sorted by UTF-16 code units,
//! no space, UTF-8 unescaped where JSON allows, floats as ECMAScript writes them, which is the
//! shortest text that reads back as the same number. One liberty is taken: a whole number keeps
//! all its digits, where RFC 8785 would round it to a double.
//!
//! Numbers are kept as the text they were written with, so a figure can pass from a document to
//! a contract without ever becoming a float. The reader refuses duplicate keys, which elsewhere
//! let two readers of one file see two different documents.

mod compare;
mod convert;
mod number;
mod read;
mod write;

use std::collections::BTreeMap;

pub use compare::Difference;
pub use convert::{read_document, write_document};

/// A JSON value whose numbers are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number, as it was written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

/// Why bytes are not the JSON they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The bytes are not UTF-8.
    #[error("no UTF-8 text at offset {offset}")]
    NotText {
        /// Offset of the first byte that is not.
        offset: usize,
    },
    /// Something else stands where JSON asks for this.
    #[error("expected {expected} at offset {offset}")]
    Syntax {
        /// Where.
        offset: usize,
        /// What JSON asks for.
        expected: &'static str,
    },
    /// A key occurs twice in one object.
    #[error("the key `{key}` occurs twice in one object, the second time at offset {offset}")]
    DuplicateKey {
        /// Where the second begins.
        offset: usize,
        /// The key.
        key: String,
    },
    /// Values lie in values beyond all use.
    #[error("values nested deeper than {limit} at offset {offset}")]
    TooDeep {
        /// Where.
        offset: usize,
        /// The deepest allowed.
        limit: usize,
    },
    /// A valid document, but not in its canonical form.
    #[error("the document leaves its canonical form at offset {offset}")]
    NotCanonical {
        /// Where it first differs from the canonical form.
        offset: usize,
    },
    /// A valid document of another shape.
    #[error("another document than expected: {reason}")]
    Shape {
        /// What is missing, unknown or of another type.
        reason: String,
    },
    /// A value that JSON cannot carry, such as NaN.
    #[error("a value that JSON cannot carry back, such as NaN or an infinity")]
    NotCarried,
}

impl Json {
    /// The value under a key; `None` for anything but an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }
}

//! TOML read into types, with errors that show the line.

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;

use crate::PlanError;

/// A file that is no TOML, or has unknown keys or values of the wrong type.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{name}:{line}:{column}: {message}")]
pub struct SyntaxError {
    name: String,
    line: usize,
    column: usize,
    message: String,
    #[source_code]
    text: NamedSource<String>,
    #[label("here")]
    span: SourceSpan,
}

/// Reads a TOML text.
pub(crate) fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, PlanError> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let (span, message) = (error.span().unwrap_or(0..0), error.message().to_owned());
        PlanError::Syntax(Box::new(at(name, text, span, message)))
    })
}

/// A step down a TOML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Into a table.
    Key(String),
    /// Into a list.
    Item(usize),
}

impl From<&str> for Place {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Place {
    fn from(item: usize) -> Self {
        Self::Item(item)
    }
}

/// An error about what stands at a place, or about the deepest of its parents that is there.
pub(crate) fn error_at(name: &str, text: &str, path: &[Place], message: String) -> SyntaxError {
    let span = span_at(text, path).unwrap_or(0..0);
    at(name, text, span, message)
}

/// A fault at a span of a file.
fn at(name: &str, text: &str, span: std::ops::Range<usize>, message: String) -> SyntaxError {
    let (line, column) = position(text, span.start);
    SyntaxError {
        name: name.to_owned(),
        line,
        column,
        message,
        text: NamedSource::new(name, text.to_owned()),
        span: SourceSpan::from(span),
    }
}

fn span_at(text: &str, path: &[Place]) -> Option<std::ops::Range<usize>> {
    let table = toml::de::DeTable::parse(text).ok()?;
    let (first, rest) = path.split_first()?;
    let Place::Key(key) = first else {
        return None;
    };
    let mut here = table.get_ref().get(key.as_str())?;
    for place in rest {
        let deeper = match place {
            Place::Key(key) => here.get_ref().get(key.as_str()),
            Place::Item(item) => here.get_ref().get(*item),
        };
        match deeper {
            Some(deeper) => here = deeper,
            None => break,
        }
    }
    Some(here.span())
}

/// A fault at the first place where `word` stands in quotes after `owner` does: an owner is the
/// name of a measure or calendar, the word a name that it uses.
pub(crate) fn at_word(name: &str, text: &str, owner: &str, word: &str, message: &str) -> PlanError {
    let find = |word: &str, from: usize| {
        let found = text.get(from..)?.find(&format!("\"{word}\""))?;
        Some(from + found)
    };
    let owned = find(owner, 0).unwrap_or(0);
    let start = find(word, owned).or_else(|| find(word, 0)).unwrap_or(owned);
    let end = (start + word.len() + 2).min(text.len());
    PlanError::Syntax(Box::new(at(name, text, start..end, message.to_owned())))
}

/// Line and column of a byte, both counted from one.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_tables_and_lists_and_its_parent_where_it_is_not() {
        let text = "a = 1\n[[b]]\nc = 2\n[[b]]\n[b.d]\ne = [\"x\",\n  \"y\"]\n";
        let at = |path: &[Place]| error_at("plan.toml", text, path, "wrong".to_owned()).to_string();
        let path = ["b".into(), 1.into(), "d".into(), "e".into(), 1.into()];
        assert_eq!(at(&path), "plan.toml:7:3: wrong");
        assert_eq!(at(&path[..2]), "plan.toml:4:1: wrong");
        let missing = ["b".into(), 1.into(), "d".into(), "f".into()];
        assert_eq!(at(&missing), "plan.toml:5:1: wrong");
    }

    #[test]
    fn an_error_names_file_line_and_column() {
        let error =
            parse::<std::collections::BTreeMap<String, u8>>("plan.toml", "a = 1\nb = \"x\"\n")
                .unwrap_err();
        assert!(error.to_string().starts_with("plan.toml:2:5: "), "{error}");
    }
}

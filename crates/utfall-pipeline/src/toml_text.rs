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
        let span = error.span().unwrap_or(0..0);
        let (line, column) = position(text, span.start);
        PlanError::Syntax(Box::new(SyntaxError {
            name: name.to_owned(),
            line,
            column,
            message: error.message().to_owned(),
            text: NamedSource::new(name, text.to_owned()),
            span: SourceSpan::from(span),
        }))
    })
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
    fn an_error_names_file_line_and_column() {
        let error =
            parse::<std::collections::BTreeMap<String, u8>>("plan.toml", "a = 1\nb = \"x\"\n")
                .unwrap_err();
        assert!(error.to_string().starts_with("plan.toml:2:5: "), "{error}");
    }
}

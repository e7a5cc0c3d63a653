//! Columns of values on their way into a table.

use polars::prelude::{Column, IntoColumn, IntoSeries, PlSmallStr, StringChunkedBuilder};

use crate::table_writer::StoredType;

/// Values of one column for some rows; `None` is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnData {
    /// UTF-8 text.
    Text(TextColumn),
    /// Whole numbers, or decimals scaled to whole numbers.
    Integer(Vec<Option<i64>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
}

impl ColumnData {
    /// Number of values, missing ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Integer(values) => values.len(),
            Self::Date(days) => days.len(),
        }
    }

    /// Whether there is no value at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the values are stored.
    #[must_use]
    pub fn stored_type(&self) -> StoredType {
        match self {
            Self::Text(_) => StoredType::Text,
            Self::Integer(_) => StoredType::Integer,
            Self::Date(_) => StoredType::Date,
        }
    }
}

/// Texts laid end to end, so that a million of them are three allocations and not a million.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextColumn {
    /// Always UTF-8.
    text: Vec<u8>,
    ends: Vec<usize>,
    present: Vec<bool>,
}

impl TextColumn {
    /// An empty column with room for `n_values`.
    #[must_use]
    pub fn with_capacity(n_values: usize) -> Self {
        Self {
            text: Vec::new(),
            ends: Vec::with_capacity(n_values),
            present: Vec::with_capacity(n_values),
        }
    }

    /// Adds a value; `None` is missing.
    pub fn push(&mut self, value: Option<&str>) {
        self.text
            .extend_from_slice(value.unwrap_or_default().as_bytes());
        self.ends.push(self.text.len());
        self.present.push(value.is_some());
    }

    /// Adds a text that is printable ASCII.
    #[inline]
    pub(crate) fn push_plain(&mut self, text: &[u8]) {
        debug_assert!(text.is_ascii(), "a plain text is ASCII");
        self.text.extend_from_slice(text);
        self.ends.push(self.text.len());
        self.present.push(true);
    }

    /// Keeps the first `n_values` and drops the rest.
    pub fn truncate(&mut self, n_values: usize) {
        if n_values < self.len() {
            self.ends.truncate(n_values);
            self.present.truncate(n_values);
            self.text.truncate(self.ends.last().copied().unwrap_or(0));
        }
    }

    /// Number of values, missing ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no value at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The last value; `None` if it is missing or there is none.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        let (&present, &end) = (self.present.last()?, self.ends.last()?);
        let start = self.ends.len().checked_sub(2).map_or(0, |i| self.ends[i]);
        let text = std::str::from_utf8(&self.text[start..end]).expect("only texts were pushed");
        present.then_some(text)
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        let text = std::str::from_utf8(&self.text).expect("only texts were pushed");
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let values = starts.zip(&self.ends).zip(&self.present);
        values.map(move |((start, &end), &present)| present.then(|| &text[start..end]))
    }

    pub(crate) fn into_column(self, name: PlSmallStr) -> Column {
        let mut builder = StringChunkedBuilder::new(name, self.len());
        for value in self.iter() {
            builder.append_option(value);
        }
        builder.finish().into_series().into_column()
    }
}

impl<S: AsRef<str>> FromIterator<Option<S>> for TextColumn {
    fn from_iter<I: IntoIterator<Item = Option<S>>>(values: I) -> Self {
        let values = values.into_iter();
        let mut column = Self::with_capacity(values.size_hint().0);
        for value in values {
            column.push(value.as_ref().map(AsRef::as_ref));
        }
        column
    }
}

impl From<Vec<Option<String>>> for TextColumn {
    fn from(values: Vec<Option<String>>) -> Self {
        values.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_text_is_not_a_missing_one() {
        let column = TextColumn::from_iter([Some("a"), None, Some(""), Some("åä")]);
        assert_eq!(
            column.iter().collect::<Vec<_>>(),
            [Some("a"), None, Some(""), Some("åä")]
        );
    }
}

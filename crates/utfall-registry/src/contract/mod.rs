//! What an extract promises: its dialect, columns, types, keys, codes and ranges.

mod column;
mod dialect;
mod dialect_text;
mod error;
mod layout;
mod text;

use serde::{Deserialize, Serialize};
use utfall_core::Offset;

use crate::delivery::DeliveryStatus;
pub(crate) use column::Bound;
pub use column::{Column, ColumnType};
pub(crate) use dialect::days_since_1970;
pub use dialect::{DateFormat, Dialect, Encoding, Header, Mark, OptionalMark, Thousands};
pub use error::{ContractFault, DataContractError};
pub use layout::{Elements, Field, FixedWidth, Positions, Relation, Sheet, ShortLines};
pub use text::{Format, Meaning};

/// The data contract of one extract: how it is written and what may stand in it.
///
/// A contract that exists is sound: names are unique, the key's columns exist, ranges hold a
/// value, and every choice that moves a value (delimiter, encoding, decimal mark, date format)
/// is written out.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "text::ContractText", into = "text::ContractText")]
pub struct DataContract {
    text: text::ContractText,
    columns: Vec<Column>,
    key: Vec<usize>,
    order: Vec<Order>,
    reporting_lag: Option<Offset>,
}

/// A rule over two dates or numbers of a row: `column` is not before `other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// Position of the later column.
    pub(crate) column: usize,
    /// Position of the earlier column.
    pub(crate) other: usize,
}

impl DataContract {
    /// Reads a contract from TOML; `source_name` is the file it came from, for messages.
    ///
    /// # Errors
    ///
    /// [`DataContractError`] with the line and column of the first fault.
    pub fn from_toml(source_name: &str, text: &str) -> Result<Self, DataContractError> {
        let contract: text::ContractText = toml::from_str(text)
            .map_err(|error| DataContractError::syntax(source_name, text, &error))?;
        contract
            .check()
            .map_err(|misplaced| misplaced.locate(source_name, text))
    }

    /// A contract without columns, for a first look at files: `head` is its part from `format` on.
    pub(crate) fn bare(head: &str) -> Result<Self, DataContractError> {
        let text = format!("schema = \"\"\nname = \"\"\ntitle = \"\"\nkey = []\n{head}");
        let text = toml::from_str(&text)
            .map_err(|error| DataContractError::syntax("the draft", &text, &error))?;
        Ok(Self {
            text,
            columns: Vec::new(),
            key: Vec::new(),
            order: Vec::new(),
            reporting_lag: None,
        })
    }

    /// Name of the extract.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text.name
    }

    /// What the extract is called in a report.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.text.title
    }

    /// How the files are written.
    #[must_use]
    pub fn format(&self) -> Format {
        self.text.format
    }

    /// How CSV files are written, and text cells in any file.
    #[must_use]
    pub fn dialect(&self) -> Option<&Dialect> {
        self.text.dialect.as_ref()
    }

    /// Where the fields of a fixed-width line lie.
    #[must_use]
    pub fn fixed_width(&self) -> Option<&FixedWidth> {
        self.text.fixed_width.as_ref()
    }

    /// The sheet of a workbook.
    #[must_use]
    pub fn sheet(&self) -> Option<&Sheet> {
        self.text.sheet.as_ref()
    }

    /// The elements of an XML document that are rows.
    #[must_use]
    pub fn elements(&self) -> Option<&Elements> {
        self.text.xml.as_ref()
    }

    /// The table or view of a database.
    #[must_use]
    pub fn relation(&self) -> Option<&Relation> {
        self.text.sql.as_ref()
    }

    /// How characters of the files are stored; UTF-8 where the format says nothing else.
    pub(crate) fn encoding(&self) -> Encoding {
        let stated = self.dialect().and_then(|dialect| dialect.encoding);
        stated.unwrap_or(Encoding::Utf8)
    }

    /// How characters of a cell are stored.
    pub(crate) fn encoding_of_cells(&self) -> Encoding {
        self.encoding().of_cells()
    }

    /// The columns, in the table's order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of this name in the table.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name() == name)
    }

    /// Names of the key's columns: no two rows of a delivery share a key, and a row of a later
    /// delivery supersedes earlier ones of its key.
    pub fn key(&self) -> impl Iterator<Item = &str> {
        self.key
            .iter()
            .map(|&position| self.columns[position].name())
    }

    /// How long after a day everything that happened on it has been registered.
    #[must_use]
    pub fn reporting_lag(&self) -> Option<Offset> {
        self.reporting_lag
    }

    /// Whether a day counts as reported only by final deliveries.
    #[must_use]
    pub fn reports_only_when_final(&self) -> bool {
        let reporting = self.text.reporting.as_ref();
        reporting.is_some_and(|reporting| reporting.by == Some(DeliveryStatus::Final))
    }

    /// Groups of rows that are registered later than the others.
    pub(crate) fn group_lags(&self) -> &[text::GroupLagText] {
        let reporting = self.text.reporting.as_ref();
        reporting.map_or(&[], |reporting| &reporting.group)
    }

    pub(crate) fn key_positions(&self) -> &[usize] {
        &self.key
    }

    pub(crate) fn order_rules(&self) -> &[Order] {
        &self.order
    }

    pub(crate) fn missing(&self) -> &[text::MissingText] {
        &self.text.missing
    }
}

#[cfg(test)]
mod tests;

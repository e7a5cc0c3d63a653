//! What an extract promises: its dialect, columns, types, keys, codes and ranges.

mod catalogue;
mod column;
mod column_text;
mod dialect;
mod dialect_text;
mod error;
mod layout;
mod moment;
mod rule;
mod rule_text;
mod schema;
mod text;

use serde::{Deserialize, Serialize};
use utfall_core::Offset;

use crate::delivery::DeliveryStatus;
pub(crate) use column::{Bound, year};
pub use column::{Column, ColumnType};
pub use dialect::{DateFormat, Dialect, Encoding, Header, Mark, OptionalMark, Thousands};
pub use error::{ContractFault, DataContractError};
pub use layout::{Elements, Field, FixedWidth, Positions, Relation, Sheet, ShortLines};
pub use moment::MomentFormat;
pub use rule::{Comparison, Every, Rule, RuleEntry, Severity, Tolerance};
pub(crate) use rule::{Elsewhere, Literal, RowRule, RuleBody, SetRule, Share, Violation, When};
pub use schema::DATA_CONTRACT_SCHEMA;
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
    /// What the declared rules ask.
    rules: Vec<RuleBody>,
    /// All rules, in the order of their violations.
    catalogue: Vec<RuleEntry>,
    reporting_lag: Option<Offset>,
}

impl DataContract {
    /// Reads a contract from TOML; `source_name` is the file it came from, for messages.
    ///
    /// # Errors
    ///
    /// [`DataContractError`] with the line and column of the first fault. A contract that takes
    /// codes from a file is read with [`from_toml_with`](Self::from_toml_with).
    pub fn from_toml(source_name: &str, text: &str) -> Result<Self, DataContractError> {
        let refuse = |_: &str| Err("the contract was read without its folder".to_owned());
        Self::from_toml_with(source_name, text, refuse)
    }

    /// Reads a contract from TOML as [`from_toml`](Self::from_toml) does; `code_file` gives the
    /// text of a file of codes by the name in the contract, or says why there is none. The codes
    /// become part of the contract, and so of its digest.
    ///
    /// # Errors
    ///
    /// [`DataContractError`] with the line and column of the first fault.
    pub fn from_toml_with(
        source_name: &str,
        text: &str,
        mut code_file: impl FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, DataContractError> {
        let mut contract: text::ContractText = toml::from_str(text)
            .map_err(|error| DataContractError::syntax(source_name, text, &error))?;
        contract
            .read_code_files(&mut code_file)
            .and_then(|()| contract.check())
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
            rules: Vec::new(),
            catalogue: Vec::new(),
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

    /// Every rule: what the columns and the table imply, and what is declared.
    #[must_use]
    pub fn rules(&self) -> &[RuleEntry] {
        &self.catalogue
    }

    /// What the declared rules ask, by their positions.
    pub(crate) fn bodies(&self) -> &[RuleBody] {
        &self.rules
    }

    /// The rule that a violation breaks.
    pub(crate) fn entry(&self, violation: Violation) -> Option<&RuleEntry> {
        let found = self
            .catalogue
            .binary_search_by_key(&violation, |entry| entry.violation);
        found.ok().map(|i| &self.catalogue[i])
    }

    /// The id of the rule that a violation breaks.
    pub(crate) fn rule_id(&self, violation: Violation) -> String {
        let column = violation
            .column
            .map(|column| self.columns[column as usize].header());
        match (self.entry(violation), column) {
            (Some(entry), _) => entry.id.clone(),
            (None, Some(header)) => format!("{}:{header}", violation.rule),
            (None, None) => violation.rule.to_string(),
        }
    }

    /// Whether some rule over many rows must say where a row lies, so that reading notes it.
    #[must_use]
    pub fn needs_places(&self) -> bool {
        self.catalogue.iter().any(|entry| {
            let declared = entry.violation.declared.map(|i| &self.rules[i as usize]);
            matches!(declared, Some(RuleBody::Set(_)))
                && !matches!(entry.rule(), Rule::RowCount | Rule::Freshness)
        })
    }

    /// Names of the other extracts that rules look at, each once.
    pub fn extracts_named(&self) -> impl Iterator<Item = &str> {
        let named = self.rules.iter().filter_map(|body| match body {
            RuleBody::Set(rule) => rule.extract(),
            RuleBody::Row(_) => None,
        });
        named
            .filter(|extract| *extract != self.name())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
    }

    /// The part of the contract that decides how files are read and which rows break which rule:
    /// all but severities, tolerances and the rules over many rows.
    #[must_use]
    pub fn reading_part(&self) -> impl Serialize {
        self.text.reading_part()
    }

    pub(crate) fn missing(&self) -> &[text::MissingText] {
        &self.text.missing
    }
}

#[cfg(test)]
mod tests;

//! A data contract as written, and what makes it sound.

use serde::{Deserialize, Serialize};
use utfall_core::Offset;

use super::DataContract;
use super::catalogue;
use super::column::Column;
use super::column_text::{self, ColumnText};
use super::dialect::Dialect;
use super::dialect_text;
use super::error::{ContractFault, Misplaced, Step};
use super::layout::{self, Elements, FixedWidth, Relation, Sheet};
use super::rule_text::{self, JudgementText, RuleText};
use crate::delivery::DeliveryStatus;

/// The version of the contract format.
pub(super) const SCHEMA: &str = "utfall-data-contract/1";

/// How the files of an extract are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Delimited text.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC, a file or a stream.
    Arrow,
    /// One JSON object on each line.
    JsonLines,
    /// Text in which each field has its place in the line.
    FixedWidth,
    /// A sheet of an Excel workbook.
    Excel,
    /// XML in which each element of one name is a row.
    Xml,
    /// A table or view of a database.
    Sql,
}

impl Format {
    /// The format's name in a contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::JsonLines => "json-lines",
            Self::FixedWidth => "fixed-width",
            Self::Excel => "excel",
            Self::Xml => "xml",
            Self::Sql => "sql",
        }
    }

    /// Whether the dialect says how characters are stored.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::FixedWidth)
    }
}

/// What a missing code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// Nobody knows.
    Missing,
    /// There is nothing to know.
    NotApplicable,
    /// Withheld by whoever delivered the data.
    Suppressed,
    /// Will come in a later delivery.
    NotYetReported,
    /// Whoever should have reported it did not.
    NotSubmitted,
}

impl Meaning {
    /// The meaning in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotApplicable => "not applicable",
            Self::Suppressed => "suppressed",
            Self::NotYetReported => "not yet reported",
            Self::NotSubmitted => "not submitted",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ContractText {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) title: String,
    /// What the extract holds, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) format: Format,
    pub(super) key: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dialect: Option<Dialect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fixed_width: Option<FixedWidth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sheet: Option<Sheet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) xml: Option<Elements>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sql: Option<Relation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) missing: Vec<MissingText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reporting: Option<ReportingText>,
    #[serde(default)]
    pub(super) column: Vec<ColumnText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rule: Vec<RuleText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) judgement: Vec<JudgementText>,
}

/// A text that stands for a missing value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MissingText {
    /// The text, without surrounding blanks.
    pub(crate) code: String,
    /// What it means.
    pub(crate) means: Meaning,
    /// The columns it applies to, by their names in the table; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ReportingText {
    lag: Offset,
    /// The status of the deliveries that report; any if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<DeliveryStatus>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) group: Vec<GroupLagText>,
}

/// Rows that are registered later than the others: those of a slow municipality.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GroupLagText {
    /// The column that tells the group, by its name in the table.
    pub(crate) column: String,
    /// The group's values.
    pub(crate) equals: Vec<String>,
    /// How long after a day everything that happened on it has been registered.
    pub(crate) lag: Offset,
}

impl ContractText {
    /// Fills in the codes of columns that take them from a file.
    pub(super) fn read_code_files(
        &mut self,
        read: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<(), Misplaced> {
        for (i, column) in self.column.iter_mut().enumerate() {
            let Some(file) = &column.code_file else {
                continue;
            };
            let read = read(file).and_then(|text| column_text::read_codes(&text));
            let fault = |found| {
                let file = file.clone();
                let at = [
                    Step::Field("column"),
                    Step::Item(i),
                    Step::Field("code-file"),
                ];
                ContractFault::CodeFile { file, found }.at(at)
            };
            if !column.code.is_empty() {
                return Err(fault("the contract lists codes as well".to_owned()));
            }
            column.code = read.map_err(fault)?;
        }
        Ok(())
    }

    /// What decides how files are read and which rows break which rule.
    pub(super) fn reading_part(&self) -> Self {
        let mut part = self.clone();
        part.judgement.clear();
        part.rule.retain(RuleText::is_about_row);
        for rule in &mut part.rule {
            (rule.severity, rule.tolerance, rule.name) = (None, None, None);
        }
        part
    }

    /// The contract, if it is sound.
    pub(super) fn check(self) -> Result<DataContract, Misplaced> {
        if self.schema != SCHEMA {
            let found = self.schema.clone();
            return Err(ContractFault::Schema {
                found,
                expected: SCHEMA,
            }
            .at([Step::Field("schema")]));
        }
        if self.name.is_empty() || !self.name.bytes().all(is_name_byte) {
            let found = self.name.clone();
            return Err(ContractFault::Name { found }.at([Step::Field("name")]));
        }
        layout::check(&self)?;
        dialect_text::check(&self)?;
        let columns = column_text::check(&self.column)?;
        let key = check_key(&self.key, &columns)?;
        check_missing(&self.missing, &columns)?;
        let mut declared = rule_text::check(&self.rule, &columns)?;
        declared.extend(column_text::unique_rules(&self.column));
        let catalogue = catalogue::of(&self, &columns, &key, &declared)?;
        check_reporting(self.reporting.as_ref(), &columns)?;
        let reporting_lag = self.reporting.as_ref().map(|reporting| reporting.lag);
        let rules = declared.into_iter().map(|rule| rule.body).collect();
        Ok(DataContract {
            text: self,
            columns,
            key,
            rules,
            catalogue,
            reporting_lag,
        })
    }
}

/// Names become folder names, so they are kept to what every file system takes.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
}

fn check_key(key: &[String], columns: &[Column]) -> Result<Vec<usize>, Misplaced> {
    if key.is_empty() {
        return Err(ContractFault::NoKey.at([Step::Field("key")]));
    }
    let mut positions = Vec::with_capacity(key.len());
    for (i, name) in key.iter().enumerate() {
        let at = [Step::Field("key"), Step::Item(i)];
        let position = find(name, columns).map_err(|fault| fault.at(at))?;
        if positions.contains(&position) {
            return Err(ContractFault::DuplicateColumn { name: name.clone() }.at(at));
        }
        positions.push(position);
    }
    Ok(positions)
}

fn check_missing(missing: &[MissingText], columns: &[Column]) -> Result<(), Misplaced> {
    for (i, text) in missing.iter().enumerate() {
        let at = |field| [Step::Field("missing"), Step::Item(i), Step::Field(field)];
        let repeated = missing[..i].iter().any(|other| {
            other.code == text.code
                && (other.columns.is_none()
                    || text.columns.is_none()
                    || other.columns == text.columns)
        });
        if repeated || text.code.is_empty() || text.code.trim() != text.code {
            return Err(ContractFault::MissingCode {
                code: text.code.clone(),
            }
            .at(at("code")));
        }
        for name in text.columns.iter().flatten() {
            find(name, columns).map_err(|fault| fault.at(at("columns")))?;
        }
    }
    Ok(())
}

fn check_reporting(reporting: Option<&ReportingText>, columns: &[Column]) -> Result<(), Misplaced> {
    let groups = reporting.map_or(&[] as &[_], |reporting| &reporting.group);
    for (i, group) in groups.iter().enumerate() {
        let at = [
            Step::Field("reporting"),
            Step::Field("group"),
            Step::Item(i),
            Step::Field("column"),
        ];
        find(&group.column, columns).map_err(|fault| fault.at(at))?;
    }
    Ok(())
}

pub(super) fn find(name: &str, columns: &[Column]) -> Result<usize, ContractFault> {
    columns
        .iter()
        .position(|column| column.name == name)
        .ok_or_else(|| ContractFault::UnknownColumn {
            name: name.to_owned(),
            known: columns.iter().map(|column| column.name.clone()).collect(),
        })
}

impl TryFrom<ContractText> for DataContract {
    type Error = ContractFault;

    fn try_from(text: ContractText) -> Result<Self, Self::Error> {
        text.check().map_err(|misplaced| misplaced.fault)
    }
}

impl From<DataContract> for ContractText {
    fn from(contract: DataContract) -> Self {
        contract.text
    }
}

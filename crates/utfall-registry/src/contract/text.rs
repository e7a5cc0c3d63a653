//! A data contract as written, and what makes it sound.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utfall_core::Offset;

use super::column::{Bounds, Column, ColumnType};
use super::dialect::{DateFormat, Dialect};
use super::dialect_text;
use super::error::{ContractFault, Misplaced, Step};
use super::layout::{self, Elements, FixedWidth, Relation, Sheet};
use super::{DataContract, Order};
use crate::delivery::DeliveryStatus;
use crate::pseudonym::PseudonymKeyId;

const SCHEMA: &str = "utfall-data-contract/1";

/// Most decimals a column may keep: with more, a national sum could leave 64 bits.
const MAX_DECIMALS: u8 = 9;

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
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ContractText {
    schema: String,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) format: Format,
    key: Vec<String>,
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
    column: Vec<ColumnText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rule: Vec<RuleText>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum TypeName {
    Text,
    Integer,
    Decimal,
    Date,
    Code,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ColumnText {
    name: String,
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    stored_as: Option<String>,
    #[serde(rename = "type")]
    kind: TypeName,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    outcome: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pseudonym: Option<PseudonymKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimals: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<DateFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
enum RuleText {
    NotBefore { column: String, other: String },
}

impl ContractText {
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
        let columns = check_columns(&self.column)?;
        let key = check_key(&self.key, &columns)?;
        check_missing(&self.missing, &columns)?;
        let order = check_rules(&self.rule, &columns)?;
        check_reporting(self.reporting.as_ref(), &columns)?;
        let reporting_lag = self.reporting.as_ref().map(|reporting| reporting.lag);
        Ok(DataContract {
            text: self,
            columns,
            key,
            order,
            reporting_lag,
        })
    }
}

/// Names become folder names, so they are kept to what every file system takes.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
}

fn check_columns(texts: &[ColumnText]) -> Result<Vec<Column>, Misplaced> {
    if texts.is_empty() {
        return Err(ContractFault::NoColumns.at([]));
    }
    let (mut headers, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut columns = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        let at = |field| [Step::Field("column"), Step::Item(i), Step::Field(field)];
        if !headers.insert(text.name.as_str()) {
            return Err(ContractFault::DuplicateColumn {
                name: text.name.clone(),
            }
            .at(at("name")));
        }
        let name = text.stored_as.as_deref().unwrap_or(&text.name);
        if !names.insert(name) {
            let field = if text.stored_as.is_some() {
                "as"
            } else {
                "name"
            };
            return Err(ContractFault::DuplicateColumn {
                name: name.to_owned(),
            }
            .at(at(field)));
        }
        columns.push(check_column(text, name).map_err(|(field, fault)| fault.at(at(field)))?);
    }
    Ok(columns)
}

fn check_column(text: &ColumnText, name: &str) -> Result<Column, (&'static str, ContractFault)> {
    let only = |field: &'static str, given: bool, kinds: &'static str, allowed: bool| {
        if given && !allowed {
            Err((field, ContractFault::NotForThisType { field, kinds }))
        } else {
            Ok(())
        }
    };
    use TypeName::{Code, Date, Decimal, Integer};
    let ranged = matches!(text.kind, Integer | Decimal | Date);
    only(
        "decimals",
        text.decimals.is_some(),
        "decimal",
        text.kind == Decimal,
    )?;
    only(
        "pseudonym",
        text.pseudonym.is_some(),
        "text",
        text.kind == TypeName::Text,
    )?;
    only("codes", text.codes.is_some(), "code", text.kind == Code)?;
    only("date", text.date.is_some(), "date", text.kind == Date)?;
    only(
        "minimum",
        text.minimum.is_some(),
        "integer, decimal or date",
        ranged,
    )?;
    only(
        "maximum",
        text.maximum.is_some(),
        "integer, decimal or date",
        ranged,
    )?;
    let mut column = Column {
        header: text.name.clone(),
        name: name.to_owned(),
        kind: column_type(text)?,
        required: text.required,
        outcome: text.outcome,
        unit: text.unit.clone(),
        pseudonym: text.pseudonym.clone(),
        date: text.date.clone(),
        bounds: Bounds::default(),
    };
    let bound = |field: &'static str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => column.canonical(text).map(Some).ok_or_else(|| {
            let (found, kind) = (text.clone(), column.kind.name());
            (field, ContractFault::Bound { found, kind })
        }),
    };
    let bounds = Bounds {
        minimum: bound("minimum", &text.minimum)?,
        maximum: bound("maximum", &text.maximum)?,
    };
    if let (Some(minimum), Some(maximum)) = (bounds.minimum, bounds.maximum)
        && minimum > maximum
    {
        return Err(("maximum", ContractFault::EmptyRange));
    }
    column.bounds = bounds;
    Ok(column)
}

fn column_type(text: &ColumnText) -> Result<ColumnType, (&'static str, ContractFault)> {
    Ok(match text.kind {
        TypeName::Text => ColumnType::Text,
        TypeName::Integer => ColumnType::Integer,
        TypeName::Date => ColumnType::Date,
        TypeName::Decimal => match text.decimals {
            Some(decimals) if decimals <= MAX_DECIMALS => ColumnType::Decimal { decimals },
            found => {
                return Err((
                    "decimals",
                    ContractFault::Decimals {
                        found,
                        most: MAX_DECIMALS,
                    },
                ));
            }
        },
        TypeName::Code => {
            let mut codes = text.codes.clone().unwrap_or_default();
            codes.sort();
            let n_codes = codes.len();
            codes.dedup();
            if codes.is_empty() || codes.len() < n_codes || codes[0].is_empty() {
                return Err(("codes", ContractFault::Codes));
            }
            ColumnType::Code { codes }
        }
    })
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

fn check_rules(rules: &[RuleText], columns: &[Column]) -> Result<Vec<Order>, Misplaced> {
    let mut order = Vec::with_capacity(rules.len());
    for (i, rule) in rules.iter().enumerate() {
        let RuleText::NotBefore { column, other } = rule;
        let at = |field| [Step::Field("rule"), Step::Item(i), Step::Field(field)];
        let column = find(column, columns).map_err(|fault| fault.at(at("column")))?;
        let other = find(other, columns).map_err(|fault| fault.at(at("other")))?;
        let comparable = columns[column].kind == columns[other].kind
            && !matches!(
                columns[column].kind,
                ColumnType::Text | ColumnType::Code { .. }
            );
        if !comparable {
            return Err(ContractFault::NotComparable.at(at("other")));
        }
        order.push(Order { column, other });
    }
    Ok(order)
}

fn find(name: &str, columns: &[Column]) -> Result<usize, ContractFault> {
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

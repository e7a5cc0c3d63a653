//! Where the rows lie in files that are no delimited text.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::{ContractFault, Misplaced, Step};
use super::text::{ContractText, Format};

/// Lines in which each field has its place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FixedWidth {
    /// What places are counted in.
    pub positions: Positions,
    /// What a line means that ends before its last field does.
    pub short_lines: ShortLines,
    /// The fields, those the contract has no column for included.
    pub field: Vec<Field>,
}

/// What places in a line are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Positions {
    /// Characters, however many bytes each takes.
    Characters,
    /// Bytes.
    Bytes,
}

/// What a line means that ends before its last field does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortLines {
    /// It was cut, and goes to quarantine.
    Refuse,
    /// Blanks at its end were left out.
    Pad,
}

/// A field of a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Field {
    /// The name by which a column refers to it.
    pub name: String,
    /// Its first place in the line, from 1.
    pub start: u32,
    /// Places it takes.
    pub width: u32,
}

impl Field {
    /// The places before it and up to its end.
    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        let start = self.start as usize - 1;
        start..start + self.width as usize
    }
}

/// A sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// The row that names the columns, from 1 as the program shows it; rows before it are none.
    pub header_row: u32,
}

/// The elements of an XML document that are rows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Elements {
    /// Name of the element that is a row, without a prefix.
    pub row: String,
}

/// A table or view of a database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Relation {
    /// Its name, with its schema before it if it has one: `schema.view`.
    relation: String,
}

impl Relation {
    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.relation
    }
}

/// Each format has its own section, and no other.
pub(super) fn check(text: &ContractText) -> Result<(), Misplaced> {
    let sections = [
        (
            "fixed-width",
            Format::FixedWidth,
            text.fixed_width.is_some(),
        ),
        ("sheet", Format::Excel, text.sheet.is_some()),
        ("xml", Format::Xml, text.xml.is_some()),
        ("sql", Format::Sql, text.sql.is_some()),
    ];
    for (section, format, is_given) in sections {
        let format_name = format.name();
        if is_given && text.format != format {
            let fault = ContractFault::NotForThisFormat {
                section,
                format: format_name,
            };
            return Err(fault.at([Step::Field(section)]));
        }
        if !is_given && text.format == format {
            let fault = ContractFault::NoSection {
                section,
                format: format_name,
            };
            return Err(fault.at([Step::Field("format")]));
        }
    }
    if text
        .sheet
        .as_ref()
        .is_some_and(|sheet| sheet.header_row == 0)
    {
        return Err(ContractFault::FromOne.at([Step::Field("sheet"), Step::Field("header-row")]));
    }
    text.fixed_width.as_ref().map_or(Ok(()), check_fields)
}

fn check_fields(fixed: &FixedWidth) -> Result<(), Misplaced> {
    let mut names = BTreeSet::new();
    for (i, field) in fixed.field.iter().enumerate() {
        let at = |key| {
            [
                Step::Field("fixed-width"),
                Step::Field("field"),
                Step::Item(i),
                Step::Field(key),
            ]
        };
        if field.start == 0 || field.width == 0 {
            let key = if field.start == 0 { "start" } else { "width" };
            return Err(ContractFault::FromOne.at(at(key)));
        }
        if !names.insert(&field.name) {
            let name = field.name.clone();
            return Err(ContractFault::DuplicateColumn { name }.at(at("name")));
        }
    }
    Ok(())
}

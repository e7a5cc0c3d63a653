//! Columns as written in a contract, and what makes them sound.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::column::{Bounds, Column, ColumnType, Lengths, Pattern, Spelling, Validity};
use super::dialect::DateFormat;
use super::error::{ContractFault, Misplaced, Step};
use super::moment::MomentFormat;
use super::rule::{Rule, RuleBody, SetRule};
use super::rule_text::DeclaredRule;
use super::text::find;
use crate::dates::to_days;
use crate::pseudonym::PseudonymKeyId;

/// Most decimals a column may keep: with more, a national sum could leave 64 bits.
const MAX_DECIMALS: u8 = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TypeName {
    Text,
    Integer,
    Decimal,
    Date,
    Year,
    Datetime,
    Boolean,
    Code,
}

/// A column. What a field means and which types it is for is told in the crate's README.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ColumnText {
    pub(super) name: String,
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub(super) stored_as: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: TypeName,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) required: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unique: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) outcome: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pseudonym: Option<PseudonymKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decimals: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<DateFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) datetime: Option<MomentFormat>,
    #[serde(rename = "true", skip_serializing_if = "Option::is_none")]
    pub(super) yes: Option<Vec<String>>,
    #[serde(rename = "false", skip_serializing_if = "Option::is_none")]
    pub(super) no: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minimum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maximum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) codes: Option<Vec<String>>,
    /// A file of codes beside the contract; reading the contract fills `code` from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code_file: Option<String>,
    /// The date column by which codes are valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) codes_at: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) code: Vec<CodeText>,
}

/// A code, and when it is valid: on `from` and later, before `until`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CodeText {
    pub(super) code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<NaiveDate>,
}

/// A field and what is wrong with it.
type FieldFault = (&'static str, ContractFault);

/// The columns, if they are sound.
pub(super) fn check(texts: &[ColumnText]) -> Result<Vec<Column>, Misplaced> {
    if texts.is_empty() {
        return Err(ContractFault::NoColumns.at([]));
    }
    let (mut headers, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut columns = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        let at = |field| [Step::Field("column"), Step::Item(i), Step::Field(field)];
        let duplicate = |name: &str| ContractFault::DuplicateColumn {
            name: name.to_owned(),
        };
        if !headers.insert(text.name.as_str()) {
            return Err(duplicate(&text.name).at(at("name")));
        }
        let name = text.stored_as.as_deref().unwrap_or(&text.name);
        if !names.insert(name) {
            let field = if text.stored_as.is_some() {
                "as"
            } else {
                "name"
            };
            return Err(duplicate(name).at(at(field)));
        }
        columns.push(
            text.check(name)
                .map_err(|(field, fault)| fault.at(at(field)))?,
        );
    }
    for (i, text) in texts.iter().enumerate() {
        if let Some(at) = &text.codes_at {
            let place = [
                Step::Field("column"),
                Step::Item(i),
                Step::Field("codes-at"),
            ];
            let at = find(at, &columns).map_err(|fault| fault.at(place))?;
            if columns[at].kind != ColumnType::Date {
                return Err(ContractFault::NoDateColumn.at(place));
            }
            let spans = text.spans(&columns[i].kind);
            columns[i].validity = Some(Validity { at, spans });
        }
    }
    Ok(columns)
}

/// The rules of columns whose values are unique.
pub(super) fn unique_rules(texts: &[ColumnText]) -> impl Iterator<Item = DeclaredRule> {
    let unique = texts.iter().enumerate().filter(|(_, text)| text.unique);
    unique.map(|(position, text)| DeclaredRule {
        rule: Rule::Unique,
        column: Some(position as u32),
        id: format!("unique:{}", text.name),
        name: format!("no two rows have the same `{}`", text.name),
        severity: None,
        tolerance: None,
        body: RuleBody::Set(SetRule::Unique {
            columns: vec![position],
        }),
        place: None,
    })
}

impl ColumnText {
    fn check(&self, name: &str) -> Result<Column, FieldFault> {
        self.check_fields()?;
        let mut column = Column {
            header: self.name.clone(),
            name: name.to_owned(),
            kind: self.column_type()?,
            required: self.required,
            outcome: self.outcome,
            unit: self.unit.clone(),
            pseudonym: self.pseudonym.clone(),
            date: self.date.clone(),
            moment: self.datetime.clone(),
            spelling: self.spelling()?,
            bounds: Bounds::default(),
            lengths: self.lengths()?,
            pattern: self.pattern()?,
            validity: None,
        };
        column.bounds = self.bounds(&column)?;
        Ok(column)
    }

    /// Refuses fields that mean nothing for the column's type.
    fn check_fields(&self) -> Result<(), FieldFault> {
        use TypeName::{Boolean, Code, Date, Datetime, Decimal, Integer, Text, Year};
        let numbers: &[TypeName] = &[Integer, Decimal, Date, Year, Datetime];
        let ranged = "integer, decimal, date, year or datetime";
        let given: [(&'static str, bool, &[TypeName], &'static str); 13] = [
            ("decimals", self.decimals.is_some(), &[Decimal], "decimal"),
            ("codes", self.codes.is_some(), &[Code], "code"),
            ("code-file", self.code_file.is_some(), &[Code], "code"),
            ("codes-at", self.codes_at.is_some(), &[Code], "code"),
            ("code", !self.code.is_empty(), &[Code], "code"),
            ("date", self.date.is_some(), &[Date], "date"),
            ("datetime", self.datetime.is_some(), &[Datetime], "datetime"),
            ("true", self.yes.is_some(), &[Boolean], "boolean"),
            ("false", self.no.is_some(), &[Boolean], "boolean"),
            ("minimum", self.minimum.is_some(), numbers, ranged),
            ("maximum", self.maximum.is_some(), numbers, ranged),
            ("min-length", self.min_length.is_some(), &[Text], "text"),
            ("max-length", self.max_length.is_some(), &[Text], "text"),
        ];
        let of_text = [
            ("pattern", self.pattern.is_some(), &[Text][..], "text"),
            ("pseudonym", self.pseudonym.is_some(), &[Text], "text"),
        ];
        for (field, given, allowed, kinds) in given.into_iter().chain(of_text) {
            if given && !allowed.contains(&self.kind) {
                return Err((field, ContractFault::NotForThisType { field, kinds }));
            }
        }
        Ok(())
    }

    fn column_type(&self) -> Result<ColumnType, FieldFault> {
        Ok(match self.kind {
            TypeName::Text => ColumnType::Text,
            TypeName::Integer => ColumnType::Integer,
            TypeName::Date => ColumnType::Date,
            TypeName::Year => ColumnType::Year,
            TypeName::Datetime => ColumnType::Datetime,
            TypeName::Boolean => ColumnType::Boolean,
            TypeName::Decimal => match self.decimals {
                Some(decimals) if decimals <= MAX_DECIMALS => ColumnType::Decimal { decimals },
                found => {
                    let most = MAX_DECIMALS;
                    return Err(("decimals", ContractFault::Decimals { found, most }));
                }
            },
            TypeName::Code => ColumnType::Code {
                codes: self.code_list()?,
            },
        })
    }

    /// The codes, sorted and each once.
    fn code_list(&self) -> Result<Vec<String>, FieldFault> {
        if self.code.is_empty() {
            if let Some(file) = &self.code_file {
                let fault = ContractFault::CodeFile {
                    file: file.clone(),
                    found: "it is read only where the contract's folder is known".to_owned(),
                };
                return Err(("code-file", fault));
            }
            let mut codes = self.codes.clone().unwrap_or_default();
            codes.sort();
            let n_codes = codes.len();
            codes.dedup();
            if codes.is_empty() || codes.len() < n_codes || codes[0].is_empty() {
                return Err(("codes", ContractFault::Codes));
            }
            return Ok(codes);
        }
        if self.codes.is_some() {
            return Err(("codes", ContractFault::TwoCodeLists));
        }
        for (i, code) in self.code.iter().enumerate() {
            let dated = code.from.is_some() || code.until.is_some();
            let overlaps = self.code[..i]
                .iter()
                .any(|other| other.code == code.code && overlap(other.span(), code.span()));
            if code.code.is_empty() || overlaps || code.span().0 >= code.span().1 {
                return Err(("code", ContractFault::Codes));
            }
            if dated && self.codes_at.is_none() {
                return Err(("code", ContractFault::UndatedCodes));
            }
        }
        let codes: BTreeSet<String> = self.code.iter().map(|code| code.code.clone()).collect();
        Ok(codes.into_iter().collect())
    }

    /// For each code its spans.
    fn spans(&self, kind: &ColumnType) -> Vec<Vec<(i32, i32)>> {
        let mut spans: BTreeMap<&str, Vec<(i32, i32)>> = BTreeMap::new();
        for code in &self.code {
            spans.entry(&code.code).or_default().push(code.span());
        }
        let ColumnType::Code { codes } = kind else {
            return Vec::new();
        };
        let always = || vec![(i32::MIN, i32::MAX)];
        let of = |code: &String| spans.get(code.as_str()).cloned().unwrap_or_else(always);
        codes.iter().map(of).collect()
    }

    fn spelling(&self) -> Result<Spelling, FieldFault> {
        if self.kind != TypeName::Boolean {
            return Ok(Spelling::default());
        }
        let or = |given: &Option<Vec<String>>, default: &str| {
            given.clone().unwrap_or_else(|| vec![default.to_owned()])
        };
        let spelling = Spelling {
            yes: or(&self.yes, "true"),
            no: or(&self.no, "false"),
        };
        let mut all: Vec<&String> = spelling.yes.iter().chain(&spelling.no).collect();
        let n_spellings = all.len();
        all.sort();
        all.dedup();
        let blank = |text: &&String| text.is_empty() || text.trim() != text.as_str();
        if all.len() < n_spellings
            || all.iter().any(blank)
            || spelling.yes.is_empty()
            || spelling.no.is_empty()
        {
            let field = if self.yes.is_some() { "true" } else { "false" };
            return Err((field, ContractFault::Spelling));
        }
        Ok(spelling)
    }

    fn lengths(&self) -> Result<Lengths, FieldFault> {
        let lengths = Lengths {
            minimum: self.min_length,
            maximum: self.max_length,
        };
        match (lengths.minimum, lengths.maximum) {
            (Some(minimum), Some(maximum)) if minimum > maximum => {
                Err(("max-length", ContractFault::EmptyRange))
            }
            _ => Ok(lengths),
        }
    }

    fn pattern(&self) -> Result<Option<Pattern>, FieldFault> {
        let Some(written) = &self.pattern else {
            return Ok(None);
        };
        let pattern = Pattern::new(written).ok_or(("pattern", ContractFault::Pattern))?;
        Ok(Some(pattern))
    }

    fn bounds(&self, column: &Column) -> Result<Bounds, FieldFault> {
        let bound = |field: &'static str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => column.canonical(text).map(Some).ok_or_else(|| {
                let (found, kind) = (text.clone(), column.kind.name());
                (field, ContractFault::Bound { found, kind })
            }),
        };
        let bounds = Bounds {
            minimum: bound("minimum", &self.minimum)?,
            maximum: bound("maximum", &self.maximum)?,
        };
        match (bounds.minimum, bounds.maximum) {
            (Some(minimum), Some(maximum)) if minimum > maximum => {
                Err(("maximum", ContractFault::EmptyRange))
            }
            _ => Ok(bounds),
        }
    }
}

impl CodeText {
    /// The days on which the code is valid, `[from, until)`.
    fn span(&self) -> (i32, i32) {
        let days = |date: Option<NaiveDate>, open| date.map_or(open, to_days);
        (days(self.from, i32::MIN), days(self.until, i32::MAX))
    }
}

fn overlap(a: (i32, i32), b: (i32, i32)) -> bool {
    a.0 < b.1 && b.0 < a.1
}

/// Reads a list of codes from comma-separated text with the columns `code` and, as wanted,
/// `label`, `from` and `until`.
///
/// # Errors
///
/// What is wrong, with its line.
pub(super) fn read_codes(text: &str) -> Result<Vec<CodeText>, String> {
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let codes = reader.deserialize().collect::<Result<Vec<CodeRow>, _>>();
    let codes = codes.map_err(|error| match error.position() {
        Some(place) => format!(
            "line {} is no code with `code` and perhaps `label`, `from` and `until` (dates such as 2024-01-31)",
            place.line()
        ),
        None => "it is no comma-separated list with a header of `code` and perhaps `label`, `from` and `until`".to_owned(),
    })?;
    if codes.is_empty() {
        return Err("it holds no code".to_owned());
    }
    let code = |row: CodeRow| CodeText {
        code: row.code,
        label: row.label.filter(|label| !label.is_empty()),
        from: row.from,
        until: row.until,
    };
    Ok(codes.into_iter().map(code).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeRow {
    code: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    from: Option<NaiveDate>,
    #[serde(default)]
    until: Option<NaiveDate>,
}

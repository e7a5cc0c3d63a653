//! Judging a row: each cell against its column, then the row against itself.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::WINDOWS_1252;
use serde::{Deserialize, Serialize};

use super::digest::{Absorb, KeyHasher};
use crate::cell::{self, DecimalFault};
use crate::column_data::{ColumnData, TextColumn};
use crate::contract::{Bound, Column, ColumnType, DataContract, DateFormat, Encoding, Thousands};
use crate::table_writer::StoredType;

/// What a row can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Another number of cells than the header.
    Ragged,
    /// Text after a closing quote, or a quote never closed.
    Quote,
    /// Bytes that are no character of the encoding.
    Encoding,
    /// A control character, such as NUL, in a text.
    ControlCharacter,
    /// A record that cannot be taken apart: no JSON object, a field given twice, or a list or a
    /// record in the place of a value.
    Malformed,
    /// Not a value of the column's type, or one beyond 64 bits.
    Type,
    /// More decimals than the column keeps.
    Decimals,
    /// A missing value where one is required.
    Required,
    /// Below the smallest value allowed.
    Minimum,
    /// Above the largest value allowed.
    Maximum,
    /// None of the codes allowed.
    Code,
    /// No pseudonym under the key that the contract states.
    PseudonymKey,
    /// Before the value it may not be before.
    NotBefore,
    /// The same row again, in one delivery.
    DuplicateRow,
    /// Another row of the same key, in one delivery.
    KeyConflict,
}

impl Rule {
    /// The rule's name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ragged => "ragged",
            Self::Quote => "quote",
            Self::Encoding => "encoding",
            Self::ControlCharacter => "control-character",
            Self::Malformed => "malformed",
            Self::Type => "type",
            Self::Decimals => "decimals",
            Self::Required => "required",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Code => "code",
            Self::PseudonymKey => "pseudonym-key",
            Self::NotBefore => "not-before",
            Self::DuplicateRow => "duplicate-row",
            Self::KeyConflict => "key-conflict",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rule broken by a row, and the position of the column in the contract; `None` for the row.
pub(crate) type Violation = (Rule, Option<u32>);

/// A cell as it comes from a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    /// Text in the extract's encoding.
    Text(&'a [u8]),
    /// Absent.
    Missing,
    /// A whole number.
    Integer(i64),
    /// A number with decimals: digits / 10^scale.
    Decimal {
        /// All digits, as a whole number.
        digits: i128,
        /// Digits after the decimal mark, the last of them not 0.
        scale: u32,
    },
    /// Days since 1970-01-01.
    Days(i32),
    /// A moment since 1970-01-01, in units of which a day has so many.
    Moment {
        /// The units.
        units: i64,
        /// Units in a day.
        per_day: i64,
    },
    /// No value that could be kept: a whole number beyond 64 bits, or no finite number.
    Beyond,
}

impl Cell<'_> {
    /// The number digits / 10^scale.
    #[inline]
    pub(crate) fn number(mut digits: i128, mut scale: u32) -> Self {
        while scale > 0 && digits % 10 == 0 {
            (digits, scale) = (digits / 10, scale - 1);
        }
        if scale > 0 {
            Self::Decimal { digits, scale }
        } else {
            i64::try_from(digits).map_or(Self::Beyond, Self::Integer)
        }
    }

    /// The number that a text such as `-12.50` or `1.25e3` names, exactly.
    pub(crate) fn of_literal(text: &[u8]) -> Self {
        cell::literal(text).map_or(Self::Beyond, |(digits, scale)| Self::number(digits, scale))
    }

    /// Yes or no, as the texts `true` and `false`.
    pub(crate) fn logical(value: bool) -> Self {
        Self::Text(if value { b"true" } else { b"false" })
    }
}

/// A data contract made ready for reading.
pub(crate) struct RowRules<'c> {
    contract: &'c DataContract,
    encoding: Encoding,
    columns: Vec<ColumnRule<'c>>,
}

struct ColumnRule<'c> {
    column: &'c Column,
    required: bool,
    decimal_mark: u8,
    thousands: Option<Thousands>,
    encoding: Encoding,
    date: DateFormat,
    /// Missing codes of this column in the encoding, with their position in the contract.
    missing: Vec<(Vec<u8>, u32)>,
    /// First bytes of the missing codes, by which most cells are told to be none.
    missing_first: [bool; 256],
}

/// Rows that passed, as columns, and what did not.
pub(crate) struct Batch {
    pub(crate) columns: Vec<ColumnData>,
    pub(crate) n_rows: usize,
    /// Missing codes met in the rows that passed: times, by column and code.
    pub(crate) missing: Vec<Vec<u64>>,
    /// What the row last judged broke.
    pub(crate) violations: Vec<Violation>,
    codes_met: Vec<(u32, u32)>,
}

impl<'c> RowRules<'c> {
    /// Readies a contract for text in `encoding`.
    pub(crate) fn new(contract: &'c DataContract, encoding: Encoding) -> Self {
        let columns = (0..contract.columns().len())
            .map(|position| ColumnRule::new(contract, position, encoding))
            .collect();
        Self {
            contract,
            encoding,
            columns,
        }
    }

    /// Room for some rows.
    pub(crate) fn batch(&self, n_rows: usize) -> Batch {
        let columns = self
            .columns
            .iter()
            .map(|rule| match rule.column.stored_type() {
                StoredType::Text => ColumnData::Text(TextColumn::with_capacity(n_rows)),
                StoredType::Integer => ColumnData::Integer(Vec::with_capacity(n_rows)),
                StoredType::Date => ColumnData::Date(Vec::with_capacity(n_rows)),
            });
        let n_codes = self.contract.missing().len();
        Batch {
            columns: columns.collect(),
            n_rows: 0,
            missing: vec![vec![0; n_codes]; self.columns.len()],
            violations: Vec::new(),
            codes_met: Vec::new(),
        }
    }

    /// Judges a row and adds it to the batch, whatever it broke; [`Batch::keep`] or
    /// [`Batch::drop_last`] decides.
    #[inline]
    pub(crate) fn judge<'a>(&self, batch: &mut Batch, cell: impl Fn(usize) -> Cell<'a>) {
        batch.violations.clear();
        batch.codes_met.clear();
        for (position, rule) in self.columns.iter().enumerate() {
            let data = &mut batch.columns[position];
            let result = rule.read(cell(position), self.encoding, data, |code| {
                batch.codes_met.push((position as u32, code));
            });
            if let Err(broken) = result {
                batch.violations.push((broken, Some(position as u32)));
            }
        }
        for order in self.contract.order_rules() {
            let (later, earlier) = (
                last(&batch.columns[order.column]),
                last(&batch.columns[order.other]),
            );
            if later
                .zip(earlier)
                .is_some_and(|(later, earlier)| later < earlier)
            {
                batch
                    .violations
                    .push((Rule::NotBefore, Some(order.column as u32)));
            }
        }
    }

    /// The key of a row, unless it has no valid one.
    #[inline]
    pub(crate) fn key<'a>(&self, cell: impl Fn(usize) -> Cell<'a>) -> Option<KeyHasher> {
        let mut key = KeyHasher::new();
        for &position in self.contract.key_positions() {
            let rule = &self.columns[position];
            match (rule.presence(cell(position)), &rule.column.kind) {
                (Cell::Missing, _) => return None,
                (Cell::Integer(value), ColumnType::Text | ColumnType::Code { .. }) => {
                    key.bytes(value.to_string().as_bytes());
                }
                (Cell::Text(bytes), ColumnType::Text | ColumnType::Code { .. }) => {
                    if !rule.is_plain(bytes) {
                        rule.text(Cell::Text(bytes), self.encoding).ok()?;
                    }
                    key.bytes(bytes);
                }
                (cell, _) => key.word(rule.number(cell).ok()? as u64),
            }
        }
        Some(key)
    }

    /// Whether the cells of a row are text of the encoding; ASCII always is.
    #[inline]
    pub(crate) fn is_encoded(&self, raw: &[u8]) -> bool {
        raw.is_ascii() || decode(raw, self.encoding).is_some()
    }
}

impl<'c> ColumnRule<'c> {
    fn new(contract: &'c DataContract, position: usize, encoding: Encoding) -> Self {
        let column = &contract.columns()[position];
        let dialect = contract.dialect();
        let mut missing = Vec::new();
        let mut missing_first = [false; 256];
        for (text, i) in contract.missing().iter().zip(0..) {
            let applies = text
                .columns
                .as_ref()
                .is_none_or(|names| names.contains(&column.name));
            let Some(code) = encode(&text.code, encoding).filter(|_| applies) else {
                continue;
            };
            missing_first[usize::from(code[0])] = true;
            missing.push((code, i));
        }
        let date = column
            .date
            .clone()
            .or_else(|| dialect.map(|dialect| dialect.date.clone()));
        Self {
            column,
            required: column.required || contract.key_positions().contains(&position),
            decimal_mark: dialect.map_or(b'.', |dialect| dialect.decimal.byte()),
            thousands: dialect.and_then(|dialect| dialect.thousands),
            encoding,
            date: date.unwrap_or_else(DateFormat::iso),
            missing,
            missing_first,
        }
    }

    /// The cell without surrounding blanks, or that it is missing.
    #[inline]
    fn presence<'a>(&self, cell: Cell<'a>) -> Cell<'a> {
        self.presence_and_code(cell).0
    }

    #[inline]
    fn presence_and_code<'a>(&self, cell: Cell<'a>) -> (Cell<'a>, Option<u32>) {
        let Cell::Text(bytes) = cell else {
            return (cell, None);
        };
        let bytes = cell::trimmed(bytes);
        let Some(&first) = bytes.first() else {
            return (Cell::Missing, None);
        };
        if self.missing_first[usize::from(first)]
            && let Some((_, code)) = self.missing.iter().find(|(code, _)| code == bytes)
        {
            return (Cell::Missing, Some(*code));
        }
        (Cell::Text(bytes), None)
    }

    /// Reads a cell into its column: one value is added whether or not it is valid.
    #[inline]
    fn read(
        &self,
        cell: Cell<'_>,
        encoding: Encoding,
        data: &mut ColumnData,
        met: impl FnOnce(u32),
    ) -> Result<(), Rule> {
        let (cell, code) = self.presence_and_code(cell);
        if let Some(code) = code {
            met(code);
        }
        if matches!(cell, Cell::Missing) {
            push_missing(data);
            return if self.required {
                Err(Rule::Required)
            } else {
                Ok(())
            };
        }
        match data {
            ColumnData::Text(texts) => {
                if let Cell::Text(bytes) = cell
                    && self.is_plain(bytes)
                {
                    texts.push_plain(bytes);
                    return Ok(());
                }
                let text = self.text(cell, encoding);
                texts.push(text.as_deref().ok());
                text.map(drop)
            }
            ColumnData::Integer(values) => {
                let value = self.number(cell);
                values.push(value.ok());
                value.and_then(|value| self.check_bounds(value))
            }
            ColumnData::Date(days) => {
                let value = self.number(cell);
                days.push(value.ok().and_then(|value| i32::try_from(value).ok()));
                value.and_then(|value| self.check_bounds(value))
            }
        }
    }

    #[inline]
    fn check_bounds(&self, value: i64) -> Result<(), Rule> {
        match self.column.bounds.broken_by(value) {
            None => Ok(()),
            Some(Bound::Minimum) => Err(Rule::Minimum),
            Some(Bound::Maximum) => Err(Rule::Maximum),
        }
    }

    /// A present cell as its column's number: whole, scaled, or days.
    #[inline]
    fn number(&self, cell: Cell<'_>) -> Result<i64, Rule> {
        match (self.ungrouped_number(cell), self.thousands, cell) {
            (Err(Rule::Type), Some(thousands), Cell::Text(bytes)) => {
                let length = |bytes: &[u8]| separator(bytes, thousands, self.encoding);
                match cell::ungrouped(bytes, length) {
                    None => Err(Rule::Type),
                    Some((number, n_bytes)) => {
                        self.ungrouped_number(Cell::Text(&number[..n_bytes]))
                    }
                }
            }
            (number, ..) => number,
        }
    }

    /// As [`number`](Self::number), where nothing separates thousands.
    #[inline]
    fn ungrouped_number(&self, cell: Cell<'_>) -> Result<i64, Rule> {
        match (&self.column.kind, cell) {
            (ColumnType::Integer, Cell::Text(bytes)) => cell::integer(bytes).ok_or(Rule::Type),
            (ColumnType::Decimal { decimals }, Cell::Text(bytes)) => {
                cell::decimal(bytes, self.decimal_mark, *decimals).map_err(|fault| match fault {
                    DecimalFault::NoNumber => Rule::Type,
                    DecimalFault::TooPrecise => Rule::Decimals,
                })
            }
            (ColumnType::Date, Cell::Text(bytes)) => {
                self.date.parse(bytes).map(i64::from).ok_or(Rule::Type)
            }
            (ColumnType::Integer, Cell::Integer(value)) => Ok(value),
            (ColumnType::Decimal { decimals }, Cell::Integer(value)) => value
                .checked_mul(10_i64.pow(u32::from(*decimals)))
                .ok_or(Rule::Type),
            (ColumnType::Integer, Cell::Decimal { digits, scale }) => {
                cell::scaled(digits, scale, 0).map_err(|_| Rule::Type)
            }
            (ColumnType::Decimal { decimals }, Cell::Decimal { digits, scale }) => {
                cell::scaled(digits, scale, *decimals).map_err(|fault| match fault {
                    DecimalFault::NoNumber => Rule::Type,
                    DecimalFault::TooPrecise => Rule::Decimals,
                })
            }
            (ColumnType::Date, Cell::Days(days)) => Ok(days.into()),
            (ColumnType::Date, Cell::Moment { units, per_day }) if units % per_day == 0 => {
                Ok(units / per_day)
            }
            _ => Err(Rule::Type),
        }
    }

    /// Whether a cell is a valid text at first sight.
    #[inline]
    fn is_plain(&self, bytes: &[u8]) -> bool {
        matches!(self.column.kind, ColumnType::Text)
            && self.column.pseudonym.is_none()
            && cell::is_plain(bytes)
    }

    #[inline]
    fn text<'a>(&self, cell: Cell<'a>, encoding: Encoding) -> Result<Cow<'a, str>, Rule> {
        let text = match cell {
            Cell::Text(bytes) => decode(bytes, encoding).ok_or(Rule::Encoding)?,
            Cell::Integer(value) => Cow::Owned(value.to_string()),
            _ => return Err(Rule::Type),
        };
        if text.bytes().any(is_control) {
            return Err(Rule::ControlCharacter);
        }
        match &self.column.kind {
            ColumnType::Code { codes }
                if codes
                    .binary_search_by(|code| code.as_str().cmp(&text))
                    .is_err() =>
            {
                Err(Rule::Code)
            }
            _ => match &self.column.pseudonym {
                Some(key) if !key.made(text.as_bytes()) => Err(Rule::PseudonymKey),
                _ => Ok(text),
            },
        }
    }
}

impl Batch {
    /// Keeps the row last judged.
    #[inline]
    pub(crate) fn keep(&mut self) {
        self.n_rows += 1;
        for &(column, code) in &self.codes_met {
            self.missing[column as usize][code as usize] += 1;
        }
    }

    /// Drops the row last judged.
    pub(crate) fn drop_last(&mut self) {
        for column in &mut self.columns {
            match column {
                ColumnData::Text(texts) => texts.truncate(self.n_rows),
                ColumnData::Integer(values) => values.truncate(self.n_rows),
                ColumnData::Date(days) => days.truncate(self.n_rows),
            }
        }
    }
}

fn push_missing(data: &mut ColumnData) {
    match data {
        ColumnData::Text(texts) => texts.push(None),
        ColumnData::Integer(values) => values.push(None),
        ColumnData::Date(days) => days.push(None),
    }
}

fn last(data: &ColumnData) -> Option<i64> {
    match data {
        ColumnData::Text(_) => None,
        ColumnData::Integer(values) => values.last().copied().flatten(),
        ColumnData::Date(days) => days.last().copied().flatten().map(i64::from),
    }
}

/// Length of what separates thousands at the start of some bytes; 0 if nothing does.
fn separator(bytes: &[u8], thousands: Thousands, encoding: Encoding) -> usize {
    let is_utf8 = encoding == Encoding::Utf8;
    let found = |forms: &[&[u8]]| {
        let mut forms = forms.iter();
        forms
            .find(|form| bytes.starts_with(form))
            .map_or(0, |form| form.len())
    };
    match thousands {
        Thousands::Mark(mark) => usize::from(bytes.first() == Some(&mark.byte())),
        Thousands::Blank if is_utf8 => found(&[b" ", "\u{a0}".as_bytes(), "\u{202f}".as_bytes()]),
        Thousands::Blank => found(&[b" ", b"\xa0"]),
        Thousands::Apostrophe if is_utf8 => found(&[b"'", "\u{2019}".as_bytes()]),
        Thousands::Apostrophe if encoding == Encoding::Windows1252 => found(&[b"'", b"\x92"]),
        Thousands::Apostrophe => found(&[b"'"]),
    }
}

/// Control characters other than tab and line ends, which a quoted text may hold.
fn is_control(byte: u8) -> bool {
    (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f
}

/// Text in an encoding; `None` if some byte is no character.
#[inline]
pub(crate) fn decode(bytes: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    match std::str::from_utf8(bytes) {
        Ok(text) if encoding == Encoding::Utf8 || bytes.is_ascii() => return Some(text.into()),
        Err(_) if encoding == Encoding::Utf8 => return None,
        _ => {}
    }
    match encoding {
        // Latin 1 has no characters from 0x80 to 0x9f, code page 1252 none at five of these.
        Encoding::Iso88591 if bytes.iter().any(|byte| matches!(byte, 0x80..=0x9f)) => None,
        Encoding::Windows1252
            if bytes
                .iter()
                .any(|byte| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d)) =>
        {
            None
        }
        _ => WINDOWS_1252.decode_without_bom_handling_and_without_replacement(bytes),
    }
}

/// Text as it stands in a file; `None` if the encoding lacks one of its characters.
pub(crate) fn encode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    if encoding == Encoding::Utf8 {
        return Some(text.as_bytes().to_vec());
    }
    let (bytes, _, unmappable) = WINDOWS_1252.encode(text);
    (!unmappable && decode(&bytes, encoding).is_some()).then(|| bytes.into_owned())
}

//! Judging a row: each cell against its column, then the row against itself.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

use super::digest::{Absorb, KeyHasher};
use crate::cell::{self, DecimalFault};
use crate::column_data::{ColumnData, TextColumn};
pub(crate) use crate::contract::Rule;
use crate::contract::{
    Bound, Column, ColumnType, DataContract, DateFormat, Encoding, Format, Literal, MomentFormat,
    RowRule, RuleBody, Thousands, Violation, When, year,
};
use crate::table_writer::StoredType;

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
    /// Columns whose codes are valid by date.
    dated: Vec<usize>,
    /// Declared rules over one row, with what a breach is recorded as.
    declared: Vec<(Violation, &'c RowRule)>,
}

struct ColumnRule<'c> {
    column: &'c Column,
    required: bool,
    decimal_mark: u8,
    thousands: Option<Thousands>,
    encoding: Encoding,
    date: DateFormat,
    moment: MomentFormat,
    /// Whether a text that is printable ASCII is valid whatever it says.
    any_text: bool,
    /// Spellings of yes and no in the encoding.
    spellings: Vec<(Vec<u8>, bool)>,
    /// Missing codes of this column in the encoding, with their position in the contract.
    missing: Vec<(Vec<u8>, u32)>,
    /// First bytes of the missing codes, by which most cells are told to be none.
    missing_first: [bool; 256],
    /// Missing codes that are numbers of this column, in the stored unit.
    missing_numbers: Vec<(i64, u32)>,
}

/// Rows that passed, as columns, and what did not.
pub(crate) struct Batch {
    pub(crate) columns: Vec<ColumnData>,
    pub(crate) n_rows: usize,
    /// Missing codes met in the rows that passed: times, by column and code.
    pub(crate) missing: Vec<Vec<u64>>,
    /// What the row last judged broke.
    pub(crate) violations: Vec<Violation>,
    /// Missing codes met in the row last judged: column and code.
    pub(crate) codes_met: Vec<(u32, u32)>,
}

impl<'c> RowRules<'c> {
    /// Readies a contract for text in `encoding`.
    pub(crate) fn new(contract: &'c DataContract, encoding: Encoding) -> Self {
        let columns = (0..contract.columns().len())
            .map(|position| ColumnRule::new(contract, position, encoding))
            .collect();
        let is_dated = |position: &usize| contract.columns()[*position].validity.is_some();
        let declared = contract.rules().iter().filter_map(|entry| {
            let body = &contract.bodies()[entry.violation.declared? as usize];
            match body {
                RuleBody::Row(rule) => Some((entry.violation, rule)),
                RuleBody::Set(_) => None,
            }
        });
        Self {
            contract,
            encoding,
            columns,
            dated: (0..contract.columns().len()).filter(is_dated).collect(),
            declared: declared.collect(),
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
                let column = Some(position as u32);
                batch.violations.push(Violation::implied(broken, column));
            }
        }
        self.judge_dated_codes(batch);
        for (i, declared) in &self.declared {
            if is_broken(declared, &batch.columns) {
                batch.violations.push(*i);
            }
        }
    }

    /// Judges codes by the row's date.
    fn judge_dated_codes(&self, batch: &mut Batch) {
        for &position in &self.dated {
            let column = self.columns[position].column;
            let (Some(validity), ColumnType::Code { codes }) = (&column.validity, &column.kind)
            else {
                continue;
            };
            let Some(Value::Number(day)) = last(&batch.columns[validity.at]) else {
                continue;
            };
            let Some(Value::Text(text)) = last(&batch.columns[position]) else {
                continue;
            };
            let code = codes.binary_search_by(|code| code.as_str().cmp(text));
            let day = i32::try_from(day).unwrap_or(i32::MAX);
            if code.is_ok_and(|code| !validity.allows(code, day)) {
                let violation = Violation::implied(Rule::CodeDate, Some(position as u32));
                batch.violations.push(violation);
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
                    if rule.column.pseudonym.is_some() || !cell::is_plain(bytes) {
                        rule.text(Cell::Text(bytes), self.encoding).ok()?;
                    }
                    key.bytes(bytes);
                }
                (cell, _) => {
                    let number = rule.number(cell).ok()?;
                    let is_text = matches!(cell, Cell::Text(_));
                    if !is_text && rule.missing_number(number).is_some() {
                        return None;
                    }
                    key.word(number as u64);
                }
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
        let mut missing_numbers = Vec::new();
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
            if !matches!(column.kind, ColumnType::Boolean)
                && let Some(number) = column.canonical(&text.code)
            {
                missing_numbers.push((number, i));
            }
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
            moment: column.moment.clone().unwrap_or_else(MomentFormat::iso),
            any_text: column.kind == ColumnType::Text
                && column.lengths.is_any()
                && column.pattern.is_none()
                && column.pseudonym.is_none(),
            spellings: spellings(column, contract.format(), encoding),
            missing,
            missing_first,
            missing_numbers,
        }
    }

    /// The missing code that a typed number of this column is; text is compared as it is written.
    #[inline]
    fn missing_number(&self, number: i64) -> Option<u32> {
        let mut missing = self.missing_numbers.iter();
        missing.find(|(code, _)| *code == number).map(|(_, i)| *i)
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
        if matches!(cell, Cell::Missing) {
            return self.missing(code, data, met);
        }
        match data {
            ColumnData::Text(texts) => {
                if let Cell::Text(bytes) = cell
                    && self.any_text
                    && cell::is_plain(bytes)
                {
                    texts.push_plain(bytes);
                    return Ok(());
                }
                let text = self.text(cell, encoding);
                texts.push(text.as_deref().ok());
                text.and_then(|text| self.check_text(&text))
            }
            ColumnData::Integer(values) => {
                let value = self.number(cell);
                if !matches!(cell, Cell::Text(_))
                    && let Ok(value) = value
                    && let Some(code) = self.missing_number(value)
                {
                    return self.missing(Some(code), data, met);
                }
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

    fn missing(
        &self,
        code: Option<u32>,
        data: &mut ColumnData,
        met: impl FnOnce(u32),
    ) -> Result<(), Rule> {
        if let Some(code) = code {
            met(code);
        }
        push_missing(data);
        if self.required {
            Err(Rule::Required)
        } else {
            Ok(())
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

    /// Judges a text by its column's codes, lengths and pattern.
    fn check_text(&self, text: &str) -> Result<(), Rule> {
        if let ColumnType::Code { codes } = &self.column.kind {
            let found = codes.binary_search_by(|code| code.as_str().cmp(text));
            return found.map(drop).map_err(|_| Rule::Code);
        }
        if !self.column.lengths.is_any() && !self.column.lengths.allow(text) {
            return Err(Rule::Length);
        }
        match &self.column.pattern {
            Some(pattern) if !pattern.matches(text) => Err(Rule::Pattern),
            _ => Ok(()),
        }
    }

    /// A present cell as its column's number: whole, scaled, days, seconds, or 1 for yes.
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
            (ColumnType::Year, Cell::Text(bytes)) => year(bytes).ok_or(Rule::Type),
            (ColumnType::Datetime, Cell::Text(bytes)) => self.moment.parse(bytes).ok_or(Rule::Type),
            (ColumnType::Boolean, Cell::Text(bytes)) => {
                let mut spellings = self.spellings.iter();
                let found = spellings.find(|(spelling, _)| spelling == bytes);
                found.map(|(_, yes)| i64::from(*yes)).ok_or(Rule::Type)
            }
            (ColumnType::Integer, Cell::Integer(value)) => Ok(value),
            (ColumnType::Year, Cell::Integer(value @ 1..=9999)) => Ok(value),
            (ColumnType::Datetime, Cell::Moment { units, per_day }) => seconds(units, per_day),
            (ColumnType::Boolean, Cell::Integer(value @ 0..=1)) => Ok(value),
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

    /// A cell as text of the encoding, and under the key it should be a pseudonym of.
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
        match &self.column.pseudonym {
            Some(key) if !key.made(text.as_bytes()) => Err(Rule::PseudonymKey),
            _ => Ok(text),
        }
    }
}

/// How yes and no are written, as bytes of the encoding; typed files say `true` and `false`
/// whatever the contract says of texts.
fn spellings(column: &Column, format: Format, encoding: Encoding) -> Vec<(Vec<u8>, bool)> {
    let spelling = &column.spelling;
    let all = spelling.yes.iter().map(|yes| (yes.as_str(), true));
    let all = all.chain(spelling.no.iter().map(|no| (no.as_str(), false)));
    let typed = [("true", true), ("false", false)];
    let is_typed = !matches!(format, Format::Csv | Format::FixedWidth);
    all.chain(typed.into_iter().filter(|_| is_typed))
        .filter_map(|(text, yes)| encode(text, encoding).map(|bytes| (bytes, yes)))
        .collect()
}

/// Whole seconds since 1970-01-01 of a moment in units of which a day has so many.
fn seconds(units: i64, per_day: i64) -> Result<i64, Rule> {
    let scaled = i128::from(units) * 86_400;
    let per_day = i128::from(per_day);
    if per_day == 0 || scaled % per_day != 0 {
        return Err(Rule::Type);
    }
    i64::try_from(scaled / per_day).map_err(|_| Rule::Type)
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value<'a> {
    Text(&'a str),
    Number(i64),
}

impl Value<'_> {
    fn is(self, literal: &Literal) -> bool {
        match (self, literal) {
            (Self::Text(text), Literal::Text(literal)) => text == literal,
            (Self::Number(number), Literal::Number(literal)) => number == *literal,
            _ => false,
        }
    }
}

/// Whether the last row of some columns breaks a rule.
fn is_broken(rule: &RowRule, columns: &[ColumnData]) -> bool {
    let value = |column: usize| last(&columns[column]);
    let number = |column: usize| match value(column) {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    };
    let is_met = |when: &When| {
        value(when.column).is_some_and(|value| {
            let among = when.among.as_ref();
            among.is_none_or(|among| among.iter().any(|literal| value.is(literal)))
        })
    };
    match rule {
        RowRule::Compare { column, is, other } => {
            let order = match (value(*column), value(*other)) {
                (Some(Value::Number(a)), Some(Value::Number(b))) => a.cmp(&b),
                (Some(Value::Text(a)), Some(Value::Text(b))) => a.cmp(b),
                _ => return false,
            };
            !is.holds(order)
        }
        RowRule::Sum {
            parts,
            total,
            within,
        } => {
            let parts: Option<Vec<i64>> = parts.iter().map(|&part| number(part)).collect();
            let (Some(parts), Some(total)) = (parts, number(*total)) else {
                return false;
            };
            let sum: i128 = parts.into_iter().map(i128::from).sum();
            (sum - i128::from(total)).unsigned_abs() > u128::from(within.unsigned_abs())
        }
        RowRule::Present { column, when } => value(*column).is_none() && is_met(when),
        RowRule::Absent { column, when } => value(*column).is_some() && is_met(when),
        RowRule::Combination { columns, allowed } => {
            let met = |allowed: &Vec<Option<Literal>>| {
                columns.iter().zip(allowed).all(|(&column, allowed)| {
                    match (value(column), allowed) {
                        (None, None) => true,
                        (Some(value), Some(literal)) => value.is(literal),
                        _ => false,
                    }
                })
            };
            !allowed.iter().any(met)
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

/// The value of the last row.
fn last(data: &ColumnData) -> Option<Value<'_>> {
    match data {
        ColumnData::Text(texts) => texts.last().map(Value::Text),
        ColumnData::Integer(values) => values.last().copied().flatten().map(Value::Number),
        ColumnData::Date(days) => days
            .last()
            .copied()
            .flatten()
            .map(|days| Value::Number(days.into())),
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

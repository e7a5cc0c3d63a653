//! What the columns of files hold.

use std::collections::BTreeMap;

use crate::cell;
use crate::contract::{DataContract, DateFormat, Encoding};
use crate::delivery::Delivery;
use crate::ingest::{
    Absorb, Cell, IngestError, KeyHasher, Layout, Place, Row, RowVisitor, Source, WithSource,
    decode, open,
};

/// Distinct values counted of a column; with more it has no code list.
const MAX_DISTINCT: usize = 40;

/// Rows by which keys are told.
const KEY_ROWS: usize = 200_000;

/// How registries write what is missing.
pub(super) const MISSING_HABITS: [&str; 16] = [
    "NS", "-1", ":", "x", "X", "z", "..", ".", "-", "NA", "N/A", "n/a", "NULL", "null", "c", "*",
];

/// Forms of dates that are looked for, the plainest first.
pub(super) const DATE_FORMATS: [&str; 7] = [
    "%Y-%m-%d", "%Y%m%d", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m", "%Y%m",
];

/// Years within which a number of eight or six digits is taken for a date.
const YEARS: [&[u8]; 2] = [b"1850-01-01", b"2100-01-01"];

/// The columns of files, and what tells their rows apart.
pub(super) struct Profile {
    pub(super) columns: Vec<ColumnProfile>,
    n_rows: usize,
}

/// What a column holds.
pub(super) struct ColumnProfile {
    pub(super) name: String,
    /// Cells that hold anything but a habit of what is missing.
    pub(super) n_values: u64,
    pub(super) n_empty: u64,
    pub(super) missing: BTreeMap<&'static str, u64>,
    pub(super) n_whole: u64,
    pub(super) n_with_point: u64,
    pub(super) n_with_comma: u64,
    pub(super) most_decimals: u32,
    pub(super) has_negative: bool,
    pub(super) has_leading_zero: bool,
    /// Values that are dates, by form; the last are dates by type.
    pub(super) n_dates: [u64; DATE_FORMATS.len()],
    pub(super) n_days: u64,
    pub(super) earliest: i32,
    /// Values and their rows, while they are few.
    pub(super) distinct: Option<BTreeMap<String, u64>>,
    /// The cells of the first rows, reduced.
    keys: Vec<u64>,
}

impl Profile {
    /// Reads a file.
    pub(super) fn of(contract: &DataContract, delivery: &Delivery) -> Result<Self, IngestError> {
        let place = Place::of(contract, delivery)?;
        let encoding = contract.encoding_of_cells();
        open(contract, &place, Look { encoding })
    }

    /// Adds another file; whether it has the same columns.
    pub(super) fn merge(&mut self, other: &Self) -> bool {
        let names = |profile: &Self| -> Vec<String> {
            profile
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect()
        };
        if names(self) != names(other) {
            return false;
        }
        self.n_rows += other.n_rows;
        for (column, other) in self.columns.iter_mut().zip(&other.columns) {
            column.merge(other);
        }
        true
    }

    /// The first columns, as few as can be, that no two rows share, by their positions.
    pub(super) fn key(&self) -> Option<Vec<usize>> {
        let may_be_key = |column: &ColumnProfile| {
            let is_whole = column.n_with_point + column.n_with_comma == 0;
            column.n_empty == 0 && column.missing.is_empty() && is_whole && column.n_values > 0
        };
        let candidates: Vec<usize> = (0..self.columns.len())
            .filter(|&position| may_be_key(&self.columns[position]))
            .take(12)
            .collect();
        let singles = candidates.iter().map(|&a| vec![a]);
        let pairs = candidates
            .iter()
            .enumerate()
            .flat_map(|(i, &a)| candidates[i + 1..].iter().map(move |&b| vec![a, b]));
        let triples = candidates.iter().enumerate().flat_map(|(i, &a)| {
            let rest = &candidates[i + 1..];
            rest.iter()
                .enumerate()
                .flat_map(move |(j, &b)| rest[j + 1..].iter().map(move |&c| vec![a, b, c]))
        });
        singles
            .chain(pairs)
            .chain(triples)
            .find(|key| self.is_unique(key))
    }

    fn is_unique(&self, key: &[usize]) -> bool {
        let n_rows = self.columns[key[0]].keys.len();
        let mut digests: Vec<u64> = (0..n_rows)
            .map(|row| {
                let cells = key.iter().map(|&position| self.columns[position].keys[row]);
                cells.fold(0, |digest: u64, cell| {
                    (digest.rotate_left(23) ^ cell).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                })
            })
            .collect();
        digests.sort_unstable();
        digests.windows(2).all(|pair| pair[0] != pair[1])
    }
}

struct Look {
    encoding: Encoding,
}

impl WithSource for Look {
    type Out = Profile;

    fn with(self, mut source: impl Source) -> Result<Profile, IngestError> {
        let layout = source.layout();
        let names = layout.header().iter();
        let formats = DATE_FORMATS
            .iter()
            .filter_map(|&format| DateFormat::try_from(format.to_owned()).ok());
        let mut seen = Seen {
            profile: Profile {
                columns: names.map(|name| ColumnProfile::new(name)).collect(),
                n_rows: 0,
            },
            has_header: !layout.header().is_empty(),
            encoding: self.encoding,
            formats: formats.collect(),
        };
        while let Some(block) = source.next_block()? {
            layout.visit(&block, &mut seen);
        }
        source.finish()?;
        Ok(seen.profile)
    }
}

struct Seen {
    profile: Profile,
    has_header: bool,
    encoding: Encoding,
    formats: Vec<DateFormat>,
}

impl RowVisitor for Seen {
    fn row(&mut self, row: &impl Row) {
        if self.has_header && row.fault().is_some() {
            return;
        }
        let Self {
            profile,
            has_header,
            encoding,
            formats,
        } = self;
        row.each_cell(|position, cell| {
            if !*has_header && position == profile.columns.len() && profile.n_rows == 0 {
                profile
                    .columns
                    .push(ColumnProfile::new(&format!("column-{}", position + 1)));
            }
            if let Some(column) = profile.columns.get_mut(position) {
                column.see(cell, *encoding, formats, profile.n_rows);
            }
        });
        profile.n_rows += 1;
        let n_keys = profile.n_rows.min(KEY_ROWS);
        for column in &mut profile.columns {
            column.keys.resize(n_keys, 0);
        }
    }
}

impl ColumnProfile {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            n_values: 0,
            n_empty: 0,
            missing: BTreeMap::new(),
            n_whole: 0,
            n_with_point: 0,
            n_with_comma: 0,
            most_decimals: 0,
            has_negative: false,
            has_leading_zero: false,
            n_dates: [0; DATE_FORMATS.len()],
            n_days: 0,
            earliest: i32::MAX,
            distinct: Some(BTreeMap::new()),
            keys: Vec::new(),
        }
    }

    fn see(&mut self, cell: Cell<'_>, encoding: Encoding, formats: &[DateFormat], row: usize) {
        let mut key = KeyHasher::new();
        match cell {
            Cell::Text(bytes) => {
                let bytes = cell::trimmed(bytes);
                key.bytes(bytes);
                self.see_text(bytes, encoding, formats);
            }
            Cell::Integer(value) => {
                let text = value.to_string();
                key.bytes(text.as_bytes());
                self.see_text(text.as_bytes(), encoding, &[]);
            }
            Cell::Decimal { digits, scale } => {
                key.word(digits as u64);
                (self.n_values, self.n_with_point) = (self.n_values + 1, self.n_with_point + 1);
                self.most_decimals = self.most_decimals.max(scale);
                self.has_negative |= digits < 0;
                self.distinct = None;
            }
            Cell::Days(days) => self.see_day(days, &mut key),
            Cell::Moment { units, per_day } => {
                self.see_day(i32::try_from(units / per_day).unwrap_or(0), &mut key);
            }
            Cell::Missing => self.n_empty += 1,
            Cell::Beyond => self.n_values += 1,
        }
        if row < KEY_ROWS {
            self.keys.resize(row, 0);
            self.keys.push(key.digest().low());
        }
    }

    fn see_day(&mut self, days: i32, key: &mut KeyHasher) {
        key.word(i64::from(days) as u64);
        (self.n_values, self.n_days) = (self.n_values + 1, self.n_days + 1);
        self.earliest = self.earliest.min(days);
        self.distinct = None;
    }

    fn see_text(&mut self, bytes: &[u8], encoding: Encoding, formats: &[DateFormat]) {
        if bytes.is_empty() {
            self.n_empty += 1;
            return;
        }
        let text = decode(bytes, encoding).unwrap_or_default();
        let habit = MISSING_HABITS.iter().find(|habit| **habit == text);
        if let Some(habit) = habit {
            *self.missing.entry(habit).or_default() += 1;
            return;
        }
        self.n_values += 1;
        self.see_number(bytes);
        let [from, to] = YEARS.map(|day| DateFormat::iso().parse(day).unwrap_or_default());
        for (n_dates, format) in self.n_dates.iter_mut().zip(formats) {
            if let Some(day) = format.parse(bytes).filter(|day| (from..to).contains(day)) {
                *n_dates += 1;
                self.earliest = self.earliest.min(day);
            }
        }
        if let Some(distinct) = &mut self.distinct {
            *distinct.entry(text.into_owned()).or_default() += 1;
            if distinct.len() > MAX_DISTINCT {
                self.distinct = None;
            }
        }
    }

    fn see_number(&mut self, bytes: &[u8]) {
        let decimals = |mark: u8| {
            let at = bytes.iter().position(|&byte| byte == mark);
            at.map_or(0, |at| (bytes.len() - at - 1) as u32)
        };
        let is_decimal = |mark: u8| cell::decimal(bytes, mark, 9).is_ok() && decimals(mark) > 0;
        let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
        let is_number = if cell::integer(bytes).is_some() {
            self.n_whole += 1;
            true
        } else if is_decimal(b'.') {
            self.n_with_point += 1;
            self.most_decimals = self.most_decimals.max(decimals(b'.'));
            true
        } else if is_decimal(b',') {
            self.n_with_comma += 1;
            self.most_decimals = self.most_decimals.max(decimals(b','));
            true
        } else {
            false
        };
        self.has_negative |= is_number && unsigned.len() < bytes.len();
        self.has_leading_zero |= matches!(unsigned, [b'0', b'0'..=b'9', ..]);
    }

    fn merge(&mut self, other: &Self) {
        self.n_values += other.n_values;
        self.n_empty += other.n_empty;
        for (habit, n_rows) in &other.missing {
            *self.missing.entry(habit).or_default() += n_rows;
        }
        self.n_whole += other.n_whole;
        self.n_with_point += other.n_with_point;
        self.n_with_comma += other.n_with_comma;
        self.most_decimals = self.most_decimals.max(other.most_decimals);
        self.has_negative |= other.has_negative;
        self.has_leading_zero |= other.has_leading_zero;
        for (n_dates, other) in self.n_dates.iter_mut().zip(other.n_dates) {
            *n_dates += other;
        }
        self.n_days += other.n_days;
        self.earliest = self.earliest.min(other.earliest);
        self.distinct = match (self.distinct.take(), &other.distinct) {
            (Some(mut distinct), Some(other)) => {
                for (value, n_rows) in other {
                    *distinct.entry(value.clone()).or_default() += n_rows;
                }
                Some(distinct).filter(|distinct| distinct.len() <= MAX_DISTINCT)
            }
            _ => None,
        };
        self.keys.extend(&other.keys);
    }
}

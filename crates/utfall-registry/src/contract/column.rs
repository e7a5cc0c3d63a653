//! A column of an extract and what may stand in it.

use regex::Regex;

use super::dialect::DateFormat;
use super::moment::MomentFormat;
use crate::cell;
use crate::pseudonym::PseudonymKeyId;
use crate::table_writer::StoredType;

/// A column of an extract.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub(crate) header: String,
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) required: bool,
    pub(crate) outcome: bool,
    pub(crate) unit: Option<String>,
    pub(crate) pseudonym: Option<PseudonymKeyId>,
    pub(crate) date: Option<DateFormat>,
    pub(crate) moment: Option<MomentFormat>,
    pub(crate) spelling: Spelling,
    pub(crate) bounds: Bounds,
    pub(crate) lengths: Lengths,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) validity: Option<Validity>,
}

/// What a column's values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A number with at most this many decimals, stored as a whole number × 10^decimals.
    Decimal {
        /// Decimals kept, at most 9.
        decimals: u8,
    },
    /// A calendar date.
    Date,
    /// A year of four digits, stored as a whole number.
    Year,
    /// A day and time of day, stored as whole seconds since 1970-01-01T00:00:00.
    Datetime,
    /// Yes or no, stored as 1 or 0.
    Boolean,
    /// One of a list of codes, sorted.
    Code {
        /// The codes allowed.
        codes: Vec<String>,
    },
}

/// The smallest and largest value allowed, in the stored unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bounds {
    pub(crate) minimum: Option<i64>,
    pub(crate) maximum: Option<i64>,
}

/// Which end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Minimum,
    Maximum,
}

/// The fewest and most characters of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lengths {
    pub(crate) minimum: Option<u32>,
    pub(crate) maximum: Option<u32>,
}

/// How yes and no are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Spelling {
    pub(crate) yes: Vec<String>,
    pub(crate) no: Vec<String>,
}

/// The form of a whole text. Matching takes time linear in the text, whatever the pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    written: String,
    regex: Regex,
}

/// When each code of a list is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validity {
    /// Position of the date column.
    pub(crate) at: usize,
    /// For each code, in order, its spans `[from, until)` in days since 1970-01-01.
    pub(crate) spans: Vec<Vec<(i32, i32)>>,
}

impl Column {
    /// The column's name in the file's header.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The column's name in the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the values are.
    #[must_use]
    pub fn kind(&self) -> &ColumnType {
        &self.kind
    }

    /// Whether a missing value is a violation.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Whether the column holds an outcome, which nothing that forms the cohort may read.
    #[must_use]
    pub fn is_outcome(&self) -> bool {
        self.outcome
    }

    /// The unit of the values, for people.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// The id of the key under which the values are pseudonyms, if they are.
    #[must_use]
    pub fn pseudonym(&self) -> Option<&PseudonymKeyId> {
        self.pseudonym.as_ref()
    }

    /// Decimals of the stored whole number; 0 for all but decimals.
    #[must_use]
    pub fn decimals(&self) -> u8 {
        match self.kind {
            ColumnType::Decimal { decimals } => decimals,
            _ => 0,
        }
    }

    /// How the values are stored.
    #[must_use]
    pub fn stored_type(&self) -> StoredType {
        match self.kind {
            ColumnType::Text | ColumnType::Code { .. } => StoredType::Text,
            ColumnType::Date => StoredType::Date,
            _ => StoredType::Integer,
        }
    }

    /// Whether a value of one column can be told to be less than one of the other: both are
    /// numbers of the same decimals, dates, years or moments.
    pub(crate) fn is_ordered_with(&self, other: &Self) -> bool {
        self.kind == other.kind && self.has_order()
    }

    /// Whether a value of one column can be equal to one of the other.
    pub(crate) fn is_comparable_with(&self, other: &Self) -> bool {
        self.kind == other.kind
            || (self.stored_type() == StoredType::Text && other.stored_type() == StoredType::Text)
    }

    /// Whether values have an order.
    pub(crate) fn has_order(&self) -> bool {
        !matches!(
            self.kind,
            ColumnType::Text | ColumnType::Code { .. } | ColumnType::Boolean
        )
    }

    /// A stored number in canonical form.
    pub(crate) fn written(&self, number: i64) -> String {
        match self.kind {
            ColumnType::Decimal { decimals } if decimals > 0 => {
                let unit = 10_u64.pow(u32::from(decimals));
                let (sign, size) = (if number < 0 { "-" } else { "" }, number.unsigned_abs());
                let width = usize::from(decimals);
                format!("{sign}{}.{:0width$}", size / unit, size % unit)
            }
            ColumnType::Boolean => (if number == 0 { "false" } else { "true" }).to_owned(),
            ColumnType::Year => format!("{number:04}"),
            ColumnType::Datetime => {
                let moment = chrono::DateTime::from_timestamp(number, 0);
                moment.map_or_else(String::new, |moment| {
                    moment.format("%Y-%m-%dT%H:%M:%S").to_string()
                })
            }
            _ => number.to_string(),
        }
    }

    /// Reads a value written in canonical form (`1234.5`, `2024-01-31`, `true`) into the stored
    /// unit.
    pub(crate) fn canonical(&self, text: &str) -> Option<i64> {
        let bytes = text.as_bytes();
        match self.kind {
            ColumnType::Text | ColumnType::Code { .. } => None,
            ColumnType::Integer => cell::integer(bytes),
            ColumnType::Decimal { decimals } => cell::decimal(bytes, b'.', decimals).ok(),
            ColumnType::Date => DateFormat::iso().parse(bytes).map(i64::from),
            ColumnType::Year => year(bytes),
            ColumnType::Datetime => MomentFormat::iso().parse(bytes),
            ColumnType::Boolean => match text {
                "true" => Some(1),
                "false" => Some(0),
                _ => None,
            },
        }
    }
}

/// A year of four digits.
#[inline]
pub(crate) fn year(bytes: &[u8]) -> Option<i64> {
    (bytes.len() == 4 && bytes[0].is_ascii_digit())
        .then(|| cell::integer(bytes))
        .flatten()
        .filter(|year| *year > 0)
}

impl ColumnType {
    /// The type's name in a contract.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal { .. } => "decimal",
            Self::Date => "date",
            Self::Year => "year",
            Self::Datetime => "datetime",
            Self::Boolean => "boolean",
            Self::Code { .. } => "code",
        }
    }
}

impl Bounds {
    /// The end that a value lies beyond.
    #[inline]
    pub(crate) fn broken_by(self, value: i64) -> Option<Bound> {
        if self.minimum.is_some_and(|minimum| value < minimum) {
            Some(Bound::Minimum)
        } else if self.maximum.is_some_and(|maximum| value > maximum) {
            Some(Bound::Maximum)
        } else {
            None
        }
    }
}

impl Lengths {
    /// Whether any text is as long as it may be.
    pub(crate) fn is_any(self) -> bool {
        self == Self::default()
    }

    /// Whether a text is as long as it may be.
    pub(crate) fn allow(self, text: &str) -> bool {
        let length = text.chars().count();
        let within = |limit: Option<u32>, holds: fn(&usize, &usize) -> bool| {
            limit.is_none_or(|limit| holds(&length, &(limit as usize)))
        };
        within(self.minimum, usize::ge) && within(self.maximum, usize::le)
    }
}

impl Pattern {
    /// Most memory a compiled pattern may take.
    const MAX_BYTES: usize = 1 << 20;

    /// The pattern that a whole text must match, if it is one.
    pub(crate) fn new(written: &str) -> Option<Self> {
        let compiled = |pattern: &str| {
            let mut builder = regex::RegexBuilder::new(pattern);
            builder.size_limit(Self::MAX_BYTES).build().ok()
        };
        compiled(written)?;
        let regex = compiled(&format!("^(?:{written})$"))?;
        Some(Self {
            written: written.to_owned(),
            regex,
        })
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Validity {
    /// Whether a code, by its position, is valid on a day.
    pub(crate) fn allows(&self, code: usize, day: i32) -> bool {
        self.spans.get(code).is_some_and(|spans| {
            spans
                .iter()
                .any(|&(from, until)| from <= day && day < until)
        })
    }
}

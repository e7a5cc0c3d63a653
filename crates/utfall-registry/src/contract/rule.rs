//! Rules as judged: what each asks, how severe a breach is, and how many breaches are borne.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use utfall_core::Offset;

use crate::cell;

/// What a row, or an extract as a whole, can break.
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
    /// Shorter or longer than a text may be.
    Length,
    /// Not of the form a text must have.
    Pattern,
    /// None of the codes allowed.
    Code,
    /// No pseudonym under the key that the contract states.
    PseudonymKey,
    /// A code that was not valid on the row's date.
    CodeDate,
    /// Before the value it may not be before.
    NotBefore,
    /// Two values that do not compare as they must.
    Compare,
    /// Parts that do not add up to their total.
    Sum,
    /// A missing value where another value requires one.
    RequiredIf,
    /// A value where another value allows none.
    AbsentIf,
    /// Values that may not occur together.
    Combination,
    /// The same row again, in one delivery.
    DuplicateRow,
    /// Another row of the same key, in one delivery.
    KeyConflict,
    /// A value that must be unique and is not.
    Unique,
    /// A value that no row of another extract has.
    ForeignKey,
    /// Episodes of one key that overlap.
    Overlap,
    /// A day outside the episodes of another extract.
    WithinEpisode,
    /// A value that does not compare as it must with that of another extract.
    CompareAcross,
    /// Too few or too many rows, or too great a change since the delivery before.
    RowCount,
    /// A period without a row.
    Coverage,
    /// Data that are too old.
    Freshness,
}

impl Rule {
    /// The rule's name in contracts and reports.
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
            Self::Length => "length",
            Self::Pattern => "pattern",
            Self::Code => "code",
            Self::PseudonymKey => "pseudonym-key",
            Self::CodeDate => "code-date",
            Self::NotBefore => "not-before",
            Self::Compare => "compare",
            Self::Sum => "sum",
            Self::RequiredIf => "required-if",
            Self::AbsentIf => "absent-if",
            Self::Combination => "combination",
            Self::DuplicateRow => "duplicate-row",
            Self::KeyConflict => "key-conflict",
            Self::Unique => "unique",
            Self::ForeignKey => "foreign-key",
            Self::Overlap => "overlap",
            Self::WithinEpisode => "within-episode",
            Self::CompareAcross => "compare-across",
            Self::RowCount => "row-count",
            Self::Coverage => "coverage",
            Self::Freshness => "freshness",
        }
    }

    /// Whether a row that breaks the rule can be stored all the same: all its values have been
    /// read, so a breach may be a warning.
    #[must_use]
    pub fn is_storable(self) -> bool {
        !matches!(
            self,
            Self::Ragged
                | Self::Quote
                | Self::Encoding
                | Self::ControlCharacter
                | Self::Malformed
                | Self::PseudonymKey
                | Self::Type
                | Self::Decimals
                | Self::DuplicateRow
                | Self::KeyConflict
        )
    }

    /// Whether the rule is about the extract and not about any row, so that a breach cannot be
    /// put in quarantine and refuses the extract instead.
    #[must_use]
    pub fn is_about_extract(self) -> bool {
        matches!(self, Self::RowCount | Self::Coverage | Self::Freshness)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a breach of a rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The row goes to quarantine; where the rule is about the extract, the extract is refused.
    #[default]
    Error,
    /// The row is kept and the breach counted.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// How many breaches of a rule an extract may hold before it is refused: `0.5 %` or `20 rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tolerance(Limit);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Share(Share),
    Rows(u64),
}

/// A share of something, in ten thousandths of a per cent: `20 %`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Share(u64);

/// A whole, in ten thousandths of a per cent.
const WHOLE: u128 = 1_000_000;

impl Share {
    /// Whether `n` of `total` is more than this share.
    pub(crate) fn is_exceeded(self, n: u64, total: u64) -> bool {
        u128::from(n) * WHOLE > u128::from(self.0) * u128::from(total)
    }
}

impl Tolerance {
    /// No breach at all.
    pub(crate) const NONE: Self = Self(Limit::Rows(0));

    /// More than half of all rows: then the file or the contract is another than was meant.
    pub(crate) const HALF: Self = Self(Limit::Share(Share(500_000)));

    /// Whether `n_broken` of `n_rows` is more than is borne.
    #[must_use]
    pub fn is_exceeded(self, n_broken: u64, n_rows: u64) -> bool {
        match self.0 {
            Limit::Share(share) => share.is_exceeded(n_broken, n_rows),
            Limit::Rows(most) => n_broken > most,
        }
    }
}

impl TryFrom<String> for Share {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = text.strip_suffix('%').map(str::trim_end);
        number
            .and_then(|number| cell::decimal(number.as_bytes(), b'.', 4).ok())
            .and_then(|share| u64::try_from(share).ok())
            .map(Self)
            .ok_or_else(|| {
                format!(
                    "`{text}` is no share, expected a number of at most four decimals and `%`, such as `0.5 %`"
                )
            })
    }
}

impl From<Share> for String {
    fn from(Share(share): Share) -> Self {
        let text = format!("{}.{:04}", share / 10_000, share % 10_000);
        format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl TryFrom<String> for Tolerance {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let rows = text
            .strip_suffix("rows")
            .or_else(|| text.strip_suffix("row"))
            .and_then(|number| number.trim_end().parse().ok());
        match rows {
            Some(n_rows) => Ok(Self(Limit::Rows(n_rows))),
            None => Share::try_from(text.clone())
                .map(|share| Self(Limit::Share(share)))
                .map_err(|_| {
                    format!("`{text}` is no tolerance, expected such as `0.5 %` or `20 rows`")
                }),
        }
    }
}

impl From<Tolerance> for String {
    fn from(tolerance: Tolerance) -> Self {
        tolerance.to_string()
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Limit::Share(share) => f.write_str(&String::from(share)),
            Limit::Rows(1) => f.write_str("1 row"),
            Limit::Rows(n_rows) => write!(f, "{n_rows} rows"),
        }
    }
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Comparison {
    /// Smaller.
    #[serde(rename = "<")]
    Less,
    /// Smaller or equal.
    #[serde(rename = "<=")]
    LessOrEqual,
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    NotEqual,
    /// Greater or equal.
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// Greater.
    #[serde(rename = ">")]
    Greater,
}

impl Comparison {
    /// Whether two values compare so.
    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }

    /// Whether values that have no order can be compared so.
    pub(crate) fn is_of_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    /// In words, as in "`a` is … `b`".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Less => "less than",
            Self::LessOrEqual => "at most",
            Self::Equal => "equal to",
            Self::NotEqual => "other than",
            Self::GreaterOrEqual => "at least",
            Self::Greater => "greater than",
        }
    }
}

/// A rule broken, the position of its column in the contract, and the position of the rule where
/// the contract declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) column: Option<u32>,
    pub(crate) declared: Option<u32>,
}

impl Violation {
    /// A breach of a rule that a column or the table implies.
    #[inline]
    pub(crate) fn implied(rule: Rule, column: Option<u32>) -> Self {
        Self {
            rule,
            column,
            declared: None,
        }
    }
}

/// A rule of a contract, implied by a column or declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleEntry {
    pub(crate) violation: Violation,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) severity: Severity,
    pub(crate) tolerance: Option<Tolerance>,
}

impl RuleEntry {
    /// A rule that a reader says was broken and the contract does not list, so that no breach is
    /// lost.
    pub(crate) fn unlisted(id: &str) -> Self {
        let kind = id.split(':').next().unwrap_or_default();
        let rule = serde_json::from_value(kind.into()).unwrap_or(Rule::Type);
        Self {
            violation: Violation::implied(rule, None),
            id: id.to_owned(),
            name: id.to_owned(),
            severity: Severity::Error,
            tolerance: None,
        }
    }

    /// What kind of rule.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.violation.rule
    }

    /// Its id: `kind:column`, or the one it was given.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it asks, in words.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a breach means.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// How many breaches are borne, if the contract says so.
    #[must_use]
    pub fn tolerance(&self) -> Option<Tolerance> {
        self.tolerance
    }

    /// How many breaches are borne: what the contract says; else none of a rule about the extract
    /// that is an error, half of all rows of any other error, and any number of warnings.
    #[must_use]
    pub fn limit(&self) -> Option<Tolerance> {
        match (
            self.tolerance,
            self.severity,
            self.rule().is_about_extract(),
        ) {
            (Some(tolerance), ..) => Some(tolerance),
            (None, Severity::Error, true) => Some(Tolerance::NONE),
            (None, Severity::Error, false) => Some(Tolerance::HALF),
            (None, Severity::Warning, _) => None,
        }
    }
}

/// A value written in a contract, in the stored unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Literal {
    Text(String),
    Number(i64),
}

/// A condition on another value of the row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct When {
    pub(crate) column: usize,
    /// The values it is met by; any value if `None`.
    pub(crate) among: Option<BTreeSet<Literal>>,
}

/// What a declared rule asks. Columns are positions in the contract.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RuleBody {
    Row(RowRule),
    Set(SetRule),
}

/// A rule over the values of one row. A missing value breaks none but `Present`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RowRule {
    Compare {
        column: usize,
        is: Comparison,
        other: usize,
    },
    /// `parts` add up to `total`, give or take `within`.
    Sum {
        parts: Vec<usize>,
        total: usize,
        within: i64,
    },
    Present {
        column: usize,
        when: When,
    },
    Absent {
        column: usize,
        when: When,
    },
    /// The values of `columns`, `None` for missing, are one of `allowed`.
    Combination {
        columns: Vec<usize>,
        allowed: BTreeSet<Vec<Option<Literal>>>,
    },
}

/// Columns of another extract, or of the same, by their names in its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    pub(crate) extract: String,
    pub(crate) columns: Vec<String>,
}

/// A rule over many rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SetRule {
    Unique {
        columns: Vec<usize>,
    },
    ForeignKey {
        columns: Vec<usize>,
        elsewhere: Elsewhere,
    },
    /// Half-open episodes `[start, stop)` of one key; without a stop they last.
    Overlap {
        key: Vec<usize>,
        start: usize,
        stop: usize,
    },
    /// `date` lies in an episode `[start, stop)` that another extract has for the key.
    WithinEpisode {
        key: Vec<usize>,
        date: usize,
        elsewhere: Elsewhere,
        start: String,
        stop: String,
    },
    /// `column` compares with `other` of every row that another extract has for the key.
    CompareAcross {
        key: Vec<usize>,
        column: usize,
        is: Comparison,
        elsewhere: Elsewhere,
        other: String,
    },
    RowCount {
        minimum: Option<u64>,
        maximum: Option<u64>,
        change: Option<Share>,
    },
    /// Each period from `from` to before `until` has a row, in each group of `by`.
    Coverage {
        column: usize,
        every: Every,
        from: i32,
        until: i32,
        by: Vec<usize>,
    },
    /// The newest value of `column` is at most `within` before the latest vintage, and that is
    /// not before `vintage_from`.
    Freshness {
        newest: Option<(usize, Offset)>,
        vintage_from: Option<chrono::NaiveDate>,
    },
}

/// How long a period of coverage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// A day.
    Day,
    /// A week from Monday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

impl SetRule {
    /// Name of the other extract it looks at.
    pub(crate) fn extract(&self) -> Option<&str> {
        match self {
            Self::ForeignKey { elsewhere, .. }
            | Self::WithinEpisode { elsewhere, .. }
            | Self::CompareAcross { elsewhere, .. } => Some(&elsewhere.extract),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_bears_its_share_and_not_one_row_more() {
        let tolerance = |text: &str| Tolerance::try_from(text.to_owned()).unwrap();
        assert!(!tolerance("0.5 %").is_exceeded(5, 1000));
        assert!(tolerance("0.5 %").is_exceeded(6, 1000));
        assert!(!tolerance("20 rows").is_exceeded(20, 1000));
        assert!(tolerance("20 rows").is_exceeded(21, 1000));
        assert!(tolerance("0 %").is_exceeded(1, u64::MAX));
        for text in ["0.5 %", "20 rows", "1 row", "100 %", "0.0001 %"] {
            assert_eq!(String::from(tolerance(text)), text);
        }
        for text in ["", "%", "5", "-1 %", "0.00001 %", "rows", "1.5 rows"] {
            assert!(Tolerance::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}

//! What a measure counts on the rows of its extract.

use serde::{Deserialize, Serialize};

use super::spec::Filter;

/// What is measured on the rows that count.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum MeasureKind {
    /// One column's sum over another's, of rows where both are there: absent of offered hours.
    Ratio {
        /// The column above the line.
        numerator: String,
        /// The column below the line.
        denominator: String,
        /// Rows that count above the line; all count below it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        numerator_where: Vec<Filter>,
    },
    /// Absent of possible sessions or lessons, by the mark each row holds. A mark that no list
    /// names is an error; a row without a mark counts in neither.
    Sessions {
        /// The column with the mark.
        code: String,
        /// Marks of who was there.
        present: Vec<String>,
        /// Marks of who was not.
        absent: Vec<String>,
        /// Marks of sessions that were not possible.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_counted: Vec<String>,
        /// When coming late is absence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        late: Option<Late>,
        /// What a row weighs, such as its minutes; one if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<String>,
    },
    /// The number of rows; no rows are zero.
    Count,
    /// The number of different values of a column; no rows are zero.
    Distinct {
        /// The column.
        column: String,
    },
    /// A column's sum; no rows are zero.
    Sum {
        /// The column.
        column: String,
    },
    /// A column's mean over rows where it is there.
    Mean {
        /// The column.
        column: String,
    },
    /// One if there is a row, zero if not.
    Any,
    /// Days from the period's first day to the first row's.
    FirstEvent {
        /// What stands for those without a row.
        none: NoEvent,
    },
    /// The share of members whose own rate is at least so much; those with nothing to measure
    /// count in neither.
    Threshold {
        /// The rate, in the measure's own unit, such as `0.10`.
        at_least: Decimal,
        /// What the rate is of: a ratio, sessions or a mean.
        of: Box<MeasureKind>,
    },
    /// The nights of a member that lie in at least one episode, `[start, stop)`; an episode
    /// without a stop is still open.
    Nights {
        /// First day of the episode.
        start: String,
        /// First day after the episode.
        stop: String,
        /// Gaps of at most so many days between a member's episodes count as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        join_gaps: Option<u32>,
        /// Only days of this calendar count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calendar: Option<String>,
    },
    /// What the nights of a member cost, each once, at the dearest tariff of the episodes that
    /// hold it, unless `overlap` or `priority` says otherwise.
    Cost {
        /// First day of the episode.
        start: String,
        /// First day after the episode.
        stop: String,
        /// The cost of one night, a column of the episodes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tariff: Option<String>,
        /// The cost of one night by day, in an extract of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price_list: Option<PriceList>,
        /// What a night in several episodes costs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overlap: Option<Overlap>,
        /// Which of several episodes is paid.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<Priority>,
        /// Gaps of at most so many days are paid as the episodes before them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        join_gaps: Option<u32>,
        /// The most that a night costs, in the tariff's unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap_per_day: Option<String>,
    },
}

/// When coming late is absence.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Late {
    /// The column with how late it was.
    pub minutes: String,
    /// From how many minutes a session with a mark of presence is absence.
    pub absent_from: u32,
}

/// What stands for those without an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoEvent {
    /// Nothing.
    Missing,
    /// The days of the whole period: time to the event, restricted to the period.
    PeriodEnd,
}

/// What a night in several episodes costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// The dearest of them.
    Dearest,
    /// All of them.
    Each,
}

/// Which of several episodes is paid: the first kind in the list; of one kind, the dearest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Priority {
    /// The column with the kind of an episode.
    pub column: String,
    /// The kinds, the first before the others. An episode of another kind is an error.
    pub order: Vec<String>,
}

/// Tariffs by day, in an extract of their own: one row for each item and time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PriceList {
    /// The extract.
    pub extract: String,
    /// Its column with the item.
    pub item: String,
    /// The episodes' column with the item.
    pub of: String,
    /// First day of the tariff.
    pub from: String,
    /// First day after it; a tariff without one is still in force.
    pub until: String,
    /// The cost of one night.
    pub price: String,
}

/// An exact decimal such as `0.10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    units: i64,
    decimals: u8,
}

impl Decimal {
    /// Whether `numerator × 10^shift / denominator` is at least this; both are whole numbers.
    pub(super) fn is_reached(self, numerator: i64, denominator: i64, shift: i32) -> bool {
        let scale = |value: i64, power: u32| i128::from(value).saturating_mul(10_i128.pow(power));
        let up = u32::try_from(shift).unwrap_or(0);
        let down = u32::try_from(-shift).unwrap_or(0);
        let rate = scale(numerator, u32::from(self.decimals) + up);
        rate >= scale(denominator, down).saturating_mul(i128::from(self.units))
    }
}

impl TryFrom<String> for Decimal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let sound = !whole.is_empty()
            && digits(whole)
            && digits(fraction)
            && whole.len() + fraction.len() <= 12
            && !text.ends_with('.');
        let units = format!("{whole}{fraction}").parse().ok();
        match units.filter(|_| sound) {
            Some(units) => Ok(Self {
                units,
                decimals: u8::try_from(fraction.len()).unwrap_or(0),
            }),
            None => Err(format!(
                "`{text}` is no decimal, expected one of up to 12 digits such as `0.10`"
            )),
        }
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        crate::tables::Value::Decimal {
            units: decimal.units,
            decimals: decimal.decimals,
        }
        .to_string()
    }
}

impl MeasureKind {
    /// Whether the measure is a quotient by nature; others are a value for each unit.
    pub(super) fn is_quotient(&self) -> bool {
        matches!(
            self,
            Self::Ratio { .. } | Self::Sessions { .. } | Self::Mean { .. } | Self::Threshold { .. }
        )
    }

    /// Whether episodes are measured, not rows with a date.
    pub(super) fn is_of_episodes(&self) -> bool {
        matches!(self, Self::Nights { .. } | Self::Cost { .. })
    }

    /// Whether the parts of a period add up to the whole.
    pub(super) fn is_additive(&self) -> bool {
        !matches!(
            self,
            Self::Distinct { .. } | Self::Any | Self::FirstEvent { .. } | Self::Threshold { .. }
        )
    }

    /// Whether its number is an amount that may be set against time under observation.
    pub(super) fn is_amount(&self) -> bool {
        self.is_of_episodes()
            || matches!(self, Self::Count | Self::Sum { .. } | Self::Distinct { .. })
    }

    /// Columns of the measure's own extract, beside those that every measure has.
    pub(super) fn columns(&self) -> Vec<&str> {
        match self {
            Self::Ratio {
                numerator,
                denominator,
                numerator_where,
            } => {
                let mut columns = vec![numerator.as_str(), denominator];
                columns.extend(numerator_where.iter().map(|filter| filter.column.as_str()));
                columns
            }
            Self::Sessions {
                code, late, amount, ..
            } => {
                let mut columns = vec![code.as_str()];
                columns.extend(late.iter().map(|late| late.minutes.as_str()));
                columns.extend(amount.as_deref());
                columns
            }
            Self::Count | Self::Any | Self::FirstEvent { .. } => Vec::new(),
            Self::Distinct { column } | Self::Sum { column } | Self::Mean { column } => {
                vec![column]
            }
            Self::Threshold { of, .. } => of.columns(),
            Self::Nights { start, stop, .. } => vec![start, stop],
            Self::Cost {
                start,
                stop,
                tariff,
                price_list,
                priority,
                ..
            } => {
                let mut columns = vec![start.as_str(), stop];
                columns.extend(tariff.as_deref());
                columns.extend(price_list.iter().map(|list| list.of.as_str()));
                columns.extend(priority.iter().map(|priority| priority.column.as_str()));
                columns
            }
        }
    }

    /// Columns whose values are in the measure's unit.
    pub(super) fn amounts(&self) -> Vec<&str> {
        match self {
            Self::Ratio {
                numerator,
                denominator,
                ..
            } => vec![numerator, denominator],
            Self::Sessions { amount, .. } => amount.as_deref().into_iter().collect(),
            Self::Sum { column } | Self::Mean { column } => vec![column],
            Self::Threshold { of, .. } => of.amounts(),
            _ => Vec::new(),
        }
    }
}

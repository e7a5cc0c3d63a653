//! Why a cohort could not be built.

use utfall_core::WindowError;
use utfall_registry::TableError;

/// Why a cohort could not be built.
///
/// Every message reads on from "cannot build the cohort:".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CohortError {
    /// A table could not be read.
    #[error(transparent)]
    Table(#[from] TableError),

    /// A window holds no day or leaves the calendar.
    #[error(transparent)]
    Window(#[from] WindowError),

    /// The plan names a measure it does not define.
    #[error("no measure is called `{measure}`, defined are {}", defined.join(", "))]
    UnknownMeasure {
        /// The name used.
        measure: String,
        /// The names defined.
        defined: Vec<String>,
    },

    /// A bound is no value of the column's type.
    #[error("rule `{rule}`: the bound `{bound}` is no {expected}")]
    Bound {
        /// The rule.
        rule: String,
        /// The bound as written.
        bound: String,
        /// The type of the column.
        expected: &'static str,
    },

    /// A further day of entry is not before the index date.
    #[error("units would enter on {date}, expected a day before {index_date}, the index date")]
    EntryTooLate {
        /// The day.
        date: chrono::NaiveDate,
        /// The index date.
        index_date: chrono::NaiveDate,
    },

    /// Entry at referral without a referral that gives the day.
    #[error(
        "units would enter the day after they were referred; expected a treatment of kind `referral` whose window ends at `0 days`"
    )]
    NoReferral,

    /// A column has the wrong type for its use.
    #[error("column `{column}` of extract `{extract}` is no {expected}")]
    ColumnType {
        /// The extract.
        extract: String,
        /// The column.
        column: String,
        /// What its use needs.
        expected: &'static str,
    },

    /// No unit meets every rule.
    #[error(
        "nobody is left after rule `{rule}`: of {n_start} units all were lost; see the funnel, and check the rule and the dates of the extracts"
    )]
    Empty {
        /// The rule that lost the last unit.
        rule: String,
        /// Units at the start.
        n_start: u64,
    },

    /// One arm is empty.
    #[error(
        "{n_treated} treated and {n_comparator} comparators are eligible, expected both; check the treatment's window and codes"
    )]
    EmptyArm {
        /// Eligible treated units.
        n_treated: usize,
        /// Eligible comparators.
        n_comparator: usize,
    },
}

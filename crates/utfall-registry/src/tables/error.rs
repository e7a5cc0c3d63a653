//! Why checked tables do not answer a question.

use chrono::NaiveDate;
use utfall_core::Period;
use utfall_files::FileError;

use super::DefinitionFault;
use crate::engine::EngineError;
use crate::quality::QualityReportError;

/// Why checked tables do not answer a question.
///
/// Every message reads on from "cannot read the tables:" and repeats no cell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// No such extract.
    #[error("there is no extract `{extract}`, expected one of {}", list(known))]
    UnknownExtract {
        /// The name used.
        extract: String,
        /// The extracts there are.
        known: Vec<String>,
    },
    /// No such column.
    #[error(
        "extract `{extract}` has no column `{column}`, expected one of {}",
        list(known)
    )]
    UnknownColumn {
        /// The extract.
        extract: String,
        /// The name used.
        column: String,
        /// The columns there are.
        known: Vec<String>,
    },
    /// A column of another type than its use needs.
    #[error("column `{column}` of extract `{extract}` is of type {found}, expected {expected}")]
    ColumnType {
        /// The extract.
        extract: String,
        /// The column.
        column: String,
        /// Its type.
        found: &'static str,
        /// What its use needs.
        expected: &'static str,
    },
    /// A filter's value that the column cannot hold.
    #[error(
        "the filter on column `{column}` of extract `{extract}` names `{value}`, which is no value of type {expected} that the column may hold"
    )]
    FilterValue {
        /// The extract.
        extract: String,
        /// The column.
        column: String,
        /// The value, as the plan writes it.
        value: String,
        /// The column's type.
        expected: &'static str,
    },
    /// An extract that has not been ingested.
    #[error("extract `{extract}` has not been ingested: {source}")]
    NotIngested {
        /// The extract.
        extract: String,
        /// What is absent.
        source: QualityReportError,
    },
    /// A table that is absent.
    #[error(transparent)]
    File(#[from] FileError),
    /// A measure over a period on rows without a date.
    #[error("measure `{measure}` names no time column, expected the date by which its rows count")]
    NoTime {
        /// The measure.
        measure: String,
    },
    /// A measure of episodes with a date beside their start and stop.
    #[error("measure `{measure}` names a time column, but episodes count by their start and stop")]
    NeedlessTime {
        /// The measure.
        measure: String,
    },
    /// A baseline that reaches beyond the index date.
    #[error("the baseline period {period} ends after the index date {index_date}")]
    AfterIndexDate {
        /// The period.
        period: Period,
        /// The index date.
        index_date: NaiveDate,
    },
    /// An outcome asked for before the matched set is sealed.
    #[error(
        "column `{column}` of extract `{extract}` holds an outcome, which nothing that forms the cohort may read"
    )]
    OutcomeColumn {
        /// The extract.
        extract: String,
        /// The column.
        column: String,
    },
    /// An outcome period whose last days may still be registered.
    #[error(
        "the period {period} is not fully reported: extract `{extract}` is only before {reported_before}; wait for a later delivery"
    )]
    NotYetReported {
        /// The extract.
        extract: String,
        /// The period.
        period: Period,
        /// First day that may not be fully reported.
        reported_before: NaiveDate,
    },
    /// Members of several units.
    #[error("{n_members} members of `{extract}` belong to more than one {unit}, expected one each")]
    SeveralUnits {
        /// The extract that says who belongs where.
        extract: String,
        /// What a unit is called.
        unit: String,
        /// How many members.
        n_members: usize,
    },
    /// Ids that name a member and another unit.
    #[error(
        "{n_ids} ids name a member of one {unit} and another {unit}, expected ids that tell them apart"
    )]
    SharedIds {
        /// What a unit is called.
        unit: String,
        /// How many ids.
        n_ids: usize,
    },
    /// Attributes on which a unit's rows differ.
    #[error(
        "column `{column}` of extract `{extract}` has several values for {n_units} units, expected one each"
    )]
    SeveralValues {
        /// The extract.
        extract: String,
        /// The column.
        column: String,
        /// How many units.
        n_units: usize,
    },
    /// Episodes without a tariff.
    #[error(
        "measure `{measure}` meets {n_rows} episodes without a tariff; make the column `required` in the data contract"
    )]
    NoTariff {
        /// The measure.
        measure: String,
        /// How many.
        n_rows: usize,
    },
    /// A measure without a definition for a period.
    #[error("measure `{measure}` cannot be taken: {fault}")]
    Definition {
        /// The measure.
        measure: String,
        /// Why.
        fault: DefinitionFault,
    },
    /// Marks that a measure of sessions does not know.
    #[error(
        "measure `{measure}` meets {n_rows} rows whose mark is in none of its lists; name it under `present`, `absent` or `not-counted`"
    )]
    UnlistedMarks {
        /// The measure.
        measure: String,
        /// How many rows.
        n_rows: i64,
    },
    /// Episodes of a kind that a priority does not know.
    #[error("measure `{measure}` meets {n_rows} episodes whose kind its `priority` does not list")]
    Unranked {
        /// The measure.
        measure: String,
        /// How many.
        n_rows: usize,
    },
    /// Prices in force at once.
    #[error("extract `{extract}` has several prices of one item on one day, expected one")]
    SeveralPrices {
        /// The price list.
        extract: String,
    },
    /// A membership with only one of its dates.
    #[error(
        "memberships in extract `{extract}` name only one of `from` and `until`, expected both or none"
    )]
    HalfDated {
        /// The extract.
        extract: String,
    },
    /// A calendar that the plan does not define.
    #[error("there is no calendar `{calendar}`, expected one of {}", list(known))]
    UnknownCalendar {
        /// The name used.
        calendar: String,
        /// The calendars there are.
        known: Vec<String>,
    },
    /// A period that a calendar does not cover.
    #[error("calendar `{calendar}` covers {covers}, but not all of {period}; extend it")]
    OutsideCalendar {
        /// The calendar.
        calendar: String,
        /// What it covers.
        covers: Period,
        /// The period asked for.
        period: Period,
    },
    /// Versions of a measure in different units.
    #[error(
        "the versions of measure `{measure}` are in different units, expected columns with the same decimals"
    )]
    UnequalUnits {
        /// The measure.
        measure: String,
    },
    /// A measure whose numbers would leave 64 bits.
    #[error(
        "the numbers of measure `{measure}` are so large that they leave 64 bits; give its columns a range"
    )]
    MeasureTooLarge {
        /// The measure.
        measure: String,
    },
    /// A sum that could leave 64 bits.
    #[error(
        "the values of column `{column}` of extract `{extract}` are so large that their sum could leave 64 bits; give the column a range"
    )]
    TooLarge {
        /// The extract.
        extract: String,
        /// The column.
        column: String,
    },
    /// The table engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

fn list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

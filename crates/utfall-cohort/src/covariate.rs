//! Covariates as exact numbers: numerator and denominator, divided only when a kernel needs them.

use chrono::{Datelike, NaiveDate};
use utfall_core::Tally;
use utfall_registry::{Baseline, MeasureSpec, Value};

use crate::build::measure_named;
use crate::{CohortError, CovariateKind, CovariateSpec};

/// One covariate of the whole cohort, in the cohort's unit order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covariate {
    /// Its name in the balance table.
    pub name: String,
    /// Its value for each unit; the denominator is above zero.
    pub tallies: Vec<Tally>,
}

/// Reads a covariate for all units; `None` where it is missing.
pub(crate) fn read(
    baseline: &Baseline<'_>,
    measures: &[MeasureSpec],
    index_date: NaiveDate,
    spec: &CovariateSpec,
) -> Result<Vec<Option<Tally>>, CohortError> {
    match &spec.from {
        CovariateKind::Measure { measure, window } => {
            let tallies = baseline.measure(
                measure_named(measures, measure)?,
                window.around(index_date)?,
            )?;
            Ok(tallies
                .into_iter()
                .map(|tally| (tally.denominator > 0).then_some(tally))
                .collect())
        }
        CovariateKind::Number {
            extract,
            member,
            column,
        } => {
            let values = baseline.attribute(extract, member, column)?;
            values
                .into_iter()
                .map(|value| {
                    value
                        .map(|value| number(&value, extract, column))
                        .transpose()
                })
                .collect()
        }
        CovariateKind::Indicator {
            extract,
            member,
            column,
            code,
        } => {
            let values = baseline.attribute(extract, member, column)?;
            let indicator = |value: Value| match value {
                Value::Text(text) => Ok(whole(i64::from(text == *code))),
                _ => Err(wrong_type(extract, column, "code")),
            };
            values
                .into_iter()
                .map(|value| value.map(indicator).transpose())
                .collect()
        }
        CovariateKind::BirthYear {
            extract,
            member,
            column,
        } => {
            let values = baseline.attribute(extract, member, column)?;
            let year = |value: Value| match value {
                Value::Date(birth) => Ok(whole(i64::from(birth.year()))),
                _ => Err(wrong_type(extract, column, "date")),
            };
            values
                .into_iter()
                .map(|value| value.map(year).transpose())
                .collect()
        }
    }
}

fn number(value: &Value, extract: &str, column: &str) -> Result<Tally, CohortError> {
    match *value {
        Value::Integer(count) => Ok(whole(count)),
        Value::Decimal { units, decimals } => Ok(Tally {
            numerator: units,
            denominator: 10_i64.saturating_pow(u32::from(decimals)),
        }),
        _ => Err(wrong_type(extract, column, "number")),
    }
}

fn whole(count: i64) -> Tally {
    Tally {
        numerator: count,
        denominator: 1,
    }
}

pub(crate) fn wrong_type(extract: &str, column: &str, expected: &'static str) -> CohortError {
    CohortError::ColumnType {
        extract: extract.to_owned(),
        column: column.to_owned(),
        expected,
    }
}

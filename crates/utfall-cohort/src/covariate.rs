//! Covariates as exact numbers: numerator and denominator, divided only when a kernel needs them.

use chrono::{Datelike, NaiveDate};
use utfall_core::Tally;
use utfall_registry::{Baseline, MeasureSpec, Value};

use crate::build::measure_named;
use crate::{Attribute, CohortError, CovariateKind, CovariateSpec};

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
        CovariateKind::Number { attribute } => each(baseline, attribute, |value| number(&value)),
        CovariateKind::Indicator { attribute, code } => {
            each(baseline, attribute, |value| indicator(&value, code))
        }
        CovariateKind::BirthYear { attribute } => each(baseline, attribute, |value| year(&value)),
    }
}

/// Reads an attribute and turns each value that is there into a number.
fn each(
    baseline: &Baseline<'_>,
    attribute: &Attribute,
    convert: impl Fn(Value) -> Result<Tally, &'static str>,
) -> Result<Vec<Option<Tally>>, CohortError> {
    let values = attribute.read(baseline)?;
    let convert = |value: Value| convert(value).map_err(|expected| attribute.wrong_type(expected));
    values
        .into_iter()
        .map(|value| value.map(convert).transpose())
        .collect()
}

fn number(value: &Value) -> Result<Tally, &'static str> {
    match *value {
        Value::Integer(count) => Ok(whole(count)),
        Value::Decimal { units, decimals } => Ok(Tally {
            numerator: units,
            denominator: 10_i64.saturating_pow(u32::from(decimals)),
        }),
        _ => Err("number"),
    }
}

fn indicator(value: &Value, code: &str) -> Result<Tally, &'static str> {
    match value {
        Value::Text(text) => Ok(whole(i64::from(text == code))),
        _ => Err("code"),
    }
}

fn year(value: &Value) -> Result<Tally, &'static str> {
    match value {
        Value::Date(date) => Ok(whole(i64::from(date.year()))),
        _ => Err("date"),
    }
}

fn whole(count: i64) -> Tally {
    Tally {
        numerator: count,
        denominator: 1,
    }
}

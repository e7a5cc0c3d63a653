//! Eligibility rules, each a mask over the units.

use chrono::NaiveDate;
use utfall_core::Tally;
use utfall_registry::{Baseline, MeasureSpec, Value};

use crate::build::measure_named;
use crate::{CohortError, EligibilityKind, EligibilityRule};

/// Whether each unit meets a rule, in the order of the units.
pub(crate) fn check(
    baseline: &Baseline<'_>,
    measures: &[MeasureSpec],
    index_date: NaiveDate,
    rule: &EligibilityRule,
) -> Result<Vec<bool>, CohortError> {
    let tallies =
        |measure: &str, window: &utfall_core::Window| -> Result<Vec<Tally>, CohortError> {
            Ok(baseline.measure(
                measure_named(measures, measure)?,
                window.around(index_date)?,
            )?)
        };
    match &rule.require {
        EligibilityKind::Between {
            attribute,
            from,
            below,
        } => {
            let bounds = Bounds {
                rule: &rule.rule,
                from: from.as_deref(),
                below: below.as_deref(),
            };
            let within =
                |value: Option<Value>| value.map_or(Ok(false), |value| bounds.hold(&value));
            attribute.read(baseline)?.into_iter().map(within).collect()
        }
        EligibilityKind::Among { attribute, codes } => {
            let among = |value: Option<Value>| match value {
                Some(Value::Text(text)) => Ok(codes.contains(&text)),
                None => Ok(false),
                Some(_) => Err(attribute.wrong_type("code")),
            };
            attribute.read(baseline)?.into_iter().map(among).collect()
        }
        EligibilityKind::Covered {
            extract,
            member,
            start,
            stop,
        } => Ok(baseline.covers(extract, member, start, stop)?),
        EligibilityKind::NotYet { attribute } => {
            let values = attribute.read(baseline)?;
            Ok(values.into_iter().map(|value| value.is_none()).collect())
        }
        EligibilityKind::Free { measure, window } => Ok(tallies(measure, window)?
            .into_iter()
            .map(|tally| tally.numerator == 0)
            .collect()),
        EligibilityKind::AtLeast {
            measure,
            window,
            minimum,
        } => {
            let scale = baseline.scale(measure_named(measures, measure)?)?;
            let enough = |tally: Tally| tally.rate().is_some_and(|rate| rate * scale >= *minimum);
            Ok(tallies(measure, window)?.into_iter().map(enough).collect())
        }
        EligibilityKind::Observed { measure, window } => Ok(tallies(measure, window)?
            .into_iter()
            .map(|tally| tally.denominator > 0)
            .collect()),
    }
}

/// The half-open bounds of a rule, as the plan writes them.
struct Bounds<'a> {
    rule: &'a str,
    from: Option<&'a str>,
    below: Option<&'a str>,
}

impl Bounds<'_> {
    fn hold(&self, value: &Value) -> Result<bool, CohortError> {
        match value {
            Value::Integer(count) => self.compare(*count, "whole number", |text| text.parse().ok()),
            Value::Date(date) => self.compare(*date, "date such as 2024-01-31", |text| {
                text.parse::<NaiveDate>().ok()
            }),
            Value::Decimal { units, decimals } => {
                self.compare(*units, "decimal number such as 12.5", |text| {
                    scaled(text, *decimals)
                })
            }
            Value::Text(text) => self.compare(text.clone(), "text", |bound| Some(bound.to_owned())),
        }
    }

    fn compare<T: PartialOrd>(
        &self,
        value: T,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<bool, CohortError> {
        let bound = |text: &str| {
            parse(text).ok_or_else(|| CohortError::Bound {
                rule: self.rule.to_owned(),
                bound: text.to_owned(),
                expected,
            })
        };
        let from = self.from.map(bound).transpose()?;
        let below = self.below.map(bound).transpose()?;
        Ok(from.is_none_or(|from| from <= value) && below.is_none_or(|below| value < below))
    }
}

/// A decimal text as whole units of `10^-decimals`; `None` if it is no number or has more decimals.
fn scaled(text: &str, decimals: u8) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let missing = usize::from(decimals).checked_sub(fraction.len())?;
    format!("{whole}{fraction}{}", "0".repeat(missing))
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_half_open_and_a_bad_bound_is_named() {
        let bounds = Bounds {
            rule: "born 2007",
            from: Some("2007-01-01"),
            below: Some("2008-01-01"),
        };
        let date = |text: &str| Value::Date(text.parse().unwrap());
        assert!(bounds.hold(&date("2007-01-01")).unwrap());
        assert!(!bounds.hold(&date("2008-01-01")).unwrap());
        let error = bounds.hold(&Value::Integer(3)).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`2007-01-01` is no whole number")
        );
    }

    #[test]
    fn decimals_are_compared_as_whole_units() {
        assert_eq!(scaled("12.5", 1), Some(125));
        assert_eq!(scaled("12", 2), Some(1200));
        assert_eq!(scaled("12.55", 1), None);
    }
}

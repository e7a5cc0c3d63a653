//! A model of a request as the estimator of an effect: rows made of the sealed units and their
//! outcomes, the model on them, and which numbers of its answer are the effect.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utfall_core::{ConfidenceLevel, Offset, Period, Window, WindowError};
use utfall_effects::{DegreesOfFreedom, Inference, StandardError};
use utfall_request::Request;

/// A model on the sealed units.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModelSpec {
    /// What a row is.
    pub rows: RowsSpec,
    /// Further measures than that of the effect, each a column under its name.
    #[serde(default)]
    pub measures: Vec<String>,
    /// The request, without `schema` and `data`.
    pub request: ModelRequest,
    /// The numbers of its answer that are the effect.
    pub reads: Reads,
    /// Level of the interval: that of the request where its ends are read.
    pub confidence_level: ConfidenceLevel,
}

/// What a row is, and so which columns it has beside measures, covariates and attributes.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(
    tag = "each",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum RowsSpec {
    /// Each appearance of a unit in the design, measured over the effect's window: `unit`, `arm`
    /// (`treated`, `comparator`), `treated` (1, 0), `set`, `weight`.
    Unit,
    /// A unit in a period: `unit`, `arm`, `treated`, `period`, `start` (the period in which a treated unit
    /// entered, empty for others), and `weight` where no unit enters on several days.
    UnitAndPeriod(Periods),
    /// A period: `period`, and for each measure `MEASURE treated` and `MEASURE comparator`, the weighted
    /// means of the arms.
    Period(Periods),
}

/// Periods of equal length: period 0 begins with the window of the effect, on the index date, those before
/// it are negative, and the last ends with the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Periods {
    /// Length of a period.
    pub length: Offset,
    /// Number of periods before the index date.
    pub before: u16,
}

/// Names of the answer's numbers, such as `overall.dynamic` and `overall_se.dynamic`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reads {
    /// In which unit the effect is.
    pub scale: EffectScale,
    /// The point.
    pub point: String,
    /// Its standard error.
    pub standard_error: String,
    /// Both ends of the interval; without them it is that of the normal distribution.
    pub interval: Option<[String; 2]>,
    /// The p-value; without it that of the normal distribution.
    pub p_value: Option<String>,
    /// The test that effects before the start are all zero, for the contract: `pretest_p`.
    pub pretrend_p: Option<String>,
}

/// In which unit an effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectScale {
    /// That of the outcome: means of the outcome and their plain difference stand beside it.
    Outcome,
    /// One of its own, such as a log hazard ratio: nothing stands beside it, and there is no effect
    /// relative to comparators.
    Own,
}

/// A model of a request, checked, and as it was written.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct ModelRequest {
    request: Request,
    written: Map<String, Value>,
}

impl ModelRequest {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The word for the model: its key, such as `staggered`.
    #[must_use]
    pub fn model(&self) -> &str {
        let mut keys = self.written.keys().map(String::as_str);
        keys.find(|key| Request::is_model(key)).unwrap_or("model")
    }

    /// The level of the model's intervals, where it states one.
    fn confidence_level(&self) -> Option<ConfidenceLevel> {
        let level = self.written.get(self.model())?.get("confidence-level")?;
        ConfidenceLevel::deserialize(level).ok()
    }

    /// The same with other units named as treated, where the model names them.
    ///
    /// # Errors
    ///
    /// A message that says why there is no such request.
    pub fn naming(&self, treated: &BTreeSet<&str>) -> Result<Self, String> {
        let mut written = self.written.clone();
        if let Some(Value::Object(part)) = written.get_mut("synthetic") {
            let names = treated.iter().map(|&name| name.into()).collect();
            part.insert("treated".to_owned(), Value::Array(names));
        }
        Self::try_from(written)
    }

    /// The request as JSON, without `schema` and `data`.
    #[must_use]
    pub fn to_json(&self) -> String {
        Value::Object(self.written.clone()).to_string()
    }
}

impl TryFrom<Map<String, Value>> for ModelRequest {
    type Error = String;

    fn try_from(written: Map<String, Value>) -> Result<Self, String> {
        let request = Request::on_rows(written.clone()).map_err(|error| error.to_string())?;
        Ok(Self { request, written })
    }
}

impl From<ModelRequest> for Map<String, Value> {
    fn from(request: ModelRequest) -> Self {
        request.written
    }
}

impl ModelSpec {
    /// What stands in for a plan's `inference`: a model has errors of its own.
    #[must_use]
    pub fn inference(&self) -> Inference {
        Inference {
            standard_error: StandardError::Hc0,
            degrees_of_freedom: DegreesOfFreedom::Normal,
            confidence_level: self.confidence_level,
        }
    }

    /// Refuses an interval that is read at one level and called by another.
    ///
    /// # Errors
    ///
    /// A message that names both levels.
    pub fn check_level(&self) -> Result<(), String> {
        let asked = self.request.confidence_level();
        let called = self.confidence_level;
        match asked.filter(|asked| self.reads.interval.is_some() && *asked != called) {
            Some(asked) => Err(format!(
                "the interval that is read has confidence level {}, and `confidence-level` of the estimator is {}; give them one level",
                asked.fraction(),
                called.fraction()
            )),
            None => Ok(()),
        }
    }

    /// The periods, where rows are of periods.
    #[must_use]
    pub fn periods(&self) -> Option<Periods> {
        match self.rows {
            RowsSpec::Unit => None,
            RowsSpec::UnitAndPeriod(periods) | RowsSpec::Period(periods) => Some(periods),
        }
    }

    /// Whether a unit is followed over periods, so that units may start on several days.
    #[must_use]
    pub fn is_panel(&self) -> bool {
        matches!(self.rows, RowsSpec::UnitAndPeriod(_))
    }
}

impl Periods {
    /// The window of a period around the first day of period 0.
    #[must_use]
    pub fn window(&self, number: i32) -> Window {
        Window {
            start: self.length.times(number),
            end: self.length.times(number + 1),
        }
    }

    /// Number of the first period.
    #[must_use]
    pub fn first(&self) -> i32 {
        -i32::from(self.before)
    }

    /// Numbers of the periods that fill these days and lie before them, if any do; none begins before the
    /// first that lies before the index date.
    ///
    /// # Errors
    ///
    /// [`WindowError`] if a day lies outside the calendar.
    pub fn numbers(
        &self,
        filled: Period,
        index_date: chrono::NaiveDate,
    ) -> Result<Option<Range<i32>>, WindowError> {
        let Some(until) = self.until(filled)? else {
            return Ok(None);
        };
        let earliest = self.window(self.first()).start.from(index_date)?;
        let mut first = self.first();
        while self.window(first).start.from(filled.start())? < earliest {
            first += 1;
        }
        Ok(Some(first..until))
    }

    /// Number after that of the last period, if periods fill these days.
    ///
    /// # Errors
    ///
    /// [`WindowError`] if a day lies outside the calendar.
    fn until(&self, filled: Period) -> Result<Option<i32>, WindowError> {
        let (start, end) = (filled.start(), filled.end());
        for number in 0..=i32::from(u16::MAX) {
            let day = self.length.times(number).from(start)?;
            if day >= end {
                return Ok((day == end && number > 0).then_some(number));
            }
            if number > 0 && day <= start {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: &str, end: &str) -> Window {
        Window {
            start: start.parse().unwrap(),
            end: end.parse().unwrap(),
        }
    }

    #[test]
    fn an_interval_is_called_by_the_level_it_has() {
        let spec = |level: f64, interval: &str| {
            let text = format!(
                r#"
rows = {{ each = "unit" }}
confidence-level = {level}
reads = {{ scale = "outcome", point = "p", standard-error = "s"{interval} }}

[request.survival]
time = "t"
event = "e"
group = "arm"
times = [91.0]
interval = "log-log"
restricted-means = [364.0]
compare = {{ treated = "treated", comparator = "comparator" }}
rho = 0.0
confidence-level = 0.9
"#
            );
            toml::from_str::<ModelSpec>(&text).unwrap()
        };
        let ends = r#", interval = ["low", "high"]"#;
        let said = spec(0.95, ends).check_level().unwrap_err();
        assert!(said.contains("0.9, ") && said.contains("0.95"), "{said}");
        assert_eq!(spec(0.9, ends).check_level(), Ok(()));
        assert_eq!(spec(0.95, "").check_level(), Ok(()));
    }

    #[test]
    fn periods_fill_a_window_or_are_none() {
        let day = "2009-01-01".parse().unwrap();
        let years = |length: &str| Periods {
            length: length.parse().unwrap(),
            before: 9,
        };
        let until = |length: &str, start, end| {
            let filled = window(start, end).around(day).unwrap();
            years(length).until(filled).unwrap()
        };
        assert_eq!(until("12 months", "0 days", "24 months"), Some(2));
        assert_eq!(until("12 months", "0 days", "30 months"), None);
        assert_eq!(until("12 months", "1 days", "24 months"), None);
        assert_eq!(until("12 months", "-24 months", "0 days"), Some(2));
        assert_eq!(until("0 days", "0 days", "24 months"), None);
        assert_eq!(until("-1 days", "0 days", "24 months"), None);
        assert_eq!(years("12 months").first(), -9);
        let two_years_before = window("-24 months", "0 months").around(day).unwrap();
        let numbers = years("12 months").numbers(two_years_before, day).unwrap();
        assert_eq!(numbers, Some(-7..2));
        assert_eq!(
            years("12 months").window(-9),
            window("-108 months", "-96 months")
        );
    }
}

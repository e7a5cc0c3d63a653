//! Every number an answer holds, by name.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_stats::normal;

use crate::Warning;

/// The answer to a request: the estimand it speaks of and every number by name.
///
/// Serialised, it is one JSON object: `estimand`, each number under its name, and the numbers of
/// covariates under the name of the number and then that of the covariate, as in
/// `{"estimand": "att", "n_treated": 185, "smd": {"age": 0.07}}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Whom the estimate speaks of: `matched-treated` where matching left out any treated unit.
    /// `None` where the request names no estimand, as for a table of coefficients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimand: Option<Estimand>,
    /// Every number.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// Numbers by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers {
    plain: BTreeMap<String, Number>,
    warnings: Vec<Warning>,
    by_covariate: BTreeMap<String, BTreeMap<String, f64>>,
}

/// A whole number or a real one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
enum Number {
    Count(usize),
    Real(f64),
}

impl Numbers {
    /// A number by its name, or by `name.covariate`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        if let Some(number) = self.plain.get(name) {
            return Some(match *number {
                Number::Count(count) => utfall_stats::moments::count(count),
                Number::Real(value) => value,
            });
        }
        let (name, covariate) = name.split_once('.')?;
        self.by_covariate.get(name)?.get(covariate).copied()
    }

    /// The numbers that one name holds by covariate, time or group, in the order of their keys as text.
    pub fn each(&self, name: &str) -> impl Iterator<Item = (&str, f64)> {
        self.by_covariate
            .get(name)
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), *value))
    }

    /// The names whose numbers are by covariate, time or group, in the order of text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_covariate.keys().map(String::as_str)
    }

    /// Every number under its full name, `name` or `name.covariate`, as [`Numbers::get`] takes it.
    pub fn flat(&self) -> impl Iterator<Item = (String, f64)> {
        let plain = self.plain.iter().map(|(name, number)| {
            let value = match *number {
                Number::Count(count) => utfall_stats::moments::count(count),
                Number::Real(value) => value,
            };
            (name.clone(), value)
        });
        plain.chain(self.by_covariate.iter().flat_map(|(name, each)| {
            each.iter()
                .map(move |(key, value)| (format!("{name}.{key}"), *value))
        }))
    }

    /// Numbers that were kept by their full names.
    #[must_use]
    pub fn of_flat<'a>(all: impl IntoIterator<Item = (&'a str, f64)>) -> Self {
        let mut numbers = Self::default();
        for (name, value) in all {
            match name.split_once('.') {
                Some((name, key)) => numbers.covariate(name, key, value),
                None => numbers.real(name, value),
            }
        }
        numbers
    }

    /// What to know before these numbers are used.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub(crate) fn count(&mut self, name: &str, count: usize) {
        self.plain.insert(name.to_owned(), Number::Count(count));
    }

    pub(crate) fn real(&mut self, name: &str, value: f64) {
        self.plain.insert(name.to_owned(), Number::Real(value));
    }

    /// A number of a block with what its normal error says; without one where that is zero.
    pub(crate) fn normal(
        &mut self,
        (block, key): (&str, &str),
        suffix: &str,
        (point, error): (f64, f64),
        level: ConfidenceLevel,
    ) {
        self.covariate(block, key, point);
        if error.is_nan() || error <= 0.0 {
            return;
        }
        let reach = normal::quantile(0.5 * (1.0 + level.fraction())) * error;
        for (what, value) in [
            ("se", error),
            ("t", point / error),
            ("p", normal::two_sided_p(point / error)),
            ("ci_low", point - reach),
            ("ci_high", point + reach),
        ] {
            self.covariate(&format!("{block}_{what}{suffix}"), key, value);
        }
    }

    pub(crate) fn covariate(&mut self, name: &str, covariate: &str, value: f64) {
        self.by_covariate
            .entry(name.to_owned())
            .or_default()
            .insert(covariate.to_owned(), value);
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        for (name, number) in &self.plain {
            map.serialize_entry(name, number)?;
        }
        for (name, covariates) in &self.by_covariate {
            map.serialize_entry(name, covariates)?;
        }
        if !self.warnings.is_empty() {
            map.serialize_entry("warnings", &self.warnings)?;
        }
        map.end()
    }
}

//! `[structural-series]`: what a series would have been, from its own past and other series.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::EffectError;
use utfall_effects::series::{Components, Structural, Trend, continue_series};
use utfall_stats::moments::count;

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// A series with a drifting level, continued beyond an intervention.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StructuralSeries {
    /// The outcome.
    pub outcome: String,
    /// Column of times, one step apart, in whose order rows are taken.
    pub time: String,
    /// The first time of the intervention.
    pub from: f64,
    /// How the level goes.
    pub trend: Trend,
    /// Times in a cycle of seasons.
    pub season: Option<usize>,
    /// Series that the intervention does not touch.
    #[serde(default)]
    pub regressors: Vec<String>,
    /// Level of intervals, which are normal.
    pub confidence_level: ConfidenceLevel,
}

impl Part for StructuralSeries {
    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let (table, time) = table.in_time(&self.time)?;
        let names = &self.regressors;
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(names, line, error)
        };
        let step = if time.len() > 1 {
            time[1] - time[0]
        } else {
            1.0
        };
        let is_off = |row: &usize| (time[*row] - time[row - 1] - step).abs() > 1e-6 * step;
        if let Some(row) = (1..time.len()).find(is_off) {
            return Err(refused(EffectError::GapInPanel { row }));
        }
        let outcome = term(&table, &self.outcome, None)?;
        let columns: Vec<Vec<f64>> = names
            .iter()
            .map(|name| term(&table, name, None))
            .collect::<Result<_, _>>()?;
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let n_before = time.partition_point(|&known| known < self.from);
        let components = Components {
            trend: self.trend,
            season: self.season,
        };
        let found = continue_series(&outcome, &slices, n_before, components).map_err(refused)?;
        numbers.count("n_before", n_before);
        numbers.count("n_after", outcome.len() - n_before);
        self.put_model(&found, numbers);
        self.put_effects(&found, &time[n_before..], &outcome[n_before..], numbers);
        for (time, outcome) in time.iter().zip(&outcome) {
            numbers.covariate("observed_path", &time.to_string(), *outcome);
        }
        Ok(None)
    }
}

impl StructuralSeries {
    fn put_model(&self, found: &Structural, numbers: &mut Numbers) {
        let variances = [
            ("irregular", Some(found.irregular)),
            ("level", Some(found.level)),
            ("slope", found.slope),
            ("season", found.season),
        ];
        for (part, variance) in variances {
            if let Some(variance) = variance {
                numbers.covariate("variance", part, variance);
            }
        }
        numbers.real("log_likelihood", found.log_likelihood);
        for (name, &pair) in self.regressors.iter().zip(&found.coefficients) {
            numbers.normal(("coef", name), "", pair, self.confidence_level);
        }
    }

    fn put_effects(
        &self,
        found: &Structural,
        times: &[f64],
        observed: &[f64],
        numbers: &mut Numbers,
    ) {
        let level = self.confidence_level;
        for (at, time) in times.iter().enumerate() {
            let key = time.to_string();
            let (expected, error) = found.forecast[at];
            numbers.covariate("counterfactual_path", &key, expected);
            let effect = observed[at] - expected;
            numbers.normal(("effect", &key), "", (effect, error), level);
            numbers.normal(("cumulative", &key), "", found.cumulative[at], level);
        }
        if let Some(&(total, error)) = found.cumulative.last() {
            let n = count(times.len());
            numbers.normal(("overall", "total"), "", (total, error), level);
            numbers.normal(("overall", "average"), "", (total / n, error / n), level);
        }
    }
}

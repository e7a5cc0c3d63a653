//! `[stacked]`: difference-in-differences on the rows around each group's start, one group below the other.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::panel::{CleanControls, Design, FixedEffect, Stack, fit_absorbed, stack};
use utfall_effects::{EffectError, Grouping};
use utfall_stats::moments::count;

use crate::files::Files;
use crate::model::Part;
use crate::panel_errors::{Combination, PanelError, Reported};
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Effects of a treatment that units take up at different times, by a stack.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stacked {
    /// Column of units.
    pub unit: String,
    /// Column of times.
    pub time: String,
    /// The outcome.
    pub outcome: String,
    /// Column of when the unit starts; an empty cell, or one of `never`, is never.
    pub start: String,
    /// Cells of `start` that mean never.
    #[serde(default)]
    pub never: Vec<String>,
    /// Times before and after a start that are stacked.
    pub window: [f64; 2],
    /// Who is compared with.
    pub comparators: CleanControls,
    /// How groups count.
    pub weights: StackWeights,
    /// The time since the start that others are compared with.
    pub reference: f64,
    /// Standard errors as in `[fixed-effects]`.
    pub errors: Vec<PanelError>,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// How groups count in a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StackWeights {
    /// As their treated units (Wing, Freedman and Hollingsworth), beside effects of arm and exposure.
    Corrective,
    /// As least squares weighs them (Cengiz et al.), beside effects of unit and time in each group's stack.
    None,
}

impl Part for Stacked {
    fn check(&self) -> Result<(), RequestError> {
        RequestError::first_contradiction([
            (self.errors.is_empty(), "`errors`", "give a standard error"),
            (
                self.window.iter().any(|side| side.is_nan() || *side < 0.0),
                "`window`",
                "give times before and after as numbers of at least zero",
            ),
        ])?;
        self.errors.iter().try_for_each(PanelError::check)
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let unit = Grouping::of(&table.texts(&self.unit)?);
        let start = table.numbers_or_never(&self.start, &self.never)?;
        let time = table.numbers(&self.time)?;
        let [before, after] = self.window;
        let stacked =
            stack(&unit, &time, &start, (before, after), self.comparators).map_err(|error| {
                let line = error.row().and_then(|row| table.line(row));
                RequestError::effect(&[], line, error)
            })?;
        numbers.count("n_stacked", stacked.row.len());
        numbers.count("n_groups", stacked.groups.len());
        numbers.count("n_groups_left_out", stacked.left_out.len());
        for (group, weight) in stacked.groups.iter().zip(&stacked.comparator_weight) {
            numbers.covariate("comparator_weight", &group.to_string(), *weight);
        }
        let rows = table.select(&stacked.row);
        self.fit(&rows, &stacked, false, numbers)?;
        if self.weights == StackWeights::None {
            self.fit(&rows, &stacked, true, numbers)?;
        }
        Ok(Some(Estimand::Att))
    }
}

impl Stacked {
    fn fit(
        &self,
        rows: &Table,
        stacked: &Stack,
        is_static: bool,
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        let n = stacked.row.len();
        let mut exposures = stacked.exposure.clone();
        exposures.sort_by(f64::total_cmp);
        exposures.dedup();
        exposures.retain(|at| at.total_cmp(&self.reference).is_ne());
        let indicator = |holds: &dyn Fn(f64) -> bool| -> Vec<f64> {
            let row = |row: usize| stacked.treated[row] && holds(stacked.exposure[row]);
            (0..n).map(|i| f64::from(u8::from(row(i)))).collect()
        };
        let columns: Vec<Vec<f64>> = if is_static {
            vec![indicator(&|at| at >= 0.0)]
        } else {
            exposures
                .iter()
                .map(|&wanted| indicator(&|at: f64| at.total_cmp(&wanted).is_eq()))
                .collect()
        };
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let bits = |values: &[f64]| -> Vec<u64> { values.iter().map(|x| x.to_bits()).collect() };
        let (groups, at) = (bits(&stacked.group), bits(&stacked.exposure));
        let (absorb, weight) = match self.weights {
            StackWeights::Corrective => (
                [Grouping::of(&stacked.treated), Grouping::of(&at)],
                stacked.weight.clone(),
            ),
            StackWeights::None => {
                let pairs = |labels: Vec<String>| {
                    let pairs: Vec<(String, u64)> =
                        labels.into_iter().zip(groups.clone()).collect();
                    Grouping::of(&pairs)
                };
                (
                    [
                        pairs(rows.texts(&self.unit)?),
                        pairs(rows.texts(&self.time)?),
                    ],
                    vec![1.0; n],
                )
            }
        };
        let absorb = absorb.map(FixedEffect::constants);
        let outcome = term(rows, &self.outcome, None)?;
        let design = Design {
            outcome: &outcome,
            columns: &columns,
            endogenous: &[],
            instruments: &[],
            weight: &weight,
            absorb: &absorb,
        };
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| rows.line(row));
            RequestError::effect(&[], line, error)
        };
        let fit = fit_absorbed(&design).map_err(refused)?;
        let combination = |block: &str, key: String, per_column: Vec<f64>| Combination {
            block: block.to_owned(),
            key,
            per_column,
        };
        let mut wanted = Vec::new();
        if is_static {
            wanted.push(combination("overall", "static".to_owned(), vec![1.0]));
        } else {
            let one = |k: usize| {
                (0..exposures.len())
                    .map(|j| f64::from(u8::from(j == k)))
                    .collect()
            };
            for (k, at) in exposures.iter().enumerate() {
                wanted.push(combination("dynamic", at.to_string(), one(k)));
            }
            let after = exposures.iter().filter(|&&at| at >= 0.0).count();
            let even = |at: &f64| if *at >= 0.0 { 1.0 / count(after) } else { 0.0 };
            let average = exposures.iter().map(even).collect();
            wanted.push(combination("overall", "average".to_owned(), average));
        }
        let reported = Reported {
            table: rows,
            fit: &fit,
            design: &design,
            errors: &self.errors,
            level: self.confidence_level,
        };
        reported.put(&wanted, numbers, &refused, &mut |_, _, _| Ok(()))
    }
}

//! `[staggered-synthetic]`: synthetic comparisons where treatment begins at different times.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::EffectError;
use utfall_effects::synthetic::{
    Adoption, AdoptionCohort, Method, StaggeredSynthetic, staggered, staggered_jackknife,
};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::synthetic::{Drawn, DrawnError, balanced};
use crate::table::Table;
use crate::{Numbers, RequestError};

/// A synthetic comparison for each time treatment begins, and their average.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StaggeredSyntheticControl {
    /// Column of units.
    pub unit: String,
    /// Column of times.
    pub time: String,
    /// The outcome.
    pub outcome: String,
    /// Column of when the unit starts treatment; an empty cell, or one of `never`, is never.
    pub start: String,
    /// Cells of `start` that mean never.
    #[serde(default)]
    pub never: Vec<String>,
    /// How units and times are weighted.
    pub method: Method,
    /// Whether to leave out each unit in turn, weights held fixed.
    #[serde(default)]
    pub jackknife: bool,
    /// Errors by drawing units.
    #[serde(default)]
    pub draws: Vec<DrawnError>,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// The panel by cohort, with names.
struct Arranged {
    adoption: Adoption,
    donors: Vec<String>,
    starts: Vec<f64>,
    times: Vec<f64>,
}

impl Part for StaggeredSyntheticControl {
    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let arranged = self.arranged(table)?;
        let adoption = &arranged.adoption;
        let refused = |error| RequestError::effect(&[], None, error);
        let found = staggered(adoption, self.method).map_err(refused)?;
        numbers.real("estimate", found.effect);
        numbers.count("n_donors", adoption.donors.len());
        numbers.count("n_cohorts", adoption.cohorts.len());
        put_cohorts(&arranged, &found, numbers);
        if self.jackknife {
            let error = staggered_jackknife(adoption, &found).map_err(refused)?;
            let pair = (found.effect, error);
            numbers.normal(("drawn", "jackknife"), "", pair, self.confidence_level);
        }
        let drawn = Drawn {
            adoption,
            method: self.method,
            own: &found,
            level: self.confidence_level,
        };
        drawn.put(&self.draws, numbers).map_err(refused)?;
        Ok(Some(Estimand::Att))
    }
}

fn put_cohorts(arranged: &Arranged, found: &StaggeredSynthetic, numbers: &mut Numbers) {
    let cohorts = arranged.starts.iter().zip(&arranged.adoption.cohorts);
    for ((start, cohort), (one, share)) in cohorts.zip(found.cohorts.iter().zip(&found.share)) {
        let key = start.to_string();
        numbers.covariate("cohort", &key, one.effect);
        numbers.covariate("share", &key, *share);
        let n_treated = utfall_stats::moments::count(cohort.treated.len());
        numbers.covariate("n_treated_of", &key, n_treated);
        for (name, weight) in arranged.donors.iter().zip(&one.donors.weight) {
            numbers.covariate("cohort_weight", &format!("{key}, {name}"), *weight);
        }
        for (time, weight) in arranged.times.iter().zip(&one.times) {
            numbers.covariate("cohort_time_weight", &format!("{key}, {time}"), *weight);
        }
        for (time, gap) in arranged.times.iter().zip(&one.gap) {
            numbers.covariate("cohort_gap", &format!("{key}, {time}"), *gap);
        }
    }
}

impl StaggeredSyntheticControl {
    fn arranged(&self, table: &Table) -> Result<Arranged, RequestError> {
        let outcome = term(table, &self.outcome, None)?;
        let start = table.numbers_or_never(&self.start, &self.never)?;
        let (times, by_unit) = balanced(table, &self.unit, &self.time)?;
        let mut donors = Vec::new();
        let mut adoption = Adoption {
            donors: Vec::new(),
            cohorts: Vec::new(),
        };
        let mut cohorts: BTreeMap<usize, (f64, Vec<Vec<f64>>)> = BTreeMap::new();
        for (unit, rows) in by_unit {
            let own = start[rows[0]];
            if let Some(&row) = rows.iter().find(|&&row| start[row] != own) {
                let error = EffectError::StartVaries { row };
                return Err(RequestError::effect(&[], table.line(row), error));
            }
            let values = rows.iter().map(|&row| outcome[row]).collect();
            // A start beyond the last time is never seen.
            match own.map(|own| (own, times.partition_point(|&known| known < own))) {
                Some((own, n_before)) if n_before < times.len() => {
                    let cohort = cohorts.entry(n_before).or_insert_with(|| (own, Vec::new()));
                    cohort.1.push(values);
                }
                _ => {
                    adoption.donors.push(values);
                    donors.push(unit);
                }
            }
        }
        let starts = cohorts.values().map(|(own, _)| *own).collect();
        adoption.cohorts = cohorts
            .into_iter()
            .map(|(n_before, (_, treated))| AdoptionCohort { treated, n_before })
            .collect();
        Ok(Arranged {
            adoption,
            donors,
            starts,
            times,
        })
    }
}

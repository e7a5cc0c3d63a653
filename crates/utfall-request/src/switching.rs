//! `[switching]`: effects of a treatment of any dose, on and off, by time since its first change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::panel::{SwitcherCohorts, SwitcherEffect, Switchers, per_dose};
use utfall_effects::{EffectError, Grouping};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Effects by time since a unit's dose first changed (de Chaisemartin and D'Haultfœuille).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Switching {
    /// Column of units.
    pub unit: String,
    /// Column of times.
    pub time: String,
    /// The outcome.
    pub outcome: String,
    /// The dose: zeros and ones, or any number.
    pub dose: String,
    /// How many times from the change on are wanted.
    pub effects: i32,
    /// How many placebos are wanted.
    pub placebos: i32,
    /// What the influence of a unit is centred at.
    pub cohorts: SwitcherCohorts,
    /// Column of clusters that units lie in; without it every unit is its own.
    pub cluster_by: Option<String>,
    /// Level of the intervals, which are normal.
    pub confidence_level: ConfidenceLevel,
}

impl Part for Switching {
    fn check(&self) -> Result<(), RequestError> {
        RequestError::first_contradiction([(
            self.effects < 1 || self.placebos < 0,
            "`effects` or `placebos`",
            "ask for at least one effect, and for placebos or none",
        )])
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let unit = Grouping::of(&table.texts(&self.unit)?);
        let (time, dose) = (table.numbers(&self.time)?, term(table, &self.dose, None)?);
        let outcome = term(table, &self.outcome, None)?;
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&[], line, error)
        };
        let mut panel = Switchers::new(&unit, &time, &dose, &outcome).map_err(refused)?;
        numbers.count("n_units", unit.n_groups());
        let way = self.clusters(table, &panel.first_rows())?;
        let clusters = way.as_ref();
        if let Some(way) = clusters {
            numbers.count("n_clusters", way.n_groups());
            panel = panel.clustered(way).map_err(refused)?;
        }
        let mut effects: Vec<SwitcherEffect> = Vec::new();
        for horizon in (-self.placebos..0).chain(1..=self.effects) {
            let found = panel.effect(horizon, self.cohorts).map_err(refused)?;
            let key = horizon.to_string();
            let influence = summed(clusters, &found.influence);
            self.put_estimate("dynamic", &key, found.point, &influence, numbers);
            let whole = utfall_stats::moments::count;
            numbers.covariate("n_switchers", &key, whole(found.n_switchers));
            numbers.covariate("n_cells", &key, whole(found.n_cells));
            if horizon > 0 {
                effects.push(found);
            }
        }
        let (point, influence) = per_dose(&effects);
        // moderndid 0.2.0 takes units as independent there, whatever the clusters.
        let together = clusters.filter(|_| self.cohorts != SwitcherCohorts::Moderndid);
        let influence = summed(together, &influence);
        self.put_estimate("overall", "per-dose", point, &influence, numbers);
        Ok(Some(Estimand::Att))
    }
}

/// Influences of units, or what those of a cluster add up to.
fn summed(clusters: Option<&Grouping>, influence: &[f64]) -> Vec<f64> {
    clusters.map_or_else(|| influence.to_vec(), |way| way.sums(influence))
}

impl Switching {
    /// The cluster of each unit, all of whose rows lie in one.
    fn clusters(
        &self,
        table: &Table,
        first_rows: &[usize],
    ) -> Result<Option<Grouping>, RequestError> {
        let Some(column) = &self.cluster_by else {
            return Ok(None);
        };
        let (cells, units) = (table.texts(column)?, table.texts(&self.unit)?);
        let of_unit: BTreeMap<&str, &str> = (first_rows.iter())
            .map(|&row| (units[row].as_str(), cells[row].as_str()))
            .collect();
        let moves = |row: &usize| of_unit.get(units[*row].as_str()) != Some(&cells[*row].as_str());
        if (0..cells.len()).any(|row| moves(&row)) {
            return Err(RequestError::Contradiction {
                what: "a unit that lies in several clusters of `cluster-by`".to_owned(),
                remedy: "name a column that does not change within a unit",
            });
        }
        let labels: Vec<&str> = first_rows.iter().map(|&row| cells[row].as_str()).collect();
        Ok(Some(Grouping::of(&labels)))
    }

    fn put_estimate(
        &self,
        block: &str,
        key: &str,
        point: f64,
        influence: &[f64],
        numbers: &mut Numbers,
    ) {
        let error = utfall_stats::sums::dot(influence, influence).sqrt();
        numbers.normal((block, key), "", (point, error), self.confidence_level);
    }
}

//! `[switching]`: effects of a treatment of any dose, on and off, by time since its first change.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::panel::{SwitcherCohorts, SwitcherEffect, Switchers, per_dose};
use utfall_effects::{EffectError, Grouping};
use utfall_stats::normal;

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
        let panel = Switchers::new(&unit, &time, &dose, &outcome).map_err(refused)?;
        numbers.count("n_units", unit.n_groups());
        let mut effects: Vec<SwitcherEffect> = Vec::new();
        for horizon in (-self.placebos..0).chain(1..=self.effects) {
            let found = panel.effect(horizon, self.cohorts).map_err(refused)?;
            let key = horizon.to_string();
            self.put_estimate("dynamic", &key, found.point, &found.influence, numbers);
            let whole = utfall_stats::moments::count;
            numbers.covariate("n_switchers", &key, whole(found.n_switchers));
            numbers.covariate("n_cells", &key, whole(found.n_cells));
            if horizon > 0 {
                effects.push(found);
            }
        }
        let (point, influence) = per_dose(&effects);
        self.put_estimate("overall", "per-dose", point, &influence, numbers);
        Ok(Some(Estimand::Att))
    }
}

impl Switching {
    fn put_estimate(
        &self,
        block: &str,
        key: &str,
        point: f64,
        influence: &[f64],
        numbers: &mut Numbers,
    ) {
        let error = utfall_stats::sums::dot(influence, influence).sqrt();
        let reach = normal::quantile(0.5 * (1.0 + self.confidence_level.fraction())) * error;
        numbers.covariate(block, key, point);
        if error > 0.0 {
            for (what, value) in [
                ("se", error),
                ("t", point / error),
                ("p", normal::two_sided_p(point / error)),
                ("ci_low", point - reach),
                ("ci_high", point + reach),
            ] {
                numbers.covariate(&format!("{block}_{what}"), key, value);
            }
        }
    }
}

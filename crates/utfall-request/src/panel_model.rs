//! `[panel-model]`: panel models of the textbook beside fixed effects.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::panel::{ClassicFit, ClassicPanel};
use utfall_effects::{EffectError, Grouping};
use utfall_stats::moments::count;
use utfall_stats::{normal, student_t};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// A panel model that is not of fixed effects, on a balanced panel.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PanelModel {
    /// Column of units.
    pub unit: String,
    /// Column of times.
    pub time: String,
    /// The outcome.
    pub outcome: String,
    /// Terms beside the constant.
    pub terms: Vec<String>,
    /// The model.
    pub model: PanelModelKind,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// Panel models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PanelModelKind {
    /// Means of units.
    Between,
    /// Changes from one time to the next.
    FirstDifference,
    /// Random effects of units (Swamy and Arora), with Hausman's test.
    RandomEffects,
    /// Averages of regressions at each time (Fama and MacBeth).
    FamaMacbeth,
}

impl Part for PanelModel {
    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let unit = Grouping::of(&table.texts(&self.unit)?);
        let time = table.numbers(&self.time)?;
        let outcome = term(table, &self.outcome, None)?;
        let columns: Vec<Vec<f64>> = self
            .terms
            .iter()
            .map(|name| term(table, name, None))
            .collect::<Result<_, _>>()?;
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&self.terms, line, error)
        };
        let panel = ClassicPanel::new(&unit, &time, &columns, &outcome).map_err(refused)?;
        match self.model {
            PanelModelKind::Between => self.put_fit(&panel.between().map_err(refused)?, numbers),
            PanelModelKind::FirstDifference => {
                self.put_fit(&panel.first_difference().map_err(refused)?, numbers);
            }
            PanelModelKind::RandomEffects => {
                let found = panel.random_effects().map_err(refused)?;
                for (k, &point) in found.fit.coefficients.iter().enumerate() {
                    self.put_one(k, point, found.fit.covariance[k][k].sqrt(), None, numbers);
                }
                numbers.real("variance_row", found.variance[0]);
                numbers.real("variance_unit", found.variance[1]);
                numbers.real("theta", found.theta);
                numbers.real("hausman", found.hausman);
                numbers.real("hausman_p", found.hausman_p);
                numbers.count("hausman_df", self.terms.len());
            }
            PanelModelKind::FamaMacbeth => {
                let degrees = time_count(&time) - 1.0;
                for (k, (point, error)) in panel
                    .fama_macbeth()
                    .map_err(refused)?
                    .into_iter()
                    .enumerate()
                {
                    self.put_one(k, point, error, Some(degrees), numbers);
                }
            }
        }
        Ok(None)
    }
}

fn time_count(time: &[f64]) -> f64 {
    let mut times = time.to_vec();
    times.sort_by(f64::total_cmp);
    times.dedup();
    count(times.len())
}

impl PanelModel {
    fn put_fit(&self, fit: &ClassicFit, numbers: &mut Numbers) {
        let degrees = Some(count(fit.degrees_of_freedom));
        for (k, &point) in fit.coefficients.iter().enumerate() {
            self.put_one(k, point, fit.covariance[k][k].sqrt(), degrees, numbers);
        }
    }

    /// Puts a coefficient; without degrees of freedom it is normal.
    fn put_one(
        &self,
        k: usize,
        point: f64,
        error: f64,
        degrees: Option<f64>,
        numbers: &mut Numbers,
    ) {
        let name = match k.checked_sub(1) {
            Some(place) => self.terms[place].as_str(),
            None => "(Intercept)",
        };
        let (t, upper) = (
            point / error,
            0.5 * (1.0 + self.confidence_level.fraction()),
        );
        let (p, reach) = match degrees {
            Some(degrees) => (
                student_t::two_sided_p(t, degrees),
                student_t::quantile(upper, degrees),
            ),
            None => (normal::two_sided_p(t), normal::quantile(upper)),
        };
        for (what, value) in [
            ("coef", point),
            ("coef_se", error),
            ("coef_t", t),
            ("coef_p", p),
            ("coef_ci_low", point - reach * error),
            ("coef_ci_high", point + reach * error),
        ] {
            numbers.covariate(what, name, value);
        }
    }
}

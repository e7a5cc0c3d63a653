//! `[accelerated-failure]`: covariates that stretch the time to the event.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::EffectError;
use utfall_effects::survival::{Durations, Lifetime, fit_accelerated};
use utfall_stats::normal;

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// A regression of the logarithm of the time to the event.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AcceleratedFailure {
    /// Column of when observation ends; above zero.
    pub time: String,
    /// Term of zeros and ones: whether it ends with the event.
    pub event: String,
    /// Terms beside the constant.
    pub terms: Vec<String>,
    /// The distribution of the time.
    pub distribution: Lifetime,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

impl Part for AcceleratedFailure {
    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let stop = term(table, &self.time, None)?;
        let event: Vec<bool> = term(table, &self.event, None)?
            .into_iter()
            .map(|value| value > 0.5)
            .collect();
        let mut names = vec!["(Intercept)".to_owned()];
        names.extend(self.terms.iter().cloned());
        let mut columns = vec![vec![1.0; table.n_rows()]];
        for name in &self.terms {
            columns.push(term(table, name, None)?);
        }
        let data = Durations {
            start: None,
            stop: &stop,
            event: &event,
        };
        let fit =
            fit_accelerated(&data, &columns, self.distribution).map_err(|error: EffectError| {
                let line = error.row().and_then(|row| table.line(row));
                RequestError::effect(&names, line, error)
            })?;
        if fit.coefficients.len() > names.len() {
            names.push("log(scale)".to_owned());
        }
        numbers.real("log_likelihood", fit.log_likelihood);
        numbers.real("scale", fit.scale);
        numbers.count("n_events", event.iter().filter(|&&event| event).count());
        let reach = normal::quantile(0.5 * (1.0 + self.confidence_level.fraction()));
        for (k, name) in names.iter().enumerate() {
            let (point, error) = (fit.coefficients[k], fit.covariance[k][k].sqrt());
            for (what, value) in [
                ("coef", point),
                ("coef_se", error),
                ("coef_t", point / error),
                ("coef_p", normal::two_sided_p(point / error)),
                ("coef_ci_low", point - reach * error),
                ("coef_ci_high", point + reach * error),
            ] {
                numbers.covariate(what, name, value);
            }
        }
        Ok(None)
    }
}

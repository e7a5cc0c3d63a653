//! `[quantile-regression]`: quantiles of the outcome, by treatment and covariates.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::quantile_regression;

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Quantile regressions.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QuantileRegression {
    /// The outcome column.
    pub outcome: String,
    /// The terms beside the constant, as in `[regression]`.
    pub terms: Vec<String>,
    /// The quantiles.
    pub quantiles: Vec<f64>,
}

impl Part for QuantileRegression {
    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let outcome = table.numbers(&self.outcome)?;
        let mut columns = vec![vec![1.0; table.n_rows()]];
        for name in &self.terms {
            columns.push(term(table, name, None)?);
        }
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let constant = std::iter::once("(Intercept)".to_owned());
        let names: Vec<String> = constant.chain(self.terms.iter().cloned()).collect();
        for &quantile in &self.quantiles {
            let fit = quantile_regression(quantile, &columns, &outcome).map_err(|error| {
                let line = error.row().and_then(|row| table.line(row));
                RequestError::effect(&names, line, error)
            })?;
            let at = quantile.to_string().replace('.', "_");
            for (name, coefficient) in names.iter().zip(&fit.coefficients) {
                numbers.covariate(&format!("coef_at_{at}"), name, *coefficient);
            }
            numbers.real(&format!("objective_at_{at}"), fit.objective);
        }
        Ok(None)
    }
}

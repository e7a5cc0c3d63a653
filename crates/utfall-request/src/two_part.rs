//! `[two-part]`: outcomes of which many are zero, such as costs.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::{EffectError, Family, two_part};

use crate::files::Files;
use crate::model::Part;
use crate::regression::{MarginalEffect, columns_of_terms, rows_averaged_over};
use crate::table::Table;
use crate::uncertainty::{Name, Uncertainty};
use crate::{Numbers, RequestError};

/// Whether an outcome is above zero and how much it is then, and mean outcomes from both.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TwoPart {
    /// The outcome column, zero or above.
    pub outcome: String,
    /// The terms beside the constant, as in `[regression]`; in both parts.
    pub terms: Vec<String>,
    /// The model of any.
    pub any: AnyFamily,
    /// The model of how much.
    pub amount: AmountFamily,
    /// The mean outcomes to compare.
    pub marginal: MarginalEffect,
    /// The uncertainty of each number: `hc0`, `hc1`, or a `cr` kind.
    pub inference: Uncertainty,
}

/// The model of whether an outcome is above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnyFamily {
    /// [`Family::Logit`].
    Logit,
    /// [`Family::Probit`].
    Probit,
}

/// The model of how much it is then, with a log link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AmountFamily {
    /// [`Family::Gamma`].
    Gamma,
    /// [`Family::Poisson`].
    Poisson,
}

impl Part for TwoPart {
    fn check(&self) -> Result<(), RequestError> {
        self.inference.check()
    }

    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let constant = std::iter::once("(Intercept)".to_owned());
        let names: Vec<String> = constant.chain(self.terms.iter().cloned()).collect();
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&names, line, error)
        };
        let columns = |set: Option<f64>| {
            let set = set.map(|value| (self.marginal.term.as_str(), value));
            columns_of_terms(table, &self.terms, set)
        };
        let (own, with, without) = (columns(None)?, columns(Some(1.0))?, columns(Some(0.0))?);
        let outcome = table.numbers(&self.outcome)?;
        let over = rows_averaged_over(table, &self.terms, &self.marginal)?;
        let clusters = self.inference.clusters(table)?;
        let any = match self.any {
            AnyFamily::Logit => Family::Logit,
            AnyFamily::Probit => Family::Probit,
        };
        let amount = match self.amount {
            AmountFamily::Gamma => Family::Gamma,
            AmountFamily::Poisson => Family::Poisson,
        };
        let fit = two_part(any, amount, &slices(&own), &outcome).map_err(refused)?;
        numbers.count("n_above_zero", fit.rows_above_zero.len());
        for (part, fit) in [("any", &fit.any), ("amount", &fit.amount)] {
            for (name, coefficient) in names.iter().zip(fit.coefficients()) {
                numbers.covariate(&format!("{part}_coef"), name, *coefficient);
            }
        }
        let found = fit
            .marginal(&slices(&with), &slices(&without), &over)
            .map_err(refused)?;
        for (name, number) in [
            ("mean_treated", &found.mean_treated),
            ("mean_comparator", &found.mean_comparator),
            ("difference", &found.difference),
            ("log_ratio", &found.log_ratio),
            ("any_difference", &found.any_difference),
            ("amount_difference", &found.amount_difference),
        ] {
            let infer =
                |inference: &utfall_effects::Inference, ways: &[&_]| number.infer(ways, inference);
            self.inference
                .put(&Name::Of(name), &clusters, numbers, infer)
                .map_err(refused)?;
        }
        Ok(Some(self.marginal.estimand))
    }
}

fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

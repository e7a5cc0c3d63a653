//! `[confounding]`: how strong a confounder that was not measured would have to be.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::{
    Confounded, DegreesOfFreedom, EffectError, Inference, Oster, StandardError, WeightedRegression,
    infer,
};
use utfall_stats::moments::count;

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Sensitivity of a least-squares coefficient to a confounder.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Confounding {
    /// The outcome column.
    pub outcome: String,
    /// The term whose coefficient is looked at.
    pub treatment: String,
    /// Terms of every regression.
    #[serde(default)]
    pub base: Vec<String>,
    /// Terms that the uncontrolled regression leaves out.
    pub covariates: Vec<String>,
    /// The effect that a confounder would bring it to.
    pub null: f64,
    /// Level of the test, for the robustness value for significance.
    pub alpha: f64,
    /// R² that covariates and the unobserved together would reach; often 1.3 times that of the
    /// controlled regression, or one.
    pub r_squared_max: Option<f64>,
    /// Covariates that a confounder is compared with.
    #[serde(default)]
    pub benchmarks: Vec<BenchmarkCovariate>,
}

/// A covariate that a confounder is compared with.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BenchmarkCovariate {
    /// One of the covariates.
    pub covariate: String,
    /// How many times as strongly the confounder is tied to treatment.
    pub treatment_times: f64,
    /// And to the outcome.
    pub outcome_times: f64,
}

impl Part for Confounding {
    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let outcome = table.numbers(&self.outcome)?;
        let treatment = term(table, &self.treatment, None)?;
        let columns = |names: &[String]| {
            let terms = names.iter().map(|name| term(table, name, None));
            terms.collect::<Result<Vec<_>, _>>()
        };
        let (base, covariates) = (columns(&self.base)?, columns(&self.covariates)?);
        let base: Vec<&[f64]> = base.iter().map(Vec::as_slice).collect();
        let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
        let oster = Oster::of(&treatment, &base, &covariates, &outcome);
        let oster = oster.map_err(|error| self.refused(table, error))?;
        numbers.real("estimate", oster.controlled);
        numbers.real("estimate_uncontrolled", oster.uncontrolled);
        numbers.real("r_squared", oster.r_squared[1]);
        numbers.real("r_squared_uncontrolled", oster.r_squared[0]);
        if let Some(most) = self.r_squared_max {
            let delta = oster.delta(self.null, most);
            numbers.real(
                "oster_delta",
                delta.map_err(|error| self.refused(table, error))?,
            );
            let effect = oster.approximate_effect(1.0, most);
            let effect = effect.map_err(|error| self.refused(table, error))?;
            numbers.real("oster_effect_approximate", effect);
        }
        let one = vec![1.0; outcome.len()];
        let others = [&[one.as_slice()], base.as_slice(), covariates.as_slice()].concat();
        let all = [&[treatment.as_slice()], others.as_slice()].concat();
        let put = |numbers: &mut Numbers| -> Result<(), EffectError> {
            let own = coefficients(&all, &outcome)?;
            let assigned = coefficients(&others, &treatment)?;
            let about = Confounded {
                estimate: own[0].estimate - self.null,
                ..own[0]
            };
            numbers.real("se", about.standard_error);
            numbers.real("df", about.degrees_of_freedom);
            numbers.real("t", about.estimate / about.standard_error);
            numbers.real("partial_r_squared", about.partial_r_squared());
            numbers.real("robustness_value", about.robustness(1.0, 1.0));
            numbers.real(
                "robustness_value_significance",
                about.robustness(1.0, self.alpha),
            );
            for benchmark in &self.benchmarks {
                let Some(at) = self
                    .covariates
                    .iter()
                    .position(|name| *name == benchmark.covariate)
                else {
                    continue;
                };
                let at = 1 + self.base.len() + at;
                let found = about.benchmark(
                    &assigned[at],
                    &own[at + 1],
                    benchmark.treatment_times,
                    benchmark.outcome_times,
                )?;
                let name = &benchmark.covariate;
                numbers.covariate("benchmark_r_squared_treatment", name, found.treatment);
                numbers.covariate("benchmark_r_squared_outcome", name, found.outcome);
                numbers.covariate("benchmark_estimate", name, found.estimate + self.null);
                numbers.covariate("benchmark_se", name, found.standard_error);
            }
            Ok(())
        };
        put(numbers).map_err(|error| self.refused(table, error))?;
        Ok(None)
    }

    fn check(&self) -> Result<(), RequestError> {
        let mut all = self.benchmarks.iter();
        match all.find(|benchmark| !self.covariates.contains(&benchmark.covariate)) {
            Some(benchmark) => Err(RequestError::Contradiction {
                what: format!("`{}` in `benchmarks`", benchmark.covariate),
                remedy: "name one of the covariates",
            }),
            None => Ok(()),
        }
    }
}

impl Confounding {
    fn refused(&self, table: &Table, error: EffectError) -> RequestError {
        let line = error.row().and_then(|row| table.line(row));
        let first = ["(Intercept)".to_owned(), self.treatment.clone()];
        let rest = self.base.iter().chain(&self.covariates).cloned();
        let names: Vec<String> = first.into_iter().chain(rest).collect();
        RequestError::effect(&names, line, error)
    }
}

/// Every coefficient with its classical error.
fn coefficients(columns: &[&[f64]], outcome: &[f64]) -> Result<Vec<Confounded>, EffectError> {
    let one = vec![1.0; outcome.len()];
    let fit = WeightedRegression::fit(columns, &one, outcome)?;
    let inference = Inference {
        standard_error: StandardError::Classical,
        degrees_of_freedom: DegreesOfFreedom::Residual,
        confidence_level: ConfidenceLevel::try_from(0.95).map_err(|_| EffectError::NoVariation)?,
    };
    let of = |column: usize| {
        let inferred = infer(&fit, &fit.coefficient(column)?, &[], &inference)?;
        Ok(Confounded {
            estimate: inferred.point,
            standard_error: inferred.standard_error,
            degrees_of_freedom: count(fit.n_rows() - fit.n_columns()),
        })
    };
    (0..columns.len()).map(of).collect()
}

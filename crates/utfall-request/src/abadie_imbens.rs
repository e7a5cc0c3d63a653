//! `[abadie-imbens]`: the matching estimator with its own errors.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::{
    ConditionalVariance, Family, Grouping, MatchMetric, MatchingDesign, fit_generalised,
    matching_estimate,
};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError, Treatment};

/// An effect by matching with replacement.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AbadieImbens {
    /// Which rows are treated.
    pub treatment: Treatment,
    /// The question: `att`, `ate` or `atc`.
    pub estimand: Estimand,
    /// The outcome column.
    pub outcome: String,
    /// What is matched on.
    pub on: MatchedOn,
    /// Nearest units sought for each unit.
    pub matches: usize,
    /// How far apart units are.
    pub metric: MatchMetric,
    /// Squared distances that differ by no more are ties.
    pub tolerance: f64,
    /// Columns in which matched units must be equal, to the letter.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Widest difference in each covariate, in its standard deviations with divisor `n`.
    pub caliper: Option<f64>,
    /// Whether differences within matches are taken out by a regression.
    pub bias_adjustment: BiasAdjustment,
    /// How the conditional variance is estimated.
    pub variance: ConditionalVariance,
    /// Level of the interval.
    pub confidence_level: ConfidenceLevel,
}

/// What is matched on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchedOn {
    /// Terms, as in `[regression]`.
    Covariates(Vec<String>),
    /// The logistic propensity score of terms.
    PropensityScore(Vec<String>),
}

/// Whether differences within matches are taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BiasAdjustment {
    /// No.
    None,
    /// By a linear regression among the matched.
    Linear,
}

impl Part for AbadieImbens {
    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let treated = self.treatment.of(table)?;
        let outcome = table.numbers(&self.outcome)?;
        let refused = |error: utfall_effects::EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(self.on.terms(), line, error)
        };
        let covariates = self
            .on
            .columns(table, &treated)
            .map_err(|error| match error {
                Refused::Request(error) => error,
                Refused::Effect(error) => refused(error),
            })?;
        let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
        let exact = self.exact(table)?;
        let design = MatchingDesign {
            estimand: self.estimand,
            matches: self.matches,
            metric: self.metric,
            tolerance: self.tolerance,
            exact: exact.as_ref(),
            caliper: self.caliper,
            bias_adjustment: self.bias_adjustment == BiasAdjustment::Linear,
            variance: self.variance,
        };
        let level = self.confidence_level;
        let found =
            matching_estimate(&design, &treated, &covariates, &outcome, level).map_err(refused)?;
        let estimate = &found.estimate;
        let n_treated = treated.iter().filter(|&&is| is).count();
        numbers.count("n_treated", n_treated);
        numbers.count("n_comparator", treated.len() - n_treated);
        numbers.count("n_treated_matched", estimate.n_treated);
        numbers.count("n_comparator_matched", estimate.n_comparator);
        numbers.count("n_matched", found.n_matched);
        numbers.count("n_dropped", found.n_dropped);
        numbers.count("n_pairs", found.n_pairs);
        numbers.real("estimate", estimate.point);
        numbers.real("estimate_without_bias_adjustment", found.unadjusted);
        numbers.real("se", estimate.standard_error);
        numbers.real("se_naive", found.naive_error);
        numbers.real("t", estimate.point / estimate.standard_error);
        numbers.real("p", estimate.p_value);
        numbers.real("ci_low", estimate.interval.lower);
        numbers.real("ci_high", estimate.interval.upper);
        Ok(Some(estimate.estimand))
    }
}

impl AbadieImbens {
    fn exact(&self, table: &Table) -> Result<Option<Grouping>, RequestError> {
        if self.exact.is_empty() {
            return Ok(None);
        }
        let columns = self.exact.iter().map(|column| table.texts(column));
        let columns: Vec<Vec<String>> = columns.collect::<Result<_, _>>()?;
        let row = |row: usize| {
            columns
                .iter()
                .map(|column| &column[row])
                .collect::<Vec<_>>()
        };
        let rows: Vec<Vec<&String>> = (0..table.n_rows()).map(row).collect();
        Ok(Some(Grouping::of(&rows)))
    }
}

/// What stands in the way of columns.
enum Refused {
    Request(RequestError),
    Effect(utfall_effects::EffectError),
}

impl MatchedOn {
    fn terms(&self) -> &[String] {
        match self {
            Self::Covariates(terms) | Self::PropensityScore(terms) => terms,
        }
    }

    fn columns(&self, table: &Table, treated: &[bool]) -> Result<Vec<Vec<f64>>, Refused> {
        let terms = self.terms().iter().map(|name| term(table, name, None));
        let columns: Vec<Vec<f64>> = terms.collect::<Result<_, _>>().map_err(Refused::Request)?;
        if matches!(self, Self::Covariates(_)) {
            return Ok(columns);
        }
        let one = vec![1.0; treated.len()];
        let design = std::iter::once(one.as_slice()).chain(columns.iter().map(Vec::as_slice));
        let design: Vec<&[f64]> = design.collect();
        let indicator: Vec<f64> = treated.iter().map(|&is| f64::from(u8::from(is))).collect();
        let fit = fit_generalised(Family::Logit, &design, None, &indicator);
        Ok(vec![fit.map_err(Refused::Effect)?.mean().to_vec()])
    }
}

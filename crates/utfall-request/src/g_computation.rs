//! `[effect]` by g-computation: mean outcomes under either arm by a model on the matched sample.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::{
    EffectError, Family, Grouping, Inference, Inferred, WeightedRegression,
    fit_generalised_weighted, infer,
};
use utfall_stats::moments::weighted_mean;

use crate::Numbers;

/// A model of the outcome whose predictions are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OutcomeModel {
    /// The family of the outcome.
    pub family: ModelFamily,
    /// Whether covariates have the same slopes in both arms.
    pub slopes: Slopes,
}

/// The family of an outcome model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelFamily {
    /// Least squares.
    Linear,
    /// [`Family::Logit`].
    Logit,
    /// [`Family::Probit`].
    Probit,
    /// [`Family::Poisson`].
    Poisson,
}

impl ModelFamily {
    /// The family, but for least squares.
    fn generalised(self) -> Option<Family> {
        match self {
            Self::Linear => None,
            Self::Logit => Some(Family::Logit),
            Self::Probit => Some(Family::Probit),
            Self::Poisson => Some(Family::Poisson),
        }
    }
}

/// Slopes of covariates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slopes {
    /// The same in both arms.
    Shared,
    /// Their own in each arm.
    ByArm,
}

/// The rows that are compared.
pub(crate) struct Compared<'a> {
    pub(crate) treated: &'a [bool],
    pub(crate) weight: &'a [f64],
    pub(crate) outcome: &'a [f64],
    pub(crate) covariates: &'a [Vec<f64>],
    pub(crate) clusters: &'a [&'a Grouping],
}

impl OutcomeModel {
    /// Puts mean outcomes and their comparisons, each with its error by the delta method.
    pub(crate) fn put(
        self,
        rows: &Compared<'_>,
        estimand: Estimand,
        inference: &Inference,
        numbers: &mut Numbers,
    ) -> Result<(), EffectError> {
        let own: Vec<f64> = rows
            .treated
            .iter()
            .map(|&is| f64::from(u8::from(is)))
            .collect();
        let (one, none) = (vec![1.0; own.len()], vec![0.0; own.len()]);
        let columns = self.columns(rows, &own);
        let over: Vec<f64> = match estimand {
            Estimand::Att | Estimand::MatchedTreated => own,
            Estimand::Atc | Estimand::MatchedComparators => own.iter().map(|t| 1.0 - t).collect(),
            Estimand::Ate | Estimand::MatchedUnits => one.clone(),
            other => return Err(EffectError::EstimandUndefined { estimand: other }),
        };
        let (with, without) = (self.columns(rows, &one), self.columns(rows, &none));
        let Some(family) = self.family.generalised() else {
            let fit = WeightedRegression::fit(&slices(&columns), rows.weight, rows.outcome)?;
            let averages = |columns: &[Vec<f64>]| -> Vec<f64> {
                let average = |column: &Vec<f64>| weighted_mean(column, &over);
                columns.iter().map(average).collect()
            };
            let (with, without) = (averages(&with), averages(&without));
            let apart: Vec<f64> = with.iter().zip(&without).map(|(a, b)| a - b).collect();
            for (name, per_column) in [
                ("mean_treated", with),
                ("mean_comparator", without),
                ("difference", apart),
            ] {
                let contrast = fit.contrast(&per_column)?;
                put(
                    name,
                    &infer(&fit, &contrast, rows.clusters, inference)?,
                    numbers,
                );
            }
            return Ok(());
        };
        let fit = fit_generalised_weighted(
            family,
            &slices(&columns),
            None,
            Some(rows.weight),
            rows.outcome,
        )?;
        let found = fit.marginal(&slices(&with), &slices(&without), None, &over)?;
        let mut all = vec![
            ("mean_treated", &found.mean_treated),
            ("mean_comparator", &found.mean_comparator),
            ("difference", &found.difference),
            ("log_ratio", &found.log_ratio),
        ];
        all.extend(
            found
                .log_odds_ratio
                .iter()
                .map(|odds| ("log_odds_ratio", odds)),
        );
        for (name, contrast) in all {
            let inferred = infer(fit.regression(), contrast, rows.clusters, inference)?;
            put(name, &inferred, numbers);
        }
        Ok(())
    }

    /// A constant, treatment as given, covariates, and their products with treatment.
    fn columns(self, rows: &Compared<'_>, arm: &[f64]) -> Vec<Vec<f64>> {
        let mut columns = vec![vec![1.0; arm.len()], arm.to_vec()];
        columns.extend(rows.covariates.iter().cloned());
        if self.slopes == Slopes::ByArm {
            let product = |values: &Vec<f64>| values.iter().zip(arm).map(|(v, a)| v * a).collect();
            columns.extend(rows.covariates.iter().map(product));
        }
        columns
    }
}

fn put(name: &str, inferred: &Inferred, numbers: &mut Numbers) {
    numbers.real(name, inferred.point);
    numbers.real(&format!("{name}_se"), inferred.standard_error);
    numbers.real(&format!("{name}_p"), inferred.p_value);
    numbers.real(&format!("{name}_ci_low"), inferred.interval.lower);
    numbers.real(&format!("{name}_ci_high"), inferred.interval.upper);
}

fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

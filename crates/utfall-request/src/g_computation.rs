//! `[effect]` by g-computation: mean outcomes under either arm by a model on the matched sample.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::{EffectError, Family, Grouping, Inference, fit_generalised_weighted, infer};

use crate::Numbers;
use crate::trial::OutcomeFamily;

/// A model of the outcome whose predictions are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OutcomeModel {
    /// The family of the outcome.
    pub family: OutcomeFamily,
    /// Whether covariates have the same slopes in both arms.
    pub slopes: Slopes,
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
        let family: Family = self.family.family();
        let own: Vec<f64> = rows
            .treated
            .iter()
            .map(|&is| f64::from(u8::from(is)))
            .collect();
        let (one, none) = (vec![1.0; own.len()], vec![0.0; own.len()]);
        let columns = self.columns(rows, &own);
        let fit = fit_generalised_weighted(
            family,
            &slices(&columns),
            None,
            Some(rows.weight),
            rows.outcome,
        )?;
        let over: Vec<f64> = match estimand {
            Estimand::Att | Estimand::MatchedTreated => own,
            Estimand::Atc | Estimand::MatchedComparators => own.iter().map(|t| 1.0 - t).collect(),
            Estimand::Ate | Estimand::MatchedUnits => one.clone(),
            other => return Err(EffectError::EstimandUndefined { estimand: other }),
        };
        let (with, without) = (self.columns(rows, &one), self.columns(rows, &none));
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
            numbers.real(name, inferred.point);
            numbers.real(&format!("{name}_se"), inferred.standard_error);
            numbers.real(&format!("{name}_p"), inferred.p_value);
            numbers.real(&format!("{name}_ci_low"), inferred.interval.lower);
            numbers.real(&format!("{name}_ci_high"), inferred.interval.upper);
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

fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

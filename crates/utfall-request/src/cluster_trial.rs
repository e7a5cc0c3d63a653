//! `[cluster-trial]`: what the clusters of a randomised trial share, and their comparison.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::{
    EffectError, Family, Grouping, cluster_variance, compare_cluster_means, exchangeable_equations,
    fit_generalised, random_intercept,
};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::trial::OutcomeFamily;
use crate::{Numbers, RequestError, Treatment};

/// A trial in which whole clusters were assigned.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClusterTrial {
    /// Which rows are treated.
    pub treatment: Treatment,
    /// The outcome column.
    pub outcome: String,
    /// Column of clusters.
    pub cluster: String,
    /// Covariates of the two models.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// The family of the estimating equations.
    pub family: Option<OutcomeFamily>,
}

impl Part for ClusterTrial {
    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let treated = self.treatment.of(table)?;
        let outcome = table.numbers(&self.outcome)?;
        let clusters = Grouping::of(&table.texts(&self.cluster)?);
        let mut columns = vec![vec![1.0; treated.len()]];
        columns.push(treated.iter().map(|&is| f64::from(u8::from(is))).collect());
        for name in &self.covariates {
            columns.push(term(table, name, None)?);
        }
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let put = |numbers: &mut Numbers| {
            self.describe(&treated, &outcome, &clusters, numbers)?;
            self.models(&columns, &outcome, &clusters, numbers)
        };
        put(numbers).map_err(|error| {
            let line = error.row().and_then(|row| table.line(row));
            let first = ["(Intercept)".to_owned(), self.treatment.column.clone()];
            let names: Vec<String> = first.into_iter().chain(self.covariates.clone()).collect();
            RequestError::effect(&names, line, error)
        })?;
        Ok(None)
    }
}

impl ClusterTrial {
    fn describe(
        &self,
        treated: &[bool],
        outcome: &[f64],
        clusters: &Grouping,
        numbers: &mut Numbers,
    ) -> Result<(), EffectError> {
        let shared = cluster_variance(outcome, clusters)?;
        numbers.count("n_clusters", clusters.n_groups());
        numbers.real("icc", shared.intraclass_correlation);
        numbers.real("typical_size", shared.typical_size);
        numbers.real("mean_size", shared.mean_size);
        numbers.real("cv_size", shared.size_variation);
        numbers.real("design_effect", shared.design_effect);
        numbers.real("design_effect_unequal", shared.design_effect_unequal);
        let means = compare_cluster_means(treated, outcome, clusters)?;
        numbers.real("means_difference", means.difference);
        for (name, kind) in [("student", means.student), ("welch", means.welch)] {
            numbers.real(&format!("means_{name}_se"), kind.0);
            numbers.real(&format!("means_{name}_df"), kind.1);
            numbers.real(&format!("means_{name}_t"), means.difference / kind.0);
            numbers.real(&format!("means_{name}_p"), means.p_value(kind));
        }
        Ok(())
    }

    fn models(
        &self,
        columns: &[&[f64]],
        outcome: &[f64],
        clusters: &Grouping,
        numbers: &mut Numbers,
    ) -> Result<(), EffectError> {
        let mixed = random_intercept(columns, clusters, outcome)?;
        numbers.real("mixed", mixed.coefficients[1]);
        numbers.real("mixed_se", mixed.standard_errors[1]);
        numbers.real("mixed_variance_between", mixed.between);
        numbers.real("mixed_variance_within", mixed.within);
        let Some(family) = self.family.map(OutcomeFamily::family) else {
            return Ok(());
        };
        let fit = exchangeable_equations(family, columns, clusters, outcome)?;
        numbers.real("gee", fit.coefficients[1]);
        numbers.real("gee_se", fit.standard_errors[1]);
        numbers.real("gee_correlation", fit.correlation);
        numbers.real("gee_dispersion", fit.dispersion);
        independent(family, columns, clusters, outcome, numbers)
    }
}

/// The same with rows of a cluster taken as independent in the point, not in the error.
fn independent(
    family: Family,
    columns: &[&[f64]],
    clusters: &Grouping,
    outcome: &[f64],
    numbers: &mut Numbers,
) -> Result<(), EffectError> {
    let fit = fit_generalised(family, columns, None, outcome)?;
    let contrast = fit.regression().coefficient(1)?;
    let mut totals = vec![0.0; clusters.n_groups()];
    for (&cluster, influence) in clusters.codes().iter().zip(&contrast.influence) {
        totals[cluster] += influence;
    }
    let square: f64 = totals.iter().map(|total| total * total).sum();
    numbers.real("gee_independent", contrast.point);
    numbers.real("gee_independent_se", square.sqrt());
    Ok(())
}

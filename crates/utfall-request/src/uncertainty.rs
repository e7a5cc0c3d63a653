//! The standard errors, intervals and p-values a model request asks for, and their names.

use serde::{Deserialize, Serialize};
use utfall_core::ConfidenceLevel;
use utfall_effects::{
    Contrast, DegreesOfFreedom, EffectError, Grouping, Inference, Inferred, StandardError,
    WeightedRegression, infer,
};

use crate::table::Table;
use crate::{Numbers, RequestError};

/// How the uncertainty of a model's numbers is computed.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Uncertainty {
    /// The standard error of intervals and p-values.
    pub standard_error: StandardError,
    /// Columns whose equal cells belong together, for a `cr` standard error: one, or two.
    #[serde(default)]
    pub cluster_by: Vec<String>,
    /// The distribution behind intervals and p-values.
    pub degrees_of_freedom: DegreesOfFreedom,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
    /// Further standard errors to report beside it.
    #[serde(default)]
    pub also: Vec<Further>,
}

/// A further standard error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Further {
    /// Its kind.
    pub standard_error: StandardError,
    /// Columns whose equal cells belong together.
    #[serde(default)]
    pub cluster_by: Vec<String>,
    /// The distribution of a p-value to report with it.
    pub degrees_of_freedom: Option<DegreesOfFreedom>,
}

/// Groupings of the rows, in the order of an [`Uncertainty`]: its own, then those of `also`.
pub(crate) struct Clusters(Vec<Vec<Grouping>>);

impl Uncertainty {
    /// Refuses clusters without a use and `cr` kinds without clusters.
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        let all = self
            .also
            .iter()
            .map(|also| (also.standard_error, &also.cluster_by));
        for (kind, ways) in all.chain([(self.standard_error, &self.cluster_by)]) {
            if kind.is_clustered() == ways.is_empty() {
                return Err(RequestError::Contradiction {
                    what: format!("{kind} with {} columns in `cluster-by`", ways.len()),
                    remedy: "name the cluster's column for a cr standard error, and for it alone",
                });
            }
        }
        Ok(())
    }

    /// Whether any error is of clusters.
    pub(crate) fn is_clustered(&self) -> bool {
        let also = self.also.iter().map(|also| also.standard_error);
        also.chain([self.standard_error])
            .any(StandardError::is_clustered)
    }

    pub(crate) fn clusters(&self, table: &Table) -> Result<Clusters, RequestError> {
        let ways = |columns: &Vec<String>| {
            let way = |column: &String| Ok(Grouping::of(&table.texts(column)?));
            columns
                .iter()
                .map(way)
                .collect::<Result<Vec<_>, RequestError>>()
        };
        let also = self.also.iter().map(|also| ways(&also.cluster_by));
        let all = std::iter::once(ways(&self.cluster_by)).chain(also);
        Ok(Clusters(all.collect::<Result<_, _>>()?))
    }

    pub(crate) fn inference(&self) -> Inference {
        Inference {
            standard_error: self.standard_error,
            degrees_of_freedom: self.degrees_of_freedom,
            confidence_level: self.confidence_level,
        }
    }

    /// Puts a number with every error that was asked for under its name.
    ///
    /// `run` infers the number for one kind of error.
    pub(crate) fn put(
        &self,
        name: &Name<'_>,
        clusters: &Clusters,
        numbers: &mut Numbers,
        run: impl Fn(&Inference, &[&Grouping]) -> Result<Inferred, EffectError>,
    ) -> Result<Inferred, EffectError> {
        let ways: Vec<Vec<&Grouping>> = clusters
            .0
            .iter()
            .map(|ways| ways.iter().collect())
            .collect();
        let main = run(&self.inference(), &ways[0])?;
        name.put_all(&main, numbers);
        let own = Further {
            standard_error: self.standard_error,
            cluster_by: self.cluster_by.clone(),
            degrees_of_freedom: Some(self.degrees_of_freedom),
        };
        name.put_kind(&own, &main, numbers);
        for (also, ways) in self.also.iter().zip(&ways[1..]) {
            let inference = Inference {
                standard_error: also.standard_error,
                degrees_of_freedom: also.degrees_of_freedom.unwrap_or(DegreesOfFreedom::Normal),
                confidence_level: self.confidence_level,
            };
            name.put_kind(also, &run(&inference, ways)?, numbers);
        }
        Ok(main)
    }

    /// [`Uncertainty::put`] for a contrast of a regression.
    pub(crate) fn put_contrast(
        &self,
        name: &Name<'_>,
        clusters: &Clusters,
        numbers: &mut Numbers,
        fit: &WeightedRegression<'_>,
        contrast: &Contrast,
    ) -> Result<Inferred, EffectError> {
        self.put(name, clusters, numbers, |inference, ways| {
            infer(fit, contrast, ways, inference)
        })
    }
}

impl Clusters {
    /// The groupings of the main standard error.
    pub(crate) fn main(&self) -> Vec<&Grouping> {
        self.0[0].iter().collect()
    }
}

/// What a number and its errors are called.
pub(crate) enum Name<'a> {
    /// The effect itself: `estimate`, `se`, `se_hc3`.
    Effect,
    /// One of several numbers: `log_ratio`, `log_ratio_se`, `log_ratio_se_hc3`.
    Of(&'a str),
    /// The coefficient of a term: `coef`, `coef_se`, `coef_se_hc3` of it.
    Coefficient(&'a str),
}

impl Name<'_> {
    fn put_all(&self, inferred: &Inferred, numbers: &mut Numbers) {
        let t = inferred.point / inferred.standard_error;
        let point = match self {
            Self::Effect => "estimate",
            _ => "",
        };
        for (number, value) in [
            (point, Some(inferred.point)),
            ("se", Some(inferred.standard_error)),
            ("t", Some(t)),
            ("p", Some(inferred.p_value)),
            ("df", inferred.degrees_of_freedom),
            ("ci_low", Some(inferred.interval.lower)),
            ("ci_high", Some(inferred.interval.upper)),
        ] {
            if let Some(value) = value {
                self.put(number, value, numbers);
            }
        }
        if let (Self::Effect | Self::Coefficient(_), Some(n_clusters)) = (self, inferred.n_clusters)
        {
            numbers.count("n_clusters", n_clusters);
        }
    }

    /// `se_cr1_by_firm`, and with degrees of freedom `p_cr1_by_firm_satterthwaite`.
    fn put_kind(&self, kind: &Further, inferred: &Inferred, numbers: &mut Numbers) {
        let mut suffix = kind.standard_error.to_string().replace('-', "_");
        if !kind.cluster_by.is_empty() {
            suffix = format!("{suffix}_by_{}", kind.cluster_by.join("_and_"));
        }
        self.put(&format!("se_{suffix}"), inferred.standard_error, numbers);
        if let Some(n_clusters) = inferred.n_clusters {
            let ways = kind.cluster_by.join("_and_");
            numbers.count(&format!("n_clusters_by_{ways}"), n_clusters);
        }
        if let Some(degrees) = kind.degrees_of_freedom {
            self.put(&format!("p_{suffix}_{degrees}"), inferred.p_value, numbers);
            if let Some(degrees_of_freedom) = inferred.degrees_of_freedom {
                self.put(
                    &format!("df_{suffix}_{degrees}"),
                    degrees_of_freedom,
                    numbers,
                );
            }
        }
    }

    fn put(&self, number: &str, value: f64, numbers: &mut Numbers) {
        let joined = |first: &str| {
            if number.is_empty() {
                first.to_owned()
            } else {
                format!("{first}_{number}")
            }
        };
        match self {
            Self::Effect => numbers.real(number, value),
            Self::Of(name) => numbers.real(&joined(name), value),
            Self::Coefficient(term) => numbers.covariate(&joined("coef"), term, value),
        }
    }
}

//! From a contrast to its standard error, interval and p-value.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand, Estimate, Interval};
use utfall_stats::moments::count;
use utfall_stats::{normal, student_t};

use crate::standard_error::square;
use crate::{Contrast, EffectError, Grouping, StandardError, WeightedRegression};
use crate::{bias_reduced, standard_error};

/// How the uncertainty of an effect is computed: each part is written out, none has a default.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Inference {
    /// The standard error.
    pub standard_error: StandardError,
    /// The distribution that the point divided by its error is compared with.
    pub degrees_of_freedom: DegreesOfFreedom,
    /// Confidence level of the interval.
    pub confidence_level: ConfidenceLevel,
}

/// Degrees of freedom by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DegreesOfFreedom {
    /// The normal distribution.
    Normal,
    /// `N - K`: rows minus coefficients.
    Residual,
    /// `G - 1`, with the smaller `G` of two ways of clustering.
    Clusters,
    /// Those of the variance estimator under independent errors of equal variance (Bell &
    /// McCaffrey). Not for `classical`, which has `N - K` exactly, nor for two ways of clustering.
    Satterthwaite,
    /// Welch's: for `hc2` in a comparison of two arms without weights, from the arms' variances
    /// as estimated.
    Welch,
}

impl std::fmt::Display for DegreesOfFreedom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Residual => "residual",
            Self::Clusters => "clusters",
            Self::Satterthwaite => "satterthwaite",
            Self::Welch => "welch",
        })
    }
}

/// A point with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inferred {
    /// The point, in the outcome's unit.
    pub point: f64,
    /// Its standard error, in the outcome's unit; always above zero.
    pub standard_error: f64,
    /// Degrees of freedom; `None` for the normal.
    pub degrees_of_freedom: Option<f64>,
    /// Two-sided interval at the level asked for.
    pub interval: Interval,
    /// Two-sided p-value of the hypothesis that the point is zero.
    pub p_value: f64,
    /// Clusters behind the error (the fewest, with two ways); `None` where rows are independent.
    pub n_clusters: Option<usize>,
}

impl Inferred {
    /// As the answer to a question: with the level of its interval, and the treated units and
    /// comparators it rests on.
    pub(crate) fn estimate(
        self,
        estimand: Estimand,
        confidence_level: ConfidenceLevel,
        (n_treated, n_comparator): (usize, usize),
    ) -> Estimate {
        Estimate {
            estimand,
            point: self.point,
            standard_error: self.standard_error,
            degrees_of_freedom: self.degrees_of_freedom,
            confidence_level,
            interval: self.interval,
            p_value: self.p_value,
            n_treated,
            n_comparator,
            n_clusters: self.n_clusters,
        }
    }
}

/// Infers a contrast of the coefficients of a weighted regression.
///
/// The error takes the design and the weights as given. If they were estimated (a propensity
/// score, a matching), that uncertainty is not in it.
///
/// # Shapes and units
///
/// - `clusters`: none, one, or two ways of grouping the rows of the fit. An `hc` kind takes rows
///   as independent and does not look at them.
/// - Everything is in the outcome's unit.
///
/// # Errors
///
/// - [`EffectError::ClustersMissing`], [`EffectError::TooFewClusters`],
///   [`EffectError::TooManyClusterings`], [`EffectError::LengthMismatch`] where the clusters do
///   not suit the standard error.
/// - [`EffectError::FullLeverage`] for `hc2` and `hc3` where a row's residual is zero whatever its
///   outcome; R's `vcovHC` gives NaN there.
/// - [`EffectError::DegreesUndefined`] where standard error and degrees of freedom do not go
///   together; `welch` always, as it needs two arms.
/// - [`EffectError::NoVariation`], [`EffectError::VarianceNotPositive`] where the variance is not
///   above zero. It is never returned as zero or NaN.
///
/// # Reference
///
/// See [`StandardError`] for the kinds; Imbens & Kolesár (2016) on degrees of freedom,
/// <https://doi.org/10.1162/REST_a_00552>.
pub fn infer(
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<Inferred, EffectError> {
    let variance = standard_error::variance(inference.standard_error, fit, contrast, clusters)?;
    let degrees = degrees(fit, contrast, clusters, inference)?;
    Ok(conclude(
        contrast.point,
        variance.sqrt(),
        degrees,
        clusters,
        inference,
    ))
}

/// As [`infer`], for a contrast between two arms, where `welch` has a meaning.
pub(crate) fn infer_between(
    treated: &[bool],
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<Inferred, EffectError> {
    if inference.degrees_of_freedom != DegreesOfFreedom::Welch {
        return infer(fit, contrast, clusters, inference);
    }
    let variance = standard_error::variance(inference.standard_error, fit, contrast, clusters)?;
    let degrees = welch(treated, fit, contrast, inference)?;
    Ok(conclude(
        contrast.point,
        variance.sqrt(),
        Some(degrees),
        clusters,
        inference,
    ))
}

fn conclude(
    point: f64,
    standard_error: f64,
    degrees_of_freedom: Option<f64>,
    clusters: &[&Grouping],
    inference: &Inference,
) -> Inferred {
    let upper = 0.5 * (1.0 + inference.confidence_level.fraction());
    let statistic = point / standard_error;
    let (quantile, p_value) = match degrees_of_freedom {
        Some(degrees) => (
            student_t::quantile(upper, degrees),
            student_t::two_sided_p(statistic, degrees),
        ),
        None => (normal::quantile(upper), normal::two_sided_p(statistic)),
    };
    let reach = quantile * standard_error;
    let n_clusters = clusters.iter().map(|way| way.n_groups()).min();
    Inferred {
        point,
        standard_error,
        degrees_of_freedom,
        interval: Interval {
            lower: point - reach,
            upper: point + reach,
        },
        p_value,
        n_clusters: n_clusters.filter(|_| inference.standard_error.is_clustered()),
    }
}

fn degrees(
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<Option<f64>, EffectError> {
    let kind = inference.standard_error;
    let clustered = kind.is_clustered();
    match (inference.degrees_of_freedom, clusters) {
        (DegreesOfFreedom::Normal, _) => Ok(None),
        (DegreesOfFreedom::Residual, _) => Ok(Some(count(fit.n_rows() - fit.n_columns()))),
        (DegreesOfFreedom::Clusters, [first, others @ ..]) if clustered => {
            let fewest = others
                .iter()
                .map(|way| way.n_groups())
                .fold(first.n_groups(), usize::min);
            Ok(Some(count(fewest - 1)))
        }
        (DegreesOfFreedom::Satterthwaite, _) if fit.is_of_likelihood() => {
            Err(EffectError::DegreesUndefined {
                degrees_of_freedom: inference.degrees_of_freedom,
                kind,
            })
        }
        (DegreesOfFreedom::Satterthwaite, [way]) if clustered => {
            bias_reduced::satterthwaite(kind, fit, contrast, Some(way)).map(Some)
        }
        (DegreesOfFreedom::Satterthwaite, _) if !clustered && kind != StandardError::Classical => {
            bias_reduced::satterthwaite(kind, fit, contrast, None).map(Some)
        }
        (degrees_of_freedom, _) => Err(EffectError::DegreesUndefined {
            degrees_of_freedom,
            kind,
        }),
    }
}

/// `(v₁ + v₀)² / (v₁²/(n₁-1) + v₀²/(n₀-1))` with `v` the squared error of each arm's mean.
fn welch(
    treated: &[bool],
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    inference: &Inference,
) -> Result<f64, EffectError> {
    let kind = inference.standard_error;
    let undefined = EffectError::DegreesUndefined {
        degrees_of_freedom: inference.degrees_of_freedom,
        kind,
    };
    let mut weights = fit.weight().windows(2);
    #[expect(
        clippy::float_cmp,
        reason = "weights that were copied, not computed, are equal"
    )]
    let unweighted = weights.all(|pair| pair[0] == pair[1]);
    if kind != StandardError::Hc2 || !unweighted || fit.n_columns() != 2 {
        return Err(undefined);
    }
    let scale = standard_error::row_scales(kind, fit)?;
    let (mut whole, mut parts) = (0.0, 0.0);
    for arm in [true, false] {
        let rows: Vec<usize> = (0..treated.len())
            .filter(|&row| treated[row] == arm)
            .collect();
        let error = utfall_stats::sums::sum_of(rows.len(), |i| {
            square(scale[rows[i]] * contrast.influence[rows[i]])
        });
        whole += error;
        parts += error * error / count(rows.len() - 1);
    }
    Ok(whole * whole / parts)
}

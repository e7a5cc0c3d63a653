//! Standard errors by name.
//!
//! Each is a sum of squares of what rows, or clusters of rows, contribute to the contrast. With
//! `φᵢ` the influence of a row, `hᵢ` its leverage, `N` rows, `K` coefficients and `G` clusters:
//!
//! | name | variance |
//! | --- | --- |
//! | `classical` | residual variance over `N - K`, the same for every row |
//! | `model` | error variance one, as the likelihood says; only for a likelihood |
//! | `hc0` | `Σ φᵢ²` |
//! | `hc1` | `hc0 · N/(N-K)` |
//! | `hc2` | `Σ φᵢ²/(1-hᵢ)` |
//! | `hc3` | `Σ φᵢ²/(1-hᵢ)²` |
//! | `hc4` | `Σ φᵢ²/(1-hᵢ)^δ`, `δ = min(4, N·hᵢ/K)` |
//! | `cr0` | `Σ_g (Σ_{i∈g} φᵢ)²` |
//! | `cr1` | `cr0 · G/(G-1)` |
//! | `cr1-p` | `cr0 · G/(G-K)` |
//! | `cr1-stata` | `cr0 · G/(G-1) · (N-1)/(N-K)` |
//! | `cr2` | `cr0` with each cluster's residuals adjusted to have no bias under independent errors |
//! | `cr3` | `cr0` with each cluster's residuals as they would be without the cluster, a jackknife |
//!
//! Two ways of clustering add the two variances and take off that of the cells they share, each
//! with its own `G`.
//!
//! MacKinnon & White (1985), <https://doi.org/10.1016/0304-4076(85)90158-7>; Bell & McCaffrey
//! (2002), *Survey Methodology* 28(2); Cameron, Gelbach & Miller (2011),
//! <https://doi.org/10.1198/jbes.2010.07136>; Pustejovsky & Tipton (2018),
//! <https://doi.org/10.1080/07350015.2016.1247004>.

use serde::{Deserialize, Serialize};
use utfall_stats::elementary;
use utfall_stats::moments::count;
use utfall_stats::sums::sum_of;

use crate::{Contrast, EffectError, Grouping, WeightedRegression};
use crate::{bias_reduced, jackknife};

/// Leverage above which a row's residual says nothing.
const FULL_LEVERAGE: f64 = 1.0 - 1e-10;
/// Share of the largest possible variance below which a variance is rounding.
const LEAST_VARIANCE: f64 = 1e-26;

/// A standard error by name; there is no default.
///
/// `hc` kinds take rows as independent, `cr` kinds only clusters. `classical` also takes the
/// error variance as equal everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandardError {
    /// Equal error variance, divisor `N - K`. For a likelihood this scales `model` by Pearson's
    /// dispersion (quasi-likelihood).
    Classical,
    /// The inverse Fisher information: the error variance is what the likelihood says. Only for a
    /// generalised linear model.
    Model,
    /// White's, without correction.
    Hc0,
    /// Times `N/(N-K)`.
    Hc1,
    /// Divided by `1 - h`; in a comparison of two arms it is Welch's.
    Hc2,
    /// Divided by `(1 - h)²`, close to the jackknife.
    Hc3,
    /// As `hc3`, stronger the higher the row's leverage (Cribari-Neto 2004).
    Hc4,
    /// Clusters, without correction.
    Cr0,
    /// Clusters, times `G/(G-1)`.
    Cr1,
    /// Clusters, times `G/(G-K)`.
    #[serde(rename = "cr1-p")]
    Cr1P,
    /// Clusters, times `G/(G-1) · (N-1)/(N-K)`: Stata's, and `vcovCL` for a linear model in R.
    Cr1Stata,
    /// Clusters, bias-reduced (Bell & McCaffrey), with independent errors of equal variance as
    /// the working model, also when rows are weighted.
    Cr2,
    /// Clusters, close to the jackknife over them, without a factor.
    Cr3,
}

impl StandardError {
    /// Every kind that a linear regression has, in the order of the table.
    pub const ALL: [Self; 12] = [
        Self::Classical,
        Self::Hc0,
        Self::Hc1,
        Self::Hc2,
        Self::Hc3,
        Self::Hc4,
        Self::Cr0,
        Self::Cr1,
        Self::Cr1P,
        Self::Cr1Stata,
        Self::Cr2,
        Self::Cr3,
    ];

    /// Whether the kind needs the cluster of each row.
    #[must_use]
    pub fn is_clustered(self) -> bool {
        matches!(
            self,
            Self::Cr0 | Self::Cr1 | Self::Cr1P | Self::Cr1Stata | Self::Cr2 | Self::Cr3
        )
    }
}

impl std::fmt::Display for StandardError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Classical => "classical",
            Self::Model => "model",
            Self::Hc0 => "hc0",
            Self::Hc1 => "hc1",
            Self::Hc2 => "hc2",
            Self::Hc3 => "hc3",
            Self::Hc4 => "hc4",
            Self::Cr0 => "cr0",
            Self::Cr1 => "cr1",
            Self::Cr1P => "cr1-p",
            Self::Cr1Stata => "cr1-stata",
            Self::Cr2 => "cr2",
            Self::Cr3 => "cr3",
        })
    }
}

/// The variance of the contrast.
pub(crate) fn variance(
    kind: StandardError,
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    clusters: &[&Grouping],
) -> Result<f64, EffectError> {
    let variance = match kind {
        StandardError::Model if !fit.is_of_likelihood() => {
            return Err(EffectError::KindUndefined { kind });
        }
        StandardError::Cr2 | StandardError::Cr3 if fit.is_of_likelihood() => {
            return Err(EffectError::KindUndefined { kind });
        }
        StandardError::Model => contrast.unit_variance,
        StandardError::Classical => fit.error_variance() * contrast.unit_variance,
        _ if kind.is_clustered() => clustered(kind, fit, contrast, clusters)?,
        _ => {
            let scale = row_scales(kind, fit)?;
            sum_of(scale.len(), |row| {
                square(scale[row] * contrast.influence[row])
            })
        }
    };
    let spread: f64 = sum_of(contrast.influence.len(), |row| {
        contrast.influence[row].abs()
    });
    if variance > LEAST_VARIANCE * spread * spread {
        Ok(variance)
    } else if clusters.len() > 1 && variance < 0.0 {
        Err(EffectError::VarianceNotPositive)
    } else {
        Err(EffectError::NoVariation)
    }
}

/// What each row's residual is multiplied by in an `hc` kind.
pub(crate) fn row_scales(
    kind: StandardError,
    fit: &WeightedRegression<'_>,
) -> Result<Vec<f64>, EffectError> {
    let n_rows = fit.n_rows();
    match kind {
        StandardError::Hc2 | StandardError::Hc3 | StandardError::Hc4 => (0..n_rows)
            .map(|row| {
                let leverage = fit.leverage(row);
                if leverage > FULL_LEVERAGE {
                    return Err(EffectError::FullLeverage { row, kind });
                }
                let left = 1.0 - leverage;
                let share = leverage * count(n_rows) / count(fit.n_columns());
                Ok(1.0
                    / match kind {
                        StandardError::Hc2 => left.sqrt(),
                        StandardError::Hc4 => elementary::pow(left, 0.5 * share.min(4.0)),
                        _ => left,
                    })
            })
            .collect(),
        StandardError::Hc1 => Ok(vec![
            (count(n_rows) / count(n_rows - fit.n_columns())).sqrt();
            n_rows
        ]),
        _ => Ok(vec![1.0; n_rows]),
    }
}

fn clustered(
    kind: StandardError,
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    clusters: &[&Grouping],
) -> Result<f64, EffectError> {
    for way in clusters {
        cluster_factor(kind, fit, way)?;
    }
    match clusters {
        [] => Err(EffectError::ClustersMissing { kind }),
        [way] if kind == StandardError::Cr2 => Ok(bias_reduced::variance(fit, contrast, way)),
        [way] if kind == StandardError::Cr3 => jackknife::variance(fit, contrast, way),
        [way] => Ok(one_way(kind, fit, contrast, way)),
        [one, other] if !matches!(kind, StandardError::Cr2 | StandardError::Cr3) => {
            let shared = one.crossed(other);
            Ok(
                one_way(kind, fit, contrast, one) + one_way(kind, fit, contrast, other)
                    - one_way(kind, fit, contrast, &shared),
            )
        }
        many => Err(EffectError::TooManyClusterings {
            kind,
            n_ways: many.len(),
        }),
    }
}

fn check_way(way: &Grouping, n_rows: usize) -> Result<(), EffectError> {
    if way.len() != n_rows {
        return Err(EffectError::LengthMismatch {
            what: "cluster",
            found: way.len(),
            expected: n_rows,
        });
    }
    if way.n_groups() < 2 {
        return Err(EffectError::TooFewClusters {
            n_clusters: way.n_groups(),
        });
    }
    Ok(())
}

/// The factor of a plain `cr` kind, if the clusters suit it.
pub(crate) fn cluster_factor(
    kind: StandardError,
    fit: &WeightedRegression<'_>,
    way: &Grouping,
) -> Result<f64, EffectError> {
    check_way(way, fit.n_rows())?;
    if kind == StandardError::Cr1P && way.n_groups() <= fit.n_columns() {
        return Err(EffectError::ClustersForColumns {
            n_clusters: way.n_groups(),
            n_columns: fit.n_columns(),
        });
    }
    Ok(factor(kind, fit, way))
}

fn one_way(
    kind: StandardError,
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    way: &Grouping,
) -> f64 {
    let scores = way.sums(&contrast.influence);
    factor(kind, fit, way) * sum_of(scores.len(), |group| square(scores[group]))
}

fn factor(kind: StandardError, fit: &WeightedRegression<'_>, way: &Grouping) -> f64 {
    let (n_rows, n_clusters) = (count(fit.n_rows()), count(way.n_groups()));
    let between = n_clusters / (n_clusters - 1.0);
    match kind {
        StandardError::Cr1 => between,
        StandardError::Cr1P => n_clusters / (n_clusters - count(fit.n_columns())),
        StandardError::Cr1Stata => between * (n_rows - 1.0) / (n_rows - count(fit.n_columns())),
        _ => 1.0,
    }
}

pub(crate) fn square(value: f64) -> f64 {
    value * value
}

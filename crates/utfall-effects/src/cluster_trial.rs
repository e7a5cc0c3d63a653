//! What the clusters of a randomised trial share, and the comparison of their means.
//!
//! Donner & Klar (2000), *Design and Analysis of Cluster Randomization Trials*, chapters 1 and 6.

use utfall_stats::moments::{count, mean, mean_and_variance};
use utfall_stats::student_t;
use utfall_stats::sums::sum_of;

use crate::arms::check_arms;
use crate::regression::check_finite;
use crate::{EffectError, Grouping};

/// How much of an outcome's variance lies between clusters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterVariance {
    /// Intraclass correlation by analysis of variance, treatment not taken out; may be below zero.
    pub intraclass_correlation: f64,
    /// The size of clusters that this estimator averages by: `(N - Σn²/N)/(G - 1)`.
    pub typical_size: f64,
    /// Mean size.
    pub mean_size: f64,
    /// Standard deviation of sizes over their mean.
    pub size_variation: f64,
    /// `1 + (mean size - 1)·ICC`: what clusters multiply a variance by, if they were of one size.
    pub design_effect: f64,
    /// `1 + ((1 + variation²)·mean size - 1)·ICC`, for clusters of unequal size.
    pub design_effect_unequal: f64,
}

/// The difference between the arms of the means of clusters, each cluster counted once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterMeans {
    /// The difference.
    pub difference: f64,
    /// Its error with one variance in both arms, and Student's degrees of freedom.
    pub student: (f64, f64),
    /// Its error with a variance in each arm, and Welch's degrees of freedom.
    pub welch: (f64, f64),
}

impl ClusterMeans {
    /// The two-sided p-value of an error and its degrees of freedom.
    #[must_use]
    pub fn p_value(&self, (standard_error, degrees): (f64, f64)) -> f64 {
        student_t::two_sided_p(self.difference / standard_error, degrees)
    }
}

/// The variance of an outcome between and within clusters.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices,
/// [`EffectError::TooFewClusters`] for one cluster, [`EffectError::TooFewRows`] if each row is its
/// own, and [`EffectError::NoVariation`] if outcomes do not vary.
///
/// # Reference
///
/// Donner & Klar (2000), section 6.2; Eldridge, Ashby & Kerry (2006) on unequal sizes,
/// <https://doi.org/10.1093/ije/dyl129>.
pub fn cluster_variance(
    outcome: &[f64],
    clusters: &Grouping,
) -> Result<ClusterVariance, EffectError> {
    check(outcome, clusters)?;
    let members = clusters.members();
    let sizes: Vec<f64> = members.iter().map(|rows| count(rows.len())).collect();
    let (n, g) = (count(outcome.len()), count(members.len()));
    if outcome.len() == members.len() {
        return Err(EffectError::TooFewRows {
            n_rows: outcome.len(),
            n_columns: members.len(),
        });
    }
    let centre = mean(outcome);
    let means = cluster_means(outcome, clusters);
    let between = sum_of(members.len(), |c| {
        sizes[c] * (means[c] - centre) * (means[c] - centre)
    });
    let within = sum_of(outcome.len(), |row| {
        let apart = outcome[row] - means[clusters.codes()[row]];
        apart * apart
    });
    let (between, within) = (between / (g - 1.0), within / (n - g));
    let squares: f64 = sizes.iter().map(|size| size * size).sum();
    let typical_size = (n - squares / n) / (g - 1.0);
    let whole = between + (typical_size - 1.0) * within;
    if whole <= 0.0 {
        return Err(EffectError::NoVariation);
    }
    let intraclass_correlation = (between - within) / whole;
    let (mean_size, variance) = mean_and_variance(&sizes);
    let size_variation = variance.sqrt() / mean_size;
    let effect = |size: f64| 1.0 + (size - 1.0) * intraclass_correlation;
    Ok(ClusterVariance {
        intraclass_correlation,
        typical_size,
        mean_size,
        size_variation,
        design_effect: effect(mean_size),
        design_effect_unequal: effect((1.0 + size_variation * size_variation) * mean_size),
    })
}

/// Compares the means of clusters between the arms by t tests.
///
/// # Errors
///
/// Those of [`cluster_variance`]; [`EffectError::ClusterDivided`] if a cluster holds both arms, and
/// [`EffectError::TooFewInArm`] for fewer than two clusters in an arm.
///
/// # Reference
///
/// Donner & Klar (2000), section 7.2.
pub fn compare_cluster_means(
    treated: &[bool],
    outcome: &[f64],
    clusters: &Grouping,
) -> Result<ClusterMeans, EffectError> {
    check(outcome, clusters)?;
    let members = clusters.members();
    let arm = |rows: &Vec<usize>| {
        let first = treated[rows[0]];
        match rows.iter().find(|&&row| treated[row] != first) {
            Some(&row) => Err(EffectError::ClusterDivided { row }),
            None => Ok(first),
        }
    };
    let arms: Vec<bool> = members.iter().map(arm).collect::<Result<_, _>>()?;
    check_arms(&arms, 2)?;
    let means = cluster_means(outcome, clusters);
    let of = |arm: bool| {
        let chosen = means.iter().zip(&arms).filter(|(_, is)| **is == arm);
        let values: Vec<f64> = chosen.map(|(value, _)| *value).collect();
        let (mean, variance) = mean_and_variance(&values);
        (mean, variance, count(values.len()))
    };
    let ((one, v1, n1), (zero, v0, n0)) = (of(true), of(false));
    let degrees = n1 + n0 - 2.0;
    let pooled = ((n1 - 1.0) * v1 + (n0 - 1.0) * v0) / degrees;
    let (part1, part0) = (v1 / n1, v0 / n0);
    let whole = part1 + part0;
    if whole <= 0.0 {
        return Err(EffectError::NoVariation);
    }
    let satterthwaite = whole * whole / (part1 * part1 / (n1 - 1.0) + part0 * part0 / (n0 - 1.0));
    Ok(ClusterMeans {
        difference: one - zero,
        student: ((pooled * (1.0 / n1 + 1.0 / n0)).sqrt(), degrees),
        welch: (whole.sqrt(), satterthwaite),
    })
}

fn check(outcome: &[f64], clusters: &Grouping) -> Result<(), EffectError> {
    check_finite("outcome", outcome, clusters.len())?;
    if clusters.n_groups() < 2 {
        return Err(EffectError::TooFewClusters {
            n_clusters: clusters.n_groups(),
        });
    }
    Ok(())
}

fn cluster_means(outcome: &[f64], clusters: &Grouping) -> Vec<f64> {
    let sizes = clusters.sums(&vec![1.0; outcome.len()]);
    let totals = clusters.sums(outcome);
    totals
        .iter()
        .zip(&sizes)
        .map(|(total, size)| total / size)
        .collect()
}

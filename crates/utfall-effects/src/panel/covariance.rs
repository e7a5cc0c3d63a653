//! Covariances of coefficients under every dependence between rows that panels have.
//!
//! Each is a product of scores: what rows, clusters, or rows near each other in time or place
//! contribute to the coefficients together. With `N` rows, `K` coefficients, `G` clusters and `T`
//! times the factor of small samples is `(N-1)/(N-K)` times `G/(G-1)` or `T/(T-1)`, each of which
//! can be left out. Packages differ on `K`: see [`AbsorbedCount`].
//!
//! Driscoll & Kraay (1998), <https://doi.org/10.1162/003465398557825>; Conley (1999),
//! <https://doi.org/10.1016/S0304-4076(98)00084-0>; Newey & West (1987),
//! <https://doi.org/10.2307/1913610>; Cameron, Gelbach & Miller (2011),
//! <https://doi.org/10.1198/jbes.2010.07136>.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Interval};
use utfall_stats::moments::count;
use utfall_stats::sums::{dot, sum_of};
use utfall_stats::{Cholesky, Matrix, fisher_f, normal, student_t};

use super::fixed_effects::without;
use super::{AbsorbedFit, Design, JackknifeCentre, Places};
use crate::times::ranks;
use crate::{Contrast, EffectError, Grouping, Inferred, StandardError, bias_reduced, jackknife};

/// Which rows' errors go together.
#[derive(Debug, Clone, PartialEq)]
pub enum Dependence {
    /// None, and all have the same variance.
    Equal,
    /// None, each with a variance of its own.
    Independent,
    /// As `Independent`, residuals divided by `(1 - h)^½` (`hc2`) or `1 - h` (`hc3`). With one set
    /// of constants absorbed, or none.
    Leverage(StandardError),
    /// Those of a cluster, in one or several ways.
    Clusters(Vec<Grouping>),
    /// Those of a cluster, bias-reduced (`cr2`) or close to the jackknife (`cr3`), no factor.
    Adjusted(StandardError, Grouping),
    /// Those of a cluster, by leaving out each in turn and fitting again.
    Jackknife(Grouping, JackknifeCentre),
    /// All rows of a time, and of times up to `lag` apart with weights falling linearly.
    Times {
        /// The time of each row, any ordered numbers; times count by their rank.
        time: Vec<f64>,
        /// Times apart that still go together.
        lag: usize,
    },
    /// Rows of a unit at times up to `lag` apart, with weights falling linearly.
    WithinUnits {
        /// The unit of each row.
        unit: Grouping,
        /// The time of each row.
        time: Vec<f64>,
        /// Times apart that still go together.
        lag: usize,
    },
    /// Rows that are near each other.
    Places(Places),
}

/// Which absorbed coefficients count in `K`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbsorbedCount {
    /// None.
    None,
    /// Those of sets not nested in a cluster; a nested set counts once (fixest, reghdfe).
    Nested,
    /// All (areg, `lm` with dummies).
    Full,
}

/// Which number of clusters a factor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterCount {
    /// No factor.
    None,
    /// The fewest of all ways, in every part (fixest).
    Fewest,
    /// Each part's own (Petersen, sandwich).
    Own,
}

/// The factor of small samples, each part written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmallSample {
    /// Whether to multiply by `(N-1)/(N-K)`.
    pub rows: bool,
    /// Which absorbed coefficients count in `K`.
    pub absorbed: AbsorbedCount,
    /// The factor `G/(G-1)`.
    pub clusters: ClusterCount,
}

/// What a point divided by its error is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// The normal.
    Normal,
    /// Student's t with `N - K`, all absorbed coefficients counted.
    Residual,
    /// Student's t with the fewest clusters, or times, less one.
    Clusters,
    /// Student's t of the error under independent errors of equal variance; for `cr2`, `cr3`, `hc2`
    /// and `hc3`.
    Satterthwaite,
}

/// The covariance of a fit's coefficients.
#[derive(Debug, Clone)]
pub struct Covariance<'a> {
    fit: &'a AbsorbedFit,
    dependence: &'a Dependence,
    points: Vec<f64>,
    matrix: Vec<Vec<f64>>,
    n_clusters: Option<usize>,
}

impl<'a> Covariance<'a> {
    /// The covariance of every coefficient of `fit`, which is that of `design`.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`], [`EffectError::TooFewClusters`] for groupings that do not
    /// suit; [`EffectError::FullLeverage`] where a row or cluster alone decides a coefficient, and
    /// what [`super::fit_absorbed`] says of a fit without a cluster.
    pub fn new(
        fit: &'a AbsorbedFit,
        design: &Design<'_>,
        dependence: &'a Dependence,
        small: &SmallSample,
    ) -> Result<Self, EffectError> {
        dependence.check(fit.n_rows())?;
        let mut matrix = match dependence {
            Dependence::Jackknife(..) if fit.regression.is_of_likelihood() => {
                return Err(EffectError::KindUndefined {
                    kind: StandardError::Cr3,
                });
            }
            Dependence::Jackknife(way, centre) => jackknifed(fit, design, way, *centre)?,
            Dependence::Clusters(ways) => by_clusters(fit, ways, small.clusters),
            _ => by_rows(fit, dependence)?,
        };
        let factor = dependence.row_factor(fit, small);
        for value in matrix.iter_mut().flatten() {
            *value *= factor;
        }
        Ok(Self {
            fit,
            dependence,
            points: fit.coefficients(),
            matrix,
            n_clusters: dependence.fewest(),
        })
    }

    /// The covariances, row by row.
    #[must_use]
    pub fn matrix(&self) -> &[Vec<f64>] {
        &self.matrix
    }

    /// Infers a weighted sum of the coefficients.
    ///
    /// # Errors
    ///
    /// [`EffectError::VarianceNotPositive`] where its variance is not above zero, and
    /// [`EffectError::DistributionUndefined`] where the distribution has no meaning.
    pub fn infer(
        &self,
        per_column: &[f64],
        distribution: Distribution,
        level: ConfidenceLevel,
    ) -> Result<Inferred, EffectError> {
        let point = dot(per_column, &self.points);
        let variance = quadratic(&self.matrix, per_column);
        if variance.is_nan() || variance <= 0.0 {
            return Err(EffectError::VarianceNotPositive);
        }
        let degrees = self.degrees(per_column, distribution)?;
        Ok(concluded(
            point,
            variance.sqrt(),
            degrees,
            level,
            self.n_clusters,
        ))
    }

    /// F of the hypothesis that some coefficients are all zero, its p-value and its degrees of
    /// freedom; the second are `N - K` with all absorbed coefficients counted.
    ///
    /// # Errors
    ///
    /// [`EffectError::RankDeficient`] where the covariance of these coefficients is singular.
    pub fn wald(&self, columns: &[usize]) -> Result<Wald, EffectError> {
        let n = columns.len();
        let mut part = Matrix::zeros(n, n);
        for (i, &row) in columns.iter().enumerate() {
            for (j, &column) in columns.iter().enumerate() {
                part.set(i, j, self.matrix[row][column]);
            }
        }
        let factor =
            Cholesky::factor(&part, 1e-12).map_err(|error| EffectError::RankDeficient {
                column: columns[error.column],
            })?;
        let points: Vec<f64> = columns.iter().map(|&column| self.points[column]).collect();
        let f = dot(&points, &factor.solve(&points)) / count(n);
        let rest = self.fit.n_rows() - self.fit.n_coefficients();
        Ok(Wald {
            f,
            numerator: n,
            denominator: rest,
            p_value: fisher_f::upper_tail(f, count(n), count(rest)),
        })
    }

    fn degrees(
        &self,
        per_column: &[f64],
        distribution: Distribution,
    ) -> Result<Option<f64>, EffectError> {
        let undefined = EffectError::DistributionUndefined;
        match (distribution, self.dependence) {
            (Distribution::Normal, _) => Ok(None),
            (Distribution::Residual, _) => {
                Ok(Some(count(self.fit.n_rows() - self.fit.n_coefficients())))
            }
            (Distribution::Clusters, _) => {
                self.n_clusters.map(|n| Some(count(n - 1))).ok_or(undefined)
            }
            (Distribution::Satterthwaite, Dependence::Adjusted(kind, way)) => {
                let contrast = self.fit.regression.contrast(per_column)?;
                bias_reduced::satterthwaite(*kind, &self.fit.regression, &contrast, Some(way))
                    .map(Some)
            }
            (Distribution::Satterthwaite, _) => Err(undefined),
        }
    }
}

/// A joint test of coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wald {
    /// The statistic.
    pub f: f64,
    /// Coefficients tested.
    pub numerator: usize,
    /// Second degrees of freedom.
    pub denominator: usize,
    /// Its p-value.
    pub p_value: f64,
}

/// Interval and p-value of a point with its error.
pub(crate) fn concluded(
    point: f64,
    standard_error: f64,
    degrees: Option<f64>,
    level: ConfidenceLevel,
    n_clusters: Option<usize>,
) -> Inferred {
    let upper = 0.5 * (1.0 + level.fraction());
    let statistic = point / standard_error;
    let (quantile, p_value) = match degrees {
        Some(degrees) => (
            student_t::quantile(upper, degrees),
            student_t::two_sided_p(statistic, degrees),
        ),
        None => (normal::quantile(upper), normal::two_sided_p(statistic)),
    };
    Inferred {
        point,
        standard_error,
        degrees_of_freedom: degrees,
        interval: Interval {
            lower: point - quantile * standard_error,
            upper: point + quantile * standard_error,
        },
        p_value,
        n_clusters,
    }
}

pub(crate) fn quadratic(matrix: &[Vec<f64>], vector: &[f64]) -> f64 {
    matrix
        .iter()
        .zip(vector)
        .map(|(row, value)| value * dot(row, vector))
        .sum()
}

impl Dependence {
    fn check(&self, n_rows: usize) -> Result<(), EffectError> {
        let ways: Vec<&Grouping> = match self {
            Self::Clusters(ways) => ways.iter().collect(),
            Self::Adjusted(_, way) | Self::Jackknife(way, _) => vec![way],
            Self::WithinUnits { unit, .. } => vec![unit],
            _ => Vec::new(),
        };
        for way in ways {
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
        }
        Ok(())
    }

    /// The fewest clusters, or times.
    fn fewest(&self) -> Option<usize> {
        match self {
            Self::Clusters(ways) => ways.iter().map(Grouping::n_groups).min(),
            Self::Adjusted(_, way) | Self::Jackknife(way, _) => Some(way.n_groups()),
            Self::Times { time, .. } | Self::WithinUnits { time, .. } => Some(ranks(time).1),
            _ => None,
        }
    }

    /// Ways in which a set of fixed effects may be nested.
    fn ways(&self) -> Vec<Grouping> {
        let by_time = |time: &[f64]| Grouping::of(&ranks(time).0);
        match self {
            Self::Clusters(ways) => ways.clone(),
            Self::Times { time, .. } => vec![by_time(time)],
            Self::WithinUnits { unit, time, .. } => vec![unit.clone(), by_time(time)],
            _ => Vec::new(),
        }
    }

    /// `(N-1)/(N-K)`, and for times `T/(T-1)`.
    fn row_factor(&self, fit: &AbsorbedFit, small: &SmallSample) -> f64 {
        if matches!(
            self,
            Self::Adjusted(..) | Self::Jackknife(..) | Self::Leverage(_)
        ) {
            return 1.0;
        }
        let n = count(fit.n_rows());
        let mut factor = 1.0;
        if small.rows {
            factor = (n - 1.0) / (n - count(self.counted(fit, small.absorbed)));
        }
        match (self, small.clusters) {
            (_, ClusterCount::None) | (Self::Clusters(_) | Self::Equal | Self::Places(_), _) => {}
            (Self::Independent, _) => factor *= n / (n - 1.0),
            _ => {
                let times = count(self.fewest().unwrap_or(2));
                factor *= times / (times - 1.0);
            }
        }
        factor
    }

    fn counted(&self, fit: &AbsorbedFit, absorbed: AbsorbedCount) -> usize {
        let n_columns = fit.regression.n_columns();
        let ways = self.ways();
        match absorbed {
            AbsorbedCount::None => n_columns,
            AbsorbedCount::Nested if !ways.is_empty() => {
                n_columns + fit.n_absorbed(|set| !ways.iter().any(|way| set.is_nested_in(way)))
            }
            _ => fit.n_coefficients(),
        }
    }
}

/// The covariance from what each row contributes to each coefficient.
fn by_rows(fit: &AbsorbedFit, dependence: &Dependence) -> Result<Vec<Vec<f64>>, EffectError> {
    let contrasts: Vec<Contrast> = (0..fit.regression.n_columns())
        .map(|column| fit.regression.coefficient(column))
        .collect::<Result<_, _>>()?;
    let influences: Vec<&[f64]> = contrasts.iter().map(|c| c.influence.as_slice()).collect();
    Ok(match dependence {
        Dependence::Equal => {
            let weight = fit.regression.weight();
            let likelihood = fit.regression.is_of_likelihood();
            let variance = if likelihood {
                1.0
            } else {
                fit.regression.residual_square() / count(fit.n_rows() - 1)
            };
            symmetric(contrasts.len(), |i, j| {
                let (one, other) = (&contrasts[i].reach, &contrasts[j].reach);
                variance * sum_of(one.len(), |row| weight[row] * one[row] * other[row])
            })
        }
        Dependence::Independent => products(&influences, &influences),
        Dependence::Leverage(kind) => {
            let scales = scales(fit, *kind)?;
            let scaled: Vec<Vec<f64>> = influences
                .iter()
                .map(|column| {
                    column
                        .iter()
                        .zip(&scales)
                        .map(|(value, by)| value * by)
                        .collect()
                })
                .collect();
            let scaled: Vec<&[f64]> = scaled.iter().map(Vec::as_slice).collect();
            products(&scaled, &scaled)
        }
        Dependence::Adjusted(kind, way) => {
            let scores: Vec<Vec<f64>> = contrasts
                .iter()
                .map(|contrast| match kind {
                    StandardError::Cr3 => jackknife::scores(&fit.regression, contrast, way),
                    _ => Ok(bias_reduced::scores(&fit.regression, contrast, way)),
                })
                .collect::<Result<_, _>>()?;
            let scores: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
            products(&scores, &scores)
        }
        Dependence::Times { time, lag } => {
            let (rank, n_times) = ranks(time);
            let sums: Vec<Vec<f64>> = influences
                .iter()
                .map(|column| {
                    let mut sums = vec![0.0; n_times];
                    for (&at, value) in rank.iter().zip(*column) {
                        sums[at] += value;
                    }
                    sums
                })
                .collect();
            lagged(&sums, *lag, &[(0..n_times).map(Some).collect()])
        }
        Dependence::WithinUnits { unit, time, lag } => {
            let (rank, n_times) = ranks(time);
            let mut lines = vec![vec![None; n_times]; unit.n_groups()];
            for (row, (&unit, &at)) in unit.codes().iter().zip(&rank).enumerate() {
                if lines[unit][at].replace(row).is_some() {
                    return Err(EffectError::DuplicateInPanel { row });
                }
            }
            let columns: Vec<Vec<f64>> = influences.iter().map(|column| column.to_vec()).collect();
            lagged(&columns, *lag, &lines)
        }
        Dependence::Places(places) => {
            let nearby = places.sums_nearby(&influences);
            let nearby: Vec<&[f64]> = nearby.iter().map(Vec::as_slice).collect();
            products(&influences, &nearby)
        }
        Dependence::Clusters(..) | Dependence::Jackknife(..) => Vec::new(),
    })
}

fn scales(fit: &AbsorbedFit, kind: StandardError) -> Result<Vec<f64>, EffectError> {
    let absorbed = match fit.absorb.as_slice() {
        [] => vec![0.0; fit.n_rows()],
        [only] => only
            .leverages(fit.regression.weight())
            .ok_or(EffectError::KindUndefined { kind })?,
        _ => return Err(EffectError::KindUndefined { kind }),
    };
    (0..fit.n_rows())
        .map(|row| {
            let left = 1.0 - fit.regression.leverage(row) - absorbed[row];
            match kind {
                _ if left < 1e-10 => Err(EffectError::FullLeverage { row, kind }),
                StandardError::Hc2 => Ok(1.0 / left.sqrt()),
                StandardError::Hc3 => Ok(1.0 / left),
                _ => Err(EffectError::KindUndefined { kind }),
            }
        })
        .collect()
}

/// The covariance from the scores of clusters, by inclusion and exclusion over every subset of the
/// ways.
fn by_clusters(fit: &AbsorbedFit, ways: &[Grouping], factor: ClusterCount) -> Vec<Vec<f64>> {
    let regression = &fit.regression;
    let n_columns = regression.n_columns();
    let fewest = ways.iter().map(Grouping::n_groups).min().unwrap_or(2);
    let residual = regression.weighted(regression.residual());
    let mut total = vec![vec![0.0; n_columns]; n_columns];
    for subset in 1_usize..1 << ways.len() {
        let mut chosen = (0..ways.len()).filter(|way| subset >> way & 1 == 1);
        let Some(first) = chosen.next() else { continue };
        let way = chosen.fold(ways[first].clone(), |shared, way| {
            shared.crossed(&ways[way])
        });
        let scores = regression.scores(&residual, &way);
        let scores: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
        let n_clusters = match factor {
            ClusterCount::Fewest => fewest,
            _ => way.n_groups(),
        };
        let factor = match factor {
            ClusterCount::None => 1.0,
            _ => count(n_clusters) / count(n_clusters - 1),
        };
        let sign = if subset.count_ones() % 2 == 1 {
            factor
        } else {
            -factor
        };
        for (into, from) in total
            .iter_mut()
            .flatten()
            .zip(products(&scores, &scores).iter().flatten())
        {
            *into += sign * from;
        }
    }
    // What a coefficient takes of the score of each orthogonal column.
    let takes = |column: usize| {
        let mut per_column = vec![0.0; n_columns];
        per_column[column] = 1.0;
        regression.along(&per_column)
    };
    let takes: Vec<Vec<f64>> = (0..n_columns).map(takes).collect();
    symmetric(n_columns, |i, j| {
        let columns = total.iter().map(|line| dot(line, &takes[j]));
        takes[i].iter().zip(columns).map(|(a, b)| a * b).sum()
    })
}

/// `Σₗ w(l) Σ (sₜ sₜ₋ₗ′ + sₜ₋ₗ sₜ′)` along each line of rows in order of time, gaps being `None`.
fn lagged(columns: &[Vec<f64>], lag: usize, lines: &[Vec<Option<usize>>]) -> Vec<Vec<f64>> {
    let at = |column: usize, place: Option<usize>| place.map_or(0.0, |row| columns[column][row]);
    let n = columns.len();
    let mut total = vec![vec![0.0; n]; n];
    for apart in 0..=lag {
        let weight = 1.0 - count(apart) / count(lag + 1);
        for line in lines {
            for (later, &here) in line.iter().enumerate().skip(apart) {
                let there = line[later - apart];
                if here.is_none() || there.is_none() {
                    continue;
                }
                for (i, row) in total.iter_mut().enumerate() {
                    for (j, cell) in row.iter_mut().enumerate() {
                        *cell += if apart == 0 {
                            at(i, here) * at(j, here)
                        } else {
                            weight * (at(i, here) * at(j, there) + at(i, there) * at(j, here))
                        };
                    }
                }
            }
        }
    }
    total
}

fn jackknifed(
    fit: &AbsorbedFit,
    design: &Design<'_>,
    way: &Grouping,
    centre: JackknifeCentre,
) -> Result<Vec<Vec<f64>>, EffectError> {
    let n_groups = way.n_groups();
    let left: Vec<Vec<f64>> = (0..n_groups)
        .map(|group| Ok(without(design, way, group)?.coefficients()))
        .collect::<Result<_, EffectError>>()?;
    let full = fit.coefficients();
    let shifts: Vec<Vec<f64>> = (0..full.len())
        .map(|column| {
            let values: Vec<f64> = left.iter().map(|points| points[column]).collect();
            let centre = match centre {
                JackknifeCentre::Estimate => full[column],
                JackknifeCentre::Mean => utfall_stats::moments::mean(&values),
            };
            values.iter().map(|value| value - centre).collect()
        })
        .collect();
    let factor = count(n_groups - 1) / count(n_groups);
    Ok(symmetric(full.len(), |i, j| {
        factor * dot(&shifts[i], &shifts[j])
    }))
}

fn products(one: &[&[f64]], other: &[&[f64]]) -> Vec<Vec<f64>> {
    symmetric(one.len(), |i, j| dot(one[i], other[j]))
}

pub(crate) fn symmetric(n: usize, value: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
    let lower: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..=i).map(|j| value(i, j)).collect())
        .collect();
    let cell = |i: usize, j: usize| lower[i.max(j)][i.min(j)];
    (0..n)
        .map(|i| (0..n).map(|j| cell(i, j)).collect())
        .collect()
}

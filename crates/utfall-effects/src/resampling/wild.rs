//! The wild cluster bootstrap of a t statistic, for few clusters.
//!
//! A replicate turns the residuals of each cluster by one random number and fits again. Nothing is
//! in fact fitted again: with orthonormal columns the numerator of the replicate's t statistic is a
//! sum over clusters, and each cluster's score is its own part less its share of `K` sums over
//! clusters, so a replicate costs `G·K` whatever the number of rows (Roodman, MacKinnon, Nielsen &
//! Webb 2019). All parts are linear in the value that the null hypothesis gives the coefficient,
//! so the interval of the values not rejected reuses them too.
//!
//! Cameron, Gelbach & Miller (2008), <https://doi.org/10.1162/rest.90.3.414>; Roodman et al.
//! (2019), <https://doi.org/10.1177/1536867X19830877>.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Interval};
use utfall_stats::draws::Stream;
use utfall_stats::moments::count;

use super::{Draws, Multiplier};
use crate::{Contrast, EffectError, Grouping, StandardError, WeightedRegression};

/// Largest number of sign vectors that are enumerated: those of twenty clusters.
const MOST_ENUMERATED: usize = 20;
/// Relative slack within which two statistics are equal; the identity draw gives the observed one.
const SLACK: f64 = 1e-9;
/// Halvings of the stretch in which an end of the interval lies.
const HALVINGS: u32 = 45;
/// Doublings of the reach in search of a value that is rejected.
const DOUBLINGS: u32 = 12;

/// Whose residuals are turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WildResiduals {
    /// Of the fit in which the null hypothesis holds (WCR): the better choice for few clusters.
    Restricted,
    /// Of the fit itself (WCU), with statistics centred at the estimate.
    Unrestricted,
}

/// Which replicates are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WildDraws {
    /// Every vector of Rademacher signs, the identity and its negation included; for at most
    /// twenty clusters.
    Enumerated,
    /// Drawn at random.
    Drawn(Multiplier, Draws),
}

/// A t statistic and how replicates compare with it.
#[derive(Debug, Clone, PartialEq)]
pub struct WildTest {
    /// The estimate.
    pub point: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The estimate less the null value, in standard errors.
    pub t: f64,
    /// Replicates.
    pub n_draws: usize,
    /// Replicates whose statistic is at least as large in size.
    pub n_at_least: usize,
    /// Replicates whose statistic is larger in size.
    pub n_beyond: usize,
    /// Replicates whose statistic is above the observed one.
    pub n_above: usize,
    /// Replicates whose statistic is below it.
    pub n_below: usize,
    /// The statistics of the replicates from the smallest up, as with a `cr0` error.
    pub statistics: Vec<f64>,
    /// The values of the coefficient that the symmetric test does not reject, if asked for; an end
    /// is infinite where no value that far is rejected.
    pub interval: Option<Interval>,
}

impl WildTest {
    /// The share of replicates at least as large in size.
    #[must_use]
    pub fn p_symmetric(&self) -> f64 {
        count(self.n_at_least) / count(self.n_draws)
    }

    /// The share of replicates larger in size. With enumeration the identity and its negation
    /// equal the observed statistic, so it is smaller by at least `2/2^G`.
    #[must_use]
    pub fn p_symmetric_strict(&self) -> f64 {
        count(self.n_beyond) / count(self.n_draws)
    }

    /// The quantile at `p` of the replicates' statistics (type 1).
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        super::quantile::inverse_cdf(&self.statistics, p)
    }

    /// The mean square of the replicates' statistics: near one where the error is right.
    #[must_use]
    pub fn mean_square(&self) -> f64 {
        utfall_stats::sums::dot(&self.statistics, &self.statistics) / count(self.n_draws)
    }

    /// Twice the smaller share of replicates on one side of the observed statistic.
    #[must_use]
    pub fn p_equal_tailed_strict(&self) -> f64 {
        2.0 * count(self.n_above.min(self.n_below)) / count(self.n_draws)
    }

    /// The same with equal statistics counted on both sides, at most one.
    #[must_use]
    pub fn p_equal_tailed(&self) -> f64 {
        let (above, below) = (self.n_draws - self.n_below, self.n_draws - self.n_above);
        (2.0 * count(above.min(below)) / count(self.n_draws)).min(1.0)
    }
}

/// Tests the coefficient of a column by the wild cluster bootstrap.
///
/// It is right for fewer clusters than cluster-robust errors are. It is known to fail where few
/// clusters are treated (with restricted residuals it hardly ever rejects, with unrestricted ones
/// too often), and with less than about six clusters Rademacher's signs give too few different
/// replicates: take Webb's.
///
/// # Shapes and units
///
/// - `columns`: of the regression, one value per row; `column` is the one tested, `null` its value
///   under the hypothesis.
/// - `weight`: relative weights, as for [`WeightedRegression::fit`].
/// - `kind`: `cr0`, `cr1`, `cr1-p` or `cr1-stata`: it scales the standard error and no p-value.
/// - `interval`: the level at which the test is inverted; for restricted residuals.
///
/// # Errors
///
/// - Those of [`WeightedRegression::fit`]; [`EffectError::LengthMismatch`] and
///   [`EffectError::TooFewClusters`] for the clusters.
/// - [`EffectError::KindUndefined`] for any other standard error.
/// - [`EffectError::TooManyDraws`] if more than twenty clusters are to be enumerated.
///
/// # Reference
///
/// Cameron, Gelbach & Miller (2008), <https://doi.org/10.1162/rest.90.3.414>; MacKinnon & Webb
/// (2017) on few treated clusters, <https://doi.org/10.1002/jae.2508>.
#[expect(
    clippy::too_many_arguments,
    reason = "a design, a hypothesis and how it is tested"
)]
pub fn wild_cluster_test(
    columns: &[&[f64]],
    weight: &[f64],
    outcome: &[f64],
    clusters: &Grouping,
    (column, null): (usize, f64),
    kind: StandardError,
    residuals: WildResiduals,
    draws: WildDraws,
    interval: Option<ConfidenceLevel>,
) -> Result<WildTest, EffectError> {
    if !kind.is_clustered() || matches!(kind, StandardError::Cr2 | StandardError::Cr3) {
        return Err(EffectError::KindUndefined { kind });
    }
    let fit = WeightedRegression::fit(columns, weight, outcome)?;
    let contrast = fit.coefficient(column)?;
    let variance = crate::standard_error::variance(kind, &fit, &contrast, &[clusters])?;
    let multipliers = multipliers(clusters.n_groups(), draws)?;
    let parts = match residuals {
        WildResiduals::Unrestricted => Parts::unrestricted(&fit, &contrast, clusters),
        WildResiduals::Restricted => Parts::restricted(&fit, &contrast, clusters),
    };
    let mut test = parts.test(contrast.point, null, &multipliers);
    test.standard_error = variance.sqrt();
    test.t = (contrast.point - null) / test.standard_error;
    if let (Some(level), WildResiduals::Restricted) = (interval, residuals) {
        let reach = test.standard_error;
        test.interval = Some(parts.interval(contrast.point, reach, level, &multipliers));
    }
    Ok(test)
}

/// One row of multipliers for each replicate.
fn multipliers(n_clusters: usize, draws: WildDraws) -> Result<Vec<Vec<f64>>, EffectError> {
    match draws {
        WildDraws::Enumerated if n_clusters > MOST_ENUMERATED => Err(EffectError::TooManyDraws {
            what: "clusters",
            found: n_clusters,
            most: MOST_ENUMERATED,
        }),
        WildDraws::Enumerated => {
            let sign = |bits: usize, g: usize| if bits >> g & 1 == 0 { 1.0 } else { -1.0 };
            let vector = |bits: usize| (0..n_clusters).map(|g| sign(bits, g)).collect();
            Ok((0..1_usize << n_clusters).map(vector).collect())
        }
        WildDraws::Drawn(kind, draws) => Ok((0..draws.replicates.get())
            .into_par_iter()
            .map(|number| {
                let mut multipliers = vec![0.0; n_clusters];
                let mut stream = Stream::new(draws.seed, "wild bootstrap", number.into());
                kind.fill(&mut stream, &mut multipliers);
                multipliers
            })
            .collect()),
    }
}

/// What each cluster adds to a replicate, for residuals that are `r₀ + value · r₁`.
struct Parts {
    n_columns: usize,
    /// `Σ w z r` of each cluster: its part of the numerator, for both residuals.
    own: [Vec<f64>; 2],
    /// `Σ w q r` by column, cluster after cluster, for both residuals: its part in every refit.
    pull: [Vec<f64>; 2],
    /// `Σ w z q` by column, cluster after cluster: what a refit takes off its score.
    share: Vec<f64>,
}

impl Parts {
    fn unrestricted(fit: &WeightedRegression<'_>, contrast: &Contrast, way: &Grouping) -> Self {
        let none = vec![0.0; fit.n_rows()];
        Self::of(fit, contrast, way, [fit.residual(), &none])
    }

    /// With the coefficient held at a value the residuals are those of the outcome on the other
    /// columns, less the value times those of the column on the others. The latter are along the
    /// contrast (Frisch & Waugh 1933), so nothing is fitted again.
    fn restricted(fit: &WeightedRegression<'_>, contrast: &Contrast, way: &Grouping) -> Self {
        let less: Vec<f64> = contrast
            .reach
            .iter()
            .map(|reach| -reach / contrast.unit_variance)
            .collect();
        let outcome: Vec<f64> = fit
            .residual()
            .iter()
            .zip(&less)
            .map(|(residual, less)| residual - contrast.point * less)
            .collect();
        Self::of(fit, contrast, way, [&outcome, &less])
    }

    fn of(
        fit: &WeightedRegression<'_>,
        contrast: &Contrast,
        way: &Grouping,
        residuals: [&[f64]; 2],
    ) -> Self {
        let reach = fit.weighted(&contrast.reach);
        let own = |residual: &[f64]| {
            let terms: Vec<f64> = reach.iter().zip(residual).map(|(z, r)| z * r).collect();
            way.sums(&terms)
        };
        let by_cluster = |values: &[f64]| {
            let scores = fit.orthonormal_scores(values, way);
            let of_cluster = |g: usize| scores.iter().map(move |scores| scores[g]);
            (0..way.n_groups()).flat_map(of_cluster).collect()
        };
        Self {
            n_columns: fit.n_columns(),
            own: residuals.map(own),
            pull: residuals.map(|residual| by_cluster(&fit.weighted(residual))),
            share: by_cluster(&reach),
        }
    }

    fn n_clusters(&self) -> usize {
        self.own[0].len()
    }

    /// The parts with the null value put in.
    fn at(&self, null: f64) -> (Vec<f64>, Vec<f64>) {
        let mixed = |[zero, one]: &[Vec<f64>; 2]| {
            let both = zero.iter().zip(one);
            both.map(|(zero, one)| zero + null * one).collect()
        };
        (mixed(&self.own), mixed(&self.pull))
    }

    /// The t statistic of one replicate, without the factor of the standard error.
    fn statistic(&self, own: &[f64], pull: &[f64], multipliers: &[f64]) -> f64 {
        let (numerator, square) = self.replicate(own, pull, multipliers);
        numerator / square.sqrt()
    }

    /// The numerator of a replicate, and its sum of squared scores.
    fn replicate(&self, own: &[f64], pull: &[f64], multipliers: &[f64]) -> (f64, f64) {
        let mut moved = vec![0.0; self.n_columns];
        let mut numerator = 0.0;
        let clusters = multipliers.iter().zip(own);
        for ((v, own), pull) in clusters.zip(pull.chunks_exact(self.n_columns)) {
            numerator += v * own;
            for (total, value) in moved.iter_mut().zip(pull) {
                *total += v * value;
            }
        }
        let mut square = 0.0;
        let clusters = multipliers.iter().zip(own);
        for ((v, own), share) in clusters.zip(self.share.chunks_exact(self.n_columns)) {
            let score = v * own - in_lanes(share, &moved);
            square += score * score;
        }
        (numerator, square)
    }

    /// The observed statistic on the scale of the replicates': that of residuals as they are.
    fn observed(&self, point: f64, null: f64) -> f64 {
        let (own, pull) = self.at(null);
        let (_, square) = self.replicate(&own, &pull, &vec![1.0; self.n_clusters()]);
        (point - null) / square.sqrt()
    }

    fn test(&self, point: f64, null: f64, multipliers: &[Vec<f64>]) -> WildTest {
        let observed = self.observed(point, null);
        let (own, pull) = self.at(null);
        let slack = SLACK * observed.abs();
        let mut statistics: Vec<f64> = multipliers
            .par_iter()
            .map(|multipliers| self.statistic(&own, &pull, multipliers))
            .collect();
        let tally = |&t: &f64| {
            let counted = |is: bool| usize::from(is);
            [
                counted(t.abs() >= observed.abs() - slack),
                counted(t.abs() > observed.abs() + slack),
                counted(t > observed + slack),
                counted(t < observed - slack),
            ]
        };
        let sum = |mut a: [usize; 4], b: [usize; 4]| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let [n_at_least, n_beyond, n_above, n_below] =
            statistics.par_iter().map(tally).reduce(|| [0; 4], sum);
        statistics.sort_by(f64::total_cmp);
        WildTest {
            point,
            standard_error: f64::NAN,
            t: observed,
            n_draws: multipliers.len(),
            n_at_least,
            n_beyond,
            n_above,
            n_below,
            statistics,
            interval: None,
        }
    }

    fn interval(
        &self,
        point: f64,
        reach: f64,
        level: ConfidenceLevel,
        multipliers: &[Vec<f64>],
    ) -> Interval {
        let rejected = |value: f64| {
            self.test(point, value, multipliers).p_symmetric() < 1.0 - level.fraction()
        };
        let end = |direction: f64| {
            let mut inside = point;
            let mut outside = point + direction * 2.0 * reach;
            let mut n_doublings = 0;
            while !rejected(outside) {
                if n_doublings == DOUBLINGS {
                    return direction * f64::INFINITY;
                }
                (inside, outside) = (outside, point + 2.0 * (outside - point));
                n_doublings += 1;
            }
            for _ in 0..HALVINGS {
                let middle = 0.5 * (inside + outside);
                if rejected(middle) {
                    outside = middle;
                } else {
                    inside = middle;
                }
            }
            0.5 * (inside + outside)
        };
        Interval {
            lower: end(-1.0),
            upper: end(1.0),
        }
    }
}

/// The inner product of two short slices, in four running totals.
fn in_lanes(a: &[f64], b: &[f64]) -> f64 {
    let (a_fours, a_rest) = a.as_chunks::<4>();
    let (b_fours, b_rest) = b.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for (a, b) in a_fours.iter().zip(b_fours) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane += a * b;
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

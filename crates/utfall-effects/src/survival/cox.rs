//! Proportional hazards regression.
//!
//! Rows may enter late and leave early, so covariates may change with time: a row for each stretch.
//! Strata have hazards of their own. Errors take rows, or clusters of rows, as independent.
//!
//! Cox (1972); Efron (1977), <https://doi.org/10.1080/01621459.1977.10480613>; Lin & Wei (1989),
//! <https://doi.org/10.1080/01621459.1989.10478874>; Grambsch & Therneau (1994),
//! <https://doi.org/10.1093/biomet/81.3.515>.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use serde::{Deserialize, Serialize};
use utfall_stats::gamma;
use utfall_stats::moments::{count, mean, mean_and_variance};

use super::ascent::{ascend, factored, quadratic};
use super::concordance::concordance;
use super::likelihood::Model;
use super::{Durations, check_durations};
use crate::regression::check_finite;
use crate::{EffectError, Grouping};

/// What is done with events at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// Each is compared with the others that are left, on average.
    Efron,
    /// Each is compared with all.
    Breslow,
    /// All orders, as for discrete times. Without weights.
    Exact,
}

impl Ties {
    /// The rule for sums over those at risk: the exact likelihood has none, and takes Breslow's.
    const fn of_sums(self) -> Self {
        match self {
            Self::Exact => Self::Breslow,
            sums => sums,
        }
    }
}

/// The scale on which hazards may drift apart in a test of proportionality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeScale {
    /// Time.
    Identity,
    /// One less the survival just before.
    KaplanMeier,
}

/// A test of proportional hazards: χ² of each column, and of all together.
#[derive(Debug, Clone, PartialEq)]
pub struct ProportionalTest {
    /// χ² with one degree of freedom of each column.
    pub each: Vec<f64>,
    /// χ² of all, with as many as there are columns.
    pub all: f64,
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct CoxFit {
    /// Log hazard ratios.
    pub coefficients: Vec<f64>,
    /// Their covariance from the information.
    pub covariance: Vec<Vec<f64>>,
    /// Each row's share of the coefficients' error, times its weight; `None` for exact ties.
    pub influence: Option<Vec<Vec<f64>>>,
    /// Log partial likelihood at zero and at the fit.
    pub log_likelihood: [f64; 2],
    /// Rao's χ² of no effect.
    pub score_test: f64,
    /// Each row's score at zero, times its weight, for the robust score test.
    pub null_scores: Option<Vec<Vec<f64>>>,
    /// Newton steps.
    pub n_iterations: u32,
    ties: Ties,
}

/// Fits by maximum partial likelihood.
///
/// # Shapes
///
/// `columns`: one for each covariate, without a constant. `weight`: above zero.
///
/// # Errors
///
/// Those of [`check_durations`]; [`EffectError::RankDeficient`] at a column that does not vary among
/// those at risk, [`EffectError::Separated`] where a coefficient has no bound, and
/// [`EffectError::NotConverged`].
pub fn fit_cox(
    data: &Durations<'_>,
    columns: &[Vec<f64>],
    weight: &[f64],
    strata: Option<&Grouping>,
    ties: Ties,
) -> Result<CoxFit, EffectError> {
    check_durations(data)?;
    let n = data.stop.len();
    for column in columns {
        check_finite("covariate", column, n)?;
    }
    check_finite("weight", weight, n)?;
    // Centred columns give the same fit and keep exponentials small.
    let (centred, spread): (Vec<Vec<f64>>, Vec<f64>) = columns
        .iter()
        .map(|column| {
            let (mean, variance) = mean_and_variance(column);
            let centred: Vec<f64> = column.iter().map(|x| x - mean).collect();
            (centred, variance.sqrt())
        })
        .unzip();
    let model = Model::new(data, &centred, weight, &members(strata, n), ties);
    let top = ascend(&spread, |beta| model.at(beta))?;
    let (null, beta) = (&top.null, &top.coefficients);
    let sums = ties != Ties::Exact;
    Ok(CoxFit {
        null_scores: sums.then(|| model.scores(&vec![0.0; beta.len()], data)),
        influence: sums.then(|| shares(&top.covariance, &model.scores(beta, data))),
        log_likelihood: [null.value, top.here.value],
        score_test: quadratic(
            &null.slope,
            &factored(&null.information)?.solve(&null.slope),
        ),
        n_iterations: top.n_iterations,
        covariance: top.covariance,
        coefficients: top.coefficients,
        ties,
    })
}

fn members(strata: Option<&Grouping>, n: usize) -> Vec<Vec<usize>> {
    strata.map_or_else(|| vec![(0..n).collect()], Grouping::members)
}

/// Each row's share of the coefficients' error: the covariance times its scores.
fn shares(covariance: &[Vec<f64>], scores: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = scores.first().map_or(0, Vec::len);
    covariance
        .iter()
        .map(|line| {
            (0..n)
                .map(|row| line.iter().zip(scores).map(|(v, s)| v * s[row]).sum())
                .collect()
        })
        .collect()
}

impl CoxFit {
    /// The covariance from influences, rows of a cluster together; no factor of small samples.
    #[must_use]
    pub fn robust(&self, clusters: Option<&Grouping>) -> Option<Vec<Vec<f64>>> {
        self.influence
            .as_ref()
            .map(|columns| products(columns, clusters))
    }

    /// The robust score test of no effect.
    #[must_use]
    pub fn robust_score_test(&self, clusters: Option<&Grouping>) -> Option<f64> {
        let columns = self.null_scores.as_ref()?;
        let middle = products(columns, clusters);
        let sums: Vec<f64> = columns
            .iter()
            .map(|column| utfall_stats::sums::sum(column))
            .collect();
        let factor = factored(&middle).ok()?;
        Some(quadratic(&sums, &factor.solve(&sums)))
    }

    /// Wald's χ² of no effect under a covariance.
    #[must_use]
    pub fn wald(&self, covariance: &[Vec<f64>]) -> Option<f64> {
        let factor = factored(covariance).ok()?;
        Some(quadratic(
            &self.coefficients,
            &factor.solve(&self.coefficients),
        ))
    }

    /// Concordance of the fit with the times, and its error.
    #[must_use]
    pub fn concordance(
        &self,
        data: &Durations<'_>,
        columns: &[Vec<f64>],
        weight: &[f64],
        strata: Option<&Grouping>,
        clusters: Option<&Grouping>,
    ) -> (f64, f64) {
        let score: Vec<f64> = (0..weight.len())
            .map(|row| {
                columns
                    .iter()
                    .zip(&self.coefficients)
                    .map(|(x, b)| x[row] * b)
                    .sum()
            })
            .collect();
        let strata = members(strata, weight.len());
        concordance(data, &score, &strata, weight, clusters)
    }

    /// Tests proportional hazards by the score of a slope of each coefficient in time.
    ///
    /// # Errors
    ///
    /// [`EffectError::RankDeficient`] where a slope is not identified.
    pub fn proportional(
        &self,
        data: &Durations<'_>,
        columns: &[Vec<f64>],
        weight: &[f64],
        strata: Option<&Grouping>,
        scale: TimeScale,
    ) -> Result<ProportionalTest, EffectError> {
        let strata = members(strata, weight.len());
        let model = Model::new(data, columns, weight, &strata, self.ties.of_sums());
        let survival = Model::survival_before(data)?;
        let p = self.coefficients.len();
        let mut times = Vec::new();
        let mut places = Vec::new();
        model.each(&self.coefficients, |time, place| {
            times.push(match scale {
                TimeScale::Identity => time,
                TimeScale::KaplanMeier => 1.0 - survival(time),
            });
            places.push(place.clone());
        });
        let mean = mean(&times);
        let mut slope = vec![0.0; p];
        let mut blocks = [(); 3].map(|()| vec![vec![0.0; p]; p]);
        for (at, time) in places.iter().zip(&times) {
            let g = time - mean;
            for i in 0..p {
                slope[i] += g * at.slope[i];
                for j in 0..p {
                    let v = at.information[i][j];
                    blocks[0][i][j] += v;
                    blocks[1][i][j] += g * v;
                    blocks[2][i][j] += g * g * v;
                }
            }
        }
        let factor = factored(&blocks[0])?;
        let through: Vec<Vec<f64>> = (0..p)
            .map(|j| factor.solve(&blocks[1].iter().map(|row| row[j]).collect::<Vec<f64>>()))
            .collect();
        let left: Vec<Vec<f64>> = (0..p)
            .map(|i| {
                (0..p)
                    .map(|j| {
                        let taken: f64 = blocks[1][i]
                            .iter()
                            .zip(&through[j])
                            .map(|(a, b)| a * b)
                            .sum();
                        blocks[2][i][j] - taken
                    })
                    .collect()
            })
            .collect();
        let solved = factored(&left)?.solve(&slope);
        Ok(ProportionalTest {
            each: (0..p).map(|i| slope[i] * slope[i] / left[i][i]).collect(),
            all: slope.iter().zip(&solved).map(|(a, b)| a * b).sum(),
        })
    }

    /// The cumulative hazard of a row whose covariates are all zero, at times; without strata.
    #[must_use]
    pub fn baseline(
        &self,
        data: &Durations<'_>,
        columns: &[Vec<f64>],
        weight: &[f64],
        times: &[f64],
    ) -> Vec<f64> {
        let strata = members(None, weight.len());
        let model = Model::new(data, columns, weight, &strata, self.ties.of_sums());
        let mut steps = Vec::new();
        model.each_sums(&self.coefficients, |moment| {
            let step: f64 = moment
                .shares()
                .map(|(share, times)| times * moment.each / moment.zero(share))
                .sum();
            steps.push((moment.time, step));
        });
        times
            .iter()
            .map(|&until| {
                let before = steps.iter().rev().take_while(|(time, _)| *time <= until);
                before.map(|(_, step)| step).sum()
            })
            .collect()
    }

    /// The likelihood-ratio χ² of no effect.
    #[must_use]
    pub fn likelihood_ratio(&self) -> f64 {
        2.0 * (self.log_likelihood[1] - self.log_likelihood[0])
    }

    /// The p-value of a χ² with so many degrees of freedom.
    #[must_use]
    pub fn p_of(statistic: f64, degrees: usize) -> f64 {
        gamma::upper(0.5 * count(degrees), 0.5 * statistic)
    }
}

fn products(columns: &[Vec<f64>], clusters: Option<&Grouping>) -> Vec<Vec<f64>> {
    let sums: Vec<Vec<f64>> = columns
        .iter()
        .map(|column| clusters.map_or_else(|| column.clone(), |way| way.sums(column)))
        .collect();
    let cell = |i: usize, j: usize| utfall_stats::sums::dot(&sums[i], &sums[j]);
    (0..sums.len())
        .map(|i| (0..sums.len()).map(|j| cell(i, j)).collect())
        .collect()
}

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
use utfall_stats::elementary::{exp, log};
use utfall_stats::moments::count;
use utfall_stats::{Cholesky, Matrix, gamma};

use super::concordance::concordance;
use super::{Durations, check_durations};
use crate::regression::check_finite;
use crate::{EffectError, Grouping};

const MOST_STEPS: u32 = 100;

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

struct Model<'a> {
    data: &'a Durations<'a>,
    columns: &'a [Vec<f64>],
    weight: &'a [f64],
    ties: Ties,
    /// Rows by stratum.
    strata: Vec<Vec<usize>>,
}

/// The likelihood with its slope and curvature.
struct Place {
    value: f64,
    slope: Vec<f64>,
    information: Vec<Vec<f64>>,
}

/// A time at which events happen: its rows at risk, weighted sums and those of the events.
struct Moment {
    time: f64,
    at_risk: Vec<usize>,
    events: Vec<usize>,
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
    let strata: Vec<Vec<usize>> = match strata {
        Some(way) => way.members(),
        None => vec![(0..n).collect()],
    };
    // Centred columns give the same fit and keep exponentials small.
    let centred: Vec<Vec<f64>> = columns
        .iter()
        .map(|column| {
            let mean = utfall_stats::moments::mean(column);
            column.iter().map(|x| x - mean).collect()
        })
        .collect();
    let model = Model {
        data,
        columns: &centred,
        weight,
        ties,
        strata,
    };
    let moments = model.moments();
    let p = columns.len();
    let mut beta = vec![0.0; p];
    let null = model.at(&moments, &beta);
    let mut here = model.at(&moments, &beta);
    let score_test = {
        let factor = factored(&null.information)?;
        null.slope
            .iter()
            .zip(factor.solve(&null.slope))
            .map(|(a, b)| a * b)
            .sum()
    };
    for n_iterations in 1..=MOST_STEPS {
        let factor = factored(&here.information)?;
        let step = factor.solve(&here.slope);
        let worth: f64 = step.iter().zip(&here.slope).map(|(a, b)| a * b).sum();
        let mut length = 1.0;
        loop {
            let there: Vec<f64> = beta
                .iter()
                .zip(&step)
                .map(|(b, s)| b + length * s)
                .collect();
            let next = model.at(&moments, &there);
            if next.value >= here.value - 1e-12 * here.value.abs() || length < 1e-6 {
                (beta, here) = (there, next);
                break;
            }
            length *= 0.5;
        }
        if worth.abs() <= 1e-20 * (1.0 + here.value.abs()) {
            return model.finish(&moments, beta, &null, &here, score_test, n_iterations);
        }
        let far = |k: &usize| {
            beta[*k].abs()
                * utfall_stats::moments::mean_and_variance(&columns[*k])
                    .1
                    .sqrt()
                > 20.0
        };
        if let Some(column) = (0..p).find(far) {
            return Err(EffectError::Separated { column });
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_STEPS,
    })
}

fn factored(information: &[Vec<f64>]) -> Result<Cholesky, EffectError> {
    let p = information.len();
    let mut matrix = Matrix::zeros(p, p);
    for (i, row) in information.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            matrix.set(i, j, *value);
        }
    }
    Cholesky::factor(&matrix, 1e-11).map_err(|error| EffectError::RankDeficient {
        column: error.column,
    })
}

/// Sums over rows at a moment: `Σ wθ`, `Σ wθ x`, `Σ wθ xx′`.
struct Sums {
    zero: f64,
    one: Vec<f64>,
    two: Vec<Vec<f64>>,
}

impl Model<'_> {
    fn moments(&self) -> Vec<Moment> {
        let mut moments = Vec::new();
        for rows in &self.strata {
            let mut by_stop = rows.clone();
            by_stop.sort_by(|&a, &b| {
                self.data.stop[b]
                    .total_cmp(&self.data.stop[a])
                    .then(a.cmp(&b))
            });
            for time in self.data.event_times(rows) {
                let until = by_stop.partition_point(|&row| self.data.stop[row] >= time);
                let mut at_risk: Vec<usize> = by_stop[..until]
                    .iter()
                    .copied()
                    .filter(|&row| self.data.is_at_risk(row, time))
                    .collect();
                at_risk.sort_unstable();
                let events = at_risk
                    .iter()
                    .copied()
                    .filter(|&row| self.data.ends_at(row, time))
                    .collect();
                moments.push(Moment {
                    time,
                    at_risk,
                    events,
                });
            }
        }
        moments
    }

    fn sums(&self, rows: &[usize], theta: &[f64], with_squares: bool) -> Sums {
        let p = self.columns.len();
        let mut sums = Sums {
            zero: 0.0,
            one: vec![0.0; p],
            two: vec![vec![0.0; p]; p],
        };
        for &row in rows {
            let w = self.weight[row] * theta[row];
            sums.zero += w;
            for i in 0..p {
                let wx = w * self.columns[i][row];
                sums.one[i] += wx;
                if with_squares {
                    for j in 0..=i {
                        sums.two[i][j] += wx * self.columns[j][row];
                    }
                }
            }
        }
        for i in 0..p {
            for j in i + 1..p {
                sums.two[i][j] = sums.two[j][i];
            }
        }
        sums
    }

    fn theta(&self, beta: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let eta: Vec<f64> = (0..self.weight.len())
            .map(|row| self.columns.iter().zip(beta).map(|(x, b)| x[row] * b).sum())
            .collect();
        (eta.iter().map(|&eta| exp(eta)).collect(), eta)
    }

    /// The share of the events' own sums that is taken off in each of a moment's comparisons.
    fn shares(&self, moment: &Moment) -> Vec<f64> {
        let d = moment.events.len();
        match self.ties {
            Ties::Efron => (0..d).map(|l| count(l) / count(d)).collect(),
            _ => vec![0.0; d],
        }
    }

    fn at(&self, moments: &[Moment], beta: &[f64]) -> Place {
        let p = beta.len();
        let (theta, eta) = self.theta(beta);
        let mut place = Place {
            value: 0.0,
            slope: vec![0.0; p],
            information: vec![vec![0.0; p]; p],
        };
        for moment in moments {
            for &row in &moment.events {
                place.value += self.weight[row] * eta[row];
                for (into, x) in place.slope.iter_mut().zip(self.columns) {
                    *into += self.weight[row] * x[row];
                }
            }
            if self.ties == Ties::Exact {
                self.add_exact(moment, &theta, &mut place);
                continue;
            }
            let all = self.sums(&moment.at_risk, &theta, true);
            let own = self.sums(&moment.events, &theta, true);
            let each = self.event_weight(moment);
            for share in self.shares(moment) {
                let zero = all.zero - share * own.zero;
                place.value -= each * log(zero);
                let mean: Vec<f64> = (0..p)
                    .map(|i| (all.one[i] - share * own.one[i]) / zero)
                    .collect();
                for i in 0..p {
                    place.slope[i] -= each * mean[i];
                    for j in 0..p {
                        let second = (all.two[i][j] - share * own.two[i][j]) / zero;
                        place.information[i][j] += each * (second - mean[i] * mean[j]);
                    }
                }
            }
        }
        place
    }

    /// The mean weight of a moment's events.
    fn event_weight(&self, moment: &Moment) -> f64 {
        let total: f64 = moment.events.iter().map(|&row| self.weight[row]).sum();
        total / count(moment.events.len())
    }

    /// All subsets of as many rows as there are events, by recursion on rows.
    fn add_exact(&self, moment: &Moment, theta: &[f64], place: &mut Place) {
        let (d, p) = (moment.events.len(), self.columns.len());
        let mut zero = vec![0.0; d + 1];
        zero[0] = 1.0;
        let mut one = vec![vec![0.0; p]; d + 1];
        let mut two = vec![vec![vec![0.0; p]; p]; d + 1];
        for &row in &moment.at_risk {
            let x: Vec<f64> = self.columns.iter().map(|column| column[row]).collect();
            for size in (1..=d).rev() {
                let (from, into) = (size - 1, size);
                for i in 0..p {
                    for j in 0..p {
                        let more = two[from][i][j]
                            + x[i] * one[from][j]
                            + one[from][i] * x[j]
                            + x[i] * x[j] * zero[from];
                        two[into][i][j] += theta[row] * more;
                    }
                }
                for i in 0..p {
                    let more = one[from][i] + x[i] * zero[from];
                    one[into][i] += theta[row] * more;
                }
                zero[into] += theta[row] * zero[from];
            }
        }
        place.value -= log(zero[d]);
        for i in 0..p {
            let mean = one[d][i] / zero[d];
            place.slope[i] -= mean;
            for j in 0..p {
                place.information[i][j] += two[d][i][j] / zero[d] - mean * one[d][j] / zero[d];
            }
        }
    }

    /// Each row's score, times its weight.
    fn scores(&self, moments: &[Moment], beta: &[f64]) -> Vec<Vec<f64>> {
        let p = beta.len();
        let (theta, _) = self.theta(beta);
        let mut scores = vec![vec![0.0; self.weight.len()]; p];
        for moment in moments {
            let all = self.sums(&moment.at_risk, &theta, false);
            let own = self.sums(&moment.events, &theta, false);
            let each = self.event_weight(moment);
            let d = count(moment.events.len());
            for share in self.shares(moment) {
                let zero = all.zero - share * own.zero;
                for (i, scores) in scores.iter_mut().enumerate() {
                    let mean = (all.one[i] - share * own.one[i]) / zero;
                    for &row in &moment.at_risk {
                        let gap = self.columns[i][row] - mean;
                        let is_event = self.data.ends_at(row, moment.time);
                        let left = if is_event { 1.0 - share } else { 1.0 };
                        let mut score = -gap * theta[row] * left * each / zero;
                        if is_event {
                            score += gap / d;
                        }
                        scores[row] += self.weight[row] * score;
                    }
                }
            }
        }
        scores
    }

    fn finish(
        &self,
        moments: &[Moment],
        beta: Vec<f64>,
        null: &Place,
        here: &Place,
        score_test: f64,
        n_iterations: u32,
    ) -> Result<CoxFit, EffectError> {
        let inverse = factored(&here.information)?.inverse();
        let p = beta.len();
        let covariance: Vec<Vec<f64>> = (0..p)
            .map(|i| (0..p).map(|j| inverse.get(i, j)).collect())
            .collect();
        let exact = self.ties == Ties::Exact;
        let influence = (!exact).then(|| {
            let scores = self.scores(moments, &beta);
            covariance
                .iter()
                .map(|line| {
                    (0..self.weight.len())
                        .map(|row| line.iter().zip(&scores).map(|(v, s)| v * s[row]).sum())
                        .collect()
                })
                .collect()
        });
        Ok(CoxFit {
            null_scores: (!exact).then(|| self.scores(moments, &vec![0.0; p])),
            covariance,
            influence,
            log_likelihood: [null.value, here.value],
            score_test,
            n_iterations,
            coefficients: beta,
            ties: self.ties,
        })
    }
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
        Some(
            sums.iter()
                .zip(factor.solve(&sums))
                .map(|(a, b)| a * b)
                .sum(),
        )
    }

    /// Wald's χ² of no effect under a covariance.
    #[must_use]
    pub fn wald(&self, covariance: &[Vec<f64>]) -> Option<f64> {
        let factor = factored(covariance).ok()?;
        Some(
            self.coefficients
                .iter()
                .zip(factor.solve(&self.coefficients))
                .map(|(a, b)| a * b)
                .sum(),
        )
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
        let one = Grouping::of(&vec![0; weight.len()]);
        concordance(data, &score, strata.unwrap_or(&one), weight, clusters)
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
        let strata = strata.map_or_else(|| vec![(0..weight.len()).collect()], Grouping::members);
        let model = Model {
            data,
            columns,
            weight,
            ties: self.ties.of_sums(),
            strata,
        };
        let moments = model.moments();
        let p = self.coefficients.len();
        let times = model.scaled_times(&moments, scale);
        let mean = utfall_stats::moments::mean(&times);
        let mut slope = vec![0.0; p];
        let mut blocks = [(); 3].map(|()| vec![vec![0.0; p]; p]);
        for (moment, time) in moments.iter().zip(&times) {
            let at = model.at(std::slice::from_ref(moment), &self.coefficients);
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
        let strata = vec![(0..weight.len()).collect()];
        let model = Model {
            data,
            columns,
            weight,
            ties: self.ties.of_sums(),
            strata,
        };
        let (theta, _) = model.theta(&self.coefficients);
        let steps: Vec<(f64, f64)> = model
            .moments()
            .iter()
            .map(|moment| {
                let all = model.sums(&moment.at_risk, &theta, false);
                let own = model.sums(&moment.events, &theta, false);
                let each = model.event_weight(moment);
                let step = model
                    .shares(moment)
                    .iter()
                    .map(|share| each / (all.zero - share * own.zero))
                    .sum();
                (moment.time, step)
            })
            .collect();
        times
            .iter()
            .map(|&until| {
                steps
                    .iter()
                    .filter(|(time, _)| *time <= until)
                    .map(|(_, step)| step)
                    .sum()
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

impl Model<'_> {
    fn scaled_times(&self, moments: &[Moment], scale: TimeScale) -> Vec<f64> {
        if scale == TimeScale::Identity {
            return moments.iter().map(|moment| moment.time).collect();
        }
        let rows: Vec<usize> = (0..self.weight.len()).collect();
        let mut survival = 1.0;
        let mut before = Vec::new();
        for time in self.data.event_times(&rows) {
            before.push((time, 1.0 - survival));
            let at_risk = rows
                .iter()
                .filter(|&&row| self.data.is_at_risk(row, time))
                .count();
            let events = rows
                .iter()
                .filter(|&&row| self.data.ends_at(row, time))
                .count();
            survival *= 1.0 - count(events) / count(at_risk);
        }
        let value = |time: f64| before[before.partition_point(|(known, _)| *known < time)].1;
        moments.iter().map(|moment| value(moment.time)).collect()
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

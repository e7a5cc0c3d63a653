//! Fine and Gray's regression: covariates that multiply the hazard of the subdistribution of a cause,
//! the hazard whose survival is one less the incidence.
//!
//! Rows that ended with another cause stay at risk, with the probability of not being censored since.
//! Packages differ in three places, and each is an option here: what is done with events at one time,
//! whether a row that ends with an event at a time at which others are censored was at risk of
//! censoring, and whether the error counts that the censoring was estimated.
//!
//! | | ties | censoring | error |
//! | --- | --- | --- | --- |
//! | `cmprsk::crr` | Breslow | with events | sandwich |
//! | `survival::finegray` and `coxph` | Efron | after events | by stretch |
//!
//! The last takes every stretch of constant weight as a row of its own and all rows as independent, which
//! the stretches of one person are not: it is there to compare with, not to be relied on.
//!
//! Fine & Gray (1999), <https://doi.org/10.1080/01621459.1999.10474144>.

use serde::{Deserialize, Serialize};
use utfall_stats::Matrix;
use utfall_stats::elementary::{exp, log};
use utfall_stats::moments::{count, mean, mean_and_variance};

use super::ascent::{Place, ascend};
use super::{Endings, Ties};
use crate::EffectError;
use crate::regression::check_finite;

/// Who is at risk of being censored at a time at which others have events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CensoringTies {
    /// Those with events too (`cmprsk`).
    WithEvents,
    /// Only those left after the events (`survival`).
    AfterEvents,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct SubdistributionFit {
    /// Log ratios of subdistribution hazards.
    pub coefficients: Vec<f64>,
    /// Their covariance from the information, as if the weights were known.
    pub covariance: Vec<Vec<f64>>,
    /// Their covariance with the uncertainty of the weights; `None` for Efron's ties.
    pub sandwich: Option<Vec<Vec<f64>>>,
    /// Their covariance with every stretch of constant weight as a row of its own.
    pub by_stretch: Vec<Vec<f64>>,
    /// How many such stretches there are.
    pub n_stretches: usize,
    /// Log pseudo-likelihood at zero and at the fit.
    pub log_likelihood: [f64; 2],
    /// Events of the cause.
    pub n_events: usize,
    /// Newton steps.
    pub n_iterations: u32,
}

/// A time at which rows end with the cause.
struct Moment {
    /// The probability of not being censored before it.
    kept: f64,
    /// Rows that end at it or later: a suffix of the order by time.
    from: usize,
    events: Vec<usize>,
}

struct Model<'a> {
    columns: &'a [Vec<f64>],
    /// Rows by time.
    order: Vec<usize>,
    /// For rows that ended with another cause, one over the probability of no censoring before; else zero.
    lifted: Vec<f64>,
    moments: Vec<Moment>,
    ties: Ties,
}

#[derive(Clone)]
struct Sums {
    zero: f64,
    one: Vec<f64>,
    two: Matrix,
}

impl Sums {
    fn new(p: usize) -> Self {
        Self {
            zero: 0.0,
            one: vec![0.0; p],
            two: Matrix::zeros(p, p),
        }
    }

    fn add(&mut self, weight: f64, x: &[f64]) {
        self.zero += weight;
        for i in 0..x.len() {
            self.one[i] += weight * x[i];
            for j in 0..x.len() {
                self.two
                    .set(i, j, self.two.get(i, j) + weight * x[i] * x[j]);
            }
        }
    }

    fn plus(&self, factor: f64, other: &Self) -> Self {
        let p = self.one.len();
        let mut sum = self.clone();
        sum.zero += factor * other.zero;
        for i in 0..p {
            sum.one[i] += factor * other.one[i];
            for j in 0..p {
                sum.two
                    .set(i, j, sum.two.get(i, j) + factor * other.two.get(i, j));
            }
        }
        sum
    }
}

/// Fits by maximum pseudo-likelihood; `cause` counts from 1.
///
/// `censoring` holds the rows that the probability of not being censored is estimated from, often those
/// of `data`.
///
/// # Errors
///
/// Those of [`Endings::check`]; [`EffectError::NoEvents`] without an event of the cause,
/// [`EffectError::RankDeficient`] at a column that does not vary, [`EffectError::OutsideRange`] for exact
/// ties, [`EffectError::Separated`] where a coefficient has no bound and [`EffectError::NotConverged`].
///
/// # Reference
///
/// Fine & Gray (1999), *JASA* 94(446), <https://doi.org/10.1080/01621459.1999.10474144>.
pub fn fit_subdistribution(
    data: &Endings<'_>,
    columns: &[Vec<f64>],
    cause: usize,
    ties: Ties,
    censoring: (&Endings<'_>, CensoringTies),
) -> Result<SubdistributionFit, EffectError> {
    data.check()?;
    censoring.0.check()?;
    let n = data.stop.len();
    for column in columns {
        check_finite("covariate", column, n)?;
    }
    if ties == Ties::Exact {
        return Err(EffectError::OutsideRange {
            what: "rule for ties (exact)",
            value: 0.0,
        });
    }
    let kept = Kept::of(censoring.0, censoring.1);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| data.stop[a].total_cmp(&data.stop[b]).then(a.cmp(&b)));
    let mut moments: Vec<Moment> = Vec::new();
    let mut last = None;
    for &row in order.iter().filter(|&&row| data.cause[row] == cause) {
        let time = data.stop[row];
        if last.is_none_or(|last: f64| last.total_cmp(&time).is_ne()) {
            moments.push(Moment {
                kept: kept.before(time),
                from: order.partition_point(|&other| data.stop[other] < time),
                events: Vec::new(),
            });
            last = Some(time);
        }
        if let Some(moment) = moments.last_mut() {
            moment.events.push(row);
        }
    }
    if moments.is_empty() {
        return Err(EffectError::NoEvents);
    }
    let centred: Vec<Vec<f64>> = columns
        .iter()
        .map(|column| {
            let centre = mean(column);
            column.iter().map(|x| x - centre).collect()
        })
        .collect();
    let competes = |row: usize| data.cause[row] != 0 && data.cause[row] != cause;
    let model = Model {
        columns: &centred,
        lifted: (0..n)
            .map(|row| {
                if competes(row) {
                    1.0 / kept.before(data.stop[row])
                } else {
                    0.0
                }
            })
            .collect(),
        order,
        moments,
        ties,
    };
    let spread: Vec<f64> = model
        .columns
        .iter()
        .map(|column| mean_and_variance(column).1.sqrt())
        .collect();
    let top = ascend(&spread, |beta| model.at(beta))?;
    let (fitted, covariance) = (top.coefficients, top.covariance);
    let sandwich = (ties == Ties::Breslow).then(|| {
        let scores = model.scores(data, cause, &fitted, &kept);
        between(&covariance, &scores)
    });
    let stretches = model.stretches(data, cause, &fitted);
    Ok(SubdistributionFit {
        by_stretch: between(&covariance, &stretches),
        n_stretches: stretches.len(),
        coefficients: fitted,
        covariance,
        sandwich,
        log_likelihood: [top.null.value, top.here.value],
        n_events: model.moments.iter().map(|moment| moment.events.len()).sum(),
        n_iterations: top.n_iterations,
    })
}

/// The covariance of coefficients from scores that are independent.
fn between(covariance: &[Vec<f64>], scores: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let p = covariance.len();
    let shares: Vec<Vec<f64>> = scores
        .iter()
        .map(|score| {
            (0..p)
                .map(|i| (0..p).map(|j| covariance[i][j] * score[j]).sum())
                .collect()
        })
        .collect();
    (0..p)
        .map(|i| {
            (0..p)
                .map(|j| shares.iter().map(|s| s[i] * s[j]).sum())
                .collect()
        })
        .collect()
}

/// Kaplan and Meier's probability of not being censored.
struct Kept {
    time: Vec<f64>,
    at_risk: Vec<f64>,
    censored: Vec<f64>,
    kept: Vec<f64>,
}

impl Kept {
    fn of(data: &Endings<'_>, ties: CensoringTies) -> Self {
        let mut stops = data.stop.to_vec();
        stops.sort_by(f64::total_cmp);
        let sorted = |wanted: bool| {
            let mut times: Vec<f64> = (0..stops.len())
                .filter(|&row| (data.cause[row] == 0) == wanted)
                .map(|row| data.stop[row])
                .collect();
            times.sort_by(f64::total_cmp);
            times
        };
        let (censored, ended) = (sorted(true), sorted(false));
        let at = |times: &[f64], time: f64| {
            times.partition_point(|&t| t <= time) - times.partition_point(|&t| t < time)
        };
        let mut found = Self {
            time: censored.clone(),
            at_risk: vec![],
            censored: vec![],
            kept: vec![],
        };
        found.time.dedup();
        let mut level = 1.0;
        for &time in &found.time {
            let mut n = stops.len() - stops.partition_point(|&t| t < time);
            if ties == CensoringTies::AfterEvents {
                n -= at(&ended, time);
            }
            let d = at(&censored, time);
            level *= count(n - d) / count(n);
            found.at_risk.push(count(n));
            found.censored.push(count(d));
            found.kept.push(level);
        }
        found
    }

    /// The probability of not being censored before a time.
    fn before(&self, time: f64) -> f64 {
        let place = self.time.partition_point(|&known| known < time);
        place.checked_sub(1).map_or(1.0, |entry| self.kept[entry])
    }
}

impl Model<'_> {
    fn line(&self, row: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[row]).collect()
    }

    fn linear(&self, beta: &[f64], row: usize) -> f64 {
        self.columns.iter().zip(beta).map(|(x, b)| x[row] * b).sum()
    }

    /// Sums over those at risk at each moment, weighted.
    fn sums(&self, beta: &[f64]) -> Vec<Sums> {
        let p = beta.len();
        // Rows that are still there, from the last; and those gone with another cause, from the first.
        let mut there = vec![Sums::new(p); self.moments.len()];
        let mut sum = Sums::new(p);
        let mut taken = self.order.len();
        for (entry, moment) in self.moments.iter().enumerate().rev() {
            while taken > moment.from {
                taken -= 1;
                let row = self.order[taken];
                sum.add(exp(self.linear(beta, row)), &self.line(row));
            }
            there[entry] = sum.clone();
        }
        let mut gone = Sums::new(p);
        let mut taken = 0;
        for (entry, moment) in self.moments.iter().enumerate() {
            while taken < moment.from {
                let row = self.order[taken];
                taken += 1;
                if self.lifted[row] > 0.0 {
                    gone.add(
                        self.lifted[row] * exp(self.linear(beta, row)),
                        &self.line(row),
                    );
                }
            }
            there[entry] = there[entry].plus(moment.kept, &gone);
        }
        there
    }

    fn at(&self, beta: &[f64]) -> Place {
        let p = beta.len();
        let mut place = Place::zero(p);
        for (moment, all) in self.moments.iter().zip(self.sums(beta)) {
            let mut own = Sums::new(p);
            for &row in &moment.events {
                let (eta, x) = (self.linear(beta, row), self.line(row));
                place.value += eta;
                place
                    .slope
                    .iter_mut()
                    .zip(&x)
                    .for_each(|(into, x)| *into += x);
                own.add(exp(eta), &x);
            }
            let d = moment.events.len();
            for l in 0..d {
                let share = if self.ties == Ties::Efron {
                    count(l) / count(d)
                } else {
                    0.0
                };
                let left = all.plus(-share, &own);
                place.value -= log(left.zero);
                for i in 0..p {
                    let of_i = left.one[i] / left.zero;
                    place.slope[i] -= of_i;
                    for j in 0..p {
                        let add = left.two.get(i, j) / left.zero - of_i * left.one[j] / left.zero;
                        place.information[i][j] += add;
                    }
                }
            }
        }
        place
    }

    /// Each row's score, and what it adds by having a part in the estimated censoring.
    fn scores(&self, data: &Endings<'_>, cause: usize, beta: &[f64], kept: &Kept) -> Vec<Vec<f64>> {
        let p = beta.len();
        let sums = self.sums(beta);
        let times: Vec<f64> = self
            .moments
            .iter()
            .map(|moment| data.stop[moment.events[0]])
            .collect();
        // At each moment, hazard and hazard times mean; up to it, and from it on times `kept`.
        let hazard: Vec<(f64, Vec<f64>)> = self
            .moments
            .iter()
            .zip(&sums)
            .map(|(moment, sum)| {
                let rate = count(moment.events.len()) / sum.zero;
                (
                    rate,
                    sum.one.iter().map(|one| rate * one / sum.zero).collect(),
                )
            })
            .collect();
        let mut upto = vec![(0.0, vec![0.0; p])];
        for (rate, of_mean) in &hazard {
            let (zero, one) = &upto[upto.len() - 1];
            let one = one.iter().zip(of_mean).map(|(a, b)| a + b).collect();
            upto.push((zero + rate, one));
        }
        let mut from = vec![(0.0, vec![0.0; p])];
        for ((rate, of_mean), moment) in hazard.iter().zip(&self.moments).rev() {
            let (zero, one) = &from[from.len() - 1];
            let one = one
                .iter()
                .zip(of_mean)
                .map(|(a, b)| a + moment.kept * b)
                .collect();
            from.push((zero + moment.kept * rate, one));
        }
        from.reverse();
        let after = |time: f64| times.partition_point(|&known| known <= time);
        let mut scores: Vec<Vec<f64>> = (0..data.stop.len())
            .map(|row| {
                let (x, risk) = (self.line(row), exp(self.linear(beta, row)));
                let place = after(data.stop[row]);
                let (zero, one) = &upto[place];
                let (later, later_one) = &from[place];
                let lifted = self.lifted[row];
                (0..p)
                    .map(|i| {
                        let own = if data.cause[row] == cause {
                            let sum = &sums[place - 1];
                            x[i] - sum.one[i] / sum.zero
                        } else {
                            0.0
                        };
                        own - risk * (x[i] * zero - one[i])
                            - lifted * risk * (x[i] * later - later_one[i])
                    })
                    .collect()
            })
            .collect();
        self.add_censoring(data, beta, kept, (&times, &from), &mut scores);
        scores
    }

    /// The score of each stretch of constant weight: one for a row, and for a row that ended with another
    /// cause one for every probability of not being censored that later events meet.
    fn stretches(&self, data: &Endings<'_>, cause: usize, beta: &[f64]) -> Vec<Vec<f64>> {
        let p = beta.len();
        let mut per_moment: Vec<(f64, Vec<f64>)> = Vec::new();
        let mut upto = vec![(0.0, vec![0.0; p])];
        // What an event adds beside being at risk: each comparison leaves a share of the events out.
        let mut of_event: Vec<(f64, Vec<f64>, Vec<f64>)> = Vec::new();
        for (moment, all) in self.moments.iter().zip(self.sums(beta)) {
            let mut own = Sums::new(p);
            for &row in &moment.events {
                own.add(exp(self.linear(beta, row)), &self.line(row));
            }
            let d = count(moment.events.len());
            let (mut rate, mut of_mean) = (0.0, vec![0.0; p]);
            let (mut spared, mut spared_mean, mut centre) = (0.0, vec![0.0; p], vec![0.0; p]);
            for l in 0..moment.events.len() {
                let share = if self.ties == Ties::Efron {
                    count(l) / d
                } else {
                    0.0
                };
                let left = all.plus(-share, &own);
                rate += 1.0 / left.zero;
                spared += share / left.zero;
                for i in 0..p {
                    let mean = left.one[i] / left.zero;
                    of_mean[i] += mean / left.zero;
                    spared_mean[i] += share * mean / left.zero;
                    centre[i] += mean / d;
                }
            }
            let (zero, one) = &upto[upto.len() - 1];
            let one = one.iter().zip(&of_mean).map(|(a, b)| a + b).collect();
            upto.push((zero + rate, one));
            per_moment.push((rate, of_mean));
            of_event.push((spared, spared_mean, centre));
        }
        let times: Vec<f64> = self
            .moments
            .iter()
            .map(|moment| data.stop[moment.events[0]])
            .collect();
        let mut scores = Vec::new();
        for row in 0..data.stop.len() {
            let (x, risk) = (self.line(row), exp(self.linear(beta, row)));
            let place = times.partition_point(|&known| known <= data.stop[row]);
            let (zero, one) = &upto[place];
            let mut score: Vec<f64> = (0..p).map(|i| -risk * (x[i] * zero - one[i])).collect();
            if data.cause[row] == cause {
                let (spared, spared_mean, centre) = &of_event[place - 1];
                for i in 0..p {
                    score[i] += x[i] - centre[i] + risk * (x[i] * spared - spared_mean[i]);
                }
            }
            let lifted = self.lifted[row];
            if lifted > 0.0 {
                let mut level = 1.0 / lifted;
                for (moment, (rate, of_mean)) in self.moments.iter().zip(&per_moment).skip(place) {
                    if moment.kept.total_cmp(&level).is_ne() && (moment.kept - level).abs() > 1e-14
                    {
                        scores.push(std::mem::replace(&mut score, vec![0.0; p]));
                        level = moment.kept;
                    }
                    for i in 0..p {
                        score[i] -= moment.kept * lifted * risk * (x[i] * rate - of_mean[i]);
                    }
                }
            }
            scores.push(score);
        }
        scores
    }

    fn add_censoring(
        &self,
        data: &Endings<'_>,
        beta: &[f64],
        kept: &Kept,
        (times, from): (&[f64], &[(f64, Vec<f64>)]),
        scores: &mut [Vec<f64>],
    ) {
        let p = beta.len();
        let mut gone = Sums::new(p);
        let mut taken = 0;
        // By time of censoring: what one censored row moves the score by, and its hazard's sum.
        let mut moved = Vec::new();
        let mut summed = vec![vec![0.0; p]];
        for (entry, &time) in kept.time.iter().enumerate() {
            while taken < self.order.len() && data.stop[self.order[taken]] < time {
                let row = self.order[taken];
                taken += 1;
                if self.lifted[row] > 0.0 {
                    gone.add(
                        self.lifted[row] * exp(self.linear(beta, row)),
                        &self.line(row),
                    );
                }
            }
            let (zero, one) = &from[times.partition_point(|&known| known < time)];
            let n = kept.at_risk[entry];
            let per: Vec<f64> = (0..p)
                .map(|i| (gone.one[i] * zero - gone.zero * one[i]) / n)
                .collect();
            let last = &summed[summed.len() - 1];
            let next = (0..p)
                .map(|i| last[i] + per[i] * kept.censored[entry] / n)
                .collect();
            summed.push(next);
            moved.push(per);
        }
        for (row, score) in scores.iter_mut().enumerate() {
            let place = kept.time.partition_point(|&known| known <= data.stop[row]);
            for i in 0..p {
                score[i] -= summed[place][i];
                if data.cause[row] == 0 && place > 0 {
                    score[i] += moved[place - 1][i];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Durations, fit_cox};
    use super::*;

    #[test]
    fn without_other_causes_it_is_proportional_hazards() {
        let stop = [5.0, 3.0, 8.0, 1.0, 4.0, 4.0, 9.0, 2.0];
        let event = [true, true, false, true, true, false, true, false];
        let x = vec![1.0, 0.4, 2.5, 3.0, 1.5, 0.0, 0.2, 1.0];
        let cause: Vec<usize> = event.iter().map(|&event| usize::from(event)).collect();
        let endings = Endings {
            stop: &stop,
            cause: &cause,
            n_causes: 1,
        };
        let censoring = (&endings, CensoringTies::AfterEvents);
        let columns = vec![x];
        let fit = fit_subdistribution(&endings, &columns, 1, Ties::Efron, censoring).unwrap();
        let data = Durations {
            start: None,
            stop: &stop,
            event: &event,
        };
        let cox = fit_cox(&data, &columns, &[1.0; 8], None, Ties::Efron).unwrap();
        assert!((fit.coefficients[0] - cox.coefficients[0]).abs() < 1e-12);
        assert!((fit.covariance[0][0] - cox.covariance[0][0]).abs() < 1e-12);
        assert!((fit.log_likelihood[1] - cox.log_likelihood[1]).abs() < 1e-12);
    }

    #[test]
    fn a_cause_without_events_is_refused() {
        let endings = Endings {
            stop: &[1.0, 2.0],
            cause: &[1, 0],
            n_causes: 2,
        };
        let censoring = (&endings, CensoringTies::WithEvents);
        let found = fit_subdistribution(&endings, &[vec![0.0, 1.0]], 2, Ties::Breslow, censoring);
        assert_eq!(found, Err(EffectError::NoEvents));
    }
}

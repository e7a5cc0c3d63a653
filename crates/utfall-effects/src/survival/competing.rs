//! Competing risks: how often each way of ending has happened by a time, and whether groups differ.
//!
//! A row ends with one of several causes, or is censored. The incidence of a cause is the probability
//! of having ended with it; the other causes are not censoring. Two errors are given, as two packages
//! have them: the infinitesimal jackknife (R's `survival`) and Aalen's, with the variance of events
//! that share a time (`cmprsk`).
//!
//! Aalen & Johansen (1978), *Scandinavian Journal of Statistics* 5; Gray (1988),
//! <https://doi.org/10.1214/aos/1176350951>.

use utfall_stats::moments::count;
use utfall_stats::{Cholesky, Matrix, gamma};

use super::{Curve, CurveInterval};
use crate::regression::check_finite;
use crate::{EffectError, Grouping};

/// Rows with the time that observation ends, and how.
#[derive(Debug, Clone, Copy)]
pub struct Endings<'a> {
    /// When it ends.
    pub stop: &'a [f64],
    /// How: 0 for censored, else the cause, up to `n_causes`.
    pub cause: &'a [usize],
    /// Number of causes.
    pub n_causes: usize,
}

/// Incidence of each cause over time, an entry for each time at which a row ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incidence {
    /// Times.
    pub time: Vec<f64>,
    /// Rows at risk.
    pub n_risk: Vec<usize>,
    /// Probability of having ended with no cause.
    pub survival: Vec<f64>,
    /// By cause, probability of having ended with it.
    pub incidence: Vec<Vec<f64>>,
    /// By cause, its standard error by the infinitesimal jackknife.
    pub jackknife_error: Vec<Vec<f64>>,
    /// By cause, its standard error after Aalen.
    pub aalen_error: Vec<Vec<f64>>,
}

/// Gray's test that the incidence of a cause is the same in all groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GrayTest {
    /// χ².
    pub statistic: f64,
    /// One less than there are groups.
    pub degrees_of_freedom: usize,
    /// Its upper tail.
    pub p_value: f64,
}

impl Endings<'_> {
    /// Refuses times that are not finite or negative, causes out of range, and rows without any event.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::TimeNotPositive`],
    /// [`EffectError::OutsideRange`] and [`EffectError::NoEvents`].
    pub fn check(&self) -> Result<(), EffectError> {
        let n = self.stop.len();
        check_finite("time", self.stop, n)?;
        if self.cause.len() != n {
            return Err(EffectError::LengthMismatch {
                what: "cause",
                found: self.cause.len(),
                expected: n,
            });
        }
        if let Some(row) = self.stop.iter().position(|&time| time < 0.0) {
            return Err(EffectError::TimeNotPositive { row });
        }
        if let Some(&cause) = self.cause.iter().find(|&&cause| cause > self.n_causes) {
            return Err(EffectError::OutsideRange {
                what: "cause",
                value: count(cause),
            });
        }
        if self.cause.iter().all(|&cause| cause == 0) {
            return Err(EffectError::NoEvents);
        }
        Ok(())
    }

    /// Distinct times of some rows, with how many end at each by cause (0 first).
    fn ends(&self, rows: &[usize]) -> Vec<(f64, Vec<usize>)> {
        let mut sorted = rows.to_vec();
        sorted.sort_by(|&a, &b| self.stop[a].total_cmp(&self.stop[b]).then(a.cmp(&b)));
        let mut ends: Vec<(f64, Vec<usize>)> = Vec::new();
        for row in sorted {
            let time = self.stop[row];
            if ends
                .last()
                .is_none_or(|(last, _)| last.total_cmp(&time).is_ne())
            {
                ends.push((time, vec![0; self.n_causes + 1]));
            }
            if let Some((_, counts)) = ends.last_mut() {
                counts[self.cause[row]] += 1;
            }
        }
        ends
    }
}

/// Sums over rows that have ended of the squares of what they add to an incidence, as a polynomial
/// in the incidence: what a row adds later is `a + b F(t)`.
#[derive(Debug, Clone, Copy, Default)]
struct Ended {
    aa: f64,
    ab: f64,
    bb: f64,
}

impl Ended {
    fn add(&mut self, n: f64, a: f64, b: f64) {
        self.aa += n * a * a;
        self.ab += n * a * b;
        self.bb += n * b * b;
    }

    fn at(&self, incidence: f64) -> f64 {
        self.aa + 2.0 * self.ab * incidence + self.bb * incidence * incidence
    }
}

/// Estimates the incidence of every cause among some rows.
///
/// # Errors
///
/// Those of [`Endings::check`].
///
/// # Reference
///
/// Aalen & Johansen (1978), *Scandinavian Journal of Statistics* 5, 141–150.
pub fn aalen_johansen(data: &Endings<'_>, rows: &[usize]) -> Result<Incidence, EffectError> {
    data.check()?;
    let causes = data.n_causes;
    let mut found = Incidence {
        incidence: vec![Vec::new(); causes],
        jackknife_error: vec![Vec::new(); causes],
        aalen_error: vec![Vec::new(); causes],
        ..Incidence::default()
    };
    let (mut survival, mut incidence) = (1.0, vec![0.0; causes]);
    // What a row still at risk adds to the survival and to each incidence; and what others did.
    let (mut to_survival, mut to_incidence) = (0.0, vec![0.0; causes]);
    let (mut ended, mut aalen) = (
        vec![Ended::default(); causes],
        vec![Ended::default(); causes],
    );
    let mut at_risk = rows.len();
    for (time, ends) in data.ends(rows) {
        let n = count(at_risk);
        let all: usize = ends[1..].iter().sum();
        let d = count(all);
        let (before, kept) = (survival, (n - d) / n);
        let after = survival * kept;
        let old: Vec<f64> = to_incidence.clone();
        for k in 0..causes {
            let share = count(ends[k + 1]) / n;
            incidence[k] += before * share;
            to_incidence[k] += to_survival * share - before * share / n;
        }
        let stays = to_survival * kept + before * d / (n * n);
        let leaves = to_survival * kept - before * kept / n;
        for k in 0..causes {
            let now = incidence[k];
            let (slope_left, slope_stay) = if after > 0.0 {
                (leaves / after, stays / after)
            } else {
                (0.0, 0.0)
            };
            for (j, &number) in ends[1..].iter().enumerate() {
                let share = count(ends[k + 1]) / n;
                let own = f64::from(u8::from(j == k));
                let value = old[k] + to_survival * share + before * (own - share) / n;
                ended[k].add(count(number), value - slope_left * now, slope_left);
            }
            ended[k].add(
                count(ends[0]),
                to_incidence[k] - slope_stay * now,
                slope_stay,
            );
            let (inverse, ratio) = if after > 0.0 {
                (1.0 / after, now / after)
            } else {
                (0.0, 0.0)
            };
            let variance = |number: usize| {
                let together = if number > 1 {
                    1.0 - count(number - 1) / (n - 1.0)
                } else {
                    1.0
                };
                before * before * together * count(number) / (n * n)
            };
            aalen[k].add(variance(ends[k + 1]), 1.0 + ratio, -inverse);
            if after > 0.0 {
                aalen[k].add(variance(all - ends[k + 1]), ratio, -inverse);
            }
        }
        to_survival = stays;
        survival = after;
        let still = at_risk - all - ends[0];
        found.time.push(time);
        found.n_risk.push(at_risk);
        found.survival.push(survival);
        for k in 0..causes {
            let now = incidence[k];
            let square = count(still) * to_incidence[k] * to_incidence[k] + ended[k].at(now);
            found.incidence[k].push(now);
            found.jackknife_error[k].push(square.max(0.0).sqrt());
            found.aalen_error[k].push(aalen[k].at(now).max(0.0).sqrt());
        }
        at_risk = still;
    }
    Ok(found)
}

impl Incidence {
    /// The entry in force at a time; `None` before the first.
    #[must_use]
    pub fn place(&self, time: f64) -> Option<usize> {
        self.time
            .partition_point(|&known| known <= time)
            .checked_sub(1)
    }

    /// Interval of the incidence of a cause (from 0) at an entry by the jackknife's error, `reach`
    /// normal quantiles wide; NaN where it is not defined.
    #[must_use]
    pub fn interval(
        &self,
        entry: usize,
        cause: usize,
        kind: CurveInterval,
        reach: f64,
    ) -> (f64, f64) {
        let value = self.incidence[cause][entry];
        let curve = Curve {
            survival: vec![value],
            relative_error: vec![self.jackknife_error[cause][entry] / value],
            ..Curve::default()
        };
        curve.interval(0, kind, reach)
    }
}

/// A moment of one group in [`gray_test`].
#[derive(Clone, Copy)]
struct Part {
    at_risk: f64,
    ends: [f64; 2],
    before: f64,
    after: f64,
    incidence: f64,
}

/// Tests that the incidence of one cause (from 1) is the same in all groups.
///
/// # Errors
///
/// Those of [`Endings::check`]; [`EffectError::TooFewClusters`] with one group, and
/// [`EffectError::NoVariation`] where the groups are never at risk together.
///
/// # Reference
///
/// Gray (1988), *Annals of Statistics* 16(3), <https://doi.org/10.1214/aos/1176350951>, with ρ = 0.
pub fn gray_test(
    data: &Endings<'_>,
    groups: &Grouping,
    cause: usize,
) -> Result<GrayTest, EffectError> {
    data.check()?;
    let k = groups.n_groups();
    if k < 2 {
        return Err(EffectError::TooFewClusters { n_clusters: k });
    }
    let moments = moments_of(data, groups, cause);
    let mut gap = vec![0.0; k];
    // The subdistribution of all, and what each group's share of the comparison has summed to.
    let mut whole = 0.0;
    let mut summed = vec![vec![0.0; k]; k];
    let mut steps = Vec::new();
    for parts in &moments {
        let with: Vec<f64> = parts
            .iter()
            .map(|part| ratio(part.at_risk, part.before))
            .collect();
        let of_all: f64 = with.iter().sum();
        let free: f64 = parts
            .iter()
            .zip(&with)
            .map(|(part, y)| y * (1.0 - part.incidence))
            .sum();
        let failed: f64 = parts.iter().map(|part| part.ends[0]).sum();
        let step = failed / of_all;
        let share = |i: usize, j: usize| with[i] * (f64::from(u8::from(i == j)) - with[j] / of_all);
        for i in 0..k {
            gap[i] += parts[i].ends[0] - failed * with[i] * (1.0 - parts[i].incidence) / free;
            for (j, sum) in summed[i].iter_mut().enumerate() {
                if with[i] > 0.0 && with[j] > 0.0 {
                    *sum += share(i, j) * step / (1.0 - whole);
                }
            }
        }
        whole += step;
        let shares: Vec<Vec<f64>> = (0..k)
            .map(|i| (0..k).map(|j| share(i, j)).collect())
            .collect();
        steps.push((whole, failed, of_all, shares, summed.clone()));
    }
    let mut covariance = Matrix::zeros(k - 1, k - 1);
    for (parts, (whole, failed, of_all, shares, so_far)) in moments.iter().zip(&steps) {
        for (g, part) in parts
            .iter()
            .enumerate()
            .filter(|(_, part)| part.at_risk > 0.0)
        {
            let (n, others) = (part.at_risk, part.ends[1]);
            let odds = ratio(1.0 - whole, part.after);
            // Failures are spread over the groups as under the hypothesis.
            let expected = if part.after > 0.0 { 1.0 - odds } else { 1.0 };
            let together = |number: f64, of: f64| {
                if number > 1.0 {
                    1.0 - (number - 1.0) / (of - 1.0)
                } else {
                    1.0
                }
            };
            let own = together(*failed, of_all * part.before) * part.before * failed / (of_all * n);
            let other = if part.after > 0.0 {
                together(others, n) * part.before * part.before * others / (n * n)
            } else {
                0.0
            };
            let left = |i: usize| summed[i][g] - so_far[i][g];
            for i in 0..k - 1 {
                for j in 0..k - 1 {
                    let of_failures = (shares[i][g] + expected * left(i))
                        * (shares[j][g] + expected * left(j))
                        * own;
                    let of_others = odds * odds * left(i) * left(j) * other;
                    covariance.set(i, j, covariance.get(i, j) + of_failures + of_others);
                }
            }
        }
    }
    let factor = Cholesky::factor(&covariance, 1e-12).map_err(|_| EffectError::NoVariation)?;
    let statistic: f64 = gap[..k - 1]
        .iter()
        .zip(factor.solve(&gap[..k - 1]))
        .map(|(a, b)| a * b)
        .sum();
    Ok(GrayTest {
        statistic,
        degrees_of_freedom: k - 1,
        p_value: gamma::upper(0.5 * count(k - 1), 0.5 * statistic),
    })
}

fn ratio(above: f64, below: f64) -> f64 {
    if below > 0.0 { above / below } else { 0.0 }
}

/// Each group at each time at which any row ends with a cause.
fn moments_of(data: &Endings<'_>, groups: &Grouping, cause: usize) -> Vec<Vec<Part>> {
    let members = groups.members();
    let mut now: Vec<Part> = members
        .iter()
        .map(|rows| Part {
            at_risk: count(rows.len()),
            ends: [0.0; 2],
            before: 1.0,
            after: 1.0,
            incidence: 0.0,
        })
        .collect();
    let ends: Vec<Vec<(f64, Vec<usize>)>> = members.iter().map(|rows| data.ends(rows)).collect();
    let mut next = vec![0; ends.len()];
    let all: Vec<usize> = (0..data.stop.len()).collect();
    let mut moments = Vec::new();
    for (time, counts) in data.ends(&all) {
        let mut gone = vec![0.0; ends.len()];
        for (g, part) in now.iter_mut().enumerate() {
            part.ends = [0.0; 2];
            if let Some((own, counts)) = ends[g].get(next[g])
                && own.total_cmp(&time).is_eq()
            {
                let any: usize = counts[1..].iter().sum();
                part.ends = [count(counts[cause]), count(any - counts[cause])];
                gone[g] = count(any + counts[0]);
                next[g] += 1;
            }
            part.before = part.after;
            part.after *= ratio(part.at_risk - part.ends[0] - part.ends[1], part.at_risk);
        }
        if counts[1..].iter().any(|&number| number > 0) {
            moments.push(now.clone());
        }
        for (part, gone) in now.iter_mut().zip(gone) {
            part.incidence += part.before * ratio(part.ends[0], part.at_risk);
            part.at_risk -= gone;
        }
    }
    moments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_one_cause_incidence_is_one_less_survival() {
        let data = Endings {
            stop: &[1.0, 2.0, 2.0, 3.0, 5.0],
            cause: &[1, 1, 0, 1, 0],
            n_causes: 1,
        };
        let found = aalen_johansen(&data, &[0, 1, 2, 3, 4]).unwrap();
        for (s, f) in found.survival.iter().zip(&found.incidence[0]) {
            assert!((1.0 - s - f).abs() < 1e-15);
        }
        assert!((found.incidence[0][2] - 0.7).abs() < 1e-15);
    }

    #[test]
    fn the_jackknife_error_is_that_of_weights_moved_one_by_one() {
        // Oracle: incidence with the weight of one row moved, by differences.
        let stop: [f64; 8] = [1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 5.0, 6.0];
        let cause = [1, 2, 0, 1, 2, 0, 2, 1];
        let weighted = |weight: &[f64], until: f64, wanted: usize| {
            let (mut survival, mut incidence) = (1.0, 0.0);
            for time in [1.0, 2.0, 3.0, 4.0, 5.0, 6.0] {
                let sum = |holds: &dyn Fn(usize) -> bool| {
                    (0..8).filter(|&i| holds(i)).map(|i| weight[i]).sum::<f64>()
                };
                let n = sum(&|i| stop[i] >= time);
                let is = |i: usize| stop[i].total_cmp(&time).is_eq();
                let own = sum(&|i| is(i) && cause[i] == wanted);
                let any = sum(&|i| is(i) && cause[i] > 0);
                if time <= until {
                    incidence += survival * own / n;
                    survival *= 1.0 - any / n;
                }
            }
            incidence
        };
        let rows: Vec<usize> = (0..8).collect();
        let data = Endings {
            stop: &stop,
            cause: &cause,
            n_causes: 2,
        };
        let found = aalen_johansen(&data, &rows).unwrap();
        for wanted in 1..=2 {
            for until in [1.0, 3.0, 5.0] {
                let square: f64 = rows
                    .iter()
                    .map(|&i| {
                        let (mut up, mut down) = ([1.0; 8], [1.0; 8]);
                        up[i] += 1e-5;
                        down[i] -= 1e-5;
                        (weighted(&up, until, wanted) - weighted(&down, until, wanted)) / 2e-5
                    })
                    .map(|slope| slope * slope)
                    .sum();
                let entry = found.place(until).unwrap();
                let error = found.jackknife_error[wanted - 1][entry];
                assert!(
                    (error - square.sqrt()).abs() < 1e-9,
                    "{error} {}",
                    square.sqrt()
                );
            }
        }
    }

    #[test]
    fn a_cause_that_is_not_there_is_refused() {
        let data = Endings {
            stop: &[1.0, 2.0],
            cause: &[0, 0],
            n_causes: 1,
        };
        assert_eq!(aalen_johansen(&data, &[0, 1]), Err(EffectError::NoEvents));
    }
}

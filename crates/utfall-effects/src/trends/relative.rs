//! Bounds on how much the difference in trends moves after treatment, relative to its largest move
//! from one time to the next before.
//!
//! The interval is the union over which move before was the largest, and its sign, of tests that hold
//! conditionally on which moment binds, joined with least favourable critical values for better power
//! (the conditional-least-favourable hybrid). Moments are those of times after only, as `HonestDiD` has it.
//!
//! Rambachan & Roth (2023), <https://doi.org/10.1093/restud/rdad018>; Andrews, Roth & Pakes (2023),
//! <https://doi.org/10.1093/restud/rdac062>.

use utfall_core::Interval;
use utfall_stats::draws::Stream;
use utfall_stats::normal;

use super::EventStudy;
use crate::EffectError;

/// Times after treatment that can be dealt with: the corners of the dual are listed.
const MOST_AFTER: usize = 8;
/// The share of the test's size that goes to the least favourable part.
const SHARE: f64 = 0.1;
const GRID: u32 = 1000;

/// How least favourable critical values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeastFavourable {
    /// The seed.
    pub seed: u64,
    /// Draws.
    pub replicates: std::num::NonZeroU32,
}

/// The effects that are possible if the estimates before were the truth and no move after is more than
/// `most` times the largest before.
#[must_use]
pub fn relative_set(study: &EventStudy, most: f64) -> Interval {
    let largest = study
        .steps_before()
        .iter()
        .fold(0.0_f64, |max, step| max.max(step.abs()));
    let reach: f64 = (0..study.target.len())
        .map(|first| study.target[first..].iter().sum::<f64>().abs())
        .sum();
    let (centre, reach) = (study.effect().0, reach * most * largest);
    Interval {
        lower: centre - reach,
        upper: centre + reach,
    }
}

/// The interval of the effect at `level` if no move after is more than `most` times the largest before.
/// An end is infinite where nothing within some hundred standard errors is rejected.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] for a bound below zero, and [`EffectError::TooManyDraws`] for more than
/// eight times after.
///
/// # Reference
///
/// Rambachan & Roth (2023), *Review of Economic Studies* 90(5), sections 3 and 4.2.
pub fn relative_interval(
    study: &EventStudy,
    most: f64,
    level: f64,
    draws: LeastFavourable,
) -> Result<Interval, EffectError> {
    if most.is_nan() || most < 0.0 {
        return Err(EffectError::OutsideRange {
            what: "bound on moves",
            value: most,
        });
    }
    if study.after.len() > MOST_AFTER {
        return Err(EffectError::TooManyDraws {
            what: "times after treatment",
            found: study.after.len(),
            most: MOST_AFTER,
        });
    }
    let size = 1.0 - level;
    let tests: Vec<Test> = (0..study.before.len())
        .flat_map(|largest| [1.0, -1.0].map(|sign| (largest, sign)))
        .map(|(largest, sign)| Test::new(study, most, largest, sign, SHARE * size, draws))
        .collect();
    let left = (size - SHARE * size) / (1.0 - SHARE * size);
    let accepted = |effect: f64| tests.iter().any(|test| !test.rejects(effect, left));
    let (centre, error) = study.effect();
    let mut reach = 20.0 * error;
    for _ in 0..4 {
        if !accepted(centre - reach) && !accepted(centre + reach) {
            break;
        }
        reach *= 2.0;
    }
    let at = |k: u32| centre + reach * (2.0 * f64::from(k) / f64::from(GRID) - 1.0);
    let inside: Vec<u32> = (0..=GRID).filter(|&k| accepted(at(k))).collect();
    let (Some(&first), Some(&last)) = (inside.first(), inside.last()) else {
        return Ok(Interval {
            lower: centre,
            upper: centre,
        });
    };
    let end = |mut within: f64, mut outside: f64| {
        for _ in 0..60 {
            let middle = 0.5 * (within + outside);
            if accepted(middle) {
                within = middle
            } else {
                outside = middle
            }
        }
        within
    };
    Ok(Interval {
        lower: if first == 0 {
            f64::NEG_INFINITY
        } else {
            end(at(first), at(first - 1))
        },
        upper: if last == GRID {
            f64::INFINITY
        } else {
            end(at(last), at(last + 1))
        },
    })
}

/// Moments that are at most zero in the mean if a given move before was the largest and of a given sign.
struct Test {
    /// Moments at the estimates, and what they fall by with the effect.
    value: Vec<f64>,
    slope: Vec<f64>,
    covariance: Vec<Vec<f64>>,
    /// Corners of the dual: weights of moments that no nuisance parameter moves.
    corners: Vec<Vec<f64>>,
    /// The largest statistic that the least favourable means give but for a small share of draws.
    critical: f64,
}

impl Test {
    fn new(
        study: &EventStudy,
        most: f64,
        largest: usize,
        sign: f64,
        share: f64,
        draws: LeastFavourable,
    ) -> Self {
        let (p, q) = (study.before.len(), study.after.len());
        // ±(δₜ − δₜ₋₁) − most · sign · (largest move before) for each time after.
        let mut moments = Vec::new();
        for t in 0..q {
            for side in [1.0, -1.0] {
                let mut row = vec![0.0; p + q];
                row[p + t] += side;
                if t > 0 {
                    row[p + t - 1] -= side;
                }
                if largest + 1 < p {
                    row[largest + 1] -= most * sign;
                }
                row[largest] += most * sign;
                moments.push(row);
            }
        }
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let estimates: Vec<f64> = study.before.iter().chain(&study.after).copied().collect();
        // The effect moves the time with the largest weight; the other times after are nuisance.
        let main = (0..q).fold(0, |best, k| {
            if study.target[k].abs() > study.target[best].abs() {
                k
            } else {
                best
            }
        });
        let column = |k: usize| -> Vec<f64> { moments.iter().map(|row| row[p + k]).collect() };
        let own = column(main);
        let slope = own.iter().map(|value| value / study.target[main]).collect();
        let nuisance: Vec<Vec<f64>> = (0..q)
            .filter(|&k| k != main)
            .map(|k| {
                let share = study.target[k] / study.target[main];
                column(k)
                    .iter()
                    .zip(&own)
                    .map(|(a, b)| a - share * b)
                    .collect()
            })
            .collect();
        let images: Vec<Vec<f64>> = moments
            .iter()
            .map(|row| study.covariance.iter().map(|line| dot(line, row)).collect())
            .collect();
        let covariance: Vec<Vec<f64>> = moments
            .iter()
            .map(|row| images.iter().map(|image| dot(row, image)).collect())
            .collect();
        let spread: Vec<f64> = (0..moments.len())
            .map(|i| covariance[i][i].sqrt())
            .collect();
        let corners = corners(&spread, &nuisance);
        let n = p + q;
        let mut statistics: Vec<f64> = (0..draws.replicates.get())
            .map(|replicate| {
                let mut stream = Stream::new(draws.seed, "least favourable", replicate.into());
                let z: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
                let drawn: Vec<f64> = (0..n)
                    .map(|i| (0..=i).map(|j| study.factor.lower(i, j) * z[j]).sum())
                    .collect();
                let drawn: Vec<f64> = moments.iter().map(|row| dot(row, &drawn)).collect();
                corners
                    .iter()
                    .map(|corner| dot(corner, &drawn))
                    .fold(f64::NEG_INFINITY, f64::max)
            })
            .collect();
        statistics.sort_by(f64::total_cmp);
        Self {
            value: moments.iter().map(|row| dot(row, &estimates)).collect(),
            slope,
            covariance,
            corners,
            critical: crate::resampling::quantile::inverse_cdf(&statistics, 1.0 - share),
        }
    }

    fn rejects(&self, effect: f64, size: f64) -> bool {
        let y: Vec<f64> = self
            .value
            .iter()
            .zip(&self.slope)
            .map(|(v, s)| v - s * effect)
            .collect();
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let heights: Vec<f64> = self.corners.iter().map(|corner| dot(corner, &y)).collect();
        let best = (0..heights.len()).fold(
            0,
            |best, k| if heights[k] > heights[best] { k } else { best },
        );
        let Some(corner) = self.corners.get(best) else {
            return false;
        };
        let statistic = heights[best];
        if statistic > self.critical {
            return true;
        }
        if statistic <= 0.0 {
            return false;
        }
        let image: Vec<f64> = self.covariance.iter().map(|row| dot(row, corner)).collect();
        let variance = dot(corner, &image);
        // Given the rest of the moments, this corner is the highest between these values of it.
        let (mut low, mut high) = (f64::NEG_INFINITY, self.critical);
        for (other, height) in self.corners.iter().zip(&heights) {
            let tie = dot(other, &image) / variance;
            if (tie - 1.0).abs() <= 1e-10 {
                continue;
            }
            let end = (height - tie * statistic) / (1.0 - tie);
            if tie < 1.0 {
                low = low.max(end)
            } else {
                high = high.min(end)
            }
        }
        if statistic < low || statistic > high {
            return false;
        }
        let above = |value: f64| normal::upper_tail(value / variance.sqrt());
        let whole = above(low) - above(high);
        whole <= 0.0 || above(statistic) - above(high) < size * whole
    }
}

/// Corners of the weights at least zero with `spread'λ = 1` that are orthogonal to every nuisance column.
fn corners(spread: &[f64], nuisance: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let (n, k) = (spread.len(), nuisance.len() + 1);
    let mut found: Vec<Vec<f64>> = Vec::new();
    let mut chosen: Vec<usize> = (0..k).collect();
    loop {
        let rows: Vec<Vec<f64>> = std::iter::once(spread)
            .chain(nuisance.iter().map(Vec::as_slice))
            .map(|row| chosen.iter().map(|&c| row[c]).collect())
            .collect();
        if let Some(solution) = first_unit(rows)
            && solution.iter().all(|&value| value >= -1e-12)
        {
            let mut corner = vec![0.0; n];
            chosen
                .iter()
                .zip(solution)
                .for_each(|(&c, value)| corner[c] = value.max(0.0));
            let same = |known: &Vec<f64>| {
                known
                    .iter()
                    .zip(&corner)
                    .all(|(a, b)| (a - b).abs() <= 1e-12 * (a.abs() + b.abs()))
            };
            if !found.iter().any(same) {
                found.push(corner);
            }
        }
        let Some(place) = (0..k).rev().find(|&place| chosen[place] < n - k + place) else {
            return found;
        };
        chosen[place] += 1;
        for next in place + 1..k {
            chosen[next] = chosen[next - 1] + 1;
        }
    }
}

/// The solution of a square system whose right side is one and then zeros.
fn first_unit(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let k = rows.len();
    for (i, row) in rows.iter_mut().enumerate() {
        row.push(f64::from(u8::from(i == 0)));
    }
    for c in 0..k {
        let pivot = (c..k).fold(c, |best, r| {
            if rows[r][c].abs() > rows[best][c].abs() {
                r
            } else {
                best
            }
        });
        if rows[pivot][c].abs() <= 1e-12 {
            return None;
        }
        rows.swap(c, pivot);
        let lead = rows[c].clone();
        for (r, row) in rows.iter_mut().enumerate() {
            if r != c {
                let factor = row[c] / lead[c];
                row.iter_mut()
                    .zip(&lead)
                    .for_each(|(value, top)| *value -= factor * top);
            }
        }
    }
    Some((0..k).map(|i| rows[i][k] / rows[i][i]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_bound_gives_a_wider_interval_that_holds_the_set() {
        let covariance = vec![
            vec![0.01, 0.002, 0.001],
            vec![0.002, 0.008, 0.001],
            vec![0.001, 0.001, 0.009],
        ];
        let study = EventStudy::new(&[0.2, 0.1, 1.0], &covariance, 2, &[1.0]).unwrap();
        let draws = LeastFavourable {
            seed: 1,
            replicates: std::num::NonZeroU32::new(1000).unwrap(),
        };
        let set = relative_set(&study, 1.0);
        assert!((set.lower - 0.9).abs() < 1e-12 && (set.upper - 1.1).abs() < 1e-12);
        let one = relative_interval(&study, 1.0, 0.95, draws).unwrap();
        let two = relative_interval(&study, 2.0, 0.95, draws).unwrap();
        assert!(one.lower < set.lower && one.upper > set.upper);
        assert!(two.lower < one.lower && two.upper > one.upper);
    }
}

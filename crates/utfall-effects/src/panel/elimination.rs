//! Residuals of columns in a regression on several sets of groups.
//!
//! The set with the most coefficients is eliminated exactly: rows are put in the order of its groups,
//! and what is left of them is centred group by group. The coefficients of the other sets then
//! solve a smaller system, by conjugate gradients scaled by its diagonal. A step reads each row's
//! groups and nothing else of the rows, for all columns together; in the end the residuals are
//! computed from the rows, and what rounding left in them is solved for again.
//!
//! Rows are cut into runs of whole groups that depend on the data alone; sums over runs are added in
//! order, so the number of threads changes no bit.
//!
//! Abowd, Creecy & Kramarz (2002), *Computing person and firm effects using linked longitudinal
//! employer-employee data*; Correia (2017), *Linear Models with High-Dimensional Fixed Effects*.

use std::ops::Range;

use rayon::prelude::*;
use utfall_stats::InOrder;
use utfall_stats::sums::sum_of;

use super::FixedEffect;
use super::arranged::Arranged;
use super::basis::{Basis, Other};
use crate::EffectError;

/// Share of a column's square that the other sets may still explain of its residual.
const SETTLED: f64 = 1e-30;
/// Share of that square to which one round of conjugate gradients brings it.
const REDUCED: f64 = 1e-24;
/// Share of its scale below which a direction's curvature is rounding.
const LEAST_CURVATURE: f64 = 1e-13;
const MOST_STEPS: u32 = 20_000;
const MOST_ROUNDS: u32 = 6;
/// Runs of rows at most.
const MOST_RUNS: usize = 16;
/// Rows whose squares are added up at a time.
const CHUNK: usize = 1 << 12;
/// Columns that are solved together.
const TOGETHER: usize = 4;

/// Sets of fixed effects, the largest of them eliminated.
#[derive(Debug)]
pub(super) struct Elimination {
    /// Rows in the order of the eliminated set's groups.
    arranged: Arranged,
    eliminated: Basis,
    others: Vec<Other>,
    /// The diagonal of the others' system.
    diagonal: Vec<f64>,
    /// Weights by place; `None` where all are one.
    weight: Option<Vec<f64>>,
    /// Groups of the eliminated set, run by run.
    runs: Vec<Range<usize>>,
}

impl Elimination {
    /// `None` without sets; `weight` is `None` where all are one.
    pub(super) fn of(sets: &[FixedEffect], weight: Option<&[f64]>) -> Option<Self> {
        let sizes = sets.iter().map(FixedEffect::n_coefficients);
        let (largest, _) = sizes
            .enumerate()
            .max_by_key(|&(at, n)| (n, std::cmp::Reverse(at)))?;
        let arranged = Arranged::of(&sets[largest].group);
        let mut others = Vec::new();
        let mut diagonal = Vec::new();
        for (at, set) in sets.iter().enumerate() {
            if at != largest {
                let basis = Basis::of(set, &arranged, weight);
                let first = diagonal.len();
                diagonal.extend_from_slice(&basis.squares);
                others.push(Other::of(set, &arranged, basis, first));
            }
        }
        Some(Self {
            eliminated: Basis::of(&sets[largest], &arranged, weight),
            weight: weight.map(|weight| arranged.placed(|row| weight[row])),
            runs: runs(arranged.starts(), diagonal.len()),
            arranged,
            others,
            diagonal,
        })
    }

    /// What is left of each column.
    pub(super) fn residuals(&self, columns: &[&[f64]]) -> Result<Vec<Vec<f64>>, EffectError> {
        let parts: Vec<Vec<Vec<f64>>> = columns
            .par_chunks(TOGETHER)
            .map(|some| match *some {
                [a] => self.solved([a]),
                [a, b] => self.solved([a, b]),
                [a, b, c] => self.solved([a, b, c]),
                [a, b, c, d] => self.solved([a, b, c, d]),
                _ => Ok(Vec::new()),
            })
            .in_order()?;
        Ok(parts.into_iter().flatten().collect())
    }

    fn solved<const K: usize>(&self, columns: [&[f64]; K]) -> Result<Vec<Vec<f64>>, EffectError> {
        let values = self.arranged.beside(columns);
        let scale = self.size(&values);
        let mut coefficients = vec![[0.0; K]; self.diagonal.len()];
        let mut last = [f64::INFINITY; K];
        for _ in 0..MOST_ROUNDS {
            let rest = self.rest(&values, &coefficients);
            let found = self.square(&rest);
            let is_done = |c: usize| found[c] <= SETTLED * scale[c] || found[c] > 0.1 * last[c];
            if (0..K).all(is_done) {
                break;
            }
            let step = self.conjugate(&rest, &found, &scale)?;
            for (own, more) in coefficients.iter_mut().zip(step) {
                own.iter_mut()
                    .zip(more)
                    .for_each(|(own, more)| *own += more);
            }
            last = found;
        }
        Ok(self.left(values, &coefficients).into())
    }

    fn weight(&self, place: usize) -> f64 {
        self.weight.as_ref().map_or(1.0, |weight| weight[place])
    }

    /// `Σ w v²` by column.
    fn size<const K: usize>(&self, values: &[[f64; K]]) -> [f64; K] {
        let mut total = [0.0; K];
        let of_chunk = |(chunk, values): (usize, &[[f64; K]])| {
            let mut sums = [0.0; K];
            for (place, value) in (chunk * CHUNK..).zip(values) {
                let w = self.weight(place);
                sums.iter_mut()
                    .zip(value)
                    .for_each(|(s, v)| *s += w * v * v);
            }
            sums
        };
        let chunks: Vec<[f64; K]> = values.par_chunks(CHUNK).enumerate().map(of_chunk).collect();
        for sums in chunks {
            total.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
        }
        total
    }

    /// `Σ r²/d` by column: how much the other sets explain of the residuals behind `rest`.
    fn square<const K: usize>(&self, rest: &[[f64; K]]) -> [f64; K] {
        std::array::from_fn(|c| {
            sum_of(rest.len(), |at| match self.diagonal[at] {
                d if d > 0.0 => rest[at][c] * rest[at][c] / d,
                _ => 0.0,
            })
        })
    }

    /// `Σ d x²` by column.
    fn length<const K: usize>(&self, x: &[[f64; K]]) -> [f64; K] {
        std::array::from_fn(|c| sum_of(x.len(), |at| self.diagonal[at] * x[at][c] * x[at][c]))
    }

    fn inner<const K: usize>(a: &[[f64; K]], b: &[[f64; K]]) -> [f64; K] {
        std::array::from_fn(|c| sum_of(a.len(), |at| a[at][c] * b[at][c]))
    }

    /// Coefficients whose part of the system is `rest`, by conjugate gradients for each column.
    fn conjugate<const K: usize>(
        &self,
        rest: &[[f64; K]],
        found: &[f64; K],
        scale: &[f64; K],
    ) -> Result<Vec<[f64; K]>, EffectError> {
        let scaled = |rest: &[[f64; K]]| -> Vec<[f64; K]> {
            let both = rest.iter().zip(&self.diagonal);
            both.map(|(r, d)| r.map(|r| if *d > 0.0 { r / d } else { 0.0 }))
                .collect()
        };
        let mut rest = rest.to_vec();
        let mut solution = vec![[0.0; K]; rest.len()];
        let mut direction = scaled(&rest);
        let mut square = *found;
        let (mut least, mut n_idle) = (square, [0_u32; K]);
        for _ in 0..MOST_STEPS {
            let is_done: [bool; K] = std::array::from_fn(|c| {
                square[c] <= (REDUCED * found[c]).max(0.01 * SETTLED * scale[c]) || n_idle[c] > 30
            });
            if is_done.iter().all(|&done| done) {
                return Ok(solution);
            }
            let image = self.image(&direction);
            let curvature = Self::inner(&direction, &image);
            let length = self.length(&direction);
            // Sets share constants, along which the system has no curvature but what rounding makes.
            let is_flat: [bool; K] =
                std::array::from_fn(|c| curvature[c] <= LEAST_CURVATURE * length[c]);
            let step: [f64; K] = std::array::from_fn(|c| {
                if is_done[c] || is_flat[c] {
                    0.0
                } else {
                    square[c] / curvature[c]
                }
            });
            for at in 0..rest.len() {
                for c in 0..K {
                    solution[at][c] += step[c] * direction[at][c];
                    rest[at][c] -= step[c] * image[at][c];
                }
            }
            let next = self.square(&rest);
            let share: [f64; K] = std::array::from_fn(|c| {
                if is_done[c] || square[c] <= 0.0 {
                    0.0
                } else {
                    next[c] / square[c]
                }
            });
            for ((along, rest), d) in direction.iter_mut().zip(&rest).zip(&self.diagonal) {
                for c in 0..K {
                    let own = if *d > 0.0 { rest[c] / d } else { 0.0 };
                    along[c] = own + share[c] * along[c];
                }
            }
            for c in 0..K {
                let fell = next[c] < 0.99 * least[c];
                n_idle[c] = if fell && curvature[c] > 0.0 {
                    0
                } else {
                    n_idle[c] + 1
                };
                least[c] = least[c].min(next[c]);
            }
            square = next;
        }
        Err(EffectError::NotConverged {
            n_iterations: MOST_STEPS,
        })
    }

    /// The system times coefficients: sums by group of the centred values they make.
    fn image<const K: usize>(&self, coefficients: &[[f64; K]]) -> Vec<[f64; K]> {
        self.sums(|place| {
            let mut value = [0.0; K];
            for set in &self.others {
                set.add(place, coefficients, &mut value);
            }
            value
        })
    }

    /// Sums by group of the residuals.
    fn rest<const K: usize>(
        &self,
        values: &[[f64; K]],
        coefficients: &[[f64; K]],
    ) -> Vec<[f64; K]> {
        self.sums(|place| self.less(&values[place], place, coefficients))
    }

    /// A place's value without what the other sets' coefficients make of it.
    fn less<const K: usize>(
        &self,
        value: &[f64; K],
        place: usize,
        coefficients: &[[f64; K]],
    ) -> [f64; K] {
        let mut made = [0.0; K];
        for set in &self.others {
            set.add(place, coefficients, &mut made);
        }
        std::array::from_fn(|c| value[c] - made[c])
    }

    /// The residuals, by column and row.
    fn left<const K: usize>(
        &self,
        mut values: Vec<[f64; K]>,
        coefficients: &[[f64; K]],
    ) -> [Vec<f64>; K] {
        let starts = self.arranged.starts();
        let mut rest = values.as_mut_slice();
        let mut parts = Vec::new();
        for run in &self.runs {
            let (part, after) = rest.split_at_mut(starts[run.end] - starts[run.start]);
            parts.push((run, part));
            rest = after;
        }
        parts.into_par_iter().for_each(|(run, mut part)| {
            for group in run.clone() {
                let places = starts[group]..starts[group + 1];
                let (own, after) = part.split_at_mut(places.len());
                for (value, place) in own.iter_mut().zip(places) {
                    *value = self.less(value, place, coefficients);
                }
                self.centre(group, own);
                part = after;
            }
        });
        self.arranged.apart(&values)
    }

    /// Weighted sums of centred values by group of the other sets.
    fn sums<const K: usize>(&self, value: impl Fn(usize) -> [f64; K] + Sync) -> Vec<[f64; K]> {
        let starts = self.arranged.starts();
        let parts: Vec<Vec<[f64; K]>> = self
            .runs
            .par_iter()
            .map(|run| {
                let mut sums = vec![[0.0; K]; self.diagonal.len()];
                let mut held: Vec<[f64; K]> = Vec::new();
                for group in run.clone() {
                    let places = starts[group]..starts[group + 1];
                    held.clear();
                    held.extend(places.clone().map(&value));
                    self.centre(group, &mut held);
                    for (left, place) in held.iter().zip(places) {
                        let weighted = match &self.weight {
                            Some(weight) => left.map(|v| weight[place] * v),
                            None => *left,
                        };
                        for set in &self.others {
                            set.collect(place, &weighted, &mut sums);
                        }
                    }
                }
                sums
            })
            .collect();
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_default();
        for part in parts {
            for (into, from) in total.iter_mut().zip(part) {
                into.iter_mut()
                    .zip(from)
                    .for_each(|(into, from)| *into += from);
            }
        }
        total
    }

    /// Takes out of a group's values what the eliminated set explains of them.
    fn centre<const K: usize>(&self, group: usize, held: &mut [[f64; K]]) {
        let set = &self.eliminated;
        let places = self.arranged.starts()[group]..;
        // Constants and slopes of a set are orthogonal, so each is taken out by itself.
        if let Some(first) = set.constants {
            let square = set.squares[first + group];
            let mut sum = [0.0; K];
            for (value, place) in held.iter().zip(places.clone()) {
                let w = self.weight(place);
                sum.iter_mut().zip(value).for_each(|(s, v)| *s += w * v);
            }
            let mean = sum.map(|sum| sum / square);
            for value in held.iter_mut() {
                value.iter_mut().zip(mean).for_each(|(v, m)| *v -= m);
            }
        }
        if let Some((first, along)) = &set.slopes
            && set.squares[first + group] > 0.0
        {
            let square = set.squares[first + group];
            let mut sum = [0.0; K];
            for (value, place) in held.iter().zip(places.clone()) {
                let pull = self.weight(place) * along[place];
                sum.iter_mut().zip(value).for_each(|(s, v)| *s += pull * v);
            }
            let slope = sum.map(|sum| sum / square);
            for (value, place) in held.iter_mut().zip(places) {
                value
                    .iter_mut()
                    .zip(slope)
                    .for_each(|(v, b)| *v -= along[place] * b);
            }
        }
    }
}

/// Cuts groups into runs of about as many rows each: so many that their sums are few beside the
/// rows.
fn runs(starts: &[usize], n_coefficients: usize) -> Vec<Range<usize>> {
    let n_rows = starts.last().copied().unwrap_or(0);
    let n_runs = (n_rows / (8 * n_coefficients + 4096)).clamp(1, MOST_RUNS);
    let mut runs = Vec::new();
    let mut from = 0;
    for run in 1..=n_runs {
        let until = starts.partition_point(|&start| start < n_rows * run / n_runs);
        let until = until.min(starts.len() - 1);
        if until > from {
            runs.push(from..until);
            from = until;
        }
    }
    runs
}

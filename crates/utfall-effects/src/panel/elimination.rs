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
/// Columns that are solved together.
const TOGETHER: usize = 4;

/// Sets of fixed effects, the largest of them eliminated.
#[derive(Debug)]
pub(super) struct Elimination {
    /// The row of each place; places are in order of the eliminated set's groups.
    order: Vec<usize>,
    /// Where the eliminated set's groups begin, and the last ends.
    starts: Vec<usize>,
    eliminated: Basis,
    others: Vec<Basis>,
    /// The diagonal of the others' system.
    diagonal: Vec<f64>,
    /// Weights by place; `None` where all are one.
    weight: Option<Vec<f64>>,
    /// Groups of the eliminated set, run by run.
    runs: Vec<Range<usize>>,
}

/// What the coefficients of a set are multiplied with, by place.
#[derive(Debug)]
struct Basis {
    codes: Vec<u32>,
    /// The set's first constant among the coefficients, where it has constants.
    constants: Option<usize>,
    /// The set's first slope, and the values; beside constants these are centred by group.
    slopes: Option<(usize, Vec<f64>)>,
    /// Weighted squares by coefficient.
    squares: Vec<f64>,
}

impl Basis {
    fn of(set: &FixedEffect, order: &[usize], weight: &[f64]) -> Self {
        let group = &set.group;
        let squares = |values: &[f64]| {
            let terms: Vec<f64> = values.iter().zip(weight).map(|(v, w)| v * v * w).collect();
            group.sums(&terms)
        };
        let weights = set.constant.then(|| group.sums(weight));
        let slope = set.slope.as_ref().map(|values| {
            let mut values = values.clone();
            if let Some(weights) = &weights {
                let products: Vec<f64> = values.iter().zip(weight).map(|(v, w)| v * w).collect();
                let sums = group.sums(&products);
                for (value, &code) in values.iter_mut().zip(group.codes()) {
                    *value -= sums[code] / weights[code];
                }
            }
            values
        });
        let along = slope.as_ref().map(|values| squares(values));
        let n_constants = weights.as_ref().map_or(0, Vec::len);
        Self {
            codes: order
                .iter()
                .map(|&row| narrow(group.codes()[row]))
                .collect(),
            constants: set.constant.then_some(0),
            slopes: slope.map(|values| {
                let sorted = order.iter().map(|&row| values[row]).collect();
                (n_constants, sorted)
            }),
            squares: weights
                .into_iter()
                .flatten()
                .chain(along.into_iter().flatten())
                .collect(),
        }
    }

    /// The set's first coefficient is put at a place among those of all sets.
    fn from(mut self, first: usize) -> Self {
        self.constants = self.constants.map(|at| at + first);
        self.slopes = self.slopes.map(|(at, values)| (at + first, values));
        self
    }

    /// Adds the set's part of a place's value.
    fn add<const K: usize>(&self, place: usize, coefficients: &[[f64; K]], value: &mut [f64; K]) {
        let code = self.codes[place] as usize;
        if let Some(first) = self.constants {
            let own = &coefficients[first + code];
            value.iter_mut().zip(own).for_each(|(v, c)| *v += c);
        }
        if let Some((first, along)) = &self.slopes {
            let own = &coefficients[first + code];
            value
                .iter_mut()
                .zip(own)
                .for_each(|(v, c)| *v += along[place] * c);
        }
    }

    /// Adds a place's weighted value to the sums of its groups.
    fn collect<const K: usize>(&self, place: usize, value: &[f64; K], sums: &mut [[f64; K]]) {
        let code = self.codes[place] as usize;
        if let Some(first) = self.constants {
            let own = &mut sums[first + code];
            own.iter_mut().zip(value).for_each(|(s, v)| *s += v);
        }
        if let Some((first, along)) = &self.slopes {
            let own = &mut sums[first + code];
            own.iter_mut()
                .zip(value)
                .for_each(|(s, v)| *s += along[place] * v);
        }
    }
}

/// Groups are fewer than rows, and rows than four billion.
fn narrow(code: usize) -> u32 {
    u32::try_from(code).unwrap_or(u32::MAX)
}

impl Elimination {
    /// `None` without sets.
    pub(super) fn of(sets: &[FixedEffect], weight: &[f64]) -> Option<Self> {
        let sizes = sets.iter().map(FixedEffect::n_coefficients);
        let (largest, _) = sizes
            .enumerate()
            .max_by_key(|&(at, n)| (n, std::cmp::Reverse(at)))?;
        let group = &sets[largest].group;
        let mut starts = vec![0; group.n_groups() + 1];
        for &code in group.codes() {
            starts[code + 1] += 1;
        }
        for code in 0..group.n_groups() {
            starts[code + 1] += starts[code];
        }
        let mut next = starts.clone();
        let mut order = vec![0; weight.len()];
        for (row, &code) in group.codes().iter().enumerate() {
            order[next[code]] = row;
            next[code] += 1;
        }
        let mut others = Vec::new();
        let mut diagonal = Vec::new();
        for (at, set) in sets.iter().enumerate() {
            if at != largest {
                let basis = Basis::of(set, &order, weight).from(diagonal.len());
                diagonal.extend_from_slice(&basis.squares);
                others.push(basis);
            }
        }
        let is_plain = weight.iter().all(|w| w.total_cmp(&1.0).is_eq());
        Some(Self {
            eliminated: Basis::of(&sets[largest], &order, weight),
            weight: (!is_plain).then(|| order.iter().map(|&row| weight[row]).collect()),
            runs: runs(&starts, diagonal.len()),
            order,
            starts,
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
        let values: Vec<[f64; K]> = self
            .order
            .par_iter()
            .map(|&row| columns.map(|column| column[row]))
            .collect();
        let weight = |place: usize| self.weight.as_ref().map_or(1.0, |weight| weight[place]);
        let scale: [f64; K] = std::array::from_fn(|c| {
            sum_of(values.len(), |place| {
                weight(place) * values[place][c] * values[place][c]
            })
        });
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
        Ok(self.left(&values, &coefficients))
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
        values: &[[f64; K]],
        coefficients: &[[f64; K]],
    ) -> Vec<Vec<f64>> {
        let mut by_place = Vec::with_capacity(values.len());
        let parts: Vec<Vec<[f64; K]>> = self
            .runs
            .par_iter()
            .map(|run| {
                let mut part = Vec::new();
                self.centred(
                    run,
                    |place| self.less(&values[place], place, coefficients),
                    |_, value| part.push(*value),
                );
                part
            })
            .collect();
        parts.into_iter().for_each(|part| by_place.extend(part));
        (0..K)
            .into_par_iter()
            .map(|c| {
                let mut column = vec![0.0; values.len()];
                for (&row, value) in self.order.iter().zip(&by_place) {
                    column[row] = value[c];
                }
                column
            })
            .collect()
    }

    /// Weighted sums of centred values by group of the other sets.
    fn sums<const K: usize>(&self, value: impl Fn(usize) -> [f64; K] + Sync) -> Vec<[f64; K]> {
        let parts: Vec<Vec<[f64; K]>> = self
            .runs
            .par_iter()
            .map(|run| {
                let mut sums = vec![[0.0; K]; self.diagonal.len()];
                self.centred(run, &value, |place, left| {
                    let weighted = match &self.weight {
                        Some(weight) => left.map(|v| weight[place] * v),
                        None => *left,
                    };
                    for set in &self.others {
                        set.collect(place, &weighted, &mut sums);
                    }
                });
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

    /// Gives each place of a run its value without what the eliminated set explains of it.
    fn centred<const K: usize>(
        &self,
        run: &Range<usize>,
        value: impl Fn(usize) -> [f64; K],
        mut then: impl FnMut(usize, &[f64; K]),
    ) {
        let set = &self.eliminated;
        let mut held: Vec<[f64; K]> = Vec::new();
        for group in run.clone() {
            let places = self.starts[group]..self.starts[group + 1];
            held.clear();
            held.extend(places.clone().map(&value));
            // Constants and slopes of a set are orthogonal, so each is taken out by itself.
            if let Some(first) = set.constants {
                let square = set.squares[first + group];
                let mut sum = [0.0; K];
                for (value, place) in held.iter().zip(places.clone()) {
                    let w = self.weight.as_ref().map_or(1.0, |weight| weight[place]);
                    sum.iter_mut().zip(value).for_each(|(s, v)| *s += w * v);
                }
                let mean = sum.map(|sum| sum / square);
                for value in &mut held {
                    value.iter_mut().zip(mean).for_each(|(v, m)| *v -= m);
                }
            }
            if let Some((first, along)) = &set.slopes
                && set.squares[first + group] > 0.0
            {
                let square = set.squares[first + group];
                let mut sum = [0.0; K];
                for (value, place) in held.iter().zip(places.clone()) {
                    let w = self.weight.as_ref().map_or(1.0, |weight| weight[place]);
                    let pull = w * along[place];
                    sum.iter_mut().zip(value).for_each(|(s, v)| *s += pull * v);
                }
                let slope = sum.map(|sum| sum / square);
                for (value, place) in held.iter_mut().zip(places.clone()) {
                    value
                        .iter_mut()
                        .zip(slope)
                        .for_each(|(v, b)| *v -= along[place] * b);
                }
            }
            for (value, place) in held.iter().zip(places) {
                then(place, value);
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

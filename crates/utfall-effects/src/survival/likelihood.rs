//! The partial likelihood of proportional hazards, its slope and curvature, and each row's score.
//!
//! Rows are put in the order in which they leave, once; sums over those at risk are then carried
//! along as time runs backwards, so that a step costs as much as reading the rows.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use utfall_stats::elementary::{exp, log};
use utfall_stats::moments::count;

use super::ascent::Place;
use super::cox::Ties;
use super::risk::{Moment, RiskOrder};
use super::{Durations, kaplan_meier};
use crate::EffectError;

/// Rows with hazards of their own.
struct Stratum {
    order: RiskOrder,
    /// Covariates by place, those of a row together.
    x: Vec<f64>,
    /// Weights by place.
    weight: Vec<f64>,
}

/// What the likelihood is made of.
pub(super) struct Model {
    strata: Vec<Stratum>,
    p: usize,
    ties: Ties,
    n_rows: usize,
}

/// `Σ wθ`, `Σ wθ x` and the lower half of `Σ wθ xx′` over some rows. Where rows come and go, each sum
/// holds what rounding took from it too, so that those who have gone leave no trace.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    value: Vec<f64>,
    lost: Vec<f64>,
    with_squares: bool,
}

impl Sums {
    fn new(p: usize, with_squares: bool, do_rows_go: bool) -> Self {
        let n = 1 + p + if with_squares { p * (p + 1) / 2 } else { 0 };
        Self {
            value: vec![0.0; n],
            lost: vec![0.0; if do_rows_go { n } else { 0 }],
            with_squares,
        }
    }

    fn clear(&mut self) {
        self.value.fill(0.0);
        self.lost.fill(0.0);
    }

    fn add(&mut self, w: f64, x: &[f64]) {
        if self.lost.is_empty() {
            let (zero, rest) = self.value.split_at_mut(1);
            let (one, mut two) = rest.split_at_mut(x.len());
            zero[0] += w;
            for (i, (one, &own)) in one.iter_mut().zip(x).enumerate() {
                let wx = w * own;
                *one += wx;
                if self.with_squares {
                    let (line, below) = two.split_at_mut(i + 1);
                    line.iter_mut().zip(x).for_each(|(sum, x)| *sum += wx * x);
                    two = below;
                }
            }
            return;
        }
        let squares = if self.with_squares { x.len() } else { 0 };
        let products = (0..squares).flat_map(|i| x[..=i].iter().map(move |other| w * x[i] * other));
        let terms = std::iter::once(w)
            .chain(x.iter().map(|x| w * x))
            .chain(products);
        for ((sum, lost), term) in self.value.iter_mut().zip(&mut self.lost).zip(terms) {
            // Two-sum: what rounding takes is exact.
            let next = *sum + term;
            let back = next - *sum;
            *lost += (*sum - (next - back)) + (term - back);
            *sum = next;
        }
    }

    fn cell(&self, at: usize) -> f64 {
        self.value[at] + self.lost.get(at).copied().unwrap_or(0.0)
    }

    pub(super) fn zero(&self) -> f64 {
        self.cell(0)
    }

    pub(super) fn one(&self, i: usize) -> f64 {
        self.cell(1 + i)
    }

    /// For `j` up to `i`.
    fn two(&self, p: usize, i: usize, j: usize) -> f64 {
        self.cell(1 + p + i * (i + 1) / 2 + j)
    }
}

/// A time with events: those at risk, the events among them, and the events' mean weight.
pub(super) struct Moments<'a> {
    pub(super) time: f64,
    pub(super) all: &'a Sums,
    pub(super) own: &'a Sums,
    pub(super) each: f64,
    n_events: usize,
    ties: Ties,
}

impl Moments<'_> {
    /// The share of the events' own sums that is taken off in each comparison, and in how many
    /// comparisons it is.
    pub(super) fn shares(&self) -> impl Iterator<Item = (f64, f64)> {
        let d = count(self.n_events);
        let (n, times) = match self.ties {
            Ties::Efron => (self.n_events, 1.0),
            _ => (1, d),
        };
        (0..n).map(move |l| (count(l) / d, times))
    }

    /// `Σ wθ` of a comparison.
    pub(super) fn zero(&self, share: f64) -> f64 {
        self.all.zero() - share * self.own.zero()
    }

    fn mean(&self, share: f64, i: usize) -> f64 {
        (self.all.one(i) - share * self.own.one(i)) / self.zero(share)
    }
}

impl Model {
    /// `strata`: rows of each. `ties`: how events at one time are compared.
    pub(super) fn new(
        data: &Durations<'_>,
        columns: &[Vec<f64>],
        weight: &[f64],
        strata: &[Vec<usize>],
        ties: Ties,
    ) -> Self {
        let strata = strata.iter().map(|rows| {
            let order = RiskOrder::of(data, rows);
            let x = order.leaving.iter();
            Stratum {
                x: x.flat_map(|&row| columns.iter().map(move |column| column[row]))
                    .collect(),
                weight: order.leaving.iter().map(|&row| weight[row]).collect(),
                order,
            }
        });
        Self {
            strata: strata.collect(),
            p: columns.len(),
            ties,
            n_rows: weight.len(),
        }
    }

    /// Value, slope and curvature at some coefficients.
    pub(super) fn at(&self, beta: &[f64]) -> Place {
        let mut place = Place::zero(self.p);
        for stratum in &self.strata {
            let eta = stratum.eta(beta);
            if self.ties == Ties::Exact {
                self.add_exact(stratum, &eta, &mut place);
                continue;
            }
            self.visit(stratum, &eta, true, |moment, sums| {
                self.add(stratum, moment, &eta, sums, &mut place);
            });
        }
        place
    }

    /// Slope and curvature of each time with events, the last first within a stratum.
    pub(super) fn each(&self, beta: &[f64], mut then: impl FnMut(f64, &Place)) {
        for stratum in &self.strata {
            let eta = stratum.eta(beta);
            self.visit(stratum, &eta, true, |moment, sums| {
                let mut place = Place::zero(self.p);
                self.add(stratum, moment, &eta, sums, &mut place);
                then(moment.time, &place);
            });
        }
    }

    /// Sums of each time with events, without squares.
    pub(super) fn each_sums(&self, beta: &[f64], mut then: impl FnMut(&Moments<'_>)) {
        for stratum in &self.strata {
            self.visit(stratum, &stratum.eta(beta), false, |_, sums| then(sums));
        }
    }

    fn visit(
        &self,
        stratum: &Stratum,
        eta: &[f64],
        with_squares: bool,
        mut then: impl FnMut(&Moment, &Moments<'_>),
    ) {
        let theta: Vec<f64> = eta.iter().map(|&eta| exp(eta)).collect();
        let p = self.p;
        let x = |place: usize| &stratum.x[place * p..(place + 1) * p];
        let w = |place: usize| stratum.weight[place] * theta[place];
        let mut all = Sums::new(p, with_squares, !stratum.order.entering.is_empty());
        let mut own = Sums::new(p, with_squares, false);
        stratum.order.backwards(
            &mut all,
            |all, place| all.add(w(place), x(place)),
            |all, place| all.add(-w(place), x(place)),
            |all, moment| {
                own.clear();
                let mut total = 0.0;
                for place in moment.events.clone() {
                    own.add(w(place), x(place));
                    total += stratum.weight[place];
                }
                let n_events = moment.events.len();
                let moments = Moments {
                    time: moment.time,
                    all,
                    own: &own,
                    each: total / count(n_events),
                    n_events,
                    ties: self.ties,
                };
                then(moment, &moments);
            },
        );
    }

    fn add(
        &self,
        stratum: &Stratum,
        moment: &Moment,
        eta: &[f64],
        sums: &Moments<'_>,
        into: &mut Place,
    ) {
        let p = self.p;
        stratum.add_events(moment, p, eta, into);
        let mut mean = vec![0.0; p];
        for (share, times) in sums.shares() {
            let (zero, each) = (sums.zero(share), times * sums.each);
            into.value -= each * log(zero);
            for i in 0..p {
                mean[i] = sums.mean(share, i);
                into.slope[i] -= each * mean[i];
                for j in 0..=i {
                    let second = (sums.all.two(p, i, j) - share * sums.own.two(p, i, j)) / zero;
                    let cell = each * (second - mean[i] * mean[j]);
                    into.information[i][j] += cell;
                    if i != j {
                        into.information[j][i] += cell;
                    }
                }
            }
        }
    }

    /// All subsets of as many rows as there are events, by recursion on rows.
    fn add_exact(&self, stratum: &Stratum, eta: &[f64], into: &mut Place) {
        let p = self.p;
        for moment in &stratum.order.moments {
            stratum.add_events(moment, p, eta, into);
            let d = moment.events.len();
            let mut zero = vec![0.0; d + 1];
            zero[0] = 1.0;
            let mut one = vec![vec![0.0; p]; d + 1];
            let mut two = vec![vec![vec![0.0; p]; p]; d + 1];
            for at in stratum.order.at_risk(moment) {
                let x = &stratum.x[at * p..(at + 1) * p];
                let theta = exp(eta[at]);
                for size in (1..=d).rev() {
                    let from = size - 1;
                    for i in 0..p {
                        for j in 0..p {
                            let more = two[from][i][j]
                                + x[i] * one[from][j]
                                + one[from][i] * x[j]
                                + x[i] * x[j] * zero[from];
                            two[size][i][j] += theta * more;
                        }
                    }
                    for i in 0..p {
                        let more = one[from][i] + x[i] * zero[from];
                        one[size][i] += theta * more;
                    }
                    zero[size] += theta * zero[from];
                }
            }
            into.value -= log(zero[d]);
            for i in 0..p {
                let mean = one[d][i] / zero[d];
                into.slope[i] -= mean;
                for j in 0..p {
                    into.information[i][j] += two[d][i][j] / zero[d] - mean * one[d][j] / zero[d];
                }
            }
        }
    }

    /// Each row's score, times its weight, a column for each coefficient.
    ///
    /// A row that stays at risk loses `θ (x A - B)`, where `A` adds up the hazard, and `B` the hazard
    /// times the mean covariates, of the times between its entry and its end.
    pub(super) fn scores(&self, beta: &[f64], data: &Durations<'_>) -> Vec<Vec<f64>> {
        let mut scores = vec![vec![0.0; self.n_rows]; self.p];
        for stratum in &self.strata {
            self.add_scores(stratum, beta, data, &mut scores);
        }
        scores
    }

    fn add_scores(
        &self,
        stratum: &Stratum,
        beta: &[f64],
        data: &Durations<'_>,
        scores: &mut [Vec<f64>],
    ) {
        let p = self.p;
        let eta = stratum.eta(beta);
        let mut steps = Vec::new();
        self.visit(stratum, &eta, false, |moment, sums| {
            steps.push(Step::of(moment, sums, p));
        });
        // Totals up to and at each time, the last first, and nothing before the first.
        let mut totals = vec![vec![0.0; 1 + p]; steps.len() + 1];
        for (at, step) in steps.iter().enumerate().rev() {
            totals[at] = totals[at + 1].clone();
            totals[at]
                .iter_mut()
                .zip(&step.all)
                .for_each(|(t, s)| *t += s);
        }
        let since = |time: f64| steps.partition_point(|step| step.time > time);
        for (place, &row) in stratum.order.leaving.iter().enumerate() {
            let x = &stratum.x[place * p..(place + 1) * p];
            let theta = exp(eta[place]);
            let at = since(data.stop[row]);
            let entered = data.start.map_or(steps.len(), |start| since(start[row]));
            let step = data.event[row].then(|| &steps[at]);
            for (i, scores) in scores.iter_mut().enumerate() {
                let borne = |cell: usize| {
                    let own = step.map_or(0.0, |step| step.all[cell] - step.of_events[cell]);
                    totals[at][cell] - totals[entered][cell] - own
                };
                let mut score = -theta * (x[i] * borne(0) - borne(1 + i));
                if let Some(step) = step {
                    score += x[i] - step.mean[i];
                }
                scores[row] = stratum.weight[place] * score;
            }
        }
    }

    /// The times with events on a scale, in the order of [`Model::each`].
    pub(super) fn survival_before(
        data: &Durations<'_>,
    ) -> Result<impl Fn(f64) -> f64, EffectError> {
        let rows: Vec<usize> = (0..data.stop.len()).collect();
        let curve = kaplan_meier(data, &rows)?;
        Ok(move |time: f64| {
            let before = curve.time.partition_point(|&known| known < time);
            before
                .checked_sub(1)
                .map_or(1.0, |entry| curve.survival[entry])
        })
    }
}

/// What a time with events adds to the scores of those at risk.
struct Step {
    time: f64,
    /// The hazard, and the hazard times each mean covariate.
    all: Vec<f64>,
    /// The same as the events themselves bear it.
    of_events: Vec<f64>,
    /// Mean covariates over the comparisons.
    mean: Vec<f64>,
}

impl Step {
    fn of(moment: &Moment, sums: &Moments<'_>, p: usize) -> Self {
        let mut step = Self {
            time: moment.time,
            all: vec![0.0; 1 + p],
            of_events: vec![0.0; 1 + p],
            mean: vec![0.0; p],
        };
        let d = count(moment.events.len());
        for (share, times) in sums.shares() {
            let hazard = times * sums.each / sums.zero(share);
            step.all[0] += hazard;
            step.of_events[0] += (1.0 - share) * hazard;
            for i in 0..p {
                let mean = sums.mean(share, i);
                step.all[1 + i] += hazard * mean;
                step.of_events[1 + i] += (1.0 - share) * hazard * mean;
                step.mean[i] += times * mean / d;
            }
        }
        step
    }
}

impl Stratum {
    fn eta(&self, beta: &[f64]) -> Vec<f64> {
        let row = |x: &[f64]| x.iter().zip(beta).map(|(x, b)| x * b).sum();
        match beta.len() {
            0 => vec![0.0; self.weight.len()],
            p => self.x.chunks_exact(p).map(row).collect(),
        }
    }

    fn add_events(&self, moment: &Moment, p: usize, eta: &[f64], into: &mut Place) {
        for place in moment.events.clone() {
            let weight = self.weight[place];
            into.value += weight * eta[place];
            let x = &self.x[place * p..(place + 1) * p];
            into.slope
                .iter_mut()
                .zip(x)
                .for_each(|(slope, x)| *slope += weight * x);
        }
    }
}

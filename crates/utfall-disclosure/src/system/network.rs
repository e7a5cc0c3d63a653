//! Numbers that form a network: each stands in two sums at most, with opposite signs.
//!
//! A table of two dimensions with its margins is one, whatever the hierarchy of one of them. There a
//! number is a flow from one sum to another, what fits is found by paths, and what is found is
//! exact: the least and the greatest whole number that fit are those of the linear program
//! (Ford & Fulkerson 1956; Castro 2012, *European Journal of Operational Research* 216(2),
//! <https://doi.org/10.1016/j.ejor.2011.08.008>).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::{Move, System};

/// The parts of a system that are networks.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// For each number that can move in a network, the sums it flows from and to.
    ends: Vec<Option<(usize, usize)>>,
    /// For each sum, and last for what lies outside all sums, the numbers that flow from or to it.
    flows: Vec<Vec<usize>>,
    /// Of these, the ones that can move as things stand.
    free: Vec<Vec<usize>>,
}

/// Reused between searches.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    cost: Vec<u64>,
    by: Vec<usize>,
    touched: Vec<usize>,
}

const NOT_REACHED: u64 = u64::MAX;

impl Network {
    /// Finds the networks among the numbers that can move.
    ///
    /// `moves` says which can move if they may be suppressed, `is_free` which can as things stand.
    pub(crate) fn of(system: &System, moves: &[bool], is_free: &[bool]) -> Self {
        let flips = orientation(system, moves);
        let outside = system.sums.len();
        let mut ends = vec![None; moves.len()];
        let mut flows = vec![Vec::new(); outside + 1];
        let mut free = vec![Vec::new(); outside + 1];
        for (number, places) in system.places.iter().enumerate() {
            if !moves[number] || places.is_empty() {
                continue;
            }
            let Some(signs) = places
                .iter()
                .map(|place| flips[place.sum].map(|flip| flip * place.sign))
                .collect::<Option<Vec<i64>>>()
            else {
                continue;
            };
            let other = places.get(1).map_or(outside, |place| place.sum);
            let (from, to) = if signs[0] > 0 {
                (other, places[0].sum)
            } else {
                (places[0].sum, other)
            };
            ends[number] = Some((from, to));
            flows[from].push(number);
            flows[to].push(number);
            if is_free[number] {
                free[from].push(number);
                free[to].push(number);
            }
        }
        Self { ends, flows, free }
    }

    /// Says that a number can move from now on.
    pub(crate) fn release(&mut self, number: usize) {
        if let Some((from, to)) = self.ends[number]
            && !self.free[from].contains(&number)
        {
            self.free[from].push(number);
            self.free[to].push(number);
        }
    }

    /// Some change of the numbers that are free which lets a number move in a direction, and how far:
    /// by no more than `limit`.
    ///
    /// Taken again and again, it moves the number as far as anything can.
    pub(crate) fn any(
        &self,
        scratch: &mut Scratch,
        number: usize,
        direction: i64,
        limit: i64,
        room: &mut dyn FnMut(usize, i64) -> i64,
    ) -> Option<Move> {
        let (from, to) = self.ends[number]?;
        let (start, goal) = if direction > 0 {
            (to, from)
        } else {
            (from, to)
        };
        scratch.reset(self.flows.len());
        scratch.reach(start, 0, usize::MAX);
        let mut queue = VecDeque::from([start]);
        while let Some(sum) = queue.pop_front() {
            for &flow in &self.free[sum] {
                let Some((next, delta)) = self.along(flow, sum, 1) else {
                    continue;
                };
                if flow == number || scratch.cost[next] != NOT_REACHED || room(flow, delta) < 1 {
                    continue;
                }
                scratch.reach(next, 0, flow);
                if next == goal {
                    let mut moved = self.path(scratch, number, direction, start, goal);
                    let others = moved.iter().skip(1);
                    let size =
                        others.fold(limit, |size, (flow, delta)| size.min(room(*flow, *delta)));
                    for (_, delta) in &mut moved {
                        *delta *= size;
                    }
                    return Some(moved);
                }
                queue.push_back(next);
            }
        }
        None
    }

    /// Whether a number moves in a network.
    pub(crate) fn holds(&self, number: usize) -> bool {
        self.ends[number].is_some()
    }

    /// The cheapest change of the others that lets a number move by `step`, which may be negative.
    ///
    /// `cost` says what it costs to let a number move by so much, or that it cannot.
    pub(crate) fn cheapest(
        &self,
        scratch: &mut Scratch,
        number: usize,
        step: i64,
        cost: &mut dyn FnMut(usize, i64) -> Option<u64>,
    ) -> Option<Move> {
        let (from, to) = self.ends[number]?;
        let (start, goal) = if step > 0 { (to, from) } else { (from, to) };
        let size = step.abs();
        scratch.reset(self.flows.len());
        scratch.reach(start, 0, usize::MAX);
        let mut queue = BinaryHeap::from([Reverse((0_u64, start))]);
        while let Some(Reverse((so_far, sum))) = queue.pop() {
            if sum == goal {
                return Some(self.path(scratch, number, step, start, goal));
            }
            if so_far > scratch.cost[sum] {
                continue;
            }
            for &flow in &self.flows[sum] {
                if flow == number {
                    continue;
                }
                let Some((next, delta)) = self.along(flow, sum, size) else {
                    continue;
                };
                if scratch.cost[next] <= so_far {
                    continue;
                }
                let Some(price) = cost(flow, delta) else {
                    continue;
                };
                let total = so_far.saturating_add(price).saturating_add(1);
                if total < scratch.cost[next] {
                    scratch.reach(next, total, flow);
                    queue.push(Reverse((total, next)));
                }
            }
        }
        None
    }

    /// Where a flow leads from a sum, and how its number changes on the way.
    fn along(&self, flow: usize, sum: usize, size: i64) -> Option<(usize, i64)> {
        let (from, to) = self.ends[flow]?;
        if from == sum {
            Some((to, size))
        } else {
            Some((from, -size))
        }
    }

    fn path(&self, scratch: &Scratch, number: usize, step: i64, start: usize, goal: usize) -> Move {
        let mut moved = vec![(number, step)];
        let mut sum = goal;
        while sum != start {
            let flow = scratch.by[sum];
            let Some((from, to)) = self.ends[flow] else {
                break;
            };
            if to == sum {
                moved.push((flow, step.abs()));
                sum = from;
            } else {
                moved.push((flow, -step.abs()));
                sum = to;
            }
        }
        moved
    }
}

impl Scratch {
    fn reset(&mut self, n_sums: usize) {
        if self.cost.len() != n_sums {
            self.cost = vec![NOT_REACHED; n_sums];
            self.by = vec![usize::MAX; n_sums];
            self.touched.clear();
        }
        for sum in self.touched.drain(..) {
            self.cost[sum] = NOT_REACHED;
        }
    }

    fn reach(&mut self, sum: usize, cost: u64, by: usize) {
        if self.cost[sum] == NOT_REACHED {
            self.touched.push(sum);
        }
        self.cost[sum] = cost;
        self.by[sum] = by;
    }
}

/// For each sum whether it is read as it stands (1) or with all signs turned (−1), so that every
/// number that moves has opposite signs; `None` for the sums of a part that is no network.
fn orientation(system: &System, moves: &[bool]) -> Vec<Option<i64>> {
    let mut flips: Vec<Option<i64>> = vec![None; system.sums.len()];
    let mut seen = vec![false; system.sums.len()];
    for first in 0..system.sums.len() {
        if seen[first] {
            continue;
        }
        seen[first] = true;
        flips[first] = Some(1);
        let mut part = vec![first];
        let mut is_network = true;
        let mut next = 0;
        while let Some(&sum) = part.get(next) {
            next += 1;
            let flip = flips[sum].unwrap_or(1);
            for number in system.numbers(sum).filter(|number| moves[*number]) {
                let places = &system.places[number];
                is_network &= places.len() <= 2;
                let sign = system.sign(number, sum);
                for place in places.iter().filter(|place| place.sum != sum) {
                    let wanted = -flip * sign * place.sign;
                    if seen[place.sum] {
                        is_network &= flips[place.sum] == Some(wanted);
                    } else {
                        seen[place.sum] = true;
                        flips[place.sum] = Some(wanted);
                        part.push(place.sum);
                    }
                }
            }
        }
        if !is_network {
            for sum in part {
                flips[sum] = None;
            }
        }
    }
    flips
}

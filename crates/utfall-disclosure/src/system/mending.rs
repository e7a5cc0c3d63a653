//! Changes in systems that are no network: a number is moved, and every sum that no longer holds is
//! mended in turn.
//!
//! The search is bounded, so that it may miss a change that exists. What it finds is true: every sum
//! holds and every number stays where it may.

use std::collections::BTreeMap;

use super::{Move, System};

/// Changes of a number that are tried for one sum before the search turns back.
const N_TRIED: usize = 4;

/// Changes tried in all.
const N_STEPS: usize = 400;

/// What one more sum that does not hold counts, beside the cost of the numbers.
const UNTRUE: i64 = 64;

/// What it costs to let a number move by so much in all, or that it cannot.
///
/// The answer is the largest part of the change that is possible, and its cost.
pub(crate) type Room<'a> = dyn FnMut(usize, i64) -> Option<(i64, u64)> + 'a;

/// A change of the others that lets a number move by `step`.
///
/// If none is found that moves some up and others down, all are moved alike: a unit more in the number
/// is one more in every total above it and in one part of each.
pub(crate) fn mend(system: &System, number: usize, step: i64, room: &mut Room<'_>) -> Option<Move> {
    mended(system, number, step, room).or_else(|| {
        mended(system, number, step, &mut |other, delta| {
            room(other, delta).filter(|(delta, _)| *delta == step)
        })
    })
}

fn mended(system: &System, number: usize, step: i64, room: &mut Room<'_>) -> Option<Move> {
    let mut search = Mending {
        system,
        changes: BTreeMap::new(),
        untrue: BTreeMap::new(),
        n_steps: 0,
    };
    search.change(number, step);
    search
        .settle(room)
        .then(|| search.changes.into_iter().collect())
}

struct Mending<'a> {
    system: &'a System,
    changes: BTreeMap<usize, i64>,
    /// By how much the total of each sum that does not hold exceeds its parts.
    untrue: BTreeMap<usize, i64>,
    n_steps: usize,
}

struct Candidate {
    price: i64,
    number: usize,
    delta: i64,
}

impl Mending<'_> {
    fn settle(&mut self, room: &mut Room<'_>) -> bool {
        // A total that moved has to find a part before the parts above it find their totals.
        let is_down =
            |(sum, _): &(&usize, &i64)| self.changes.contains_key(&self.system.sums[**sum].total);
        let next = self.untrue.iter().find(is_down);
        let Some((&sum, &excess)) = next.or_else(|| self.untrue.iter().next()) else {
            return true;
        };
        let mut candidates = self.candidates(sum, excess, room);
        candidates.sort_by_key(|candidate| (candidate.price, candidate.number));
        for candidate in candidates.into_iter().take(N_TRIED) {
            self.n_steps += 1;
            if self.n_steps > N_STEPS {
                return false;
            }
            self.change(candidate.number, candidate.delta);
            if self.settle(room) {
                return true;
            }
            self.change(candidate.number, -candidate.delta);
        }
        false
    }

    fn candidates(&self, sum: usize, excess: i64, room: &mut Room<'_>) -> Vec<Candidate> {
        let mut found = Vec::new();
        for number in self.system.numbers(sum) {
            if self.changes.contains_key(&number) {
                continue;
            }
            let wanted = -excess * self.system.sign(number, sum);
            let Some((delta, cost)) = room(number, wanted) else {
                continue;
            };
            let untrue: i64 = self.system.places[number]
                .iter()
                .map(|place| {
                    let before = self.untrue.get(&place.sum).copied().unwrap_or(0);
                    let after = before + place.sign * delta;
                    i64::from(after != 0) - i64::from(before != 0)
                })
                .sum();
            let cost = i64::try_from(cost).unwrap_or(i64::MAX / 4);
            found.push(Candidate {
                price: cost + untrue * UNTRUE,
                number,
                delta,
            });
        }
        found
    }

    fn change(&mut self, number: usize, delta: i64) {
        let all = self.changes.entry(number).or_insert(0);
        *all += delta;
        if *all == 0 {
            self.changes.remove(&number);
        }
        for place in &self.system.places[number] {
            let excess = self.untrue.entry(place.sum).or_insert(0);
            *excess += place.sign * delta;
            if *excess == 0 {
                self.untrue.remove(&place.sum);
            }
        }
    }
}

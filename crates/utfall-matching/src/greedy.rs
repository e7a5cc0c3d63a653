//! Who chooses when: the order of a greedy matching, whatever is chosen from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use utfall_stats::draws::Stream;

use crate::Order;
use crate::order::ordered;

/// What treated units choose from. They go by their rank among the treated.
pub(crate) trait Supply {
    /// Number of treated units.
    fn n_focal(&self) -> usize;

    /// The nearest comparator this unit may still take.
    fn choose(&mut self, rank: usize) -> Option<Choice>;

    /// Gives the unit what it chose.
    fn take(&mut self, rank: usize, choice: &Choice);
}

/// A comparator chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    /// Where the comparator lies in the supply.
    pub(crate) position: u32,
    /// How far it is, zero or more.
    pub(crate) distance: f64,
    /// Whether another was equally near.
    pub(crate) is_tied: bool,
}

/// The sequence in which units choose; `None` where the closest pair of all goes first.
pub(crate) fn sequence(
    order: Order,
    n_focal: usize,
    score: impl Fn(usize) -> f64,
) -> Option<Vec<usize>> {
    let mut sequence: Vec<usize> = (0..n_focal).collect();
    match order {
        Order::Largest => sequence.sort_by_cached_key(|&rank| Reverse(ordered(score(rank)))),
        Order::Smallest => sequence.sort_by_cached_key(|&rank| ordered(score(rank))),
        Order::Random { seed } => Stream::new(seed, "matching order", 0).shuffle(&mut sequence),
        Order::Data => {}
        Order::Closest => return None,
    }
    Some(sequence)
}

/// Units choose in a fixed sequence, round after round, up to their quota. One that finds nobody is
/// out.
pub(crate) fn in_sequence(supply: &mut impl Supply, sequence: Vec<usize>, quotas: &[u32]) {
    let mut choosing = sequence;
    for round in 0..quotas.iter().copied().max().unwrap_or(0) {
        choosing.retain(|&rank| {
            let choice = (quotas[rank] > round).then(|| supply.choose(rank));
            match choice.flatten() {
                Some(choice) => {
                    supply.take(rank, &choice);
                    true
                }
                None => false,
            }
        });
        if choosing.is_empty() {
            break;
        }
    }
}

/// The closest pair of all is made first, round after round.
pub(crate) fn closest_first(supply: &mut impl Supply, quotas: &[u32]) {
    let mut choosing: Vec<usize> = (0..supply.n_focal()).collect();
    for round in 0..quotas.iter().copied().max().unwrap_or(0) {
        choosing.retain(|&rank| quotas[rank] > round);
        let mut queue: BinaryHeap<Reverse<(u64, usize)>> =
            BinaryHeap::with_capacity(choosing.len());
        for rank in choosing.drain(..) {
            let choice = supply.choose(rank);
            queue.extend(choice.map(|choice| Reverse((choice.distance.to_bits(), rank))));
        }
        while let Some(Reverse((bits, rank))) = queue.pop() {
            // Its comparator may be gone since; then it waits its turn with the next nearest.
            if let Some(choice) = supply.choose(rank) {
                if choice.distance.to_bits() > bits {
                    queue.push(Reverse((choice.distance.to_bits(), rank)));
                } else {
                    supply.take(rank, &choice);
                    choosing.push(rank);
                }
            }
        }
        if choosing.is_empty() {
            break;
        }
    }
}

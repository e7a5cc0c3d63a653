//! Counts that add up, and what can be told of one from the others.
//!
//! Every table with margins, every hierarchy, link and earlier release is the same thing here:
//! whole numbers, none below zero, and sums that hold among them. What a reader knows of a number
//! is an interval; what an attacker can find out are the numbers that fit all intervals and sums.

mod mending;
mod network;
mod search;

pub(crate) use search::{Cubes, Freedom, Price, Search};

/// A bound that is none.
pub(crate) const UNBOUNDED: i64 = i64::MAX / 8;

/// What is known of a number: it lies between two ends, both within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) least: i64,
    pub(crate) most: i64,
}

/// A number equal to the sum of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) total: usize,
    pub(crate) parts: Vec<usize>,
}

/// Where a number stands in a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) sum: usize,
    /// 1 for the total, −1 for a part.
    pub(crate) sign: i64,
}

/// Numbers, and the sums that hold among them.
#[derive(Debug, Clone)]
pub(crate) struct System {
    pub(crate) sums: Vec<Sum>,
    /// Where each number stands.
    pub(crate) places: Vec<Vec<Place>>,
}

/// A change of some numbers that leaves every sum true: each by how much.
pub(crate) type Move = Vec<(usize, i64)>;

impl Interval {
    pub(crate) const ANY: Self = Self {
        least: 0,
        most: UNBOUNDED,
    };

    /// What is known by both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            least: self.least.max(other.least),
            most: self.most.min(other.most),
        }
    }

    pub(crate) fn holds(self, value: i64) -> bool {
        (self.least..=self.most).contains(&value)
    }

    /// How far a value may move before it leaves the interval: up if `direction` is above 0.
    pub(crate) fn room(self, value: i64, direction: i64) -> i64 {
        if direction > 0 {
            self.most - value
        } else {
            value - self.least
        }
    }
}

impl System {
    pub(crate) fn new(n_numbers: usize, sums: Vec<Sum>) -> Self {
        let mut places = vec![Vec::new(); n_numbers];
        for (sum, Sum { total, parts }) in sums.iter().enumerate() {
            places[*total].push(Place { sum, sign: 1 });
            for part in parts {
                places[*part].push(Place { sum, sign: -1 });
            }
        }
        Self { sums, places }
    }

    /// The first sum that does not hold.
    pub(crate) fn first_untrue(&self, values: &[i64]) -> Option<&Sum> {
        self.sums.iter().find(|sum| {
            let parts: i64 = sum.parts.iter().map(|part| values[*part]).sum();
            values[sum.total] != parts
        })
    }

    /// The numbers of a sum.
    pub(crate) fn numbers(&self, sum: usize) -> impl Iterator<Item = usize> + '_ {
        let Sum { total, parts } = &self.sums[sum];
        std::iter::once(*total).chain(parts.iter().copied())
    }

    /// The sign of a number in a sum: 0 if it is not in it.
    pub(crate) fn sign(&self, number: usize, sum: usize) -> i64 {
        self.places[number]
            .iter()
            .find(|place| place.sum == sum)
            .map_or(0, |place| place.sign)
    }
}

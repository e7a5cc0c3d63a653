//! What a matching costs: units left out first, then distance.

use std::cmp::Ordering;
use std::ops::{Add, Neg, Sub};

/// Units left out, weighted, and then distance: the first counts before the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost(pub(crate) i64, pub(crate) f64);

/// No cost.
pub(crate) const FREE: Cost = Cost(0, 0.0);

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0, self.1 - other.1)
    }
}

impl Neg for Cost {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0, -self.1)
    }
}

impl Eq for Cost {}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cost {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0).then(self.1.total_cmp(&other.1))
    }
}

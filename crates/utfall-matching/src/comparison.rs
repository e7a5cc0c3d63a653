//! What every way of finding comparators results in, whatever the method.

use utfall_core::Estimand;

use crate::{Matched, Membership};

/// Units made comparable: a weight for each, and the sets they were compared in.
pub trait Comparison {
    /// What an effect over these units is an effect of.
    fn estimand(&self) -> Estimand;

    /// A weight for each unit, zero for those left out. Each arm adds up to its units with a weight.
    fn weights(&self) -> Vec<f64>;

    /// The set of each unit, `None` for units left out; `None` altogether if units serve in several.
    fn set_of_unit(&self) -> Option<Vec<Option<usize>>>;

    /// One row for each unit in each of its sets; a set's weights add up to one in each arm.
    fn memberships(&self) -> Vec<Membership>;

    /// The mean absolute difference of these values, one for each unit, over every pair of a
    /// treated unit and a comparator of one set.
    fn mean_pair_difference(&self, values: &[f64]) -> f64;
}

/// A comparison of a sample whose units have sampling weights: a unit counts as its weight in the
/// comparison times that of sampling.
#[derive(Clone, Copy)]
pub struct Sampled<'a> {
    /// The comparison.
    pub comparison: &'a dyn Comparison,
    /// The sampling weight of each unit.
    pub sampling_weights: &'a [f64],
}

impl Comparison for Sampled<'_> {
    fn estimand(&self) -> Estimand {
        self.comparison.estimand()
    }

    fn weights(&self) -> Vec<f64> {
        let weights = self.comparison.weights().into_iter();
        weights
            .zip(self.sampling_weights)
            .map(|(weight, sampling)| weight * sampling)
            .collect()
    }

    fn set_of_unit(&self) -> Option<Vec<Option<usize>>> {
        self.comparison.set_of_unit()
    }

    fn memberships(&self) -> Vec<Membership> {
        let mut rows = self.comparison.memberships();
        for row in &mut rows {
            row.weight *= self.sampling_weights[row.unit];
        }
        rows
    }

    fn mean_pair_difference(&self, values: &[f64]) -> f64 {
        self.comparison.mean_pair_difference(values)
    }
}

impl Comparison for Matched {
    fn estimand(&self) -> Estimand {
        self.estimand()
    }

    fn weights(&self) -> Vec<f64> {
        self.weights()
    }

    fn set_of_unit(&self) -> Option<Vec<Option<usize>>> {
        self.set_of_unit()
    }

    fn memberships(&self) -> Vec<Membership> {
        self.memberships().collect()
    }

    fn mean_pair_difference(&self, values: &[f64]) -> f64 {
        let pairs = self.pairs();
        let apart: Vec<f64> = pairs.map(|(t, c)| (values[t] - values[c]).abs()).collect();
        utfall_stats::moments::mean(&apart)
    }
}

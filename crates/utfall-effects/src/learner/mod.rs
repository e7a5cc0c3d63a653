//! Flexible models of outcomes and scores, for cross-fitted estimates.
//!
//! A learner predicts well and says nothing of its own uncertainty: it belongs inside
//! [`crate::doubly_robust`], [`crate::targeted`] or [`crate::partially_linear`] with folds. Every one is
//! deterministic: no rows or columns are drawn but the folds of a tuned penalty, from its seed, and ties
//! go to the first column and the lowest split.

mod boosted;
mod penalised;
mod tree;
mod tuned;

use serde::{Deserialize, Serialize};

use crate::EffectError;
use crate::power::refuse;
use boosted::Boosted;
use penalised::Penalised;
use tree::{Sorted, Tree, TreeShape};
use tuned::Shrinks;
pub use tuned::Tuning;

/// A model that is fitted to some rows and predicts others.
///
/// A score is predicted as a probability: by the penalised logistic likelihood, by the share of treated
/// in a leaf, or by boosting the logistic likelihood. Penalties and shapes are given; a penalty may be
/// tuned instead by how well it predicts rows left out.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Learner {
    /// Linear in the covariates, half the penalty times the sum of squared coefficients added to half
    /// the mean square (or to the mean of the logistic loss).
    #[serde(rename_all = "kebab-case")]
    Ridge {
        /// The penalty, zero or above, of covariates scaled to a standard deviation of one (divisor
        /// `n`) in the rows fitted.
        penalty: f64,
    },
    /// The same with the penalty times the sum of absolute coefficients (Tibshirani 1996).
    #[serde(rename_all = "kebab-case")]
    Lasso {
        /// The penalty, as for ridge.
        penalty: f64,
    },
    /// Ridge with the penalty that predicts rows left out best.
    RidgeTuned(Tuning),
    /// Lasso with the penalty that predicts rows left out best.
    LassoTuned(Tuning),
    /// One regression tree (Breiman et al. 1984).
    #[serde(rename_all = "kebab-case")]
    Tree {
        /// Splits between the top and a leaf, at most.
        depth: u32,
        /// Fewest rows in a leaf.
        least_leaf: usize,
    },
    /// Trees added up, each fitted to what those before it leave (Friedman 2001).
    #[serde(rename_all = "kebab-case")]
    BoostedTrees {
        /// Their number.
        n_trees: u32,
        /// Share of each tree that is added, above 0 and at most 1.
        learning_rate: f64,
        /// Splits between the top and a leaf of each, at most.
        depth: u32,
        /// Fewest rows in a leaf.
        least_leaf: usize,
    },
}

/// What is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A number, by least squares.
    Number,
    /// The probability of an outcome that is 0 or 1.
    Probability,
}

/// A learner as fitted.
pub(crate) enum Learned {
    Penalised(Penalised, Target),
    Tree(Tree),
    Boosted(Boosted),
}

impl Learner {
    /// Fits an outcome to covariates, which hold no constant.
    ///
    /// # Errors
    ///
    /// - [`EffectError::OutsideRange`] for a penalty below zero, a rate outside `(0, 1]`, trees or
    ///   leaves of none, a tuning of less than two penalties or folds.
    /// - [`EffectError::NoVariation`] if no row is given or, for a probability, one outcome alone.
    /// - [`EffectError::NotConverged`] for a penalty so small that there is no optimum.
    pub(crate) fn fit(
        &self,
        target: Target,
        columns: &[&[f64]],
        outcome: &[f64],
    ) -> Result<Learned, EffectError> {
        self.check()?;
        let total = utfall_stats::sums::sum(outcome);
        let n_rows = utfall_stats::moments::count(outcome.len());
        let has_both = total > 0.0 && total < n_rows;
        if outcome.is_empty() || (target == Target::Probability && !has_both) {
            return Err(EffectError::NoVariation);
        }
        Ok(match *self {
            Self::Ridge { penalty } => shrunk(Shrinks::Squares, penalty, target, columns, outcome)?,
            Self::Lasso { penalty } => shrunk(Shrinks::Sizes, penalty, target, columns, outcome)?,
            Self::RidgeTuned(tuning) => {
                let penalty = tuning.choose(Shrinks::Squares, target, columns, outcome)?;
                shrunk(Shrinks::Squares, penalty, target, columns, outcome)?
            }
            Self::LassoTuned(tuning) => {
                let penalty = tuning.choose(Shrinks::Sizes, target, columns, outcome)?;
                shrunk(Shrinks::Sizes, penalty, target, columns, outcome)?
            }
            Self::Tree { depth, least_leaf } => {
                let shape = TreeShape { depth, least_leaf };
                Learned::Tree(Tree::fit(&Sorted::of(columns), shape, columns, outcome))
            }
            Self::BoostedTrees {
                n_trees,
                learning_rate,
                depth,
                least_leaf,
            } => {
                let shape = TreeShape { depth, least_leaf };
                Learned::Boosted(Boosted::fit(
                    target,
                    n_trees,
                    learning_rate,
                    shape,
                    columns,
                    outcome,
                ))
            }
        })
    }

    fn check(&self) -> Result<(), EffectError> {
        let leaf = |least_leaf: usize| {
            let rows = utfall_stats::moments::count(least_leaf);
            refuse("fewest rows in a leaf", rows, least_leaf > 0)
        };
        match *self {
            Self::Ridge { penalty } | Self::Lasso { penalty } => {
                refuse("penalty", penalty, penalty.is_finite() && penalty >= 0.0)
            }
            Self::RidgeTuned(tuning) | Self::LassoTuned(tuning) => tuning.check(),
            Self::Tree { least_leaf, .. } => leaf(least_leaf),
            Self::BoostedTrees {
                n_trees,
                learning_rate,
                least_leaf,
                ..
            } => {
                let is_rate = learning_rate > 0.0 && learning_rate <= 1.0;
                refuse("learning rate", learning_rate, is_rate)?;
                refuse("number of trees", f64::from(n_trees), n_trees > 0)?;
                leaf(least_leaf)
            }
        }
    }
}

fn shrunk(
    shrinks: Shrinks,
    penalty: f64,
    target: Target,
    columns: &[&[f64]],
    outcome: &[f64],
) -> Result<Learned, EffectError> {
    let fitted = Penalised::fit(shrinks.by(penalty), target, columns, outcome)?;
    Ok(Learned::Penalised(fitted, target))
}

impl Learned {
    /// What it says of other rows, of the same columns.
    pub(crate) fn predict(&self, columns: &[&[f64]], n_rows: usize) -> Vec<f64> {
        match self {
            Self::Penalised(linear, target) => linear.predict(*target, columns, n_rows),
            Self::Tree(tree) => (0..n_rows).map(|row| tree.at(columns, row)).collect(),
            Self::Boosted(boosted) => boosted.predict(columns, n_rows),
        }
    }
}

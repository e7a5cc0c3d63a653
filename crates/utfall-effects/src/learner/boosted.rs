//! Trees added up, each fitted to what those before it leave: gradient boosting.
//!
//! Friedman (2001), <https://doi.org/10.1214/aos/1013203451>. No row or column is drawn.

use utfall_stats::elementary::log;
use utfall_stats::logistic::probability;
use utfall_stats::moments::mean;

use super::Target;
use super::tree::{Sorted, Tree, TreeShape};

/// A fitted sum of trees.
pub(crate) struct Boosted {
    target: Target,
    start: f64,
    learning_rate: f64,
    trees: Vec<Tree>,
}

impl Boosted {
    /// Fits them; for a probability the outcome is 0 or 1 and holds both.
    pub(super) fn fit(
        target: Target,
        n_trees: u32,
        learning_rate: f64,
        shape: TreeShape,
        columns: &[&[f64]],
        outcome: &[f64],
    ) -> Self {
        let centre = mean(outcome);
        let start = match target {
            Target::Number => centre,
            Target::Probability => log(centre / (1.0 - centre)),
        };
        let sorted = Sorted::of(columns);
        let mut predictor = vec![start; outcome.len()];
        let mut trees = Vec::new();
        for _ in 0..n_trees {
            let fitted: Vec<f64> = match target {
                Target::Number => predictor.clone(),
                Target::Probability => predictor.iter().map(|&eta| probability(eta)).collect(),
            };
            let left: Vec<f64> = outcome.iter().zip(&fitted).map(|(y, m)| y - m).collect();
            let leaf = |rows: &[u32]| {
                let total: f64 = rows.iter().map(|&row| left[row as usize]).sum();
                let curvature: f64 = match target {
                    Target::Number => utfall_stats::moments::count(rows.len()),
                    Target::Probability => rows
                        .iter()
                        .map(|&row| fitted[row as usize] * (1.0 - fitted[row as usize]))
                        .sum(),
                };
                // Where every probability is 0 or 1 nothing is left to fit.
                if curvature > 1e-150 {
                    total / curvature
                } else {
                    0.0
                }
            };
            let tree = Tree::fit_leaves(&sorted, shape, columns, &left, &leaf);
            for (row, predictor) in predictor.iter_mut().enumerate() {
                *predictor += learning_rate * tree.at(columns, row);
            }
            trees.push(tree);
        }
        Self {
            target,
            start,
            learning_rate,
            trees,
        }
    }

    pub(super) fn predict(&self, columns: &[&[f64]], n_rows: usize) -> Vec<f64> {
        let value = |row: usize| {
            let trees = self.trees.iter();
            let added = trees.map(|tree| self.learning_rate * tree.at(columns, row));
            let predictor = added.fold(self.start, |sum, more| sum + more);
            match self.target {
                Target::Number => predictor,
                Target::Probability => probability(predictor),
            }
        };
        (0..n_rows).map(value).collect()
    }
}
